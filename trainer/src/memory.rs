//! A card's memory, kept between steps.

use candle_core::cuda_backend::cudarc::driver::result::{DriverError, device, init, mem_pool};
use candle_core::cuda_backend::cudarc::driver::sys::CUmemPool_attribute;

/// Lets the first card keep what was given back for the next to come. Otherwise the driver hands it
/// to the system whenever a value is waited for, which is several times in a step, and fetching
/// it again takes longer than the step.
///
/// # Errors
/// If there is no card.
#[allow(unsafe_code, reason = "two calls of the driver that have no safe form")]
pub fn keep() -> Result<(), DriverError> {
    init()?;
    let card = device::get(0)?;
    // SAFETY: the card is one that the driver has just named.
    let pool = unsafe { device::get_default_mem_pool(card) }?;
    let mut bytes = u64::MAX;
    // SAFETY: the pool is the card's own, which lives as long as the process, and the attribute is
    // read from 64 bits.
    unsafe {
        mem_pool::set_attribute(
            pool,
            CUmemPool_attribute::CU_MEMPOOL_ATTR_RELEASE_THRESHOLD,
            (&raw mut bytes).cast(),
        )
    }
}
