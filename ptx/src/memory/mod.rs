//! Global memory: allocations far apart, each with a shadow of what was written and of who
//! accessed it.

pub(crate) mod bytes;
pub(crate) mod clocks;
pub(crate) mod known;
pub(crate) mod layout;
pub(crate) mod races;
mod value;

use std::collections::HashMap;

use thiserror::Error;

use crate::decode::program::Global;
use bytes::Bytes;
use layout::Stray;
use races::Races;
pub use value::Value;

/// Bits of an address within an allocation.
const SHIFT: u32 = 36;
/// Bytes before an allocation, which is aligned to as many and no better.
const MARGIN: u64 = 256;

/// Generic addresses of the other state spaces.
pub(crate) const PARAMETER_WINDOW: u64 = 0x7000_0000_0000_0000;
pub(crate) const SHARED_WINDOW: u64 = 0x7100_0000_0000_0000;
pub(crate) const LOCAL_WINDOW: u64 = 0x7200_0000_0000_0000;
pub(crate) const WINDOW_BYTES: u64 = 1 << 32;
/// Where parameters of a kernel begin in their state space.
pub(crate) const PARAMETERS: u64 = 0x100;
/// An address in no space.
pub(crate) const NOWHERE: u64 = 0xdead_0000_0000_0000;

/// A generic address, as kernels have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address(pub u64);

impl Address {
    /// The address so many bytes on.
    #[must_use]
    pub fn plus(self, bytes: u64) -> Self {
        Self(self.0.wrapping_add(bytes))
    }
}

/// An access of the host's that cannot be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MemoryError {
    /// No allocation holds all of the bytes.
    #[error("{bytes} bytes at {address:#x} are in no allocation")]
    Outside {
        /// Where it begins.
        address: u64,
        /// How many bytes.
        bytes: u64,
    },
    /// The allocation was freed.
    #[error("{name} at {address:#x} was freed")]
    Freed {
        /// Where it begins.
        address: u64,
        /// What was freed.
        name: String,
    },
    /// A byte to be read was never written.
    #[error("byte {offset} of {name} was never written")]
    Unwritten {
        /// In bytes from the start of the allocation.
        offset: u64,
        /// The allocation.
        name: String,
    },
}

#[derive(Clone, Debug)]
pub(crate) struct Allocation {
    pub name: String,
    /// The address of its first byte.
    pub start: u64,
    /// Where its first byte is in `bytes`: as far from a multiple of 16 as its address is.
    pub first: usize,
    pub bytes: Bytes,
    pub races: Races,
    is_freed: bool,
    pub is_constant: bool,
}

impl Allocation {
    /// How many bytes it has.
    pub(crate) fn room(&self) -> u64 {
        (self.bytes.len() - self.first) as u64
    }
}

/// The global memory of a device. Launches of any modules share it.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    allocations: Vec<Allocation>,
    /// The variables of each module, by its number.
    modules: HashMap<u64, Vec<u64>>,
    launches: u32,
}

impl Memory {
    /// Memory without any allocation.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Bytes that hold nothing: to read them before they are written is a fault. They are aligned
    /// to 256 bytes and no better.
    pub fn allocate(&mut self, bytes: usize) -> Address {
        let name = format!("allocation {}", self.allocations.len());
        self.add(name, bytes, MARGIN, false)
    }

    /// Bytes that begin with a value each.
    pub fn allocate_filled<T: Value>(&mut self, values: &[T]) -> Address {
        let bytes = T::bytes_of(values);
        let address = self.allocate(bytes.len());
        if let Some(allocation) = self.allocations.last_mut() {
            allocation.bytes.write_slice(allocation.first, &bytes);
        }
        address
    }

    fn add(&mut self, name: String, bytes: usize, margin: u64, is_constant: bool) -> Address {
        let start = ((self.allocations.len() as u64 + 1) << SHIFT) + margin;
        let first = (start % 16) as usize;
        let bytes = Bytes::unwritten(first + bytes);
        self.allocations.push(Allocation {
            name,
            start,
            first,
            races: Races::new(bytes.len()),
            bytes,
            is_freed: false,
            is_constant,
        });
        Address(start)
    }

    /// Writes values.
    ///
    /// # Errors
    /// If no allocation holds all of them.
    pub fn write<T: Value>(&mut self, address: Address, values: &[T]) -> Result<(), MemoryError> {
        let bytes = T::bytes_of(values);
        let (index, at) = self.host_place(address, bytes.len())?;
        self.allocations[index].bytes.write_slice(at, &bytes);
        Ok(())
    }

    /// Reads values.
    ///
    /// # Errors
    /// If no allocation holds all of them, or if any byte was never written.
    pub fn read<T: Value>(&self, address: Address, count: usize) -> Result<Vec<T>, MemoryError> {
        let bytes = count * T::BYTES;
        let (index, at) = self.host_place(address, bytes)?;
        let allocation = &self.allocations[index];
        if let Some(offset) = allocation.bytes.first_unwritten(at, bytes) {
            return Err(MemoryError::Unwritten {
                offset: (offset - allocation.first) as u64,
                name: allocation.name.clone(),
            });
        }
        Ok(T::values_of(allocation.bytes.slice(at, bytes)))
    }

    /// Forgets what bytes hold: to read them before they are written again is a fault.
    ///
    /// # Errors
    /// If no allocation holds all of them.
    pub fn poison(&mut self, address: Address, bytes: usize) -> Result<(), MemoryError> {
        let (index, at) = self.host_place(address, bytes)?;
        self.allocations[index].bytes.mark(at, bytes, false);
        Ok(())
    }

    /// Frees an allocation. Its addresses are never given again.
    ///
    /// # Errors
    /// If the address is not the start of an allocation.
    pub fn free(&mut self, address: Address) -> Result<(), MemoryError> {
        let (index, _) = self.host_place(address, 0)?;
        let allocation = &mut self.allocations[index];
        if address.0 != allocation.start {
            return Err(MemoryError::Outside {
                address: address.0,
                bytes: 0,
            });
        }
        allocation.is_freed = true;
        allocation.bytes = Bytes::unwritten(allocation.first);
        allocation.races = Races::new(0);
        Ok(())
    }

    fn host_place(&self, address: Address, bytes: usize) -> Result<(usize, usize), MemoryError> {
        let outside = MemoryError::Outside {
            address: address.0,
            bytes: bytes as u64,
        };
        let Some(index) = self.index(address.0) else {
            return Err(outside);
        };
        let allocation = &self.allocations[index];
        if allocation.is_freed {
            return Err(MemoryError::Freed {
                address: address.0,
                name: allocation.name.clone(),
            });
        }
        let at = address.0.wrapping_sub(allocation.start);
        let room = allocation.room();
        if at > room || room - at < bytes as u64 {
            return Err(outside);
        }
        Ok((index, at as usize + allocation.first))
    }

    /// The allocation an address is in or near.
    fn index(&self, address: u64) -> Option<usize> {
        let index = ((address >> SHIFT) as usize).checked_sub(1)?;
        (index < self.allocations.len()).then_some(index)
    }

    /// Where a kernel's access is: the number of an allocation and bytes from its start.
    #[inline]
    pub(crate) fn locate(&self, address: u64, bytes: u64) -> Result<(usize, usize), Stray> {
        let Some(index) = self.index(address) else {
            return Err(Stray::Outside(None));
        };
        let allocation = &self.allocations[index];
        let at = address.wrapping_sub(allocation.start);
        let room = allocation.room();
        if at >= room || room - at < bytes {
            return Err(Stray::Outside(Some(index)));
        }
        if address & (bytes - 1) != 0 {
            return Err(Stray::Misaligned);
        }
        Ok((index, at as usize + allocation.first))
    }

    pub(crate) fn allocation(&self, index: usize) -> &Allocation {
        &self.allocations[index]
    }

    pub(crate) fn allocation_mut(&mut self, index: usize) -> &mut Allocation {
        &mut self.allocations[index]
    }

    pub(crate) fn is_freed(&self, index: usize) -> bool {
        self.allocations[index].is_freed
    }

    /// Begins a launch: all that was before is ordered against it.
    pub(crate) fn begin_launch(&mut self) {
        self.launches += 1;
        for allocation in &mut self.allocations {
            allocation.races.set_stamp(self.launches);
        }
    }

    /// The addresses of a module's variables, which are made when they are first asked for.
    pub(crate) fn variables(&mut self, module: u64, globals: &[Global]) -> Vec<u64> {
        if let Some(addresses) = self.modules.get(&module) {
            return addresses.clone();
        }
        let mut addresses = Vec::new();
        for global in globals {
            let name = format!("variable `{}`", global.name);
            let size = global.bytes as usize;
            // Aligned as it says and no better.
            let margin = MARGIN + u64::from(global.align);
            addresses.push(self.add(name, size, margin, global.is_constant).0);
            if let Some(Allocation { bytes, first, .. }) = self.allocations.last_mut() {
                bytes.write_slice(*first, &vec![0; size]);
                bytes.write_slice(*first, &global.initial);
            }
        }
        for (global, &address) in globals.iter().zip(&addresses) {
            for &(offset, of, added) in &global.pointers {
                let pointer = addresses[of as usize].wrapping_add(added);
                if let Some(index) = self.index(address) {
                    let Allocation { bytes, first, .. } = &mut self.allocations[index];
                    bytes.write_slice(*first + offset as usize, &pointer.to_le_bytes());
                }
            }
        }
        self.modules.insert(module, addresses.clone());
        addresses
    }
}
