//! Widgets for parameters. GUI thread. A widget reads its parameter anew each frame and writes it
//! through the hand alone. Each can be reached with Tab and moved with the keys.

pub mod choice;
pub mod icon;
pub mod keys;
pub mod knob;
pub mod meter;
pub mod pad;
pub mod stepper;
pub mod toggle;

use super::theme;
use egui::{Rect, Response, Stroke, StrokeKind, Ui};
use nice_plug::params::Param;

/// The value as shown, with its unit.
pub fn shown<P: Param>(param: &P) -> String {
    param.normalized_value_to_string(param.modulated_normalized_value(), true)
}

/// Marks what the keys go to.
pub fn mark_focus(ui: &Ui, response: &Response, place: Rect, radius: f32) {
    if response.has_focus() {
        let line = Stroke::new(1.5, theme::of(ui).accent);
        ui.painter()
            .rect_stroke(place, radius, line, StrokeKind::Outside);
    }
}
