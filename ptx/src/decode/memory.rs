//! Loads, stores, atomic operations and copies.

use super::builder::Builder;
use super::operands::Fit;
use crate::arithmetic::words::Words;
use crate::arithmetic::{Mode, Pure, form};
use crate::instruction::{Atomic, Copy, Load, MemoryOrder, Operation, SINK, Space, Store, ZERO};
use crate::parse::syntax::{Kind, Operand};

impl<'a> Builder<'a> {
    pub(super) fn load(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        let [to, from] = self.count(operands)?;
        let kind = stored_kind(words)?;
        let count = take_vector(words);
        let order = take_order(words);
        let space = take_space(words);
        take_hints(words);
        // A promise that nobody writes meanwhile, which races tell.
        words.take("nc");
        let parts = vector(to, count)?;
        let mut slots = [SINK; 4];
        let mut register = kind.bytes();
        for (slot, part) in slots.iter_mut().zip(parts) {
            let (found, wide) = self.target(part, kind, Fit::AtLeast)?;
            *slot = found;
            register = wide.bytes();
        }
        let signed = if kind.is_signed() {
            8 * kind.bytes()
        } else {
            0
        };
        Ok(Operation::Load(Load {
            address: self.address(from, space)?,
            bytes: kind.bytes(),
            count,
            signed,
            register,
            order,
            to: slots,
        }))
    }

    pub(super) fn store(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        let [to, from] = self.count(operands)?;
        let kind = stored_kind(words)?;
        let count = take_vector(words);
        let order = take_order(words);
        let space = take_space(words);
        take_hints(words);
        if space == Space::Constant {
            return Err("constant memory cannot be written".into());
        }
        let mut slots = [ZERO; 4];
        for (slot, part) in slots.iter_mut().zip(vector(from, count)?) {
            *slot = self.value(part, kind, Fit::AtLeast)?;
        }
        Ok(Operation::Store(Store {
            address: self.address(to, space)?,
            bytes: kind.bytes(),
            count,
            order,
            from: slots,
        }))
    }

    pub(super) fn atomic(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<(Operation, u16), String> {
        let returns = words.name == "atom";
        let kind = words.take_kind()?;
        let fences = take_order(words) == MemoryOrder::Fencing;
        let space = take_space(words);
        // `.noftz` stands beside `.add` of 16 bits and says what is so anyway.
        words.take("noftz");
        let operations = [
            "add", "min", "max", "and", "or", "xor", "exch", "cas", "inc", "dec",
        ];
        let operation = operations
            .into_iter()
            .find(|operation| words.take(operation))
            .ok_or_else(|| format!("`{}` needs an operation", words.name))?;
        if kind.bytes() < 4 && kind != Kind::F16 && kind != Kind::Bf16 {
            return words.refuse(kind);
        }
        let (function, mut mode, flops) = match operation {
            "exch" => ((|_, _, b, _| b) as Pure, Mode::PLAIN, 0),
            "cas" => (
                (|_, a, b, c| if a == b { c } else { a }) as Pure,
                Mode::PLAIN,
                0,
            ),
            "inc" if kind == Kind::U32 => {
                let function: Pure = |_, a, b, _| if a >= b { 0 } else { a + 1 };
                (function, Mode::PLAIN, 0)
            }
            "dec" if kind == Kind::U32 => {
                let function: Pure = |_, a, b, _| if a == 0 || a > b { b } else { a - 1 };
                (function, Mode::PLAIN, 0)
            }
            "inc" | "dec" => return words.refuse(kind),
            _ => {
                let name = format!("{kind:?}").to_lowercase();
                let opcode = format!("{operation}.{name}");
                let form = form(&mut Words::of(&opcode))?;
                let form = form.ok_or_else(|| format!("`{opcode}` is not supported here"))?;
                (form.function, form.mode, form.flops)
            }
        };
        // PTX, `atom`: on global memory subnormal numbers are flushed, on shared they are kept.
        mode.flush = operation == "add" && kind == Kind::F32 && space == Space::Global;
        let wanted = 2 + usize::from(returns) + usize::from(operation == "cas");
        if operands.len() != wanted {
            let found = operands.len();
            return Err(format!("expected {wanted} operands, found {found}"));
        }
        words.finish()?;
        let (to, rest) = if returns {
            (
                self.target(&operands[0], kind, Fit::Exact)?.0,
                &operands[1..],
            )
        } else {
            (SINK, operands)
        };
        let address = self.address(&rest[0], space)?;
        let operand = self.value(&rest[1], kind, Fit::Exact)?;
        let other = match rest.get(2) {
            Some(other) => self.value(other, kind, Fit::Exact)?,
            None => ZERO,
        };
        let operation = Operation::Atomic(Box::new(Atomic {
            address,
            bytes: kind.bytes(),
            fences,
            function,
            mode,
            to,
            operand,
            other,
        }));
        Ok((operation, flops))
    }

    /// `cp.async`.
    pub(super) fn copy(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        if !words.take("async") {
            return Err("of `cp` only `cp.async` is supported here".into());
        }
        if words.take("commit_group") {
            self.count::<0>(operands)?;
            return Ok(Operation::CopyCommit);
        }
        if words.take("wait_all") {
            self.count::<0>(operands)?;
            return Ok(Operation::CopyWaitAll);
        }
        if words.take("wait_group") {
            return match self.count(operands)? {
                [Operand::Integer(groups)] if *groups < 1 << 31 => {
                    Ok(Operation::CopyWait(*groups as u32))
                }
                _ => Err("expected a number of groups".into()),
            };
        }
        let caches_all = words.take("ca");
        let caches_lower = words.take("cg");
        let to_shared = words.take("shared") || words.take("shared::cta");
        if caches_all == caches_lower || !to_shared || !words.take("global") {
            return Err("expected `cp.async.ca.shared.global` or `.cg`".into());
        }
        take_hints(words);
        let bytes = match operands.get(2) {
            Some(Operand::Integer(16)) => 16,
            Some(Operand::Integer(bytes @ (4 | 8))) if caches_all => *bytes as u8,
            _ => return Err("expected 4, 8 or 16 bytes, with `.cg` 16".into()),
        };
        let source_bytes = match operands.get(3) {
            None => None,
            Some(operand) => Some(self.value(operand, Kind::U32, Fit::Exact)?),
        };
        if operands.len() > 4 {
            return Err("a policy of caches is not supported here".into());
        }
        Ok(Operation::Copy(Box::new(Copy {
            to: self.address(&operands[0], Space::Shared)?,
            from: self.address(&operands[1], Space::Global)?,
            bytes,
            source_bytes,
        })))
    }

    pub(super) fn prefetch(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        let [address] = self.count(operands)?;
        let space = take_space(words);
        words.take_one(&[("L1", ()), ("L2", ())]);
        self.address(address, space)?;
        Ok(Operation::Nothing)
    }
}

/// The kind of a load or store, which must have a place in memory.
fn stored_kind(words: &mut Words<'_>) -> Result<Kind, String> {
    let kind = words.take_kind()?;
    let is_stored = !kind.is_float() || matches!(kind, Kind::F32 | Kind::F64);
    if is_stored && kind != Kind::Pred {
        Ok(kind)
    } else {
        words.refuse(kind)
    }
}

fn take_vector(words: &mut Words<'_>) -> u8 {
    words.take_one(&[("v2", 2), ("v4", 4)]).unwrap_or(1)
}

/// What an access says of its order.
fn take_order(words: &mut Words<'_>) -> MemoryOrder {
    words.take("weak");
    let orders = [
        ("volatile", MemoryOrder::Strong),
        ("relaxed", MemoryOrder::Strong),
        ("acquire", MemoryOrder::Fencing),
        ("release", MemoryOrder::Fencing),
        ("acq_rel", MemoryOrder::Fencing),
    ];
    let order = words.take_one(&orders);
    words.take_one(&[("cta", ()), ("gpu", ()), ("sys", ())]);
    order.unwrap_or(MemoryOrder::Weak)
}

pub(super) fn take_space(words: &mut Words<'_>) -> Space {
    words
        .take_one(&[
            ("global", Space::Global),
            ("const", Space::Constant),
            ("shared", Space::Shared),
            ("shared::cta", Space::Shared),
            ("local", Space::Local),
            ("param", Space::Parameter),
        ])
        .unwrap_or(Space::Generic)
}

/// Hints for caches, which change no value.
fn take_hints(words: &mut Words<'_>) {
    for hints in [
        &["ca", "cg", "cs", "lu", "cv", "wb", "wt"][..],
        &[
            "L1::evict_normal",
            "L1::evict_unchanged",
            "L1::evict_first",
            "L1::evict_last",
            "L1::no_allocate",
        ],
        &["L2::64B", "L2::128B", "L2::256B"],
    ] {
        hints.iter().any(|hint| words.take(hint));
    }
}

/// One operand, or as many as a vector has.
fn vector<'o, 'a>(operand: &'o Operand<'a>, count: u8) -> Result<&'o [Operand<'a>], String> {
    match operand {
        Operand::Vector(parts) if parts.len() == usize::from(count) => Ok(parts),
        Operand::Vector(parts) => Err(format!("expected {count} parts, found {}", parts.len())),
        _ if count == 1 => Ok(std::slice::from_ref(operand)),
        _ => Err(format!("expected {count} parts in {{ }}")),
    }
}
