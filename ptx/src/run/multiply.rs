//! `mma.sync`: products of 16 x K and K x 8 matrices, which lie in the registers of a warp as the
//! PTX ISA, section 9.7.14, has it. Sums are exact but for double precision and rounded once: the
//! order of a device's is not defined.

use super::block::Block;
use super::step::value;
use crate::arithmetic::rounding::{BRAIN, HALF, widen};
use crate::instruction::{Inputs, Multiply};

impl Block<'_> {
    pub(super) fn multiply(&mut self, first: usize, multiply: &Multiply) {
        let depth = usize::from(multiply.depth);
        // [row][k], [k][column], [row][column].
        let mut a = [[0.0; 16]; 16];
        let mut b = [[0.0; 8]; 16];
        let mut sums = [[0.0; 8]; 16];
        for lane in 0..32 {
            let slots = &self.slots[first + lane];
            let (group, inner) = (lane / 4, lane % 4);
            for (register, &slot) in multiply.a.iter().enumerate() {
                let row = group + 8 * (register % 2);
                each(
                    multiply.inputs,
                    inner,
                    register / 2,
                    value(slots, slot),
                    |k, value| {
                        a[row][k] = value;
                    },
                );
            }
            for (register, &slot) in multiply.b.iter().enumerate() {
                each(
                    multiply.inputs,
                    inner,
                    register,
                    value(slots, slot),
                    |k, value| {
                        b[k][group] = value;
                    },
                );
            }
            for (register, &slot) in multiply.c.iter().enumerate() {
                let (row, column) = result(lane, register);
                let sum = f32::from_bits(value(slots, slot) as u32);
                sums[row][column] = f64::from(sum);
            }
        }
        for row in 0..16 {
            for column in 0..8 {
                for k in 0..depth {
                    sums[row][column] += a[row][k] * b[k][column];
                }
            }
        }
        for lane in 0..32 {
            for (register, &slot) in multiply.d.iter().enumerate() {
                let (row, column) = result(lane, register);
                let sum = sums[row][column] as f32;
                let bits = if sum.is_nan() {
                    0x7fff_ffff
                } else {
                    sum.to_bits()
                };
                self.slots[first + lane][slot as usize] = u64::from(bits);
            }
        }
    }
}

/// The values of a register of A or B, each with its place along K: `inner` is the lane within
/// its group of four, `half` which half of K the register is of.
fn each(inputs: Inputs, inner: usize, half: usize, bits: u64, mut put: impl FnMut(usize, f64)) {
    let bits = bits as u32;
    let (format, pairs) = match inputs {
        Inputs::F16 => (HALF, true),
        Inputs::Bf16 => (BRAIN, true),
        Inputs::Tf32 => (HALF, false),
    };
    if pairs {
        let k = 2 * inner + 8 * half;
        put(k, widen(bits & 0xffff, format));
        put(k + 1, widen(bits >> 16, format));
    } else {
        // The lower 13 bits are not looked at.
        put(inner + 4 * half, f32::from_bits(bits & !0x1fff).into());
    }
}

/// Row and column of a register of C or D.
fn result(lane: usize, register: usize) -> (usize, usize) {
    (lane / 4 + 8 * (register / 2), lane % 4 * 2 + register % 2)
}
