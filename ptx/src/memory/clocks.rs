//! What the threads of a block know of each other: whose accesses come before their own.
//!
//! Clocks in the manner of Lamport (1978): a synchronisation takes everyone who takes part to one
//! time beyond all of theirs, and from then on each knows what the others did until then.

use super::known::Known;

/// The clocks of one block.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    /// Until here everyone knows everything, by a barrier of the whole block.
    floor: u32,
    clock: Vec<u32>,
    /// Per thread, what it knows of the lanes of its warp.
    seen: Vec<[u32; 32]>,
    /// Per thread, what it knows of all threads; only where barriers of a part of the block were
    /// met.
    wide: Vec<u32>,
    /// Per thread, what it knows of other blocks; empty where nobody knows anything.
    foreign: Vec<Known>,
}

impl Clocks {
    pub(crate) fn new(threads: usize) -> Self {
        Self {
            floor: 0,
            clock: vec![1; threads],
            seen: vec![[0; 32]; threads],
            wide: Vec::new(),
            foreign: vec![Known::default(); threads],
        }
    }

    #[inline]
    pub(crate) fn floor(&self) -> u32 {
        self.floor
    }

    /// What a thread knows of other blocks.
    pub(crate) fn foreign(&self, thread: usize) -> &Known {
        &self.foreign[thread]
    }

    /// A thread learns of other blocks.
    pub(crate) fn learn(&mut self, thread: usize, known: &Known) {
        self.foreign[thread].learn(known);
    }

    /// What any of some threads knows of other blocks, all of them know.
    fn share_foreign(&mut self, everyone: &[usize], waiting: &[usize]) {
        let knowing = everyone
            .iter()
            .filter(|&&thread| !self.foreign[thread].is_empty());
        let mut joined = Known::default();
        for &thread in knowing {
            joined.learn(&self.foreign[thread]);
        }
        if !joined.is_empty() {
            for &thread in waiting {
                self.foreign[thread] = joined.clone();
            }
        }
    }

    #[inline]
    pub(crate) fn clock(&self, thread: usize) -> u32 {
        self.clock[thread]
    }

    /// Until when `thread` knows what `other` did.
    #[inline]
    pub(crate) fn known(&self, thread: usize, other: usize) -> u32 {
        let mut known = self.floor;
        if thread / 32 == other / 32 {
            known = known.max(self.seen[thread][other % 32]);
        }
        if !self.wide.is_empty() {
            known = known.max(self.wide[thread * self.clock.len() + other]);
        }
        known
    }

    pub(crate) fn threads(&self) -> usize {
        self.clock.len()
    }

    /// A barrier of the whole block.
    pub(crate) fn meet_all(&mut self) {
        self.floor = self.clock.iter().copied().max().unwrap_or(0);
        self.clock.fill(self.floor + 1);
        if self.foreign.iter().any(|known| !known.is_empty()) {
            let everyone: Vec<usize> = (0..self.threads()).collect();
            self.share_foreign(&everyone, &everyone);
        }
    }

    /// Lanes of one warp meet.
    pub(crate) fn meet_lanes(&mut self, warp: usize, mask: u32) {
        let threads = (0..32)
            .filter(|lane| mask >> lane & 1 == 1)
            .map(|lane| warp * 32 + lane);
        let mut joined = [0; 32];
        let mut latest = 0;
        for thread in threads.clone() {
            latest = latest.max(self.clock[thread]);
            for (joined, &seen) in joined.iter_mut().zip(&self.seen[thread]) {
                *joined = seen.max(*joined);
            }
        }
        for thread in threads.clone() {
            joined[thread % 32] = latest;
        }
        for thread in threads.clone() {
            self.seen[thread] = joined;
            self.clock[thread] = latest + 1;
        }
        let threads: Vec<usize> = threads.collect();
        if !self.wide.is_empty() {
            self.meet_wide(&threads, &[], latest);
        }
        self.share_foreign(&threads, &threads);
    }

    /// A part of the block meets; those who only arrived are known, and learn nothing. Each of
    /// those comes with the clock at which it did.
    pub(crate) fn meet_some(&mut self, waiting: &[usize], arrived: &[(usize, u32)]) {
        if self.wide.is_empty() {
            self.wide = vec![0; self.clock.len() * self.clock.len()];
        }
        let latest = waiting.iter().map(|&thread| self.clock[thread]).max();
        let arrivals = arrived.iter().map(|&(_, clock)| clock).max();
        let latest = latest.max(arrivals).unwrap_or(0);
        self.meet_wide(waiting, arrived, latest);
        for &thread in waiting {
            self.clock[thread] = latest + 1;
        }
        let arrived = arrived.iter().map(|&(thread, _)| thread);
        let everyone: Vec<usize> = waiting.iter().copied().chain(arrived).collect();
        self.share_foreign(&everyone, waiting);
    }

    /// Goes on to a new time, so that what follows is told from what came before.
    pub(crate) fn tick(&mut self, thread: usize) -> u32 {
        self.clock[thread] += 1;
        self.clock[thread] - 1
    }

    fn meet_wide(&mut self, waiting: &[usize], arrived: &[(usize, u32)], latest: u32) {
        let threads = self.clock.len();
        let mut joined = vec![0; threads];
        let everyone = waiting
            .iter()
            .chain(arrived.iter().map(|(thread, _)| thread));
        for &thread in everyone {
            for (other, joined) in joined.iter_mut().enumerate() {
                *joined = self.known(thread, other).max(*joined);
            }
        }
        for &thread in waiting {
            joined[thread] = latest;
        }
        for &(thread, clock) in arrived {
            joined[thread] = joined[thread].max(clock);
        }
        for &thread in waiting {
            self.wide[thread * threads..][..threads].copy_from_slice(&joined);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_barrier_of_the_block_tells_everything() {
        let mut clocks = Clocks::new(64);
        let before = clocks.clock(40);
        assert!(clocks.known(3, 40) < before);
        clocks.meet_all();
        assert!(clocks.known(3, 40) >= before);
        assert!(clocks.known(3, 40) < clocks.clock(40));
    }

    #[test]
    fn lanes_that_meet_know_each_other_alone() {
        let mut clocks = Clocks::new(64);
        let before = clocks.clock(5);
        clocks.meet_lanes(0, 0b10_0001);
        assert!(clocks.known(0, 5) >= before);
        assert!(clocks.known(1, 5) < before);
        assert!(clocks.known(33, 5) < before);
        // What one knows goes on to the next.
        clocks.meet_lanes(0, 0b11);
        assert!(clocks.known(1, 5) >= before);
        assert!(clocks.known(1, 5) < clocks.clock(5));
    }

    #[test]
    fn a_part_of_the_block_meets_alone() {
        let mut clocks = Clocks::new(96);
        let (first, second) = (clocks.clock(2), clocks.tick(40));
        let waiting: Vec<usize> = (0..32).collect();
        clocks.meet_some(&waiting, &[(40, second)]);
        assert!(clocks.known(1, 40) >= second);
        assert!(clocks.known(1, 40) < clocks.clock(40));
        assert!(clocks.known(40, 2) < first);
        assert!(clocks.known(1, 2) >= first);
        assert!(clocks.known(70, 2) < first);
    }
}
