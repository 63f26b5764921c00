//! The panels and where they stand. GUI thread; a panel holds no state but what it is handed.

mod browser;
mod correction;
mod device;
mod header;
mod levels;
mod messages;
mod morph;
pub mod pitch;
pub mod slots;
mod stage;
mod status;
mod studio;
mod voice;

use super::View;
use super::dialog::Purpose;
use super::settings::Scene;
use super::state::State;
use super::theme;
use super::tips::tip;
use super::widgets;
use super::widgets::knob::Knob;
use crate::io::Existing;
use egui::{
    Align2, FontId, Id, LayerId, Layout, Order, Rect, Response, Stroke, StrokeKind, Ui, UiBuilder,
    vec2,
};
use nice_plug::params::{BoolParam, FloatParam, IntParam, Param};
use std::path::Path;

const MARGIN: f32 = 12.0;
const GAP: f32 = 10.0;
const TITLE_HEIGHT: f32 = 20.0;

/// Draws the whole window.
pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut State) {
    let window = ui.max_rect();
    ui.painter()
        .rect_filled(window, 0.0, theme::of(ui).background);
    match state.window.scene {
        Scene::Studio => studio::show(ui, view, state),
        Scene::Stage => stage::show(ui, view, state),
    }
    invite(ui, window);
}

/// Says over everything what becomes of the files that are held over the window.
fn invite(ui: &Ui, window: Rect) {
    let held = ui.input(|input| input.raw.hovered_files.clone());
    let files: Vec<&Path> = held
        .iter()
        .filter_map(|file| file.path.as_deref())
        .collect();
    let text = match files[..] {
        [] => return,
        [file] => {
            let name = file.file_name().unwrap_or_default().to_string_lossy();
            let becomes = if is_preset(file) { "use" } else { "import" };
            format!("Drop to {becomes} {name}")
        }
        _ => format!("Drop to import {} files", files.len()),
    };
    let colors = theme::of(ui);
    let layer = LayerId::new(Order::Foreground, Id::unique("dropping"));
    let painter = ui.ctx().layer_painter(layer);
    painter.rect(
        window.shrink(0.5 * GAP),
        theme::RADIUS,
        colors.background.gamma_multiply(0.9),
        Stroke::new(2.0, colors.accent),
        StrokeKind::Inside,
    );
    painter.text(
        window.center(),
        Align2::CENTER_CENTER,
        text,
        FontId::proportional(22.0),
        colors.text,
    );
}

fn is_preset(file: &Path) -> bool {
    file.extension()
        .is_some_and(|extension| extension == "toml")
}

/// Takes in files that were dropped onto the window or chosen in the dialog.
pub fn take_files(ui: &mut Ui, view: &View<'_>, state: &mut State) {
    let dropped = ui.input(|input| input.raw.dropped_files.clone());
    for file in dropped.iter().map(|dropped| dropped.path().to_owned()) {
        match is_preset(&file) {
            true => state.shelf.take_file(&file, view.params, view.hand),
            false => slots::import(view, file),
        }
    }
    match state.dialog.answer() {
        Some((Purpose::Voice, Some(file))) => slots::chosen(view, &mut state.slots, file),
        Some((Purpose::Preset, Some(file))) => {
            state.shelf.take_file(&file, view.params, view.hand);
        }
        Some((Purpose::PresetCopy, Some(file))) => state.shelf.export_to(&file, Existing::Replace),
        // That is what others ask for.
        Some((Purpose::Recordings, _) | (_, None)) | None => {}
    }
}

/// A knob with its explanation; `look` says what is special about it.
fn knob<'a>(
    ui: &mut Ui,
    view: &'a View<'a>,
    param: &'a FloatParam,
    look: impl FnOnce(Knob<'a>) -> Knob<'a>,
) -> Response {
    let knob = look(Knob::new(param, view.hand));
    knob.show(ui).on_hover_text(explain(view, param))
}

/// A list with its explanation.
fn choice(ui: &mut Ui, view: &View<'_>, param: &IntParam, width: f32) -> Response {
    choice_noted(ui, view, param, width, |_| None)
}

/// The same with a note behind each value of the list.
fn choice_noted(
    ui: &mut Ui,
    view: &View<'_>,
    param: &IntParam,
    width: f32,
    note: impl Fn(i32) -> Option<String>,
) -> Response {
    let choice = widgets::choice::choice(ui, view.hand, param, width, note);
    choice.on_hover_text(explain(view, param))
}

/// A switch with its explanation.
fn toggle(ui: &mut Ui, view: &View<'_>, param: &BoolParam) -> Response {
    let lit = theme::of(ui).accent;
    widgets::toggle::toggle(ui, view.hand, param, lit).on_hover_text(explain(view, param))
}

fn explain<P: Param>(view: &View<'_>, param: &P) -> &'static str {
    view.hand.id_of(param).map_or("", tip)
}

fn panel(ui: &mut Ui, rect: Rect, title: &str, add: impl FnOnce(&mut Ui)) {
    let colors = theme::of(ui);
    let line = Stroke::new(1.0, colors.raised);
    ui.painter()
        .rect(rect, theme::RADIUS, colors.panel, line, StrokeKind::Inside);
    let inner = rect.shrink2(vec2(12.0, 9.0));
    ui.painter().text(
        inner.min,
        Align2::LEFT_TOP,
        title,
        theme::label(),
        colors.dim,
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
