//! A lamp that switches.

use super::mark_focus;
use crate::editor::hand::Hand;
use crate::editor::theme;
use egui::{Align2, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};
use nice_plug::params::{BoolParam, Param};

/// Draws a switch with the parameter's name; a click turns it over.
pub fn toggle(ui: &mut Ui, hand: &Hand<'_>, param: &BoolParam, lit: egui::Color32) -> Response {
    let colors = theme::of(ui);
    let is_on = param.modulated_plain_value();
    let galley = ui
        .painter()
        .layout_no_wrap(param.name().to_owned(), theme::value(), colors.text);
    let size = vec2(galley.size().x + 38.0, 26.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    if response.clicked() {
        hand.set_once(param, !param.unmodulated_plain_value());
    }
    mark_focus(ui, &response, rect.expand(1.0), 13.0);
    let edge = match (is_on, response.hovered()) {
        (true, _) => lit.gamma_multiply(0.8),
        (false, true) => colors.dim,
        (false, false) => colors.line,
    };
    let painter = ui.painter();
    painter.rect(
        rect,
        13.0,
        if is_on {
            lit.gamma_multiply(0.18)
        } else {
            colors.raised
        },
        Stroke::new(1.0, edge),
        StrokeKind::Inside,
    );
    let lamp = rect.left_center() + vec2(14.0, 0.0);
    painter.circle_filled(lamp, 4.5, if is_on { lit } else { colors.sunken });
    painter.text(
        rect.left_center() + vec2(25.0, 0.0),
        Align2::LEFT_CENTER,
        param.name(),
        theme::value(),
        if is_on { colors.text } else { colors.dim },
    );
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, is_on, param.name()));
    response
}
