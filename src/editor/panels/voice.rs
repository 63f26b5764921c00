//! What the voice becomes.

use super::slots::{self, Slots};
use super::{choice, choice_noted, knob, toggle};
use crate::editor::View;
use crate::editor::dialog::Dialog;
use crate::units::frames_to_ms;
use egui::Ui;

/// Width of a list; three stand side by side.
const WIDTH: f32 = 86.0;

pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut Slots, dialog: &mut Dialog) {
    ui.vertical(|ui| {
        slots::show(ui, view, state, dialog);
        match slots::selected(view) {
            0 => shifted(ui, view),
            _ => converted(ui, view),
        }
        ui.horizontal(|ui| {
            quality(ui, view);
            choice(ui, view, &view.params.voice.range, WIDTH);
            choice(ui, view, &view.params.system.tracker, WIDTH);
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

/// The qualities with the delay that each would bring and, for the one that runs, the load.
fn quality(ui: &mut Ui, view: &View<'_>) {
    let (delays, rate_hz) = (view.voices.delays, view.voices.rate_hz);
    let running = view.voices.quality;
    choice_noted(ui, view, &view.params.converted.quality, WIDTH, |value| {
        let at = usize::try_from(value).ok()?;
        let delay = (*delays.get(at)?)?;
        let ms = frames_to_ms(delay, rate_hz);
        Some(match running == Some(at) && view.now.slot != 0 {
            true => format!("{ms:.0} ms, load {:.0} %", view.now.worker_load * 100.0),
            false => format!("{ms:.0} ms"),
        })
    });
}
