//! Why a network was not built on a device.

use autovoice_kernels::gpu::GpuError;

use crate::nn::WeightsError;

/// See the module.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Its weights do not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The device does not take it.
    #[error(transparent)]
    Gpu(#[from] GpuError),
}
