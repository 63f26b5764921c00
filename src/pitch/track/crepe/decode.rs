//! From the probabilities of pitch bins to one pitch, as torchcrepe 0.0.24 does it, without the
//! random dither it adds. Any thread; real-time safe.

use std::ops::Range;

use autovoice_kernels::cpu::{sigmoid, softmax};

use crate::model::{PITCH_BINS, bin_to_cents, cents_to_hz, hz_to_bin};

/// Bins on either side that weigh in.
const REACH: usize = 4;

/// From one instant to the next a pitch moves less than so many bins.
pub const TRANSITION_WIDTH: usize = 12;

/// The bins of the pitches between two frequencies.
#[must_use]
pub fn bins_between(lowest_hz: f32, highest_hz: f32) -> Range<usize> {
    let within = |bin: f64| bin.clamp(0.0, PITCH_BINS as f64) as usize;
    let first = within(hz_to_bin(f64::from(lowest_hz)).floor()).min(PITCH_BINS - 1);
    let end = within(hz_to_bin(f64::from(highest_hz)).ceil());
    first..end.max(first + 1)
}

/// The frequency of a bin.
#[must_use]
pub fn bin_hz(bin: usize) -> f32 {
    cents_to_hz(bin_to_cents(bin as f64)) as f32
}

/// The most probable bin.
#[must_use]
pub fn argmax(probabilities: &[f32; PITCH_BINS], bins: &Range<usize>) -> usize {
    let mut best = bins.start;
    for bin in bins.clone() {
        if probabilities[bin] > probabilities[best] {
            best = bin;
        }
    }
    best
}

/// The mean frequency around a bin. The weights are the sigmoid of the probabilities, as
/// torchcrepe has them: the mean is drawn to the middle of what it is taken over.
#[must_use]
pub fn weighted_hz(probabilities: &[f32; PITCH_BINS], bins: &Range<usize>, bin: usize) -> f32 {
    let first = bin.saturating_sub(REACH).max(bins.start);
    let end = (bin + REACH + 1).min(bins.end);
    let mut weights = [0f32; 2 * REACH + 1];
    let weights = &mut weights[..end - first];
    weights.copy_from_slice(&probabilities[first..end]);
    sigmoid(weights);
    let (mut sum, mut cents) = (0f64, 0f64);
    for (n, weight) in weights.iter().enumerate() {
        sum += f64::from(*weight);
        cents += f64::from(*weight) * bin_to_cents((first + n) as f64);
    }
    cents_to_hz(cents / sum) as f32
}

/// What the Viterbi search takes for observed: the softmax of the probabilities, 0 outside
/// `bins`.
pub fn observation(
    probabilities: &[f32; PITCH_BINS],
    bins: &Range<usize>,
    out: &mut [f32; PITCH_BINS],
) {
    out.fill(0.0);
    out[bins.clone()].copy_from_slice(&probabilities[bins.clone()]);
    softmax(&mut out[bins.clone()]);
}
