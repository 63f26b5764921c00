//! RMVPE on a device: the twin of [`super::Rmvpe`]. Any thread that may wait.
//!
//! Batch norms are folded into the weights. Images keep their frames of zeros, each in memory of its own
//! shape for good: what lies above an image is never written.

mod layers;
mod memory;
mod unet;

use std::sync::Arc;

use autovoice_kernels::gpu::{
    Activation, Array, Device, GpuError, Input, Output, Precision, Rows, conv2d, matmul,
};

use super::{BANDS, MULTIPLE, RmvpeConfig, SEEN};
use crate::model::PITCH_BINS;
use crate::nn::Scope;
use crate::nn::device::{DeviceError, Recorded, exactly};
use crate::units::Frames;
use layers::Layers;
use memory::Memory;

/// The network and its memory. Those made by [`Self::another`] share its weights.
pub struct Rmvpe<D: Device> {
    layers: Arc<Layers<D::Buffer>>,
    memory: Memory<D::Buffer>,
    rest: Rest<D::Buffer>,
    recorded: Recorded<D::Recording>,
    /// What is copied there: spectra normalised, each with a zero behind it.
    spectra: Vec<f32>,
}

/// Memory behind the U-net.
struct Rest<B> {
    /// `[longest, 6 * size]`
    gates: Array<B, f32>,
    /// `[longest, 2 * size]`
    recurrent: Array<B, f32>,
    /// `[longest, PITCH_BINS]`
    salience: Array<B, f32>,
    work: Array<B, f32>,
}

impl<D: Device> Rmvpe<D> {
    /// For windows of at most `longest` spectra, rounded up to [`MULTIPLE`], with weights kept in a
    /// precision. Tensors are named as in RVC's `rmvpe.pt`. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit the configuration, or there is not enough memory.
    pub fn new(
        device: &D,
        config: RmvpeConfig,
        (longest, precision): (Frames, Precision),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let longest = longest.max(1).next_multiple_of(MULTIPLE);
        let layers = Layers::new(device, config, (longest, precision), weights)?;
        Ok(Self::of(device, Arc::new(layers))?)
    }

    /// Another of the same weights, with memory of its own. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn another(&self, device: &D) -> Result<Self, GpuError> {
        Self::of(device, self.layers.clone())
    }

    fn of(device: &D, layers: Arc<Layers<D::Buffer>>) -> Result<Self, GpuError> {
        let longest = layers.longest;
        Ok(Self {
            memory: Memory::new(device, (layers.channels, longest))?,
            rest: Rest {
                gates: Array::zeros(device, longest * layers.gru.gates_len())?,
                recurrent: Array::zeros(device, longest * layers.gru.outs())?,
                salience: Array::zeros(device, longest * PITCH_BINS)?,
                work: Array::zeros(device, layers.work_len)?,
            },
            recorded: Recorded::default(),
            spectra: vec![0.0; (longest + 1) * (BANDS + 1)],
            layers,
        })
    }

    /// The most spectra of one window.
    #[must_use]
    pub fn longest(&self) -> Frames {
        self.layers.longest
    }

    /// How probable each pitch bin is in each frame: from `log_mel`, `[frames, BANDS]`, into `out`, `[frames,
    /// PITCH_BINS]`. Up to a multiple of [`MULTIPLE`] frames, spectra of zeros follow, as in the original. A
    /// copy to the device, launches that depend on that multiple alone, and a copy back.
    ///
    /// # Errors
    /// If the window is too long, a slice is of another length, or the device fails.
    pub fn salience(
        &mut self,
        device: &D,
        log_mel: &[f32],
        out: &mut [f32],
    ) -> Result<(), GpuError> {
        let frames = log_mel.len() / BANDS;
        exactly("values of salience", out.len(), frames * PITCH_BINS)?;
        let padded = self.enter(device, log_mel)?;
        let mut recorded = std::mem::take(&mut self.recorded);
        let done = recorded.run(device, padded, &mut || self.run(device, padded));
        self.recorded = recorded;
        done?;
        self.rest.salience.all().download(device, out)
    }

    /// What is copied to the device before [`Self::run`]. Says how long a window it is there.
    ///
    /// # Errors
    /// If the window is too long, holds no whole spectra, or the device fails.
    pub(in crate::model) fn enter(
        &mut self,
        device: &D,
        log_mel: &[f32],
    ) -> Result<Frames, GpuError> {
        let frames = log_mel.len() / BANDS;
        exactly("values of spectra", log_mel.len(), frames * BANDS)?;
        let padded = frames.next_multiple_of(MULTIPLE);
        if self.layers.longest < padded {
            return Err(GpuError::Size {
                what: "spectra of a window",
                expected: "no more than the network was built for",
                found: frames,
            });
        }
        let spectra = &mut self.spectra[..(padded + 1) * (BANDS + 1)];
        normalise(log_mel, self.layers.norm, spectra);
        let first = self.memory.spectra(padded)?.first()?;
        first.upload(device, spectra)?;
        Ok(padded)
    }

    /// What a window does on the device, between the copies: launches alone, which depend on its length.
    ///
    /// # Errors
    /// If a launch fails.
    pub(in crate::model) fn run(&self, device: &D, padded: Frames) -> Result<(), GpuError> {
        let (memory, work) = ((&self.memory, padded), self.rest.work.all());
        self.layers.unet.run(device, memory, work)?;
        self.layers.listen(device, memory, &self.rest)
    }
}

/// Spectra as the network wants them, scaled and shifted, in the frame of an image but for what lies above.
fn normalise(log_mel: &[f32], (scale, shift): (f32, f32), y: &mut [f32]) {
    let (image, below) = y.split_at_mut(y.len() - (BANDS + 1));
    below.fill(0.0);
    // Spectra that are not there are zeros, too, until they are normalised.
    let nothing = [0.0; BANDS];
    let there = log_mel.chunks_exact(BANDS);
    let spectra = there.chain(std::iter::repeat(&nothing[..]));
    for (row, spectrum) in image.chunks_exact_mut(BANDS + 1).zip(spectra) {
        let pairs = row.iter_mut().zip(spectrum);
        pairs.for_each(|(y, x)| *y = scale * x + shift);
        row[BANDS] = 0.0;
    }
}

impl<B> Layers<B> {
    /// What follows the U-net: from its last image to salience.
    fn listen<D: Device<Buffer = B>>(
        &self,
        device: &D,
        (memory, frames): (&Memory<B>, Frames),
        rest: &Rest<B>,
    ) -> Result<(), GpuError> {
        let (x, seen) = (memory.image(0, frames)?, memory.seen(frames)?);
        let work = rest.work.all();
        conv2d(device, &self.seen, x, (Activation::None, None), seen, work)?;
        // The bands of a frame with the pixel behind them.
        let rows = Rows {
            values: seen.first()?,
            stride: (BANDS + 1) * SEEN,
        };
        let (gates, recurrent) = (rest.gates.all(), rest.recurrent.all());
        self.gru
            .window(device, (rows, frames), gates, recurrent, work)?;
        let input = Input {
            x: recurrent,
            stride: self.gru.outs(),
            rows: frames,
            slope: 1.0,
        };
        let output = Output {
            y: rest.salience.all(),
            stride: PITCH_BINS,
            activation: Activation::Sigmoid,
            add: None,
        };
        matmul(device, &self.linear, input, output, work)
    }
}
