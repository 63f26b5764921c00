//! What the voice becomes.

use super::{choice, knob};
use crate::editor::View;
use egui::Ui;

/// Width of a list; three stand side by side.
const WIDTH: f32 = 86.0;

pub fn show(ui: &mut Ui, view: &View<'_>) {
    let params = &view.params.voice;
    ui.vertical(|ui| {
        ui.add_space(14.0);
        ui.horizontal(|ui| {
            for param in [&params.pitch, &params.formant] {
                knob(ui, view, param, |knob| {
                    knob.big().stepped(1.0).centered_on(0.0)
                });
            }
        });
        ui.add_space(20.0);
        ui.horizontal(|ui| {
            choice(ui, view, &params.slot, WIDTH);
            choice(ui, view, &params.range, WIDTH);
            choice(ui, view, &view.params.system.tracker, WIDTH);
        });
    });
}
