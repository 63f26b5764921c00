//! One block: its threads, its memory, and who runs next.

use std::collections::HashMap;

use super::barrier::Meeting;
use super::copies::Copies;
use super::fences::Hearing;
use super::order::Sequence;
use super::{Counts, Grid};
use crate::decode::program::Program;
use crate::fault::{Cause, Fault};
use crate::instruction::{CTAID, LANEID, LANEMASK, TID, WARPID};
use crate::memory::Memory;
use crate::memory::bytes::Bytes;
use crate::memory::clocks::Clocks;
use crate::memory::known::Known;
use crate::memory::layout::Layout;
use crate::memory::races::Races;
use crate::module::Module;

/// What a thread waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Ready,
    AtBarrier,
    AtWarp,
    Exited,
}

#[derive(Clone, Debug)]
pub(super) struct Thread {
    /// The next instruction, or the one it waits at.
    pub at: u32,
    pub state: State,
    pub steps: u64,
    pub copies: Copies,
    pub hearing: Hearing,
}

/// A cause and where it is.
pub(super) struct Failure {
    pub thread: usize,
    pub at: u32,
    pub cause: Box<Cause>,
}

/// A block that runs; the next one uses the same room.
pub(super) struct Block<'a> {
    pub module: &'a Module,
    pub program: &'a Program,
    pub grid: &'a Grid,
    pub memory: &'a mut Memory,
    pub parameters: Bytes,
    /// The number of the block.
    pub index: u32,
    pub shared_layout: Layout,
    pub shared: Bytes,
    pub shared_races: Races,
    /// Per thread.
    pub local: Vec<Bytes>,
    pub slots: Vec<Vec<u64>>,
    pub threads: Vec<Thread>,
    pub clocks: Clocks,
    pub meetings: Vec<Meeting>,
    pub counts: Counts,
    /// What threads of all blocks so far told at places of global memory.
    pub told: HashMap<(usize, usize), Known>,
}

impl<'a> Block<'a> {
    pub(super) fn new(
        module: &'a Module,
        program: &'a Program,
        grid: &'a Grid,
        memory: &'a mut Memory,
        parameters: Bytes,
    ) -> Self {
        let mut shared_layout = program.shared.clone();
        if program.has_dynamic_shared {
            shared_layout.set_last_bytes(grid.shared_bytes.into());
        }
        let threads = grid.threads.iter().product::<u32>() as usize;
        let shared = Bytes::unwritten(shared_layout.flat_bytes());
        Self {
            module,
            program,
            grid,
            memory,
            parameters,
            index: 0,
            shared_races: Races::new(shared.len()),
            shared_layout,
            shared,
            local: vec![Bytes::unwritten(program.local.flat_bytes()); threads],
            slots: vec![Vec::new(); threads],
            threads: Vec::new(),
            clocks: Clocks::new(threads),
            meetings: Vec::new(),
            counts: Counts::default(),
            told: HashMap::new(),
        }
    }

    /// Begins a block of the grid.
    pub(super) fn begin(&mut self, index: u32, template: &[u64]) {
        self.index = index;
        self.shared.clear();
        self.shared_races.set_stamp(index + 1);
        let count = self.slots.len();
        self.clocks = Clocks::new(count);
        self.meetings = vec![Meeting::default(); 16];
        self.threads.clear();
        let fresh = Thread {
            at: 0,
            state: State::Ready,
            steps: 0,
            copies: Copies::default(),
            hearing: Hearing::default(),
        };
        self.threads.resize(count, fresh);
        let block = three(index, self.grid.blocks);
        for (thread, slots) in self.slots.iter_mut().enumerate() {
            slots.clear();
            slots.extend_from_slice(template);
            let place = three(thread as u32, self.grid.threads);
            for axis in 0..3 {
                slots[TID as usize + axis] = u64::from(place[axis]);
                slots[CTAID as usize + axis] = u64::from(block[axis]);
            }
            let lane = thread as u32 % 32;
            slots[LANEID as usize] = u64::from(lane);
            slots[WARPID as usize] = thread as u64 / 32;
            let equal = 1_u32 << lane;
            let less = equal - 1;
            let masks = [equal, less, less | equal, !less, !(less | equal)];
            for (place, mask) in masks.into_iter().enumerate() {
                slots[LANEMASK as usize + place] = u64::from(mask);
            }
        }
        for local in &mut self.local {
            local.clear();
        }
    }

    /// Runs all threads to their ends.
    pub(super) fn run(&mut self) -> Result<(), Box<Fault>> {
        self.run_threads().map_err(|failure| self.fault(failure))
    }

    fn run_threads(&mut self) -> Result<(), Failure> {
        let mut sequence = Sequence::new(self.grid.order, self.threads.len());
        loop {
            let mut has_run = false;
            for &thread in sequence.next() {
                if self.threads[thread].state == State::Ready {
                    has_run = true;
                    self.run_thread(thread)?;
                }
            }
            if !has_run {
                return self.stuck().map_or(Ok(()), Err);
            }
        }
    }

    fn fault(&self, failure: Failure) -> Box<Fault> {
        Box::new(Fault {
            kernel: self.program.name.clone(),
            place: self.module.place(self.program, failure.at),
            block: three(self.index, self.grid.blocks),
            thread: three(failure.thread as u32, self.grid.threads),
            cause: *failure.cause,
        })
    }

    /// A thread as a message has it.
    pub(super) fn thread_name(&self, thread: usize) -> String {
        let [x, y, z] = three(thread as u32, self.grid.threads);
        format!("thread ({x}, {y}, {z})")
    }

    /// Another block as a message has it.
    pub(super) fn block_name(&self, index: u32) -> String {
        let [x, y, z] = three(index, self.grid.blocks);
        format!("block ({x}, {y}, {z})")
    }
}

/// The indices of a number, x the fastest.
fn three(number: u32, sizes: [u32; 3]) -> [u32; 3] {
    let [x, y, _] = sizes;
    [number % x, number / x % y, number / x / y]
}
