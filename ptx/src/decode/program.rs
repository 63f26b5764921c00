//! A kernel as it is run.

use crate::instruction::{Instruction, Slot};
use crate::memory::layout::Layout;
use crate::parse::syntax::{Kind, ThreadBound};

/// A kernel and the functions it calls, ready to run.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub name: String,
    pub parameters: Vec<Parameter>,
    pub parameter_bytes: u32,
    pub threads: Option<ThreadBound>,
    pub code: Vec<Instruction>,
    /// The line of each instruction.
    pub lines: Vec<u32>,
    /// How many slots a thread has.
    pub slots: u32,
    pub constants: Vec<(Slot, Constant)>,
    /// Shared memory; the array whose size is said at launch comes last.
    pub shared: Layout,
    pub has_dynamic_shared: bool,
    pub local: Layout,
    /// Variables of local memory of each function that is called, which hold nothing when it
    /// begins.
    pub locals: Vec<Vec<u32>>,
}

/// A parameter of a kernel.
#[derive(Clone, Debug)]
pub(crate) struct Parameter {
    pub name: String,
    pub offset: u32,
    pub bytes: u32,
    pub kind: Kind,
    /// Passed as bytes: a struct.
    pub is_array: bool,
}

/// What a slot holds before a thread begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Constant {
    Value(u64),
    /// The address of a variable of the module, by its number, and what is added.
    Variable(u32, u64),
}

/// A variable of the module, which lives as long as the memory it is in.
#[derive(Clone, Debug)]
pub(crate) struct Global {
    pub name: String,
    pub align: u32,
    pub bytes: u32,
    pub is_constant: bool,
    /// What it begins with; without one it is zeros.
    pub initial: Vec<u8>,
    /// Addresses in it: offset, the number of a variable, what is added.
    pub pointers: Vec<(u32, u32, u64)>,
}
