//! Where nothing is sung, a voice of ours has no pitch: breaths, whispers, fricatives, room noise,
//! fans, mains hum, clicks and silence, made and recorded. The voice is one made by hand that has
//! nothing but harmonics wherever the engine finds a pitch, so that every ghost is heard.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod ddsp_nets;
mod tones;

use std::f64::consts::TAU;

use autovoice::engine::ddsp::{DdspEngine, Stage};
use autovoice::engine::{Controls, Engine};
use autovoice::pitch::PitchTracker;
use autovoice::pitch::track::neural::Neural;
use ddsp_nets::{ECHO, by_hand, engine, small};
use tones::Noise;

const RATE: usize = 48_000;
/// Frames of 10 ms in a second.
const FRAMES: usize = 100;

/// White noise through resonances at these frequencies and bandwidths in Hz, in parallel.
fn resonant(noise: &mut Noise, frames: usize, at: &[(f64, f64)]) -> Vec<f32> {
    let mut sum = vec![0.0; frames];
    for (hz, bandwidth_hz) in at {
        let (turn, radius) = (
            TAU * hz / RATE as f64,
            (-TAU * bandwidth_hz / 2.0 / RATE as f64).exp(),
        );
        let (mut y1, mut y2) = (0.0, 0.0);
        for x in &mut sum {
            let y =
                f64::from(noise.sample()) + 2.0 * radius * turn.cos() * y1 - radius * radius * y2;
            (y1, y2) = (y, y1);
            // Narrow ones are no louder.
            *x += y * (1.0 - radius).sqrt() * turn.sin();
        }
    }
    sum.into_iter().map(|x| x as f32).collect()
}

/// A signal of this level in dB of full scale.
fn at_level(mut signal: Vec<f32>, db: f64) -> Vec<f32> {
    let gain = 10f64.powf((db - level_db(&signal)) / 20.0) as f32;
    signal.iter_mut().for_each(|x| *x *= gain);
    signal
}

/// Comes and goes: so many seconds of a period, with slopes as a breath has them.
fn breathed(mut signal: Vec<f32>, on_s: f64, period_s: f64) -> Vec<f32> {
    for (n, x) in signal.iter_mut().enumerate() {
        let t = (n as f64 / RATE as f64) % period_s / on_s;
        *x *= if t < 1.0 {
            (TAU / 2.0 * t).sin().powi(2) as f32
        } else {
            0.0
        };
    }
    signal
}

/// Sines of these frequencies and amplitudes.
fn sines(frames: usize, parts: &[(f64, f64)]) -> Vec<f32> {
    let at = |n: usize| {
        parts
            .iter()
            .map(|(hz, a)| a * (TAU * hz * n as f64 / RATE as f64).sin())
            .sum::<f64>() as f32
    };
    (0..frames).map(at).collect()
}

fn mixed(a: Vec<f32>, b: &[f32]) -> Vec<f32> {
    a.into_iter().zip(b).map(|(a, b)| a + b).collect()
}

/// Short resonances, one after each wait in seconds.
fn clicks(noise: &mut Noise, frames: usize, wait_s: impl Fn(&mut Noise) -> f64) -> Vec<f32> {
    let mut signal = vec![0.0; frames];
    let mut at = 0.1;
    while at < frames as f64 / RATE as f64 - 0.1 {
        let first = (at * RATE as f64) as usize;
        let (hz, sign) = (
            1_500.0 + 2_500.0 * f64::from(noise.sample().abs()),
            noise.sample(),
        );
        for n in 0..480 {
            let t = n as f64 / RATE as f64;
            signal[first + n] += sign * ((-t / 0.001).exp() * (TAU * hz * t).sin()) as f32;
        }
        at += wait_s(noise);
    }
    signal
}

/// What is heard in rooms where nobody sings: a name and a signal.
fn unsung() -> Vec<(&'static str, Vec<f32>)> {
    let noise = &mut Noise::new(5);
    let n = 4 * RATE;
    let breath = [
        (600.0, 400.0),
        (1_400.0, 500.0),
        (2_600.0, 600.0),
        (4_500.0, 1_500.0),
    ];
    let sigh = [(450.0, 250.0), (1_100.0, 300.0), (2_500.0, 400.0)];
    let whisper = [
        (700.0, 180.0),
        (1_200.0, 200.0),
        (2_600.0, 260.0),
        (3_600.0, 350.0),
    ];
    let hiss = [(5_500.0, 2_000.0), (8_000.0, 3_000.0)];
    let rumble = [(30.0, 60.0), (120.0, 200.0), (400.0, 700.0)];
    let white: Vec<f32> = (0..n).map(|_| noise.sample()).collect();
    let mains = [
        (50.0, 1.0),
        (100.0, 0.7),
        (150.0, 0.5),
        (250.0, 0.3),
        (350.0, 0.15),
    ];
    vec![
        (
            "breaths in",
            breathed(at_level(resonant(noise, n, &breath), -35.0), 0.6, 1.1),
        ),
        (
            "breaths, loud",
            breathed(at_level(resonant(noise, n, &breath), -20.0), 0.35, 0.8),
        ),
        (
            "sighs",
            breathed(at_level(resonant(noise, n, &sigh), -35.0), 0.8, 1.2),
        ),
        (
            "a whisper",
            breathed(at_level(resonant(noise, n, &whisper), -30.0), 0.25, 0.3),
        ),
        (
            "fricatives",
            breathed(at_level(resonant(noise, n, &hiss), -25.0), 0.15, 0.3),
        ),
        ("a room at -60 dB", at_level(white.clone(), -60.0)),
        (
            "a room that rumbles at -50 dB",
            at_level(resonant(noise, n, &rumble), -50.0),
        ),
        (
            "a fan",
            mixed(
                at_level(
                    resonant(noise, n, &[(200.0, 300.0), (900.0, 1_500.0)]),
                    -48.0,
                ),
                &at_level(sines(n, &[(117.0, 1.0), (234.0, 0.4)]), -58.0),
            ),
        ),
        (
            "hum of 50 Hz at -60 dB",
            mixed(
                at_level(sines(n, &mains), -60.0),
                &at_level(white.clone(), -75.0),
            ),
        ),
        (
            "hum of 50 Hz at -45 dB",
            mixed(
                at_level(sines(n, &mains), -45.0),
                &at_level(white.clone(), -70.0),
            ),
        ),
        (
            "hum of 60 Hz at -50 dB",
            mixed(
                at_level(sines(n, &mains.map(|(hz, a)| (1.2 * hz, a))), -50.0),
                &at_level(white.clone(), -70.0),
            ),
        ),
        (
            "a pure hum of 50 Hz at -30 dB",
            at_level(sines(n, &[(50.0, 1.0)]), -30.0),
        ),
        (
            "clicks",
            at_level(
                clicks(noise, n, |noise| {
                    0.05 + 0.2 * f64::from(noise.sample().abs())
                }),
                -35.0,
            ),
        ),
        ("a clock", at_level(clicks(noise, n, |_| 0.25), -45.0)),
        (
            "typing",
            mixed(
                at_level(
                    clicks(noise, n, |noise| {
                        0.03 + 0.15 * f64::from(noise.sample().abs())
                    }),
                    -40.0,
                ),
                &at_level(white, -65.0),
            ),
        ),
    ]
}

/// What the engine made of a signal.
struct Made {
    output: Vec<f32>,
    /// By frames of 10 ms of the input: whether the engine found a pitch.
    pitched: Vec<bool>,
}

fn made(engine: &mut DdspEngine, input: &[f32]) -> Made {
    let mut made = Made {
        output: Vec::new(),
        pitched: Vec::new(),
    };
    for hop in input.chunks_exact(engine.spec().hop) {
        let mut y = vec![f32::NAN; hop.len()];
        let pitched = &mut made.pitched;
        let observe = |stage, values: &[f32]| {
            if stage == Stage::Decoder {
                pitched.push(0.5 < values[values.len() - 1]);
            }
        };
        engine
            .observed(hop, &mut y, &Controls::default(), observe)
            .unwrap();
        made.output.extend(y);
    }
    made.output.drain(..engine.spec().lookahead);
    assert!(made.output.iter().all(|y| y.is_finite()));
    made
}

fn level_db(signal: &[f32]) -> f64 {
    let squares: f64 = signal.iter().map(|x| f64::from(x * x)).sum();
    10.0 * (squares / signal.len() as f64 + 1e-20).log10()
}

fn share(of: impl IntoIterator<Item = bool>) -> f64 {
    let (mut count, mut all) = (0, 0);
    for yes in of {
        count += usize::from(yes);
        all += 1;
    }
    f64::from(count as u32) / f64::from(all.max(1) as u32)
}

/// The share of a signal in which the tracker hears a voice.
fn voiced(signal: &[f32]) -> f64 {
    let mut tracker = Neural::new(RATE as u32);
    share(
        signal
            .iter()
            .filter_map(|x| tracker.push(*x))
            .map(|frame| frame.voiced),
    )
}

/// A voice that sings on, then this.
fn after_a_song(signal: &[f32]) -> Vec<f32> {
    let mut all = ddsp_nets::sung(2.0, |t| 220.0 + 10.0 * (30.0 * t).sin());
    all.extend(signal);
    all
}

#[test]
fn where_nothing_is_sung_no_voice_is_heard() {
    println!(
        "sound | frames with a pitch: tracker, engine | voiced in what comes out | dB in, out"
    );
    for (name, signal) in unsung() {
        for (before, input) in [(0, signal.clone()), (2, after_a_song(&signal))] {
            let made = made(&mut by_hand(1, ECHO), &input);
            // A hum is known when it has been there for a while; a song takes a while to end.
            let from = before * FRAMES + FRAMES / 2;
            let found = share(made.pitched[from..].iter().copied());
            let output = &made.output[from * RATE / FRAMES..];
            let heard = voiced(output);
            println!(
                "{name}, {before} s of song before | {:.4} {found:.4} | {heard:.4} | {:.1} {:.1}",
                voiced(&signal),
                level_db(&signal),
                level_db(output),
            );
            assert!(found <= 0.02, "{name}, {before} s of song before: {found}");
            assert!(heard <= 0.03, "{name}, {before} s of song before: {heard}");
        }
    }
}

#[test]
fn what_is_sung_keeps_its_pitch_however_soft() {
    for hz in [70.0, 110.0, 200.0, 700.0] {
        for db in [-15.0, -30.0, -45.0, -54.0] {
            let vibrato = |t: f64| hz * (1.0 + 0.01 * (30.0 * t).sin());
            let signal = at_level(ddsp_nets::sung(2.0, vibrato), db);
            let made = made(&mut by_hand(1, ECHO), &signal);
            let found = share(made.pitched[5..195].iter().copied());
            assert!(0.97 < found, "{hz} Hz at {db} dB: {found}");
        }
    }
}

#[test]
fn in_silence_nothing_is_heard() {
    let noise = &mut Noise::new(9);
    let hiss = at_level((0..2 * RATE).map(|_| noise.sample()).collect(), -75.0);
    for (name, signal) in [("silence", vec![0.0; 2 * RATE]), ("hiss at -75 dB", hiss)] {
        for (voice, mut engine) in [
            ("by hand", by_hand(1, ECHO)),
            ("seeded", engine(&small(1), 3)),
            ("another", engine(&small(2), 4)),
        ] {
            let made = made(&mut engine, &after_a_song(&signal));
            let level = level_db(&made.output[2 * RATE + RATE / 5..]);
            assert!(level < -60.0, "{name}, {voice}: {level} dB");
        }
    }
}

/// Stretches of a singer's recording in which nobody sings, breaths among them, and those in which
/// somebody does: by the pitch that was corrected by hand, 60 ms left out at every end.
#[test]
fn between_the_words_of_a_real_singer_no_voice_is_heard() {
    let Some(audio) = tones::shared("audio") else {
        return;
    };
    let signal = tones::recording(&audio.join("vocadito_1_44k.wav"));
    let table = std::fs::read_to_string(audio.join("vocadito_1_f0.csv")).unwrap();
    let truth: Vec<(f64, bool)> = (table.lines())
        .map(|line| {
            let (time_s, f0_hz) = line.split_once(',').unwrap();
            (time_s.parse().unwrap(), 0.0 < f0_hz.parse::<f64>().unwrap())
        })
        .collect();
    let sung: Vec<Option<bool>> = (0..signal.len() * FRAMES / RATE)
        .map(|frame| {
            let near = |(s, _): &&(f64, bool)| (s - frame as f64 / FRAMES as f64).abs() < 0.06;
            let mut near = truth.iter().filter(near).map(|(_, sung)| *sung);
            let first = near.next()?;
            near.all(|sung| sung == first).then_some(first)
        })
        .collect();
    let made = made(&mut by_hand(1, ECHO), &signal);
    let of = |wanted: bool| {
        let frames = made.pitched.iter().zip(&sung);
        share(
            frames
                .filter(|(_, sung)| **sung == Some(wanted))
                .map(|(pitched, _)| *pitched),
        )
    };
    println!(
        "a pitch where nobody sings: {:.4}; where somebody does: {:.4}",
        of(false),
        of(true)
    );
    assert!(of(false) < 0.015, "{}", of(false));
    assert!(0.97 < of(true), "{}", of(true));
}
