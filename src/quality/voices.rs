//! A small set of voices whose pitch is known exactly: sums of harmonics along melodies written
//! down here, vowels from formants, breath, consonants and rests, and noise over all of it. The
//! same samples on every machine. For measuring trackers where no recordings are; nothing is
//! trained on it.

use super::pitch::{Truth, Voicing};

/// Seconds from instant to instant of the truth.
const TRUTH_HOP_S: f64 = 0.005;
/// Seconds over which a voice begins and ends, around the instant the truth tells.
const EDGE_S: f64 = 0.012;
/// Harmonics are heard up to this frequency, or this share of the sample rate.
const TOP_HZ: f64 = 10_000.0;
const TOP_SHARE: f64 = 0.46;
/// Frames between two looks at the formants.
const FORMANT_FRAMES: usize = 32;
/// Mean square of a voice, 14 dB below full scale.
const LOUDNESS: f64 = 0.04;

/// What is heard after a phrase.
#[derive(Clone, Copy, Debug, PartialEq)]
enum After {
    Rest,
    Hiss,
    Click,
}

/// Notes sung in one breath.
#[derive(Clone, Copy, Debug)]
struct Phrase {
    /// Seconds.
    from_s: f64,
    to_s: f64,
    /// MIDI numbers, evenly spaced; fractions are sung as written.
    notes: &'static [f64],
    vowels: &'static [Vowel],
    after: After,
}

/// First four formants in Hz.
type Vowel = [f64; 4];

const AH: Vowel = [700.0, 1_180.0, 2_600.0, 3_500.0];
const EH: Vowel = [510.0, 1_800.0, 2_550.0, 3_600.0];
const EE: Vowel = [310.0, 2_200.0, 2_950.0, 3_650.0];
const OH: Vowel = [480.0, 900.0, 2_500.0, 3_300.0];
const OO: Vowel = [340.0, 760.0, 2_300.0, 3_250.0];

/// A singer or speaker and what they sing.
#[derive(Clone, Copy, Debug)]
pub struct Voice {
    /// Its name in reports.
    pub name: &'static str,
    phrases: &'static [Phrase],
    /// Seconds from note to note.
    glide_s: f64,
    vibrato_hz: f64,
    vibrato_cents: f64,
    /// Fall of the source's spectrum as a power of the harmonic's number.
    tilt: f64,
    /// Breath in the voice, as an amplitude beside it.
    breath: f64,
}

/// Seconds that every voice lasts.
pub const SECONDS: f64 = 3.0;

const fn phrase(
    (from_s, to_s): (f64, f64),
    notes: &'static [f64],
    vowels: &'static [Vowel],
    after: After,
) -> Phrase {
    Phrase {
        from_s,
        to_s,
        notes,
        vowels,
        after,
    }
}

/// Every voice: 58 to 1050 Hz.
pub const VOICES: [Voice; 7] = [
    Voice {
        name: "bass",
        phrases: &[
            phrase(
                (0.15, 1.4),
                &[38.0, 41.0, 36.0, 43.0],
                &[OH, AH, OO],
                After::Rest,
            ),
            phrase((1.6, 2.85), &[34.3, 38.0, 45.0], &[AH, OO], After::Hiss),
        ],
        glide_s: 0.07,
        vibrato_hz: 4.8,
        vibrato_cents: 30.0,
        tilt: 1.2,
        breath: 0.01,
    },
    Voice {
        name: "low speech",
        phrases: &[
            phrase(
                (0.1, 0.52),
                &[44.0, 47.5, 45.2, 43.0],
                &[EH, EE, AH],
                After::Hiss,
            ),
            phrase(
                (0.63, 1.2),
                &[46.0, 49.3, 44.1, 42.6, 40.8],
                &[OH, AH, EH],
                After::Click,
            ),
            phrase((1.32, 1.78), &[45.5, 46.7, 43.2], &[EE, OO], After::Hiss),
            phrase(
                (1.9, 2.8),
                &[47.1, 44.4, 45.9, 42.0, 40.2, 38.9],
                &[AH, EH, OH],
                After::Rest,
            ),
        ],
        glide_s: 0.14,
        vibrato_hz: 0.0,
        vibrato_cents: 0.0,
        tilt: 1.1,
        breath: 0.03,
    },
    Voice {
        name: "high speech",
        phrases: &[
            phrase(
                (0.12, 0.7),
                &[56.2, 60.4, 57.7, 54.9],
                &[AH, EE, EH],
                After::Click,
            ),
            phrase((0.8, 1.3), &[58.8, 61.6, 56.3], &[OO, EH], After::Hiss),
            phrase((1.42, 1.75), &[57.2, 55.1], &[EE], After::Hiss),
            phrase(
                (1.88, 2.8),
                &[59.9, 62.4, 58.1, 55.6, 53.4],
                &[AH, OH, EH],
                After::Rest,
            ),
        ],
        glide_s: 0.16,
        vibrato_hz: 0.0,
        vibrato_cents: 0.0,
        tilt: 1.0,
        breath: 0.06,
    },
    Voice {
        name: "tenor",
        phrases: &[
            phrase(
                (0.1, 1.5),
                &[50.0, 57.0, 62.0, 60.0, 67.0],
                &[AH, EH, OH],
                After::Rest,
            ),
            phrase((1.7, 2.9), &[64.0, 59.0, 52.0], &[EE, AH], After::Hiss),
        ],
        glide_s: 0.1,
        vibrato_hz: 5.6,
        vibrato_cents: 70.0,
        tilt: 1.0,
        breath: 0.01,
    },
    Voice {
        name: "breathy alto",
        phrases: &[
            phrase((0.2, 1.3), &[57.0, 60.0, 64.0], &[OO, OH, AH], After::Hiss),
            phrase(
                (1.5, 2.85),
                &[62.0, 65.0, 55.0, 58.0],
                &[EE, OO, AH],
                After::Rest,
            ),
        ],
        glide_s: 0.08,
        vibrato_hz: 5.2,
        vibrato_cents: 35.0,
        tilt: 1.5,
        breath: 0.25,
    },
    Voice {
        name: "soprano",
        phrases: &[
            phrase(
                (0.12, 1.35),
                &[72.0, 76.0, 79.0, 84.0],
                &[AH, EH, AH],
                After::Rest,
            ),
            phrase((1.55, 2.9), &[83.0, 77.0, 74.0], &[OO, AH], After::Hiss),
        ],
        glide_s: 0.06,
        vibrato_hz: 6.1,
        vibrato_cents: 60.0,
        tilt: 1.1,
        breath: 0.01,
    },
    Voice {
        name: "leaps",
        phrases: &[
            phrase((0.1, 0.85), &[45.0, 57.0, 45.0], &[AH], After::Rest),
            phrase((0.95, 1.7), &[57.0, 69.0, 57.0], &[EH, AH], After::Click),
            phrase(
                (1.8, 2.85),
                &[69.0, 81.0, 57.0, 69.0],
                &[OH, AH],
                After::Rest,
            ),
        ],
        glide_s: 0.03,
        vibrato_hz: 5.0,
        vibrato_cents: 20.0,
        tilt: 1.0,
        breath: 0.01,
    },
];

/// A signal and what was sung in it.
#[derive(Clone, Debug)]
pub struct Signal {
    /// One channel below full scale.
    pub samples: Vec<f32>,
    /// Every 5 ms.
    pub truth: Truth,
}

impl Voice {
    /// The voice at this rate under noise, whose level lies `snr_db` below that of the voice
    /// where it sounds; `None` is without noise.
    #[must_use]
    pub fn sing(&self, rate_hz: u32, snr_db: Option<f64>) -> Signal {
        let rate = f64::from(rate_hz);
        let frames = (SECONDS * rate) as usize;
        let mut noise = Noise::new(self.name);
        let mut samples = self.harmonics(rate, frames);
        let gains: Vec<f64> = (0..frames).map(|i| self.gain(i as f64 / rate)).collect();
        let sung = |samples: &[f64]| {
            let voiced = samples.iter().zip(&gains).filter(|pair| 0.5 < *pair.1);
            let (sum, count) = voiced.fold((0.0, 0usize), |(sum, n), (x, _)| (sum + x * x, n + 1));
            sum / count.max(1) as f64
        };
        let scale = (LOUDNESS / sung(&samples)).sqrt();
        for (x, gain) in samples.iter_mut().zip(&gains) {
            *x = gain * (scale * *x + self.breath * LOUDNESS.sqrt() * noise.white());
        }
        self.consonants(&mut samples, rate, &mut noise);
        if let Some(snr_db) = snr_db {
            let level = (sung(&samples) * 10f64.powf(-snr_db / 10.0)).sqrt();
            samples.iter_mut().for_each(|x| *x += level * noise.room());
        }
        let peak = samples.iter().fold(0.0f64, |peak, x| peak.max(x.abs()));
        let fit = (0.95 / peak).min(1.0);
        Signal {
            samples: samples.iter().map(|x| (fit * x) as f32).collect(),
            truth: self.truth(),
        }
    }

    fn truth(&self) -> Truth {
        let count = (SECONDS / TRUTH_HOP_S).round() as usize;
        let times_s: Vec<f64> = (0..count).map(|i| i as f64 * TRUTH_HOP_S).collect();
        let voicing = |&t: &f64| match self.phrases.iter().any(|p| (p.from_s..p.to_s).contains(&t))
        {
            true => Voicing::Voiced,
            false => Voicing::Unvoiced,
        };
        Truth {
            f0_hz: times_s.iter().map(|&t| self.f0_hz(t)).collect(),
            voicing: times_s.iter().map(voicing).collect(),
            times_s,
        }
    }

    /// The phrase sung, or the nearest to come; the last one at the end.
    fn phrase(&self, time_s: f64) -> &Phrase {
        let ahead = self.phrases.iter().find(|p| time_s < p.to_s + EDGE_S);
        ahead.unwrap_or(&self.phrases[self.phrases.len() - 1])
    }

    /// The pitch, by which the harmonics are made.
    fn f0_hz(&self, time_s: f64) -> f64 {
        let phrase = self.phrase(time_s);
        let t = time_s.clamp(phrase.from_s, phrase.to_s) - phrase.from_s;
        let length = (phrase.to_s - phrase.from_s) / phrase.notes.len() as f64;
        let mut note = phrase.notes[0];
        for (index, pair) in phrase.notes.windows(2).enumerate() {
            let middle = (index + 1) as f64 * length;
            let share = ((t - middle) / self.glide_s + 0.5).clamp(0.0, 1.0);
            let smooth = share * share * (3.0 - 2.0 * share);
            note += smooth * (pair[1] - pair[0]);
        }
        let depth = self.vibrato_cents * (t / 0.25).min(1.0);
        let vibrato = depth * (std::f64::consts::TAU * self.vibrato_hz * t).sin();
        440.0 * ((note - 69.0) / 12.0 + vibrato / 1_200.0).exp2()
    }

    /// How loud the voice is, 0..=1: half at the instants where the truth changes.
    fn gain(&self, time_s: f64) -> f64 {
        let phrase = self.phrase(time_s);
        let rise = (time_s - phrase.from_s).min(phrase.to_s - time_s) / EDGE_S + 0.5;
        0.5 - 0.5 * (std::f64::consts::PI * rise.clamp(0.0, 1.0)).cos()
    }

    /// Formants, gliding from vowel to vowel.
    fn formants(&self, time_s: f64) -> Vowel {
        let phrase = self.phrase(time_s);
        let share = ((time_s - phrase.from_s) / (phrase.to_s - phrase.from_s)).clamp(0.0, 1.0);
        let at = share * (phrase.vowels.len() - 1) as f64;
        let before = phrase.vowels[at as usize];
        let after = phrase.vowels[(at as usize + 1).min(phrase.vowels.len() - 1)];
        std::array::from_fn(|i| before[i] + at.fract() * (after[i] - before[i]))
    }

    fn harmonics(&self, rate: f64, frames: usize) -> Vec<f64> {
        let top_hz = TOP_HZ.min(TOP_SHARE * rate);
        let mut turns = 0.0f64;
        let mut gains = Vec::new();
        let mut last_hz = self.f0_hz(0.0);
        (0..frames)
            .map(|i| {
                let time_s = i as f64 / rate;
                let hz = self.f0_hz(time_s);
                turns = (turns + 0.5 * (hz + last_hz) / rate).fract();
                last_hz = hz;
                if i % FORMANT_FRAMES == 0 {
                    self.harmonic_gains(time_s, hz, top_hz, &mut gains);
                }
                // Each harmonic turns the one below by the fundamental.
                let (sin, cos) = (std::f64::consts::TAU * turns).sin_cos();
                let (mut x, mut y) = (cos, sin);
                let mut sum = 0.0;
                for gain in &gains {
                    sum += gain * y;
                    (x, y) = (x * cos - y * sin, x * sin + y * cos);
                }
                sum
            })
            .collect()
    }

    /// Amplitudes of the harmonics below `top_hz`, fading towards it.
    fn harmonic_gains(&self, time_s: f64, f0_hz: f64, top_hz: f64, gains: &mut Vec<f64>) {
        const WIDTHS_HZ: Vowel = [75.0, 95.0, 130.0, 170.0];
        let formants = self.formants(time_s);
        gains.clear();
        for k in 1..=(top_hz / f0_hz) as usize {
            let hz = k as f64 * f0_hz;
            // Resonances in parallel over a floor that keeps valleys from vanishing.
            let resonance: f64 = formants
                .iter()
                .zip(WIDTHS_HZ)
                .map(|(center, width)| {
                    let off = (hz - center) / width;
                    1.0 / (1.0 + off * off).sqrt()
                })
                .sum();
            let fade = ((top_hz - hz) / (0.1 * top_hz)).min(1.0);
            gains.push(fade * (0.03 + resonance) / (k as f64).powf(self.tilt));
        }
    }

    /// What is heard between phrases.
    fn consonants(&self, samples: &mut [f64], rate: f64, noise: &mut Noise) {
        for (index, phrase) in self.phrases.iter().enumerate() {
            let next_s = self
                .phrases
                .get(index + 1)
                .map_or(SECONDS, |next| next.from_s);
            let (from, to) = ((phrase.to_s + EDGE_S) * rate, (next_s - EDGE_S) * rate);
            let length = to - from;
            let mut last = 0.0;
            for (i, x) in (0..).zip(&mut samples[from as usize..to as usize]) {
                let (share, t) = (f64::from(i) / length, f64::from(i) / rate);
                let white = noise.white();
                *x += match phrase.after {
                    After::Rest => 0.0,
                    After::Hiss => 0.06 * (std::f64::consts::PI * share).sin() * (white - last),
                    After::Click => 0.2 * (-t / 0.012).exp() * white,
                };
                last = white;
            }
        }
    }
}

/// Seeded noise of variance 1.
struct Noise {
    state: u64,
    slow: [f64; 3],
}

impl Noise {
    /// Poles of the three slow parts of the room's noise, and how much of each there is.
    const POLES: [(f64, f64); 3] = [(0.997, 0.3), (0.97, 0.6), (0.8, 0.9)];

    fn new(name: &str) -> Self {
        // FNV-1a: a seed of its own for every name.
        let seed = name.bytes().fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Self {
            state: seed | 1,
            slow: [0.0; 3],
        }
    }

    fn white(&mut self) -> f64 {
        // xorshift64*; the sum of four even numbers is near enough to a bell.
        let mut sum = 0.0;
        for _ in 0..4 {
            self.state ^= self.state >> 12;
            self.state ^= self.state << 25;
            self.state ^= self.state >> 27;
            let bits = self.state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11;
            sum += bits as f64 / (1u64 << 53) as f64 - 0.5;
        }
        sum * 3.0f64.sqrt()
    }

    /// A room: more of the low than of the high.
    fn room(&mut self) -> f64 {
        let white = self.white();
        let mut sum = 0.4 * white;
        let mut power = 0.16;
        for (slow, (pole, share)) in self.slow.iter_mut().zip(Self::POLES) {
            let own = (1.0 - pole * pole).sqrt();
            *slow = pole * *slow + own * white;
            sum += share * *slow;
            power += share * share + 2.0 * 0.4 * share * own;
        }
        for (i, (a, x)) in Self::POLES.iter().enumerate() {
            for (b, y) in &Self::POLES[i + 1..] {
                let both = ((1.0 - a * a) * (1.0 - b * b)).sqrt() / (1.0 - a * b);
                power += 2.0 * x * y * both;
            }
        }
        sum / power.sqrt()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_are_loud_where_the_truth_says_so() {
        for voice in VOICES {
            let signal = voice.sing(16_000, None);
            assert_eq!(signal.samples.len(), 48_000);
            assert!(signal.samples.iter().all(|x| x.abs() < 1.0));
            let truth = &signal.truth;
            assert_eq!(truth.times_s.len(), 600);
            let voiced = truth
                .voicing
                .iter()
                .filter(|v| **v == Voicing::Voiced)
                .count();
            assert!((300..560).contains(&voiced), "{}: {voiced}", voice.name);
            for (time_s, f0_hz) in truth.times_s.iter().zip(&truth.f0_hz) {
                assert!(
                    (55.0..1_100.0).contains(f0_hz),
                    "{} at {time_s}",
                    voice.name
                );
            }
            let level_at = |i: usize| {
                let middle = (truth.times_s[i] * 16_000.0) as usize;
                let around = &signal.samples[middle.saturating_sub(200)..middle + 200];
                around.iter().map(|x| f64::from(x * x)).sum::<f64>() / 400.0
            };
            for (i, around) in truth.voicing[..595].windows(9).enumerate() {
                if around.iter().all(|v| *v == Voicing::Voiced) {
                    let level = level_at(i + 4);
                    assert!(1e-3 < level, "{} at {i}: {level}", voice.name);
                }
            }
        }
    }

    #[test]
    fn harmonics_have_the_pitch_of_the_truth() {
        // A vibrato's worth of a steady stretch: the spectrum at f0 outweighs that beside it.
        for voice in VOICES {
            let signal = voice.sing(16_000, None);
            let (from, to) = (9_600, 10_400);
            let power = |ratio: f64| {
                let mut turns = 0.0;
                let (mut re, mut im) = (0.0, 0.0);
                for i in from..to {
                    turns += ratio * voice.f0_hz(f64::from(i) / 16_000.0) / 16_000.0;
                    let (sin, cos) = (std::f64::consts::TAU * turns).sin_cos();
                    re += f64::from(signal.samples[i as usize]) * cos;
                    im += f64::from(signal.samples[i as usize]) * sin;
                }
                re * re + im * im
            };
            assert!(10.0 * power(0.5) < power(1.0), "{}", voice.name);
            assert!(10.0 * power(1.5) < power(1.0), "{}", voice.name);
        }
    }

    #[test]
    fn noise_lies_where_it_is_asked_for() {
        for voice in VOICES {
            let clean = voice.sing(16_000, None);
            for snr_db in [20.0, 0.0] {
                let noisy = voice.sing(16_000, Some(snr_db));
                assert_eq!(noisy.truth, clean.truth);
                // Whatever was done to fit the peak: take the clean part out again.
                let dot = |a: &[f32], b: &[f32]| -> f64 {
                    let products = a.iter().zip(b).map(|(x, y)| f64::from(x * y));
                    products.sum()
                };
                let (a, b) = (&clean.samples, &noisy.samples);
                let fit = dot(a, b) / dot(a, a);
                let rest = dot(b, b) - fit * fit * dot(a, a);
                let share = clean
                    .truth
                    .voicing
                    .iter()
                    .filter(|v| **v == Voicing::Voiced);
                let voiced = share.count() as f64 / clean.truth.voicing.len() as f64;
                let got = 10.0 * (fit * fit * dot(a, a) / voiced / rest).log10();
                assert!((got - snr_db).abs() < 1.0, "{} {snr_db}: {got}", voice.name);
            }
        }
    }
}
