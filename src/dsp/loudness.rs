//! Loudness of one stream given to another: the converted voice follows the singer's.

use crate::units::Frames;

/// Windows begin every 10 ms,
const HOPS_PER_S: u32 = 100;
/// and are 40 ms long.
const HOPS_PER_WINDOW: usize = 4;
/// The least level of a converted voice, so that silence is not divided by.
const LEAST_RMS: f32 = 1e-6;

/// Mixes the loudness of an input into a converted stream ("RMS mix" of RVC):
/// `converted * (rms_input / rms_converted)^(1 - rate)`. Levels are those of windows of 40 ms,
/// taken every 10 ms, with straight lines between.
///
/// The converted stream is delayed inside by as much as was asked for. With
/// [`LoudnessMix::centred`] each window lies around the frame it is for; with less delay the
/// loudness comes late by the difference. Real-time safe once built.
#[derive(Clone, Debug)]
pub struct LoudnessMix {
    input: Level,
    converted: Level,
    /// Frames in a hop, and how many of this one have come.
    hop: Frames,
    come: Frames,
    /// The converted stream of the last frames, and where the next goes.
    delayed: Vec<f32>,
    next: usize,
}

/// The levels of one stream at the ends of the hop that is under way.
#[derive(Clone, Debug, Default)]
struct Level {
    /// Sums of squares of the last hops, the oldest first, and of this one.
    hops: [f64; HOPS_PER_WINDOW],
    sum: f64,
    from: f32,
    to: f32,
}

impl LoudnessMix {
    /// For two streams of a rate in Hz, aligned with each other. Allocates.
    #[must_use]
    pub fn new(rate_hz: u32, delay: Frames) -> Self {
        Self {
            input: Level::default(),
            converted: Level::default(),
            hop: hop(rate_hz),
            come: 0,
            delayed: vec![0.0; delay],
            next: 0,
        }
    }

    /// The delay with which windows lie around the frame they are for: 30 ms.
    #[must_use]
    pub fn centred(rate_hz: u32) -> Frames {
        // Half a window, and the hop whose level at the end must be known.
        (HOPS_PER_WINDOW / 2 + 1) * hop(rate_hz)
    }

    /// By how much the converted stream is delayed.
    #[must_use]
    pub fn delay(&self) -> Frames {
        self.delayed.len()
    }

    /// As new: silence before.
    pub fn reset(&mut self) {
        self.input = Level::default();
        self.converted = Level::default();
        self.come = 0;
        self.delayed.fill(0.0);
        self.next = 0;
    }

    /// Takes as many frames of the input as there are of the converted stream, and changes these
    /// in place. `rate` is 0 for the loudness of the input to 1 for none of it.
    ///
    /// # Panics
    /// If the slices differ in length.
    pub fn process(&mut self, input: &[f32], converted: &mut [f32], rate: f32) {
        assert_eq!(input.len(), converted.len(), "both streams are in step");
        let exponent = 1.0 - rate.clamp(0.0, 1.0);
        for (x, y) in input.iter().zip(converted) {
            let between = self.come as f32 / self.hop as f32;
            let gain = match exponent {
                0.0 => 1.0,
                _ => {
                    let of = self.input.at(between);
                    (of / self.converted.at(between).max(LEAST_RMS)).powf(exponent)
                }
            };
            self.input.sum += f64::from(*x).powi(2);
            self.converted.sum += f64::from(*y).powi(2);
            self.come += 1;
            if self.come == self.hop {
                self.input.end_hop(self.hop);
                self.converted.end_hop(self.hop);
                self.come = 0;
            }
            if let Some(delayed) = self.delayed.get_mut(self.next) {
                std::mem::swap(delayed, y);
                self.next = (self.next + 1) % self.delayed.len();
            }
            *y *= gain;
        }
    }
}

impl Level {
    /// Between the ends of the hop.
    fn at(&self, between: f32) -> f32 {
        self.from + (self.to - self.from) * between
    }

    fn end_hop(&mut self, hop: Frames) {
        self.hops.rotate_left(1);
        self.hops[HOPS_PER_WINDOW - 1] = self.sum;
        self.sum = 0.0;
        self.from = self.to;
        // Summed anew each time: what is no number is forgotten with its window.
        let squares: f64 = self.hops.iter().sum();
        self.to = (squares / (HOPS_PER_WINDOW * hop) as f64).sqrt() as f32;
    }
}

fn hop(rate_hz: u32) -> Frames {
    (rate_hz / HOPS_PER_S).max(1) as Frames
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Seeded noise that grows and fades.
    fn swells(count: usize, seed: u32, period: f32) -> Vec<f32> {
        let mut state = seed;
        (0..count)
            .map(|i| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let noise = (state >> 8) as f32 / (1 << 23) as f32 - 1.0;
                noise * (i as f32 / period).sin().max(0.0)
            })
            .collect()
    }

    /// Over the whole signal: windows around every hop, zeros outside.
    fn levels(signal: &[f32], hop: usize) -> Vec<f64> {
        let at = |i: isize| usize::try_from(i).ok().and_then(|i| signal.get(i));
        let level = |frame: isize| {
            let window = frame - 2 * hop as isize..frame + 2 * hop as isize;
            let squares = window.filter_map(at).map(|x| f64::from(*x).powi(2));
            (squares.sum::<f64>() / (4 * hop) as f64).sqrt()
        };
        let points = 0..=signal.len() / hop + 1;
        let points: Vec<f64> = points.map(|p| level((p * hop) as isize)).collect();
        let between = |i: usize| {
            let (p, share) = (i / hop, (i % hop) as f64 / hop as f64);
            points[p] + (points[p + 1] - points[p]) * share
        };
        (0..signal.len()).map(between).collect()
    }

    #[test]
    fn a_stream_gives_what_the_whole_signal_does() {
        for rate_hz in [8_000, 16_000, 44_100] {
            let hop = rate_hz as usize / 100;
            let count = 50 * hop + 7;
            let input = swells(count, 1, 900.0);
            let converted = swells(count, 2, 1_300.0);
            let (of_input, of_converted) = (levels(&input, hop), levels(&converted, hop));
            for rate in [0.0, 0.25, 1.0] {
                let mut mix = LoudnessMix::new(rate_hz, LoudnessMix::centred(rate_hz));
                let delay = mix.delay();
                assert_eq!(delay, 3 * hop);
                for round in 0..2 {
                    let mut got = converted.clone();
                    let sizes = [1, 2, 3, 100, 441, 5].into_iter().cycle();
                    let mut at = 0;
                    for size in sizes {
                        let end = (at + size).min(count);
                        mix.process(&input[at..end], &mut got[at..end], rate);
                        at = end;
                        if at == count {
                            break;
                        }
                    }
                    for i in 0..count - delay {
                        let ratio = of_input[i] / of_converted[i].max(1e-6);
                        let want = f64::from(converted[i]) * ratio.powf(1.0 - f64::from(rate));
                        let got = f64::from(got[i + delay]);
                        assert!(
                            (got - want).abs() <= 1e-5 * want.abs().max(1.0),
                            "{rate_hz} Hz, rate {rate}, round {round}, frame {i}: {got} for {want}"
                        );
                    }
                    assert!(got[..delay].iter().all(|x| *x == 0.0), "silence first");
                    mix.reset();
                }
            }
        }
    }

    #[test]
    fn without_delay_nothing_is_and_with_rate_1_nothing_changes() {
        let (input, converted) = (swells(900, 1, 90.0), swells(900, 2, 70.0));
        let mut mix = LoudnessMix::new(8_000, 0);
        let mut got = converted.clone();
        mix.process(&input, &mut got, 1.0);
        assert_eq!(got, converted);
    }

    #[test]
    fn what_is_no_number_is_forgotten_with_its_window() {
        let mut mix = LoudnessMix::new(8_000, 0);
        let mut input = vec![0.5; 1_000];
        input[3] = f32::NAN;
        let mut got = vec![0.25; 1_000];
        mix.process(&input, &mut got, 0.0);
        let settled = &got[6 * 80..];
        assert!(
            settled.iter().all(|x| (x - 0.5).abs() < 1e-5),
            "{settled:?}"
        );
    }
}
