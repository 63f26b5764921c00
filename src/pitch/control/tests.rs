//! The control on curves whose answer is known exactly.

use super::*;
use crate::pitch::{Correction, HeldNotes, MidiMode};
use crate::units::midi_to_hz;

const RATE_HZ: u32 = 1_000;
/// Frames of 10 ms.
const HOP: f64 = 10.0;

/// What is sung at one instant: a MIDI note, or nothing; and how loud, in dB.
#[derive(Clone, Copy)]
struct Sung(Option<f32>, f32);

const fn at(note: f32) -> Sung {
    Sung(Some(note), -20.0)
}
const fn loud(note: f32, db: f32) -> Sung {
    Sung(Some(note), db)
}
const NONE: Sung = Sung(None, -80.0);

fn run(sung: &[Sung], settings: &PitchSettings) -> Vec<TargetFrame> {
    let mut control = PitchControl::new(RATE_HZ);
    let frames = sung.iter().enumerate();
    frames
        .map(|(i, Sung(note, db))| {
            let frame = PitchFrame {
                at: i as f64 * HOP,
                f0_hz: note.map_or(99.0, |note| midi_to_hz(note, 440.0)),
                f0_at: i as f64 * HOP,
                confidence: if note.is_some() { 0.9 } else { 0.1 },
                voiced: note.is_some(),
            };
            control.update(&frame, 10f32.powf(db / 10.0), settings)
        })
        .collect()
}

/// Pitches as MIDI notes, 0 where there is none.
fn notes(frames: &[TargetFrame], pitch: impl Fn(&TargetFrame) -> f32) -> Vec<f32> {
    frames
        .iter()
        .map(|frame| match pitch(frame) {
            0.0 => 0.0,
            hz => hz_to_midi(hz, 440.0),
        })
        .collect()
}

#[track_caller]
fn same(name: &str, found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len(), "{name}");
    for (i, (a, b)) in found.iter().zip(expected).enumerate() {
        assert!((a - b).abs() < 2e-3, "{name}, frame {i}: {found:?}");
    }
}

fn transposed(semitones: f32) -> PitchSettings {
    PitchSettings {
        transpose: semitones,
        ..PitchSettings::default()
    }
}

fn corrected(retune_ms: f32) -> PitchSettings {
    PitchSettings {
        correction: Correction {
            enabled: true,
            retune_ms,
            ..Correction::default()
        },
        ..PitchSettings::default()
    }
}

#[test]
fn the_target_is_the_voice_moved_and_glides_over_short_pauses() {
    let mut key = HeldNotes::default();
    key.press(67);
    let keyboard = PitchSettings {
        transpose: -12.0,
        correction: Correction {
            midi: MidiMode::Last,
            ..corrected(0.0).correction
        },
        notes: key,
    };
    let pause = [at(60.0), NONE, NONE, at(63.0), at(63.0), at(63.0), at(63.0)];
    let mut long = vec![at(60.0)];
    long.extend([NONE; 13]);
    long.extend([at(63.0); 2]);
    let mut after_long = vec![60.0; 13];
    after_long.extend([0.0, 63.0, 63.0]);
    let step = [at(60.0), at(60.0), at(62.0), at(62.0)];
    let off_key = [at(60.3), at(60.3), at(59.8)];
    // A tenth of a second is a fraction 1 - 1/e of the way.
    let slow = 1.0 - (-0.1f32).exp();
    let slower = slow + slow * (1.0 - slow);
    for (name, settings, sung, expected) in [
        (
            "as it is",
            transposed(0.0),
            &step[..],
            &[60.0, 60.0, 62.0, 62.0][..],
        ),
        (
            "a step is a step",
            transposed(7.0),
            &step,
            &[67.0, 67.0, 69.0, 69.0],
        ),
        (
            "too far down",
            transposed(-99.0),
            &step,
            &[36.0, 36.0, 38.0, 38.0],
        ),
        (
            "no number",
            transposed(f32::NAN),
            &step,
            &[60.0, 60.0, 62.0, 62.0],
        ),
        ("at once", corrected(0.0), &off_key, &[60.0, 60.0, 60.0]),
        (
            "in time",
            corrected(100.0),
            &off_key[..2],
            // Nothing has elapsed at the first frame.
            &[60.3, 60.3 - 0.3 * slow],
        ),
        (
            "in more time",
            corrected(100.0),
            &[at(60.3), at(60.3), at(60.3)],
            &[60.3, 60.3 - 0.3 * slow, 60.3 - 0.3 * slower],
        ),
        ("a key", keyboard, &step, &[55.0, 55.0, 55.0, 55.0]),
        (
            "portamento",
            transposed(0.0),
            &pause,
            &[60.0, 60.0, 60.0, 60.0, 61.0, 62.0, 63.0],
        ),
        (
            "portamento of what is corrected",
            corrected(0.0),
            &[at(60.2), NONE, at(62.9), at(62.9), at(63.1), at(63.1)],
            &[60.0, 60.0, 60.0, 61.0, 62.0, 63.0],
        ),
        (
            "a long pause ends the line",
            transposed(0.0),
            &long,
            &after_long,
        ),
        ("silence", transposed(5.0), &[NONE, NONE], &[0.0, 0.0]),
    ] {
        let frames = run(sung, &settings);
        same(name, &notes(&frames, |frame| frame.target_hz), expected);
    }
}

#[test]
fn the_shift_is_exact_from_the_first_frame_on() {
    let sung = [at(60.2), NONE, NONE, at(62.9), at(62.9)];
    let settings = PitchSettings {
        transpose: 3.0,
        ..corrected(0.0)
    };
    let frames = run(&sung, &settings);
    let shifts: Vec<f32> = frames.iter().map(|frame| frame.shift).collect();
    same("shift", &shifts, &[2.8, 2.8, 2.8, 3.1, 3.1]);
    let corrections: Vec<f32> = frames.iter().map(|frame| frame.correction).collect();
    same("correction", &corrections, &[-0.2, -0.2, -0.2, 0.1, 0.1]);
    let aims: Vec<_> = frames.iter().map(|frame| frame.note).collect();
    assert_eq!(aims, [60, 60, 60, 63, 63].map(Some));
    assert!(
        frames
            .iter()
            .zip(&sung)
            .all(|(f, s)| f.voiced == s.0.is_some())
    );
    assert!(
        frames
            .iter()
            .all(|f| f.confidence == if f.voiced { 0.9 } else { 0.1 })
    );
}

#[test]
fn an_octave_is_leapt_only_with_proof() {
    for (name, sung, expected) in [
        (
            "an error that passes",
            &[at(60.0), at(72.0), at(72.1), at(60.0), at(60.0)][..],
            &[60.0, 60.0, 60.1, 60.0, 60.0][..],
        ),
        (
            "downwards, too",
            &[at(60.0), at(48.2), at(60.0)],
            &[60.0, 60.2, 60.0],
        ),
        (
            "two octaves",
            &[at(60.0), at(84.0), at(60.0)],
            &[60.0, 60.0, 60.0],
        ),
        (
            "from one error to another",
            &[at(60.0), at(72.0), at(84.0), at(60.0)],
            &[60.0, 60.0, 60.0, 60.0],
        ),
        (
            "what stays is believed after 30 ms",
            &[at(60.0), at(72.0), at(72.0), at(72.0), at(72.0), at(72.0)],
            &[60.0, 60.0, 60.0, 60.0, 72.0, 72.0],
        ),
        (
            "louder and steady: believed at once",
            &[at(60.0), loud(72.0, -13.0), loud(72.0, -13.0)],
            &[60.0, 60.0, 72.0],
        ),
        (
            "louder but wandering",
            &[
                at(60.0),
                loud(72.0, -13.0),
                loud(73.0, -13.0),
                loud(72.0, -13.0),
            ],
            &[60.0, 60.0, 61.0, 60.0],
        ),
        (
            "after a moment's silence",
            &[at(60.0), NONE, at(72.0), at(72.0)],
            &[60.0, 0.0, 60.0, 72.0],
        ),
        (
            "after 30 ms of it",
            &[at(60.0), NONE, NONE, NONE, at(72.0)],
            &[60.0, 0.0, 0.0, 0.0, 72.0],
        ),
        (
            "other leaps are none of its business",
            &[at(60.0), at(67.0), at(58.0), at(69.0)],
            &[60.0, 67.0, 58.0, 69.0],
        ),
    ] {
        let frames = run(sung, &transposed(0.0));
        let heard = notes(&frames, |f| if f.voiced { f.sung_hz } else { 0.0 });
        same(name, &heard, expected);
    }
}

/// Instants of 10 ms from one time in ms to another.
fn sing(curve: &mut Vec<Sung>, until_ms: usize, note: impl Fn(f32) -> f32) {
    while curve.len() * 10 < until_ms {
        curve.push(at(note(curve.len() as f32 * 0.01)));
    }
}

fn log(sung: &[Sung]) -> (Vec<Note>, Option<Note>) {
    let mut log = NoteLog::new(RATE_HZ);
    for (i, Sung(note, _)) in sung.iter().enumerate() {
        log.update(i as f64 * HOP, *note);
    }
    let past = (0..log.finished()).filter_map(|number| log.get(number));
    (past.collect(), log.current())
}

#[test]
fn notes_begin_and_end_where_they_were_sung() {
    let mut melody = Vec::new();
    sing(&mut melody, 300, |_| 60.0);
    sing(&mut melody, 600, |_| 62.0);
    melody.extend([NONE; 5]);
    sing(&mut melody, 900, |_| 62.0);
    let mut ornament = Vec::new();
    sing(&mut ornament, 300, |_| 60.0);
    sing(&mut ornament, 350, |_| 61.5);
    sing(&mut ornament, 600, |_| 60.0);
    let mut vibrato = Vec::new();
    sing(&mut vibrato, 2_000, |t| {
        60.0 + (std::f32::consts::TAU * 6.0 * t).sin()
    });
    let mut rising = Vec::new();
    sing(&mut rising, 500, |t| 60.0 + t);
    let mut glide = Vec::new();
    sing(&mut glide, 300, |_| 60.0);
    sing(&mut glide, 500, |t| 60.0 + 60.0 * (t - 0.3));
    sing(&mut glide, 900, |_| 72.0);
    let mut short = vec![at(60.0); 5];
    short.extend([NONE; 5]);
    let hiccup = [vec![at(60.0); 10], vec![NONE; 2], vec![at(60.0); 10]].concat();
    // Start and end in ms, pitch, drift in semitones per second; the last one is still sung.
    for (name, sung, expected) in [
        (
            "steps and pauses",
            &melody,
            &[
                (0.0, 290.0, 60.0, 0.0),
                (300.0, 590.0, 62.0, 0.0),
                (650.0, 890.0, 62.0, 0.0),
            ][..],
        ),
        (
            "an ornament belongs to its note",
            &ornament,
            &[(0.0, 590.0, 60.125, 0.104)],
        ),
        ("a drift", &rising, &[(0.0, 490.0, 60.245, 1.0)]),
        (
            "a glide belongs to no note",
            &glide,
            &[(0.0, 310.0, 60.019, 0.341), (500.0, 890.0, 72.0, 0.0)],
        ),
        ("a hiccup ends nothing", &hiccup, &[(0.0, 210.0, 60.0, 0.0)]),
        ("too short", &short, &[]),
        (
            "a vibrato is one note",
            &vibrato,
            &[(0.0, 1990.0, 60.0, -0.079)],
        ),
    ] {
        let (past, current) = log(sung);
        let found: Vec<Note> = past.into_iter().chain(current).collect();
        assert_eq!(found.len(), expected.len(), "{name}: {found:?}");
        for (note, &(start, end, pitch, drift)) in found.iter().zip(expected) {
            let near = (note.pitch - pitch).abs() < 0.005 && (note.drift - drift).abs() < 0.005;
            assert!(near, "{name}: {found:?}");
            let at = (note.start, note.end) == (start, end);
            assert!(at, "{name}: {found:?}");
        }
    }
}

#[test]
fn old_notes_are_forgotten_and_a_reset_forgets_all() {
    let mut log = NoteLog::new(RATE_HZ);
    for i in 0..100 {
        for step in 0..20 {
            let pitch = (step < 12).then_some(50.0 + i as f32 * 0.1);
            log.update(f64::from(i * 20 + step) * HOP, pitch);
        }
    }
    assert_eq!(log.finished(), 100);
    assert_eq!(log.get(35), None);
    assert_eq!(log.get(100), None);
    let oldest = log.get(36).expect("one of the newest 64");
    assert!((oldest.pitch - 53.6).abs() < 1e-3 && oldest.start == 7_200.0);
    log.reset();
    assert_eq!((log.finished(), log.get(0), log.current()), (0, None, None));
}
