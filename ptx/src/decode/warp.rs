//! What the lanes of a warp do together.

use super::builder::Builder;
use super::memory::take_space;
use super::operands::Fit;
use crate::arithmetic::words::Words;
use crate::instruction::{
    Inputs, Matrices, Multiply, Operation, SINK, Shuffle, Slot, Space, Vote, Warp, WarpAction, ZERO,
};
use crate::parse::syntax::{Kind, Operand};

impl<'a> Builder<'a> {
    pub(super) fn shuffle(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        let modes = [
            ("up", Shuffle::Up),
            ("down", Shuffle::Down),
            ("bfly", Shuffle::Butterfly),
            ("idx", Shuffle::Index),
        ];
        if !words.take("sync") {
            return Err("`shfl` without .sync is no longer in PTX".into());
        }
        let mode = words.take_one(&modes).ok_or("`shfl` needs a mode")?;
        let kind = words.take_kind()?;
        if kind != Kind::B32 {
            return words.refuse(kind);
        }
        let [to, from, lane, clamp, mask] = self.count(operands)?;
        let (to, inside) = match to {
            Operand::Two(to, inside) => (
                self.target(&Operand::Name(to), kind, Fit::Exact)?.0,
                self.target(&Operand::Name(inside), Kind::Pred, Fit::Exact)?
                    .0,
            ),
            to => (self.target(to, kind, Fit::Exact)?.0, SINK),
        };
        let mut value = |operand| self.value(operand, kind, Fit::Exact);
        let action = WarpAction::Shuffle {
            mode,
            to,
            inside,
            from: value(from)?,
            lane: value(lane)?,
            clamp: value(clamp)?,
        };
        let mask = value(mask)?;
        Ok(Operation::Warp(Box::new(Warp { mask, action })))
    }

    pub(super) fn vote(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        let modes = [
            ("all", Vote::All),
            ("any", Vote::Any),
            ("uni", Vote::Same),
            ("ballot", Vote::Ballot),
        ];
        if !words.take("sync") {
            return Err("`vote` without .sync is no longer in PTX".into());
        }
        let mode = words.take_one(&modes).ok_or("`vote` needs a mode")?;
        let kind = words.take_kind()?;
        let needed = if mode == Vote::Ballot {
            Kind::B32
        } else {
            Kind::Pred
        };
        if kind != needed {
            return words.refuse(kind);
        }
        let [to, from, mask] = self.count(operands)?;
        let to = self.target(to, kind, Fit::Exact)?.0;
        let (from, unless) = self.predicate(from)?;
        Ok(Operation::Warp(Box::new(Warp {
            mask: self.value(mask, Kind::B32, Fit::Exact)?,
            action: WarpAction::Vote {
                mode,
                to,
                from,
                unless,
            },
        })))
    }

    pub(super) fn matrices(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<Operation, String> {
        let [to, from] = self.count(operands)?;
        let kind = words.take_kind()?;
        let is_known = words.take("sync") && words.take("aligned") && words.take("m8n8");
        let count = words.take_one(&[("x1", 1), ("x2", 2), ("x4", 4)]);
        let transposed = words.take("trans");
        let (true, Some(count), Kind::B16) = (is_known, count, kind) else {
            return Err("expected `ldmatrix.sync.aligned.m8n8.x1.shared.b16`, x2 or x4".into());
        };
        let space = take_space(words);
        if !matches!(space, Space::Shared | Space::Generic) {
            return Err("`ldmatrix` reads shared memory".into());
        }
        let mut slots = [SINK; 4];
        self.targets(to, Kind::B32, &mut slots[..count])?;
        let action = WarpAction::Matrices(Matrices {
            address: self.address(from, space)?,
            count: count as u8,
            transposed,
            to: slots,
        });
        let mask = self.all_lanes();
        Ok(Operation::Warp(Box::new(Warp { mask, action })))
    }

    /// Registers of a fragment.
    fn targets(
        &mut self,
        operand: &Operand<'a>,
        kind: Kind,
        into: &mut [Slot],
    ) -> Result<(), String> {
        let parts = fragment(operand, into.len())?;
        for (slot, part) in into.iter_mut().zip(parts) {
            *slot = self.target(part, kind, Fit::Exact)?.0;
        }
        Ok(())
    }

    /// Values of a fragment.
    fn values(
        &mut self,
        operand: &Operand<'a>,
        kind: Kind,
        into: &mut [Slot],
    ) -> Result<(), String> {
        let parts = fragment(operand, into.len())?;
        for (slot, part) in into.iter_mut().zip(parts) {
            *slot = self.value(part, kind, Fit::Exact)?;
        }
        Ok(())
    }

    /// `mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32` and its like.
    pub(super) fn multiply(
        &mut self,
        words: &mut Words<'_>,
        operands: &[Operand<'a>],
    ) -> Result<(Operation, u16), String> {
        let opcode_is_known = words.take("sync") && words.take("aligned");
        let shape = words.take_one(&[("m16n8k4", 4), ("m16n8k8", 8), ("m16n8k16", 16)]);
        let is_row_col = words.take("row") && words.take("col");
        // Accumulators, B, A and the result, from the end.
        let kinds = (0..4)
            .map(|_| words.take_kind())
            .collect::<Result<Vec<Kind>, String>>()?;
        words.finish()?;
        let inputs = match (kinds[1], kinds[2]) {
            (Kind::F16, Kind::F16) => Some(Inputs::F16),
            (Kind::Bf16, Kind::Bf16) => Some(Inputs::Bf16),
            (Kind::Tf32, Kind::Tf32) => Some(Inputs::Tf32),
            _ => None,
        };
        let is_single = kinds[0] == Kind::F32 && kinds[3] == Kind::F32;
        let (true, true, true, Some(depth), Some(inputs)) =
            (opcode_is_known, is_row_col, is_single, shape, inputs)
        else {
            return Err("expected m16n8 with row, col and sums of f32".into());
        };
        // 16-bit values lie in pairs.
        let in_a = match (inputs, depth) {
            (Inputs::F16 | Inputs::Bf16, 8) | (Inputs::Tf32, 4) => 2,
            (Inputs::F16 | Inputs::Bf16, 16) | (Inputs::Tf32, 8) => 4,
            _ => return Err(format!("no such product has a depth of {depth}")),
        };
        let [d, a, b, c] = self.count(operands)?;
        let mut multiply = Multiply {
            inputs,
            depth,
            d: [SINK; 4],
            a: [ZERO; 4],
            b: [ZERO; 2],
            c: [ZERO; 4],
        };
        self.targets(d, Kind::F32, &mut multiply.d)?;
        self.values(a, Kind::B32, &mut multiply.a[..in_a])?;
        self.values(b, Kind::B32, &mut multiply.b[..in_a / 2])?;
        self.values(c, Kind::F32, &mut multiply.c)?;
        // Of the whole warp: a lane does 16 * 8 * depth * 2 / 32.
        let flops = 8 * u16::from(depth);
        let mask = self.all_lanes();
        let action = WarpAction::Multiply(multiply);
        Ok((Operation::Warp(Box::new(Warp { mask, action })), flops))
    }
}

/// The parts of a fragment of so many registers.
fn fragment<'o, 'a>(operand: &'o Operand<'a>, wanted: usize) -> Result<&'o [Operand<'a>], String> {
    let parts = match operand {
        Operand::Vector(parts) => &parts[..],
        one => std::slice::from_ref(one),
    };
    match parts.len() {
        found if found == wanted => Ok(parts),
        found => Err(format!(
            "expected a fragment of {wanted} registers, found {found}"
        )),
    }
}
