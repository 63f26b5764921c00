//! Made-up voices: a contour sung with a random larynx and vocal tract. Harmonics are summed, so
//! the pitch is exact and nothing folds back.

use super::contour::Contour;
use crate::train::random::Random;

/// Frames over which the harmonics' amplitudes go from one value to the next.
const BLOCK: usize = 80;

/// A random voice sings `contour`: samples at `rate_hz`, voiced mean square about 1.
pub fn sing(random: &mut Random, contour: &Contour, rate_hz: f64) -> Vec<f32> {
    let frames = contour.f0_hz.len();
    let voice = Voice::random(random);
    let mut tract = Tract::random(random, &voice);
    let mut out = vec![0f32; frames];
    let mut phase = random.unit();
    let mut wobble = Wobble::new(random);
    let mut old: Vec<[f32; 2]> = Vec::new();
    let mut new: Vec<[f32; 2]> = Vec::new();
    amplitudes(
        &voice,
        &mut tract,
        random,
        f64::from(contour.f0_hz[0]),
        rate_hz,
        &mut old,
    );
    for start in (0..frames).step_by(BLOCK) {
        let end = (start + BLOCK).min(frames);
        let f0_hz = f64::from(contour.f0_hz[end - 1]);
        amplitudes(&voice, &mut tract, random, f0_hz, rate_hz, &mut new);
        for (i, sample) in (start..end).zip(&mut out[start..end]) {
            phase += f64::from(contour.f0_hz[i]) / rate_hz * (1.0 + wobble.next(random, phase));
            let strength = contour.strength[i];
            if strength < 1e-4 {
                continue;
            }
            let angle = std::f64::consts::TAU * phase.fract();
            let z = [angle.cos() as f32, angle.sin() as f32];
            let share = (i - start) as f32 / BLOCK as f32;
            let sum = (1.0 - share) * harmonics(z, &old) + share * harmonics(z, &new);
            // Every other period weaker: a rough voice.
            let rough = 1.0 - voice.roughness * (std::f64::consts::PI * phase).sin().powi(2) as f32;
            *sample = strength * rough * sum;
        }
        std::mem::swap(&mut old, &mut new);
    }
    let energy: f32 = out.iter().map(|x| x * x).sum();
    let heard: f32 = contour.strength.iter().map(|s| s * s).sum();
    let gain = (heard.max(1.0) / energy.max(1e-9)).sqrt();
    let breath = voice.breath * random.range(0.3, 1.0) as f32;
    let mut last = 0.0;
    for (x, strength) in out.iter_mut().zip(&contour.strength) {
        let white = random.white();
        *x = gain * *x + breath * strength * 0.7 * (white - 0.8 * last);
        last = white;
    }
    out
}

/// The real part of the sum of `a[k] z^(k+1)`: Horner's rule.
fn harmonics(z: [f32; 2], amplitudes: &[[f32; 2]]) -> f32 {
    let mut sum = [0f32; 2];
    for a in amplitudes.iter().rev() {
        let s = [sum[0] + a[0], sum[1] + a[1]];
        sum = [s[0] * z[0] - s[1] * z[1], s[0] * z[1] + s[1] * z[0]];
    }
    sum[0]
}

/// What stays the same about one voice.
struct Voice {
    /// Fall of the source by harmonic number, as an exponent.
    tilt: f64,
    /// Gains of the first two harmonics in dB.
    first_db: [f64; 2],
    /// Random gains of the harmonics, and their phases.
    uneven: Vec<(f64, f64)>,
    roughness: f32,
    breath: f32,
    /// Above this frequency there is only breath.
    highest_hz: f64,
    /// Below this frequency nothing is heard, as on a telephone.
    lowest_hz: f64,
    scale: f64,
}

impl Voice {
    fn random(random: &mut Random) -> Self {
        let uneven_db = if random.chance(0.3) {
            random.range(0.0, 6.0)
        } else {
            0.0
        };
        let scattered = random.range(0.0, 3.2);
        let uneven = (0..512)
            .map(|_| {
                let db = uneven_db * random.normal();
                (10f64.powf(db / 20.0), random.range(-scattered, scattered))
            })
            .collect();
        Self {
            tilt: random.range(0.4, 2.2),
            first_db: [random.range(-8.0, 10.0), random.range(-4.0, 4.0)],
            uneven,
            roughness: if random.chance(0.08) {
                random.range(0.1, 0.5) as f32
            } else {
                0.0
            },
            breath: 10f64.powf(random.range(-60.0, -8.0) / 20.0) as f32,
            highest_hz: if random.chance(0.25) {
                random.log_range(1_200.0, 8_000.0)
            } else {
                8_000.0
            },
            lowest_hz: if random.chance(0.15) {
                random.log_range(100.0, 400.0)
            } else {
                0.0
            },
            scale: random.range(0.8, 1.3),
        }
    }
}

/// A vocal tract that moves from vowel to vowel.
struct Tract {
    now: [f64; 5],
    goal: [f64; 5],
    widths: [f64; 5],
    blocks_left: usize,
    flat: bool,
}

impl Tract {
    fn random(random: &mut Random, voice: &Voice) -> Self {
        let vowel = vowel(random, voice.scale);
        Self {
            now: vowel,
            goal: vowel,
            widths: [40.0, 50.0, 70.0, 100.0, 140.0].map(|w| w * random.range(0.8, 3.0)),
            blocks_left: 0,
            flat: random.chance(0.1),
        }
    }

    fn step(&mut self, random: &mut Random, scale: f64) {
        if self.blocks_left == 0 {
            self.goal = vowel(random, scale);
            self.blocks_left = 10 + random.below(100);
        }
        self.blocks_left -= 1;
        for (now, goal) in self.now.iter_mut().zip(&self.goal) {
            *now += 0.12 * (goal - *now);
        }
    }

    /// Magnitude of five resonances in a row.
    fn gain(&self, hz: f64) -> f64 {
        if self.flat {
            return 1.0;
        }
        let resonances = self.now.iter().zip(&self.widths);
        resonances
            .map(|(f, width)| {
                let (a, b) = (f * f - hz * hz, width * hz);
                f * f / (a * a + b * b).sqrt()
            })
            .product()
    }
}

/// Formants of a random vowel in Hz (the range of Peterson and Barney's, 1952).
fn vowel(random: &mut Random, scale: f64) -> [f64; 5] {
    let first = random.range(250.0, 900.0);
    let second = random.range((first + 250.0).max(650.0), 2_500.0);
    let third = random.range((second + 300.0).max(1_900.0), 3_300.0);
    let fourth = third + random.range(500.0, 1_200.0);
    [
        first,
        second,
        third,
        fourth,
        fourth + random.range(500.0, 1_300.0),
    ]
    .map(|f| f * scale)
}

fn amplitudes(
    voice: &Voice,
    tract: &mut Tract,
    random: &mut Random,
    f0_hz: f64,
    rate_hz: f64,
    out: &mut Vec<[f32; 2]>,
) {
    tract.step(random, voice.scale);
    out.clear();
    for (k, (uneven, phase)) in (1..).zip(&voice.uneven) {
        let hz = f64::from(k) * f0_hz;
        let fade = ((0.48 * rate_hz - hz) / (0.04 * rate_hz)).clamp(0.0, 1.0);
        let open = 1.0 / (1.0 + (hz / voice.highest_hz).powi(6));
        let telephone = match voice.lowest_hz {
            0.0 => 1.0,
            lowest => 1.0 / (1.0 + (lowest / hz).powi(4)),
        };
        if fade == 0.0 {
            break;
        }
        let first = voice
            .first_db
            .get(k as usize - 1)
            .map_or(1.0, |db| 10f64.powf(db / 20.0));
        let size = fade * open * telephone * first * uneven * tract.gain(hz)
            / f64::from(k).powf(voice.tilt);
        out.push([(size * phase.cos()) as f32, (size * phase.sin()) as f32]);
    }
}

/// Small irregularities of the pitch that no label knows: a slow wander and a jitter from period
/// to period.
struct Wobble {
    jitter: f64,
    now: f64,
    period: f64,
}

impl Wobble {
    fn new(random: &mut Random) -> Self {
        Self {
            jitter: if random.chance(0.5) {
                random.range(0.0, 0.012)
            } else {
                0.0
            },
            now: 0.0,
            period: 0.0,
        }
    }

    fn next(&mut self, random: &mut Random, phase: f64) -> f64 {
        if self.period < phase.floor() {
            self.period = phase.floor();
            self.now = self.jitter * random.normal();
        }
        self.now
    }
}
