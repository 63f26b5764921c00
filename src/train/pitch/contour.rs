//! What a made-up voice sings: its pitch over time, and when it is heard. Exact by construction.

use crate::train::random::Random;

/// The pitch of one voice, frame by frame, and the strength with which it is heard.
pub struct Contour {
    /// Fundamental frequency in Hz, also where nothing is heard.
    pub f0_hz: Vec<f32>,
    /// Strength of the voice, 0..=1, with soft edges.
    pub strength: Vec<f32>,
    /// Stretches without a voice, in frames: start and end.
    pub gaps: Vec<(usize, usize)>,
}

/// Lowest and highest pitch there is, in Hz.
const RANGE_HZ: (f64, f64) = (47.5, 1_600.0);

impl Contour {
    /// A random contour of `frames` frames at `rate_hz`.
    pub fn random(random: &mut Random, frames: usize, rate_hz: f64) -> Self {
        let mut octaves = match random.below(10) {
            0..=3 => melody(random, frames, rate_hz),
            4..=7 => speech(random, frames, rate_hz),
            _ => sweep(random, frames, rate_hz),
        };
        vibrato(random, &mut octaves, rate_hz);
        let (low, high) = (RANGE_HZ.0.log2(), RANGE_HZ.1.log2());
        let f0_hz = octaves
            .iter()
            .map(|o| o.clamp(low, high).exp2() as f32)
            .collect();
        let gaps = gaps(random, frames, rate_hz);
        let strength = strength(random, frames, rate_hz, &gaps);
        Self {
            f0_hz,
            strength,
            gaps,
        }
    }
}

/// A middle pitch: voices are spread evenly over octaves, with more at both ends, where they are
/// hardest to tell.
fn middle(random: &mut Random) -> f64 {
    match random.below(10) {
        0 | 1 => random.log_range(50.0, 100.0),
        2..=4 => random.log_range(400.0, 1_500.0),
        _ => random.log_range(60.0, 1_000.0),
    }
    .log2()
}

/// Steps joined by glides.
fn melody(random: &mut Random, frames: usize, rate_hz: f64) -> Vec<f64> {
    let centre = middle(random);
    let spread = random.range(0.1, 0.9);
    let longest = random.log_range(0.12, 1.5);
    let glide_s = random.log_range(0.015, 0.2);
    let mut octaves = Vec::with_capacity(frames);
    let mut from = centre + random.range(-spread, spread);
    while octaves.len() < frames {
        let to = if random.chance(0.12) {
            from + if random.chance(0.5) { 1.0 } else { -1.0 }
        } else {
            centre + random.range(-spread, spread)
        };
        let glide = (glide_s * rate_hz * random.range(0.5, 1.5)) as usize + 1;
        for i in 0..glide {
            let t = (i as f64 + 0.5) / glide as f64;
            octaves.push(from + (to - from) * t * t * (3.0 - 2.0 * t));
        }
        let held = (random.range(0.3, 1.0) * longest * rate_hz) as usize;
        let drift = random.normal() * 0.01 / held.max(1) as f64;
        octaves.extend((0..held).map(|i| to + drift * i as f64));
        from = to;
    }
    octaves.truncate(frames);
    octaves
}

/// A wandering, smooth contour.
fn speech(random: &mut Random, frames: usize, rate_hz: f64) -> Vec<f64> {
    let centre = middle(random);
    let spread = random.range(0.05, 0.5);
    let step = (random.range(0.06, 0.3) * rate_hz) as usize;
    let mut knots = [0.0; 4].map(|_: f64| random.normal() * spread);
    let mut octaves = Vec::with_capacity(frames + step);
    while octaves.len() < frames {
        let [a, b, c, d] = knots;
        for i in 0..step {
            let t = i as f64 / step as f64;
            // Catmull and Rom's cubic.
            let wander = b + 0.5
                * t
                * (c - a + t * (2.0 * a - 5.0 * b + 4.0 * c - d + t * (3.0 * (b - c) + d - a)));
            octaves.push(centre + wander);
        }
        knots = [b, c, d, random.normal() * spread];
    }
    octaves.truncate(frames);
    octaves
}

/// Long glides up and down.
fn sweep(random: &mut Random, frames: usize, rate_hz: f64) -> Vec<f64> {
    let (mut now, low, high) = (middle(random), RANGE_HZ.0.log2(), RANGE_HZ.1.log2());
    let speed = random.log_range(0.2, 4.0) / rate_hz;
    let mut slope = if random.chance(0.5) { speed } else { -speed };
    (0..frames)
        .map(|_| {
            if !(low..=high).contains(&(now + slope)) || random.chance(0.4 / rate_hz) {
                slope = -slope;
            }
            now += slope;
            now
        })
        .collect()
}

fn vibrato(random: &mut Random, octaves: &mut [f64], rate_hz: f64) {
    if random.chance(0.45) {
        return;
    }
    let rate = random.range(3.5, 8.0) * std::f64::consts::TAU / rate_hz;
    let depth = random.log_range(0.008, 0.14);
    let swell = random.range(0.2, 3.0) * std::f64::consts::TAU / rate_hz;
    let (phase, swell_phase) = (
        random.range(0.0, std::f64::consts::TAU),
        random.range(0.0, std::f64::consts::TAU),
    );
    for (i, octave) in octaves.iter_mut().enumerate() {
        let level = 0.5 + 0.5 * (swell * i as f64 + swell_phase).sin();
        *octave += depth * level * (rate * i as f64 + phase).sin();
    }
}

/// Gaps make a bit under a third of the time.
fn gaps(random: &mut Random, frames: usize, rate_hz: f64) -> Vec<(usize, usize)> {
    if random.chance(0.08) {
        return vec![(0, frames)];
    }
    let mut gaps = Vec::new();
    let mut at = 0;
    let mut silent = random.chance(0.4);
    while at < frames {
        let length_s = if silent {
            random.log_range(0.03, 0.6)
        } else {
            random.log_range(0.05, 2.0)
        };
        let end = (at + (length_s * rate_hz) as usize).min(frames);
        if silent {
            gaps.push((at, end));
        }
        silent = !silent;
        at = end;
    }
    gaps
}

/// 1 outside the gaps, with edges of random length, and a wandering level.
fn strength(random: &mut Random, frames: usize, rate_hz: f64, gaps: &[(usize, usize)]) -> Vec<f32> {
    let mut strength = vec![1f32; frames];
    for &(start, end) in gaps {
        strength[start..end].fill(0.0);
    }
    // Two moving averages make smooth edges that cross one half where the gap begins and ends.
    let half = (random.log_range(0.002, 0.02) * rate_hz) as usize;
    for _ in 0..2 {
        average(&mut strength, half);
    }
    let depth = random.range(0.0, 0.6) as f32;
    let rate = random.log_range(0.5, 8.0) * std::f64::consts::TAU / rate_hz;
    let phase = random.range(0.0, std::f64::consts::TAU);
    for (i, value) in strength.iter_mut().enumerate() {
        *value *= 1.0 - depth * (0.5 + 0.5 * (rate * i as f64 + phase).sin() as f32);
    }
    strength
}

fn average(values: &mut [f32], half: usize) {
    let mut sums = vec![0f64; values.len() + 1];
    for (i, value) in values.iter().enumerate() {
        sums[i + 1] = sums[i] + f64::from(*value);
    }
    let last = values.len();
    for (i, value) in values.iter_mut().enumerate() {
        let (from, to) = (i.saturating_sub(half), (i + half + 1).min(last));
        *value = ((sums[to] - sums[from]) / (to - from) as f64) as f32;
    }
}
