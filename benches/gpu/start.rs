//! How long a card takes to have all kernels: from PTX, from PTX by the driver's linker, and from what was
//! kept of that. The driver has a cache of its own, which `CUDA_CACHE_DISABLE=1` leaves out.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use autovoice::compute::KernelFiles;
use autovoice_kernels::gpu::{Builds, Cuda, Device as _, GpuError, Urgency};

/// Opens the first card three times, and prints what each took.
pub fn run() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let files = || -> Option<Arc<dyn Builds>> {
        Some(Arc::new(KernelFiles::new(folder.path().to_owned())))
    };
    println!("All kernels on the card, in milliseconds.\n\n| from | |\n|---|---|");
    for (what, builds) in [
        ("PTX", None),
        ("PTX, linked and kept", files()),
        ("what was kept", files()),
    ] {
        let seconds = loaded(builds)?;
        println!("| {what} | {:.1} |", seconds * 1e3);
    }
    let sizes = std::fs::read_dir(folder.path())?.map(|file| Ok(file?.metadata()?.len()));
    let bytes = sizes.sum::<std::io::Result<u64>>()?;
    println!("\nKept: {:.1} MB\n", bytes as f64 * 1e-6);
    Ok(())
}

/// Seconds until all kernels of a card that was opened anew are there.
fn loaded(builds: Option<Arc<dyn Builds>>) -> Result<f64, GpuError> {
    let device = Cuda::open_with(0, Urgency::Sound, builds)?;
    device.synchronize()?;
    let began = Instant::now();
    device.load_kernels()?;
    Ok(began.elapsed().as_secs_f64())
}
