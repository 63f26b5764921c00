//! Single and double precision. What is no number is one bit pattern, as the hardware writes it.

use super::rounding::{NAN_32, Rounding, SINGLE, exact_sum, narrow, to_odd};
use super::words::Words;
use super::{Form, Mode, Pure};
use crate::parse::syntax::Kind;

const NAN_64: u64 = 0x7fff_ffff_ffff_ffff;

pub(crate) fn form(words: &mut Words<'_>) -> Result<Option<Form>, String> {
    let Some(kind @ (Kind::F32 | Kind::F64)) = words.last_kind() else {
        return Ok(None);
    };
    let is_single = kind == Kind::F32;
    let pick = |single: Pure, double: Pure| if is_single { single } else { double };
    // The function, how many operands it has, and whether it is rounded.
    let (function, count, is_rounded, flops) = match words.name {
        "add" => (pick(add_32, add_64), 2, true, 1),
        "sub" => (pick(sub_32, sub_64), 2, true, 1),
        "mul" => (pick(mul_32, mul_64), 2, true, 1),
        "fma" | "mad" => (pick(fma_32, fma_64), 3, true, 2),
        "div" | "rcp" | "sqrt" => return rooted(words, kind),
        "abs" => (pick(abs_32, abs_64), 1, false, 0),
        "neg" => (pick(neg_32, neg_64), 1, false, 0),
        "min" => (pick(min_32, min_64), 2, false, 0),
        "max" => (pick(max_32, max_64), 2, false, 0),
        "copysign" => (pick(copysign_32, copysign_64), 2, false, 0),
        _ => return Ok(None),
    };
    words.take_kind()?;
    let mut form = Form::even(function, kind, count);
    form.flops = flops;
    if is_rounded {
        form.mode.rounding = words.take_rounding().unwrap_or(Rounding::Nearest);
        if !is_single && form.mode.rounding != Rounding::Nearest {
            return Err("double precision is rounded to nearest alone here".into());
        }
        form.mode.saturate = is_single && words.take("sat");
    }
    form.mode.flush = is_single && words.take("ftz");
    if matches!(words.name, "min" | "max") && words.take("NaN") {
        form.mode.extra = 1;
    }
    Ok(Some(form))
}

/// Division, reciprocal and square root with their modes of rounding; the approximate ones are
/// `approximate`'s.
fn rooted(words: &mut Words<'_>, kind: Kind) -> Result<Option<Form>, String> {
    let Some(rounding) = words.take_rounding() else {
        return Ok(None);
    };
    words.take_kind()?;
    let is_single = kind == Kind::F32;
    if !is_single && rounding != Rounding::Nearest {
        return Err("double precision is rounded to nearest alone here".into());
    }
    let (single, double, count): (Pure, Pure, usize) = match words.name {
        "div" => (div_32, div_64, 2),
        "rcp" => (rcp_32, rcp_64, 1),
        _ => (sqrt_32, sqrt_64, 1),
    };
    let mut form = Form::even(if is_single { single } else { double }, kind, count);
    form.flops = 1;
    form.mode.rounding = rounding;
    form.mode.flush = is_single && words.take("ftz");
    Ok(Some(form))
}

/// A value of single precision out of a slot.
pub(super) fn single(mode: Mode, slot: u64) -> f32 {
    let value = f32::from_bits(slot as u32);
    if mode.flush && value.is_subnormal() {
        0.0_f32.copysign(value)
    } else {
        value
    }
}

/// A result of single precision into a slot.
pub(super) fn finish(mode: Mode, value: f32) -> u64 {
    if value.is_nan() {
        return if mode.saturate { 0 } else { u64::from(NAN_32) };
    }
    let value = if mode.saturate {
        // Minus zero becomes zero.
        if value > 0.0 { value.min(1.0) } else { 0.0 }
    } else if mode.flush && value.is_subnormal() {
        0.0_f32.copysign(value)
    } else {
        value
    };
    u64::from(value.to_bits())
}

/// Rounds the exact value `sum + rest`.
fn rounded(sum: f64, rest: f64, rounding: Rounding) -> f32 {
    f32::from_bits(narrow(to_odd(sum, rest), SINGLE, rounding))
}

/// The sum of two exact values. Where opposite values cancel, rounding down gives minus zero.
fn rounded_sum(a: f64, b: f64, rounding: Rounding) -> f32 {
    let (sum, rest) = exact_sum(a, b);
    if sum == 0.0 && rounding == Rounding::Down && a.is_sign_negative() != b.is_sign_negative() {
        return -0.0;
    }
    rounded(sum, rest, rounding)
}

fn add_32(mode: Mode, a: u64, b: u64, _: u64) -> u64 {
    let (a, b) = (single(mode, a), single(mode, b));
    let sum = match mode.rounding {
        Rounding::Nearest => a + b,
        rounding => rounded_sum(a.into(), b.into(), rounding),
    };
    finish(mode, sum)
}

fn sub_32(mode: Mode, a: u64, b: u64, c: u64) -> u64 {
    add_32(mode, a, b ^ 0x8000_0000, c)
}

fn mul_32(mode: Mode, a: u64, b: u64, _: u64) -> u64 {
    let (a, b) = (single(mode, a), single(mode, b));
    let product = match mode.rounding {
        Rounding::Nearest => a * b,
        rounding => rounded(f64::from(a) * f64::from(b), 0.0, rounding),
    };
    finish(mode, product)
}

fn fma_32(mode: Mode, a: u64, b: u64, c: u64) -> u64 {
    let (a, b, c) = (single(mode, a), single(mode, b), single(mode, c));
    let sum = match mode.rounding {
        Rounding::Nearest => a.mul_add(b, c),
        // The product of two of single precision is exact in double.
        rounding => rounded_sum(f64::from(a) * f64::from(b), c.into(), rounding),
    };
    finish(mode, sum)
}

fn div_32(mode: Mode, a: u64, b: u64, _: u64) -> u64 {
    let (a, b) = (single(mode, a), single(mode, b));
    let quotient = match mode.rounding {
        Rounding::Nearest => a / b,
        rounding => {
            let (a, b) = (f64::from(a), f64::from(b));
            let quotient = a / b;
            let missing = (-quotient).mul_add(b, a) / b;
            let missing = if missing.is_finite() { missing } else { 0.0 };
            rounded(quotient, missing, rounding)
        }
    };
    finish(mode, quotient)
}

fn rcp_32(mode: Mode, a: u64, _: u64, _: u64) -> u64 {
    div_32(mode, u64::from(1.0_f32.to_bits()), a, 0)
}

fn sqrt_32(mode: Mode, a: u64, _: u64, _: u64) -> u64 {
    let a = single(mode, a);
    let root = match mode.rounding {
        Rounding::Nearest => a.sqrt(),
        rounding => {
            let a = f64::from(a);
            let root = a.sqrt();
            let missing = (-root).mul_add(root, a);
            let missing = if missing.is_finite() { missing } else { 0.0 };
            rounded(root, missing, rounding)
        }
    };
    finish(mode, root)
}

fn abs_32(mode: Mode, a: u64, _: u64, _: u64) -> u64 {
    finish(mode, single(mode, a).abs())
}

fn neg_32(mode: Mode, a: u64, _: u64, _: u64) -> u64 {
    finish(mode, -single(mode, a))
}

fn min_32(mode: Mode, a: u64, b: u64, _: u64) -> u64 {
    let (a, b) = (single(mode, a), single(mode, b));
    finish(mode, least(a.into(), b.into(), mode.extra == 1) as f32)
}

fn max_32(mode: Mode, a: u64, b: u64, _: u64) -> u64 {
    let (a, b) = (single(mode, a), single(mode, b));
    finish(
        mode,
        -least((-a).into(), (-b).into(), mode.extra == 1) as f32,
    )
}

/// The smaller one, minus zero below zero. What is no number is passed over, unless `is_kept`.
pub(super) fn least(a: f64, b: f64, is_kept: bool) -> f64 {
    if is_kept && (a.is_nan() || b.is_nan()) {
        return f64::NAN;
    }
    if a.is_nan() {
        return b;
    }
    if b.is_nan() {
        return a;
    }
    let is_a = a < b || (a == b && a.is_sign_negative());
    if is_a { a } else { b }
}

/// PTX: the sign of the first operand, the magnitude of the second.
fn copysign_32(mode: Mode, a: u64, b: u64, _: u64) -> u64 {
    let _ = mode;
    a & 0x8000_0000 | b & 0x7fff_ffff
}

fn double(slot: u64) -> f64 {
    f64::from_bits(slot)
}

pub(super) fn finish_64(value: f64) -> u64 {
    if value.is_nan() {
        NAN_64
    } else {
        value.to_bits()
    }
}

fn add_64(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    finish_64(double(a) + double(b))
}

fn sub_64(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    finish_64(double(a) - double(b))
}

fn mul_64(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    finish_64(double(a) * double(b))
}

fn fma_64(_: Mode, a: u64, b: u64, c: u64) -> u64 {
    finish_64(double(a).mul_add(double(b), double(c)))
}

fn div_64(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    finish_64(double(a) / double(b))
}

fn rcp_64(_: Mode, a: u64, _: u64, _: u64) -> u64 {
    finish_64(1.0 / double(a))
}

fn sqrt_64(_: Mode, a: u64, _: u64, _: u64) -> u64 {
    finish_64(double(a).sqrt())
}

fn abs_64(_: Mode, a: u64, _: u64, _: u64) -> u64 {
    finish_64(double(a).abs())
}

fn neg_64(_: Mode, a: u64, _: u64, _: u64) -> u64 {
    finish_64(-double(a))
}

fn min_64(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    finish_64(least(double(a), double(b), false))
}

fn max_64(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    finish_64(-least(-double(a), -double(b), false))
}

fn copysign_64(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    let sign = 1 << 63;
    a & sign | b & !sign
}
