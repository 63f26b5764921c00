//! What lanes of a warp do together: each waits until all in its mask have come.

use super::access::address_of;
use super::block::{Block, State};
use super::step::value;
use crate::fault::Cause;
use crate::instruction::{
    Load, Matrices, MemoryOrder, Operation, Shuffle, Slot, Vote, Warp, WarpAction,
};

impl Block<'_> {
    /// A thread has come to an instruction of its warp.
    pub(super) fn meet(&mut self, thread: usize) -> Result<(), Box<Cause>> {
        let Some(mask) = self.lane_mask(thread) else {
            return Ok(());
        };
        if mask >> (thread % 32) & 1 == 0 {
            return Err(Box::new(Cause::Warp {
                reason: format!("lane {} is not in its own mask {mask:#010x}", thread % 32),
            }));
        }
        self.threads[thread].state = State::AtWarp;
        self.try_lanes(thread)
    }

    /// A thread has ended: others may have waited for it alone.
    pub(super) fn meet_without(&mut self, thread: usize) -> Result<(), Box<Cause>> {
        for other in self.warp_of(thread) {
            if self.threads[other].state == State::AtWarp {
                self.try_lanes(other)?;
            }
        }
        Ok(())
    }

    /// The threads of a thread's warp.
    pub(super) fn warp_of(&self, thread: usize) -> std::ops::Range<usize> {
        let first = thread / 32 * 32;
        first..(first + 32).min(self.threads.len())
    }

    /// The instruction of the warp that a thread is at.
    pub(super) fn warp_instruction(&self, thread: usize) -> Option<&Warp> {
        let at = self.threads[thread].at as usize;
        match &self.program.code[at].operation {
            Operation::Warp(warp) => Some(warp),
            _ => None,
        }
    }

    /// The mask of the instruction a thread is at.
    pub(super) fn lane_mask(&self, thread: usize) -> Option<u32> {
        let warp = self.warp_instruction(thread)?;
        Some(value(&self.slots[thread], warp.mask) as u32)
    }

    /// Whether two threads wait for the same thing.
    pub(super) fn is_same_meeting(&self, one: usize, other: usize) -> bool {
        if self.threads[other].state != State::AtWarp {
            return false;
        }
        let (Some(first), Some(second)) =
            (self.warp_instruction(one), self.warp_instruction(other))
        else {
            return false;
        };
        let is_same = match (&first.action, &second.action) {
            (WarpAction::Sync, WarpAction::Sync) => true,
            (WarpAction::Shuffle { mode: first, .. }, WarpAction::Shuffle { mode: second, .. }) => {
                first == second
            }
            (WarpAction::Vote { mode: first, .. }, WarpAction::Vote { mode: second, .. }) => {
                first == second
            }
            // Aligned: at one and the same instruction.
            _ => self.threads[one].at == self.threads[other].at,
        };
        is_same && self.lane_mask(one) == self.lane_mask(other)
    }

    /// Does what a thread waits for, if all are there.
    fn try_lanes(&mut self, thread: usize) -> Result<(), Box<Cause>> {
        let Some(mask) = self.lane_mask(thread) else {
            return Ok(());
        };
        let first = thread / 32 * 32;
        let mut present = 0;
        for lane in (0..32).filter(|lane| mask >> lane & 1 == 1) {
            let other = first + lane;
            let is_gone = other >= self.threads.len() || self.threads[other].state == State::Exited;
            if is_gone {
                if self.needs_whole_warp(thread) {
                    return Err(Box::new(Cause::Warp {
                        reason: format!("it takes all 32 lanes, and lane {lane} is not there"),
                    }));
                }
                continue;
            }
            if !self.is_same_meeting(thread, other) {
                return Ok(());
            }
            present |= 1 << lane;
        }
        self.act(first, thread, present)?;
        for lane in (0..32).filter(|lane| present >> lane & 1 == 1) {
            let state = &mut self.threads[first + lane];
            state.state = State::Ready;
            state.at += 1;
        }
        Ok(())
    }

    fn needs_whole_warp(&self, thread: usize) -> bool {
        self.warp_instruction(thread).is_some_and(|warp| {
            matches!(
                warp.action,
                WarpAction::Matrices(_) | WarpAction::Multiply(_)
            )
        })
    }

    /// All lanes are there.
    fn act(&mut self, first: usize, thread: usize, present: u32) -> Result<(), Box<Cause>> {
        let program = self.program;
        let at = self.threads[thread].at;
        let Operation::Warp(warp) = &program.code[at as usize].operation else {
            return Ok(());
        };
        match &warp.action {
            WarpAction::Sync => self.clocks.meet_lanes(first / 32, present),
            WarpAction::Shuffle { .. } => self.shuffle(first, present)?,
            WarpAction::Vote { mode, .. } => self.vote(first, present, *mode),
            WarpAction::Matrices(matrices) => self.matrices(first, at, matrices)?,
            WarpAction::Multiply(multiply) => self.multiply(first, multiply),
        }
        Ok(())
    }

    /// `shfl.sync`, as the pseudocode of PTX has it. Each lane has the operands of its own
    /// instruction.
    fn shuffle(&mut self, first: usize, present: u32) -> Result<(), Box<Cause>> {
        let mut results = [(0, 0, 0, 0); 32];
        for lane in (0..32_u32).filter(|lane| present >> lane & 1 == 1) {
            let thread = first + lane as usize;
            let Some(Warp {
                action:
                    WarpAction::Shuffle {
                        mode,
                        to,
                        inside,
                        lane: by,
                        clamp,
                        ..
                    },
                ..
            }) = self.warp_instruction(thread)
            else {
                continue;
            };
            let slots = &self.slots[thread];
            let by = value(slots, *by) as u32 & 0x1f;
            let clamp = value(slots, *clamp) as u32;
            let (bound, segment) = (clamp & 0x1f, clamp >> 8 & 0x1f);
            let most = lane & segment | bound & !segment;
            let (source, is_inside) = match mode {
                Shuffle::Up => (
                    lane.wrapping_sub(by),
                    lane as i32 - by as i32 >= most as i32,
                ),
                Shuffle::Down => (lane + by, lane + by <= most),
                Shuffle::Butterfly => (lane ^ by, lane ^ by <= most),
                Shuffle::Index => {
                    let source = lane & segment | by & !segment;
                    (source, source <= most)
                }
            };
            let source = if is_inside { source } else { lane };
            if present >> source & 1 == 0 {
                return Err(Box::new(Cause::AbsentLane { lane: source }));
            }
            let found = self.shuffled(first + source as usize);
            results[lane as usize] = (*to, found, *inside, u64::from(is_inside));
        }
        for lane in (0..32).filter(|lane| present >> lane & 1 == 1) {
            let (to, found, inside, is_inside) = results[lane];
            let slots = &mut self.slots[first + lane];
            slots[inside as usize] = is_inside;
            slots[to as usize] = found;
        }
        Ok(())
    }

    /// What a lane gives to the others.
    fn shuffled(&self, thread: usize) -> u64 {
        match self.warp_instruction(thread).map(|warp| &warp.action) {
            Some(WarpAction::Shuffle { from, .. }) => value(&self.slots[thread], *from),
            _ => 0,
        }
    }

    fn vote(&mut self, first: usize, present: u32, mode: Vote) {
        let mut ballot = 0_u32;
        for lane in (0..32).filter(|lane| present >> lane & 1 == 1) {
            let thread = first + lane;
            if let Some((_, from, unless)) = self.voting(thread) {
                let holds = (value(&self.slots[thread], from) == 1) != unless;
                ballot |= u32::from(holds) << lane;
            }
        }
        let result = match mode {
            Vote::All => u64::from(ballot == present),
            Vote::Any => u64::from(ballot != 0),
            Vote::Same => u64::from(ballot == present || ballot == 0),
            Vote::Ballot => u64::from(ballot),
        };
        for lane in (0..32).filter(|lane| present >> lane & 1 == 1) {
            if let Some((to, ..)) = self.voting(first + lane) {
                self.slots[first + lane][to as usize] = result;
            }
        }
    }

    fn voting(&self, thread: usize) -> Option<(Slot, Slot, bool)> {
        match self.warp_instruction(thread)?.action {
            WarpAction::Vote {
                to, from, unless, ..
            } => Some((to, from, unless)),
            _ => None,
        }
    }

    /// `ldmatrix`: lane `8 m + r` has the address of row `r` of matrix `m`.
    fn matrices(&mut self, first: usize, at: u32, matrices: &Matrices) -> Result<(), Box<Cause>> {
        let mut rows = [[0_u64; 4]; 32];
        let count = 8 * usize::from(matrices.count);
        for (lane, row) in rows[..count].iter_mut().enumerate() {
            let thread = first + lane;
            // A row is 16 bytes, read as any load would.
            let base = address_of(matrices.address, &self.slots[thread]);
            let mut found = [base, 0, 0, 0];
            let load = Load {
                address: crate::instruction::Address {
                    space: matrices.address.space,
                    base: 0,
                    offset: 0,
                },
                bytes: 4,
                count: 4,
                signed: 0,
                register: 4,
                order: MemoryOrder::Weak,
                to: [0, 1, 2, 3],
            };
            self.load(thread, at, &load, &mut found)?;
            *row = found;
        }
        let half =
            |row: usize, column: usize| rows[row][column / 2] >> (16 * (column % 2)) & 0xffff;
        for lane in 0..32 {
            let (group, pair) = (lane / 4, lane % 4 * 2);
            for matrix in 0..usize::from(matrices.count) {
                let top = 8 * matrix;
                let [low, high] = if matrices.transposed {
                    [half(top + pair, group), half(top + pair + 1, group)]
                } else {
                    [half(top + group, pair), half(top + group, pair + 1)]
                };
                let to = matrices.to[matrix] as usize;
                self.slots[first + lane][to] = high << 16 | low;
            }
        }
        Ok(())
    }
}
