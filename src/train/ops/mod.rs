//! What networks in training are made of, as operations that candle can differentiate, over our
//! own kernels. Each has a test of its gradients against small steps or candle's own.

pub mod conv1d;
pub mod gelu;
pub mod layer_norm;
#[cfg(test)]
pub mod testing;

use candle_core::{CpuStorage, Layout, Result, Tensor};
use std::num::NonZero;
use std::sync::OnceLock;

/// Parts that the work on a batch is cut into. It does not depend on the machine: sums over a
/// batch add up the same parts in the same order, however many threads there are.
const PARTS: usize = 4;

/// The values of a contiguous tensor.
///
/// # Errors
/// If it is not contiguous, or not of 32-bit floats.
pub fn slice<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    let (start, end) = layout
        .contiguous_offsets()
        .ok_or_else(|| candle_core::Error::Msg("expected a contiguous tensor".to_owned()))?;
    Ok(&storage.as_slice::<f32>()?[start..end])
}

/// A copy of a tensor's values in order.
///
/// # Errors
/// If they are not 32-bit floats.
pub fn values(tensor: &Tensor) -> Result<Vec<f32>> {
    tensor.flatten_all()?.to_vec1()
}

/// Threads that share the work: the cores there are, at most one for each part.
pub fn threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        cores.min(PARTS)
    })
}

/// Runs `work` once for each of some jobs, on as many threads as there are cores; the results are
/// in the order of the jobs.
pub fn shared<J: Send, R: Send>(jobs: Vec<J>, work: impl Fn(J) -> R + Sync) -> Vec<R> {
    let share = jobs.len().div_ceil(threads()).max(1);
    if jobs.len() <= share {
        return jobs.into_iter().map(work).collect();
    }
    let mut shares = Vec::new();
    let mut jobs = jobs.into_iter().peekable();
    while jobs.peek().is_some() {
        shares.push(jobs.by_ref().take(share).collect::<Vec<J>>());
    }
    let work = &work;
    std::thread::scope(|scope| {
        let running: Vec<_> = shares
            .into_iter()
            .map(|share| scope.spawn(move || share.into_iter().map(work).collect::<Vec<R>>()))
            .collect();
        running
            .into_iter()
            .flat_map(|part| part.join().expect("arithmetic does not panic"))
            .collect()
    })
}

/// Cuts `y` into parts of whole rows and runs `work(first row, part)` on them.
pub fn by_rows(y: &mut [f32], row: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    let rows = (y.len() / row).div_ceil(PARTS).max(1);
    let jobs = y.chunks_mut(rows * row).enumerate();
    shared(jobs.collect(), |(index, part)| work(index * rows, part));
}
