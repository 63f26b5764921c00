//! Networks of no meaning: weights of a seed, at the levels at which trained ones keep a signal
//! alive. As large and as slow as real ones, so that speed and memory can be measured, and what
//! tests need of a network that has learnt nothing. Any thread; allocates.

use crate::nn::{Weights, WeightsError};

/// Weights for tensors of these names and shapes, uniformly distributed.
///
/// # Errors
/// [`WeightsError`] never in practice: shapes and values agree.
pub fn weights(
    tensors: impl IntoIterator<Item = (String, Vec<usize>)>,
    seed: u64,
) -> Result<Weights, WeightsError> {
    Weights::new(tensors.into_iter().map(|(name, shape)| {
        let (low, high) = range(&name, &shape);
        let values = uniform(&name, seed, shape.iter().product(), low, high);
        (name, shape, values)
    }))
}

/// [`weights`] rounded to half precision, as nearly all files have them.
///
/// # Errors
/// As [`weights`].
pub fn halves(
    tensors: impl IntoIterator<Item = (String, Vec<usize>)>,
    seed: u64,
) -> Result<Weights, WeightsError> {
    Weights::new(tensors.into_iter().map(|(name, shape)| {
        let (low, high) = range(&name, &shape);
        let mut values = uniform(&name, seed, shape.iter().product(), low, high);
        values.iter_mut().for_each(|x| *x = to_half(*x));
        (name, shape, values)
    }))
}

/// The nearest number of half precision, of one in its range.
fn to_half(x: f32) -> f32 {
    // Values of half precision lie as far apart as the last of 11 digits says, and no closer than
    // the smallest of them.
    let spacing = (x.abs().log2().floor() - 10.0).max(-24.0).exp2();
    (x / spacing).round_ties_even() * spacing
}

/// Between what the values of a tensor lie.
fn range(name: &str, shape: &[usize]) -> (f32, f32) {
    let ends = |end: &str| name.ends_with(end);
    // Values that one output adds up.
    let fan: usize = shape.iter().skip(1).product::<usize>().max(1);
    let around = |most: f32| (-most, most);
    match shape {
        // Logarithms of power per Hz, a voice's or less.
        _ if ends("decoder.head.bias") => (-15.0, -13.0),
        _ if ends("bias") || ends("beta") => around(0.1),
        _ if ends("l_linear.weight") => (3.0, 5.0),
        // A length for each row, each input of a transposed convolution, or each tap.
        // Of few taps, and of many.
        _ if ends("ups.2.weight_g") || ends("ups.3.weight_g") => (1.1, 1.3),
        _ if ends("weight_g") && name.contains("ups.") => (2.4, 3.0),
        _ if ends("weight_g") && name.contains("resblocks.") => (0.54, 0.66),
        _ if ends("weight_g") && name.contains("pos_conv") => (1.5, 2.5),
        _ if ends("weight_g") => (0.9, 1.1),
        _ if ends("weight_v") => around(0.087),
        _ if ends("emb_g.weight") => around(1.73),
        _ if ends("emb_pitch.weight") => around(0.87),
        [_] => (0.8, 1.2),
        // The source louder than the latent: a pitch that can be heard.
        _ if ends("conv_pre.weight") => around(0.5 / (fan as f32).sqrt()),
        _ if name.contains("noise_convs.") => around(5.0 / (fan as f32).sqrt()),
        _ if ends("conv_post.weight") => around(0.4 / (fan as f32).sqrt()),
        _ => around((3.0 / fan as f32).sqrt()),
    }
}

fn uniform(name: &str, seed: u64, count: usize, low: f32, high: f32) -> Vec<f32> {
    let mut state = name
        .bytes()
        .fold(seed ^ 0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3)
        });
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        low + (high - low) * (state >> 40) as f32 / (1 << 24) as f32
    };
    (0..count).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_the_nearest() {
        // 1 + 2^-10 follows 1; 2^-24 is the smallest; 6e-8 is nearest to it.
        let table = [
            (0.0, 0.0),
            (1.0, 1.0),
            (1.0 + 0.6 / 1024.0, 1.0 + 1.0 / 1024.0),
            (-0.1, -0.099_975_586),
            (5.0, 5.0),
            (6e-8, 2f32.powi(-24)),
        ];
        for (x, want) in table {
            assert_eq!(to_half(x), want, "{x}");
        }
    }
}
