//! The kernels of signals over a second at 48 kHz: transforms, the phase vocoder, medians and masks, and the
//! resampler, one stream and many. What they reach of the card's memory says how far from it they are.

use std::error::Error;
use std::time::Instant;

use autovoice_kernels::cpu::{Along, Phases, Polyphase, Stretch};
use autovoice_kernels::gpu::{
    Array, Cuda, Device, Fourier, GpuError, Medians, PhaseVocoder, Resampler, Spectrogram,
    magnitude, median, overlap_add, separate,
};

use crate::rvc::noise;

const RATE: usize = 48_000;
/// Values of a frame, and bins of its spectrum.
const SIZE: usize = 2_048;
const BINS: usize = SIZE / 2 + 1;
/// Neighbours of a median on either side.
const REACH: usize = 15;
/// How often a recording has the kernel.
const LAUNCHES: usize = 10;

/// Measures, and prints a line for each.
pub fn run(device: &Cuda) -> Result<(), Box<dyn Error>> {
    println!("A second at 48 kHz in microseconds; GB/s of what is read once and written once.\n");
    println!("| streams | kernel | | GB/s |\n|---|---|---|---|");
    for streams in [1, 32] {
        second(device, streams)?;
    }
    Ok(())
}

fn second(device: &Cuda, streams: usize) -> Result<(), GpuError> {
    let stretch = Stretch::by_semitones(SIZE, 4.0, Phases::Locked);
    let of_stream = RATE / stretch.hop;
    let frames = streams * of_stream;
    let (values, samples) = (frames * BINS, frames * stretch.hop + SIZE);
    let zeros = |count| Array::<_, f32>::zeros(device, count);
    let x = Array::new(device, &noise(samples, 1))?;
    let fourier = Fourier::new(device, &noise(SIZE, 2))?;
    let vocoder = PhaseVocoder::new(device, stretch, streams)?;
    // A second is whole periods of the two rates, so that each step is the same.
    let filter = Polyphase::new((48_000, 44_100), 32, 80.0);
    let mut resampler = Resampler::new(device, filter, streams)?;
    let input = Array::new(device, &noise(RATE * streams, 3))?;
    let output = zeros(resampler.outputs(RATE) * streams)?;
    let (spectra, turned, rest) = (zeros(2 * values)?, zeros(2 * values)?, zeros(2 * values)?);
    let (magnitudes, rings, strikes) = (zeros(values)?, zeros(values)?, zeros(values)?);
    let (pieces, sum) = (
        zeros(frames * SIZE)?,
        zeros(frames * stretch.new_hop + SIZE)?,
    );
    let shape = Spectrogram {
        frames,
        bins: BINS,
        first: 0,
        count: frames,
    };
    let row = |what: &str, moved: usize, work: &mut dyn FnMut() -> Result<(), GpuError>| {
        let best_s = fastest(device, work)?;
        let rate = (4 * moved) as f64 / best_s * 1e-9;
        println!("| {streams} | {what} | {:.1} | {rate:.0} |", best_s * 1e6);
        Ok::<(), GpuError>(())
    };
    row("transform", samples + 2 * values, &mut || {
        fourier.forward(device, (x.all(), stretch.hop, frames), spectra.all())
    })?;
    row("phase vocoder", 4 * values, &mut || {
        vocoder.step(device, (spectra.all(), of_stream), turned.all())
    })?;
    row("inverse", 2 * values + frames * SIZE, &mut || {
        fourier.backward(device, (turned.all(), frames), pieces.all())
    })?;
    row("overlap-add", frames * SIZE + sum.len(), &mut || {
        let hops = (frames, SIZE, stretch.new_hop);
        overlap_add(device, pieces.all(), hops, None, sum.all())
    })?;
    row("magnitudes", 3 * values, &mut || {
        magnitude(device, spectra.all(), magnitudes.all())
    })?;
    for (what, along, to) in [
        ("medians along time", Along::Time, &rings),
        ("medians along frequency", Along::Frequency, &strikes),
    ] {
        row(what, 2 * values, &mut || {
            median(device, along, REACH, (magnitudes.all(), shape), to.all())
        })?;
    }
    row("masks", 8 * values, &mut || {
        let medians = Medians {
            along_time: rings.all(),
            along_frequency: strikes.all(),
        };
        separate(device, spectra.all(), medians, [turned.all(), rest.all()])
    })?;
    row("resampler", input.len() + output.len(), &mut || {
        resampler.step(device, input.all(), output.all())
    })
}

/// Seconds of a launch among others of its kind.
fn fastest(device: &Cuda, work: &mut dyn FnMut() -> Result<(), GpuError>) -> Result<f64, GpuError> {
    let recording = device.record(&mut || (0..LAUNCHES).try_for_each(|_| work()))?;
    let mut best_s = f64::INFINITY;
    for _ in 0..20 {
        device.synchronize()?;
        let began = Instant::now();
        device.replay(&recording)?;
        device.synchronize()?;
        best_s = best_s.min(began.elapsed().as_secs_f64() / LAUNCHES as f64);
    }
    Ok(best_s)
}
