//! A keyboard and a scale steer the pitch.

use xtask::clap_host::Event;
use xtask::measure::{pitch_error, pitch_track, tone};

use crate::support::{RATE_HZ, assert_clean, bundle, instance, set_all};

/// What a held note may be off by with the fastest correction.
const HELD_NOTE_CENTS: f64 = 5.0;

fn heard_hz(settings: &[(&str, &str)], sung_hz: f64, notes: &[(usize, Event)], wanted_hz: f64) {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (1, 1));
    assert_eq!(plugin.note_inputs(), 1);
    set_all(
        &mut plugin,
        &[
            ("correct", "on"),
            ("retune_ms", "0"),
            ("amount", "100 %"),
            ("humanize", "0 %"),
        ],
    );
    set_all(&mut plugin, settings);
    let input = vec![tone(RATE_HZ, sung_hz, 0.5, 72_000)];
    let mut audio = plugin.activate(RATE_HZ, 128).unwrap();
    let output = audio.render(&input, || 128, notes).unwrap();
    plugin.deactivate(audio);
    // The first half second may settle.
    let heard = pitch_track(&output[0][24_000..], RATE_HZ);
    let sung = vec![sung_hz; heard.len()];
    let error = pitch_error(&sung, &heard, |_| wanted_hz).unwrap();
    let case = format!("{sung_hz} Hz with {settings:?} {notes:?}");
    assert!(error.frames > 80, "{case}: {} voiced frames", error.frames);
    assert!(
        error.median_cents < HELD_NOTE_CENTS,
        "{case}: {:.1} cents from {wanted_hz} Hz",
        error.median_cents
    );
    assert_clean(&plugin);
}

#[test]
fn a_scale_draws_the_pitch_to_its_notes() {
    let table = [
        // 41 cents above A3
        (225.3, ("C", "chromatic"), 220.0),
        // G#3 is no note of C major; A3 is nearer than G3 from 214 Hz
        (214.0, ("C", "major"), 220.0),
    ];
    for (sung_hz, (key, scale), wanted_hz) in table {
        heard_hz(&[("key", key), ("scale", scale)], sung_hz, &[], wanted_hz);
    }
}

#[test]
fn the_tuning_moves_the_notes() {
    heard_hz(
        &[("scale", "chromatic"), ("tuning_hz", "432")],
        220.0,
        &[],
        216.0,
    );
}

#[test]
fn a_held_key_sets_the_pitch() {
    let on = Event::NoteOn {
        key: 60,
        velocity: 0.8,
    };
    let c4_hz = 440.0 * (-9.0f64 / 12.0).exp2();
    heard_hz(&[("midi_mode", "Last note")], 247.0, &[(100, on)], c4_hz);
}

#[test]
fn raw_midi_is_a_key_too() {
    let on = Event::Midi([0x90, 60, 100]);
    let c4_hz = 440.0 * (-9.0f64 / 12.0).exp2();
    heard_hz(&[("midi_mode", "Last note")], 247.0, &[(100, on)], c4_hz);
}

#[test]
fn the_last_of_two_keys_counts_until_it_is_released() {
    let down = |key| Event::NoteOn { key, velocity: 0.8 };
    let keys = [
        (100, down(57)),
        (5_000, down(60)),
        (15_000, Event::NoteOff { key: 60 }),
    ];
    heard_hz(&[("midi_mode", "Last note")], 233.0, &keys, 220.0);
}

#[test]
fn the_nearest_key_of_a_chord_counts() {
    let down = |key| Event::NoteOn { key, velocity: 0.8 };
    let chord = [(100, down(52)), (100, down(57)), (100, down(64))];
    heard_hz(&[("midi_mode", "Nearest note")], 233.0, &chord, 220.0);
}
