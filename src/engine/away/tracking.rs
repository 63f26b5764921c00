//! The task of a pitch network on a device, and a network that is here and may be there. Built on any thread;
//! given and read by the thread of the tracker, real-time safe.

use std::time::Duration;

use autovoice_kernels::gpu::GpuError;

use super::Task;
use super::places::{Places, Supply};
use crate::model::salience::{RemoteSalience, Salience};

/// See the module.
pub struct Tracking {
    network: Box<dyn RemoteSalience>,
    /// What is heard and what is said of it: room for the longest, and how much of it the hop is.
    heard: (Vec<f32>, usize),
    said: (Vec<f32>, usize),
}

impl Tracking {
    /// Of a network that is given at most so many values, and gives so many. Allocates.
    #[must_use]
    pub fn new(network: Box<dyn RemoteSalience>, (heard, said): (usize, usize)) -> Self {
        Self {
            network,
            heard: (vec![0.0; heard], heard),
            said: (vec![0.0; said], said),
        }
    }

    /// Takes what is heard, of which so many values are to be said.
    fn give(&mut self, heard: &[f32], said: usize) {
        let (room, len) = &mut self.heard;
        room[..heard.len()].copy_from_slice(heard);
        (*len, self.said.1) = (heard.len(), said);
    }

    fn said(&self) -> &[f32] {
        &self.said.0[..self.said.1]
    }
}

impl Task for Tracking {
    /// It knows nothing of what was before.
    fn begin(&mut self) -> Result<(), GpuError> {
        Ok(())
    }

    fn hop(&mut self) -> Result<(), GpuError> {
        let heard = &self.heard.0[..self.heard.1];
        let said = &mut self.said.0[..self.said.1];
        self.network.salience(heard, said)
    }

    /// Salience is from 0 to 1.
    fn is_sound(&self) -> bool {
        self.said().iter().all(|x| (0.0..=1.0).contains(x))
    }

    fn memory(&self) -> usize {
        0
    }
}

/// A network here, and on a device as long as there is one: what fails there is computed here, of the same
/// values.
pub struct Elsewhere {
    here: Box<dyn Salience>,
    places: Places<Tracking>,
}

impl Elsewhere {
    /// With somebody who brings it on a device, whom nobody waits for longer than `limit`.
    #[must_use]
    pub fn new(
        here: Box<dyn Salience>,
        supply: Box<dyn Supply<Tracking>>,
        limit: Duration,
    ) -> Self {
        Self {
            here,
            places: Places::new(Some(supply), limit),
        }
    }
}

impl Salience for Elsewhere {
    fn salience(&mut self, heard: &[f32], out: &mut [f32]) {
        if self.places.look() {
            let len = out.len();
            self.places.start(|task| task.give(heard, len));
            if !self.places.is_heard() {
                // One that is new says something here and there once, and is heard from then on.
                self.here.salience(heard, out);
                return self.places.compare();
            }
            if let Some(there) = self.places.finish() {
                return out.copy_from_slice(there.said());
            }
        }
        self.here.salience(heard, out);
    }
}
