//! What the voice becomes.

use super::slots::{self, Slots};
use super::{choice, choice_noted, knob, morph, toggle};
use crate::editor::View;
use crate::editor::dialog::Dialog;
use crate::editor::theme;
use crate::plugin::voices::VoiceSetup;
use crate::units::frames_to_ms;
use egui::{Label, RichText, Ui, vec2};
use nice_plug::params::{IntParam, Param as _};

/// Widths of the lists that stand side by side, and what is between them.
const LIST_GAP: f32 = 4.0;
const QUALITY_WIDTH: f32 = 76.0;
const THREADS_WIDTH: f32 = 40.0;
const RANGE_WIDTH: f32 = 74.0;
const TRACKER_WIDTH: f32 = 72.0;
/// Their height.
const LIST_HEIGHT: f32 = 20.0;
/// The size of the morph pad.
const PAD: egui::Vec2 = vec2(140.0, 142.0);
/// The engine of voices of our own.
const OURS: &str = "ddsp";

pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut Slots, dialog: &mut Dialog) {
    ui.vertical(|ui| {
        slots::show(ui, view, state, dialog);
        match slots::selected(view) {
            0 => shifted(ui, view),
            slot if is_ours(view, slot) => ours(ui, view),
            _ => converted(ui, view),
        }
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = LIST_GAP;
            match is_ours(view, slots::selected(view)) {
                true => delay_alone(ui, view),
                false => delays(ui, view),
            }
            choice(ui, view, &view.params.voice.range, RANGE_WIDTH);
            choice(ui, view, &view.params.system.tracker, TRACKER_WIDTH);
        });
    });
}

/// The knobs of the shift engine.
fn shifted(ui: &mut Ui, view: &View<'_>) {
    let params = &view.params.voice;
    ui.add_space(8.0);
    ui.horizontal(|ui| {
        for param in [&params.pitch, &params.formant] {
            knob(ui, view, param, |knob| {
                knob.big().stepped(1.0).centered_on(0.0)
            });
        }
    });
    ui.add_space(8.0);
}

/// Those of a converted voice.
fn converted(ui: &mut Ui, view: &View<'_>) {
    let (voice, converted) = (&view.params.voice, &view.params.converted);
    ui.horizontal(|ui| {
        for param in [&voice.pitch, &voice.formant] {
            knob(ui, view, param, |knob| knob.stepped(1.0).centered_on(0.0));
        }
        knob(ui, view, &converted.index_rate, |knob| knob);
    });
    ui.horizontal(|ui| {
        knob(ui, view, &converted.protect, |knob| knob);
        knob(ui, view, &converted.rms_mix, |knob| knob);
        ui.vertical(|ui| {
            choice(ui, view, &converted.speaker, 60.0);
            toggle(ui, view, &converted.hold_pitch);
        });
    });
}

/// Those of a voice of our own, which has no index, no speakers and no quality to choose.
fn ours(ui: &mut Ui, view: &View<'_>) {
    let (voice, converted) = (&view.params.voice, &view.params.converted);
    ui.horizontal(|ui| {
        ui.vertical(|ui| {
            toggle(ui, view, &view.params.morph.on);
            let (_, pad) = ui.allocate_space(PAD);
            morph::pad(ui, view, pad);
        });
        ui.vertical(|ui| {
            ui.horizontal(|ui| {
                for param in [&voice.pitch, &voice.formant] {
                    knob(ui, view, param, |knob| knob.stepped(1.0).centered_on(0.0));
                }
            });
            ui.horizontal(|ui| {
                knob(ui, view, &converted.rms_mix, |knob| knob);
                if !morph::has_company(view) {
                    let text = "Voices in other slots come to the corners.";
                    let text = RichText::new(text).small().color(theme::of(ui).dim);
                    ui.add(Label::new(text).wrap());
                }
            });
        });
    });
}

/// Whether a voice of our own is in a slot.
pub(super) fn is_ours(view: &View<'_>, slot: usize) -> bool {
    let shown = view.voices.slot(slot);
    shown.is_some_and(|slot| slot.engine == Some(OURS))
}

/// The delay, and the load while it is heard: where there is nothing to choose.
fn delay_alone(ui: &mut Ui, view: &View<'_>) {
    let setup = view.voices.setup.unwrap_or_default();
    let text = RichText::new(delay_of(view, setup).unwrap_or_default()).small();
    let width = QUALITY_WIDTH + LIST_GAP + THREADS_WIDTH;
    let label = Label::new(text.color(theme::of(ui).dim)).truncate();
    ui.add_sized(vec2(width, LIST_HEIGHT), label);
}

/// Qualities and numbers of threads, each with the delay that it would bring beside what is chosen
/// of the other.
fn delays(ui: &mut Ui, view: &View<'_>) {
    let converted = &view.params.converted;
    let chosen = |param: &IntParam| param.modulated_plain_value();
    choice_noted(ui, view, &converted.quality, QUALITY_WIDTH, |quality| {
        delay(view, quality, chosen(&converted.threads))
    });
    choice_noted(ui, view, &converted.threads, THREADS_WIDTH, |threads| {
        delay(view, chosen(&converted.quality), threads)
    });
}

/// The delay that these values would bring and, if they are those that run, the load.
fn delay(view: &View<'_>, quality: i32, threads: i32) -> Option<String> {
    delay_of(view, VoiceSetup::from_values(quality, threads)?)
}

/// The delay that this setup would bring and, if it is the one that runs, the load.
fn delay_of(view: &View<'_>, setup: VoiceSetup) -> Option<String> {
    let delay = (*view.voices.delays.get(&setup)?)?;
    let ms = frames_to_ms(delay, view.voices.rate_hz);
    let is_running = view.voices.setup == Some(setup) && view.now.slot != 0;
    Some(match is_running {
        true => format!("{ms:.0} ms, load {:.0} %", view.now.worker_load * 100.0),
        false => format!("{ms:.0} ms"),
    })
}
