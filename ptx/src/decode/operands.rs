//! Operands: what they name, and whether it is of the size that the instruction takes.

use super::builder::Builder;
use super::names::{Binding, special};
use super::program::Constant;
use crate::instruction::{Address, SINK, Slot, Space};
use crate::memory::PARAMETERS;
use crate::parse::syntax::{Kind, Operand};

/// How large a register may be for a kind of value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    Exact,
    /// As for `ld`, `st` and `cvt`: or larger.
    AtLeast,
}

impl<'a> Builder<'a> {
    pub(super) fn find(&self, name: &str) -> Result<Binding, String> {
        self.scopes
            .iter()
            .rev()
            .find_map(|scope| scope.find(name))
            .ok_or_else(|| format!("`{name}` is not known"))
    }

    /// A register and its kind.
    pub(super) fn register(&self, name: &str) -> Result<(Slot, Kind), String> {
        if let Some(found) = special(name) {
            return Ok(found);
        }
        match self.find(name)? {
            Binding::Register(slot, kind) => Ok((slot, kind)),
            _ => Err(format!("`{name}` is no register")),
        }
    }

    fn fitting(&self, name: &str, kind: Kind, fit: Fit) -> Result<(Slot, Kind), String> {
        let (slot, found) = self.register(name)?;
        let is_fitting = match fit {
            Fit::Exact => found.bytes() == kind.bytes(),
            Fit::AtLeast => found.bytes() >= kind.bytes() && kind != Kind::Pred,
        };
        if is_fitting {
            return Ok((slot, found));
        }
        let (found, kind) = (size(found), size(kind));
        Err(format!(
            "`{name}` has {found}, the instruction takes {kind}"
        ))
    }

    /// A register that is written, and its kind; `_` is nowhere.
    pub(super) fn target(
        &self,
        operand: &Operand<'a>,
        kind: Kind,
        fit: Fit,
    ) -> Result<(Slot, Kind), String> {
        match operand {
            Operand::Name("_") => Ok((SINK, kind)),
            Operand::Name(name) if special(name).is_some() => {
                Err(format!("`{name}` cannot be written"))
            }
            Operand::Name(name) => self.fitting(name, kind, fit),
            _ => Err("expected a register as destination".into()),
        }
    }

    /// The slot of a value that is read.
    pub(super) fn value(
        &mut self,
        operand: &Operand<'a>,
        kind: Kind,
        fit: Fit,
    ) -> Result<Slot, String> {
        let bytes = kind.bytes();
        let mask = match bytes {
            8 => u64::MAX,
            bytes => (1 << (8 * u32::from(bytes))) - 1,
        };
        let value = match *operand {
            Operand::Name("WARP_SZ") => 32,
            Operand::Name(name) => {
                if special(name).is_none() && !matches!(self.find(name)?, Binding::Register(..)) {
                    return self.variable_address(name, 0, kind);
                }
                return Ok(self.fitting(name, kind, fit)?.0);
            }
            Operand::Sum(name, added) => return self.variable_address(name, added, kind),
            Operand::Integer(value) if kind == Kind::Pred => value & 1,
            Operand::Integer(value) if !kind.is_float() => value & mask,
            Operand::Single(bits) if bytes == 4 => u64::from(bits),
            Operand::Double(bits) if bytes == 8 => bits,
            Operand::Decimal(value) if kind == Kind::F32 => u64::from((value as f32).to_bits()),
            Operand::Decimal(value) if kind == Kind::F64 => value.to_bits(),
            _ => {
                let kind = size(kind);
                return Err(format!("expected a register or a constant of {kind}"));
            }
        };
        Ok(self.slots.constant(Constant::Value(value)))
    }

    fn variable_address(&mut self, name: &str, added: i64, kind: Kind) -> Result<Slot, String> {
        let constant = self.address_constant(name, added)?;
        // Addresses of shared and local memory fit 32 bits.
        let is_fitting = match constant {
            Constant::Value(_) => kind.bytes() >= 4,
            Constant::Variable(..) => kind.bytes() == 8,
        };
        if !is_fitting || kind.is_float() {
            return Err(format!(
                "the address of `{name}` does not fit {}",
                size(kind)
            ));
        }
        Ok(self.slots.constant(constant))
    }

    /// The address of a variable in its state space.
    fn address_constant(&self, name: &str, added: i64) -> Result<Constant, String> {
        let added = added as u64;
        Ok(match self.find(name)? {
            Binding::Register(..) => return Err(format!("`{name}` is a register, no variable")),
            Binding::Local(index) => {
                Constant::Value(self.local.place(index as usize).start.wrapping_add(added))
            }
            Binding::Shared(index) => {
                Constant::Value(self.shared.place(index as usize).start.wrapping_add(added))
            }
            Binding::Parameter(offset) => {
                Constant::Value((PARAMETERS + u64::from(offset)).wrapping_add(added))
            }
            Binding::Global(index) => Constant::Variable(index, added),
        })
    }

    /// A predicate and whether it is negated.
    pub(super) fn predicate(&mut self, operand: &Operand<'a>) -> Result<(Slot, bool), String> {
        match *operand {
            Operand::Not(name) => Ok((self.fitting(name, Kind::Pred, Fit::Exact)?.0, true)),
            _ => Ok((self.value(operand, Kind::Pred, Fit::Exact)?, false)),
        }
    }

    /// `[base + offset]` in a state space.
    pub(super) fn address(
        &mut self,
        operand: &Operand<'a>,
        space: Space,
    ) -> Result<Address, String> {
        let Operand::Address(base, offset) = *operand else {
            return Err("expected an address in `[ ]`".into());
        };
        let offset =
            i32::try_from(offset).map_err(|_| format!("an offset of {offset} is too far"))?;
        let Some(name) = base else {
            let base = self.slots.constant(Constant::Value(0));
            return Ok(Address {
                space,
                base,
                offset,
            });
        };
        let is_register =
            special(name).is_some() || matches!(self.find(name)?, Binding::Register(..));
        if is_register {
            let (base, kind) = self.register(name)?;
            let is_narrow = matches!(space, Space::Shared | Space::Local | Space::Parameter);
            if kind.bytes() != 8 && !(kind.bytes() == 4 && is_narrow) {
                return Err(format!("`{name}` has {}, no address", size(kind)));
            }
            return Ok(Address {
                space,
                base,
                offset,
            });
        }
        let binding = self.find(name)?;
        let is_home = match binding {
            Binding::Local(_) => matches!(space, Space::Local | Space::Parameter),
            Binding::Shared(_) => space == Space::Shared,
            Binding::Parameter(_) => space == Space::Parameter,
            _ => matches!(space, Space::Global | Space::Constant | Space::Generic),
        };
        if !is_home {
            return Err(format!(
                "`{name}` is not in the state space of the instruction"
            ));
        }
        let constant = self.address_constant(name, 0)?;
        let base = self.slots.constant(constant);
        Ok(Address {
            space,
            base,
            offset,
        })
    }

    /// The operands, if there are as many as it takes.
    pub(super) fn count<'o, const N: usize>(
        &self,
        operands: &'o [Operand<'a>],
    ) -> Result<&'o [Operand<'a>; N], String> {
        operands
            .try_into()
            .map_err(|_| format!("expected {N} operands, found {}", operands.len()))
    }
}

/// A size as a message has it.
fn size(kind: Kind) -> String {
    match kind {
        Kind::Pred => "a predicate".into(),
        kind => format!("{} bits", 8 * u32::from(kind.bytes())),
    }
}
