//! Pitch correction: from the pitch that is sung to how far it should move. Audio thread: never
//! allocates. Shared by every engine; knows no signal, only pitch over time.

use super::{Correction, HeldNotes, MidiMode, ScaleMask};
use crate::units::hz_to_midi;

/// Semitones by which another note must be nearer before the target leaves the present one.
const HYSTERESIS: f32 = 0.2;

/// A gap shorter than this belongs to the note around it.
const GAP_MS: f32 = 60.0;

/// Time constant of the pitch without its vibrato.
const CENTRE_MS: f32 = 120.0;

/// A note counts as sustained from here on, fully after twice this time.
const SUSTAIN_MS: f32 = 150.0;

/// What correction asks for at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Corrected {
    /// Semitones by which the sung pitch should move.
    pub shift: f32,
    /// The MIDI note aimed at, if any.
    pub target: Option<u8>,
}

/// Follows one voice and says how far to move it.
#[derive(Clone, Debug, Default)]
pub struct Corrector {
    target: Option<u8>,
    /// Sung note without vibrato.
    centre: f32,
    /// What is asked for at present.
    shift: f32,
    /// Time on the present target, and time since the voice was last heard.
    held_ms: f32,
    silent_ms: f32,
}

impl Corrector {
    /// A corrector that has heard nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Forgets what was sung. Real-time safe.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Takes the pitch sung now, `None` where no voice is heard, `elapsed_ms` after the last
    /// one. Values out of range are clamped. Real-time safe.
    pub fn update(
        &mut self,
        sung_hz: Option<f32>,
        elapsed_ms: f32,
        settings: &Correction,
        notes: &HeldNotes,
    ) -> Corrected {
        if !settings.enabled {
            self.reset();
            return Corrected::default();
        }
        let Some(sung_hz) = sung_hz.filter(|hz| hz.is_finite() && 1.0 < *hz) else {
            return self.rest(elapsed_ms);
        };
        let sung = hz_to_midi(sung_hz, or(settings.tuning_hz, 440.0).clamp(400.0, 480.0));
        let begins = self.target.is_none();
        if begins {
            self.centre = sung;
            self.shift = 0.0;
        }
        self.silent_ms = 0.0;
        // After a leap the old centre says nothing about the new note.
        if (sung - self.centre).abs() > 1.5 {
            self.centre = sung;
        }
        self.centre += share(elapsed_ms, CENTRE_MS) * (sung - self.centre);
        let target = choose(self.target, sung, settings, notes);
        if self.target == Some(target) {
            self.held_ms += elapsed_ms;
        } else {
            self.held_ms = 0.0;
        }
        self.target = Some(target);
        let vibrato = sung - self.centre;
        let spared = or(settings.humanize, 0.0).clamp(0.0, 1.0) * self.sustained() * vibrato;
        let amount = or(settings.amount, 1.0).clamp(0.0, 1.0);
        let wanted = amount * (f32::from(target) - sung + spared);
        let retune_ms = or(settings.retune_ms, 0.0).clamp(0.0, 400.0);
        self.shift += share(elapsed_ms, retune_ms) * (wanted - self.shift);
        Corrected {
            shift: self.shift,
            target: self.target,
        }
    }

    fn rest(&mut self, elapsed_ms: f32) -> Corrected {
        self.silent_ms += elapsed_ms;
        if self.silent_ms > GAP_MS {
            self.reset();
        }
        Corrected {
            shift: self.shift,
            target: self.target,
        }
    }

    /// 0 for a note that moves, 1 for one that is held.
    fn sustained(&self) -> f32 {
        ((self.held_ms - SUSTAIN_MS) / SUSTAIN_MS).clamp(0.0, 1.0)
    }
}

/// The share of the way covered in `elapsed_ms` with a time constant; all of it at 0.
fn share(elapsed_ms: f32, constant_ms: f32) -> f32 {
    if constant_ms <= 0.0 {
        1.0
    } else {
        1.0 - (-elapsed_ms.max(0.0) / constant_ms).exp()
    }
}

fn or(value: f32, default: f32) -> f32 {
    if value.is_nan() { default } else { value }
}

/// The note to aim at: from the keyboard, else from the scale.
fn choose(present: Option<u8>, sung: f32, settings: &Correction, notes: &HeldNotes) -> u8 {
    let nearest = match settings.midi {
        MidiMode::Last if notes.last().is_some() => return notes.last().unwrap_or_default(),
        MidiMode::Nearest => notes.nearest(sung),
        _ => None,
    };
    let (nearest, keeps): (u8, &dyn Fn(u8) -> bool) = match nearest {
        Some(note) => (note, &|note| notes.is_held(note)),
        None => (nearest_in(settings.scale, sung), &|note| {
            settings.scale.contains(i32::from(note))
        }),
    };
    let distance = |note: u8| (f32::from(note) - sung).abs();
    match present {
        Some(note) if keeps(note) && distance(note) < distance(nearest) + HYSTERESIS => note,
        _ => nearest,
    }
}

/// The nearest note of a scale, the lower of two as near.
fn nearest_in(scale: ScaleMask, sung: f32) -> u8 {
    let sung = sung.clamp(0.0, 127.0);
    let around = sung.round() as i32;
    // A scale has at least one note in every octave.
    (around - 12..=around + 12)
        .filter(|note| (0..128).contains(note) && scale.contains(*note))
        .min_by(|&a, &b| (a as f32 - sung).abs().total_cmp(&(b as f32 - sung).abs()))
        .map_or(0, |note| note as u8)
}
