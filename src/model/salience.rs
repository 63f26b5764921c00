//! Networks that say how salient each pitch bin is, whichever they are and wherever they run.

use autovoice_kernels::gpu::{Device, GpuError};

use super::crepe::DeviceCrepe;
use super::rmvpe::DeviceRmvpe;

/// [`Crepe`](super::crepe::Crepe) or [`Rmvpe`](super::rmvpe::Rmvpe), here or elsewhere. What it says depends
/// on what it is given alone: it has no memory of what was before.
pub trait Salience: Send {
    /// How salient each bin is, `[frames, PITCH_BINS]`: of a window of samples one frame, of spectra one each.
    /// Real-time safe where the network is on this thread.
    ///
    /// # Panics
    /// If a slice is of a length that the network does not take.
    fn salience(&mut self, heard: &[f32], out: &mut [f32]);
}

/// One on a device: it waits, and may fail. Any thread that may wait.
pub trait RemoteSalience: Send {
    /// As [`Salience::salience`].
    ///
    /// # Errors
    /// If a slice is of a length that the network does not take, or the device fails.
    fn salience(&mut self, heard: &[f32], out: &mut [f32]) -> Result<(), GpuError>;
}

/// A network on a device, with the device.
pub struct OnDevice<D, N> {
    /// Where it is.
    pub device: D,
    /// What is there.
    pub network: N,
}

impl<D: Device + Send> RemoteSalience for OnDevice<D, DeviceCrepe<D>>
where
    D::Buffer: Send + Sync,
    D::Recording: Send,
{
    fn salience(&mut self, heard: &[f32], out: &mut [f32]) -> Result<(), GpuError> {
        self.network.probabilities(&self.device, heard, out)
    }
}

impl<D: Device + Send> RemoteSalience for OnDevice<D, DeviceRmvpe<D>>
where
    D::Buffer: Send + Sync,
    D::Recording: Send,
{
    fn salience(&mut self, heard: &[f32], out: &mut [f32]) -> Result<(), GpuError> {
        self.network.salience(&self.device, heard, out)
    }
}
