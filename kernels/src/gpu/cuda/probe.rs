//! Which cards there are, or why there is none.

use cudarc::driver::{CudaContext, sys};

use super::super::error::GpuError;
use super::failed;

/// The version of CUDA that a driver must serve: the first that knows PTX 8.2, which the kernels are in.
/// Drivers 535 and newer do.
pub const NEEDED_DRIVER: (u32, u32) = (12, 2);
/// The compute capability that a card must have.
pub const NEEDED_CARD: (u32, u32) = (7, 5);

/// A card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// What it is called.
    pub name: String,
    /// Its compute capability.
    pub compute: (u32, u32),
    /// Memory in bytes.
    pub total_bytes: usize,
    /// Memory in bytes that nobody uses.
    pub free_bytes: usize,
    /// The version of CUDA that its driver serves.
    pub driver: (u32, u32),
}

/// All cards, those that are too old for the kernels included, in the order of their numbers. Takes a
/// fraction of a second.
///
/// # Errors
/// Why there is none: no driver, one that is too old, or no card.
pub fn devices() -> Result<Vec<Card>, GpuError> {
    let driver = driver()?;
    (0..count()?).map(|ordinal| card(ordinal, driver)).collect()
}

fn card(ordinal: usize, driver: (u32, u32)) -> Result<Card, GpuError> {
    let what = "asking what card there is";
    let context = CudaContext::new(ordinal).map_err(|e| failed(what, e))?;
    let (free_bytes, total_bytes) = context.mem_get_info().map_err(|e| failed(what, e))?;
    Ok(Card {
        name: context.name().map_err(|e| failed(what, e))?,
        compute: compute(&context)?,
        total_bytes,
        free_bytes,
        driver,
    })
}

fn compute(context: &CudaContext) -> Result<(u32, u32), GpuError> {
    let found = context.compute_capability();
    let (major, minor) = found.map_err(|e| failed("asking what card there is", e))?;
    Ok((major.unsigned_abs(), minor.unsigned_abs()))
}

/// How many cards there are; at least one.
pub(super) fn count() -> Result<usize, GpuError> {
    match CudaContext::device_count() {
        Ok(count) if 0 < count => Ok(count.unsigned_abs() as usize),
        Ok(_) => Err(GpuError::NoDevice),
        Err(error) if error.0 == sys::CUresult::CUDA_ERROR_NO_DEVICE => Err(GpuError::NoDevice),
        Err(error) => Err(failed("counting cards", error)),
    }
}

/// The compute capability of a card; says no to one that lacks the kernels' instructions.
pub(super) fn check_card(context: &CudaContext) -> Result<(u32, u32), GpuError> {
    let found = compute(context)?;
    if found < NEEDED_CARD {
        let name = context.name();
        return Err(GpuError::OldDevice {
            name: name.map_err(|e| failed("asking what card there is", e))?,
            found,
            needed: NEEDED_CARD,
        });
    }
    Ok(found)
}

/// The version of CUDA that the driver serves, if there is one and it is new enough. Comes before every
/// other call to the driver: without its library those would panic.
pub(super) fn driver() -> Result<(u32, u32), GpuError> {
    // SAFETY: opening the driver's library runs its initialisers, which are made for that.
    if !unsafe { sys::is_culib_present() } {
        return Err(GpuError::NoDriver);
    }
    let mut version = 0;
    // SAFETY: writes one integer to the place given.
    let asked = unsafe { sys::cuDriverGetVersion(&raw mut version) };
    asked
        .result()
        .map_err(|e| failed("asking for the driver's version", e))?;
    checked(version.unsigned_abs())
}

/// A version as the driver gives it, 1000 times major and 10 times minor, if it is new enough.
fn checked(version: u32) -> Result<(u32, u32), GpuError> {
    let found = (version / 1000, version % 1000 / 10);
    match NEEDED_DRIVER <= found {
        true => Ok(found),
        false => Err(GpuError::OldDriver {
            found,
            needed: NEEDED_DRIVER,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_held_against_what_is_needed() {
        assert_eq!(checked(12_020), Ok((12, 2)));
        assert_eq!(checked(13_000), Ok((13, 0)));
        for (version, found) in [(12_010, (12, 1)), (11_080, (11, 8)), (0, (0, 0))] {
            let error = checked(version).unwrap_err();
            let needed = (12, 2);
            assert_eq!(error, GpuError::OldDriver { found, needed });
        }
        let text = checked(11_080).unwrap_err().to_string();
        for part in ["11.8", "12.2", "535"] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn there_are_cards_or_a_reason_why_not() {
        match devices() {
            Ok(cards) => {
                assert!(!cards.is_empty());
                for card in cards {
                    println!("{card:?}");
                    assert!(!card.name.is_empty());
                    assert!(card.free_bytes <= card.total_bytes);
                }
            }
            Err(error) => {
                println!("{error}");
                let is_known = matches!(
                    error,
                    GpuError::NoDriver | GpuError::OldDriver { .. } | GpuError::NoDevice
                );
                assert!(is_known, "{error}");
            }
        }
    }
}
