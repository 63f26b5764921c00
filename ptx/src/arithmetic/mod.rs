//! What instructions compute: functions of values alone, and the choice of one by the words of an
//! opcode. Values lie in 64-bit slots, the upper bits zero.
//!
//! Knows no memory and no threads. Semantics are those of the PTX ISA 8.2, section 9.7.

pub(crate) mod approximate;
pub(crate) mod bits;
pub(crate) mod compare;
pub(crate) mod convert;
pub(crate) mod float;
pub(crate) mod half;
pub(crate) mod integer;
pub(crate) mod rounding;
pub(crate) mod words;

use crate::parse::syntax::Kind;
use rounding::Rounding;
use words::Words;

/// Slots in, a slot out.
pub(crate) type Pure = fn(Mode, u64, u64, u64) -> u64;

/// What modifies an instruction, other than the choice of its function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    pub rounding: Rounding,
    /// `.ftz`: subnormal numbers are zeros, as input and as output.
    pub flush: bool,
    /// `.sat`.
    pub saturate: bool,
    /// The table of `lop3`; bytes of the register a `cvt` writes.
    pub extra: u8,
    /// For functions of several kinds.
    pub from: Kind,
    pub to: Kind,
}

impl Mode {
    pub(crate) const PLAIN: Self = Self {
        rounding: Rounding::Nearest,
        flush: false,
        saturate: false,
        extra: 0,
        from: Kind::B32,
        to: Kind::B32,
    };
}

/// What an instruction of values takes, gives and costs.
pub(crate) struct Form {
    pub function: Pure,
    pub mode: Mode,
    pub to: Kind,
    /// One to three kinds.
    pub from: Vec<Kind>,
    /// Floating point operations.
    pub flops: u16,
}

impl Form {
    /// `count` operands and a result of one kind.
    pub(crate) fn even(function: Pure, kind: Kind, count: usize) -> Self {
        Self {
            function,
            mode: Mode::PLAIN,
            to: kind,
            from: vec![kind; count],
            flops: 0,
        }
    }
}

/// The form of an instruction; `None` where it does more than compute, or is not known.
///
/// # Errors
/// If its modifiers or kinds are not those it may have, with the reason.
pub(crate) fn form(words: &mut Words<'_>) -> Result<Option<Form>, String> {
    for family in [
        half::form,
        float::form,
        approximate::form,
        integer::form,
        bits::form,
        compare::form,
        convert::form,
    ] {
        if let Some(form) = family(words)? {
            words.finish()?;
            return Ok(Some(form));
        }
    }
    Ok(None)
}
