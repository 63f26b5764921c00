//! What the tests of layers share: seeded weights, and a stream held against a whole signal.

use super::Weights;

/// Seeded noise in -0.5..0.5.
pub struct Noise(pub u32);

impl Noise {
    pub fn take(&mut self, count: usize) -> Vec<f32> {
        (0..count)
            .map(|_| {
                self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (self.0 >> 8) as f32 / (1 << 24) as f32 - 0.5
            })
            .collect()
    }

    /// Random tensors of these names and shapes.
    pub fn weights(&mut self, shapes: &[(&str, &[usize])]) -> Weights {
        let tensors = shapes.iter().map(|(name, shape)| {
            let data = self.take(shape.iter().product());
            ((*name).to_owned(), shape.to_vec(), data)
        });
        Weights::new(tensors.collect::<Vec<_>>()).unwrap()
    }
}

/// Pushes `x` (frames of `ins` values) through `step` in chunks of 1, 2, 3, 1, 2, ... frames and
/// holds what comes out against `forward`; then resets in mid-stream and does it all again.
/// `step` takes a chunk and appends what it gives.
pub fn stream_equals_whole<S>(
    stream: &mut S,
    x: &[f32],
    ins: usize,
    forward: &[f32],
    step: impl Fn(&mut S, &[f32], &mut Vec<f32>),
    reset: impl Fn(&mut S),
) {
    for round in 0..3 {
        let (mut rest, mut got) = (x, Vec::new());
        for frames in [1, 2, 3].into_iter().cycle() {
            let (chunk, after) = rest.split_at((frames * ins).min(rest.len()));
            step(stream, chunk, &mut got);
            rest = after;
            if rest.is_empty() || (round == 1 && rest.len() < x.len() / 2) {
                break;
            }
        }
        if round == 0 {
            assert_eq!(got.len(), forward.len(), "the stream gives as many frames");
        }
        for (at, (got, want)) in got.iter().zip(forward).enumerate() {
            assert!(
                (got - want).abs() <= 1e-5,
                "round {round}, value {at}: {got} for {want}"
            );
        }
        reset(stream);
    }
}
