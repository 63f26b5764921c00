//! A lamp that switches.

use super::set_once;
use crate::editor::theme;
use egui::{Align2, Response, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};
use nice_plug::context::gui::ParamSetter;
use nice_plug::params::{BoolParam, Param};

/// Draws a switch with the parameter's name; a click turns it over.
pub fn toggle(
    ui: &mut Ui,
    setter: &ParamSetter<'_>,
    param: &BoolParam,
    lit: egui::Color32,
) -> Response {
    let is_on = param.modulated_plain_value();
    let galley = ui
        .painter()
        .layout_no_wrap(param.name().to_owned(), theme::value(), theme::TEXT);
    let size = vec2(galley.size().x + 38.0, 26.0);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    if response.clicked() {
        set_once(setter, param, !param.unmodulated_plain_value());
    }
    let edge = match (is_on, response.hovered()) {
        (true, _) => lit.gamma_multiply(0.8),
        (false, true) => theme::DIM,
        (false, false) => theme::LINE,
    };
    let painter = ui.painter();
    painter.rect(
        rect,
        13.0,
        if is_on {
            lit.gamma_multiply(0.18)
        } else {
            theme::RAISED
        },
        Stroke::new(1.0, edge),
        StrokeKind::Inside,
    );
    let lamp = rect.left_center() + vec2(14.0, 0.0);
    painter.circle_filled(lamp, 4.5, if is_on { lit } else { theme::SUNKEN });
    painter.text(
        rect.left_center() + vec2(25.0, 0.0),
        Align2::LEFT_CENTER,
        param.name(),
        theme::value(),
        if is_on { theme::TEXT } else { theme::DIM },
    );
    response.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, is_on, param.name()));
    response
}
