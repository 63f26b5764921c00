//! The tracker `neural`, our own small network: accurate in noise, 20 ms behind and a resampler's
//! delay. Any thread; never allocates after construction. One call in every 10 ms does all the
//! work.

use super::at_16k::At16k;
use super::{PitchFrame, PitchTracker};
use crate::dsp::history::History;
use crate::model::pitch::features::{Features, HOP, LOOKAHEAD, SPAN};
use crate::model::pitch::{PitchNet, embedded};
use crate::units::Frames;

/// Probability of a voice from which on a frame is voiced: a voice made out of noise is heard, one
/// that begins a frame late hardly.
const THRESHOLD: f32 = 0.8;

/// The tracker.
pub struct Neural {
    front: At16k,
    past: History,
    features: Features,
    net: PitchNet,
}

impl Neural {
    /// A tracker of a signal at `rate_hz`. Allocates.
    ///
    /// # Panics
    /// If the rate is 0.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        Self {
            front: At16k::new(rate_hz),
            past: History::new(SPAN),
            features: Features::new(),
            net: PitchNet::new(embedded()).expect("the weights built in fit"),
        }
    }
}

impl PitchTracker for Neural {
    fn name(&self) -> &'static str {
        "neural"
    }

    fn lookahead(&self) -> Frames {
        self.front.lookahead(LOOKAHEAD)
    }

    fn threshold(&self) -> f32 {
        THRESHOLD
    }

    fn reset(&mut self) {
        self.front.reset();
        self.past.reset();
        self.net.reset();
    }

    fn push(&mut self, sample: f32) -> Option<PitchFrame> {
        let mut found = None;
        for frame in self.front.push(sample) {
            // What is no number would stay in the network for ever.
            self.past.push(if frame.is_finite() { *frame } else { 0.0 });
            // The first instant is 0, `LOOKAHEAD` frames ago when that many have followed it.
            let instant = self.past.written() - 1 - LOOKAHEAD as i64;
            if instant < 0 || instant % HOP as i64 != 0 {
                continue;
            }
            let end = instant + LOOKAHEAD as i64;
            let signal = self.past.range(end - SPAN as i64, SPAN);
            self.features.frame(signal, self.net.features());
            found = Some((instant, self.net.step()));
        }
        found.map(|(instant, estimate)| {
            let at = self.front.instant(instant as f64);
            PitchFrame {
                at,
                f0_hz: estimate.f0_hz,
                f0_at: at,
                confidence: estimate.voicing,
                voiced: THRESHOLD <= estimate.voicing,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    fn voice(rate_hz: u32, seconds: f64, pitch_hz: impl Fn(f64) -> f64) -> Vec<f32> {
        let rate = f64::from(rate_hz);
        let mut phase = 0.0;
        (0..(seconds * rate) as usize)
            .map(|i| {
                let hz = pitch_hz(i as f64 / rate);
                phase += hz / rate;
                let harmonics = (0.45 * rate.min(8_000.0) / hz).max(1.0) as u32;
                let sum: f64 = (1..=harmonics)
                    .map(|k| (TAU * f64::from(k) * phase).cos() / f64::from(k))
                    .sum();
                (0.2 * sum) as f32
            })
            .collect()
    }

    fn frames(rate_hz: u32, signal: &[f32]) -> Vec<PitchFrame> {
        let mut tracker = Neural::new(rate_hz);
        signal.iter().filter_map(|x| tracker.push(*x)).collect()
    }

    #[test]
    fn steady_and_gliding_voices_are_found_at_every_rate() {
        for rate_hz in [8_000, 16_000, 44_100, 48_000, 192_000] {
            for (from_hz, octaves_per_s) in
                [(70.0, 0.0), (180.0, 0.5), (440.0, -0.5), (1_000.0, 0.0)]
            {
                let pitch = |t: f64| from_hz * f64::exp2(octaves_per_s * t);
                let found = frames(rate_hz, &voice(rate_hz, 0.6, pitch));
                assert!(50 < found.len());
                for frame in &found[15..] {
                    let wanted = pitch(frame.at / f64::from(rate_hz));
                    let cents = 1200.0 * (f64::from(frame.f0_hz) / wanted).log2();
                    assert!(cents.abs() < 30.0, "{wanted} Hz at {rate_hz}: {cents} ct");
                    assert!(frame.voiced, "{wanted} Hz at {rate_hz}");
                }
            }
        }
    }

    #[test]
    fn noise_and_silence_are_no_voice() {
        let mut state = 1u32;
        let noise: Vec<f32> = (0..32_000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                f32::from((state >> 16) as i16) / 65_536.0
            })
            .collect();
        for signal in [noise, vec![0.0; 32_000]] {
            let found = frames(16_000, &signal);
            let voiced = found.iter().filter(|frame| frame.voiced).count();
            assert!(voiced * 50 < found.len(), "{voiced} of {}", found.len());
        }
    }

    #[test]
    fn frames_come_in_order_evenly_and_as_late_as_it_says() {
        for rate_hz in [16_000, 44_100, 96_000] {
            let mut tracker = Neural::new(rate_hz);
            let most = tracker.lookahead() as f64;
            assert!(most <= 0.025 * f64::from(rate_hz), "25 ms");
            let (mut next, mut latest) = (0.0, 0f64);
            for (i, x) in voice(rate_hz, 0.3, |_| 200.0).iter().enumerate() {
                if let Some(frame) = tracker.push(*x) {
                    assert!((frame.at - next).abs() < 1e-6);
                    next += f64::from(rate_hz) / 100.0;
                    latest = latest.max(i as f64 - frame.at);
                }
            }
            assert!(latest <= most && most - latest < 8.0, "{latest} of {most}");
        }
    }

    #[test]
    fn what_is_no_number_is_forgotten_and_a_reset_forgets_everything() {
        let signal = voice(16_000, 0.5, |_| 150.0);
        let clean = frames(16_000, &signal);
        let mut tracker = Neural::new(16_000);
        for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
            for _ in 0..2_000 {
                let found = tracker.push(bad);
                assert!(found.is_none_or(|f| f.f0_hz.is_finite() && f.confidence.is_finite()));
            }
            tracker.reset();
            let again: Vec<_> = signal.iter().filter_map(|x| tracker.push(*x)).collect();
            assert!(again == clean);
        }
    }
}
