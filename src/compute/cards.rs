//! Which cards there are, or why there is none. Any thread that may wait: it asks the driver, if there is
//! one.

use autovoice_kernels::gpu::GpuError;

/// A card of NVIDIA's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its number.
    pub ordinal: usize,
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
    /// Why it cannot be used; none if it can.
    pub unfit: Option<String>,
}

/// Why there is no card.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Absence {
    /// This program knows none.
    #[error("this build knows no cards: it was made without the feature `gpu`")]
    NotBuilt,
    /// The driver says so, or there is none.
    #[error(transparent)]
    Gpu(#[from] GpuError),
}

/// All cards, in the order of their numbers. Takes a fraction of a second where there is a driver.
///
/// # Errors
/// [`Absence`].
#[cfg(feature = "gpu")]
pub fn cards() -> Result<Vec<Card>, Absence> {
    use autovoice_kernels::gpu::{NEEDED_CARD, devices};
    let found = devices()?.into_iter().enumerate();
    let card = |(ordinal, card): (usize, autovoice_kernels::gpu::Card)| {
        let unfit = (card.compute < NEEDED_CARD).then(|| {
            let error = GpuError::OldDevice {
                name: card.name.clone(),
                found: card.compute,
                needed: NEEDED_CARD,
            };
            error.to_string()
        });
        Card {
            ordinal,
            unfit,
            name: card.name,
            compute: card.compute,
            total_bytes: card.total_bytes,
            free_bytes: card.free_bytes,
            driver: card.driver,
        }
    };
    Ok(found.map(card).collect())
}

/// All cards: this build knows none.
///
/// # Errors
/// [`Absence::NotBuilt`].
#[cfg(not(feature = "gpu"))]
pub fn cards() -> Result<Vec<Card>, Absence> {
    Err(Absence::NotBuilt)
}
