//! A safety limiter: the output never passes the ceiling, with no delay of its own.

/// Highest sample let through: -0.1 dBFS.
pub const CEILING: f32 = 0.988_553;

/// A peak limiter with immediate attack, so that it adds no latency, and one gain for all
/// channels. Real-time safe.
#[derive(Clone, Debug)]
pub struct Limiter {
    gain: f32,
    release: f32,
}

impl Limiter {
    /// At rest, for a rate in Hz. The gain recovers with a time constant of 80 ms.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        Self {
            gain: 1.0,
            release: 1.0 - (-1.0 / (0.08 * rate_hz as f32)).exp(),
        }
    }

    /// Back to rest.
    pub fn reset(&mut self) {
        self.gain = 1.0;
    }

    /// Limits `channels`, slices of the same length, in place. What stays below [`CEILING`]
    /// passes untouched once the gain has recovered.
    pub fn process(&mut self, channels: &mut [&mut [f32]]) {
        let frames = channels.first().map_or(0, |channel| channel.len());
        for i in 0..frames {
            let peak = channels.iter().fold(0f32, |max, c| max.max(c[i].abs()));
            self.gain += (1.0 - self.gain) * self.release;
            if self.gain > 0.999 {
                self.gain = 1.0;
            }
            if peak * self.gain > CEILING {
                self.gain = CEILING / peak;
            }
            for channel in channels.iter_mut() {
                channel[i] *= self.gain;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_passes_the_ceiling_and_leaves_quiet_sound_alone() {
        let mut limiter = Limiter::new(48_000);
        let quiet: Vec<f32> = (0..480).map(|i| (i as f32 * 0.1).sin() * 0.9).collect();
        let mut x = quiet.clone();
        limiter.process(&mut [&mut x]);
        assert!(x == quiet, "untouched");

        let mut loud: Vec<f32> = (0..48_000).map(|i| (i as f32 * 0.05).sin() * 7.0).collect();
        limiter.process(&mut [&mut loud]);
        let peak = loud.iter().fold(0f32, |m, y| m.max(y.abs()));
        assert!(peak <= CEILING + 1e-6, "{peak}");
        assert!(peak > 0.9, "{peak}");

        let mut after = vec![0.0; 48_000];
        limiter.process(&mut [&mut after]);
        let mut x = quiet.clone();
        limiter.process(&mut [&mut x]);
        assert!(x == quiet, "recovered");
    }
}
