//! Whole numbers. Sums and products wrap.

use super::words::Words;
use super::{Form, Mode, Pure};
use crate::parse::syntax::Kind;

/// A whole number of a slot.
trait Whole: Copy + Ord {
    const BITS: u32;
    fn of(slot: u64) -> Self;
    fn slot(self) -> u64;
    fn wide(self) -> i128;
    /// The lowest bits.
    fn cut(wide: i128) -> Self;
}

macro_rules! whole {
    ($($kind:ident $unsigned:ident),*) => {$(
        impl Whole for $kind {
            const BITS: u32 = $kind::BITS;
            fn of(slot: u64) -> Self {
                slot as $kind
            }
            fn slot(self) -> u64 {
                u64::from(self as $unsigned)
            }
            fn wide(self) -> i128 {
                i128::from(self)
            }
            fn cut(wide: i128) -> Self {
                wide as $kind
            }
        }
    )*};
}
whole!(u16 u16, u32 u32, u64 u64, i16 u16, i32 u32, i64 u64);

/// The instance of a generic function for a kind.
macro_rules! choose {
    ($words:expr, $kind:expr, $function:ident) => {
        match $kind {
            Kind::U16 | Kind::B16 => $function::<u16> as Pure,
            Kind::U32 | Kind::B32 => $function::<u32>,
            Kind::U64 | Kind::B64 => $function::<u64>,
            Kind::S16 => $function::<i16>,
            Kind::S32 => $function::<i32>,
            Kind::S64 => $function::<i64>,
            other => return $words.refuse(other),
        }
    };
}

pub(crate) fn form(words: &mut Words<'_>) -> Result<Option<Form>, String> {
    let Some(kind) = words.last_kind() else {
        return Ok(None);
    };
    if kind.is_float() || kind == Kind::Pred {
        return Ok(None);
    }
    let name = words.name;
    let (function, count) = match name {
        "mul" | "mad" | "mul24" | "mad24" => return product(words).map(Some),
        "dp4a" => return dot(words).map(Some),
        "add" if words.take("sat") => (choose!(words, kind, add_saturated), 2),
        "sub" if words.take("sat") => (choose!(words, kind, sub_saturated), 2),
        "add" => (choose!(words, kind, add), 2),
        "sub" => (choose!(words, kind, sub), 2),
        "div" => (choose!(words, kind, div), 2),
        "rem" => (choose!(words, kind, rem), 2),
        "abs" => (choose!(words, kind, abs), 1),
        "neg" => (choose!(words, kind, neg), 1),
        "min" => (choose!(words, kind, min), 2),
        "max" => (choose!(words, kind, max), 2),
        "sad" => (choose!(words, kind, sad), 3),
        _ => return Ok(None),
    };
    words.take_kind()?;
    Ok(Some(Form::even(function, kind, count)))
}

/// `mul` and `mad`: the lower half, the upper half or the whole.
fn product(words: &mut Words<'_>) -> Result<Form, String> {
    let kind = words.take_kind()?;
    let is_24 = words.name.ends_with("24");
    let count = if words.name.starts_with("mad") { 3 } else { 2 };
    if is_24 {
        let function: Pure = match (kind, words.take("lo"), words.take("hi")) {
            (Kind::U32, true, false) => mul24_lo::<u32>,
            (Kind::S32, true, false) => mul24_lo::<i32>,
            (Kind::U32, false, true) => mul24_hi::<u32>,
            (Kind::S32, false, true) => mul24_hi::<i32>,
            _ => return words.refuse(kind),
        };
        return Ok(Form::even(function, kind, count));
    }
    if words.take("wide") {
        let to = match kind {
            Kind::U16 => Kind::U32,
            Kind::S16 => Kind::S32,
            Kind::U32 => Kind::U64,
            Kind::S32 => Kind::S64,
            _ => return words.refuse(kind),
        };
        let mut form = Form::even(choose!(words, kind, wide), kind, count);
        form.to = to;
        if count == 3 {
            form.from[2] = to;
        }
        return Ok(form);
    }
    let function = if words.take("hi") {
        choose!(words, kind, high)
    } else if words.take("lo") {
        choose!(words, kind, low)
    } else {
        return Err(format!("`{}` needs .lo, .hi or .wide", words.name));
    };
    Ok(Form::even(function, kind, count))
}

/// `dp4a`: four products of bytes and a sum.
fn dot(words: &mut Words<'_>) -> Result<Form, String> {
    let b = words.take_kind()?;
    let a = words.take_kind()?;
    let function: Pure = match (a, b) {
        (Kind::U32, Kind::U32) => |_, a, b, c| four_products(a, b, c, false, false),
        (Kind::U32, Kind::S32) => |_, a, b, c| four_products(a, b, c, false, true),
        (Kind::S32, Kind::U32) => |_, a, b, c| four_products(a, b, c, true, false),
        (Kind::S32, Kind::S32) => |_, a, b, c| four_products(a, b, c, true, true),
        _ => return words.refuse(a),
    };
    Ok(Form::even(function, Kind::B32, 3))
}

fn four_products(a: u64, b: u64, c: u64, a_signed: bool, b_signed: bool) -> u64 {
    let byte = |slot: u64, place: u32, is_signed: bool| {
        let byte = (slot >> (8 * place)) as u8;
        if is_signed {
            i64::from(byte as i8)
        } else {
            i64::from(byte)
        }
    };
    let sum: i64 = (0..4)
        .map(|place| byte(a, place, a_signed) * byte(b, place, b_signed))
        .sum();
    u64::from((c as u32).wrapping_add(sum as u32))
}

fn add<T: Whole>(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    T::of(a.wrapping_add(b)).slot()
}

fn sub<T: Whole>(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    T::of(a.wrapping_sub(b)).slot()
}

/// The nearest that `T` holds.
fn clamped<T: Whole>(value: i128) -> u64 {
    let is_signed = T::cut(-1).wide() < 0;
    let bits = T::BITS - u32::from(is_signed);
    let most = (1_i128 << bits) - 1;
    let least = if is_signed { -most - 1 } else { 0 };
    T::cut(value.clamp(least, most)).slot()
}

fn add_saturated<T: Whole>(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    clamped::<T>(T::of(a).wide() + T::of(b).wide())
}

fn sub_saturated<T: Whole>(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    clamped::<T>(T::of(a).wide() - T::of(b).wide())
}

/// By zero: all ones, as the hardware has it; PTX leaves it open.
fn div<T: Whole>(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    let (a, b) = (T::of(a).wide(), T::of(b).wide());
    T::cut(a.checked_div(b).unwrap_or(-1)).slot()
}

fn rem<T: Whole>(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    let (a, b) = (T::of(a).wide(), T::of(b).wide());
    T::cut(a.checked_rem(b).unwrap_or(-1)).slot()
}

fn abs<T: Whole>(_: Mode, a: u64, _: u64, _: u64) -> u64 {
    T::cut(T::of(a).wide().abs()).slot()
}

fn neg<T: Whole>(_: Mode, a: u64, _: u64, _: u64) -> u64 {
    T::cut(-T::of(a).wide()).slot()
}

fn min<T: Whole>(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    T::of(a).min(T::of(b)).slot()
}

fn max<T: Whole>(_: Mode, a: u64, b: u64, _: u64) -> u64 {
    T::of(a).max(T::of(b)).slot()
}

fn sad<T: Whole>(_: Mode, a: u64, b: u64, c: u64) -> u64 {
    let distance = (T::of(a).wide() - T::of(b).wide()).abs();
    T::cut(T::of(c).wide() + distance).slot()
}

fn low<T: Whole>(_: Mode, a: u64, b: u64, c: u64) -> u64 {
    T::of(a.wrapping_mul(b).wrapping_add(c)).slot()
}

/// A product of 64-bit numbers needs 128 bits, and its sign: `i128` holds that of `u64` modulo
/// 2^128, of which the upper half is still right.
fn high<T: Whole>(_: Mode, a: u64, b: u64, c: u64) -> u64 {
    let product = T::of(a).wide().wrapping_mul(T::of(b).wide());
    let upper = T::cut(product >> T::BITS);
    T::of(upper.slot().wrapping_add(c)).slot()
}

fn wide<T: Whole>(_: Mode, a: u64, b: u64, c: u64) -> u64 {
    let product = T::of(a).wide() * T::of(b).wide();
    let sum = (product as u64).wrapping_add(c);
    if T::BITS == 16 {
        sum & 0xffff_ffff
    } else {
        sum
    }
}

/// The lower 24 bits of a value, with their sign.
fn of_24<T: Whole>(slot: u64) -> i128 {
    let is_signed = T::cut(-1).wide() < 0;
    let lower = (slot as i32) << 8;
    if is_signed {
        i128::from(lower >> 8)
    } else {
        i128::from(lower as u32 >> 8)
    }
}

fn mul24_lo<T: Whole>(_: Mode, a: u64, b: u64, c: u64) -> u64 {
    let product = of_24::<T>(a) * of_24::<T>(b);
    T::cut(product + i128::from(c)).slot()
}

fn mul24_hi<T: Whole>(_: Mode, a: u64, b: u64, c: u64) -> u64 {
    let product = of_24::<T>(a) * of_24::<T>(b);
    T::cut((product >> 16) + i128::from(c)).slot()
}
