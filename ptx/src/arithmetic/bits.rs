//! Bits: logic, shifts, fields and permutations.

use super::words::Words;
use super::{Form, Mode, Pure};
use crate::parse::syntax::Kind;

pub(crate) fn form(words: &mut Words<'_>) -> Result<Option<Form>, String> {
    let form = match words.name {
        "and" | "or" | "xor" | "not" | "cnot" => logic(words)?,
        "shl" | "shr" => shift(words)?,
        "shf" => funnel(words)?,
        "popc" | "clz" | "brev" | "bfind" => count(words)?,
        "bfe" | "bfi" => field(words)?,
        "prmt" => permutation(words)?,
        "lop3" => {
            expect(words, &[Kind::B32])?;
            Form::even(any_logic, Kind::B32, 3)
        }
        _ => return Ok(None),
    };
    Ok(Some(form))
}

/// Takes the last kind, which must be one of these.
fn expect(words: &mut Words<'_>, kinds: &[Kind]) -> Result<Kind, String> {
    let kind = words.take_kind()?;
    if kinds.contains(&kind) {
        Ok(kind)
    } else {
        words.refuse(kind)
    }
}

/// The bits of a kind.
fn mask(kind: Kind) -> u64 {
    match kind.bytes() {
        0 => 1,
        8 => u64::MAX,
        bytes => (1 << (8 * bytes)) - 1,
    }
}

fn logic(words: &mut Words<'_>) -> Result<Form, String> {
    let kinds = [Kind::Pred, Kind::B16, Kind::B32, Kind::B64];
    let kind = expect(words, &kinds)?;
    let (function, count): (Pure, usize) = match words.name {
        "and" => (|_, a, b, _| a & b, 2),
        "or" => (|_, a, b, _| a | b, 2),
        "xor" => (|_, a, b, _| a ^ b, 2),
        "not" => (|mode, a, _, _| !a & mask(mode.to), 1),
        _ if kind == Kind::Pred => return words.refuse(kind),
        _ => (|_, a, _, _| u64::from(a == 0), 1),
    };
    let mut form = Form::even(function, kind, count);
    form.mode.to = kind;
    Ok(form)
}

fn shift(words: &mut Words<'_>) -> Result<Form, String> {
    let kind = words.take_kind()?;
    if kind.is_float() || kind.bytes() < 2 {
        return words.refuse(kind);
    }
    let function: Pure = match (words.name, kind.is_signed()) {
        ("shl", _) => |mode, a, b, _| {
            let bits = 8 * u64::from(mode.to.bytes());
            if b < bits { a << b & mask(mode.to) } else { 0 }
        },
        (_, false) => |_, a, b, _| if b < 64 { a >> b } else { 0 },
        (_, true) => |mode, a, b, _| (signed(a, mode.to) >> b.min(63)) as u64 & mask(mode.to),
    };
    let mut form = Form::even(function, kind, 2);
    form.from[1] = Kind::U32;
    form.mode.to = kind;
    Ok(form)
}

/// A value of a kind with its sign.
fn signed(value: u64, kind: Kind) -> i64 {
    let spare = 64 - 8 * u32::from(kind.bytes());
    (value << spare) as i64 >> spare
}

/// `shf`: 64 bits of two halves, shifted, of which one half is kept.
fn funnel(words: &mut Words<'_>) -> Result<Form, String> {
    expect(words, &[Kind::B32])?;
    let is_left = words.take_one(&[("l", true), ("r", false)]);
    let is_wrapped = words.take_one(&[("wrap", true), ("clamp", false)]);
    let function: Pure = match (is_left, is_wrapped) {
        (Some(true), Some(true)) => |_, a, b, c| (b << 32 | a) << (c & 31) >> 32 & 0xffff_ffff,
        (Some(true), Some(false)) => |_, a, b, c| {
            let both = u128::from(b << 32 | a);
            (both << c.min(32) >> 32) as u64 & 0xffff_ffff
        },
        (Some(false), Some(true)) => |_, a, b, c| (b << 32 | a) >> (c & 31) & 0xffff_ffff,
        (Some(false), Some(false)) => |_, a, b, c| (b << 32 | a) >> c.min(32) & 0xffff_ffff,
        _ => return Err("`shf` needs .l or .r, and .wrap or .clamp".into()),
    };
    Ok(Form::even(function, Kind::B32, 3))
}

fn count(words: &mut Words<'_>) -> Result<Form, String> {
    let kinds = [
        Kind::B32,
        Kind::B64,
        Kind::U32,
        Kind::U64,
        Kind::S32,
        Kind::S64,
    ];
    let kind = expect(words, &kinds)?;
    let is_wide = kind.bytes() == 8;
    let is_logic = matches!(kind, Kind::B32 | Kind::B64);
    let function: Pure = match (words.name, is_wide) {
        ("popc", _) if is_logic => |_, a, _, _| u64::from(a.count_ones()),
        ("clz", false) if is_logic => |_, a, _, _| u64::from((a as u32).leading_zeros()),
        ("clz", true) if is_logic => |_, a, _, _| u64::from(a.leading_zeros()),
        ("brev", false) if is_logic => |_, a, _, _| u64::from((a as u32).reverse_bits()),
        ("brev", true) if is_logic => |_, a, _, _| a.reverse_bits(),
        ("bfind", _) if words.take("shiftamt") => |mode, a, _, _| find(mode, a, true),
        ("bfind", _) if !is_logic => |mode, a, _, _| find(mode, a, false),
        _ => return words.refuse(kind),
    };
    let mut form = Form::even(function, kind, 1);
    form.mode.from = kind;
    if words.name != "brev" {
        form.to = Kind::U32;
    }
    Ok(form)
}

/// The highest bit that is not the sign; all ones where there is none.
fn find(mode: Mode, a: u64, is_shift: bool) -> u64 {
    let bits = 8 * u32::from(mode.from.bytes());
    let is_negative = mode.from.is_signed() && signed(a, mode.from) < 0;
    let value = if is_negative { !a & mask(mode.from) } else { a };
    if value == 0 {
        return 0xffff_ffff;
    }
    let place = 63 - value.leading_zeros();
    u64::from(if is_shift { bits - 1 - place } else { place })
}

/// `bfe` and `bfi`: position and length are bytes.
fn field(words: &mut Words<'_>) -> Result<Form, String> {
    let kind = words.take_kind()?;
    if words.name == "bfi" {
        if !matches!(kind, Kind::B32 | Kind::B64) {
            return words.refuse(kind);
        }
        // Place and length come in one slot, since functions take three.
        let function: Pure = |mode, a, b, place| {
            let bits = 8 * u64::from(mode.to.bytes());
            let (position, length) = (place & 0xff, place >> 8 & 0xff);
            let position_mask = if position < bits {
                mask_of(length) << position & mask(mode.to)
            } else {
                0
            };
            let shifted = if position < bits { a << position } else { 0 };
            b & !position_mask | shifted & position_mask
        };
        let mut form = Form::even(function, kind, 4);
        form.from[2] = Kind::U32;
        form.from[3] = Kind::U32;
        form.mode.to = kind;
        return Ok(form);
    }
    if !matches!(kind, Kind::U32 | Kind::U64 | Kind::S32 | Kind::S64) {
        return words.refuse(kind);
    }
    let mut form = Form::even(extract, kind, 3);
    form.from[1] = Kind::U32;
    form.from[2] = Kind::U32;
    form.mode.to = kind;
    Ok(form)
}

/// So many ones.
fn mask_of(length: u64) -> u64 {
    if length < 64 {
        (1 << length) - 1
    } else {
        u64::MAX
    }
}

fn extract(mode: Mode, a: u64, position: u64, length: u64) -> u64 {
    let bits = 8 * u64::from(mode.to.bytes());
    let (position, length) = (position & 0xff, length & 0xff);
    let value = if position < 64 { a >> position } else { 0 };
    let field = value & mask_of(length);
    if !mode.to.is_signed() || length == 0 {
        return field;
    }
    let sign_place = (position + length - 1).min(bits - 1);
    let is_negative = a >> sign_place & 1 == 1;
    // Above the field, and above the value where the field goes beyond it.
    let held = length.min(bits.saturating_sub(position));
    if is_negative {
        (field | !mask_of(held)) & mask(mode.to)
    } else {
        field
    }
}

fn permutation(words: &mut Words<'_>) -> Result<Form, String> {
    // The mode follows the kind.
    let modes: [(&str, Pure); 6] = [
        ("f4e", |_, a, b, c| chosen(a, b, c, |k, c| c + k)),
        ("b4e", |_, a, b, c| {
            chosen(a, b, c, |k, c| c.wrapping_sub(k))
        }),
        ("rc8", |_, a, b, c| chosen(a, b, c, |_, c| c)),
        ("ecl", |_, a, b, c| chosen(a, b, c, |k, c| k.max(c))),
        ("ecr", |_, a, b, c| chosen(a, b, c, |k, c| k.min(c))),
        ("rc16", |_, a, b, c| {
            chosen(a, b, c, |k, c| (c & 1) * 2 + k % 2)
        }),
    ];
    let special = words.take_one(&modes);
    expect(words, &[Kind::B32])?;
    Ok(Form::even(special.unwrap_or(permute), Kind::B32, 3))
}

/// Four bytes of eight, by place and the two lowest bits of the selector.
fn chosen(a: u64, b: u64, selector: u64, place: fn(u64, u64) -> u64) -> u64 {
    let both = b << 32 | a;
    (0..4).fold(0, |found, k| {
        let place = place(k, selector & 3) & 7;
        found | (both >> (8 * place) & 0xff) << (8 * k)
    })
}

/// Four bytes of eight; with bit 3 of a selector, its sign eight times over.
fn permute(_: Mode, a: u64, b: u64, selector: u64) -> u64 {
    let both = b << 32 | a;
    (0..4).fold(0, |found, k| {
        let choice = selector >> (4 * k) & 0xf;
        let byte = (both >> (8 * (choice & 7))) as u8;
        let byte = match (choice & 8 != 0, byte & 0x80 != 0) {
            (false, _) => byte,
            (true, true) => 0xff,
            (true, false) => 0,
        };
        found | u64::from(byte) << (8 * k)
    })
}

/// Any function of three bits: bit `a * 4 + b * 2 + c` of a table.
fn any_logic(mode: Mode, a: u64, b: u64, c: u64) -> u64 {
    let found = (0..8_u8).filter(|row| mode.extra >> row & 1 == 1);
    let pick = |value: u64, is_set: bool| if is_set { value } else { !value };
    found.fold(0, |sum, row| {
        sum | pick(a, row & 4 != 0) & pick(b, row & 2 != 0) & pick(c, row & 1 != 0)
    }) & 0xffff_ffff
}
