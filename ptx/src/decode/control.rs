//! Branches, calls, barriers and fences.

use super::builder::Builder;
use super::names::Binding;
use super::operands::Fit;
use crate::arithmetic::words::Words;
use crate::instruction::{Barrier, BarrierAction, Call, Operation, Slot, Warp, WarpAction};
use crate::parse::syntax::{Kind, Operand};

impl<'a> Builder<'a> {
    pub(super) fn branch(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        words.take("uni");
        let [Operand::Name(label)] = self.count(operands)? else {
            return Err("expected a label".into());
        };
        let mut scopes = self.scopes.iter().rev();
        let target = scopes.find_map(|scope| scope.labels.get(label));
        target
            .map(|&target| Operation::Branch(target))
            .ok_or_else(|| format!("there is no label `{label}`"))
    }

    pub(super) fn call(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        words.take("uni");
        let (returned, rest) = match operands {
            [Operand::Group(names), rest @ ..] => (&names[..], rest),
            rest => (&[][..], rest),
        };
        let (name, passed) = match rest {
            [Operand::Name(name)] => (*name, &[][..]),
            [Operand::Name(name), Operand::Group(passed)] => (*name, &passed[..]),
            _ => return Err("expected a function and what it is passed".into()),
        };
        let entry = self
            .entries
            .get(name)
            .cloned()
            .ok_or_else(|| format!("there is no function `{name}`"))?;
        let pairs = |names: &[&str], formal: &[u32]| {
            if names.len() != formal.len() {
                let (wanted, found) = (formal.len(), names.len());
                return Err(format!("`{name}` has {wanted} parameters, found {found}"));
            }
            let pair = |(&name, &formal): (&&str, &u32)| match self.find(name)? {
                Binding::Local(actual) => {
                    let bytes = |index: u32| self.local.place(index as usize).bytes;
                    if bytes(actual) != bytes(formal) {
                        return Err(format!("`{name}` has another size than the parameter"));
                    }
                    Ok((actual, formal))
                }
                _ => Err(format!("`{name}` is no parameter of a call")),
            };
            let pairs = names.iter().zip(formal).map(pair);
            pairs.collect::<Result<Vec<(u32, u32)>, String>>()
        };
        let passed = pairs(passed, &entry.parameters)?;
        let returned = pairs(returned, &entry.returned)?;
        Ok(Operation::Call(Box::new(Call {
            target: entry.start,
            function: entry.number,
            returns: entry.returns,
            passed: passed.into(),
            returned: returned.into(),
        })))
    }

    pub(super) fn ret(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        words.take("uni");
        self.count::<0>(operands)?;
        Ok(match self.current {
            None => Operation::Exit,
            Some(name) => Operation::Return(self.entries[name].returns),
        })
    }

    pub(super) fn fence(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        self.count::<0>(operands)?;
        words.take_one(&[("sc", ()), ("acq_rel", ())]);
        // Within a block everyone sees memory in order, and barriers are what orders accesses.
        if words.take("cta") {
            return Ok(Operation::Nothing);
        }
        words
            .take_one(&[("gl", ()), ("gpu", ()), ("sys", ())])
            .map(|()| Operation::Fence)
            .ok_or_else(|| format!("`{}` needs a scope", words.name))
    }

    pub(super) fn barrier(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        let is_old = words.name == "bar";
        if is_old && words.take("warp") {
            words.take("sync");
            let [mask] = self.count(operands)?;
            return Ok(Operation::Warp(Box::new(Warp {
                mask: self.value(mask, Kind::B32, Fit::Exact)?,
                action: WarpAction::Sync,
            })));
        }
        words.take("cta");
        let aligned = words.take("aligned") || is_old;
        if words.take("red") {
            return self.barrier_vote(words, operands, aligned);
        }
        let action = if words.take("arrive") {
            BarrierAction::Arrive
        } else if words.take("sync") {
            BarrierAction::Wait
        } else {
            return Err(format!("`{}` needs .sync, .arrive or .red", words.name));
        };
        let (index, threads) = match operands {
            [index] if !matches!(action, BarrierAction::Arrive) => (index, None),
            [index, threads] => (index, Some(threads)),
            _ => return Err("expected the number of a barrier, and how many threads".into()),
        };
        self.finished_barrier(index, threads, action, aligned)
    }

    /// `bar.red`: a barrier that tells for how many a predicate holds.
    fn barrier_vote(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
        aligned: bool,
    ) -> Result<Operation, String> {
        let kind = words.take_kind()?;
        let (to, index, threads, from) = match operands {
            [to, index, from] => (to, index, None, from),
            [to, index, threads, from] => (to, index, Some(threads), from),
            _ => return Err("expected 3 or 4 operands".into()),
        };
        let to = self.target(to, kind, Fit::Exact)?.0;
        let (from, unless) = self.predicate(from)?;
        let action = match kind {
            Kind::U32 if words.take("popc") => BarrierAction::Count { to, from, unless },
            Kind::Pred if words.take("and") => BarrierAction::All { to, from, unless },
            Kind::Pred if words.take("or") => BarrierAction::Any { to, from, unless },
            _ => return words.refuse(kind),
        };
        self.finished_barrier(index, threads, action, aligned)
    }

    fn finished_barrier(
        &mut self,
        index: &Operand<'a>,
        threads: Option<&Operand<'a>>,
        action: BarrierAction,
        aligned: bool,
    ) -> Result<Operation, String> {
        let index = self.value(index, Kind::B32, Fit::Exact)?;
        let threads = match threads {
            None => None,
            Some(threads) => Some(self.value(threads, Kind::B32, Fit::Exact)?),
        };
        Ok(Operation::Barrier(Box::new(Barrier {
            index,
            threads,
            action,
            aligned,
        })))
    }

    /// The mask of what all lanes of a warp do.
    pub(super) fn all_lanes(&mut self) -> Slot {
        self.constant(0xffff_ffff)
    }
}
