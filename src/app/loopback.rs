//! How long sound takes out of the program and back in: noise goes out, what comes in is held
//! against it. [`Probe`] is filled on the audio thread without allocating; [`round_trip`] is a
//! pure function for the control thread.

use crate::units::Frames;
use realfft::RealFftPlanner;
use realfft::num_complex::Complex;
use std::sync::Arc;

/// Length of the noise: 0.34 s at 48 kHz, found again in ten times as much of other sound.
const SIGNAL: Frames = 16_384;
/// The longest way around that is looked for.
const LONGEST: Frames = 65_536;
/// Peak of the noise, linear: well heard, and safe for ears and speakers.
const LEVEL: f32 = 0.25;
/// How far the right place stands out of all others, in standard deviations. Chance alone reaches
/// 5 in so many places.
const CERTAIN: f32 = 12.0;

/// A way around that was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundTrip {
    /// Frames from the program's output to its input.
    pub frames: Frames,
    /// How far it stands out of chance, in standard deviations; at least 12.
    pub certainty: f32,
    /// Gain of the way around, linear; negative where polarity is turned.
    pub gain: f32,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
pub enum LoopError {
    /// Nothing came in at all.
    #[error(
        "expected the test noise at the input, found silence; connect the output to the input \
         with a cable, or hold the microphone to the speaker, and measure again"
    )]
    Silence,
    /// What came in is something else.
    #[error(
        "expected the test noise at the input, found other sound (it stands out {certainty:.1} \
         times of chance, 12 are sure); connect the output to the input with a cable, turn it \
         up, and measure again"
    )]
    NoLoop {
        /// As in [`RoundTrip`].
        certainty: f32,
    },
}

/// A measurement on its way through the audio thread.
pub struct Probe {
    signal: Arc<[f32]>,
    played: Frames,
    heard: Vec<f32>,
    at: Frames,
}

impl Default for Probe {
    fn default() -> Self {
        Self::new()
    }
}

impl Probe {
    /// Ready to start. Allocates.
    #[must_use]
    pub fn new() -> Self {
        Self {
            signal: noise().into(),
            played: 0,
            heard: vec![0.0; SIGNAL + LONGEST],
            at: 0,
        }
    }

    /// Keeps a block of input. Real-time safe.
    pub fn hear(&mut self, input: &[f32]) {
        let room = &mut self.heard[self.at..];
        let frames = room.len().min(input.len());
        room[..frames].copy_from_slice(&input[..frames]);
        self.at += frames;
    }

    /// Replaces a block of output. Real-time safe.
    pub fn play(&mut self, output: [&mut [f32]; 2]) {
        let left = &self.signal[self.played..];
        let frames = left.len().min(output[0].len());
        for channel in output {
            channel[..frames].copy_from_slice(&left[..frames]);
            channel[frames..].fill(0.0);
        }
        self.played += frames;
    }

    /// Whether everything was heard. Real-time safe.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.at == self.heard.len()
    }

    /// The result.
    ///
    /// # Errors
    /// [`LoopError`] when the noise did not come back.
    pub fn result(&self) -> Result<RoundTrip, LoopError> {
        round_trip(&self.signal, &self.heard)
    }
}

/// White noise of a fixed seed, faded at its ends.
fn noise() -> Vec<f32> {
    let mut state = 0x9e37_79b9_u32;
    let mut random = || {
        // xorshift32 (Marsaglia, "Xorshift RNGs", 2003).
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state as f32 / (u32::MAX / 2) as f32 - 1.0
    };
    let fade = |at: usize| (at.min(SIGNAL - 1 - at) as f32 / 256.0).min(1.0);
    (0..SIGNAL).map(|at| LEVEL * fade(at) * random()).collect()
}

/// Finds `signal` in `heard`, whose first frames were heard when the signal's first were played.
///
/// # Errors
/// [`LoopError`] when it is not there.
pub fn round_trip(signal: &[f32], heard: &[f32]) -> Result<RoundTrip, LoopError> {
    if heard.iter().all(|x| x.abs() < 1e-7) {
        return Err(LoopError::Silence);
    }
    let places = heard.len().saturating_sub(signal.len()) + 1;
    let matches = correlate(signal, heard);
    let matches = &matches[..places.min(matches.len())];
    let energy: f32 = signal.iter().map(|x| x * x).sum();
    let (frames, peak) = matches
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
        .map_or((0, 0.0), |(at, peak)| (at, *peak));
    // Without the peak and its surroundings, which a loop makes large.
    let elsewhere = matches
        .iter()
        .enumerate()
        .filter(|(at, _)| at.abs_diff(frames) > 64)
        .map(|(_, x)| f64::from(x * x));
    let (sum, count) = elsewhere.fold((0.0, 0u32), |(sum, count), x| (sum + x, count + 1));
    let deviation = (sum / f64::from(count.max(1))).sqrt() as f32;
    let certainty = peak.abs() / deviation.max(1e-9);
    if certainty < CERTAIN {
        return Err(LoopError::NoLoop { certainty });
    }
    Ok(RoundTrip {
        frames,
        certainty,
        gain: peak / energy,
    })
}

/// How well `signal` matches `heard` at every place, by Fourier transform.
fn correlate(signal: &[f32], heard: &[f32]) -> Vec<f32> {
    let length = (signal.len() + heard.len()).next_power_of_two();
    let mut planner = RealFftPlanner::<f32>::new();
    let (forward, back) = (
        planner.plan_fft_forward(length),
        planner.plan_fft_inverse(length),
    );
    let spectrum = |x: &[f32]| {
        let mut input = x.to_vec();
        input.resize(length, 0.0);
        let mut output = forward.make_output_vec();
        forward
            .process(&mut input, &mut output)
            .expect("the plan's own lengths");
        output
    };
    let (signal, heard) = (spectrum(signal), spectrum(heard));
    let mut product: Vec<Complex<f32>> = signal
        .iter()
        .zip(&heard)
        .map(|(s, h)| s.conj() * h)
        .collect();
    // Both ends are real by nature; rounding may say otherwise and the plan would refuse.
    for end in [0, length / 2] {
        product[end].im = 0.0;
    }
    let mut output = back.make_output_vec();
    back.process(&mut product, &mut output)
        .expect("the plan's own lengths");
    for x in &mut output {
        *x /= length as f32;
    }
    output
}

#[cfg(test)]
mod tests {
    use super::*;

    fn other_sound(at: usize) -> f32 {
        // A buzz with some hiss: what a microphone picks up meanwhile.
        let hiss = ((at as u32).wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 23) as f32 - 1.0;
        (at as f32 * 150.0 / 48_000.0).fract() - 0.5 + 0.3 * hiss
    }

    fn heard(delay: usize, gain: f32, noise: f32) -> Vec<f32> {
        let signal = noise_signal();
        let mut heard: Vec<f32> = (0..SIGNAL + LONGEST)
            .map(|at| noise * other_sound(at))
            .collect();
        for (at, x) in signal.iter().enumerate() {
            heard[at + delay] += gain * x;
        }
        heard
    }

    fn noise_signal() -> Vec<f32> {
        super::noise()
    }

    #[test]
    fn the_way_around_is_found_to_the_frame() {
        for (delay, gain, noise) in [
            (0, 1.0, 0.0),
            (1, 1.0, 0.0),
            (733, 0.01, 0.0),
            (2_048, -0.5, 0.0),
            (5_001, 1.0, 0.3),
            (60_000, 0.3, 0.3),
            (512, -0.1, 0.05),
        ] {
            let found = round_trip(&noise_signal(), &heard(delay, gain, noise));
            let found = found.unwrap_or_else(|error| panic!("{delay} {gain} {noise}: {error}"));
            assert_eq!(found.frames, delay, "{gain} {noise}");
            assert!(
                (found.gain - gain).abs() < 0.05 * gain.abs() + 0.02,
                "{found:?}"
            );
        }
    }

    #[test]
    fn without_a_loop_there_is_no_answer() {
        let silence = vec![0.0; SIGNAL + LONGEST];
        assert_eq!(
            round_trip(&noise_signal(), &silence),
            Err(LoopError::Silence)
        );
        for level in [1e-3, 0.3, 1.0] {
            let found = round_trip(&noise_signal(), &heard(100, 0.0, level));
            assert!(matches!(found, Err(LoopError::NoLoop { .. })), "{found:?}");
        }
        let tone: Vec<f32> = (0..SIGNAL + LONGEST)
            .map(|at| (at as f32 * 0.05).sin())
            .collect();
        let found = round_trip(&noise_signal(), &tone);
        assert!(matches!(found, Err(LoopError::NoLoop { .. })), "{found:?}");
    }

    #[test]
    fn a_probe_measures_a_loop_block_by_block() {
        let mut probe = Probe::new();
        let mut air: std::collections::VecDeque<f32> = std::iter::repeat_n(0.0, 300).collect();
        while !probe.is_done() {
            let input: Vec<f32> = (0..100).map(|_| air.pop_front().unwrap_or(0.0)).collect();
            probe.hear(&input);
            let (mut left, mut right) = (vec![9.0; 100], vec![9.0; 100]);
            probe.play([&mut left, &mut right]);
            assert_eq!(left, right);
            air.extend(left);
        }
        assert_eq!(probe.result().expect("a loop").frames, 300);
    }
}
