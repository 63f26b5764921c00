//! What stands between a voice and the tracker: consonants and breaths in its gaps, noise, music,
//! a room, a microphone.

use super::contour::Contour;
use super::voices;
use crate::train::random::Random;

/// Frames a second of every scene.
pub const RATE_HZ: f64 = 16_000.0;

/// A scene and what is true of it, frame by frame.
pub struct Scene {
    /// Samples.
    pub signal: Vec<f32>,
    /// Pitch in Hz.
    pub f0_hz: Vec<f32>,
    /// Strength of the voice, 0..=1.
    pub strength: Vec<f32>,
    /// Stretches without a voice, in frames: start and end.
    pub gaps: Vec<(usize, usize)>,
    /// How long the room rings, in frames, so loud that it may be taken for the voice.
    pub ringing: usize,
}

/// How noisy scenes are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Noise {
    /// As it comes: a quarter without, the rest from -3 to 40 dB.
    Any,
    /// None: for measuring.
    Clean,
    /// Pink and white at this signal-to-noise ratio in dB: for measuring.
    Db(f64),
}

impl Scene {
    /// A made-up voice of `frames` frames.
    pub fn random(random: &mut Random, frames: usize, noise: Noise) -> Self {
        let contour = Contour::random(random, frames, RATE_HZ);
        let mut signal = voices::sing(random, &contour, RATE_HZ);
        for &(start, end) in &contour.gaps {
            consonant(random, &mut signal[start..end]);
        }
        let ringing = surround(random, &mut signal, noise);
        Self {
            signal,
            f0_hz: contour.f0_hz,
            strength: contour.strength,
            gaps: contour.gaps,
            ringing,
        }
    }
}

/// Puts room, noise and microphone around a voice of mean square about 1 where it sounds. Returns
/// for how many frames the room rings audibly.
pub fn surround(random: &mut Random, signal: &mut [f32], noise: Noise) -> usize {
    let ringing = match noise {
        Noise::Any if random.chance(0.3) => room(random, signal),
        _ => 0,
    };
    match noise {
        Noise::Clean => {}
        Noise::Db(db) => add_noise(random, signal, db, 0),
        Noise::Any => add_anything(random, signal),
    }
    microphone(random, signal, noise == Noise::Any);
    ringing
}

fn add_anything(random: &mut Random, signal: &mut [f32]) {
    if random.chance(0.75) {
        let db = random.range(-3.0, 40.0);
        // Most noise is broad.
        let kind = random.below(8).saturating_sub(3);
        add_noise(random, signal, db, kind);
    }
    if random.chance(0.12) {
        music(random, signal);
    }
    if random.chance(0.12) {
        babble(random, signal);
    }
    if random.chance(0.1) {
        hum(random, signal);
    }
}

/// Fills a gap with what voices do when they are not voiced: nothing, a hiss, a burst, a breath.
fn consonant(random: &mut Random, gap: &mut [f32]) {
    let frames = gap.len();
    if frames < 8 || random.chance(0.35) {
        return;
    }
    let level = random.log_range(0.02, 1.2) as f32;
    let mut filter = Resonance::new(
        random.log_range(300.0, 7_000.0),
        random.log_range(300.0, 6_000.0),
    );
    let bright = random.range(-0.9, 0.95) as f32;
    let burst = random.chance(0.25);
    let decay = random.log_range(0.004, 0.04) * RATE_HZ;
    let mut last = 0.0;
    let mut hiss: Vec<f32> = (0..frames)
        .map(|i| {
            let white = random.white();
            let tilted = white - bright * last;
            last = white;
            let share = (i as f64 + 0.5) / frames as f64;
            let envelope = match burst {
                true => (-(i as f64) / decay).exp(),
                false => (std::f64::consts::PI * share).sin(),
            };
            filter.step(tilted) * envelope as f32
        })
        .collect();
    let power = hiss.iter().map(|x| x * x).sum::<f32>() / frames as f32;
    let gain = level / power.sqrt().max(1e-6);
    hiss.iter_mut().for_each(|x| *x *= gain);
    for (x, y) in gap.iter_mut().zip(&hiss) {
        *x += y;
    }
}

/// Adds noise of one kind at a ratio to a voice of mean square 1: 0 pink and white, 1 white,
/// 2 brown, 3 a band, 4 pink and white that comes and goes.
fn add_noise(random: &mut Random, signal: &mut [f32], snr_db: f64, kind: usize) {
    let mut pink = [0f32; 3];
    let mut brown = 0f32;
    let mut band = Resonance::new(
        random.log_range(100.0, 6_000.0),
        random.log_range(100.0, 4_000.0),
    );
    let swell = random.range(0.3, 4.0) * std::f64::consts::TAU / RATE_HZ;
    let mut noise: Vec<f32> = (0..signal.len())
        .map(|i| {
            let white = random.white();
            match kind {
                1 => white,
                2 => {
                    brown = 0.995 * brown + 0.1 * white;
                    brown
                }
                3 => band.step(white),
                _ => {
                    // Three poles that fall by 10 dB a decade (Kellet's approximation).
                    pink[0] = 0.997_65 * pink[0] + 0.099_046 * white;
                    pink[1] = 0.963 * pink[1] + 0.296_516_4 * white;
                    pink[2] = 0.57 * pink[2] + 1.052_691_3 * white;
                    let sum = 0.35 * (pink.iter().sum::<f32>() + 0.184_8 * white);
                    let moving = 0.6 + 0.4 * (swell * i as f64).sin() as f32;
                    (sum + 0.5 * random.white()) * if kind == 4 { moving } else { 1.0 }
                }
            }
        })
        .collect();
    let power = noise.iter().map(|x| x * x).sum::<f32>() / noise.len().max(1) as f32;
    let gain = 10f32.powf(-snr_db as f32 / 20.0) / power.sqrt().max(1e-6);
    noise.iter_mut().for_each(|x| *x *= gain);
    for (x, n) in signal.iter_mut().zip(&noise) {
        *x += n;
    }
}

/// Notes of a backing track, softer than the voice.
fn music(random: &mut Random, signal: &mut [f32]) {
    let gain = 10f64.powf(random.range(-35.0, -8.0) / 20.0);
    let beat = (random.range(0.2, 0.8) * RATE_HZ) as usize;
    for start in (0..signal.len()).step_by(beat) {
        let root = random.log_range(60.0, 300.0);
        for ratio in [1.0, 1.26, 1.5, 2.0] {
            let step = std::f64::consts::TAU * root * ratio / RATE_HZ;
            let decay = random.log_range(0.05, 1.0) * RATE_HZ;
            for (i, x) in signal[start..].iter_mut().take(2 * beat).enumerate() {
                let t = step * i as f64;
                let tone = t.sin() + 0.5 * (2.0 * t).sin() + 0.25 * (3.0 * t).sin();
                *x += (0.4 * gain * (-(i as f64) / decay).exp() * tone) as f32;
            }
        }
        let hit = random.range(0.0, 1.5) * gain;
        for (i, x) in signal[start..].iter_mut().take(800).enumerate() {
            *x += (hit * (-(i as f64) / 150.0).exp()) as f32 * random.white();
        }
    }
}

/// Other people, far softer than the voice.
fn babble(random: &mut Random, signal: &mut [f32]) {
    let gain = 10f64.powf(random.range(-35.0, -10.0) / 20.0) as f32;
    let speakers = 2 + random.below(4);
    let each = gain / (speakers as f32).sqrt();
    for _ in 0..speakers {
        let contour = Contour::random(random, signal.len(), RATE_HZ);
        let voice = voices::sing(random, &contour, RATE_HZ);
        for (x, y) in signal.iter_mut().zip(&voice) {
            *x += each * y;
        }
    }
}

/// The mains.
fn hum(random: &mut Random, signal: &mut [f32]) {
    let hz = if random.chance(0.5) { 50.0 } else { 60.0 };
    let gain = 10f64.powf(random.range(-50.0, -16.0) / 20.0);
    let harmonics: Vec<f64> = (1..6)
        .map(|k| gain * random.unit() / f64::from(k))
        .collect();
    for (i, x) in signal.iter_mut().enumerate() {
        let phase = std::f64::consts::TAU * hz * i as f64 / RATE_HZ;
        let sum: f64 = (1..)
            .zip(&harmonics)
            .map(|(k, a)| a * (f64::from(k) * phase).sin())
            .sum();
        *x += sum as f32;
    }
}

/// A room: four combs in parallel and an all-pass (Schroeder, 1962). Returns for how many frames
/// it rings audibly.
fn room(random: &mut Random, signal: &mut [f32]) -> usize {
    let decay_s = random.log_range(0.08, 0.7);
    let wet = 10f64.powf(random.range(-24.0, -4.0) / 20.0) as f32;
    let mut combs: Vec<(Vec<f32>, f32)> = (0..4)
        .map(|_| {
            let delay_s = random.range(0.012, 0.045);
            let gain = 10f64.powf(-3.0 * delay_s / decay_s) as f32;
            (vec![0.0; (delay_s * RATE_HZ) as usize], gain)
        })
        .collect();
    let mut pass = vec![0f32; (random.range(0.003, 0.008) * RATE_HZ) as usize];
    let damping = random.range(0.0, 0.6) as f32;
    let mut dark = 0.0;
    for (i, x) in signal.iter_mut().enumerate() {
        let mut sum = 0.0;
        for (line, gain) in &mut combs {
            let place = i % line.len();
            let out = line[place];
            line[place] = *x + *gain * out;
            sum += 0.5 * out;
        }
        let place = i % pass.len();
        let delayed = pass[place];
        let inner = sum - 0.6 * delayed;
        pass[place] = inner;
        dark = (1.0 - damping) * (delayed + 0.6 * inner) + damping * dark;
        *x += wet * dark;
    }
    // Until it is 26 dB below the voice.
    let audible_db = 26.0 + 20.0 * f64::from(wet).log10();
    ((decay_s * audible_db / 60.0).max(0.0) * RATE_HZ) as usize
}

/// Colours, overloads, and sets the level of a signal.
fn microphone(random: &mut Random, signal: &mut [f32], coloured: bool) {
    if coloured {
        if random.chance(0.5) {
            let (hz, width) = (
                random.log_range(150.0, 6_000.0),
                random.log_range(300.0, 4_000.0),
            );
            let mut peak = Resonance::new(hz, width);
            let gain = random.range(-0.7, 2.0) as f32;
            signal.iter_mut().for_each(|x| *x += gain * peak.step(*x));
        }
        if random.chance(0.4) {
            let keep =
                (-std::f64::consts::TAU * random.log_range(30.0, 250.0) / RATE_HZ).exp() as f32;
            let (mut low, mut last) = (0.0, 0.0);
            for x in signal.iter_mut() {
                low = keep * (low + *x - last);
                last = *x;
                *x = low;
            }
        }
        if random.chance(0.1) {
            let limit = random.log_range(0.5, 3.0) as f32;
            match random.chance(0.5) {
                true => signal.iter_mut().for_each(|x| *x = x.clamp(-limit, limit)),
                false => signal
                    .iter_mut()
                    .for_each(|x| *x = limit * (*x / limit).tanh()),
            }
        }
    }
    let peak = signal.iter().fold(1e-3f32, |most, x| most.max(x.abs()));
    let level = match coloured {
        true => 10f64.powf(random.range(-40.0, 0.0) / 20.0) as f32,
        false => 0.5,
    };
    let gain = level / peak;
    let floor = 10f64.powf(random.range(-110.0, -75.0) / 20.0) as f32;
    for x in signal.iter_mut() {
        *x = gain * *x + floor * random.white();
    }
}

/// A two-pole band-pass, unity gain at its centre.
struct Resonance {
    a1: f32,
    a2: f32,
    gain: f32,
    past: [f32; 2],
    input: [f32; 2],
}

impl Resonance {
    fn new(hz: f64, width_hz: f64) -> Self {
        let hz = hz.min(0.46 * RATE_HZ);
        let omega = std::f64::consts::TAU * hz / RATE_HZ;
        let alpha = (std::f64::consts::PI * width_hz / RATE_HZ).tan().min(4.0);
        Self {
            a1: (-2.0 * omega.cos() / (1.0 + alpha)) as f32,
            a2: ((1.0 - alpha) / (1.0 + alpha)) as f32,
            gain: (alpha / (1.0 + alpha)) as f32,
            past: [0.0; 2],
            input: [0.0; 2],
        }
    }

    fn step(&mut self, x: f32) -> f32 {
        let y = self.gain * (x - self.input[1]) - self.a1 * self.past[0] - self.a2 * self.past[1];
        self.input = [x, self.input[0]];
        self.past = [y, self.past[0]];
        y
    }
}
