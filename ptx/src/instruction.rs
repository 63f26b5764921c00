//! Instructions as they are run: operands are places in a thread's file of slots, and whatever
//! only computes is a function chosen when the module was read.

use crate::arithmetic::{Mode, Pure};

/// A place in a thread's file of 64-bit slots. Registers, predicates, special registers and
/// constants all have one, so that an operand needs no case of its own.
pub(crate) type Slot = u32;

/// Always 1: the guard of what has none.
pub(crate) const TRUE: Slot = 0;
/// Written, never read: the operand `_`.
pub(crate) const SINK: Slot = 1;
/// The first slots of the special registers, in the order x, y, z where there are three.
pub(crate) const TID: Slot = 2;
pub(crate) const NTID: Slot = 5;
pub(crate) const CTAID: Slot = 8;
pub(crate) const NCTAID: Slot = 11;
pub(crate) const LANEID: Slot = 14;
pub(crate) const WARPID: Slot = 15;
pub(crate) const NWARPID: Slot = 16;
/// Masks of lanes equal, less, less or equal, greater or equal, greater.
pub(crate) const LANEMASK: Slot = 17;
pub(crate) const DYNAMIC_SHARED: Slot = 22;
pub(crate) const TOTAL_SHARED: Slot = 23;
/// Always 0: the operands an instruction does not have.
pub(crate) const ZERO: Slot = 24;
/// Registers begin here.
pub(crate) const FIRST_FREE: Slot = 25;

/// Where an address points, as the instruction says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    Generic,
    Global,
    Constant,
    Shared,
    Local,
    Parameter,
}

/// One instruction of PTX. There are as many of these as of those.
#[derive(Clone, Debug)]
pub(crate) struct Instruction {
    pub guard: Slot,
    /// Runs where the guard is false.
    pub unless: bool,
    /// Floating point operations of one thread.
    pub flops: u16,
    pub operation: Operation,
}

/// What an instruction does.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    /// Values in, a value out.
    Pure {
        function: Pure,
        mode: Mode,
        to: Slot,
        from: [Slot; 3],
    },
    /// `setp` with two destinations.
    Both(Box<Both>),
    /// `bfi`, which has four operands.
    Insert(Box<Insert>),
    /// Parts of `bits` each, the lowest first, become one value.
    Pack {
        bits: u8,
        to: Slot,
        from: Box<[Slot]>,
    },
    /// One value becomes parts of `bits` each, the lowest first.
    Unpack {
        bits: u8,
        to: Box<[Slot]>,
        from: Slot,
    },
    /// A counter of time: instructions of this thread.
    Clock {
        to: Slot,
        wide: bool,
    },
    Load(Load),
    Store(Store),
    Atomic(Box<Atomic>),
    Copy(Box<Copy>),
    /// What was copied so far is one group.
    CopyCommit,
    /// Waits until at most so many groups are under way.
    CopyWait(u32),
    /// Waits for all copies, whether in a group or not.
    CopyWaitAll,
    Branch(u32),
    Call(Box<Call>),
    /// Back from a function, to the instruction in `Program::returns`.
    Return(Slot),
    Exit,
    Trap,
    /// Orders what other blocks may see.
    Fence,
    /// A hint, a pause or a fence within the block: nothing to do where memory is in order.
    Nothing,
    Barrier(Box<Barrier>),
    Warp(Box<Warp>),
    ActiveMask(Slot),
}

/// Two predicates of one comparison.
#[derive(Clone, Debug)]
pub(crate) struct Both {
    pub functions: [Pure; 2],
    pub mode: Mode,
    pub to: [Slot; 2],
    pub from: [Slot; 3],
}

/// `bfi`: `function` takes place and length in one slot, the length 8 bits up.
#[derive(Clone, Debug)]
pub(crate) struct Insert {
    pub function: Pure,
    pub mode: Mode,
    pub to: Slot,
    pub from: [Slot; 2],
    pub place: Slot,
    pub length: Slot,
}

/// What an access says of its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MemoryOrder {
    /// Must be ordered against those of others by something else.
    Weak,
    /// Is ordered by itself, alone: volatile, relaxed.
    Strong,
    /// And is a fence: acquire, release.
    Fencing,
}

/// `[base + offset]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Address {
    pub space: Space,
    pub base: Slot,
    pub offset: i32,
}

/// `ld`: `count` values of `bytes` each.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub address: Address,
    pub bytes: u8,
    pub count: u8,
    /// Bits of a signed value, which is extended to those of `register`; else 0.
    pub signed: u8,
    pub register: u8,
    pub order: MemoryOrder,
    pub to: [Slot; 4],
}

/// `st`: `count` values of `bytes` each.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pub address: Address,
    pub bytes: u8,
    pub count: u8,
    pub order: MemoryOrder,
    pub from: [Slot; 4],
}

/// `atom` and `red`: the value in memory becomes `function(memory, operand, other)`.
#[derive(Clone, Debug)]
pub(crate) struct Atomic {
    pub address: Address,
    pub bytes: u8,
    /// With a fence of its own before and after it: `.acq_rel` and its like.
    pub fences: bool,
    pub function: Pure,
    pub mode: Mode,
    pub to: Slot,
    pub operand: Slot,
    pub other: Slot,
}

/// `cp.async`: from global memory to shared.
#[derive(Clone, Debug)]
pub(crate) struct Copy {
    pub to: Address,
    pub from: Address,
    pub bytes: u8,
    /// How many bytes are read; the rest are zeros.
    pub source_bytes: Option<Slot>,
}

/// A call of a function of this module. Its registers have slots of their own, since nothing
/// calls itself.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub target: u32,
    /// The number of the function in `Program::locals`.
    pub function: u32,
    /// Where the function keeps the instruction to go back to.
    pub returns: Slot,
    /// Variables of local memory: what is passed, and what the function knows it as.
    pub passed: Box<[(u32, u32)]>,
    /// Where the caller wants what is returned, and what the function knows it as.
    pub returned: Box<[(u32, u32)]>,
}

/// `bar` and `barrier`.
#[derive(Clone, Debug)]
pub(crate) struct Barrier {
    pub index: Slot,
    /// How many threads take part; all of the block where it is not said.
    pub threads: Option<Slot>,
    pub action: BarrierAction,
    /// The threads of a warp must be at one and the same instruction.
    pub aligned: bool,
}

/// What comes of a barrier.
#[derive(Clone, Debug)]
pub(crate) enum BarrierAction {
    Wait,
    /// Counts as arrived and goes on.
    Arrive,
    /// How many threads had the predicate, whether all had, whether any had.
    Count {
        to: Slot,
        from: Slot,
        unless: bool,
    },
    All {
        to: Slot,
        from: Slot,
        unless: bool,
    },
    Any {
        to: Slot,
        from: Slot,
        unless: bool,
    },
}

/// What the lanes of a warp do together.
#[derive(Clone, Debug)]
pub(crate) struct Warp {
    /// The lanes that take part; all where the instruction has no mask.
    pub mask: Slot,
    pub action: WarpAction,
}

/// What the lanes of a warp do together.
#[derive(Clone, Debug)]
pub(crate) enum WarpAction {
    Sync,
    Shuffle {
        mode: Shuffle,
        to: Slot,
        inside: Slot,
        from: Slot,
        lane: Slot,
        clamp: Slot,
    },
    Vote {
        mode: Vote,
        to: Slot,
        from: Slot,
        unless: bool,
    },
    Matrices(Matrices),
    Multiply(Multiply),
}

/// The modes of `shfl.sync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shuffle {
    Up,
    Down,
    Butterfly,
    Index,
}

/// The modes of `vote.sync`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vote {
    All,
    Any,
    Same,
    Ballot,
}

/// `ldmatrix`: `count` matrices of 8 x 8 values of 16 bits.
#[derive(Clone, Debug)]
pub(crate) struct Matrices {
    pub address: Address,
    pub count: u8,
    pub transposed: bool,
    pub to: [Slot; 4],
}

/// `mma.sync`: `D = A B + C`, 16 x 8 values.
#[derive(Clone, Debug)]
pub(crate) struct Multiply {
    pub inputs: Inputs,
    /// Columns of A: 4, 8 or 16.
    pub depth: u8,
    pub d: [Slot; 4],
    pub a: [Slot; 4],
    pub b: [Slot; 2],
    pub c: [Slot; 4],
}

/// What A and B are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Inputs {
    F16,
    Bf16,
    Tf32,
}
