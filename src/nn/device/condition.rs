//! What is added to the frames of a layer for who speaks: a linear layer of their embedding, which is set
//! seldom and heard always. Any thread that may wait; allocates at construction only.

use autovoice_kernels::gpu::{
    Activation, Array, Device, GpuError, Input, Matrix, Output, Precision, Slice, matmul,
};

use super::{Build, copy, exactly};

/// The weights of such a layer.
#[derive(Debug)]
pub struct Condition<B> {
    /// None where there are no embeddings.
    matrix: Option<Matrix<B>>,
    bias: Vec<f32>,
}

/// What it gives for the speaker of one stream.
#[derive(Debug)]
pub struct Offset<B> {
    embedding: Array<B, f32>,
    values: Array<B, f32>,
}

impl<B> Condition<B> {
    /// From `weights`, `[outs, ins]`, of `f32` whatever the others are, and `bias`, `[outs]`. Without `ins`
    /// the bias alone counts. Allocates.
    ///
    /// # Errors
    /// If a slice is of another length, or there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(
        build: &mut Build<'_, D>,
        ins: usize,
        weights: &[f32],
        bias: Vec<f32>,
    ) -> Result<Self, GpuError> {
        if ins == 0 {
            return Ok(Self { matrix: None, bias });
        }
        let (device, shape) = (build.device, (bias.len(), ins));
        let matrix = Matrix::new(device, shape, weights, Some(&bias), Precision::Full)?;
        build.works(matrix.work_len(device, 1));
        Ok(Self {
            matrix: Some(matrix),
            bias,
        })
    }

    /// For one stream, and nobody yet. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn offset<D: Device<Buffer = B>>(&self, device: &D) -> Result<Offset<B>, GpuError> {
        let ins = self.matrix.as_ref().map_or(0, Matrix::ins);
        Ok(Offset {
            embedding: Array::zeros(device, ins)?,
            values: Array::new(device, &self.bias)?,
        })
    }

    /// Sets what is added, by an embedding: a copy and a launch or two.
    ///
    /// # Errors
    /// If it is of another length, or the device fails.
    pub fn set<D: Device<Buffer = B>>(
        &self,
        device: &D,
        embedding: &[f32],
        offset: &Offset<B>,
        work: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let Some(matrix) = &self.matrix else {
            return Ok(());
        };
        exactly("values of an embedding", embedding.len(), matrix.ins())?;
        offset.embedding.all().upload(device, embedding)?;
        let input = Input {
            x: offset.embedding.all(),
            stride: matrix.ins(),
            rows: 1,
            slope: 1.0,
        };
        let output = Output {
            y: offset.values.all(),
            stride: matrix.outs(),
            activation: Activation::None,
            add: None,
        };
        matmul(device, matrix, input, output, work)
    }
}

impl<B> Offset<B> {
    /// What is added to every frame, `[outs]`.
    #[must_use]
    pub fn values(&self) -> Slice<'_, B, f32> {
        self.values.all()
    }

    /// Becomes that of another stream: one launch.
    ///
    /// # Errors
    /// If that has more values, or the launch fails.
    pub fn resume<D: Device<Buffer = B>>(&self, device: &D, other: &Self) -> Result<(), GpuError> {
        copy(device, other.values.all(), self.values.all())
    }
}
