//! What names stand for, scope by scope, and who gets which slot.

use std::collections::HashMap;

use super::program::Constant;
use crate::instruction::{
    CTAID, DYNAMIC_SHARED, FIRST_FREE, LANEID, LANEMASK, NCTAID, NTID, NWARPID, Slot, TID,
    TOTAL_SHARED, WARPID,
};
use crate::parse::syntax::Kind;

/// What a name stands for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Binding {
    Register(Slot, Kind),
    /// A variable of local memory, by its number.
    Local(u32),
    /// A variable of shared memory, by its number.
    Shared(u32),
    /// A parameter of the kernel, by its offset.
    Parameter(u32),
    /// A variable of the module, by its number.
    Global(u32),
}

/// The names between `{` and `}`.
#[derive(Default)]
pub(super) struct Scope<'a> {
    names: HashMap<&'a str, Binding>,
    /// `%r<17>`: the first slot, how many, and of what kind.
    ranges: HashMap<&'a str, (Slot, u32, Kind)>,
    pub labels: HashMap<&'a str, u32>,
}

impl<'a> Scope<'a> {
    /// Binds a name; false where it is taken.
    pub(super) fn bind(&mut self, name: &'a str, binding: Binding) -> bool {
        self.names.insert(name, binding).is_none()
    }

    pub(super) fn bind_range(&mut self, name: &'a str, range: (Slot, u32, Kind)) -> bool {
        self.ranges.insert(name, range).is_none()
    }

    pub(super) fn find(&self, name: &str) -> Option<Binding> {
        if let Some(binding) = self.names.get(name) {
            return Some(*binding);
        }
        let prefix = name.trim_end_matches(|c: char| c.is_ascii_digit());
        let (first, count, kind) = *self.ranges.get(prefix)?;
        let digits = &name[prefix.len()..];
        let number: u32 = digits.parse().ok()?;
        let is_canonical = digits == "0" || !digits.starts_with('0');
        (is_canonical && number < count).then_some(Binding::Register(first + number, kind))
    }
}

/// The slots of a thread.
pub(super) struct Slots {
    next: Slot,
    constants: HashMap<Constant, Slot>,
}

impl Slots {
    pub(super) fn new() -> Self {
        Self {
            next: FIRST_FREE,
            constants: HashMap::new(),
        }
    }

    pub(super) fn take(&mut self, count: u32) -> Slot {
        let first = self.next;
        self.next += count;
        first
    }

    /// The slot that holds a constant.
    pub(super) fn constant(&mut self, constant: Constant) -> Slot {
        if let Some(&slot) = self.constants.get(&constant) {
            return slot;
        }
        let slot = self.take(1);
        self.constants.insert(constant, slot);
        slot
    }

    pub(super) fn finish(self) -> (u32, Vec<(Slot, Constant)>) {
        let mut constants: Vec<_> = self
            .constants
            .into_iter()
            .map(|(constant, slot)| (slot, constant))
            .collect();
        constants.sort_unstable_by_key(|&(slot, _)| slot);
        (self.next, constants)
    }
}

/// A special register that stays as it is while a thread runs.
pub(super) fn special(name: &str) -> Option<(Slot, Kind)> {
    let (stem, axis) = match name.rsplit_once('.') {
        Some((stem, "x")) => (stem, 0),
        Some((stem, "y")) => (stem, 1),
        Some((stem, "z")) => (stem, 2),
        Some(_) => return None,
        None => (name, 3),
    };
    let slot = match (stem, axis) {
        ("%tid", 0..3) => TID + axis,
        ("%ntid", 0..3) => NTID + axis,
        ("%ctaid", 0..3) => CTAID + axis,
        ("%nctaid", 0..3) => NCTAID + axis,
        ("%laneid", 3) => LANEID,
        ("%warpid", 3) => WARPID,
        ("%nwarpid", 3) => NWARPID,
        ("%lanemask_eq", 3) => LANEMASK,
        ("%lanemask_lt", 3) => LANEMASK + 1,
        ("%lanemask_le", 3) => LANEMASK + 2,
        ("%lanemask_ge", 3) => LANEMASK + 3,
        ("%lanemask_gt", 3) => LANEMASK + 4,
        ("%dynamic_smem_size", 3) => DYNAMIC_SHARED,
        ("%total_smem_size", 3) => TOTAL_SHARED,
        _ => return None,
    };
    Some((slot, Kind::U32))
}
