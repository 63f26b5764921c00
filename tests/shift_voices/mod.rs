//! Synthetic voices with known pitch and formants, and measures of what comes out of the engine.
#![allow(dead_code, reason = "each test binary uses its own part")]
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use autovoice::engine::shift::ShiftEngine;
use autovoice::engine::{Controls, Engine};
use autovoice::pitch::VoiceRange;
use std::f64::consts::TAU;

/// A generator of white noise, -1..1: xorshift, seeded.
pub struct Noise(pub u64);

impl Noise {
    pub fn next(&mut self) -> f32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32
    }
}

/// Formants of an open vowel: frequency and bandwidth in Hz.
pub const VOWEL: [(f64, f64); 3] = [(700.0, 90.0), (1_220.0, 110.0), (2_600.0, 160.0)];

/// A voice: falling harmonics through resonances, `pitch_hz` at a time in seconds.
pub fn voice(
    rate_hz: u32,
    seconds: f64,
    formants: &[(f64, f64)],
    pitch_hz: impl Fn(f64) -> f64,
) -> Vec<f32> {
    let rate = f64::from(rate_hz);
    let mut phase = 0.0;
    let mut out: Vec<f64> = Vec::new();
    for i in 0..(seconds * rate) as usize {
        let hz = pitch_hz(i as f64 / rate);
        phase += hz / rate;
        // A pulse with every harmonic below 0.45 of the rate, in closed form.
        let n = (0.45 * rate / hz).floor();
        let angle = TAU * phase / 2.0;
        let pulse = if angle.sin().abs() < 1e-9 {
            2.0 * n
        } else {
            ((2.0 * n + 1.0) * angle).sin() / angle.sin() - 1.0
        };
        out.push(pulse);
    }
    let poles = formants.iter().copied().chain([(0.0, 200.0)]);
    for (hz, width) in poles {
        let radius = (-std::f64::consts::PI * width / rate).exp();
        let (a, b) = (2.0 * radius * (TAU * hz / rate).cos(), radius * radius);
        let (mut y1, mut y2) = (0.0, 0.0);
        for x in &mut out {
            let y = *x + a * y1 - b * y2;
            (y2, y1) = (y1, y);
            *x = y;
        }
    }
    let mean = out.iter().sum::<f64>() / out.len() as f64;
    let peak = out.iter().fold(0.0f64, |p, x| p.max((x - mean).abs()));
    out.iter()
        .map(|x| (0.5 * (x - mean) / peak) as f32)
        .collect()
}

/// Runs an engine over mono input in blocks whose lengths `block` gives; the output is as long
/// as the input and `lookahead` late.
pub fn run(
    engine: &mut ShiftEngine,
    input: &[f32],
    mut block: impl FnMut() -> usize,
    controls: impl Fn(usize) -> Controls,
) -> Vec<f32> {
    let mut output = vec![0.0; input.len()];
    let mut at = 0;
    while at < input.len() {
        let end = (at + block()).min(input.len());
        engine
            .step(
                &[&input[at..end]],
                &mut [&mut output[at..end]],
                &controls(at),
            )
            .unwrap();
        at = end;
    }
    output
}

/// The whole signal through a fresh engine, aligned with the input.
pub fn shifted(rate_hz: u32, range: VoiceRange, input: &[f32], controls: Controls) -> Vec<f32> {
    let mut engine = ShiftEngine::new(rate_hz, 1, range).unwrap();
    let delay = engine.spec().lookahead;
    let mut padded = input.to_vec();
    padded.resize(input.len() + delay, 0.0);
    run(&mut engine, &padded, || 64, |_| controls)[delay..].to_vec()
}

/// Strength of one frequency under a Hann window.
pub fn level_at(signal: &[f32], rate_hz: u32, hz: f64) -> f64 {
    let turn = |cycles: f64| ((TAU * cycles).cos(), (TAU * cycles).sin());
    let times = |a: (f64, f64), b: (f64, f64)| (a.0 * b.0 - a.1 * b.1, a.0 * b.1 + a.1 * b.0);
    let n = signal.len() as f64;
    let (step, window_step) = (turn(hz / f64::from(rate_hz)), turn(1.0 / n));
    let (mut angle, mut window) = ((1.0, 0.0), (1.0, 0.0));
    let (mut re, mut im) = (0.0, 0.0);
    for x in signal {
        let x = f64::from(*x) * (0.5 - 0.5 * window.0);
        re += x * angle.0;
        im += x * angle.1;
        angle = times(angle, step);
        window = times(window, window_step);
    }
    (re * re + im * im).sqrt() / n
}

/// The pitch near a guess: where the first ten harmonics together are strongest.
pub fn pitch_near(signal: &[f32], rate_hz: u32, guess_hz: f64) -> f64 {
    let strength = |hz: f64| -> f64 {
        (1..=10)
            .map(|k| f64::from(k) * hz)
            .filter(|hz| *hz < 0.4 * f64::from(rate_hz))
            .map(|hz| level_at(signal, rate_hz, hz).powi(2))
            .sum()
    };
    let (mut centre, mut step_cents) = (guess_hz, 10.0);
    while 0.05 < step_cents {
        let best = (-4..=4)
            .map(|i| centre * (f64::from(i) * step_cents / 1200.0).exp2())
            .max_by(|a, b| strength(*a).total_cmp(&strength(*b)))
            .unwrap();
        (centre, step_cents) = (best, step_cents / 3.0);
    }
    centre
}

/// Cents from `b` to `a`.
pub fn cents(a: f64, b: f64) -> f64 {
    1200.0 * (a / b).log2()
}

/// The strongest place of the spectral envelope between two frequencies: the parabola through
/// the strongest harmonic and its neighbours, in dB.
pub fn formant_near(signal: &[f32], rate_hz: u32, pitch_hz: f64, around: (f64, f64)) -> f64 {
    let db = |k: i32| 20.0 * level_at(signal, rate_hz, f64::from(k) * pitch_hz).log10();
    let harmonics = (around.0 / pitch_hz).ceil() as i32..=(around.1 / pitch_hz).floor() as i32;
    let best = harmonics.max_by(|a, b| db(*a).total_cmp(&db(*b))).unwrap();
    let (before, here, after) = (db(best - 1), db(best), db(best + 1));
    let offset = 0.5 * (before - after) / (before - 2.0 * here + after);
    (f64::from(best) + offset.clamp(-0.5, 0.5)) * pitch_hz
}

/// Root mean square.
pub fn rms(signal: &[f32]) -> f64 {
    (signal.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>() / signal.len() as f64).sqrt()
}
