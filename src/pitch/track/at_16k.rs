//! The front end of trackers that hear at 16 kHz. Any thread; real-time safe after construction.
//!
//! Frame `n` at 16 kHz is the signal at input frame `n * rate / 16000` exactly, whatever the
//! rate: the resampler's delay is taken out by leaving away what it gives before the signal.

use crate::dsp::resample::Resampler;
use crate::units::Frames;

/// The rate of what comes out, in Hz.
pub const RATE_HZ: u32 = 16_000;

/// The largest amplitude passed on: 60 dB over full scale.
const LOUDEST: f32 = 1_000.0;

/// A signal at any rate, brought to 16 kHz frame by frame.
#[derive(Clone, Debug)]
pub struct At16k {
    rate_hz: u32,
    /// None at 16 kHz, where frames pass unchanged.
    resampler: Option<Resampler>,
    /// Input that has not been resampled: none of it completes an output.
    pending: Vec<f32>,
    output: Vec<f32>,
    /// Input frames so far, outputs so far, and outputs still to be left away.
    taken: u64,
    given: u64,
    early: Frames,
}

impl At16k {
    /// From `rate_hz`. Allocates.
    ///
    /// # Panics
    /// If the rate is 0.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        let resampler = (rate_hz != RATE_HZ).then(|| Resampler::new(rate_hz, RATE_HZ, 0));
        let most = resampler.as_ref().map_or(1, |r| r.max_output(1) + 1);
        let mut new = Self {
            rate_hz,
            pending: Vec::with_capacity(rate_hz as usize / RATE_HZ as usize + 2),
            output: Vec::with_capacity(most),
            resampler,
            taken: 0,
            given: 0,
            early: 0,
        };
        new.reset();
        new
    }

    /// Forgets the past; frames count from 0 again.
    pub fn reset(&mut self) {
        if let Some(resampler) = &mut self.resampler {
            resampler.reset();
        }
        self.early = self.delay();
        self.pending.clear();
        self.output.clear();
        (self.taken, self.given) = (0, 0);
    }

    /// Frames at 16 kHz by which the output is late.
    fn delay(&self) -> Frames {
        self.resampler.as_ref().map_or(0, Resampler::delay)
    }

    /// Input frames by which the newest input is ahead of a frame that comes out, at most, when
    /// it is wanted `more` frames at 16 kHz later.
    #[must_use]
    pub fn lookahead(&self, more: Frames) -> Frames {
        let frames = (self.delay() + more) as u64 * u64::from(self.rate_hz);
        frames.div_ceil(u64::from(RATE_HZ)) as Frames
    }

    /// The instant of frame `n` at 16 kHz, in input frames.
    #[must_use]
    pub fn instant(&self, n: f64) -> f64 {
        n * f64::from(self.rate_hz) / f64::from(RATE_HZ)
    }

    /// Takes one input frame; gives the frames at 16 kHz that it completes. They are finite and
    /// within what networks can bear, whatever comes in.
    pub fn push(&mut self, sample: f32) -> &[f32] {
        // A path or a state that is once no number would stay so.
        let sample = if sample.is_finite() { sample } else { 0.0 };
        let sample = sample.clamp(-LOUDEST, LOUDEST);
        self.output.clear();
        let Some(resampler) = &mut self.resampler else {
            self.output.push(sample);
            return &self.output;
        };
        self.pending.push(sample);
        self.taken += 1;
        let due = (self.taken * u64::from(RATE_HZ)).div_ceil(u64::from(self.rate_hz));
        if due == self.given {
            return &[];
        }
        resampler.process(&self.pending, &mut self.output);
        self.pending.clear();
        self.given = due;
        let left = self.early.min(self.output.len());
        self.early -= left;
        &self.output[left..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn frames_lie_where_they_say_and_come_when_they_say() {
        for rate_hz in [8_000, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000] {
            let mut front = At16k::new(rate_hz);
            let hz = 300.0;
            for round in 0..2 {
                let (mut n, mut latest, mut worst) = (0, 0f64, 0f64);
                for i in 0..rate_hz / 4 {
                    let sample = (TAU * hz * f64::from(i) / f64::from(rate_hz)).sin();
                    let frames = front.push(sample as f32).to_vec();
                    for y in frames {
                        let at = front.instant(f64::from(n));
                        latest = latest.max(f64::from(i) - at);
                        let want = (TAU * hz * at / f64::from(rate_hz)).sin();
                        // The edge of a sine that starts at once is not band-limited.
                        if n > 100 {
                            worst = worst.max((f64::from(y) - want).abs());
                        }
                        n += 1;
                    }
                }
                let lookahead = front.lookahead(0) as f64;
                assert!(latest <= lookahead, "{rate_hz}: {latest} of {lookahead}");
                assert!(
                    lookahead - latest < 2.0,
                    "{rate_hz}: {latest} of {lookahead}"
                );
                assert!(worst < 3e-4, "{rate_hz}, round {round}: {worst}");
                assert!(n > 3_900, "{rate_hz}: {n} frames");
                front.reset();
            }
        }
    }
}
