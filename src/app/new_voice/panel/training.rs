//! The training: how far it is, what can be done about it, and the voice at the end.

use super::{Wish, bar, card, main_button, words};
use crate::app::new_voice::Desk;
use crate::app::new_voice::progress::{Progress, left_words};
use crate::app::new_voice::session::{Hand, Stage};
use crate::editor::theme;
use egui::{Align2, Sense, Stroke, Ui, pos2, vec2};

const CURVE_HEIGHT: f32 = 110.0;

pub fn show(ui: &mut Ui, desk: &mut Desk, stage: &Stage) -> Option<Wish> {
    let mut wish = None;
    match stage {
        Stage::Finished(voice) => card(ui, |ui| {
            let colors = theme::of(ui);
            let text = format!(
                "{} is in your library and in the lists of the slots.",
                voice.name
            );
            words(ui, text, colors.accent);
            ui.horizontal(|ui| {
                if main_button(ui, "Sing with it", true).clicked() {
                    wish = Some(Wish::Sing(voice.clone()));
                }
                let page = desk.home().map(|home| home.page());
                let report = ui.button("Report of the training");
                if report
                    .on_hover_text("Opens the page in your browser")
                    .clicked()
                {
                    wish = page.map(Wish::Open);
                }
            });
        }),
        Stage::Failed(trouble) => card(ui, |ui| {
            let colors = theme::of(ui);
            words(ui, &trouble.what, colors.danger);
            words(ui, &trouble.remedy, colors.text);
            ui.horizontal(|ui| {
                if main_button(ui, "Try again", true).clicked() {
                    desk.hand(Hand::GoOn);
                }
                if ui.button("Back to the recordings").clicked() {
                    desk.hand(Hand::Cancel);
                }
            });
        }),
        _ => card(ui, |ui| running(ui, desk, stage)),
    }
    let progress = &desk.session.progress;
    if !progress.curve.is_empty() {
        card(ui, |ui| curve(ui, &progress.curve));
    }
    if !progress.advice.is_empty() {
        card(ui, |ui| {
            let colors = theme::of(ui);
            words(ui, "About the recordings", colors.dim);
            for line in &progress.advice {
                words(ui, line, colors.sung);
            }
        });
    }
    wish
}

fn running(ui: &mut Ui, desk: &mut Desk, stage: &Stage) {
    let colors = theme::of(ui);
    let progress = &desk.session.progress;
    ui.label(match stage {
        Stage::Paused => "Paused: it goes on where it was.".to_owned(),
        Stage::Stopping { for_good: false } => "Stopping: it is being kept…".to_owned(),
        Stage::Stopping { for_good: true } => "Giving it up…".to_owned(),
        _ => doing(progress),
    });
    if *stage == Stage::Training {
        bar(ui, progress.share(), 10.0, colors.accent);
        let percent = format!("{:.0} %", 100.0 * progress.share());
        words(
            ui,
            format!("{percent}, {}", left_words(progress.left_s)),
            colors.dim,
        );
    }
    ui.horizontal(|ui| match stage {
        Stage::Paused => {
            if main_button(ui, "Go on", true).clicked() {
                desk.hand(Hand::GoOn);
            }
            if ui.button("Give up the training").clicked() {
                desk.hand(Hand::Cancel);
            }
        }
        Stage::Training => {
            if main_button(ui, "Pause", true).clicked() {
                desk.hand(Hand::Pause);
            }
            let cancel = ui.button("Give up the training");
            if cancel.on_hover_text("The recordings stay").clicked() {
                desk.hand(Hand::Cancel);
            }
        }
        _ => {}
    });
    let text = "Sing on meanwhile: the training takes what the sound leaves of the computer. The \
                app may be closed; the training then goes on when it is opened again.";
    words(ui, text, colors.dim);
}

fn doing(progress: &Progress) -> String {
    let (done, total) = progress.files;
    match progress.stage {
        None if total == 0 => "Looking for the recordings…".to_owned(),
        None => format!("Listening to the recordings: {done} of {total}"),
        Some(0) => "Finding out who speaks…".to_owned(),
        Some(_) => {
            let (step, steps) = progress.steps;
            format!("Learning to speak like that: step {step} of {steps}")
        }
    }
}

/// The error of the envelope so far.
fn curve(ui: &mut Ui, values: &[f32]) {
    let colors = theme::of(ui);
    words(ui, "How far the voice is off, in dB", colors.dim);
    let size = vec2(ui.available_width(), CURVE_HEIGHT);
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let painter = ui.painter();
    painter.rect_filled(rect, 4.0, colors.sunken);
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let low = finite().fold(f32::INFINITY, f32::min);
    let high = finite().fold(f32::NEG_INFINITY, f32::max);
    let inner = rect.shrink2(vec2(44.0, 12.0));
    let span = (high - low).max(0.1);
    let last = values.len().saturating_sub(1).max(1) as f32;
    let place = |(at, value): (usize, f32)| {
        let x = inner.left() + inner.width() * at as f32 / last;
        pos2(x, inner.bottom() - inner.height() * (value - low) / span)
    };
    let points: Vec<_> = values
        .iter()
        .copied()
        .enumerate()
        .filter(|(_, value)| value.is_finite())
        .map(place)
        .collect();
    if let Some(last) = points.last() {
        painter.circle_filled(*last, 3.0, colors.accent);
    }
    painter.line(points, Stroke::new(1.5, colors.accent));
    for (value, y) in [(high, inner.top()), (low, inner.bottom())] {
        let at = pos2(inner.left() - 8.0, y);
        let text = format!("{value:.1}");
        painter.text(at, Align2::RIGHT_CENTER, text, theme::label(), colors.dim);
    }
}
