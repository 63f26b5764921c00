//! What finds the pitch: RMVPE and CREPE of seeded weights, and our own network.

use std::sync::Arc;

use autovoice::model::PITCH_BINS;
use autovoice::model::crepe::{Capacity, Crepe, DeviceCrepe, WINDOW};
use autovoice::model::pitch::features::{BINS, CHANNELS};
use autovoice::model::pitch::{DevicePitchNet, PitchNet, embedded};
use autovoice::model::rmvpe::{BANDS, DeviceRmvpe, Rmvpe, RmvpeConfig};
use autovoice::model::salience::Salience as _;
use autovoice::nn::Weights;
use autovoice::quality::seeded;
use autovoice::voice::models::{crepe_tensors, rmvpe_tensors};
use autovoice_kernels::gpu::{Device, Precision};

use crate::rvc::noise;
use crate::steps::{Failed, head, on_a_card, on_a_cpu};

const PRECISIONS: [Precision; 2] = [Precision::Full, Precision::Half];
/// Spectra of 10 ms in a window of RMVPE.
const WINDOWS: [usize; 3] = [32, 64, 128];
/// Milliseconds from one instant of the others to the next.
const HOP_MS: usize = 10;

/// Measures.
pub fn run<D: Device>(device: &D) -> Result<(), Failed> {
    head();
    let weights = seeded::weights(rmvpe_tensors(&RmvpeConfig::FULL), 3)?;
    for frames in WINDOWS {
        rmvpe(device, &weights, frames)?;
    }
    for (capacity, name) in [
        (Capacity::Full, "CREPE full, a window"),
        (Capacity::Tiny, "CREPE tiny, a window"),
    ] {
        crepe(device, capacity, name)?;
    }
    neural(device)?;
    println!();
    Ok(())
}

fn rmvpe<D: Device>(device: &D, weights: &Weights, frames: usize) -> Result<(), Failed> {
    let (name, span_ms, config) = ("RMVPE, a window", 10 * frames, RmvpeConfig::FULL);
    let (spectra, mut salience) = (noise(frames * BANDS, 1), vec![0.0; frames * PITCH_BINS]);
    for precision in PRECISIONS {
        let sizes = (frames, precision);
        let mut there = DeviceRmvpe::new(device, config, sizes, &weights.root())?;
        let step = || there.salience(device, &spectra, &mut salience);
        on_a_card(span_ms, (name, precision), step)?;
    }
    let mut here = Rmvpe::new(config, frames, &weights.root())?;
    on_a_cpu(span_ms, name, || here.salience(&spectra, &mut salience));
    Ok(())
}

fn crepe<D: Device>(device: &D, capacity: Capacity, name: &str) -> Result<(), Failed> {
    let weights = seeded::weights(crepe_tensors(capacity), 3)?;
    let (window, mut said) = (noise(WINDOW, 1), vec![0.0; PITCH_BINS]);
    for precision in PRECISIONS {
        let mut there = DeviceCrepe::new(device, capacity, precision, &weights.root())?;
        let step = || there.probabilities(device, &window, &mut said);
        on_a_card(HOP_MS, (name, precision), step)?;
    }
    let mut here = Crepe::new(capacity, &weights.root())?;
    on_a_cpu(HOP_MS, name, || here.salience(&window, &mut said));
    Ok(())
}

fn neural<D: Device>(device: &D) -> Result<(), Failed> {
    let weights = Arc::new(embedded().clone());
    let (name, features) = ("neural, an instant", noise(BINS * CHANNELS, 1));
    for precision in PRECISIONS {
        let mut there = DevicePitchNet::new(device, precision, &weights)?;
        let step = || there.step(device, &features).map(|_| ());
        on_a_card(HOP_MS, (name, precision), step)?;
    }
    let mut here = PitchNet::new(&weights)?;
    on_a_cpu(HOP_MS, name, || {
        here.features().copy_from_slice(&features);
        here.step();
    });
    Ok(())
}
