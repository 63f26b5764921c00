//! What networks in training are made of, as operations that candle can differentiate, over our
//! own kernels. Each has a test of its gradients against small steps or candle's own.

pub mod composed;
pub mod conv1d;
pub mod gelu;
pub mod layer_norm;
#[cfg(test)]
pub mod testing;

use candle_core::{CpuStorage, Layout, Result, Tensor};
use std::num::NonZero;
use std::sync::{Mutex, OnceLock, PoisonError};

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

/// Threads that share the work: the cores there are.
pub fn threads() -> usize {
    static THREADS: OnceLock<usize> = OnceLock::new();
    *THREADS.get_or_init(|| std::thread::available_parallelism().map_or(1, NonZero::get))
}

/// Runs `work` once for each of some jobs, on as many threads as there are cores, each of which
/// takes the next job when it has done one; the results are in the order of the jobs.
pub fn shared<J: Send, R: Send>(jobs: Vec<J>, work: impl Fn(J) -> R + Sync) -> Vec<R> {
    let threads = threads().min(jobs.len());
    if threads <= 1 {
        return jobs.into_iter().map(work).collect();
    }
    let count = jobs.len();
    let left = Mutex::new(jobs.into_iter().enumerate());
    let take = || {
        let mut done = Vec::new();
        loop {
            // The lock is not held while the work is done.
            let next = left.lock().unwrap_or_else(PoisonError::into_inner).next();
            let Some((number, job)) = next else {
                return done;
            };
            done.push((number, work(job)));
        }
    };
    let mut results: Vec<Option<R>> = (0..count).map(|_| None).collect();
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        for part in running {
            for (number, result) in part.join().expect("arithmetic does not panic") {
                results[number] = Some(result);
            }
        }
    });
    results.into_iter().flatten().collect()
}

/// Cuts `y` into parts of whole rows and runs `work(first row, part)` on them.
pub fn by_rows(y: &mut [f32], row: usize, work: impl Fn(usize, &mut [f32]) + Sync) {
    let rows = (y.len() / row).div_ceil(PARTS).max(1);
    let jobs = y.chunks_mut(rows * row).enumerate();
    shared(jobs.collect(), |(index, part)| work(index * rows, part));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_in_the_order_of_the_jobs() {
        for count in [0, 1, 2, 100] {
            let squares = shared((0..count).collect(), |n: usize| n * n);
            let wanted: Vec<usize> = (0..count).map(|n| n * n).collect();
            assert_eq!(squares, wanted);
        }
    }
}
