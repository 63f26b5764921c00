//! No thread can go on: who waits for whom, and why in vain.

use super::block::{Block, Failure, State};
use crate::fault::Cause;

impl Block<'_> {
    /// What is wrong when nobody runs; nothing where all have ended.
    pub(super) fn stuck(&self) -> Option<Failure> {
        let waiting = |state| self.threads.iter().position(|thread| thread.state == state);
        // Lanes that do not meet keep others from barriers, so they come first.
        if let Some(thread) = waiting(State::AtWarp) {
            return Some(self.failure(
                thread,
                Cause::Warp {
                    reason: self.missing_lane(thread),
                },
            ));
        }
        let thread = waiting(State::AtBarrier)?;
        Some(self.failure(
            thread,
            Cause::Barrier {
                reason: self.missing_thread(thread),
            },
        ))
    }

    fn failure(&self, thread: usize, cause: Cause) -> Failure {
        Failure {
            thread,
            at: self.threads[thread].at,
            cause: Box::new(cause),
        }
    }

    fn missing_lane(&self, thread: usize) -> String {
        let mask = self.lane_mask(thread).unwrap_or(0);
        let first = thread / 32 * 32;
        let others = (0..32)
            .filter(|lane| mask >> lane & 1 == 1)
            .map(|lane| first + lane);
        let missing = others
            .filter(|&other| other < self.threads.len())
            .filter(|&other| self.threads[other].state != State::Exited)
            .find(|&other| !self.is_same_meeting(thread, other));
        let Some(missing) = missing else {
            return format!("of mask {mask:#010x}");
        };
        let lane = missing % 32;
        let line = self
            .module
            .place(self.program, self.threads[missing].at)
            .line;
        match (self.threads[missing].state, self.lane_mask(missing)) {
            (State::AtWarp, Some(other)) => format!(
                "mask {mask:#010x} has lane {lane}, which waits in line {line} with mask {other:#010x}"
            ),
            _ => format!(
                "mask {mask:#010x} has lane {lane}, which waits at the barrier in line {line}"
            ),
        }
    }

    fn missing_thread(&self, thread: usize) -> String {
        let at = self.threads[thread].at;
        let other = self.threads.iter().position(|other| {
            other.state == State::Exited || (other.state == State::AtBarrier && other.at != at)
        });
        let Some(other) = other else {
            return "it takes more threads than came".into();
        };
        let name = self.thread_name(other);
        let line = self.module.place(self.program, self.threads[other].at).line;
        match self.threads[other].state {
            State::Exited => format!("{name} has ended, in line {line}"),
            _ => format!("{name} waits at the barrier in line {line}"),
        }
    }
}
