//! What the voice becomes.

use crate::editor::View;
use crate::editor::widgets::choice::choice;
use crate::editor::widgets::knob::Knob;
use egui::Ui;

pub fn show(ui: &mut Ui, view: &View<'_>) {
    let params = &view.params.voice;
    ui.vertical(|ui| {
        ui.add_space(14.0);
        ui.horizontal(|ui| {
            Knob::new(&params.pitch, view.setter)
                .big()
                .stepped(1.0)
                .centered_on(0.0)
                .show(ui);
            Knob::new(&params.formant, view.setter)
                .big()
                .stepped(1.0)
                .centered_on(0.0)
                .show(ui);
        });
        ui.add_space(20.0);
        ui.horizontal(|ui| {
            choice(ui, view.setter, &params.slot, 136.0);
            choice(ui, view.setter, &params.range, 136.0).on_hover_text(
                "The lowest note expected. A higher range answers sooner; \
                 a change restarts the plugin, because it changes the delay.",
            );
        });
    });
}
