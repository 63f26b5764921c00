//! Everything there is to set, in rows that fill the window. Where the window is too small for
//! them it scrolls.

use super::{GAP, MARGIN, browser, correction, header, levels, panel, pitch, place, status, voice};
use crate::editor::View;
use crate::editor::state::State;
use egui::{Rect, ScrollArea, Ui, pos2, vec2};

const INPUT_WIDTH: f32 = 168.0;
const OUTPUT_WIDTH: f32 = 252.0;
const VOICE_WIDTH: f32 = 328.0;
const HEADER_HEIGHT: f32 = 36.0;
const MAIN_HEIGHT: f32 = 346.0;
const CORRECTION_HEIGHT: f32 = 138.0;
const STATUS_HEIGHT: f32 = 144.0;
/// What all of it needs in points.
const LEAST: egui::Vec2 = vec2(
    1064.0,
    2.0 * MARGIN + HEADER_HEIGHT + MAIN_HEIGHT + CORRECTION_HEIGHT + STATUS_HEIGHT + 3.0 * GAP,
);

pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut State) {
    let window = ui.max_rect();
    if LEAST.x <= window.width() && LEAST.y <= window.height() {
        return rows(ui, view, state, window);
    }
    ScrollArea::both().auto_shrink(false).show(ui, |ui| {
        let (_, all) = ui.allocate_space(window.size().max(LEAST));
        rows(ui, view, state, all);
    });
}

fn rows(ui: &mut Ui, view: &View<'_>, state: &mut State, window: Rect) {
    let mut left = window.shrink(MARGIN);
    let mut row = |height: f32| {
        let row = Rect::from_min_size(left.min, vec2(left.width(), height));
        left.min.y += height + GAP;
        row
    };
    place(ui, row(HEADER_HEIGHT), |ui| header::show(ui, view, state));
    // The pitch is what gains by a bigger window.
    let spare = (window.height() - LEAST.y).max(0.0);
    let [input_at, voice_at, pitch_at, output_at] = columns(row(MAIN_HEIGHT + spare));
    if state.window.presets {
        panel(ui, input_at.union(voice_at), "PRESETS", |ui| {
            browser::show(ui, view, &mut state.shelf, &mut state.dialog)
        });
    } else {
        panel(ui, input_at, "INPUT", |ui| {
            levels::input(ui, view, &mut state.input)
        });
        panel(ui, voice_at, "VOICE", |ui| {
            voice::show(ui, view, &mut state.slots, &mut state.dialog)
        });
    }
    panel(ui, pitch_at, "PITCH", |ui| {
        pitch::show(ui, view, &state.trace)
    });
    panel(ui, output_at, "OUTPUT", |ui| {
        levels::output(ui, view, &mut state.output)
    });
    panel(ui, row(CORRECTION_HEIGHT), "CORRECTION", |ui| {
        correction::show(ui, view)
    });
    panel(ui, row(STATUS_HEIGHT), "SYSTEM", |ui| {
        status::show(ui, view)
    });
}

fn columns(row: Rect) -> [Rect; 4] {
    let others = INPUT_WIDTH + VOICE_WIDTH + OUTPUT_WIDTH;
    let pitch_width = row.width() - others - 3.0 * GAP;
    let mut left = row.left();
    [INPUT_WIDTH, VOICE_WIDTH, pitch_width, OUTPUT_WIDTH].map(|width| {
        let column = Rect::from_min_size(pos2(left, row.top()), vec2(width, row.height()));
        left += width + GAP;
        column
    })
}
