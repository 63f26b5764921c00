//! What is looked at and touched while singing, big: the slots, the note sung and the note put
//! out, one meter, bypass, and the truth in one line. Fills whatever window there is.

use super::{GAP, MARGIN, browser, header, messages, morph, panel, pitch, place, slots, status};
use crate::editor::View;
use crate::editor::state::State;
use crate::editor::theme;
use crate::editor::tips::tip;
use crate::editor::widgets::meter::meter;
use crate::editor::widgets::stepper::buttons;
use crate::editor::widgets::toggle::toggle;
use egui::{Align, Layout, Rect, RichText, Ui, pos2, vec2};

const HEADER_HEIGHT: f32 = 34.0;
const STATUS_HEIGHT: f32 = 20.0;
const METER_WIDTH: f32 = 92.0;
/// The morph pad: how wide it is at most, and what share of the window it may take.
const PAD_WIDTH: f32 = 300.0;
const PAD_SHARE: f32 = 0.3;

pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut State) {
    let window = ui.max_rect().shrink(MARGIN);
    let header_at = Rect::from_min_size(window.min, vec2(window.width(), HEADER_HEIGHT));
    place(ui, header_at, |ui| {
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            browser::strip(ui, view, state);
            ui.add_space(6.0);
            header::take_back(ui, view);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let lit = theme::of(ui).sung;
                toggle(ui, view.hand, &view.params.bypass, lit).on_hover_text(tip("bypass"));
                header::look(ui, state);
            });
        });
    });
    let status_at = Rect::from_min_max(
        pos2(window.left(), window.bottom() - STATUS_HEIGHT),
        window.max,
    );
    let middle = Rect::from_min_max(
        pos2(window.left(), header_at.bottom() + GAP),
        pos2(window.right(), status_at.top() - GAP),
    );
    let slots_height = (middle.height() * 0.24).clamp(40.0, 140.0);
    let slots_at = Rect::from_min_max(
        pos2(middle.left(), middle.bottom() - slots_height),
        middle.max,
    );
    let upper = Rect::from_min_max(middle.min, pos2(middle.right(), slots_at.top() - GAP));
    let meter_at = Rect::from_min_max(pos2(upper.right() - METER_WIDTH, upper.top()), upper.max);
    let mut pitch_at = Rect::from_min_max(upper.min, pos2(meter_at.left() - GAP, upper.bottom()));
    if view.params.morph.on.value() && morph::has_company(view) {
        let width = (window.width() * PAD_SHARE).min(PAD_WIDTH);
        let left = pitch_at.right() - width;
        let pad_at = Rect::from_min_max(pos2(left, upper.top()), pitch_at.max);
        pitch_at.max.x = left - GAP;
        panel(ui, pad_at, "MORPH", |ui| {
            let place = ui.available_rect_before_wrap();
            morph::pad(ui, view, place);
        });
    }
    if state.window.presets {
        panel(ui, pitch_at, "PRESETS", |ui| {
            browser::show(ui, view, &mut state.shelf, &mut state.dialog)
        });
    } else {
        panel(ui, pitch_at, "PITCH", |ui| {
            pitch::show_big(ui, view, &state.trace)
        });
    }
    panel(ui, meter_at, "OUTPUT", |ui| {
        let size = ui.available_size();
        meter(ui, &mut state.output, size);
    });
    buttons(
        ui,
        view.hand,
        &view.params.voice.slot,
        0..=4,
        slots_at,
        |slot| {
            let shown = usize::try_from(slot).ok().and_then(|n| view.voices.slot(n));
            let Some(shown) = shown else {
                return String::new();
            };
            match (&shown.voice, slots::word(&shown.state)) {
                // A slot that is chosen and not heard says why.
                (Some(voice), "") => voice.name.clone(),
                (Some(voice), word) => format!("{}: {word}", voice.name),
                (None, word) if slot == view.params.voice.slot.value() => word.to_owned(),
                (None, _) => String::new(),
            }
        },
    );
    place(ui, status_at, |ui| truth(ui, view));
}

/// One line: how it runs, and the worst there is to know.
fn truth(ui: &mut Ui, view: &View<'_>) {
    let colors = theme::of(ui);
    let small = |text: String, color| RichText::new(text).small().color(color);
    ui.label(small(status::running(view), colors.dim));
    if let Some(worst) = messages::collect(view, colors).into_iter().next() {
        ui.add(egui::Label::new(small(worst.text.clone(), worst.color)).truncate())
            .on_hover_text(worst.text);
    }
}
