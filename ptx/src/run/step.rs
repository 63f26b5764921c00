//! One thread, until it must wait or its turn is over.

use super::block::{Block, Failure, State};
use crate::fault::Cause;
use crate::instruction::{Call, Operation, Slot};

/// Instructions of a turn. Others must come to theirs, for a thread may wait for what they write.
const TURN: u64 = 20_000;

/// Why a thread stopped.
enum Stop {
    Exit,
    Barrier,
    Warp,
    TurnOver,
}

impl Block<'_> {
    /// Gives a thread its turn.
    pub(super) fn run_thread(&mut self, thread: usize) -> Result<(), Failure> {
        // Out of the block while it runs, so that the block can be borrowed beside it.
        let mut slots = std::mem::take(&mut self.slots[thread]);
        let stop = self.turn(thread, &mut slots);
        self.slots[thread] = slots;
        let met = match stop {
            Ok(Stop::TurnOver) => Ok(()),
            Ok(Stop::Exit) => {
                self.threads[thread].state = State::Exited;
                self.meet_without(thread)
            }
            Ok(Stop::Barrier) => self.arrive(thread),
            Ok(Stop::Warp) => self.meet(thread),
            Err(cause) => Err(cause),
        };
        met.map_err(|cause| Failure {
            thread,
            at: self.threads[thread].at,
            cause,
        })
    }

    fn turn(&mut self, thread: usize, slots: &mut [u64]) -> Result<Stop, Box<Cause>> {
        let program = self.program;
        let steps = self.threads[thread].steps;
        let left = self.grid.step_limit.saturating_sub(steps);
        let turn = left.min(TURN);
        let mut at = self.threads[thread].at;
        let mut done = 0;
        let mut flops = 0_u64;
        let stop = loop {
            if done == turn {
                break if left <= TURN {
                    Err(Box::new(Cause::Endless {
                        steps: steps + done,
                    }))
                } else {
                    Ok(Stop::TurnOver)
                };
            }
            let instruction = &program.code[at as usize];
            done += 1;
            if (slots[instruction.guard as usize] == 1) == instruction.unless {
                at += 1;
                continue;
            }
            flops += u64::from(instruction.flops);
            match &instruction.operation {
                Operation::Pure {
                    function,
                    mode,
                    to,
                    from: [a, b, c],
                } => {
                    let (a, b, c) = (value(slots, *a), value(slots, *b), value(slots, *c));
                    slots[*to as usize] = function(*mode, a, b, c);
                }
                Operation::Load(load) => {
                    if let Err(cause) = self.load(thread, at, load, slots) {
                        break Err(cause);
                    }
                }
                Operation::Store(store) => {
                    if let Err(cause) = self.store(thread, at, store, slots) {
                        break Err(cause);
                    }
                }
                Operation::Branch(target) => {
                    at = *target;
                    continue;
                }
                Operation::Exit => break Ok(Stop::Exit),
                Operation::Barrier(_) => break Ok(Stop::Barrier),
                Operation::Warp(_) => break Ok(Stop::Warp),
                Operation::Call(call) => {
                    self.enter(thread, call);
                    slots[call.returns as usize] = u64::from(at);
                    at = call.target;
                    continue;
                }
                Operation::Return(returns) => {
                    let call = slots[*returns as usize] as u32;
                    self.leave(thread, call);
                    at = call + 1;
                    continue;
                }
                Operation::Clock { to, wide } => {
                    let now = steps + done;
                    let mask = if *wide { u64::MAX } else { 0xffff_ffff };
                    slots[*to as usize] = now & mask;
                }
                other => {
                    if let Err(cause) = self.rare(thread, at, other, slots) {
                        break Err(cause);
                    }
                }
            }
            at += 1;
        };
        let state = &mut self.threads[thread];
        state.at = at;
        state.steps += done;
        self.counts.instructions += done;
        self.counts.float_operations += flops;
        stop
    }

    /// What is not worth a place in the loop.
    fn rare(
        &mut self,
        thread: usize,
        at: u32,
        operation: &Operation,
        slots: &mut [u64],
    ) -> Result<(), Box<Cause>> {
        match operation {
            Operation::Both(both) => {
                let [a, b, c] = both.from.map(|slot| value(slots, slot));
                // Both before either is written: a destination may be a source.
                let results = both.functions.map(|function| function(both.mode, a, b, c));
                for (to, result) in both.to.into_iter().zip(results) {
                    slots[to as usize] = result;
                }
            }
            Operation::Insert(insert) => {
                let [a, b] = insert.from.map(|slot| value(slots, slot));
                let place = value(slots, insert.place) & 0xff;
                let length = value(slots, insert.length) & 0xff;
                let result = (insert.function)(insert.mode, a, b, place | length << 8);
                slots[insert.to as usize] = result;
            }
            Operation::Pack { bits, to, from } => {
                let parts = from.iter().rev();
                let mask = (1 << bits) - 1;
                let whole = parts.fold(0, |whole, &part| whole << bits | value(slots, part) & mask);
                slots[*to as usize] = whole;
            }
            Operation::Unpack { bits, to, from } => {
                let mut whole = value(slots, *from);
                for &part in to {
                    slots[part as usize] = whole & ((1 << bits) - 1);
                    whole >>= bits;
                }
            }
            Operation::Atomic(atomic) => self.atomic(thread, at, atomic, slots)?,
            Operation::Copy(copy) => self.copy(thread, at, copy, slots)?,
            Operation::CopyCommit => self.threads[thread].copies.commit(),
            Operation::CopyWait(groups) => self.land(thread, Some(*groups))?,
            Operation::CopyWaitAll => self.land(thread, None)?,
            Operation::Fence => self.fence(thread),
            Operation::Trap => return Err(Box::new(Cause::Trap)),
            // Nobody else is known to be at this instruction, so no more is promised.
            Operation::ActiveMask(to) => slots[*to as usize] = 1 << (thread % 32),
            _ => {}
        }
        Ok(())
    }

    /// Passes what a function is passed; its own variables hold nothing yet.
    fn enter(&mut self, thread: usize, call: &Call) {
        let local = &mut self.local[thread];
        let layout = &self.program.local;
        for &number in &self.program.locals[call.function as usize] {
            let place = layout.place(number as usize);
            local.mark(place.flat, place.bytes as usize, false);
        }
        for &(_, formal) in &call.returned {
            let place = layout.place(formal as usize);
            local.mark(place.flat, place.bytes as usize, false);
        }
        for &(actual, formal) in &call.passed {
            let (from, to) = (layout.place(actual as usize), layout.place(formal as usize));
            local.copy_within(from.flat, to.flat, to.bytes as usize);
        }
    }

    /// Gives back what a function returns to the instruction that called it.
    fn leave(&mut self, thread: usize, at: u32) {
        let layout = &self.program.local;
        if let Operation::Call(call) = &self.program.code[at as usize].operation {
            for &(actual, formal) in &call.returned {
                let (to, from) = (layout.place(actual as usize), layout.place(formal as usize));
                self.local[thread].copy_within(from.flat, to.flat, to.bytes as usize);
            }
        }
    }
}

#[inline]
pub(super) fn value(slots: &[u64], slot: Slot) -> u64 {
    slots[slot as usize]
}
