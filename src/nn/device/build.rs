//! A network on its way to a device. Any thread that may wait; allocates.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{Device, GpuError, Precision};

use super::{Conv1d, Layout};
use crate::units::Frames;

/// What all layers of a network are built with, and what they ask for.
#[derive(Debug)]
pub struct Build<'a, D: Device> {
    /// Where it will run.
    pub device: &'a D,
    /// How weights of convolutions are kept.
    pub precision: Precision,
    /// What a stream will keep.
    pub layout: Layout,
    /// Values of work memory that the neediest layer wants.
    pub work_len: usize,
}

impl<'a, D: Device> Build<'a, D> {
    /// For steps of at most `most` frames of the stream.
    #[must_use]
    pub fn new(device: &'a D, most: Frames, precision: Precision) -> Self {
        Self {
            device,
            precision,
            layout: Layout::new(most),
            work_len: 0,
        }
    }

    /// A convolution of at most `most` frames at a time, as [`Conv1d::new`].
    ///
    /// # Errors
    /// As there.
    pub fn conv1d(
        &mut self,
        (shape, most): (Conv1dShape, Frames),
        weights: &[f32],
        bias: &[f32],
    ) -> Result<Conv1d<D::Buffer>, GpuError> {
        let conv = Conv1d::new(self.device, shape, weights, bias, self.precision)?;
        self.works(conv.work_len(self.device, most));
        Ok(conv)
    }

    /// Sees to so many values of work memory.
    pub fn works(&mut self, len: usize) {
        self.work_len = self.work_len.max(len);
    }
}

/// Whether an array has as many values as it is to have.
///
/// # Errors
/// If not.
pub fn exactly(what: &'static str, found: usize, expected: usize) -> Result<(), GpuError> {
    match found == expected {
        true => Ok(()),
        false => Err(GpuError::Size {
            what,
            expected: "as many as the step and the network have",
            found,
        }),
    }
}
