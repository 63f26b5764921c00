//! Buttons side by side for the values of a stepped parameter: one click, readable from afar.

use super::mark_focus;
use crate::editor::hand::Hand;
use crate::editor::theme;
use egui::{Align2, FontId, Rect, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, pos2, vec2};
use nice_plug::params::{IntParam, Param};

const GAP: f32 = 8.0;

/// Draws one button for each of these values, filling the rectangle; `note` says what stands
/// small under the name.
pub fn buttons(
    ui: &mut Ui,
    hand: &Hand<'_>,
    param: &IntParam,
    values: std::ops::RangeInclusive<i32>,
    rect: Rect,
    note: impl Fn(i32) -> String,
) {
    let colors = theme::of(ui);
    let count = values.clone().count().max(1) as f32;
    let width = (rect.width() - GAP * (count - 1.0)) / count;
    let now = param.modulated_plain_value();
    for (at, value) in values.enumerate() {
        let left = rect.left() + at as f32 * (width + GAP);
        let place = Rect::from_min_size(pos2(left, rect.top()), vec2(width, rect.height()));
        let name = param.normalized_value_to_string(param.preview_normalized(value), true);
        let id = ui.scope_id().with((param.name(), value));
        let response = ui.interact(place, id, Sense::click());
        if response.clicked() && value != now {
            hand.set_once(param, value);
        }
        let is_on = value == now;
        let (fill, edge, text) = match (is_on, response.hovered()) {
            (true, _) => (
                colors.accent.gamma_multiply(0.2),
                colors.accent,
                colors.text,
            ),
            (false, true) => (colors.raised, colors.dim, colors.text),
            (false, false) => (colors.raised, colors.line, colors.dim),
        };
        let painter = ui.painter();
        let line = Stroke::new(if is_on { 2.0 } else { 1.0 }, edge);
        painter.rect(place, 8.0, fill, line, StrokeKind::Inside);
        let size = (place.height() * 0.34).clamp(12.0, (width / 5.5).max(12.0));
        let note = short(note(value), width / (size * 0.6 * 0.6));
        let raise = if note.is_empty() { 0.0 } else { size * 0.45 };
        painter.text(
            place.center() - vec2(0.0, raise),
            Align2::CENTER_CENTER,
            &name,
            FontId::proportional(size),
            text,
        );
        painter.text(
            place.center() + vec2(0.0, size * 0.75),
            Align2::CENTER_CENTER,
            note,
            FontId::proportional(size * 0.6),
            colors.dim,
        );
        mark_focus(ui, &response, place, 8.0);
        response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_on, &name));
    }
}

/// The text with at most about so many characters.
fn short(text: String, most: f32) -> String {
    let most = most.max(4.0) as usize;
    match text.chars().count() <= most {
        true => text,
        false => text.chars().take(most - 1).chain(['…']).collect(),
    }
}
