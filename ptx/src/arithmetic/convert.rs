//! `cvt`: between all kinds of numbers, with every rounding.

use super::rounding::{
    BRAIN, HALF, NAN_32, Rounding, SINGLE, TENSOR, narrow, whole, whole_to_odd, widen,
};
use super::words::Words;
use super::{Form, Mode, Pure};
use crate::parse::syntax::Kind;

pub(crate) fn form(words: &mut Words<'_>) -> Result<Option<Form>, String> {
    if words.name != "cvt" {
        return Ok(None);
    }
    let from = words.take_kind()?;
    let to = words.take_kind()?;
    let mut mode = Mode::PLAIN;
    (mode.from, mode.to) = (from, to);
    mode.flush = words.take("ftz");
    mode.saturate = words.take("sat");
    let is_logic = |kind| {
        matches!(
            kind,
            Kind::Pred | Kind::B8 | Kind::B16 | Kind::B32 | Kind::B64
        )
    };
    if is_logic(from) || is_logic(to) {
        return words.refuse(if is_logic(to) { to } else { from });
    }
    let is_pair = |kind| matches!(kind, Kind::F16x2 | Kind::Bf16x2);
    if is_pair(to) && from == Kind::F32 {
        mode.rounding = needed(words.take_rounding(), to)?;
        mode.extra = u8::from(words.take("relu"));
        let mut form = Form::even(pair, from, 2);
        form.to = to;
        form.mode = mode;
        return Ok(Some(form));
    }
    if is_pair(from) || is_pair(to) || from == Kind::Tf32 {
        return words.refuse(from);
    }
    let value = words.take_rounding();
    let to_whole = words.take_whole_rounding();
    let function: Pure = match (from.is_float(), to.is_float()) {
        (false, false) => whole_to_whole,
        (false, true) => {
            mode.rounding = needed(value, to)?;
            whole_to_float
        }
        (true, false) => {
            mode.rounding = needed(to_whole, to)?;
            float_to_whole
        }
        (true, true) => {
            if let Some(rounding) = to_whole {
                if from != to {
                    return words.refuse(to);
                }
                mode.rounding = rounding;
                float_to_whole_float
            } else {
                let is_narrower = to.bytes() < from.bytes() || to == Kind::Tf32;
                mode.rounding = match value {
                    Some(rounding) => rounding,
                    None if is_narrower => needed(None, to)?,
                    None => Rounding::Nearest,
                };
                if to == Kind::Tf32 && mode.rounding != Rounding::NearestAway {
                    return Err("`cvt` to `.tf32` needs .rna".into());
                }
                float_to_float
            }
        }
    };
    let mut form = Form::even(function, from, 1);
    form.to = to;
    form.mode = mode;
    Ok(Some(form))
}

fn needed(rounding: Option<Rounding>, to: Kind) -> Result<Rounding, String> {
    rounding.ok_or_else(|| {
        let kind = format!("{to:?}").to_lowercase();
        format!("`cvt` to `.{kind}` needs a rounding")
    })
}

/// A whole number with its sign.
fn whole_of(slot: u64, kind: Kind) -> i128 {
    let spare = 64 - 8 * u32::from(kind.bytes());
    if kind.is_signed() {
        i128::from((slot << spare) as i64 >> spare)
    } else {
        i128::from(slot << spare >> spare)
    }
}

/// The least and the largest of a kind.
fn range(kind: Kind) -> (i128, i128) {
    let bits = 8 * u32::from(kind.bytes());
    if kind.is_signed() {
        let most = (1_i128 << (bits - 1)) - 1;
        (-most - 1, most)
    } else {
        (0, (1_i128 << bits) - 1)
    }
}

/// A whole number into a register of `mode.extra` bytes, which may be wider: the sign goes on.
fn into_register(mode: Mode, value: i128) -> u64 {
    let value = whole_of(value as u64, mode.to) as u64;
    let spare = 64 - 8 * u32::from(mode.extra.max(mode.to.bytes()));
    value << spare >> spare
}

fn whole_to_whole(mode: Mode, a: u64, _: u64, _: u64) -> u64 {
    let value = whole_of(a, mode.from);
    let (least, most) = range(mode.to);
    let value = if mode.saturate {
        value.clamp(least, most)
    } else {
        value
    };
    into_register(mode, value)
}

/// A floating point number, exactly.
fn float_of(mode: Mode, slot: u64) -> f64 {
    match mode.from {
        Kind::F16 => widen(slot as u32 & 0xffff, HALF),
        Kind::Bf16 => widen(slot as u32 & 0xffff, BRAIN),
        Kind::F32 => {
            let value = f32::from_bits(slot as u32);
            let is_zero = mode.flush && value.is_subnormal();
            f64::from(if is_zero {
                0.0_f32.copysign(value)
            } else {
                value
            })
        }
        _ => f64::from_bits(slot),
    }
}

/// Rounds a value to the kind that is asked for.
fn into_float(mode: Mode, value: f64) -> u64 {
    let value = if mode.saturate {
        if value > 0.0 { value.min(1.0) } else { 0.0 }
    } else {
        value
    };
    let bits = match mode.to {
        Kind::F16 => narrow(value, HALF, mode.rounding),
        Kind::Bf16 => narrow(value, BRAIN, mode.rounding),
        Kind::Tf32 if value.is_nan() => NAN_32,
        Kind::Tf32 => narrow(value, TENSOR, mode.rounding) << 13,
        Kind::F32 => {
            let bits = narrow(value, SINGLE, mode.rounding);
            let is_subnormal = bits & 0x7f80_0000 == 0;
            if mode.flush && is_subnormal {
                bits & 0x8000_0000
            } else {
                bits
            }
        }
        _ => return super::float::finish_64(value),
    };
    u64::from(bits)
}

fn whole_to_float(mode: Mode, a: u64, _: u64, _: u64) -> u64 {
    let value = whole_of(a, mode.from);
    if mode.to != Kind::F64 {
        return into_float(mode, whole_to_odd(value));
    }
    // `as` rounds to nearest; the others differ by one place.
    let nearest = value as f64;
    let missing = value - nearest as i128;
    let rounded = match mode.rounding {
        Rounding::Down if missing < 0 => nearest.next_down(),
        Rounding::Up if missing > 0 => nearest.next_up(),
        Rounding::Zero if missing < 0 && value > 0 => nearest.next_down(),
        Rounding::Zero if missing > 0 && value < 0 => nearest.next_up(),
        _ => nearest,
    };
    into_float(mode, rounded)
}

/// Out of range is the nearest that there is, and what is no number is zero.
fn float_to_whole(mode: Mode, a: u64, _: u64, _: u64) -> u64 {
    let value = whole(float_of(mode, a), mode.rounding);
    let (least, most) = range(mode.to);
    into_register(mode, (value as i128).clamp(least, most))
}

fn float_to_whole_float(mode: Mode, a: u64, _: u64, _: u64) -> u64 {
    let value = whole(float_of(mode, a), mode.rounding);
    into_float(mode, value)
}

fn float_to_float(mode: Mode, a: u64, _: u64, _: u64) -> u64 {
    into_float(mode, float_of(mode, a))
}

/// `cvt.rn.f16x2.f32 d, a, b`: `a` becomes the upper half.
fn pair(mode: Mode, a: u64, b: u64, _: u64) -> u64 {
    let mut mode = mode;
    let is_relu = mode.extra == 1;
    mode.to = if mode.to == Kind::F16x2 {
        Kind::F16
    } else {
        Kind::Bf16
    };
    let one = |slot| {
        let value = float_of(mode, slot);
        into_float(mode, if is_relu && value < 0.0 { 0.0 } else { value })
    };
    one(a) << 16 | one(b)
}
