//! The content encoder on a device, with the device: what hears for an engine.

use autovoice_kernels::gpu::{Device, GpuError, Precision};

use super::{ContentConfig, DeviceEncoder, Hearing, RemoteEncoder};
use crate::nn::Scope;
use crate::nn::device::DeviceError;

/// An encoder with the state of one stream. Those made by [`Self::another`] share its weights.
pub struct DeviceListener<D: Device> {
    device: D,
    encoder: DeviceEncoder<D>,
}

impl<D: Device> DeviceListener<D> {
    /// From the weights of an encoder, kept in a precision. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit the sizes, or there is not enough memory.
    pub fn new(
        device: D,
        config: &ContentConfig,
        sizes: (Hearing, Precision),
        weights: &Scope,
    ) -> Result<Self, DeviceError> {
        let encoder = DeviceEncoder::new(&device, config, sizes, weights)?;
        // Other streams, which share the weights, wait for nothing of this one.
        device.synchronize()?;
        Ok(Self { device, encoder })
    }

    /// Another stream of the same encoder, at its beginning, by another stream of the same device.
    /// Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn another(&self, device: D) -> Result<Self, GpuError> {
        Ok(Self {
            encoder: self.encoder.another(&device)?,
            device,
        })
    }

    /// Values of a frame that comes out.
    #[must_use]
    pub fn outs(&self) -> usize {
        self.encoder.outs()
    }
}

impl<D: Device + Send> RemoteEncoder for DeviceListener<D>
where
    D::Buffer: Send + Sync,
    D::Recording: Send,
{
    fn reset(&mut self) -> Result<(), GpuError> {
        self.encoder.reset(&self.device)
    }

    fn lead(&mut self, wave: &[f32]) -> Result<(), GpuError> {
        self.encoder.lead(&self.device, wave)
    }

    fn step(&mut self, wave: &[f32], content: &mut [f32]) -> Result<(), GpuError> {
        self.encoder.step(&self.device, wave, content)?;
        Ok(())
    }
}
