//! What goes wrong in a launch, and where.

use thiserror::Error;

/// A launch that did not end well.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum LaunchError {
    /// The module has no such kernel.
    #[error("there is no kernel `{name}` in the module, which has {known}")]
    Kernel {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// The arguments are not those of the kernel's parameters.
    #[error("kernel `{kernel}`: {reason}")]
    Arguments {
        /// The kernel.
        kernel: String,
        /// What was expected and what was found.
        reason: String,
    },
    /// The grid is not one that the kernel, or any device, can run.
    #[error("kernel `{kernel}`: {reason}")]
    Grid {
        /// The kernel.
        kernel: String,
        /// What was expected and what was found.
        reason: String,
    },
    /// The kernel did what it must not do.
    #[error(transparent)]
    Fault(#[from] Box<Fault>),
}

impl LaunchError {
    /// What the kernel did, if it ran.
    #[must_use]
    pub fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Fault(fault) => Some(&fault.cause),
            _ => None,
        }
    }
}

/// What a kernel did that it must not do, and where.
#[derive(Clone, Debug, PartialEq, Error)]
#[error(
    "kernel `{kernel}`, line {} `{}`, block {}, thread {}: {cause}",
    place.line, place.text, three(block), three(thread)
)]
pub struct Fault {
    /// The kernel's name.
    pub kernel: String,
    /// The instruction.
    pub place: Place,
    /// The block's index, x, y, z.
    pub block: [u32; 3],
    /// The thread's index in the block, x, y, z.
    pub thread: [u32; 3],
    /// What happened.
    pub cause: Cause,
}

/// An instruction in the text of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Counted from 1.
    pub line: u32,
    /// The line, without the space around it.
    pub text: String,
}

fn three([x, y, z]: &[u32; 3]) -> String {
    format!("({x}, {y}, {z})")
}

/// What a kernel must not do.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum Cause {
    /// Bytes that no allocation and no variable holds.
    #[error("{bytes} bytes at {address:#x} of {space} memory are out of bounds: {near}")]
    OutOfBounds {
        /// The address in its state space.
        address: u64,
        /// Bytes of the access.
        bytes: u64,
        /// The state space.
        space: &'static str,
        /// What is near, or that nothing is.
        near: String,
    },
    /// Memory that was freed.
    #[error("{bytes} bytes at {address:#x} are of {name}, which was freed")]
    Freed {
        /// The address.
        address: u64,
        /// Bytes of the access.
        bytes: u64,
        /// What was freed.
        name: String,
    },
    /// An address that is not a multiple of the access's size.
    #[error("{bytes} bytes at {address:#x} of {space} memory are misaligned")]
    Misaligned {
        /// The address in its state space.
        address: u64,
        /// Bytes of the access.
        bytes: u64,
        /// The state space.
        space: &'static str,
    },
    /// A write to constant memory or to a parameter.
    #[error("{name} cannot be written")]
    ReadOnly {
        /// What was to be written.
        name: String,
    },
    /// A read of bytes that nobody wrote.
    #[error("byte {offset} of {name} ({address:#x}) was never written")]
    Unwritten {
        /// The address of the access.
        address: u64,
        /// The allocation or variable.
        name: String,
        /// The first byte of it that was never written.
        offset: u64,
    },
    /// A read of bytes that a `cp.async` is still to write.
    #[error("byte {offset} of {name} ({address:#x}) is still under way, by the copy in {copy}")]
    UnderWay {
        /// The address of the access.
        address: u64,
        /// The variable.
        name: String,
        /// The first byte of it that is under way.
        offset: u64,
        /// Whose copy it is, and its line.
        copy: String,
    },
    /// Two accesses to one place that nothing orders, at least one of them a write.
    #[error(
        "{act} of byte {offset} of {name} ({address:#x}) races with {other_act} by {other} \
         in line {} `{}`", other_place.line, other_place.text
    )]
    Race {
        /// `a read` or `a write`.
        act: &'static str,
        /// The address of this access.
        address: u64,
        /// The allocation or variable.
        name: String,
        /// The byte of it.
        offset: u64,
        /// What the other did.
        other_act: &'static str,
        /// Who the other was.
        other: String,
        /// The other's instruction.
        other_place: Place,
    },
    /// Threads wait at a barrier for others that will never come.
    #[error("waits for ever at a barrier: {reason}")]
    Barrier {
        /// Who does not come, and why.
        reason: String,
    },
    /// Lanes that wait for others of their warp that will never come, or that are not in their
    /// own mask.
    #[error("lanes of a warp do not meet: {reason}")]
    Warp {
        /// Who does not come, and why.
        reason: String,
    },
    /// A lane read the value of another that is not there, or not in the mask.
    #[error("reads the value of lane {lane}, which does not take part")]
    AbsentLane {
        /// The lane.
        lane: u32,
    },
    /// More instructions than were allowed for.
    #[error("has run {steps} instructions without an end")]
    Endless {
        /// Instructions of this thread.
        steps: u64,
    },
    /// The instruction `trap`.
    #[error("has come to a trap")]
    Trap,
    /// An operand with a value that the instruction must not have.
    #[error("{reason}")]
    Operand {
        /// What was expected, and what was found.
        reason: String,
    },
}
