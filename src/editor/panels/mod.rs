//! The panels and where they stand. GUI thread; a panel holds no state but what it is handed.

mod correction;
mod header;
mod levels;
mod messages;
pub mod pitch;
mod status;
mod voice;

use super::View;
use super::theme;
use super::widgets::meter::Ballistics;
use egui::{Align2, Layout, Rect, Stroke, StrokeKind, Ui, UiBuilder, pos2, vec2};
use pitch::PitchTrace;

const MARGIN: f32 = 12.0;
const GAP: f32 = 10.0;
const TITLE_HEIGHT: f32 = 20.0;
const SIDE_WIDTH: f32 = 168.0;
const VOICE_WIDTH: f32 = 304.0;

/// Draws the whole window.
pub fn show(
    ui: &mut Ui,
    view: &View<'_>,
    input: &mut Ballistics,
    output: &mut Ballistics,
    trace: &PitchTrace,
) {
    let window = ui.max_rect();
    ui.painter().rect_filled(window, 0.0, theme::BACKGROUND);
    let mut left = window.shrink(MARGIN);
    let mut row = |height: f32| {
        let row = Rect::from_min_size(left.min, vec2(left.width(), height));
        left.min.y += height + GAP;
        row
    };
    place(ui, row(36.0), |ui| header::show(ui, view));
    let [input_at, voice_at, pitch_at, output_at] = columns(row(268.0));
    panel(ui, input_at, "INPUT", |ui| levels::input(ui, view, input));
    panel(ui, voice_at, "VOICE", |ui| voice::show(ui, view));
    panel(ui, pitch_at, "PITCH", |ui| pitch::show(ui, view, trace));
    panel(ui, output_at, "OUTPUT", |ui| {
        levels::output(ui, view, output)
    });
    panel(ui, row(138.0), "CORRECTION", |ui| {
        correction::show(ui, view)
    });
    panel(ui, row(144.0), "SYSTEM", |ui| status::show(ui, view));
}

fn columns(row: Rect) -> [Rect; 4] {
    let pitch_width = row.width() - 2.0 * SIDE_WIDTH - VOICE_WIDTH - 3.0 * GAP;
    let mut left = row.left();
    [SIDE_WIDTH, VOICE_WIDTH, pitch_width, SIDE_WIDTH].map(|width| {
        let column = Rect::from_min_size(pos2(left, row.top()), vec2(width, row.height()));
        left += width + GAP;
        column
    })
}

fn panel(ui: &mut Ui, rect: Rect, title: &str, add: impl FnOnce(&mut Ui)) {
    let line = Stroke::new(1.0, theme::RAISED);
    ui.painter()
        .rect(rect, theme::RADIUS, theme::PANEL, line, StrokeKind::Inside);
    let inner = rect.shrink2(vec2(12.0, 9.0));
    ui.painter().text(
        inner.min,
        Align2::LEFT_TOP,
        title,
        theme::label(),
        theme::DIM,
    );
    let body = Rect::from_min_max(inner.min + vec2(0.0, TITLE_HEIGHT), inner.max);
    place(ui, body, add);
}

fn place(ui: &mut Ui, rect: Rect, add: impl FnOnce(&mut Ui)) {
    let builder = UiBuilder::new()
        .max_rect(rect)
        .layout(Layout::left_to_right(egui::Align::Min));
    ui.scope_builder(builder, add);
}
