//! Steps recorded once and replayed after that. Any thread that may wait.

use autovoice_kernels::gpu::{Device, GpuError};

/// What a network launches in a step, one recording for each key: all that the launches depend on.
#[derive(Debug)]
pub struct Recorded<R, K = usize> {
    /// Sorted by nothing: there are few.
    steps: Vec<(K, R)>,
}

impl<R, K> Default for Recorded<R, K> {
    fn default() -> Self {
        Self { steps: Vec::new() }
    }
}

impl<R, K: PartialEq> Recorded<R, K> {
    /// Runs `work`, of which `key` says all that makes its launches differ from one call to the next. The
    /// first time it is recorded, which allocates and waits; after that it goes out as one launch.
    ///
    /// # Errors
    /// What `work` fails with, or if the device fails.
    pub fn run<D: Device<Recording = R>>(
        &mut self,
        device: &D,
        key: K,
        work: &mut dyn FnMut() -> Result<(), GpuError>,
    ) -> Result<(), GpuError> {
        if let Some((_, step)) = self.steps.iter().find(|(known, _)| *known == key) {
            return device.replay(step);
        }
        let step = device.record(work)?;
        device.replay(&step)?;
        self.steps.push((key, step));
        Ok(())
    }
}
