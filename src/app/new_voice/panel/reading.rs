//! The script, sentence by sentence, with the level, what was found, and how much there is; and the
//! way on to the training.

use super::{Wish, bar, card, clock, main_button, words};
use crate::app::new_voice::Desk;
use crate::app::new_voice::level::{Advice, GOOD_DB, LOWEST_DB};
use crate::app::new_voice::script;
use crate::app::new_voice::session::{BUDGETS, GOOD_S, Hand, Mic, Sentence, USABLE_S};
use crate::app::new_voice::words::of_flaw;
use crate::app::status::DryStatus;
use crate::app::supervisor::Shared;
use crate::editor::theme;
use egui::text::LayoutJob;
use egui::{
    Align, Button, FontId, Layout, Rect, RichText, Role, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    vec2,
};

/// Room for two lines of a sentence.
const SENTENCE_HEIGHT: f32 = 104.0;
const SENTENCE_SIZE: f32 = 30.0;
const CELL_HEIGHT: f32 = 14.0;
const METER_HEIGHT: f32 = 16.0;

pub fn show(ui: &mut Ui, desk: &mut Desk, shared: &Shared, budget: &mut usize) -> Option<Wish> {
    match desk.session.project.folder.clone() {
        None => card(ui, |ui| {
            cells(ui, desk);
            sentence(ui, desk);
            meter(ui, desk);
            buttons(ui, desk, shared);
            found(ui, desk);
        }),
        Some(folder) => card(ui, |ui| {
            words(ui, "Recordings in", theme::of(ui).dim);
            ui.label(folder.display().to_string());
        }),
    }
    card(ui, |ui| train(ui, desk, budget));
    let colors = theme::of(ui);
    if let Some(trouble) = &desk.session.trouble {
        words(ui, trouble, colors.danger);
    }
    None
}

/// One cell for each sentence: read, read with flaws, or not read.
fn cells(ui: &mut Ui, desk: &mut Desk) {
    let colors = theme::of(ui);
    let count = desk.session.sentences.len();
    ui.horizontal(|ui| {
        words(
            ui,
            format!("Sentence {} of {count}", desk.session.at + 1),
            colors.dim,
        );
        let read = desk.session.sentences.iter().flatten().count();
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            words(ui, format!("{read} read"), colors.dim);
        });
    });
    let size = vec2(ui.available_width(), CELL_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let width = rect.width() / count.max(1) as f32;
    for (at, slot) in desk.session.sentences.iter().enumerate() {
        let min = rect.min + vec2(at as f32 * width + 1.0, 2.0);
        let cell = Rect::from_min_size(min, vec2(width - 2.0, CELL_HEIGHT - 4.0));
        let color = match slot {
            None => colors.sunken,
            Some(Sentence {
                found: Some((_, flaws)),
                ..
            }) if !flaws.is_empty() => colors.sung,
            Some(_) => colors.accent,
        };
        ui.painter().rect_filled(cell, 2.0, color);
        if at == desk.session.at {
            let line = Stroke::new(1.5, colors.text);
            let around = cell.expand(1.0);
            ui.painter()
                .rect_stroke(around, 2.0, line, StrokeKind::Outside);
        }
    }
    let chosen = response
        .interact_pointer_pos()
        .filter(|_| response.clicked());
    if let Some(place) = chosen {
        let at = ((place.x - rect.left()) / width).max(0.0) as usize;
        desk.hand(Hand::Show(at.min(count.saturating_sub(1))));
    }
    response.on_hover_text("Click to go to a sentence; amber ones should be read again");
}

fn sentence(ui: &mut Ui, desk: &Desk) {
    let colors = theme::of(ui);
    let text = script::sentences().nth(desk.session.at).unwrap_or_default();
    let size = vec2(ui.available_width(), SENTENCE_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let is_open = matches!(desk.session.mic, Mic::Open(_));
    let edge = if is_open { colors.danger } else { colors.line };
    ui.painter().rect(
        rect,
        6.0,
        colors.sunken,
        Stroke::new(if is_open { 2.0 } else { 1.0 }, edge),
        StrokeKind::Inside,
    );
    let inner = rect.shrink2(vec2(16.0, 6.0));
    let font = FontId::proportional(SENTENCE_SIZE);
    let mut job = LayoutJob::simple(text.to_owned(), font, colors.text, inner.width());
    job.halign = Align::Center;
    let galley = ui.painter().layout_job(job);
    let top = inner.center() - vec2(0.0, 0.5 * galley.size().y);
    ui.painter().galley(top, galley, colors.text);
    response.widget_info(|| WidgetInfo::labeled(Role::Label, true, text));
}

fn meter(ui: &mut Ui, desk: &Desk) {
    let colors = theme::of(ui);
    let size = vec2(ui.available_width(), METER_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::hover());
    let x = |db: f32| rect.left() + rect.width() * ((db - LOWEST_DB) / -LOWEST_DB).clamp(0.0, 1.0);
    let part = |from: f32, to: f32| {
        Rect::from_min_max(
            egui::pos2(x(from), rect.top()),
            egui::pos2(x(to), rect.bottom()),
        )
    };
    let painter = ui.painter();
    painter.rect_filled(rect, 3.0, colors.sunken);
    let good = part(GOOD_DB.0, GOOD_DB.1);
    painter.rect_filled(good, 0.0, colors.accent.gamma_multiply(0.18));
    let advice = desk.meter.advice();
    let color = match advice {
        Advice::Good => colors.accent,
        Advice::Nothing | Advice::Quiet => colors.dim,
        Advice::Loud => colors.sung,
        Advice::Clipped => colors.danger,
    };
    painter.rect_filled(
        part(LOWEST_DB, desk.meter.shown_db()).shrink2(vec2(0.0, 4.0)),
        2.0,
        color,
    );
    response.on_hover_text("The level of the input; its peaks should lie in the lighter part");
    words(
        ui,
        advice.words(),
        match advice {
            Advice::Clipped => colors.danger,
            Advice::Loud | Advice::Quiet => colors.sung,
            Advice::Good | Advice::Nothing => colors.dim,
        },
    );
}

fn buttons(ui: &mut Ui, desk: &mut Desk, shared: &Shared) {
    let colors = theme::of(ui);
    let (at, count) = (desk.session.at, desk.session.sentences.len());
    let is_idle = desk.session.mic == Mic::Idle;
    let is_open = matches!(desk.session.mic, Mic::Open(_));
    let is_read = desk.session.sentences.get(at).is_some_and(Option::is_some);
    ui.horizontal(|ui| {
        let text = match (is_open, is_read) {
            (true, _) => "Stop",
            (false, true) => "Read it again",
            (false, false) => "Record",
        };
        if main_button(ui, text, is_idle || is_open).clicked() {
            desk.hand(if is_open { Hand::Stop } else { Hand::Record });
        }
        let next = if is_open && at + 1 < count {
            "Read, next"
        } else {
            "Next"
        };
        let is_possible = if is_open {
            true
        } else {
            is_idle && at + 1 < count
        };
        let next = ui.add_enabled(is_possible, Button::new(next).min_size(vec2(100.0, 34.0)));
        let hint = "While you record: keeps this sentence and records the next at once";
        if next.on_hover_text(hint).clicked() {
            desk.hand(Hand::Next);
        }
        let back = Button::new("Previous").min_size(vec2(90.0, 34.0));
        if ui.add_enabled(is_idle && 0 < at, back).clicked() {
            desk.hand(Hand::Show(at.saturating_sub(1)));
        }
        if let (false, DryStatus::Recording(seconds)) = (is_idle, shared.status().dry) {
            let text = format!("recording {}", clock(seconds));
            ui.label(RichText::new(text).color(colors.danger).strong());
        }
    });
}

/// What was found in the sentence that is shown.
fn found(ui: &mut Ui, desk: &Desk) {
    let colors = theme::of(ui);
    let sentence = desk.session.sentences.get(desk.session.at);
    let (text, color) = match sentence.and_then(Option::as_ref) {
        None => (
            "Read it as you would tell it to a friend.".to_owned(),
            colors.dim,
        ),
        Some(Sentence { found: None, .. }) => ("Looking at it…".to_owned(), colors.dim),
        Some(Sentence {
            found: Some((seconds, flaws)),
            ..
        }) => match flaws.first() {
            None => (
                format!("Well recorded: {seconds:.1} s of voice."),
                colors.accent,
            ),
            Some(flaw) => (of_flaw(*flaw).to_owned(), colors.sung),
        },
    };
    words(ui, text, color);
}

/// How much there is, and the way on.
fn train(ui: &mut Ui, desk: &mut Desk, budget: &mut usize) {
    let colors = theme::of(ui);
    let is_enough = desk.session.is_enough();
    if desk.session.project.folder.is_none() {
        let speech_s = desk.session.speech_s();
        let (text, color) = match speech_s {
            s if s < USABLE_S => ("from 0:30 on it is usable", colors.sung),
            s if s < GOOD_S => ("usable; with 3 to 4 minutes it gets good", colors.text),
            _ => ("that is a good amount", colors.accent),
        };
        ui.horizontal(|ui| {
            ui.label(RichText::new(format!("{} of voice", clock(speech_s))).strong());
            words(ui, text, color);
        });
        let rect = bar(ui, (speech_s / (1.25 * GOOD_S)) as f32, 8.0, colors.accent);
        for mark in [USABLE_S, GOOD_S] {
            let x = rect.left() + rect.width() * (mark / (1.25 * GOOD_S)) as f32;
            let line = Stroke::new(1.5, colors.text);
            ui.painter().vline(x, rect.y_range().expand(3.0), line);
        }
        ui.add_space(4.0);
    }
    ui.horizontal(|ui| {
        let is_possible = is_enough && desk.session.mic == Mic::Idle;
        if main_button(ui, "Make the voice", is_possible).clicked() {
            desk.hand(Hand::Train(BUDGETS[(*budget).min(2)].0));
        }
        for (at, (minutes, name)) in BUDGETS.iter().enumerate() {
            let text = format!("{name}, {minutes:.0} min");
            ui.selectable_value(budget, at, text)
                .on_hover_text("How long it trains, while you go on singing");
        }
    });
}
