//! Convolution of odd kernel in the middle of a network: as many frames come out as are new, from
//! a window that the caller keeps. Any thread; real-time safe after construction.

use std::sync::Arc;

use autovoice_kernels::cpu::{
    BlockSize, Conv1dShape, Footprint, Into, PackedConv1d, SpectralConv1d, Start, conv1d,
    leaky_relu,
};

use crate::units::Frames;

/// Weights of a convolution, in the form that is fastest for so many frames at a time. A clone
/// shares them.
#[derive(Clone, Debug)]
pub struct SameConv1d {
    shape: Conv1dShape,
    method: Method,
}

#[derive(Clone, Debug)]
enum Method {
    Products(Arc<PackedConv1d>, Arc<[f32]>),
    Spectra(SpectralConv1d),
}

impl SameConv1d {
    /// From `weights`, `[outs, ins / groups, kernel]`, and `bias`, `[outs]`, for steps of about
    /// `frames` frames. Allocates.
    ///
    /// # Panics
    /// As [`PackedConv1d::new`].
    #[must_use]
    pub fn new(shape: Conv1dShape, weights: &[f32], bias: &[f32], frames: Frames) -> Self {
        let sizes = [BlockSize::Of16, BlockSize::Of32];
        let costs = sizes.map(|size| SpectralConv1d::cost(&shape, size, frames));
        let best = if costs[0] <= costs[1] { 0 } else { 1 };
        let products = (shape.ins * shape.outs * shape.kernel * frames) as f64;
        let method = match costs[best] {
            cost if cost < products => {
                Method::Spectra(SpectralConv1d::new(shape, sizes[best], weights, bias))
            }
            _ => Method::Products(Arc::new(PackedConv1d::new(shape, weights)), bias.into()),
        };
        Self { shape, method }
    }

    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> Conv1dShape {
        self.shape
    }

    /// Frames by which the output lags the input, half the span.
    #[must_use]
    pub fn lag(&self) -> Frames {
        self.shape.span() / 2
    }

    /// Values of work memory that [`Self::run`] needs for so many frames.
    #[must_use]
    pub fn work_len(&self, frames: Frames) -> usize {
        match &self.method {
            Method::Products(..) => self.shape.frames_in(frames) * self.shape.ins,
            Method::Spectra(conv) => conv.work_len(),
        }
    }

    /// What its weights take.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        match &self.method {
            Method::Products(packed, _) => packed.footprint(),
            Method::Spectra(conv) => conv.footprint(),
        }
    }

    /// `y = conv(leaky(x)) + bias` for `frames` frames, replacing `y` or added to it. `x` is
    /// `[frames + span - 1, ins]` or longer, `y` `[frames, outs]`, `slope` in 0..=1, `work` of any
    /// content. Real-time safe.
    ///
    /// # Panics
    /// If a slice is too short.
    pub fn run(
        &self,
        x: &[f32],
        frames: Frames,
        slope: f32,
        into: Into,
        y: &mut [f32],
        work: &mut [f32],
    ) {
        let (packed, bias) = match &self.method {
            Method::Spectra(conv) => return conv.run(x, frames, slope, into, y, work),
            Method::Products(packed, bias) => (packed, bias),
        };
        let seen = self.shape.frames_in(frames) * self.shape.ins;
        let mut x = &x[..seen];
        if slope < 1.0 {
            let active = &mut work[..seen];
            active.copy_from_slice(x);
            leaky_relu(active, slope);
            x = active;
        }
        if into == Into::Replace {
            return conv1d(x, frames, packed, Start::Bias(bias), y);
        }
        for y in y.chunks_exact_mut(bias.len()).take(frames) {
            for (y, bias) in y.iter_mut().zip(bias.iter()) {
                *y += bias;
            }
        }
        conv1d(x, frames, packed, Start::Accumulate, y);
    }
}
