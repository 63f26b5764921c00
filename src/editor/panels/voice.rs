//! What the voice becomes.

use crate::editor::View;
use crate::editor::widgets::choice::choice;
use crate::editor::widgets::knob::Knob;
use egui::Ui;

/// Width of a list; three stand side by side.
const WIDTH: f32 = 86.0;

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
            choice(ui, view.setter, &params.slot, WIDTH);
            choice(ui, view.setter, &params.range, WIDTH).on_hover_text(
                "The lowest note expected. A higher range answers sooner; \
                 a change restarts the plugin, because it changes the delay.",
            );
            choice(ui, view.setter, &view.params.system.tracker, WIDTH).on_hover_text(
                "What follows the pitch. Neural is the surest and may add delay; Yin is the \
                 fastest; Auto takes Neural where it adds none. A change restarts the plugin.",
            );
        });
    });
}
