//! Which notes the voice is drawn to.

use super::{choice, knob, toggle};
use crate::editor::View;
use crate::editor::widgets::keys::keyboard;
use egui::{Ui, vec2};

pub fn show(ui: &mut Ui, view: &View<'_>) {
    let params = &view.params.correction;
    ui.spacing_mut().item_spacing.x = 14.0;
    ui.vertical(|ui| {
        ui.add_space(12.0);
        toggle(ui, view, &params.correct);
        ui.add_space(4.0);
        choice(ui, view, &params.midi_mode, 116.0);
    });
    ui.vertical(|ui| {
        choice(ui, view, &params.key, 150.0);
        choice(ui, view, &params.scale, 150.0);
    });
    // The keyboard takes what the knobs leave.
    let knobs = 4.0 * 76.0 + 3.0 * 14.0;
    let width = (ui.available_width() - knobs - 14.0).clamp(180.0, 320.0);
    ui.vertical(|ui| {
        ui.add_space(8.0);
        keyboard(ui, view.hand, view.params, vec2(width, 88.0));
    });
    ui.vertical(|ui| {
        ui.add_space(8.0);
        ui.horizontal(|ui| {
            for param in [&params.retune_ms, &params.amount, &params.humanize] {
                knob(ui, view, param, |knob| knob);
            }
            knob(ui, view, &params.tuning_hz, |knob| knob.centered_on(440.0));
        });
    });
}
