//! Accesses to memory: whether they may be, and what they find.

use super::block::Block;
use super::spot::Spot;
use super::step::value;
use crate::fault::Cause;
use crate::instruction::{Address, Atomic, Load, MemoryOrder, Store};
use crate::memory::layout::Layout;
use crate::memory::races::{Act, Conflict, Other, Who};

impl Block<'_> {
    pub(super) fn load(
        &mut self,
        thread: usize,
        at: u32,
        load: &Load,
        slots: &mut [u64],
    ) -> Result<(), Box<Cause>> {
        let address = address_of(load.address, slots);
        let size = usize::from(load.bytes);
        let count = usize::from(load.count);
        let whole = size * count;
        let spot = self.spot(load.address.space, address, whole as u64)?;
        let strong = load.order != MemoryOrder::Weak;
        self.note(thread, at, spot, address, whole, Act::Read, strong)?;
        if strong {
            self.hear(thread, spot, load.order == MemoryOrder::Fencing);
        }
        for (place, &to) in load.to[..count].iter().enumerate() {
            let found = self.bytes(thread, spot, place * size, size);
            let Some(mut found) = found else {
                return Err(self.unwritten(thread, spot, address, whole));
            };
            if load.signed != 0 {
                let spare = 64 - u32::from(load.signed);
                let register = 64 - 8 * u32::from(load.register);
                let extended = ((found << spare) as i64 >> spare) as u64;
                found = extended << register >> register;
            }
            slots[to as usize] = found;
        }
        match spot {
            Spot::Global(..) => self.counts.global_read_bytes += whole as u64,
            Spot::Shared(_) => self.counts.shared_read_bytes += whole as u64,
            _ => {}
        }
        Ok(())
    }

    pub(super) fn store(
        &mut self,
        thread: usize,
        at: u32,
        store: &Store,
        slots: &mut [u64],
    ) -> Result<(), Box<Cause>> {
        let address = address_of(store.address, slots);
        let size = usize::from(store.bytes);
        let count = usize::from(store.count);
        let whole = size * count;
        let spot = self.spot(store.address.space, address, whole as u64)?;
        let strong = store.order != MemoryOrder::Weak;
        self.note(thread, at, spot, address, whole, Act::Write, strong)?;
        if strong {
            self.tell(thread, spot, store.order == MemoryOrder::Fencing);
        }
        for (place, &from) in store.from[..count].iter().enumerate() {
            let from = value(slots, from);
            let offset = place * size;
            match spot {
                Spot::Global(index, at) => {
                    let bytes = &mut self.memory.allocation_mut(index).bytes;
                    bytes.write(at + offset, size, from);
                }
                Spot::Shared(at) => self.shared.write(at + offset, size, from),
                Spot::Local(at) => self.local[thread].write(at + offset, size, from),
                Spot::Parameter(_) => return Err(read_only("a parameter of the kernel")),
            }
        }
        match spot {
            Spot::Global(..) => self.counts.global_written_bytes += whole as u64,
            Spot::Shared(_) => self.counts.shared_written_bytes += whole as u64,
            _ => {}
        }
        Ok(())
    }

    pub(super) fn atomic(
        &mut self,
        thread: usize,
        at: u32,
        atomic: &Atomic,
        slots: &mut [u64],
    ) -> Result<(), Box<Cause>> {
        let address = address_of(atomic.address, slots);
        let size = usize::from(atomic.bytes);
        let spot = self.spot(atomic.address.space, address, size as u64)?;
        self.note(thread, at, spot, address, size, Act::Write, true)?;
        self.hear(thread, spot, atomic.fences);
        self.tell(thread, spot, atomic.fences);
        let Some(old) = self.bytes(thread, spot, 0, size) else {
            return Err(self.unwritten(thread, spot, address, size));
        };
        let (operand, other) = (value(slots, atomic.operand), value(slots, atomic.other));
        let new = (atomic.function)(atomic.mode, old, operand, other);
        slots[atomic.to as usize] = old;
        match spot {
            Spot::Global(index, at) => {
                self.memory.allocation_mut(index).bytes.write(at, size, new);
                self.counts.global_read_bytes += size as u64;
                self.counts.global_written_bytes += size as u64;
            }
            Spot::Shared(at) => {
                self.shared.write(at, size, new);
                self.counts.shared_read_bytes += size as u64;
                self.counts.shared_written_bytes += size as u64;
            }
            _ => {
                return Err(Box::new(Cause::Operand {
                    reason: "atomic operations are of global or shared memory".into(),
                }));
            }
        }
        Ok(())
    }

    /// Bytes at an offset of a spot; `None` where they were never written.
    #[inline]
    fn bytes(&self, thread: usize, spot: Spot, offset: usize, size: usize) -> Option<u64> {
        match spot {
            Spot::Global(index, at) => self.memory.allocation(index).bytes.read(at + offset, size),
            Spot::Shared(at) => self.shared.read(at + offset, size),
            Spot::Local(at) => self.local[thread].read(at + offset, size),
            Spot::Parameter(at) => self.parameters.read(at + offset, size),
        }
    }

    /// Notes who accesses what, and finds races and writes to what is constant.
    #[allow(
        clippy::too_many_arguments,
        reason = "an access has this many parts, and a struct would be made for each"
    )]
    pub(super) fn note(
        &mut self,
        thread: usize,
        at: u32,
        spot: Spot,
        address: u64,
        bytes: usize,
        act: Act,
        strong: bool,
    ) -> Result<(), Box<Cause>> {
        let who = Who::new(self.index, thread, at, strong, &self.clocks);
        let found = match spot {
            Spot::Global(index, place) => {
                let allocation = self.memory.allocation_mut(index);
                if allocation.is_constant {
                    if act == Act::Write {
                        return Err(read_only(&allocation.name));
                    }
                    return Ok(());
                }
                allocation.races.access(place, bytes, act, &who)
            }
            Spot::Shared(place) => self.shared_races.access(place, bytes, act, &who),
            Spot::Local(_) | Spot::Parameter(_) => return Ok(()),
        };
        found.map_err(|conflict| self.race(spot, address, act, conflict))
    }

    #[cold]
    fn race(&self, spot: Spot, address: u64, act: Act, conflict: Conflict) -> Box<Cause> {
        let (name, offset) = self.name_of(spot, conflict.place);
        let verb = |act| match act {
            Act::Read => "a read",
            Act::Write => "a write",
        };
        let other = match conflict.other {
            Other::Thread { block, thread } if block == self.index => {
                self.thread_name(thread as usize)
            }
            Other::Thread { block, thread } => {
                let (block, thread) = (self.block_name(block), self.thread_name(thread as usize));
                format!("{thread} of {block}")
            }
            Other::Warp { block, warp } => {
                format!("several lanes of warp {warp} of {}", self.block_name(block))
            }
            Other::Block(block) => format!("several warps of {}", self.block_name(block)),
            Other::Several => "threads of several blocks".into(),
        };
        Box::new(Cause::Race {
            act: verb(act),
            address,
            name,
            offset,
            other_act: verb(conflict.act),
            other,
            other_place: self.module.place(self.program, conflict.at),
        })
    }

    /// Whose bytes these are, and which of its bytes is at `place`.
    fn name_of(&self, spot: Spot, place: usize) -> (String, u64) {
        match spot {
            Spot::Global(index, _) => {
                let allocation = self.memory.allocation(index);
                let offset = place.saturating_sub(allocation.first);
                (allocation.name.clone(), offset as u64)
            }
            Spot::Shared(_) => named(&self.shared_layout, "shared", place),
            Spot::Local(_) => named(&self.program.local, "local", place),
            Spot::Parameter(_) => ("the parameters".into(), place as u64),
        }
    }

    #[cold]
    pub(super) fn unwritten(
        &self,
        thread: usize,
        spot: Spot,
        address: u64,
        bytes: usize,
    ) -> Box<Cause> {
        let (holder, at) = match spot {
            Spot::Global(index, at) => (&self.memory.allocation(index).bytes, at),
            Spot::Shared(at) => (&self.shared, at),
            Spot::Local(at) => (&self.local[thread], at),
            Spot::Parameter(at) => (&self.parameters, at),
        };
        let place = holder.first_unwritten(at, bytes).unwrap_or(at);
        let (name, offset) = self.name_of(spot, place);
        if let Spot::Shared(_) = spot
            && let Some(copy) = self.copy_under_way(place)
        {
            return Box::new(Cause::UnderWay {
                address,
                name,
                offset,
                copy,
            });
        }
        Box::new(Cause::Unwritten {
            address,
            name,
            offset,
        })
    }
}

/// The address of an access in its state space.
#[inline]
pub(super) fn address_of(address: Address, slots: &[u64]) -> u64 {
    value(slots, address.base).wrapping_add_signed(i64::from(address.offset))
}

fn named(layout: &Layout, space: &str, flat: usize) -> (String, u64) {
    let place = layout.holding(flat);
    let name = format!("{space} variable `{}`", place.name);
    (name, flat.saturating_sub(place.flat) as u64)
}

fn read_only(name: &str) -> Box<Cause> {
    Box::new(Cause::ReadOnly { name: name.into() })
}
