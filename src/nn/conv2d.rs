//! Convolutions over images, channels last: `[height, width, channels]`. Any thread; real-time
//! safe after construction, with work memory from the caller.
//!
//! The pixels that an output sees are gathered into a row, some tens of rows at a time, so that a
//! convolution is a matrix product. A transposed convolution of stride 2 is four convolutions,
//! one for each parity of row and column.

use autovoice_kernels::cpu::{PackedMatrix, Start, matmul};

use super::{Affine, Scope, WeightsError};

/// Values of gathered rows worked on at a time, about: 192 KiB.
const BLOCK: usize = 48 * 1024;

/// Height and width in pixels.
pub type Size = (usize, usize);

/// A matrix over the pixels around each pixel.
#[derive(Clone, Debug)]
struct Patches {
    /// Of the patch.
    size: Size,
    /// Pixels it begins above and to the left.
    before: Size,
    ins: usize,
    matrix: PackedMatrix,
    bias: Vec<f32>,
}

impl Patches {
    /// `weight(o, i, row, column)` is that of a pixel of the patch; `norm` is applied afterwards.
    fn new(
        (ins, outs): (usize, usize),
        size: Size,
        before: Size,
        weight: impl Fn(usize, usize, usize, usize) -> f32,
        norm: &Affine,
    ) -> Self {
        let (height, width) = size;
        let mut rows = Vec::with_capacity(outs * height * width * ins);
        for o in 0..outs {
            for n in 0..height * width * ins {
                let (row, column, i) = (n / (width * ins), n / ins % width, n % ins);
                rows.push(norm.scale[o] * weight(o, i, row, column));
            }
        }
        Self {
            size,
            before,
            ins,
            matrix: PackedMatrix::new(outs, height * width * ins, &rows),
            bias: norm.shift.clone(),
        }
    }

    /// Pixels gathered at a time: enough to make use of the weights, few enough for the cache.
    fn block(&self) -> usize {
        (BLOCK / self.matrix.ins()).clamp(24, 96)
    }

    fn work_len(&self) -> usize {
        self.block() * (self.matrix.ins() + self.matrix.outs())
    }

    /// For each block of pixels of `x`, gives `done` its first pixel and its outputs.
    fn run(&self, x: &[f32], size: Size, work: &mut [f32], mut done: impl FnMut(usize, &[f32])) {
        let (ins, outs) = (self.matrix.ins(), self.matrix.outs());
        let pixels = size.0 * size.1;
        let (rows, y) = work.split_at_mut(self.block() * ins);
        for first in (0..pixels).step_by(self.block()) {
            let count = self.block().min(pixels - first);
            for (n, row) in rows.chunks_exact_mut(ins).take(count).enumerate() {
                self.gather(x, size, first + n, row);
            }
            matmul(rows, ins, count, &self.matrix, Start::Bias(&self.bias), y);
            done(first, &y[..count * outs]);
        }
    }

    /// The patch around one pixel; what lies outside the image is 0.
    fn gather(&self, x: &[f32], (height, width): Size, pixel: usize, patch: &mut [f32]) {
        let (top, left) = (pixel / width, pixel % width);
        // Columns of the patch from `skip` to `end` lie within the image.
        let skip = self.before.1.saturating_sub(left);
        let end = self.size.1.min(width + self.before.1 - left);
        for (n, row) in patch.chunks_exact_mut(self.size.1 * self.ins).enumerate() {
            let inside = (top + n)
                .checked_sub(self.before.0)
                .filter(|row| *row < height);
            let Some(from) = inside else {
                row.fill(0.0);
                continue;
            };
            let from = (from * width + left + skip - self.before.1) * self.ins;
            let seen = (end - skip) * self.ins;
            row[..skip * self.ins].fill(0.0);
            row[skip * self.ins..end * self.ins].copy_from_slice(&x[from..from + seen]);
            row[end * self.ins..].fill(0.0);
        }
    }
}

/// A normalisation that changes nothing but adds a bias.
fn only_bias(bias: Vec<f32>) -> Affine {
    Affine {
        scale: vec![1.0; bias.len()],
        shift: bias,
    }
}

/// A convolution of odd kernel and stride 1, padded to the size of its input.
#[derive(Clone, Debug)]
pub struct Conv2d {
    patches: Patches,
}

impl Conv2d {
    /// From `weight` `[outs, ins, kernel, kernel]` and `bias` `[outs]`, which may be missing.
    /// Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(
        ins: usize,
        outs: usize,
        kernel: usize,
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        let bias = weights.get_or_zeros("bias", &[outs])?;
        Self::normalised(ins, outs, kernel, weights, &only_bias(bias))
    }

    /// Without bias of its own and with a normalisation behind it, folded into the weights.
    /// Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn normalised(
        ins: usize,
        outs: usize,
        kernel: usize,
        weights: &Scope,
        norm: &Affine,
    ) -> Result<Self, WeightsError> {
        let values = weights.get("weight", &[outs, ins, kernel, kernel])?;
        let weight = |o, i, row, column| values[((o * ins + i) * kernel + row) * kernel + column];
        let (size, before) = ((kernel, kernel), (kernel / 2, kernel / 2));
        Ok(Self {
            patches: Patches::new((ins, outs), size, before, weight, norm),
        })
    }

    /// Values of work memory that [`Self::forward`] needs.
    #[must_use]
    pub fn work_len(&self) -> usize {
        self.patches.work_len()
    }

    /// `x` is `[size, ins]`, `y` `[size, outs]`; `work` is of any content. Real-time safe.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn forward(&self, x: &[f32], size: Size, y: &mut [f32], work: &mut [f32]) {
        let outs = self.patches.matrix.outs();
        self.patches.run(x, size, work, |first, block| {
            y[first * outs..][..block.len()].copy_from_slice(block);
        });
    }
}

/// A transposed convolution of kernel 3, stride 2, padding 1 and output padding 1: an image of
/// twice the size.
#[derive(Clone, Debug)]
pub struct ConvTranspose2d {
    /// For even and odd rows, and in each for even and odd columns.
    parities: [Patches; 4],
}

impl ConvTranspose2d {
    /// From `weight` `[ins, outs, 3, 3]` without bias, and a normalisation behind it. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn normalised(
        ins: usize,
        outs: usize,
        weights: &Scope,
        norm: &Affine,
    ) -> Result<Self, WeightsError> {
        let values = weights.get("weight", &[ins, outs, 3, 3])?;
        // Output 2n sees input n through the middle tap; output 2n + 1 sees input n through the
        // last tap and input n + 1 through the first.
        let tap = |odd: usize, n: usize| if odd == 0 { 1 } else { 2 - 2 * n };
        let parities = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(row_odd, column_odd)| {
            let weight = |o, i, row, column| {
                let (row, column) = (tap(row_odd, row), tap(column_odd, column));
                values[((i * outs + o) * 3 + row) * 3 + column]
            };
            let size = (1 + row_odd, 1 + column_odd);
            Patches::new((ins, outs), size, (0, 0), weight, norm)
        });
        Ok(Self { parities })
    }

    /// Values of work memory that [`Self::forward`] needs.
    #[must_use]
    pub fn work_len(&self) -> usize {
        let lengths = self.parities.iter().map(Patches::work_len);
        lengths.fold(0, usize::max)
    }

    /// `x` is `[size, ins]`; `y` is `[2 * size, stride]`, of whose pixels the first `outs` values
    /// are written. `work` is of any content. Real-time safe.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn forward(&self, x: &[f32], size: Size, y: &mut [f32], stride: usize, work: &mut [f32]) {
        let outs = self.parities[0].matrix.outs();
        for (parity, patches) in self.parities.iter().enumerate() {
            patches.run(x, size, work, |first, block| {
                for (n, values) in block.chunks_exact(outs).enumerate() {
                    let (row, column) = ((first + n) / size.1, (first + n) % size.1);
                    let (row, column) = (2 * row + parity / 2, 2 * column + parity % 2);
                    y[(row * 2 * size.1 + column) * stride..][..outs].copy_from_slice(values);
                }
            });
        }
    }
}

/// The means of 2 x 2 pixels: `x` is `[size, channels]`, `y` `[size / 2, channels]`. Real-time
/// safe.
///
/// # Panics
/// If a slice is too short.
pub fn average_pool(x: &[f32], (height, width): Size, channels: usize, y: &mut [f32]) {
    let row = width * channels;
    let pooled = y.chunks_exact_mut(channels).take(height / 2 * (width / 2));
    for (n, y) in pooled.enumerate() {
        let at = n / (width / 2) * 2 * row + n % (width / 2) * 2 * channels;
        let (above, below) = (&x[at..][..2 * channels], &x[at + row..][..2 * channels]);
        for c in 0..channels {
            let sum = above[c] + above[channels + c] + below[c] + below[channels + c];
            y[c] = 0.25 * sum;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::Noise;
    use super::*;

    fn close(got: &[f32], want: &[f64]) {
        assert_eq!(got.len(), want.len());
        for (at, (got, want)) in got.iter().zip(want).enumerate() {
            let error = (f64::from(*got) - want).abs();
            assert!(error < 1e-5, "value {at}: {got} for {want}");
        }
    }

    #[test]
    fn a_convolution_agrees_with_its_definition() {
        let mut noise = Noise(1);
        for (ins, outs, kernel, size) in [
            (1, 5, 3, (4, 6)),
            (3, 17, 3, (11, 13)),
            (5, 4, 1, (3, 1)),
            (2, 3, 5, (1, 2)),
        ] {
            let weights =
                noise.weights(&[("weight", &[outs, ins, kernel, kernel]), ("bias", &[outs])]);
            let layer = Conv2d::new(ins, outs, kernel, &weights.root()).unwrap();
            let w = weights
                .root()
                .get("weight", &[outs, ins, kernel, kernel])
                .unwrap();
            let b = weights.root().get("bias", &[outs]).unwrap();
            let (height, width) = size;
            let x = noise.take(height * width * ins);
            let mut want = vec![0f64; height * width * outs];
            for (n, want) in want.iter_mut().enumerate() {
                let (t, f, o) = (n / outs / width, n / outs % width, n % outs);
                *want = f64::from(b[o]);
                for m in 0..kernel * kernel * ins {
                    let (a, c, i) = (m / ins / kernel, m / ins % kernel, m % ins);
                    let (row, column) = (t + a, f + c);
                    let pad = kernel / 2;
                    if (pad..height + pad).contains(&row) && (pad..width + pad).contains(&column) {
                        let x = x[((row - pad) * width + column - pad) * ins + i];
                        *want +=
                            f64::from(x) * f64::from(w[((o * ins + i) * kernel + a) * kernel + c]);
                    }
                }
            }
            let mut y = vec![f32::NAN; want.len()];
            layer.forward(&x, size, &mut y, &mut vec![f32::NAN; layer.work_len()]);
            close(&y, &want);
        }
    }

    #[test]
    fn a_transposed_convolution_agrees_with_its_definition() {
        let mut noise = Noise(2);
        for (ins, outs, size) in [(1, 5, (4, 6)), (7, 17, (11, 13)), (3, 2, (1, 1))] {
            let weights = noise.weights(&[("weight", &[ins, outs, 3, 3])]);
            let norm = Affine {
                scale: noise.take(outs),
                shift: noise.take(outs),
            };
            let layer = ConvTranspose2d::normalised(ins, outs, &weights.root(), &norm).unwrap();
            let w = weights.root().get("weight", &[ins, outs, 3, 3]).unwrap();
            let (height, width) = size;
            let x = noise.take(height * width * ins);
            let stride = outs + 2;
            // Every input spreads over the 3 x 3 outputs around twice its place.
            let mut sums = vec![0f64; 4 * height * width * outs];
            for n in 0..height * width * 9 {
                let (pixel, a, c) = (n / 9, n / 3 % 3, n % 3);
                let (row, column) = (2 * (pixel / width) + a, 2 * (pixel % width) + c);
                if row == 0 || column == 0 || row > 2 * height || column > 2 * width {
                    continue;
                }
                let at = ((row - 1) * 2 * width + column - 1) * outs;
                for m in 0..ins * outs {
                    let (i, o) = (m / outs, m % outs);
                    sums[at + o] += f64::from(x[pixel * ins + i])
                        * f64::from(w[((i * outs + o) * 3 + a) * 3 + c]);
                }
            }
            let mut y = vec![9.0; 4 * height * width * stride];
            layer.forward(
                &x,
                size,
                &mut y,
                stride,
                &mut vec![f32::NAN; layer.work_len()],
            );
            for (y, sums) in y.chunks(stride).zip(sums.chunks(outs)) {
                let norms = norm.scale.iter().zip(&norm.shift);
                let want: Vec<f64> = (sums.iter().zip(norms))
                    .map(|(sum, (scale, shift))| sum * f64::from(*scale) + f64::from(*shift))
                    .collect();
                close(&y[..outs], &want);
                assert_eq!(y[outs..], [9.0; 2], "what is not ours is left alone");
            }
        }
    }

    #[test]
    fn pooling_takes_the_mean_of_four() {
        let x: Vec<f32> = (0..4 * 6 * 2).map(|i| i as f32).collect();
        let mut y = vec![f32::NAN; 2 * 3 * 2];
        average_pool(&x, (4, 6), 2, &mut y);
        assert_eq!(y[0], (0.0 + 2.0 + 12.0 + 14.0) / 4.0);
        assert_eq!(y[1], 1.0 + y[0]);
        assert_eq!(y[2], 4.0 + y[0]);
        assert_eq!(y[6], 24.0 + y[0]);
    }
}
