//! Other voices from the same words: what the encoder hears is bent so that it learns to hear what
//! is said, not who says it, nor in which room, into which microphone and through which codec.
//! All of it is done to the picture of the sound, frame by frame: approximations that cost next to
//! nothing.

use crate::model::ddsp::features::BANDS as MELS;
use crate::train::random::Random;

/// The natural logarithm of the power that a feature stands for, and back.
fn ln_power(feature: f32) -> f32 {
    4.0 * feature - 4.0
}

/// See [`ln_power`].
fn feature(ln_power: f32) -> f32 {
    0.25 * (ln_power + 4.0)
}

/// How much.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Perturbation {
    /// Range of the factor by which formants move.
    pub warp: (f64, f64),
    /// The widest blur along bands, as a standard deviation in bands: it hides harmonics.
    pub blur: f64,
    /// The strongest equalizer, in dB.
    pub eq_db: f64,
    /// The largest change of gain, in dB.
    pub gain_db: f64,
    /// Share of sequences with noise, and its level below the loudest band, in dB.
    pub noisy: f64,
    /// See `noisy`.
    pub noise_db: (f64, f64),
    /// Share of sequences in a room: what was heard goes on for a while.
    pub rooms: f64,
    /// Time in which that falls by 60 dB, in seconds, and how far in all it is below the sound, in
    /// dB.
    pub room_s: (f64, f64),
    /// See `room_s`.
    pub room_db: (f64, f64),
    /// Share of sequences through a microphone or a line that has not all of the band.
    pub narrow: f64,
    /// Where it begins and where it ends, in Hz.
    pub low_hz: (f64, f64),
    /// See `low_hz`.
    pub high_hz: (f64, f64),
    /// Share of sequences through a codec: what is masked is gone, the rest is in steps.
    pub coded: f64,
    /// How far below the loudest band of a frame others are gone, in dB, and the step, in dB.
    pub masked_db: (f64, f64),
    /// See `masked_db`.
    pub step_db: (f64, f64),
}

impl Default for Perturbation {
    fn default() -> Self {
        Self {
            warp: (0.78, 1.28),
            blur: 2.0,
            eq_db: 6.0,
            gain_db: 6.0,
            noisy: 0.9,
            noise_db: (25.0, 70.0),
            rooms: 0.2,
            room_s: (0.15, 0.6),
            room_db: (4.0, 18.0),
            narrow: 0.2,
            low_hz: (60.0, 300.0),
            high_hz: (3_400.0, 7_600.0),
            coded: 0.1,
            masked_db: (35.0, 55.0),
            step_db: (1.5, 4.0),
        }
    }
}

/// One way of bending, the same for all frames of a sequence.
struct Bend {
    /// Where each band is read, in bands.
    places: [f32; MELS],
    /// Weights of a band and of its neighbours on one side.
    blur: Vec<f32>,
    /// Added to the logarithm of power.
    shift: [f32; MELS],
    /// Power of the noise.
    noise: Option<[f32; MELS]>,
    room: Option<Room>,
    /// Added to the logarithm of power, noise included: what a narrow line takes away.
    line: Option<[f32; MELS]>,
    codec: Option<Codec>,
}

/// What goes on of what was heard, by power.
struct Room {
    /// The share of it that stays from one frame to the next, and that of a frame which comes in.
    stays: f32,
    enters: f32,
    tail: [f32; MELS],
}

impl Room {
    /// The power of a band with what was there before it.
    fn hear(&mut self, band: usize, power: f32) -> f32 {
        let before = self.tail[band];
        self.tail[band] = self.stays * (before + self.enters * power);
        power + before
    }
}

/// In natural logarithms of power.
struct Codec {
    masked: f32,
    step: f32,
}

impl Codec {
    fn apply(&self, frame: &mut [f32; MELS]) {
        let loudest = frame.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let least = ln_power(loudest) - self.masked;
        for x in frame {
            let ln = ln_power(*x);
            let coded = match least <= ln {
                true => (ln / self.step).round() * self.step,
                false => SILENT,
            };
            *x = feature(coded.max(SILENT));
        }
    }
}

/// The natural logarithm of power that features give to silence.
const SILENT: f32 = -13.8;

/// Frames of a second.
const FRAMES_PER_S: f64 = 100.0;

/// Natural logarithm of power per dB.
const LN_PER_DB: f64 = std::f64::consts::LN_10 / 10.0;

impl Perturbation {
    /// Nothing is bent.
    pub const NONE: Self = Self {
        warp: (1.0, 1.0),
        blur: 0.0,
        eq_db: 0.0,
        gain_db: 0.0,
        noisy: 0.0,
        noise_db: (0.0, 0.0),
        rooms: 0.0,
        room_s: (0.3, 0.3),
        room_db: (6.0, 6.0),
        narrow: 0.0,
        low_hz: (300.0, 300.0),
        high_hz: (3_400.0, 3_400.0),
        coded: 0.0,
        masked_db: (20.0, 20.0),
        step_db: (3.0, 3.0),
    };

    /// Bends the features of one sequence, `[frames, MELS]`.
    pub fn apply(&self, random: &mut Random, mel: &mut [f32]) {
        let loudest = mel.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let mut bend = self.draw(random, f64::from(ln_power(loudest)));
        let mut row = [0.0; MELS];
        for frame in mel.as_chunks_mut::<MELS>().0 {
            for (x, place) in row.iter_mut().zip(&bend.places) {
                let low = (*place as usize).min(MELS - 2);
                let (a, b) = (frame[low], frame[low + 1]);
                *x = a + (place - low as f32) * (b - a);
            }
            for (band, x) in frame.iter_mut().enumerate() {
                let at = |n: usize| row[n.min(MELS - 1)];
                let mut sum = bend.blur[0] * row[band];
                for (n, weight) in bend.blur.iter().enumerate().skip(1) {
                    sum += weight * (at(band + n) + row[band.saturating_sub(n)]);
                }
                let mut ln = ln_power(sum) + bend.shift[band];
                if bend.room.is_some() || bend.noise.is_some() {
                    let mut power = ln.exp();
                    if let Some(room) = &mut bend.room {
                        power = room.hear(band, power);
                    }
                    if let Some(noise) = &bend.noise {
                        // Powers of a spectrum's places are spread as an exponential is.
                        let spread = -(random.unit().max(1e-3).ln() as f32);
                        power += noise[band] * (0.5 + 0.5 * spread);
                    }
                    ln = power.ln();
                }
                if let Some(line) = &bend.line {
                    ln = (ln + line[band]).max(SILENT);
                }
                *x = feature(ln);
            }
            if let Some(codec) = &bend.codec {
                codec.apply(frame);
            }
        }
    }

    fn draw(&self, random: &mut Random, loudest: f64) -> Bend {
        let warp = random.log_range(self.warp.0, self.warp.1);
        let places = std::array::from_fn(|band| {
            let place = mel((band_hz(band) * warp).min(8_000.0)) / mel_step() - 1.0;
            place.clamp(0.0, (MELS - 1) as f64) as f32
        });
        let sigma = random.range(0.0, self.blur).max(0.05);
        let reach = (2.5 * sigma).ceil() as usize;
        let bell = |n: usize| (-0.5 * (n as f64 / sigma).powi(2)).exp();
        let sum = bell(0) + 2.0 * (1..=reach).map(bell).sum::<f64>();
        let blur = (0..=reach).map(|n| (bell(n) / sum) as f32).collect();
        // A tilt, a hump and something finer.
        let waves: [(f64, f64, f64); 3] = std::array::from_fn(|n| {
            let size = random.range(-self.eq_db, self.eq_db) / (n + 1) as f64;
            let turns = random.range(0.3, 1.0) * (n + 1) as f64;
            (size, turns, random.range(0.0, 1.0))
        });
        let gain = random.range(-self.gain_db, self.gain_db);
        let shift = std::array::from_fn(|band| {
            let place = band as f64 / MELS as f64;
            let wave = |(size, turns, from): &(f64, f64, f64)| {
                size * (std::f64::consts::TAU * (turns * place + from)).cos()
            };
            let db = waves.iter().map(wave).sum::<f64>();
            (LN_PER_DB * (gain + db.clamp(-self.eq_db, self.eq_db))) as f32
        });
        let noise = random.chance(self.noisy).then(|| {
            let below = random.range(self.noise_db.0, self.noise_db.1);
            let tilt = random.range(-25.0, 10.0);
            std::array::from_fn(|band| {
                let db = gain - below + tilt * (band as f64 / MELS as f64);
                (loudest + LN_PER_DB * db).exp() as f32
            })
        });
        Bend {
            places,
            blur,
            shift,
            noise,
            room: self.room(random),
            line: self.line(random),
            codec: self.codec(random),
        }
    }

    fn room(&self, random: &mut Random) -> Option<Room> {
        random.chance(self.rooms).then(|| {
            let seconds = random.log_range(self.room_s.0, self.room_s.1);
            let stays = (-60.0 * LN_PER_DB / (seconds * FRAMES_PER_S)).exp();
            let below = random.range(self.room_db.0, self.room_db.1);
            // All that stays of a frame adds up to so much of it.
            let enters = (-LN_PER_DB * below).exp() * (1.0 - stays) / stays;
            Room {
                stays: stays as f32,
                enters: enters as f32,
                tail: [0.0; MELS],
            }
        })
    }

    /// 12 dB per octave below where it begins, 24 dB above where it ends.
    fn line(&self, random: &mut Random) -> Option<[f32; MELS]> {
        random.chance(self.narrow).then(|| {
            let low_hz = random.log_range(self.low_hz.0, self.low_hz.1);
            let high_hz = random.log_range(self.high_hz.0, self.high_hz.1);
            std::array::from_fn(|band| {
                let hz = band_hz(band);
                let octaves = |below: f64, above: f64| (below / above).log2().max(0.0);
                let db = 12.0 * octaves(low_hz, hz) + 24.0 * octaves(hz, high_hz);
                (-LN_PER_DB * db) as f32
            })
        })
    }

    fn codec(&self, random: &mut Random) -> Option<Codec> {
        random.chance(self.coded).then(|| {
            let masked = random.range(self.masked_db.0, self.masked_db.1);
            let step = random.range(self.step_db.0, self.step_db.1);
            Codec {
                masked: (LN_PER_DB * masked) as f32,
                step: (LN_PER_DB * step) as f32,
            }
        })
    }
}

/// HTK's mel scale, the distance of two bands on it, and the middle of a band.
fn mel(hz: f64) -> f64 {
    2_595.0 * (1.0 + hz / 700.0).log10()
}

/// See [`mel`].
fn mel_step() -> f64 {
    mel(8_000.0) / (MELS + 1) as f64
}

/// See [`mel`].
fn band_hz(band: usize) -> f64 {
    700.0 * (10f64.powf(mel_step() * (band + 1) as f64 / 2_595.0) - 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two frames with a formant at one band.
    fn formant(at: f32) -> Vec<f32> {
        let bump = |band: usize| (-0.02 * (band as f32 - at).powi(2)).exp() - 1.0;
        (0..2 * MELS).map(|n| bump(n % MELS)).collect()
    }

    fn top(mel: &[f32]) -> usize {
        (0..MELS)
            .max_by(|a, b| mel[*a].total_cmp(&mel[*b]))
            .unwrap()
    }

    #[test]
    fn each_part_does_what_it_says() {
        let bent = |perturbation: Perturbation, seed| {
            let mut mel = formant(40.0);
            perturbation.apply(&mut Random::new(seed), &mut mel);
            mel
        };
        for (found, wanted) in bent(Perturbation::NONE, 1).iter().zip(formant(40.0)) {
            assert!((found - wanted).abs() < 1e-5);
        }
        let lower = Perturbation {
            warp: (1.25, 1.25),
            ..Perturbation::NONE
        };
        let higher = Perturbation {
            warp: (0.8, 0.8),
            ..Perturbation::NONE
        };
        assert!(top(&bent(lower, 1)) < 38 && 42 < top(&bent(higher, 1)));
        for seed in 0..20 {
            let mel = bent(
                Perturbation {
                    gain_db: 6.0,
                    eq_db: 6.0,
                    ..Perturbation::NONE
                },
                seed,
            );
            for (found, wanted) in mel.iter().zip(formant(40.0)) {
                assert!((found - wanted).abs() < 12.1 * LN_PER_DB as f32 / 4.0);
            }
            let noisy = Perturbation {
                noisy: 1.0,
                noise_db: (30.0, 30.0),
                ..Perturbation::NONE
            };
            let floor = bent(noisy, seed).iter().copied().fold(0.0, f32::min);
            // 30 dB and the tilt below the loudest, which is 0.
            assert!(-60.0 * (LN_PER_DB as f32) / 4.0 < floor, "{floor}");
            let all = bent(Perturbation::default(), seed);
            assert!(all.iter().all(|x| x.is_finite()));
            assert!(all == bent(Perturbation::default(), seed));
        }
    }

    /// Of a sequence whose every band is as loud as `of` says by its frame, in dB: what becomes of
    /// it, by frame.
    fn decibels(perturbation: Perturbation, of: impl Fn(usize) -> f32) -> Vec<[f32; MELS]> {
        let db = 10.0 * std::f32::consts::LOG10_E;
        let mut mel: Vec<f32> = (0..60 * MELS).map(|n| feature(of(n / MELS) / db)).collect();
        perturbation.apply(&mut Random::new(3), &mut mel);
        mel.iter_mut().for_each(|x| *x = db * ln_power(*x));
        mel.as_chunks::<MELS>().0.to_vec()
    }

    #[test]
    fn in_a_room_sounds_go_on_and_fall_by_60_db_in_its_time() {
        let room = Perturbation {
            rooms: 1.0,
            ..Perturbation::NONE
        };
        // Ten frames at 0 dB, then next to nothing.
        let found = decibels(room, |frame| if frame < 10 { 0.0 } else { -59.0 });
        for band in [0, 40, 79] {
            let at = |frame: usize| found[frame][band];
            assert!(at(0).abs() < 0.01, "the first of it: {}", at(0));
            // 2 dB a frame.
            assert!(
                (at(15) - at(10) + 10.0).abs() < 0.1,
                "{} to {}",
                at(10),
                at(15)
            );
            // Where it has lasted for long, all of it is 6 dB below the sound: ten frames are
            // nearly that.
            let tail = 10.0 * (10f32.powf(0.1 * at(9)) - 1.0).log10();
            assert!((-6.5..-5.9).contains(&tail), "{tail}");
            assert!(at(59) < -57.0, "it ends");
        }
    }

    #[test]
    fn a_narrow_line_takes_away_what_is_outside_of_it() {
        let line = Perturbation {
            narrow: 1.0,
            ..Perturbation::NONE
        };
        let found = decibels(line, |_| 0.0);
        for (band, db) in found[20].iter().enumerate() {
            let hz = band_hz(band) as f32;
            let wanted = match hz {
                ..300.0 => -12.0 * (300.0 / hz).log2(),
                3_400.0.. => -24.0 * (hz / 3_400.0).log2(),
                _ => 0.0,
            };
            assert!((db - wanted).abs() < 0.1, "{hz} Hz: {db} dB");
        }
    }

    #[test]
    fn a_codec_leaves_out_what_is_masked_and_has_steps() {
        let codec = Perturbation {
            coded: 1.0,
            ..Perturbation::NONE
        };
        let mut mel: Vec<f32> = (0..MELS)
            .map(|band| feature(-0.5 * band as f32 * LN_PER_DB as f32))
            .collect();
        codec.apply(&mut Random::new(3), &mut mel);
        let mut steps = 0;
        for (band, x) in mel.iter().enumerate() {
            let db = ln_power(*x) / LN_PER_DB as f32;
            let sung = -0.5 * band as f32;
            if sung < -20.1 {
                assert!(db < -59.0, "{sung} dB: {db}");
            } else if -19.9 < sung {
                assert!((db - sung).abs() < 1.51, "{sung} dB: {db}");
                assert!((db / 3.0 - (db / 3.0).round()).abs() < 1e-3, "{db}");
                steps += usize::from(mel[band] != mel[band.saturating_sub(1)]);
            }
        }
        assert!((6..=7).contains(&steps), "of 3 dB in 20: {steps}");
    }
}
