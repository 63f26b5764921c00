//! The `shift` engine as an instrument: exact pitch, kept and moved formants, level, correction.

mod shift_voices;

use autovoice::engine::shift::ShiftEngine;
use autovoice::engine::{Controls, Engine};
use autovoice::pitch::{Correction, HeldNotes, MidiMode, VoiceRange};
use shift_voices::{VOWEL, cents, formant_near, pitch_near, rms, run, shifted, voice};

fn shift_by(pitch: f32, formant: f32) -> Controls {
    Controls {
        pitch_semitones: pitch,
        formant_semitones: formant,
        ..Controls::default()
    }
}

/// The steady part of a signal.
fn steady(signal: &[f32], rate_hz: u32) -> &[f32] {
    &signal[(0.3 * f64::from(rate_hz)) as usize..(0.8 * f64::from(rate_hz)) as usize]
}

#[test]
fn the_pitch_is_moved_exactly() {
    for (rate_hz, range, sung_hz) in [
        (48_000, VoiceRange::Bass, 71.3),
        (48_000, VoiceRange::Low, 97.7),
        (44_100, VoiceRange::Low, 211.9),
        (44_100, VoiceRange::Mid, 131.1),
        (48_000, VoiceRange::High, 333.3),
        (96_000, VoiceRange::Soprano, 523.7),
        (192_000, VoiceRange::Mid, 187.1),
        (16_000, VoiceRange::Low, 143.9),
        (8_000, VoiceRange::Low, 120.7),
    ] {
        let signal = voice(rate_hz, 0.9, &VOWEL, |_| sung_hz);
        for semitones in [-24.0f32, -12.0, -5.0, 0.5, 4.0, 12.0, 19.0] {
            let wanted = sung_hz * f64::from(semitones / 12.0).exp2();
            // Half a second holds too few periods of lower ones to measure them.
            if wanted < 40.0 {
                continue;
            }
            let output = shifted(rate_hz, range, &signal, shift_by(semitones, 0.0));
            let error = cents(
                pitch_near(steady(&output, rate_hz), rate_hz, wanted),
                wanted,
            );
            assert!(
                error.abs() < 2.0,
                "{sung_hz} Hz {semitones:+} st at {rate_hz}: {error} ct"
            );
        }
    }
}

#[test]
fn formants_stay_when_the_pitch_moves_and_move_when_they_are_told() {
    let rate_hz = 48_000;
    let sung_hz = 110.0;
    let signal = voice(rate_hz, 0.9, &[(1_000.0, 120.0)], |_| sung_hz);
    for (pitch, formant) in [
        (0.0, 4.0),
        (4.0, 0.0),
        (-5.0, 0.0),
        (7.0, 0.0),
        (4.0, 5.0),
        (-5.0, -5.0),
        (0.0, -7.0),
        (0.0, 12.0),
    ] {
        let output = shifted(rate_hz, VoiceRange::Low, &signal, shift_by(pitch, formant));
        let wanted = 1_000.0 * f64::from(formant / 12.0).exp2();
        let pitch_hz = sung_hz * f64::from(pitch / 12.0).exp2();
        let around = (wanted / 1.6, wanted * 1.6);
        let found = formant_near(steady(&output, rate_hz), rate_hz, pitch_hz, around);
        let error = cents(found, wanted) / 100.0;
        assert!(
            error.abs() < 1.0,
            "{pitch:+} {formant:+}: {found} Hz, {error} st off"
        );
    }
}

#[test]
fn the_level_stays() {
    let rate_hz = 48_000;
    let signal = voice(rate_hz, 0.9, &VOWEL, |_| 120.0);
    for (pitch, formant) in [
        (-12.0, 0.0),
        (-5.0, 0.0),
        (4.0, 0.0),
        (12.0, 0.0),
        (0.0, 5.0),
        (0.0, -5.0),
    ] {
        let output = shifted(rate_hz, VoiceRange::Low, &signal, shift_by(pitch, formant));
        let gain_db =
            20.0 * (rms(steady(&output, rate_hz)) / rms(steady(&signal, rate_hz))).log10();
        assert!(gain_db.abs() < 1.5, "{pitch:+} {formant:+}: {gain_db} dB");
    }
}

#[test]
fn a_held_note_is_corrected_to_five_cents() {
    let rate_hz = 48_000;
    for (sung_hz, range, note_hz) in [
        (225.0, VoiceRange::Low, 220.0),
        (107.0, VoiceRange::Low, 110.0),
        (452.0, VoiceRange::High, 440.0),
    ] {
        let controls = Controls {
            correction: Correction {
                enabled: true,
                retune_ms: 0.0,
                ..Correction::default()
            },
            ..Controls::default()
        };
        // Ten cents of wavering around an off-key note.
        let wavering = |t: f64| sung_hz * (10.0 / 1200.0 * (25.0 * t).sin()).exp2();
        let signal = voice(rate_hz, 0.9, &VOWEL, wavering);
        let output = shifted(rate_hz, range, &signal, controls);
        let quarter = rate_hz as usize / 10;
        for part in steady(&output, rate_hz).chunks_exact(quarter) {
            let error = cents(pitch_near(part, rate_hz, note_hz), note_hz);
            assert!(error.abs() < 5.0, "{sung_hz} Hz: {error} ct");
        }
    }
}

#[test]
fn a_key_that_is_held_sets_the_note_and_transposition_is_added() {
    let rate_hz = 48_000;
    let mut notes = HeldNotes::default();
    notes.press(60);
    let controls = Controls {
        pitch_semitones: -5.0,
        correction: Correction {
            enabled: true,
            retune_ms: 0.0,
            midi: MidiMode::Last,
            ..Correction::default()
        },
        notes,
        ..Controls::default()
    };
    let signal = voice(rate_hz, 0.9, &VOWEL, |_| 233.0);
    let output = shifted(rate_hz, VoiceRange::Low, &signal, controls);
    let wanted = 440.0 * (-14.0f64 / 12.0).exp2();
    let error = cents(
        pitch_near(steady(&output, rate_hz), rate_hz, wanted),
        wanted,
    );
    assert!(error.abs() < 5.0, "{error} ct");
}

#[test]
fn it_says_what_it_heard() {
    let rate_hz = 48_000;
    let mut engine = ShiftEngine::new(rate_hz, 1, VoiceRange::Low).unwrap();
    let signal = voice(rate_hz, 0.5, &VOWEL, |_| 150.0);
    run(&mut engine, &signal, || 64, |_| shift_by(12.0, 0.0));
    let heard = engine.observe();
    assert!((heard.sung_hz - 150.0).abs() < 0.2, "{heard:?}");
    assert!((heard.target_hz - 300.0).abs() < 0.4, "{heard:?}");
    assert!((heard.note_hz - 150.0).abs() < 0.5, "{heard:?}");
    assert!(0.9 < heard.voicing);
    run(&mut engine, &[0.0; 9_600], || 64, |_| shift_by(12.0, 0.0));
    let heard = engine.observe();
    let silent = (heard.sung_hz, heard.target_hz, heard.note_hz);
    assert_eq!(silent, (0.0, 0.0, 0.0));
}
