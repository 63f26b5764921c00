//! One test body, two devices.

/// Makes two tests of each body, `fn<D: Device>(&D)`: one on an [`Emulator`](crate::Emulator), one on the
/// first card there is. The second exists in crates with their feature `gpu`; where it finds no card it
/// says so and passes, or fails if `AUTOVOICE_REQUIRE_GPU` is in the environment.
#[macro_export]
macro_rules! twins {
    ($($body:ident)*) => { $(
        mod $body {
            #[test]
            fn on_the_emulator() {
                super::$body(&$crate::Emulator::default());
            }

            #[cfg(feature = "gpu")]
            #[test]
            fn on_a_card() {
                match autovoice_kernels::gpu::Cuda::open(0) {
                    Ok(card) => super::$body(&card),
                    Err(error) => $crate::skipped(stringify!($body), &error),
                }
            }
        }
    )* };
}

/// Says, even where tests are silent, that there was no card.
///
/// # Panics
/// If there has to be one.
pub fn skipped(what: &str, error: &autovoice_kernels::gpu::GpuError) {
    use std::io::Write as _;
    assert!(
        std::env::var_os("AUTOVOICE_REQUIRE_GPU").is_none(),
        "AUTOVOICE_REQUIRE_GPU is set, and there is no card: {error}"
    );
    // Not `eprintln`, which the test runner keeps to itself.
    let line = format!("SKIPPED on a card: {what}: {error}\n");
    let told = std::io::stderr().write_all(line.as_bytes());
    told.expect("standard error is there");
}
