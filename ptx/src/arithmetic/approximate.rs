//! Instructions that PTX allows to be a little wrong. Here they are computed in double precision
//! and rounded once, so that a kernel's own error is what a test sees.

use super::float::{finish, finish_64, single};
use super::rounding::{HALF, Rounding, narrow, widen};
use super::words::Words;
use super::{Form, Mode, Pure};
use crate::parse::syntax::Kind;

pub(crate) fn form(words: &mut Words<'_>) -> Result<Option<Form>, String> {
    let name = words.name;
    let function: Pure = match name {
        "div" if words.take("full") => div_full,
        "div" | "rcp" | "sqrt" | "rsqrt" | "ex2" | "lg2" | "sin" | "cos" | "tanh"
            if words.take("approx") =>
        {
            match name {
                "div" => div_approx,
                "rcp" => |mode, a, _, _| of(mode, a, |a| 1.0 / a),
                "sqrt" => |mode, a, _, _| of(mode, a, f64::sqrt),
                "rsqrt" => |mode, a, _, _| of(mode, a, |a| 1.0 / a.sqrt()),
                "ex2" => |mode, a, _, _| of(mode, a, f64::exp2),
                "lg2" => |mode, a, _, _| of(mode, a, f64::log2),
                "sin" => |mode, a, _, _| of(mode, a, f64::sin),
                "cos" => |mode, a, _, _| of(mode, a, f64::cos),
                _ => |mode, a, _, _| of(mode, a, f64::tanh),
            }
        }
        _ => return Ok(None),
    };
    let kind = words.take_kind()?;
    let mut form = Form::even(function, kind, if name == "div" { 2 } else { 1 });
    form.flops = 1;
    form.mode.flush = words.take("ftz");
    match (name, kind) {
        (_, Kind::F32) => {}
        ("ex2" | "tanh", Kind::F16 | Kind::F16x2) => {
            let is_power = name == "ex2";
            form.function = if is_power {
                |_, a, _, _| halves(a, f64::exp2)
            } else {
                |_, a, _, _| halves(a, f64::tanh)
            };
            if kind == Kind::F16 {
                form.function = if is_power {
                    |_, a, _, _| half(a as u32, f64::exp2)
                } else {
                    |_, a, _, _| half(a as u32, f64::tanh)
                };
            }
        }
        ("rcp", Kind::F64) if form.mode.flush => form.function = reciprocal_64,
        _ => return words.refuse(kind),
    }
    Ok(Some(form))
}

fn of(mode: Mode, a: u64, function: fn(f64) -> f64) -> u64 {
    finish(mode, function(single(mode, a).into()) as f32)
}

fn half(bits: u32, function: fn(f64) -> f64) -> u64 {
    u64::from(narrow(function(widen(bits, HALF)), HALF, Rounding::Nearest))
}

fn halves(a: u64, function: fn(f64) -> f64) -> u64 {
    half(a as u32 & 0xffff, function) | half(a as u32 >> 16, function) << 16
}

/// A divisor above 2^126 gives zero, as it does on the hardware.
fn div_approx(mode: Mode, a: u64, b: u64, _: u64) -> u64 {
    let (a, b) = (single(mode, a), single(mode, b));
    let limit = f32::from_bits(0x7e80_0000);
    if b.abs() > limit && b.is_finite() {
        let quotient = if a.is_finite() { 0.0 } else { f32::NAN };
        return finish(mode, quotient.copysign(a * b));
    }
    finish(mode, a / b)
}

/// Scaled where `div.approx` would fail.
fn div_full(mode: Mode, a: u64, b: u64, _: u64) -> u64 {
    finish(mode, single(mode, a) / single(mode, b))
}

/// `rcp.approx.ftz.f64`: the upper 32 bits alone are read and written.
fn reciprocal_64(_: Mode, a: u64, _: u64, _: u64) -> u64 {
    let upper = 0xffff_ffff_0000_0000;
    let value = f64::from_bits(a & upper);
    let value = if value.is_subnormal() {
        0.0_f64.copysign(value)
    } else {
        value
    };
    let found = 1.0 / value;
    if found.is_subnormal() {
        return 0.0_f64.copysign(found).to_bits();
    }
    finish_64(found) & upper
}
