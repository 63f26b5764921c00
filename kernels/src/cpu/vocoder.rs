//! The step of a phase vocoder (Flanagan & Golden, "Phase Vocoder", 1966; Dolson, "The Phase Vocoder: A
//! Tutorial", 1986): spectra of frames that are one hop apart become those of frames another hop apart, of
//! the same tones. Between a transform and its inverse it makes a signal longer or shorter, and a resampler
//! after that moves its pitch.

use std::f64::consts::TAU;

/// Whose phases follow their own frequency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phases {
    /// All bins'.
    Free,
    /// Those of peaks, bins greater than two neighbours on either side; of equals the lower is. The bins
    /// nearest to a peak are turned as it is: identity phase locking (Laroche & Dolson, "Improved Phase
    /// Vocoder Time-Scale Modification of Audio", 1999).
    Locked,
}

/// From which hop to which, in values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Values of a frame, a power of two.
    pub size: usize,
    /// From one frame to the next in the signal that was transformed; a quarter of the size at most, or
    /// frequencies cannot be told.
    pub hop: usize,
    /// The same in the signal that is made.
    pub new_hop: usize,
    /// Whose phases follow their own frequency.
    pub phases: Phases,
}

impl Stretch {
    /// The hops, a quarter of the size at most and not both less than an eighth, whose ratio comes nearest
    /// to so many semitones: made longer by that and resampled from `new_hop` to `hop`, a signal is as long
    /// as before and so much higher. Whole hops have not every ratio: within an octave, in steps of a tenth
    /// of a semitone, the nearest is 4 cents off at worst for frames of 512, 1.5 for 1,024, 0.1 for 2,048.
    ///
    /// # Panics
    /// If the size is less than 16, or the semitones are no number.
    #[must_use]
    pub fn by_semitones(size: usize, semitones: f64, phases: Phases) -> Self {
        assert!(16 <= size, "expected frames of at least 16, found {size}");
        assert!(semitones.is_finite(), "expected a number of semitones");
        let ratio = (semitones.abs() / 12.0).exp2();
        let pairs = (size / 8..=size / 4).map(|longer| {
            let shorter = (longer as f64 / ratio).round().max(1.0);
            let error = (longer as f64 / shorter / ratio).ln().abs();
            (error, longer, shorter as usize)
        });
        let best = pairs.min_by(|a, b| a.0.total_cmp(&b.0));
        let (_, longer, shorter) = best.expect("there is a hop");
        let (hop, new_hop) = match semitones < 0.0 {
            true => (longer, shorter),
            false => (shorter, longer),
        };
        Self {
            size,
            hop,
            new_hop,
            phases,
        }
    }

    /// Values of a spectrum, half as many as of a frame and one.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.size / 2 + 1
    }
}

/// Real and imaginary part of a bin.
type Bin = [f32; 2];

/// The phase vocoder of one stream.
#[derive(Clone, Debug)]
pub struct PhaseVocoder {
    stretch: Stretch,
    /// The last frame that came and the last that went; silence before the first.
    last: [Vec<Bin>; 2],
    /// Of the frame at hand: squares of magnitudes.
    power: Vec<f32>,
    /// Bins whose phases follow their own frequency, from the lowest on.
    leading: Vec<usize>,
}

impl PhaseVocoder {
    /// With silence behind it. Allocates.
    ///
    /// # Panics
    /// If the size is no power of two, or a hop is 0.
    #[must_use]
    pub fn new(stretch: Stretch) -> Self {
        let Stretch {
            size, hop, new_hop, ..
        } = stretch;
        assert!(
            size.is_power_of_two(),
            "expected a power of two, found {size}"
        );
        assert!(0 < hop && 0 < new_hop, "hops are positive");
        let bins = stretch.bins();
        Self {
            stretch,
            last: [vec![[0.0; 2]; bins], vec![[0.0; 2]; bins]],
            power: vec![0.0; bins],
            leading: Vec::with_capacity(bins),
        }
    }

    /// The next frames, `[frames, bins]`, from `x` to `y`: each bin is turned, and keeps its magnitude. What
    /// follows silence keeps its phase. Real-time safe.
    ///
    /// # Panics
    /// If `x` and `y` are not of one length, or no whole frames.
    pub fn step(&mut self, x: &[Bin], y: &mut [Bin]) {
        let bins = self.stretch.bins();
        assert_eq!(x.len(), y.len(), "as much comes as goes");
        assert!(x.len().is_multiple_of(bins), "frames are whole");
        for (x, y) in x.chunks(bins).zip(y.chunks_mut(bins)) {
            for (power, [re, im]) in self.power.iter_mut().zip(x) {
                *power = re.mul_add(*re, im * im);
            }
            self.leading.clear();
            for k in 0..bins {
                if self.leads(k) {
                    self.leading.push(k);
                }
            }
            self.turn_all(x, y);
            self.last[0].copy_from_slice(x);
            self.last[1].copy_from_slice(y);
        }
    }

    /// Each bin as the nearest that leads, of two the lower; as it is where none does.
    fn turn_all(&self, x: &[Bin], y: &mut [Bin]) {
        let mut leading = self.leading.iter().copied().peekable();
        let Some(mut near) = leading.next() else {
            return y.copy_from_slice(x);
        };
        let mut turns = self.turn(x, near);
        for (k, (x_k, y_k)) in x.iter().zip(y).enumerate() {
            while let Some(next) = leading.next_if(|next| next.abs_diff(k) < near.abs_diff(k)) {
                near = next;
                turns = self.turn(x, near);
            }
            *y_k = turned(*x_k, turns);
        }
    }

    fn leads(&self, k: usize) -> bool {
        let power = &self.power;
        let is_alone = self.stretch.phases == Phases::Free;
        let below = &power[k.saturating_sub(2)..k];
        let above = &power[k + 1..power.len().min(k + 3)];
        let is_peak = below.iter().all(|p| *p < power[k]) && above.iter().all(|p| *p <= power[k]);
        0.0 < power[k] && (is_alone || is_peak)
    }

    /// By how many turns the bin `k` is turned.
    fn turn(&self, x: &[Bin], k: usize) -> f64 {
        let Stretch {
            size, hop, new_hop, ..
        } = self.stretch;
        let [last_x, last_y] = self.last.each_ref().map(|last| last[k]);
        if last_y == [0.0; 2] {
            return 0.0;
        }
        let share = |hop: usize| (k * hop % size) as f64 / size as f64;
        let phase = turns(x[k]);
        let beside = phase - turns(last_x) - share(hop);
        let beside = beside - beside.round_ties_even();
        let advance = share(new_hop) + beside * new_hop as f64 / hop as f64;
        turns(last_y) + advance - phase
    }
}

fn turns([re, im]: Bin) -> f64 {
    f64::from(im).atan2(f64::from(re)) / TAU
}

fn turned([re, im]: Bin, turns: f64) -> Bin {
    let (sin, cos) = (turns * TAU).sin_cos();
    let (re, im) = (f64::from(re), f64::from(im));
    [(re * cos - im * sin) as f32, (re * sin + im * cos) as f32]
}

#[cfg(test)]
mod tests {
    use super::super::testing::noise;
    use super::*;

    fn bins(count: usize, seed: u32) -> Vec<Bin> {
        noise(2 * count, seed).as_chunks::<2>().0.to_vec()
    }

    #[test]
    fn hops_are_within_a_quarter_and_near_what_is_asked_for() {
        for (size, most_cents) in [(512, 4.0), (1024, 1.5), (2048, 0.1), (4096, 0.1)] {
            for tenths in -120..=120 {
                let semitones = f64::from(tenths) / 10.0;
                let made = Stretch::by_semitones(size, semitones, Phases::Locked);
                let found = 12.0 * (made.new_hop as f64 / made.hop as f64).log2();
                let longer = made.hop.max(made.new_hop);
                assert!((size / 8..=size / 4).contains(&longer), "{made:?}");
                let cents = 100.0 * (found - semitones).abs();
                assert!(cents < most_cents, "{size}, {semitones}: {cents} cents");
            }
        }
    }

    #[test]
    fn with_one_hop_nothing_changes() {
        for phases in [Phases::Free, Phases::Locked] {
            let stretch = Stretch {
                size: 64,
                hop: 13,
                new_hop: 13,
                phases,
            };
            let x = bins(5 * 33, 1);
            let mut y = vec![[f32::NAN; 2]; x.len()];
            PhaseVocoder::new(stretch).step(&x, &mut y);
            for (x, y) in x.as_flattened().iter().zip(y.as_flattened()) {
                assert!((x - y).abs() < 1e-6, "{y} for {x}");
            }
        }
    }

    #[test]
    fn magnitudes_stay_and_a_region_turns_as_its_peak() {
        let stretch = Stretch {
            size: 32,
            hop: 5,
            new_hop: 8,
            phases: Phases::Locked,
        };
        let mut x = bins(3 * 17, 2);
        for frame in x.chunks_mut(17) {
            // Two peaks, at 4 and at 11: those up to 7 go with the one, 8 is as near to the other.
            frame[4] = [3.0, 1.0];
            frame[11] = [-1.0, 4.0];
            for k in [1, 2, 7, 8, 13, 14, 15, 16] {
                frame[k] = frame[k].map(|x| 1e-3 * x);
            }
            for k in [3, 5, 6, 9, 10, 12] {
                frame[k] = frame[k].map(|x| 0.1 * x);
            }
        }
        let mut y = vec![[0.0; 2]; x.len()];
        PhaseVocoder::new(stretch).step(&x, &mut y);
        assert_eq!(x[..17], y[..17], "what comes first keeps its phase");
        for f in 1..3 {
            let at = |k: usize| f * 17 + k;
            let turned = |k: usize| {
                let turns = turns(y[at(k)]) - turns(x[at(k)]);
                turns - turns.floor()
            };
            for k in 0..17 {
                let power = |[re, im]: Bin| re.hypot(im);
                let (before, after) = (power(x[at(k)]), power(y[at(k)]));
                assert!((before - after).abs() <= 1e-6 * before, "{k}");
            }
            for (k, peak) in [(3, 4), (6, 4), (7, 4), (8, 11), (10, 11), (12, 11)] {
                let apart = turned(k) - turned(peak);
                let apart = apart - apart.round();
                assert!(apart.abs() < 1e-5, "{k} with {peak}: {apart}");
            }
        }
    }
}
