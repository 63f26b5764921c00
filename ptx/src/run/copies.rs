//! `cp.async`: bytes on their way from global to shared memory. They land when their thread waits
//! for them; until then what they go to holds nothing.

use super::access::address_of;
use super::block::Block;
use super::spot::Spot;
use super::step::value;
use crate::fault::Cause;
use crate::instruction::Copy;
use crate::memory::races::Act;

/// One copy under way.
#[derive(Clone, Debug)]
struct Flight {
    /// The number of its group.
    group: u32,
    /// The instruction.
    at: u32,
    address: u64,
    to: usize,
    bytes: usize,
    data: [u8; 16],
}

/// The copies of a thread, the oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Copies {
    /// Groups so far; the next copy belongs to the one after.
    groups: u32,
    flights: Vec<Flight>,
}

impl Copies {
    /// What was copied since the last group becomes one.
    pub(super) fn commit(&mut self) {
        self.groups += 1;
    }
}

impl Block<'_> {
    pub(super) fn copy(
        &mut self,
        thread: usize,
        at: u32,
        copy: &Copy,
        slots: &mut [u64],
    ) -> Result<(), Box<Cause>> {
        let bytes = usize::from(copy.bytes);
        let wanted = copy
            .source_bytes
            .map_or(bytes as u64, |slot| value(slots, slot));
        if wanted > bytes as u64 {
            return Err(Box::new(Cause::Operand {
                reason: format!("{wanted} bytes to read for a copy of {bytes}"),
            }));
        }
        let (to, from) = (address_of(copy.to, slots), address_of(copy.from, slots));
        let spot = self.spot(copy.to.space, to, bytes as u64)?;
        let Spot::Shared(place) = spot else {
            return Err(Box::new(Cause::Operand {
                reason: "copies go to shared memory".into(),
            }));
        };
        let mut data = [0; 16];
        if wanted > 0 {
            let source = self.spot(copy.from.space, from, bytes as u64)?;
            let wanted = wanted as usize;
            self.note(thread, at, source, from, bytes, Act::Read, false)?;
            if let Spot::Global(index, start) = source {
                let found = &self.memory.allocation(index).bytes;
                if found.first_unwritten(start, wanted).is_some() {
                    return Err(self.unwritten(thread, source, from, wanted));
                }
                data[..wanted].copy_from_slice(found.slice(start, wanted));
            }
            self.counts.global_read_bytes += wanted as u64;
        }
        self.note(thread, at, spot, to, bytes, Act::Write, false)?;
        self.shared.mark(place, bytes, false);
        let copies = &mut self.threads[thread].copies;
        copies.flights.push(Flight {
            group: copies.groups,
            at,
            address: to,
            to: place,
            bytes,
            data,
        });
        Ok(())
    }

    /// Waits until at most so many groups are under way, or for all copies.
    pub(super) fn land(&mut self, thread: usize, groups: Option<u32>) -> Result<(), Box<Cause>> {
        let copies = &mut self.threads[thread].copies;
        // Groups from this one on stay under way.
        let first = match groups {
            Some(groups) => copies.groups.saturating_sub(groups),
            None => u32::MAX,
        };
        let landing = copies
            .flights
            .iter()
            .take_while(|flight| flight.group < first);
        let landing = landing.count();
        let landed: Vec<Flight> = copies.flights.drain(..landing).collect();
        for flight in landed {
            let spot = Spot::Shared(flight.to);
            // Who looked at the place meanwhile did so too early.
            self.note(
                thread,
                flight.at,
                spot,
                flight.address,
                flight.bytes,
                Act::Write,
                false,
            )?;
            self.shared
                .write_slice(flight.to, &flight.data[..flight.bytes]);
            self.counts.shared_written_bytes += flight.bytes as u64;
        }
        Ok(())
    }

    /// Whose copy is to write a place of shared memory.
    pub(super) fn copy_under_way(&self, place: usize) -> Option<String> {
        self.threads.iter().enumerate().find_map(|(thread, state)| {
            let mut flights = state.copies.flights.iter();
            let flight =
                flights.find(|flight| (flight.to..flight.to + flight.bytes).contains(&place))?;
            let line = self.module.place(self.program, flight.at).line;
            Some(format!("line {line} by {}", self.thread_name(thread)))
        })
    }
}
