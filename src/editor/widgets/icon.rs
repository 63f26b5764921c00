//! Small buttons with a drawn sign: no font of ours has them all. Screen readers and tests know
//! them by their name.

use super::mark_focus;
use crate::editor::theme;
use egui::{
    Color32, CornerRadius, Painter, Pos2, Response, Role, Sense, Shape, Stroke, StrokeKind, Ui,
    Vec2, WidgetInfo, vec2,
};
use std::f32::consts::{PI, TAU};

const SIZE: Vec2 = vec2(26.0, 24.0);
/// Half of what the sign measures.
const REACH: f32 = 5.5;

/// A sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    /// To the one before.
    Previous,
    /// To the next.
    Next,
    /// Back.
    Undo,
    /// Forth again.
    Redo,
    /// Light colours.
    Sun,
    /// Dark colours.
    Moon,
    /// Away with it.
    Cross,
}

/// Draws a button that is called `name`; where it is not enabled it is faint and cannot be
/// clicked.
pub fn icon_button(ui: &mut Ui, icon: Icon, name: &str, is_enabled: bool) -> Response {
    let colors = theme::of(ui);
    let sense = if is_enabled {
        Sense::click()
    } else {
        Sense::hover()
    };
    let (rect, response) = ui.allocate_exact_size(SIZE, sense);
    let edge = match (is_enabled, response.hovered()) {
        (true, true) => colors.dim,
        _ => colors.line,
    };
    let painter = ui.painter();
    painter.rect(
        rect,
        CornerRadius::same(5),
        colors.raised,
        Stroke::new(1.0, edge),
        StrokeKind::Inside,
    );
    let color = match is_enabled {
        true => colors.text,
        false => colors.line,
    };
    paint(painter, icon, rect.center(), color);
    mark_focus(ui, &response, rect, 5.0);
    response.widget_info(|| WidgetInfo::labeled(Role::Button, is_enabled, name));
    response
}

fn paint(painter: &Painter, icon: Icon, center: Pos2, color: Color32) {
    let line = Stroke::new(1.6, color);
    match icon {
        Icon::Previous => triangle(painter, center, PI, color),
        Icon::Next => triangle(painter, center, 0.0, color),
        Icon::Undo => turn(painter, center, -1.0, line),
        Icon::Redo => turn(painter, center, 1.0, line),
        Icon::Sun => {
            painter.circle_filled(center, REACH * 0.5, color);
            for ray in 0..8 {
                let way = Vec2::angled(ray as f32 * TAU / 8.0);
                let (from, to) = (center + way * REACH * 0.8, center + way * REACH * 1.15);
                painter.line_segment([from, to], Stroke::new(1.2, color));
            }
        }
        Icon::Moon => {
            // The dark part of the disk is bounded by another, bigger one.
            let outer = (0..=24).map(|step| {
                let angle = 0.35 * PI + step as f32 / 24.0 * 1.3 * PI;
                center + Vec2::angled(angle) * REACH
            });
            let other = center + vec2(REACH * 0.75, 0.0);
            let inner = (0..=16).rev().map(|step| {
                let angle = 0.62 * PI + step as f32 / 16.0 * 0.76 * PI;
                other + Vec2::angled(angle) * REACH
            });
            painter.line(outer.chain(inner).collect(), line);
        }
        Icon::Cross => {
            for way in [vec2(1.0, 1.0), vec2(1.0, -1.0)] {
                let way = way * REACH * 0.7;
                painter.line_segment([center - way, center + way], line);
            }
        }
    }
}

fn triangle(painter: &Painter, center: Pos2, turned: f32, color: Color32) {
    let corner = |angle: f32| center + Vec2::angled(angle + turned) * REACH;
    let corners = vec![corner(0.0), corner(TAU / 3.0), corner(-TAU / 3.0)];
    painter.add(Shape::convex_polygon(corners, color, Stroke::NONE));
}

/// An arc with an arrow at its end; forth is clockwise.
fn turn(painter: &Painter, center: Pos2, way: f32, line: Stroke) {
    let at = |share: f32| {
        let angle = -PI / 2.0 + way * (share - 0.5) * 1.4 * PI;
        center + vec2(0.0, 1.0) + Vec2::angled(angle) * REACH
    };
    painter.line((0..=20).map(|step| at(step as f32 / 20.0)).collect(), line);
    let tip = at(1.0);
    let back = (at(0.9) - tip).normalized() * 5.0;
    for side in [-0.7, 0.7] {
        let turned = Vec2::angled(back.angle() + side) * back.length();
        painter.line_segment([tip, tip + turned], line);
    }
}
