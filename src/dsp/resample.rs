//! A streaming resampler whose delay is known exactly.
//!
//! Polyphase windowed-sinc interpolation (Kaiser window; Crochiere & Rabiner, "Multirate Digital
//! Signal Processing", 1983, ch. 4) between any two whole rates. Time is counted in whole
//! numbers of 1/up-th input frames, so it does not drift however long it runs.

use autovoice_kernels::cpu::dot;

use crate::units::Frames;

/// Zero crossings of the sinc on each side at the lower of the two rates: the trade between
/// delay and the width of the transition band (about 15 % of the lower Nyquist frequency here).
const ZERO_CROSSINGS: f64 = 32.0;
/// Stop-band attenuation about 80 dB: Kaiser's beta = 0.1102 (A - 8.7).
const KAISER_BETA: f64 = 7.86;
/// Centre of the transition band relative to the lower Nyquist frequency.
const CUTOFF: f64 = 0.93;
/// Phases of the table. Rates whose ratio has more (44,101 to 48,000 Hz, say) interpolate
/// linearly between neighbouring phases, which stays below -100 dB.
const MAX_PHASES: u64 = 1024;
/// Input frames worked on at a time.
const CHUNK: usize = 256;

/// One channel from one rate to another. Real-time safe after construction, as long as the
/// output vector has room.
#[derive(Clone, Debug)]
pub struct Resampler {
    up: u64,
    down: u64,
    phases: u64,
    taps: usize,
    /// `phases + 1` rows of `taps` coefficients, oldest input first.
    table: Vec<f32>,
    /// The last `taps - 1` frames, then room for a chunk.
    work: Vec<f32>,
    /// Time of the next output after the first frame of the next chunk, in 1/up frames.
    next: u64,
    delay: Frames,
}

impl Resampler {
    /// From `from_hz` to `to_hz`, with a delay such that `upstream` frames of delay that the
    /// input already carries, plus the resampler's own, are a whole number of output frames:
    /// [`Self::delay`]. Allocates.
    ///
    /// # Panics
    /// If a rate is 0.
    #[must_use]
    pub fn new(from_hz: u32, to_hz: u32, upstream: Frames) -> Self {
        assert!(from_hz > 0 && to_hz > 0, "rates are positive");
        let Ratio { up, down, half } = Ratio::new(from_hz, to_hz);
        let bandwidth = (f64::from(to_hz) / f64::from(from_hz)).min(1.0);
        let total = Self::delay_between(from_hz, to_hz, upstream) as u64 * down;
        let exact = (half + upstream as u64) * up;
        let own = half as f64 + (total - exact) as f64 / up as f64;

        let phases = up.min(MAX_PHASES);
        let taps = (half as f64 + own).ceil() as usize + 1;
        let mut table = Vec::with_capacity((phases as usize + 1) * taps);
        for phase in 0..=phases {
            let centre = phase as f64 / phases as f64 - own + taps as f64 - 1.0;
            let row = (0..taps).map(|tap| kernel(centre - tap as f64, bandwidth * CUTOFF, half));
            let row: Vec<f64> = row.collect();
            let sum: f64 = row.iter().sum();
            table.extend(row.iter().map(|h| (h / sum) as f32));
        }
        Self {
            up,
            down,
            phases,
            taps,
            table,
            work: vec![0.0; taps - 1 + CHUNK],
            next: 0,
            delay: (total / down) as Frames,
        }
    }

    /// The delay that [`Self::new`] with the same arguments would have, without building it.
    #[must_use]
    pub fn delay_between(from_hz: u32, to_hz: u32, upstream: Frames) -> Frames {
        let Ratio { up, down, half } = Ratio::new(from_hz, to_hz);
        // Half the filter and what came before it, rounded up to whole output frames.
        ((half + upstream as u64) * up).div_ceil(down) as Frames
    }

    /// Delay of the output in output frames, `upstream` included.
    #[must_use]
    pub fn delay(&self) -> Frames {
        self.delay
    }

    /// The most frames that `input` frames can become.
    #[must_use]
    pub fn max_output(&self, input: Frames) -> Frames {
        (input as u64 * self.up).div_ceil(self.down) as Frames + 1
    }

    /// Forgets the past.
    pub fn reset(&mut self) {
        self.work.fill(0.0);
        self.next = 0;
    }

    /// Appends to `output` the frames that `input` completes. After `p` input frames in all,
    /// `ceil(p * to / from)` output frames have come out.
    pub fn process(&mut self, input: &[f32], output: &mut Vec<f32>) {
        let past = self.taps - 1;
        for chunk in input.chunks(CHUNK) {
            self.work[past..past + chunk.len()].copy_from_slice(chunk);
            let end = chunk.len() as u64 * self.up;
            while self.next < end {
                output.push(self.interpolate());
                self.next += self.down;
            }
            self.next -= end;
            self.work.copy_within(chunk.len()..chunk.len() + past, 0);
        }
    }

    fn interpolate(&self) -> f32 {
        let index = (self.next / self.up) as usize;
        let frames = &self.work[index..index + self.taps];
        let scaled = (self.next % self.up) * self.phases;
        let row = (scaled / self.up) as usize;
        let rest = scaled % self.up;
        let here = dot(&self.table[row * self.taps..][..self.taps], frames);
        if rest == 0 {
            return here;
        }
        let there = dot(&self.table[(row + 1) * self.taps..][..self.taps], frames);
        here + (there - here) * (rest as f32 / self.up as f32)
    }
}

/// Two rates in lowest terms, and half the filter's length in input frames.
struct Ratio {
    up: u64,
    down: u64,
    half: u64,
}

impl Ratio {
    fn new(from_hz: u32, to_hz: u32) -> Self {
        let (from, to) = (u64::from(from_hz), u64::from(to_hz));
        let divisor = gcd(from, to);
        let half = (ZERO_CROSSINGS * (from_hz as f64 / to_hz as f64).max(1.0)).ceil();
        Self {
            up: to / divisor,
            down: from / divisor,
            half: half as u64,
        }
    }
}

/// The windowed sinc at `t` input frames from its centre.
fn kernel(t: f64, cutoff: f64, half: u64) -> f64 {
    let edge = t / half as f64;
    if edge.abs() > 1.0 {
        return 0.0;
    }
    let x = std::f64::consts::PI * t * cutoff;
    let sinc = if x.abs() < 1e-9 { 1.0 } else { x.sin() / x };
    sinc * bessel_i0(KAISER_BETA * (1.0 - edge * edge).sqrt()) / bessel_i0(KAISER_BETA)
}

/// Modified Bessel function of the first kind, order 0, by its power series.
fn bessel_i0(x: f64) -> f64 {
    let quarter = x * x / 4.0;
    let mut term = 1.0;
    let mut sum = 1.0;
    for k in 1..60 {
        term *= quarter / f64::from(k * k);
        sum += term;
    }
    sum
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    const RATES: [(u32, u32); 8] = [
        (48_000, 44_100),
        (44_100, 48_000),
        (192_000, 16_000),
        (16_000, 192_000),
        (44_100, 16_000),
        (48_000, 24_000),
        (44_101, 48_000),
        (48_000, 48_000),
    ];

    fn sine(rate: u32, hz: f64, frames: usize) -> Vec<f32> {
        (0..frames)
            .map(|i| (TAU * hz * i as f64 / f64::from(rate)).sin() as f32)
            .collect()
    }

    #[test]
    fn a_sine_comes_out_exactly_where_the_delay_says() {
        for (from, to) in RATES {
            for upstream in [0, 7] {
                let mut resampler = Resampler::new(from, to, upstream);
                let mut output = Vec::new();
                resampler.process(&sine(from, 440.0, from as usize / 4), &mut output);
                // The input's own delay moves the sine, so take it out again.
                let own =
                    resampler.delay() as f64 - upstream as f64 * f64::from(to) / f64::from(from);
                let skip = 2 * resampler.delay() + 64;
                let worst = output
                    .iter()
                    .enumerate()
                    .skip(skip)
                    .fold(0f64, |worst, (i, y)| {
                        let want = (TAU * 440.0 * (i as f64 - own) / f64::from(to)).sin();
                        worst.max((f64::from(*y) - want).abs())
                    });
                assert!(worst < 3e-4, "{from} -> {to}, upstream {upstream}: {worst}");
            }
        }
    }

    #[test]
    fn the_count_of_frames_is_exact_in_any_blocks() {
        for (from, to) in RATES {
            let mut resampler = Resampler::new(from, to, 0);
            let mut output = Vec::new();
            let mut pushed = 0u64;
            for block in [1usize, 7, 64, 300, 1, 2, 511].repeat(5) {
                resampler.process(&vec![0.0; block], &mut output);
                pushed += block as u64;
                let want = (pushed * u64::from(to)).div_ceil(u64::from(from));
                assert_eq!(output.len() as u64, want, "{from} -> {to} after {pushed}");
            }
        }
    }

    #[test]
    fn blocks_do_not_change_the_sound() {
        let input = sine(44_100, 1000.0, 5000);
        let mut whole = Vec::new();
        Resampler::new(44_100, 48_000, 0).process(&input, &mut whole);
        let mut pieces = Vec::new();
        let mut resampler = Resampler::new(44_100, 48_000, 0);
        for chunk in input.chunks(37) {
            resampler.process(chunk, &mut pieces);
        }
        assert!(whole == pieces);
        resampler.reset();
        let mut again = Vec::new();
        resampler.process(&input, &mut again);
        assert!(whole == again);
    }

    #[test]
    fn what_lies_above_the_new_nyquist_frequency_is_gone() {
        let mut resampler = Resampler::new(48_000, 16_000, 0);
        let mut output = Vec::new();
        resampler.process(&sine(48_000, 9_500.0, 48_000), &mut output);
        let peak = output[200..].iter().fold(0f32, |m, y| m.max(y.abs()));
        assert!(peak < 2e-4, "{peak}");
    }
}
