//! What threads of different blocks know of each other: by a fence, an atomic operation on a
//! place, another's operation on the same place, and its fence.

use super::clocks::Clocks;

/// What is known of blocks: until when everything, and of which lanes more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    blocks: Vec<OfBlock>,
}

#[derive(Clone, Debug)]
struct OfBlock {
    block: u32,
    floor: u32,
    /// By the number of a warp.
    lanes: Vec<(usize, [u32; 32])>,
}

impl Known {
    /// What a thread knows of its own block, and through it of others.
    pub(crate) fn of(block: u32, thread: usize, clocks: &Clocks) -> Self {
        let warp = thread / 32;
        let mut lanes = [0; 32];
        for (lane, known) in lanes.iter_mut().enumerate() {
            let other = warp * 32 + lane;
            if other < clocks.threads() {
                *known = clocks.known(thread, other);
            }
        }
        lanes[thread % 32] = clocks.clock(thread);
        let mut known = clocks.foreign(thread).clone();
        known.add(OfBlock {
            block,
            floor: clocks.floor(),
            lanes: vec![(warp, lanes)],
        });
        known
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Learns what another knows.
    pub(crate) fn learn(&mut self, other: &Self) {
        for block in &other.blocks {
            self.add(block.clone());
        }
    }

    fn add(&mut self, new: OfBlock) {
        let mut blocks = self.blocks.iter_mut();
        let Some(old) = blocks.find(|old| old.block == new.block) else {
            self.blocks.push(new);
            return;
        };
        old.floor = old.floor.max(new.floor);
        for (warp, lanes) in new.lanes {
            match old.lanes.iter_mut().find(|(old, _)| *old == warp) {
                None => old.lanes.push((warp, lanes)),
                Some((_, old)) => {
                    for (old, new) in old.iter_mut().zip(lanes) {
                        *old = new.max(*old);
                    }
                }
            }
        }
    }

    /// Until when everything that a block did is known.
    pub(crate) fn floor_of(&self, block: u32) -> u32 {
        let mut blocks = self.blocks.iter();
        blocks
            .find(|known| known.block == block)
            .map_or(0, |known| known.floor)
    }

    /// Until when it is known what a lane did.
    pub(crate) fn lane_of(&self, block: u32, warp: usize, lane: usize) -> u32 {
        let mut blocks = self.blocks.iter();
        let Some(known) = blocks.find(|known| known.block == block) else {
            return 0;
        };
        let mut lanes = known.lanes.iter();
        let more = lanes.find(|(found, _)| *found == warp);
        more.map_or(known.floor, |(_, lanes)| known.floor.max(lanes[lane]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_goes_from_block_to_block() {
        let mut clocks = Clocks::new(64);
        clocks.meet_all();
        let floor = clocks.floor();
        let now = clocks.clock(40);
        let known = Known::of(3, 40, &clocks);
        assert_eq!(known.floor_of(3), floor);
        assert_eq!(known.lane_of(3, 1, 8), now);
        assert_eq!(known.lane_of(3, 1, 9), floor);
        assert_eq!(known.lane_of(3, 0, 8), floor);
        assert_eq!(known.floor_of(2), 0);
        // A thread of another block learns of it, and passes it on.
        let mut others = Clocks::new(32);
        others.learn(5, &known);
        let passed = Known::of(7, 5, &others);
        assert_eq!(passed.lane_of(3, 1, 8), now);
        assert_eq!(passed.lane_of(7, 0, 5), others.clock(5));
        assert!(Known::of(7, 6, &others).lane_of(3, 1, 8) == 0);
        // A barrier tells all of a block.
        others.meet_all();
        assert_eq!(Known::of(7, 6, &others).lane_of(3, 1, 8), now);
    }
}
