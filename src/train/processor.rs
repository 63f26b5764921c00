//! Where training computes: on the processor by our own kernels, or on a card of NVIDIA's by
//! candle's operations.

use std::sync::Arc;

use candle_core::{Device, Result, Tensor};

use super::ops::composed::Composed;
use super::ops::conv1d::Conv1d;
use super::ops::gelu::Gelu;
use super::ops::layer_norm::LayerNorm;

/// What computes, as the user wants it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Processor {
    /// The processor: the same bits on every run.
    #[default]
    Cpu,
    /// A card. Sums have no fixed order there.
    Cuda(Precision),
}

/// How precise the factors of matrix products are on a card. Everything else has 24 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 24 bits.
    F32,
    /// 11 bits, for the units of a card that multiply matrices; sums have 24.
    Tf32,
}

impl Processor {
    /// Gets it ready.
    ///
    /// # Errors
    /// What is wrong: no card, or a program that was built without them.
    pub fn open(self) -> std::result::Result<Arithmetic, String> {
        let precision = match self {
            Self::Cpu => return Ok(Arithmetic::Own),
            Self::Cuda(precision) => precision,
        };
        if !candle_core::utils::cuda_is_available() {
            return Err("a build of AutoVoice without cards".to_owned());
        }
        let device = Device::new_cuda(0)
            .map_err(|error| format!("no card to use: {}", first_line(&error)))?;
        candle_core::cuda::set_gemm_reduced_precision_f32(precision == Precision::Tf32);
        Ok(Arithmetic::Composed(Arc::new(Composed::new(device))))
    }

    /// What a run on it is called where runs are told apart; nothing for the processor, which all
    /// runs were made on before there was a choice.
    pub fn told(self) -> &'static str {
        match self {
            Self::Cpu => "",
            Self::Cuda(Precision::F32) => ", on a card",
            Self::Cuda(Precision::Tf32) => ", on a card with tf32",
        }
    }
}

/// What went wrong, without the trace that candle may add.
fn first_line(error: &candle_core::Error) -> String {
    let text = error.to_string();
    text.lines().next().unwrap_or_default().to_owned()
}

/// What computes.
#[derive(Clone, Debug)]
pub enum Arithmetic {
    /// Our kernels, on the processor.
    Own,
    /// Candle's operations, on some device.
    Composed(Arc<Composed>),
}

impl Arithmetic {
    /// Where tensors are.
    pub fn device(&self) -> &Device {
        match self {
            Self::Own => &Device::Cpu,
            Self::Composed(composed) => composed.device(),
        }
    }

    /// See [`Conv1d`].
    ///
    /// # Errors
    /// If a shape is another.
    pub fn conv1d(&self, x: &Tensor, w: &Tensor, b: &Tensor, op: Conv1d) -> Result<Tensor> {
        match self {
            Self::Own => x.apply_op3(w, b, op),
            Self::Composed(composed) => composed.conv1d(x, w, b, op),
        }
    }

    /// See [`LayerNorm`].
    ///
    /// # Errors
    /// If a shape is another.
    pub fn layer_norm(&self, x: &Tensor, w: &Tensor, b: &Tensor) -> Result<Tensor> {
        match self {
            Self::Own => x.apply_op3(w, b, LayerNorm),
            Self::Composed(composed) => composed.layer_norm(x, w, b),
        }
    }

    /// See [`Gelu`].
    ///
    /// # Errors
    /// If memory is short.
    pub fn gelu(&self, x: &Tensor) -> Result<Tensor> {
        match self {
            Self::Own => x.apply_op1(Gelu),
            Self::Composed(_) => x.gelu_erf(),
        }
    }
}
