//! The pitch network of the tracker `neural`: convolutions along the grid of candidates, which
//! know no absolute pitch, and a recurrent context that knows what has been sung.

pub mod features;

use features::{BINS, CHANNELS};

/// Channels of the convolutions.
pub const WIDTH: usize = 16;
/// Channels of what the context sees of each candidate.
pub const SQUEEZED: usize = 4;
/// Units of the context.
pub const CONTEXT: usize = 64;
/// Candidates that the first and the other convolutions cover.
pub const FIRST_KERNEL: usize = 3;
/// See [`FIRST_KERNEL`].
pub const KERNEL: usize = 5;
/// Candidates that a convolution covers of an earlier instant, and how many instants earlier, by
/// layer.
pub const PAST_KERNEL: usize = 3;
/// See [`PAST_KERNEL`].
pub const PAST: [usize; 2] = [1, 3];

/// Names and shapes of the weights, in the order of the computation.
#[must_use]
pub fn shapes() -> Vec<(&'static str, Vec<usize>)> {
    vec![
        ("conv1.weight", vec![WIDTH, FIRST_KERNEL * CHANNELS]),
        ("conv1.bias", vec![WIDTH]),
        ("conv2.weight", vec![WIDTH, KERNEL * WIDTH]),
        ("conv2.past", vec![WIDTH, PAST_KERNEL * WIDTH]),
        ("conv2.bias", vec![WIDTH]),
        ("conv3.weight", vec![WIDTH, KERNEL * WIDTH]),
        ("conv3.past", vec![WIDTH, PAST_KERNEL * WIDTH]),
        ("conv3.bias", vec![WIDTH]),
        ("squeeze.weight", vec![SQUEEZED, WIDTH]),
        ("squeeze.bias", vec![SQUEEZED]),
        ("dense.weight", vec![CONTEXT, BINS * SQUEEZED]),
        ("dense.bias", vec![CONTEXT]),
        ("gru.weight_ih", vec![3 * CONTEXT, CONTEXT]),
        ("gru.weight_hh", vec![3 * CONTEXT, CONTEXT]),
        ("gru.bias_ih", vec![3 * CONTEXT]),
        ("gru.bias_hh", vec![3 * CONTEXT]),
        ("salience.weight", vec![1, WIDTH]),
        ("context.weight", vec![BINS, CONTEXT]),
        ("context.bias", vec![BINS]),
        ("voicing.weight", vec![1, CONTEXT + 2]),
        ("voicing.bias", vec![1]),
    ]
}
