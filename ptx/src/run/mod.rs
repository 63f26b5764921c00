//! Launches: a grid of blocks, one after the other.

mod access;
mod arguments;
mod barrier;
mod block;
mod copies;
mod deadlock;
mod fences;
mod multiply;
mod order;
mod spot;
mod step;
mod warp;

use crate::decode::program::{Constant, Program};
use crate::fault::LaunchError;
use crate::instruction::{DYNAMIC_SHARED, NCTAID, NTID, NWARPID, Slot, TOTAL_SHARED, TRUE, ZERO};
use crate::memory::Memory;
use crate::module::Module;
use crate::parse::syntax::ThreadBound;
pub use arguments::Argument;
use block::Block;
pub use order::Order;
use order::Sequence;

/// Bytes of shared memory that a block of any device may have.
const MOST_SHARED: u64 = 227 * 1024;
/// Of those, what may be declared in the text.
const MOST_STATIC_SHARED: u64 = 48 * 1024;

/// The shape of a launch, and how its threads are run.
#[derive(Clone, Debug)]
pub struct Grid {
    /// Blocks, x, y, z.
    pub blocks: [u32; 3],
    /// Threads of a block, x, y, z.
    pub threads: [u32; 3],
    /// Bytes of `extern` shared memory.
    pub shared_bytes: u32,
    /// Which block and which thread comes first.
    pub order: Order,
    /// How many instructions a thread may run.
    pub step_limit: u64,
}

impl Grid {
    /// Blocks and threads, without `extern` shared memory, first to last, of 100 million
    /// instructions a thread at most.
    #[must_use]
    pub fn new(blocks: [u32; 3], threads: [u32; 3]) -> Self {
        Self {
            blocks,
            threads,
            shared_bytes: 0,
            order: Order::Forward,
            step_limit: 100_000_000,
        }
    }
}

/// What a launch did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Instructions of all threads, those that their guard left out too.
    pub instructions: u64,
    /// Additions and multiplications of floating point numbers; a fused one is two. Divisions and
    /// functions are one.
    pub float_operations: u64,
    /// Bytes that instructions read of global memory, from caches too.
    pub global_read_bytes: u64,
    /// Bytes that instructions wrote to global memory.
    pub global_written_bytes: u64,
    /// Bytes that instructions read of shared memory.
    pub shared_read_bytes: u64,
    /// Bytes that instructions wrote to shared memory.
    pub shared_written_bytes: u64,
    /// Barriers of whole or partial blocks that were met.
    pub barriers: u64,
}

/// Runs a program over a grid.
pub(crate) fn run(
    module: &Module,
    program: &Program,
    memory: &mut Memory,
    grid: &Grid,
    arguments: &[Argument],
    variables: &[u64],
) -> Result<Counts, LaunchError> {
    check_grid(program, grid).map_err(|reason| LaunchError::Grid {
        kernel: program.name.clone(),
        reason,
    })?;
    let parameters =
        arguments::bytes(program, arguments).map_err(|reason| LaunchError::Arguments {
            kernel: program.name.clone(),
            reason,
        })?;
    memory.begin_launch();
    let template = template(program, grid, variables);
    let count: u32 = grid.blocks.iter().product();
    let mut sequence = Sequence::new(grid.order, count as usize);
    let mut block = Block::new(module, program, grid, memory, parameters);
    for &index in sequence.next() {
        block.begin(index as u32, &template);
        block.run()?;
    }
    Ok(block.counts)
}

/// The slots of a thread, but for its indices.
fn template(program: &Program, grid: &Grid, variables: &[u64]) -> Vec<u64> {
    // What is read before it is written should not look like a value.
    let mut slots = vec![0xcdcd_cdcd; program.slots as usize];
    slots[TRUE as usize] = 1;
    slots[ZERO as usize] = 0;
    let three = |slots: &mut Vec<u64>, first: Slot, values: [u32; 3]| {
        for (axis, value) in values.into_iter().enumerate() {
            slots[first as usize + axis] = u64::from(value);
        }
    };
    three(&mut slots, NTID, grid.threads);
    three(&mut slots, NCTAID, grid.blocks);
    let threads: u32 = grid.threads.iter().product();
    slots[NWARPID as usize] = u64::from(threads.div_ceil(32));
    slots[DYNAMIC_SHARED as usize] = u64::from(grid.shared_bytes);
    slots[TOTAL_SHARED as usize] = program.shared.bytes() + u64::from(grid.shared_bytes);
    for &(slot, constant) in &program.constants {
        slots[slot as usize] = match constant {
            Constant::Value(value) => value,
            Constant::Variable(number, added) => variables[number as usize].wrapping_add(added),
        };
    }
    slots
}

fn check_grid(program: &Program, grid: &Grid) -> Result<(), String> {
    let product = |values: [u32; 3]| {
        let mut values = values.into_iter();
        values.try_fold(1_u32, |product, value| product.checked_mul(value))
    };
    let threads = product(grid.threads).unwrap_or(u32::MAX);
    if !(1..=1024).contains(&threads) || grid.threads[2] > 64 {
        let found = grid.threads;
        return Err(format!(
            "a block has 1 to 1024 threads, z at most 64, not {found:?}"
        ));
    }
    let blocks = product(grid.blocks).unwrap_or(u32::MAX);
    if !(1..1 << 26).contains(&blocks) || grid.blocks[1..].iter().any(|&side| side > 65535) {
        let found = grid.blocks;
        return Err(format!(
            "a grid has 1 to 2^26 blocks here, y and z at most 65535, not {found:?}"
        ));
    }
    match program.threads {
        Some(ThreadBound::AtMost(most)) if threads > most => {
            return Err(format!(
                "the kernel is for at most {most} threads, not {threads}"
            ));
        }
        Some(ThreadBound::Exactly(exact)) if exact != grid.threads => {
            let found = grid.threads;
            return Err(format!(
                "the kernel is for {exact:?} threads, not {found:?}"
            ));
        }
        _ => {}
    }
    let declared = program.shared.bytes();
    if declared > MOST_STATIC_SHARED {
        return Err(format!(
            "{declared} bytes of shared memory are declared, a block may have {MOST_STATIC_SHARED}"
        ));
    }
    let whole = declared + u64::from(grid.shared_bytes);
    if whole > MOST_SHARED {
        return Err(format!(
            "a block may have {MOST_SHARED} bytes of shared memory, not {whole}"
        ));
    }
    Ok(())
}
