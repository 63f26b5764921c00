//! What a module is written as, before any name is looked up.

use super::lexer::Token;

/// What a register or a value in memory is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Pred,
    B8,
    B16,
    B32,
    B64,
    U8,
    U16,
    U32,
    U64,
    S8,
    S16,
    S32,
    S64,
    F16,
    F16x2,
    Bf16,
    Bf16x2,
    Tf32,
    F32,
    F64,
}

impl Kind {
    /// The kind of a word without its dot.
    pub(crate) fn of(word: &str) -> Option<Self> {
        Some(match word {
            "pred" => Self::Pred,
            "b8" => Self::B8,
            "b16" => Self::B16,
            "b32" => Self::B32,
            "b64" => Self::B64,
            "u8" => Self::U8,
            "u16" => Self::U16,
            "u32" => Self::U32,
            "u64" => Self::U64,
            "s8" => Self::S8,
            "s16" => Self::S16,
            "s32" => Self::S32,
            "s64" => Self::S64,
            "f16" => Self::F16,
            "f16x2" => Self::F16x2,
            "bf16" => Self::Bf16,
            "bf16x2" => Self::Bf16x2,
            "tf32" => Self::Tf32,
            "f32" => Self::F32,
            "f64" => Self::F64,
            _ => return None,
        })
    }

    /// Bytes of a value; a predicate has none in memory.
    pub(crate) fn bytes(self) -> u8 {
        match self {
            Self::Pred => 0,
            Self::B8 | Self::U8 | Self::S8 => 1,
            Self::B16 | Self::U16 | Self::S16 | Self::F16 | Self::Bf16 => 2,
            Self::B32 | Self::U32 | Self::S32 | Self::F32 | Self::Tf32 => 4,
            Self::F16x2 | Self::Bf16x2 => 4,
            Self::B64 | Self::U64 | Self::S64 | Self::F64 => 8,
        }
    }

    pub(crate) fn is_signed(self) -> bool {
        matches!(self, Self::S8 | Self::S16 | Self::S32 | Self::S64)
    }

    pub(crate) fn is_float(self) -> bool {
        self as u8 >= Self::F16 as u8
    }
}

/// An operand as it is written.
#[derive(Clone, Debug)]
pub(crate) enum Operand<'a> {
    Name(&'a str),
    /// `!p`.
    Not(&'a str),
    /// Two's complement where it had a minus.
    Integer(u64),
    Single(u32),
    Double(u64),
    Decimal(f64),
    /// `name + 4`, the address of a variable and what is added.
    Sum(&'a str, i64),
    /// `[base + offset]`, or an offset alone.
    Address(Option<&'a str>, i64),
    /// `{a, b}`.
    Vector(Vec<Operand<'a>>),
    /// `a|b`.
    Two(&'a str, &'a str),
    /// `(a, b)` of a call.
    Group(Vec<&'a str>),
}

/// One instruction as it is written.
#[derive(Clone, Debug)]
pub(crate) struct Statement<'a> {
    pub line: u32,
    /// The predicate, and whether it is negated.
    pub guard: Option<(&'a str, bool)>,
    pub opcode: &'a str,
    pub operands: Vec<Operand<'a>>,
}

/// What stands in the body of a function, in order.
#[derive(Clone, Debug)]
pub(crate) enum Item<'a> {
    Label(u32, &'a str),
    Open,
    Close,
    /// `%r<17>` stands for `%r0` to `%r16`.
    Registers {
        line: u32,
        kind: Kind,
        name: &'a str,
        count: Option<u32>,
    },
    Variable(Variable<'a>),
    Statement(Statement<'a>),
}

/// The state space of a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Home {
    Global,
    Constant,
    Shared,
    Local,
    Parameter,
}

/// A variable and what it begins with.
#[derive(Clone, Debug)]
pub(crate) struct Variable<'a> {
    pub line: u32,
    pub home: Home,
    pub name: &'a str,
    pub align: u32,
    /// Nothing for an array whose size is said at launch.
    pub bytes: Option<u32>,
    pub kind: Kind,
    pub is_array: bool,
    pub is_extern: bool,
    /// Bytes from its start; what follows is zeros. Nothing where it has no initialiser.
    pub initial: Option<Vec<u8>>,
    /// Addresses of other variables in it.
    pub pointers: Vec<Pointer<'a>>,
}

/// The address of another variable in an initialiser.
#[derive(Clone, Debug)]
pub(crate) struct Pointer<'a> {
    /// Where in the variable it lies.
    pub offset: u32,
    pub name: &'a str,
    /// What is added to the address.
    pub added: u64,
}

/// `.entry` or `.func`.
#[derive(Clone, Debug)]
pub(crate) struct Function<'a> {
    pub line: u32,
    pub name: &'a str,
    pub is_kernel: bool,
    pub returned: Vec<Variable<'a>>,
    pub parameters: Vec<Variable<'a>>,
    /// Nothing for what is declared alone.
    pub body: Option<Vec<Item<'a>>>,
    /// Threads of a block at most, from `.maxntid` or `.reqntid`.
    pub threads: Option<ThreadBound>,
}

/// What a kernel says of its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ThreadBound {
    AtMost(u32),
    Exactly([u32; 3]),
}

/// A whole text.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text<'a> {
    pub variables: Vec<Variable<'a>>,
    pub functions: Vec<Function<'a>>,
}

/// A token as a message names it.
pub(crate) fn named(token: Option<Token<'_>>) -> String {
    match token {
        None => "the end of the text".into(),
        Some(Token::Word(word)) => format!("`{word}`"),
        Some(Token::Mark(mark)) => format!("`{mark}`"),
        Some(Token::Text(text)) => format!("{text:?}"),
        Some(Token::Integer(value)) => format!("{value}"),
        Some(Token::Single(bits)) => format!("{}", f32::from_bits(bits)),
        Some(Token::Double(bits)) => format!("{}", f64::from_bits(bits)),
        Some(Token::Decimal(value)) => format!("{value}"),
    }
}
