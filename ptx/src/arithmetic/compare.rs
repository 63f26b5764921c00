//! Comparisons and choices.

use super::float::single;
use super::half::{brain_value, half_value};
use super::words::Words;
use super::{Form, Mode, Pure};
use crate::parse::syntax::Kind;

pub(crate) fn form(words: &mut Words<'_>) -> Result<Option<Form>, String> {
    match words.name {
        "selp" => {
            let kind = words.take_kind()?;
            let mut form = Form::even(|_, a, b, p| if p == 1 { a } else { b }, kind, 3);
            form.from[2] = Kind::Pred;
            Ok(Some(form))
        }
        "slct" => {
            let by = words.take_kind()?;
            let kind = words.take_kind()?;
            let function: Pure = match by {
                Kind::S32 => |_, a, b, c| if c as i32 >= 0 { a } else { b },
                Kind::F32 => |mode, a, b, c| if single(mode, c) >= 0.0 { a } else { b },
                _ => return words.refuse(by),
            };
            let mut form = Form::even(function, kind, 3);
            form.from[2] = by;
            form.mode.flush = words.take("ftz");
            Ok(Some(form))
        }
        "set" => set(words).map(Some),
        "testp" => test(words).map(Some),
        _ => Ok(None),
    }
}

/// What a comparison finds out of what is compared.
type Relation = fn(std::cmp::Ordering) -> bool;

/// `setp`: what it compares, what it does with a third predicate, and the two results.
pub(crate) struct Comparison {
    pub kind: Kind,
    pub mode: Mode,
    /// `[comparison, its opposite]`, each with the third predicate.
    pub functions: [Pure; 2],
    pub has_third: bool,
}

/// How a comparison is joined with a third predicate.
#[derive(Clone, Copy)]
enum Join {
    None,
    And,
    Or,
    Xor,
}

/// The functions for a relation of a class of values, over all joins.
macro_rules! joined {
    ($class:ident, $relation:ident, $join:expr) => {
        match $join {
            Join::None => [
                (|m, a, b, _| u64::from($class(m, a, b, $relation))) as Pure,
                (|m, a, b, _| u64::from(!$class(m, a, b, $relation))) as Pure,
            ],
            Join::And => [
                (|m, a, b, c| u64::from($class(m, a, b, $relation)) & third(m, c)) as Pure,
                (|m, a, b, c| u64::from(!$class(m, a, b, $relation)) & third(m, c)) as Pure,
            ],
            Join::Or => [
                (|m, a, b, c| u64::from($class(m, a, b, $relation)) | third(m, c)) as Pure,
                (|m, a, b, c| u64::from(!$class(m, a, b, $relation)) | third(m, c)) as Pure,
            ],
            Join::Xor => [
                (|m, a, b, c| u64::from($class(m, a, b, $relation)) ^ third(m, c)) as Pure,
                (|m, a, b, c| u64::from(!$class(m, a, b, $relation)) ^ third(m, c)) as Pure,
            ],
        }
    };
}

macro_rules! related {
    ($class:ident, $operator:expr, $join:expr) => {
        match $operator {
            Operator::Equal => joined!($class, equal, $join),
            Operator::NotEqual => joined!($class, not_equal, $join),
            Operator::Less => joined!($class, less, $join),
            Operator::LessEqual => joined!($class, less_equal, $join),
            Operator::Greater => joined!($class, greater, $join),
            Operator::GreaterEqual => joined!($class, greater_equal, $join),
            Operator::Number => joined!($class, always, $join),
        }
    };
}

/// What two values are asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    /// Whether both are numbers.
    Number,
}

fn equal(order: std::cmp::Ordering) -> bool {
    order.is_eq()
}
fn not_equal(order: std::cmp::Ordering) -> bool {
    order.is_ne()
}
fn less(order: std::cmp::Ordering) -> bool {
    order.is_lt()
}
fn less_equal(order: std::cmp::Ordering) -> bool {
    order.is_le()
}
fn greater(order: std::cmp::Ordering) -> bool {
    order.is_gt()
}
fn greater_equal(order: std::cmp::Ordering) -> bool {
    order.is_ge()
}
fn always(_: std::cmp::Ordering) -> bool {
    true
}

/// The third predicate of a comparison; `mode.saturate` negates it.
fn third(mode: Mode, c: u64) -> u64 {
    c ^ u64::from(mode.saturate)
}

fn unsigned(_: Mode, a: u64, b: u64, relation: Relation) -> bool {
    relation(a.cmp(&b))
}

fn signed(mode: Mode, a: u64, b: u64, relation: Relation) -> bool {
    let spare = 64 - 8 * u32::from(mode.from.bytes());
    relation(((a << spare) as i64).cmp(&((b << spare) as i64)))
}

/// A relation of floating point values holds only between numbers, unless `mode.extra` says so.
fn float(mode: Mode, a: u64, b: u64, relation: Relation) -> bool {
    let value = |slot: u64| match mode.from {
        Kind::F32 => f64::from(single(mode, slot)),
        Kind::F64 => f64::from_bits(slot),
        Kind::F16 => half_value(mode, slot as u32),
        _ => brain_value(slot as u32),
    };
    match value(a).partial_cmp(&value(b)) {
        Some(order) => relation(order),
        None => mode.extra == 1,
    }
}

/// Reads `setp.lt.and.f32`.
pub(crate) fn comparison(words: &mut Words<'_>) -> Result<Comparison, String> {
    let kind = words.take_kind()?;
    let join = words.take_one(&[("and", Join::And), ("or", Join::Or), ("xor", Join::Xor)]);
    let join = join.unwrap_or(Join::None);
    let mut mode = Mode::PLAIN;
    mode.from = kind;
    mode.flush = words.take("ftz");
    let functions = if kind.is_float() {
        if !matches!(kind, Kind::F16 | Kind::Bf16 | Kind::F32 | Kind::F64) {
            return words.refuse(kind);
        }
        let plain = ordered_operator(words);
        let operator = match plain {
            Some(operator) => operator,
            None => {
                mode.extra = 1;
                unordered_operator(words)
                    .ok_or_else(|| format!("`{}` needs a comparison", words.name))?
            }
        };
        if plain.is_none() && operator == Operator::Number {
            // `nan` is the opposite of `num`.
            mode.extra = 0;
            let [number, not_number] = related!(float, operator, join);
            [not_number, number]
        } else {
            related!(float, operator, join)
        }
    } else {
        if kind == Kind::Pred || kind.bytes() < 2 {
            return words.refuse(kind);
        }
        let operator = ordered_operator(words)
            .filter(|&operator| operator != Operator::Number)
            .or_else(|| unsigned_operator(words))
            .ok_or_else(|| format!("`{}` needs a comparison", words.name))?;
        if kind.is_signed() {
            related!(signed, operator, join)
        } else {
            related!(unsigned, operator, join)
        }
    };
    Ok(Comparison {
        kind,
        mode,
        functions,
        has_third: !matches!(join, Join::None),
    })
}

fn ordered_operator(words: &mut Words<'_>) -> Option<Operator> {
    words.take_one(&[
        ("eq", Operator::Equal),
        ("ne", Operator::NotEqual),
        ("lt", Operator::Less),
        ("le", Operator::LessEqual),
        ("gt", Operator::Greater),
        ("ge", Operator::GreaterEqual),
        ("num", Operator::Number),
    ])
}

/// True, too, where one of both is no number.
fn unordered_operator(words: &mut Words<'_>) -> Option<Operator> {
    words.take_one(&[
        ("equ", Operator::Equal),
        ("neu", Operator::NotEqual),
        ("ltu", Operator::Less),
        ("leu", Operator::LessEqual),
        ("gtu", Operator::Greater),
        ("geu", Operator::GreaterEqual),
        ("nan", Operator::Number),
    ])
}

/// Other words for comparisons without a sign.
fn unsigned_operator(words: &mut Words<'_>) -> Option<Operator> {
    words.take_one(&[
        ("lo", Operator::Less),
        ("ls", Operator::LessEqual),
        ("hi", Operator::Greater),
        ("hs", Operator::GreaterEqual),
    ])
}

/// `set`: all ones, or 1.0, where the comparison holds.
fn set(words: &mut Words<'_>) -> Result<Form, String> {
    let from = words.take_kind()?;
    let to = words.take_kind()?;
    let operator = ordered_operator(words).or_else(|| unsigned_operator(words));
    let operator = match operator {
        Some(operator) if operator != Operator::Number => operator,
        _ => return words.refuse(from),
    };
    let mut mode = Mode::PLAIN;
    mode.from = from;
    mode.to = to;
    mode.flush = words.take("ftz");
    if !matches!(to, Kind::U32 | Kind::S32 | Kind::F32) {
        return words.refuse(to);
    }
    // The operator goes along in the mode: `set` is too rare for functions of its own.
    mode.saturate = from.is_float();
    mode.extra = operator as u8;
    let function: Pure = |mode, a, b, _| {
        let order = |mode: Mode| {
            let relation: Relation = match mode.extra {
                0 => equal,
                1 => not_equal,
                2 => less,
                3 => less_equal,
                4 => greater,
                _ => greater_equal,
            };
            let mut plain = mode;
            plain.extra = 0;
            if mode.saturate {
                float(plain, a, b, relation)
            } else if mode.from.is_signed() {
                signed(plain, a, b, relation)
            } else {
                unsigned(plain, a, b, relation)
            }
        };
        match (order(mode), mode.to) {
            (false, _) => 0,
            (true, Kind::F32) => u64::from(1.0_f32.to_bits()),
            (true, _) => 0xffff_ffff,
        }
    };
    let mut form = Form::even(function, from, 2);
    form.to = to;
    form.mode = mode;
    Ok(form)
}

/// `testp`: what sort of number a value is.
fn test(words: &mut Words<'_>) -> Result<Form, String> {
    let kind = words.take_kind()?;
    if !matches!(kind, Kind::F32 | Kind::F64) {
        return words.refuse(kind);
    }
    type Sort = std::num::FpCategory;
    let function: Option<Pure> = words.take_one::<Pure>(&[
        ("finite", |mode, a, _, _| {
            u64::from(!matches!(sort(mode, a), Sort::Nan | Sort::Infinite))
        }),
        ("infinite", |mode, a, _, _| {
            u64::from(sort(mode, a) == Sort::Infinite)
        }),
        ("number", |mode, a, _, _| {
            u64::from(sort(mode, a) != Sort::Nan)
        }),
        ("notanumber", |mode, a, _, _| {
            u64::from(sort(mode, a) == Sort::Nan)
        }),
        ("normal", |mode, a, _, _| {
            u64::from(sort(mode, a) == Sort::Normal)
        }),
        ("subnormal", |mode, a, _, _| {
            u64::from(sort(mode, a) == Sort::Subnormal)
        }),
    ]);
    let function = function.ok_or("`testp` needs a sort of number")?;
    let mut form = Form::even(function, kind, 1);
    form.to = Kind::Pred;
    form.mode.from = kind;
    Ok(form)
}

fn sort(mode: Mode, a: u64) -> std::num::FpCategory {
    match mode.from {
        Kind::F32 => f32::from_bits(a as u32).classify(),
        _ => f64::from_bits(a).classify(),
    }
}
