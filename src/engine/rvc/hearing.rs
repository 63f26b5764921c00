//! The task of a content encoder on a device: from sound of 16 kHz to what is said. Built on any thread;
//! given and read by the inference thread, real-time safe.

use autovoice_kernels::gpu::GpuError;

use super::reach::Reach;
use crate::engine::away::Task;
use crate::model::content::{HOP, RemoteEncoder};

/// Hops of content, 20 ms each, after which the running loudness of the front has heard enough: 2 s.
const LOUDNESS: usize = 100;

/// See the module.
pub struct Hearing {
    encoder: Box<dyn RemoteEncoder>,
    /// What was heard before the hop.
    lead: Vec<f32>,
    wave: Vec<f32>,
    /// `[seen, outs]`
    content: Vec<f32>,
    memory: usize,
}

impl Hearing {
    /// Of an encoder that gives so many values for a frame, for whoever looks so far. Allocates.
    #[must_use]
    pub fn new(encoder: Box<dyn RemoteEncoder>, reach: Reach, outs: usize) -> Self {
        Self {
            encoder,
            lead: vec![0.0; reach.lead()],
            wave: vec![0.0; reach.hop * HOP],
            content: vec![0.0; reach.seen() * outs],
            memory: (reach.past + LOUDNESS).div_ceil(reach.hop),
        }
    }

    /// Takes a hop, and what was heard before it.
    pub(super) fn give(&mut self, lead: &[f32], wave: &[f32]) {
        self.lead.copy_from_slice(lead);
        self.wave.copy_from_slice(wave);
    }

    /// The content of the frames decided on, then of those looked at.
    pub(super) fn content(&self) -> &[f32] {
        &self.content
    }
}

impl Task for Hearing {
    fn begin(&mut self) -> Result<(), GpuError> {
        self.encoder.reset()?;
        // What is less than a hop first, so that hops are counted from where the next begins.
        let (odd, hops) = self.lead.split_at(self.lead.len() % HOP);
        self.encoder.lead(odd)?;
        let mut hops = hops.chunks_exact(HOP);
        hops.try_for_each(|hop| self.encoder.lead(hop))
    }

    fn hop(&mut self) -> Result<(), GpuError> {
        self.encoder.step(&self.wave, &mut self.content)
    }

    fn is_sound(&self) -> bool {
        self.content.iter().all(|x| x.is_finite())
    }

    fn memory(&self) -> usize {
        self.memory
    }
}
