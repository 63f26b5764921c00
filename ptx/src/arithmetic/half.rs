//! Half precision and bfloat16, alone and in pairs. Every result is exact in double precision
//! but for a rest, and rounded once.

use super::float::least;
use super::rounding::{BRAIN, Format, HALF, Rounding, exact_sum, narrow, to_odd, widen};
use super::words::Words;
use super::{Form, Mode, Pure};
use crate::parse::syntax::Kind;

pub(crate) fn form(words: &mut Words<'_>) -> Result<Option<Form>, String> {
    let kind = match words.last_kind() {
        Some(kind @ (Kind::F16 | Kind::F16x2 | Kind::Bf16 | Kind::Bf16x2)) => kind,
        _ => return Ok(None),
    };
    let (function, count, flops): (Pure, usize, u16) = match words.name {
        "add" => (
            |m, a, b, _| each(m, a, b, 0, |a, b, _| exact_sum(a, b)),
            2,
            1,
        ),
        "sub" => (
            |m, a, b, _| each(m, a, b, 0, |a, b, _| exact_sum(a, -b)),
            2,
            1,
        ),
        "mul" => (|m, a, b, _| each(m, a, b, 0, |a, b, _| (a * b, 0.0)), 2, 1),
        "fma" => (
            |m, a, b, c| each(m, a, b, c, |a, b, c| exact_sum(a * b, c)),
            3,
            2,
        ),
        "min" => (
            |m, a, b, _| each(m, a, b, 0, |a, b, _| (least(a, b, false), 0.0)),
            2,
            0,
        ),
        "max" => (
            |m, a, b, _| each(m, a, b, 0, |a, b, _| (-least(-a, -b, false), 0.0)),
            2,
            0,
        ),
        "neg" => (|m, a, _, _| each(m, a, 0, 0, |a, _, _| (-a, 0.0)), 1, 0),
        "abs" => (
            |m, a, _, _| each(m, a, 0, 0, |a, _, _| (a.abs(), 0.0)),
            1,
            0,
        ),
        _ => return Ok(None),
    };
    words.take_kind()?;
    let is_pair = matches!(kind, Kind::F16x2 | Kind::Bf16x2);
    let mut form = Form::even(function, kind, count);
    form.flops = if is_pair { 2 * flops } else { flops };
    if flops > 0 {
        words.take("rn");
        form.mode.saturate = words.take("sat");
    } else if matches!(words.name, "min" | "max") && words.take("NaN") {
        form.function = if words.name == "min" {
            |m, a, b, _| each(m, a, b, 0, |a, b, _| (least(a, b, true), 0.0))
        } else {
            |m, a, b, _| each(m, a, b, 0, |a, b, _| (-least(-a, -b, true), 0.0))
        };
    }
    form.mode.flush = matches!(kind, Kind::F16 | Kind::F16x2) && words.take("ftz");
    form.mode.from = kind;
    Ok(Some(form))
}

/// Applies a function to one value or to both of a pair.
fn each(mode: Mode, a: u64, b: u64, c: u64, function: fn(f64, f64, f64) -> (f64, f64)) -> u64 {
    let (format, is_pair) = match mode.from {
        Kind::F16 => (HALF, false),
        Kind::F16x2 => (HALF, true),
        Kind::Bf16 => (BRAIN, false),
        _ => (BRAIN, true),
    };
    let one = |place: u32| {
        let value = |slot: u64| read(mode, (slot >> place) as u32 & 0xffff, format);
        let (sum, rest) = function(value(a), value(b), value(c));
        u64::from(write(mode, to_odd(sum, rest), format))
    };
    if is_pair {
        one(0) | one(16) << 16
    } else {
        one(0)
    }
}

fn read(mode: Mode, bits: u32, format: Format) -> f64 {
    let is_subnormal = bits & 0x7c00 == 0;
    if mode.flush && is_subnormal {
        return widen(bits & 0x8000, format);
    }
    widen(bits, format)
}

fn write(mode: Mode, value: f64, format: Format) -> u32 {
    if mode.saturate {
        // What is no number becomes zero.
        let value = if value > 0.0 { value.min(1.0) } else { 0.0 };
        return narrow(value, format, Rounding::Nearest);
    }
    let bits = narrow(value, format, Rounding::Nearest);
    if mode.flush && bits & 0x7c00 == 0 {
        bits & 0x8000
    } else {
        bits
    }
}

/// A value of half precision.
pub(super) fn half_value(mode: Mode, bits: u32) -> f64 {
    read(mode, bits & 0xffff, HALF)
}

/// A value of bfloat16.
pub(super) fn brain_value(bits: u32) -> f64 {
    widen(bits & 0xffff, BRAIN)
}
