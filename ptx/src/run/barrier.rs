//! Barriers: who is there, and what comes of it when all are.

use super::block::{Block, State};
use super::step::value;
use crate::fault::Cause;
use crate::instruction::{Barrier, BarrierAction, Operation};

/// Threads at one barrier.
#[derive(Clone, Debug, Default)]
pub(super) struct Meeting {
    /// How many it takes, as the first one said.
    needed: u32,
    waiting: Vec<usize>,
    /// Those who went on, and when they came.
    arrived: Vec<(usize, u32)>,
}

impl Block<'_> {
    /// A thread has come to a barrier.
    pub(super) fn arrive(&mut self, thread: usize) -> Result<(), Box<Cause>> {
        let Some(barrier) = self.barrier_of(thread) else {
            return Ok(());
        };
        let slots = &self.slots[thread];
        let index = value(slots, barrier.index) as usize;
        let all = self.threads.len() as u32;
        let needed = match barrier.threads {
            None => all,
            Some(slot) => value(slots, slot) as u32,
        };
        let is_whole = needed == all;
        if index >= 16 {
            return operand(format!("barriers are 0 to 15, not {index}"));
        }
        if !is_whole && (needed == 0 || !needed.is_multiple_of(32) || needed > all) {
            return operand(format!(
                "a barrier of a part of the block takes a multiple of 32 threads, not {needed}"
            ));
        }
        let arrives = matches!(barrier.action, BarrierAction::Arrive);
        let clock = if arrives { self.clocks.tick(thread) } else { 0 };
        let meeting = &mut self.meetings[index];
        let present = meeting.waiting.len() + meeting.arrived.len();
        if present == 0 {
            meeting.needed = needed;
        } else if meeting.needed != needed {
            let first = meeting.needed;
            return wrong(format!(
                "it is of {needed} threads here, and of {first} for the others"
            ));
        }
        if arrives {
            meeting.arrived.push((thread, clock));
            self.threads[thread].at += 1;
        } else {
            meeting.waiting.push(thread);
            self.threads[thread].state = State::AtBarrier;
        }
        if present + 1 == needed as usize {
            self.release(index, is_whole)?;
        }
        Ok(())
    }

    /// The barrier a thread is at.
    pub(super) fn barrier_of(&self, thread: usize) -> Option<&Barrier> {
        let at = self.threads[thread].at as usize;
        match &self.program.code[at].operation {
            Operation::Barrier(barrier) => Some(barrier),
            _ => None,
        }
    }

    fn release(&mut self, index: usize, is_whole: bool) -> Result<(), Box<Cause>> {
        let meeting = std::mem::take(&mut self.meetings[index]);
        self.check_alignment(&meeting.waiting)?;
        let holds = |block: &Self, thread: usize| match block.barrier_of(thread)?.action {
            BarrierAction::Count { from, unless, .. }
            | BarrierAction::All { from, unless, .. }
            | BarrierAction::Any { from, unless, .. } => {
                Some((value(&block.slots[thread], from) == 1) != unless)
            }
            _ => None,
        };
        let votes: Vec<bool> = meeting
            .waiting
            .iter()
            .filter_map(|&thread| holds(self, thread))
            .collect();
        let yes = votes.iter().filter(|&&vote| vote).count();
        for &thread in &meeting.waiting {
            let result = self
                .barrier_of(thread)
                .and_then(|barrier| match barrier.action {
                    BarrierAction::Count { to, .. } => Some((to, yes as u64)),
                    BarrierAction::All { to, .. } => Some((to, u64::from(yes == votes.len()))),
                    BarrierAction::Any { to, .. } => Some((to, u64::from(yes > 0))),
                    _ => None,
                });
            if let Some((to, result)) = result {
                self.slots[thread][to as usize] = result;
            }
            self.threads[thread].state = State::Ready;
            self.threads[thread].at += 1;
        }
        self.counts.barriers += 1;
        if is_whole && meeting.arrived.is_empty() {
            self.clocks.meet_all();
        } else {
            self.clocks.meet_some(&meeting.waiting, &meeting.arrived);
        }
        Ok(())
    }

    /// `.aligned`: threads of a warp must be at one and the same instruction.
    fn check_alignment(&self, waiting: &[usize]) -> Result<(), Box<Cause>> {
        let mut first = [None; 32];
        for &thread in waiting {
            let is_aligned = self
                .barrier_of(thread)
                .is_some_and(|barrier| barrier.aligned);
            let at = self.threads[thread].at;
            let first = first[thread / 32].get_or_insert((thread, at));
            if is_aligned && first.1 != at {
                let line = |at| self.module.place(self.program, at).line;
                return wrong(format!(
                    "{} is at the barrier in line {}, {} of its warp at that in line {}",
                    self.thread_name(thread),
                    line(at),
                    self.thread_name(first.0),
                    line(first.1),
                ));
            }
        }
        Ok(())
    }
}

fn operand<T>(reason: String) -> Result<T, Box<Cause>> {
    Err(Box::new(Cause::Operand { reason }))
}

fn wrong<T>(reason: String) -> Result<T, Box<Cause>> {
    Err(Box::new(Cause::Barrier { reason }))
}
