//! Which notes the voice is drawn to.

use crate::editor::View;
use crate::editor::theme;
use crate::editor::widgets::choice::choice;
use crate::editor::widgets::keys::keyboard;
use crate::editor::widgets::knob::Knob;
use crate::editor::widgets::toggle::toggle;
use egui::{Ui, vec2};

pub fn show(ui: &mut Ui, view: &View<'_>) {
    let (params, setter) = (&view.params.correction, view.setter);
    ui.spacing_mut().item_spacing.x = 14.0;
    ui.vertical(|ui| {
        ui.add_space(12.0);
        toggle(ui, setter, &params.correct, theme::ACCENT);
        ui.add_space(4.0);
        choice(ui, setter, &params.midi_mode, 116.0);
    });
    ui.vertical(|ui| {
        choice(ui, setter, &params.key, 150.0);
        choice(ui, setter, &params.scale, 150.0);
    });
    ui.vertical(|ui| {
        ui.add_space(8.0);
        keyboard(ui, setter, view.params, vec2(238.0, 88.0));
    });
    ui.vertical(|ui| {
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            for knob in [&params.retune_ms, &params.amount, &params.humanize] {
                Knob::new(knob, setter).show(ui);
            }
            Knob::new(&params.tuning_hz, setter)
                .centered_on(440.0)
                .show(ui);
        });
    });
}
