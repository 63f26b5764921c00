//! The `shift` engine with a slow tracker: it waits for it, believes its octave and its voicing,
//! and measures the period itself.

mod shift_voices;

use autovoice::engine::shift::ShiftEngine;
use autovoice::engine::{Controls, Engine};
use autovoice::pitch::{PitchFrame, PitchTracker, VoiceRange};
use autovoice::units::Frames;
use shift_voices::{VOWEL, cents, pitch_near, run, voice};

const RATE_HZ: u32 = 48_000;
const HOP: Frames = 480;
const LOOKAHEAD: Frames = 1_056;

/// Says every 10 ms what it was told about an instant 22 ms ago.
struct Told {
    written: Frames,
    /// Pitch in Hz at a time in seconds, none where unvoiced.
    pitch: fn(f64) -> Option<f64>,
}

impl PitchTracker for Told {
    fn name(&self) -> &'static str {
        "told"
    }

    fn lookahead(&self) -> Frames {
        LOOKAHEAD
    }

    fn threshold(&self) -> f32 {
        0.5
    }

    fn reset(&mut self) {
        self.written = 0;
    }

    fn push(&mut self, _: f32) -> Option<PitchFrame> {
        self.written += 1;
        let newest = self.written - 1;
        let at = newest.checked_sub(LOOKAHEAD)?;
        if at % HOP != 0 {
            return None;
        }
        let hz = (self.pitch)(at as f64 / f64::from(RATE_HZ));
        Some(PitchFrame {
            at: at as f64,
            f0_hz: hz.unwrap_or(100.0) as f32,
            f0_at: at as f64,
            confidence: if hz.is_some() { 1.0 } else { 0.0 },
            voiced: hz.is_some(),
        })
    }
}

fn engine(range: VoiceRange, pitch: fn(f64) -> Option<f64>) -> ShiftEngine {
    let tracker = Box::new(Told { written: 0, pitch });
    ShiftEngine::with_tracker(RATE_HZ, 1, range, tracker).expect("supported")
}

fn pitched(semitones: f32) -> Controls {
    Controls {
        pitch_semitones: semitones,
        ..Controls::default()
    }
}

/// The whole signal through an engine, aligned with the input.
fn aligned(mut engine: ShiftEngine, input: &[f32], controls: Controls) -> Vec<f32> {
    let delay = engine.spec().lookahead;
    let mut padded = input.to_vec();
    padded.resize(input.len() + delay, 0.0);
    run(&mut engine, &padded, || 64, |_| controls)[delay..].to_vec()
}

#[test]
fn the_delay_is_the_ranges_or_the_trackers_and_half_a_period() {
    for (range, expected) in [
        (VoiceRange::Bass, LOOKAHEAD + 400),
        (VoiceRange::Low, LOOKAHEAD + 300),
        (VoiceRange::Mid, LOOKAHEAD + 219),
        (VoiceRange::Soprano, LOOKAHEAD + 110),
    ] {
        let spec = engine(range, |_| None).spec();
        assert_eq!(spec.lookahead, expected, "{range:?}");
        assert!(ShiftEngine::delay(RATE_HZ, range) <= expected);
    }
}

#[test]
fn the_period_is_measured_where_the_tracker_is_coarse() {
    // Forty cents off, and in steps.
    let told = |t: f64| Some((0.5 * (t / 0.02).floor()).sin() * 4.0 + 165.0);
    let signal = voice(RATE_HZ, 0.9, &VOWEL, |_| 163.0);
    for semitones in [-12.0f32, -5.0, 0.5, 4.0, 12.0] {
        let output = aligned(engine(VoiceRange::Low, told), &signal, pitched(semitones));
        let wanted = 163.0 * f64::from(semitones / 12.0).exp2();
        let steady = &output[14_400..38_400];
        let error = cents(pitch_near(steady, RATE_HZ, wanted), wanted);
        assert!(error.abs() < 2.0, "{semitones:+} st: {error} ct");
    }
}

#[test]
fn what_the_tracker_calls_no_voice_passes_as_it_is() {
    let signal = voice(RATE_HZ, 0.6, &VOWEL, |_| 163.0);
    let output = aligned(engine(VoiceRange::Low, |_| None), &signal, pitched(5.0));
    assert_eq!(output, signal);
}

#[test]
fn a_voice_is_shifted_from_its_onset_on() {
    // A voice from 0.3 s on; the tracker says so 22 ms late, and the engine has waited for that.
    let mut signal = vec![0.0; 14_400];
    signal.extend(voice(RATE_HZ, 0.5, &VOWEL, |_| 200.0));
    let told = |t: f64| (0.3 <= t).then_some(200.0);
    let output = aligned(engine(VoiceRange::Mid, told), &signal, pitched(7.0));
    let dry = |from: usize, to: usize| {
        let same = (from..to).filter(|&i| output[i] == signal[i]).count();
        same as f64 / (to - from) as f64
    };
    // The first grain begins up to a period before its mark.
    assert_eq!(dry(0, 14_400 - 240), 1.0, "silence before");
    assert!(dry(14_400 + 480, 36_000) < 0.01, "the voice");
}

#[test]
fn with_nothing_to_do_and_after_a_reset_it_is_exact() {
    let signal = voice(RATE_HZ, 0.5, &VOWEL, |t| 150.0 * (0.5 * t).exp2());
    let told = |t: f64| Some(150.0 * (0.5 * t).exp2());
    let output = aligned(engine(VoiceRange::Low, told), &signal, Controls::default());
    assert_eq!(output, signal);
    let mut again = engine(VoiceRange::Low, told);
    let first = run(&mut again, &signal, || 64, |_| pitched(3.0));
    again.reset();
    let second = run(&mut again, &signal, || 37, |_| pitched(3.0));
    assert!(first == second, "blocks and resets are not heard");
}
