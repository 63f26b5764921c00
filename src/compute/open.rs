//! Devices as makers of voices open them. Threads of keepers: it may wait for the driver.

use std::sync::Arc;

use autovoice_kernels::gpu::{Device, GpuError};

use super::keeper::Obstacle;
use super::meter::Meter;

/// The environment variable that says how many megabytes of a card's memory this process may take.
pub const MEMORY_VARIABLE: &str = "AUTOVOICE_DEVICE_MEMORY";
const MEGABYTE: usize = 1_000_000;

/// An open device, for one stream.
pub struct Opened<D> {
    /// The device.
    pub device: D,
    /// What it is called, for people.
    pub name: String,
    /// Of what this process takes there.
    pub meter: Arc<Meter>,
}

/// A device that threads hand to each other, with what is kept on it.
pub trait Movable: Device<Buffer: Send + Sync, Recording: Send> + Send + 'static {}

impl<D: Device<Buffer: Send + Sync, Recording: Send> + Send + 'static> Movable for D {}

/// Opens the device that is chosen.
pub trait Opener: Send + Sync + 'static {
    /// What is opened.
    type Device: Movable;

    /// Another stream on the device that is chosen, which is opened if it is not.
    ///
    /// # Errors
    /// Why it is the CPU.
    fn open(&self) -> Result<Opened<Self::Device>, Obstacle>;

    /// The device failed: it is opened anew the next time.
    fn forget(&self);

    /// Grows with every change of the choice.
    fn choices(&self) -> u64;
}

/// The bytes of a card that this process may take: half of them, or what the variable says.
///
/// # Errors
/// If it says no number.
pub fn budget(total: usize, megabytes: Option<&str>) -> Result<usize, String> {
    match megabytes.map(str::trim).filter(|text| !text.is_empty()) {
        None => Ok(total / 2),
        Some(text) => match text.parse::<usize>() {
            Ok(number) if 0 < number => Ok(number.saturating_mul(MEGABYTE).min(total)),
            _ => Err(format!(
                "expected {MEMORY_VARIABLE} in megabytes, found \"{text}\""
            )),
        },
    }
}

/// What keeps a voice from a device that cannot be opened. What a driver lacks it lacks for as long as the
/// process lives.
#[must_use]
pub fn obstacle(error: &GpuError) -> Obstacle {
    let may_pass = !matches!(
        error,
        GpuError::NoDriver | GpuError::OldDriver { .. } | GpuError::OldDevice { .. }
    );
    Obstacle {
        note: Some(format!("{error}; on the CPU instead")),
        may_pass,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budget_is_half_or_what_is_said_and_no_more_than_there_is() {
        let total = 8_000 * MEGABYTE;
        for (text, expected) in [
            (None, Ok(4_000)),
            (Some(""), Ok(4_000)),
            (Some(" 500 "), Ok(500)),
            (Some("99999"), Ok(8_000)),
            (Some("0"), Err("\"0\"")),
            (Some("-1"), Err("\"-1\"")),
            (Some("2 GB"), Err("\"2 GB\"")),
        ] {
            match (budget(total, text), expected) {
                (Ok(found), Ok(megabytes)) => assert_eq!(found, megabytes * MEGABYTE),
                (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
                (found, _) => panic!("{text:?}: {found:?}"),
            }
        }
    }
}
