//! Fences, and atomic operations on places of global memory, which together order what threads of
//! different blocks do.

use super::block::Block;
use super::spot::Spot;
use crate::memory::known::Known;

/// What a thread is about to tell and to learn.
#[derive(Clone, Debug, Default)]
pub(super) struct Hearing {
    /// What it knew at its last fence: its next strong write tells it.
    fenced: Known,
    /// What it heard since: its next fence makes it known.
    heard: Known,
}

impl Block<'_> {
    pub(super) fn fence(&mut self, thread: usize) {
        let hearing = &mut self.threads[thread].hearing;
        let heard = std::mem::take(&mut hearing.heard);
        self.clocks.learn(thread, &heard);
        self.threads[thread].hearing.fenced = Known::of(self.index, thread, &self.clocks);
        // What follows is not told.
        self.clocks.tick(thread);
    }

    /// A strong write, by which others may hear.
    pub(super) fn tell(&mut self, thread: usize, spot: Spot, fences: bool) {
        let Spot::Global(index, at) = spot else {
            return;
        };
        if fences {
            self.fence(thread);
        }
        let fenced = &self.threads[thread].hearing.fenced;
        if !fenced.is_empty() {
            self.told.entry((index, at)).or_default().learn(fenced);
        }
    }

    /// A strong read, which hears what was told there.
    pub(super) fn hear(&mut self, thread: usize, spot: Spot, fences: bool) {
        let Spot::Global(index, at) = spot else {
            return;
        };
        if let Some(told) = self.told.get(&(index, at)) {
            self.threads[thread].hearing.heard.learn(told);
        }
        if fences {
            self.fence(thread);
        }
    }
}
