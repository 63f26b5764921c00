//! The dispatch by opcode, and whatever only computes.

use super::builder::Builder;
use super::operands::Fit;
use super::program::Constant;
use crate::arithmetic::compare::comparison;
use crate::arithmetic::words::Words;
use crate::arithmetic::{Mode, Pure, form};
use crate::instruction::{Both, Insert, Operation, Slot, ZERO};
use crate::memory::{LOCAL_WINDOW, NOWHERE, PARAMETER_WINDOW, SHARED_WINDOW, WINDOW_BYTES};
use crate::parse::syntax::{Kind, Operand, Statement};

impl<'a> Builder<'a> {
    /// The operation of a statement, and how many floating point operations it is.
    pub(super) fn operation(
        &mut self,
        statement: &Statement<'a>,
    ) -> Result<(Operation, u16), String> {
        let operands = &statement.operands[..];
        let mut words = Words::of(statement.opcode);
        let words = &mut words;
        let operation = match words.name {
            "mov" => self.mov(words, operands)?,
            "cvta" => self.cvta(words, operands)?,
            "isspacep" => self.is_in_space(words, operands)?,
            "setp" => self.setp(words, operands)?,
            "ld" | "ldu" => self.load(words, operands)?,
            "st" => self.store(words, operands)?,
            "atom" | "red" => return self.atomic(words, operands),
            "cp" => self.copy(words, operands)?,
            "bra" => self.branch(words, operands)?,
            "call" => self.call(words, operands)?,
            "ret" => self.ret(words, operands)?,
            "exit" => {
                self.count::<0>(operands)?;
                Operation::Exit
            }
            "trap" => {
                self.count::<0>(operands)?;
                Operation::Trap
            }
            "bar" | "barrier" => self.barrier(words, operands)?,
            "membar" | "fence" => self.fence(words, operands)?,
            "nanosleep" => {
                let [time] = self.count(operands)?;
                let kind = words.take_kind()?;
                self.value(time, kind, Fit::Exact)?;
                Operation::Nothing
            }
            "prefetch" | "prefetchu" => self.prefetch(words, operands)?,
            "shfl" => self.shuffle(words, operands)?,
            "vote" => self.vote(words, operands)?,
            "activemask" => {
                let [to] = self.count(operands)?;
                let kind = words.take_kind()?;
                Operation::ActiveMask(self.target(to, kind, Fit::Exact)?.0)
            }
            "ldmatrix" => self.matrices(words, operands)?,
            "mma" => return self.multiply(words, operands),
            _ => return self.pure(words, operands),
        };
        words.finish()?;
        Ok((operation, 0))
    }

    /// Instructions of values alone.
    fn pure(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<(Operation, u16), String> {
        let mut mode_extra = None;
        let mut operands = operands.to_vec();
        if words.name == "lop3" {
            // The table is a constant of the instruction.
            match operands.pop() {
                Some(Operand::Integer(table)) if table < 256 => mode_extra = Some(table as u8),
                _ => return Err("expected a table from 0 to 255".into()),
            }
        }
        let name = words.name;
        let Some(form) = form(words)? else {
            return words.refuse_words();
        };
        let count = form.from.len() + 1;
        if operands.len() != count {
            let found = operands.len();
            return Err(format!("expected {count} operands, found {found}"));
        }
        let is_loose = name == "cvt";
        let fit = if is_loose { Fit::AtLeast } else { Fit::Exact };
        let (to, register) = self.target(&operands[0], form.to, fit)?;
        let mut mode = form.mode;
        if is_loose && !form.to.is_float() {
            mode.extra = register.bytes();
        }
        mode.extra = mode_extra.unwrap_or(mode.extra);
        let mut from = [ZERO; 4];
        for ((slot, operand), &kind) in from.iter_mut().zip(&operands[1..]).zip(&form.from) {
            *slot = self.value(operand, kind, fit)?;
        }
        let function = form.function;
        let operation = if name == "bfi" {
            Operation::Insert(Box::new(Insert {
                function,
                mode,
                to,
                from: [from[0], from[1]],
                place: from[2],
                length: from[3],
            }))
        } else {
            Operation::Pure {
                function,
                mode,
                to,
                from: [from[0], from[1], from[2]],
            }
        };
        Ok((operation, form.flops))
    }

    fn setp(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        let comparison = comparison(words)?;
        let mut mode = comparison.mode;
        let count = if comparison.has_third { 4 } else { 3 };
        if operands.len() != count {
            let found = operands.len();
            return Err(format!("expected {count} operands, found {found}"));
        }
        let mut from = [ZERO; 3];
        for (slot, operand) in from.iter_mut().zip(&operands[1..3]) {
            *slot = self.value(operand, comparison.kind, Fit::Exact)?;
        }
        if let Some(third) = operands.get(3) {
            (from[2], mode.saturate) = self.predicate(third)?;
        }
        let [function, opposite] = comparison.functions;
        if let Operand::Two(first, second) = operands[0] {
            let target = |name| self.target(&Operand::Name(name), Kind::Pred, Fit::Exact);
            return Ok(Operation::Both(Box::new(Both {
                functions: [function, opposite],
                mode,
                to: [target(first)?.0, target(second)?.0],
                from,
            })));
        }
        let to = self.target(&operands[0], Kind::Pred, Fit::Exact)?.0;
        Ok(Operation::Pure {
            function,
            mode,
            to,
            from,
        })
    }

    fn mov(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        let [to, from] = self.count(operands)?;
        let kind = words.take_kind()?;
        if let Operand::Name(name @ ("%clock" | "%clock64" | "%globaltimer" | "%clock_hi")) = from {
            let is_wide = matches!(*name, "%clock64" | "%globaltimer");
            let needed = if is_wide { Kind::B64 } else { Kind::B32 };
            if kind.bytes() != needed.bytes() {
                return Err(format!("`{name}` has another size"));
            }
            return Ok(Operation::Clock {
                to: self.target(to, kind, Fit::Exact)?.0,
                wide: is_wide,
            });
        }
        let part = |parts: usize| {
            let bits = 8 * usize::from(kind.bytes());
            let is_even = matches!(parts, 2 | 4) && bits / parts >= 8;
            let part = match bits / parts.max(1) {
                8 => Kind::B8,
                16 => Kind::B16,
                _ => Kind::B32,
            };
            if is_even {
                Ok(part)
            } else {
                Err(format!("{bits} bits do not make {parts} parts"))
            }
        };
        if let Operand::Vector(parts) = from {
            let part = part(parts.len())?;
            let slots = parts
                .iter()
                .map(|operand| self.value(operand, part, Fit::Exact))
                .collect::<Result<Vec<Slot>, String>>()?;
            return Ok(Operation::Pack {
                bits: 8 * part.bytes(),
                to: self.target(to, kind, Fit::Exact)?.0,
                from: slots.into(),
            });
        }
        if let Operand::Vector(parts) = to {
            let part = part(parts.len())?;
            let slots = parts
                .iter()
                .map(|operand| Ok(self.target(operand, part, Fit::Exact)?.0))
                .collect::<Result<Vec<Slot>, String>>()?;
            return Ok(Operation::Unpack {
                bits: 8 * part.bytes(),
                to: slots.into(),
                from: self.value(from, kind, Fit::Exact)?,
            });
        }
        let from = self.value(from, kind, Fit::Exact)?;
        let to = self.target(to, kind, Fit::Exact)?.0;
        Ok(plain(|_, a, _, _| a, to, from))
    }

    /// Between the addresses of a state space and generic ones.
    fn cvta(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        let [to, from] = self.count(operands)?;
        let kind = words.take_kind()?;
        if kind.bytes() != 8 {
            return words.refuse(kind);
        }
        let is_back = words.take("to");
        let spaces: [(&str, [Pure; 2]); 6] = [
            ("global", [|_, a, _, _| a, |_, a, _, _| a]),
            ("const", [|_, a, _, _| a, |_, a, _, _| a]),
            ("shared", window_pair::<SHARED_WINDOW>()),
            ("shared::cta", window_pair::<SHARED_WINDOW>()),
            ("local", window_pair::<LOCAL_WINDOW>()),
            ("param", window_pair::<PARAMETER_WINDOW>()),
        ];
        let [forth, back] = words
            .take_one(&spaces)
            .ok_or("`cvta` needs a state space")?;
        let from = self.value(from, kind, Fit::Exact)?;
        let to = self.target(to, kind, Fit::Exact)?.0;
        Ok(plain(if is_back { back } else { forth }, to, from))
    }

    fn is_in_space(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        let [to, from] = self.count(operands)?;
        let spaces: [(&str, Pure); 3] = [
            ("global", |_, a, _, _| u64::from(a < PARAMETER_WINDOW)),
            ("shared", |_, a, _, _| u64::from(is_in::<SHARED_WINDOW>(a))),
            ("local", |_, a, _, _| u64::from(is_in::<LOCAL_WINDOW>(a))),
        ];
        let function = words
            .take_one(&spaces)
            .ok_or("`isspacep` needs .global, .shared or .local")?;
        let from = self.value(from, Kind::B64, Fit::Exact)?;
        let to = self.target(to, Kind::Pred, Fit::Exact)?.0;
        Ok(plain(function, to, from))
    }

    /// The slot of a constant.
    pub(super) fn constant(&mut self, value: u64) -> Slot {
        self.slots.constant(Constant::Value(value))
    }
}

fn plain(function: Pure, to: Slot, from: Slot) -> Operation {
    Operation::Pure {
        function,
        mode: Mode::PLAIN,
        to,
        from: [from, ZERO, ZERO],
    }
}

fn is_in<const WINDOW: u64>(address: u64) -> bool {
    address.wrapping_sub(WINDOW) < WINDOW_BYTES
}

/// Into a window of generic addresses and out of it.
fn window_pair<const WINDOW: u64>() -> [Pure; 2] {
    [
        |_, a, _, _| a.wrapping_add(WINDOW),
        |_, a, _, _| {
            if is_in::<WINDOW>(a) {
                a - WINDOW
            } else {
                // Of another space: whatever is done with it is found.
                NOWHERE
            }
        },
    ]
}
