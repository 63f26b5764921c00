//! Pitch correction: from the pitch that is sung to how far it should move. Audio thread: never
//! allocates. Knows no signal, only pitch over time.

use crate::pitch::{Correction, HeldNotes, MidiMode, ScaleMask};
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
pub(super) struct Corrected {
    /// Semitones by which the sung pitch should move.
    pub(super) shift: f32,
    /// The MIDI note aimed at, if any.
    pub(super) target: Option<u8>,
}

/// Follows one voice and says how far to move it.
#[derive(Clone, Debug, Default)]
pub(super) struct Corrector {
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
    pub(super) fn new() -> Self {
        Self::default()
    }

    /// Forgets what was sung. Real-time safe.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Takes the pitch sung now, `None` where no voice is heard, `elapsed_ms` after the last
    /// one. Values out of range are clamped. Real-time safe.
    pub(super) fn update(
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pitch::{Key, Scale};
    use crate::units::midi_to_hz;

    const HOP_MS: f32 = 1.5;

    fn immediate() -> Correction {
        Correction {
            enabled: true,
            retune_ms: 0.0,
            ..Correction::default()
        }
    }

    /// Where a held note ends up, as a MIDI note.
    fn settled(sung: f32, settings: &Correction, notes: &HeldNotes) -> f32 {
        let mut corrector = Corrector::new();
        let hz = midi_to_hz(sung, 440.0);
        let mut shift = 0.0;
        for _ in 0..2_000 {
            shift = corrector.update(Some(hz), HOP_MS, settings, notes).shift;
        }
        sung + shift
    }

    /// Sings notes given by time in ms; calls `see` with the time, the note sung and put out.
    fn sing(
        settings: &Correction,
        length_ms: f32,
        sung: impl Fn(f32) -> f32,
        mut see: impl FnMut(f32, f32, f32),
    ) {
        let mut corrector = Corrector::new();
        let notes = HeldNotes::default();
        let mut now_ms = 0.0;
        while now_ms < length_ms {
            let note = sung(now_ms);
            let hz = midi_to_hz(note, 440.0);
            let corrected = corrector.update(Some(hz), HOP_MS, settings, &notes);
            see(now_ms, note, note + corrected.shift);
            now_ms += HOP_MS;
        }
    }

    #[test]
    fn held_notes_go_to_the_scale() {
        let c_major = Scale::Major.mask(Key::from_pitch_class(0), ScaleMask::CHROMATIC);
        let only_a = ScaleMask::from_bits(1 << 9);
        let a4_at_432 = Correction {
            tuning_hz: 432.0,
            ..immediate()
        };
        let with_scale = |scale| Correction {
            scale,
            ..immediate()
        };
        let half = Correction {
            amount: 0.5,
            ..immediate()
        };
        let off = Correction {
            enabled: false,
            ..immediate()
        };
        let slow = Correction {
            retune_ms: 400.0,
            ..immediate()
        };
        for (name, settings, sung, expected) in [
            ("nearest semitone", immediate(), 60.4, 60.0),
            ("from below", immediate(), 59.7, 60.0),
            ("C# is not in C major", with_scale(c_major), 61.2, 62.0),
            ("the lower of two as near", with_scale(c_major), 61.0, 60.0),
            ("a scale of one note, up", with_scale(only_a), 64.0, 69.0),
            ("a scale of one note, down", with_scale(only_a), 61.0, 57.0),
            ("half the way", half, 60.4, 60.2),
            ("off", off, 60.4, 60.4),
            ("slow gets there, too", slow, 60.4, 60.0),
            ("the top of the keyboard", with_scale(only_a), 127.0, 117.0),
            ("432 Hz", a4_at_432, 69.0, 69.0 - 0.317_667),
        ] {
            let found = settled(sung, &settings, &HeldNotes::default());
            assert!((found - expected).abs() < 0.005, "{name}: {found}");
        }
    }

    #[test]
    fn a_keyboard_sets_the_note() {
        let mut notes = HeldNotes::default();
        notes.press(48);
        notes.press(72);
        notes.press(64);
        let none = HeldNotes::default();
        for (midi, notes, sung, expected) in [
            (MidiMode::Off, &notes, 60.3, 60.0),
            (MidiMode::Last, &notes, 60.3, 64.0),
            (MidiMode::Last, &none, 60.3, 60.0),
            (MidiMode::Nearest, &notes, 60.3, 64.0),
            (MidiMode::Nearest, &notes, 69.0, 72.0),
            (MidiMode::Nearest, &notes, 52.0, 48.0),
            (MidiMode::Nearest, &none, 60.3, 60.0),
        ] {
            let settings = Correction {
                midi,
                ..immediate()
            };
            let found = settled(sung, &settings, notes);
            assert!((found - expected).abs() < 0.005, "{midi:?} {sung}: {found}");
        }
    }

    #[test]
    fn the_retune_time_is_the_time_constant() {
        for retune_ms in [10.0, 100.0, 400.0] {
            let settings = Correction {
                retune_ms,
                ..immediate()
            };
            let mut reached_ms = None;
            sing(
                &settings,
                2_000.0,
                |_| 60.4,
                |now_ms, _, out| {
                    // 63 % of the way.
                    if out < 60.4 - 0.4 * 0.632 && reached_ms.is_none() {
                        reached_ms = Some(now_ms);
                    }
                },
            );
            let reached_ms = reached_ms.unwrap();
            assert!(
                (reached_ms - retune_ms).abs() < 2.0 * HOP_MS,
                "{reached_ms}"
            );
        }
    }

    #[test]
    fn a_note_on_the_border_does_not_flap() {
        let border = |now_ms: f32| 60.5 + 0.08 * (now_ms * 0.035).sin();
        let mut targets = Vec::new();
        sing(&immediate(), 3_000.0, border, |_, _, out| {
            let target = out.round();
            if targets.last() != Some(&target) {
                targets.push(target);
            }
        });
        assert_eq!(targets.len(), 1, "{targets:?}");
        // A step that is meant still gets through at once.
        let mut late = 0.0f32;
        let step = |now_ms: f32| if now_ms < 500.0 { 60.1 } else { 61.0 };
        sing(&immediate(), 1_000.0, step, |now_ms, _, out| {
            if 500.0 < now_ms {
                late = late.max((out - 61.0).abs());
            }
        });
        assert!(late < 0.005);
    }

    #[test]
    fn humanize_keeps_the_vibrato_of_a_held_note() {
        let vibrato =
            |now_ms: f32| 60.2 + 0.3 * (now_ms * 1e-3 * 5.5 * std::f32::consts::TAU).sin();
        for (humanize, least, most) in [(0.0, 0.0, 0.01), (0.5, 0.2, 0.4), (1.0, 0.5, 0.65)] {
            let settings = Correction {
                humanize,
                ..immediate()
            };
            let (mut low, mut high, mut sum, mut count) = (f32::MAX, f32::MIN, 0.0, 0.0);
            sing(&settings, 3_000.0, vibrato, |now_ms, _, out| {
                if 1_000.0 < now_ms {
                    (low, high) = (low.min(out), high.max(out));
                    (sum, count) = (sum + out, count + 1.0);
                }
            });
            let range = high - low;
            assert!((least..most).contains(&range), "{humanize}: {range}");
            assert!((sum / count - 60.0f32).abs() < 0.03, "{humanize}: centre");
        }
    }

    #[test]
    fn a_short_gap_belongs_to_the_note_and_a_long_one_ends_it() {
        let settings = Correction {
            retune_ms: 200.0,
            ..immediate()
        };
        let notes = HeldNotes::default();
        let hz = midi_to_hz(60.4, 440.0);
        for (gap_ms, kept) in [(30.0, true), (120.0, false)] {
            let mut corrector = Corrector::new();
            for _ in 0..1_000 {
                corrector.update(Some(hz), HOP_MS, &settings, &notes);
            }
            let mut silent_ms = 0.0;
            while silent_ms < gap_ms {
                corrector.update(None, HOP_MS, &settings, &notes);
                silent_ms += HOP_MS;
            }
            let after = corrector.update(Some(hz), HOP_MS, &settings, &notes).shift;
            assert_eq!((after + 0.4).abs() < 0.01, kept, "{gap_ms} ms: {after}");
        }
    }

    #[test]
    fn nonsense_does_no_harm() {
        let mut corrector = Corrector::new();
        let broken = Correction {
            enabled: true,
            tuning_hz: f32::NAN,
            retune_ms: f32::NAN,
            amount: f32::NAN,
            humanize: f32::NAN,
            ..Correction::default()
        };
        let notes = HeldNotes::default();
        for hz in [f32::NAN, 0.0, -1.0, f32::INFINITY, 1e-30, 1e30, 220.0] {
            let found = corrector.update(Some(hz), HOP_MS, &broken, &notes);
            assert!(found.shift.is_finite(), "{hz}");
        }
    }
}
