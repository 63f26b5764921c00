//! Networks, exact ports of published ones and our own: what they compute, not where their
//! weights come from. Any thread; no files, no threads of their own.

pub mod content;
pub mod crepe;
pub mod ddsp;
pub mod pitch;
pub mod protect;
pub mod retrieval;
pub mod rmvpe;
pub mod rvc;
pub mod salience;

/// Pitch bins of CREPE and of the networks that followed it: 360 of 20 cents each.
pub const PITCH_BINS: usize = 360;

/// Cents above 10 Hz of a pitch bin, which may lie between two.
#[must_use]
pub fn bin_to_cents(bin: f64) -> f64 {
    20.0 * bin + FIRST_BIN_CENTS
}

/// The frequency so many cents above 10 Hz.
#[must_use]
pub fn cents_to_hz(cents: f64) -> f64 {
    10.0 * (cents / 1200.0).exp2()
}

/// The bin, in general between two, of a frequency.
#[must_use]
pub fn hz_to_bin(hz: f64) -> f64 {
    (1200.0 * (hz / 10.0).log2() - FIRST_BIN_CENTS) / 20.0
}

/// Cents above 10 Hz of bin 0, which is C1 less a little (Kim et al., 2018).
const FIRST_BIN_CENTS: f64 = 1_997.379_408_437_619;
