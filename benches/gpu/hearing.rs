//! What listens: the content encoder of RVC's voices and RMVPE, of seeded weights.

use std::error::Error;
use std::time::Duration;

use autovoice::model::PITCH_BINS;
use autovoice::model::content::{
    Body, ContentConfig, DeviceEncoder, Front, HOP, Hearing, Loudness, Output, Reach,
};
use autovoice::model::rmvpe::{BANDS, DeviceRmvpe, Rmvpe, RmvpeConfig};
use autovoice::nn::Weights;
use autovoice::quality::seeded;
use autovoice::voice::models::{content_tensors, rmvpe_tensors};
use autovoice_kernels::gpu::{Device, GpuError, Precision};

use crate::rvc::noise;
use crate::support::Shares;

/// Frames of 20 ms in a hop, and looked at ahead: those of a device, and of a CPU's qualities.
const HOPS: [(usize, usize); 4] = [(1, 0), (2, 0), (4, 1), (8, 5)];
/// Frames of the past that attention sees, as the engine has it.
const PAST: usize = 80;
/// Spectra of 10 ms in a window of RMVPE.
const WINDOWS: [usize; 3] = [32, 64, 128];
const STEPS: usize = 1_000;
/// Of the CPU, which takes longer.
const CPU_STEPS: usize = 20;
const SECOND: Duration = Duration::from_secs(1);
/// Samples that a stream hears before its first hop, so that hops end where frames do.
const LEAD: usize = 80;

type Failed = Box<dyn Error>;

/// Measures.
pub fn run<D: Device>(device: &D) -> Result<(), Failed> {
    println!("Milliseconds of a step; of the CPU, one core.\n");
    println!("| span | network | on | mean | p50 | p95 | p99 | most |");
    println!("|---|---|---|---|---|---|---|---|");
    let weights = seeded::weights(content_tensors(&ContentConfig::BASE), 3)?;
    for sizes in HOPS {
        for precision in [Precision::Full, Precision::Half] {
            encoder(device, &weights, sizes, precision)?;
        }
        encoder_on_a_cpu(&weights, sizes)?;
    }
    let weights = seeded::weights(rmvpe_tensors(&RmvpeConfig::FULL), 3)?;
    for frames in WINDOWS {
        for precision in [Precision::Full, Precision::Half] {
            rmvpe(device, &weights, frames, precision)?;
        }
        rmvpe_on_a_cpu(&weights, frames)?;
    }
    println!();
    Ok(())
}

fn on(precision: Precision) -> &'static str {
    match precision {
        Precision::Full => "card, f32",
        Precision::Half => "card, f16",
    }
}

fn row(span_ms: usize, network: &str, on: &str, times: &Shares) {
    let times = times.times_ms(SECOND);
    println!("| {span_ms:4} ms | {network:22} | {on:9} | {times} |");
}

/// Calls `step`, and gives the first error of all.
fn measure(mut step: impl FnMut() -> Result<(), GpuError>) -> Result<Shares, GpuError> {
    let mut failed = None;
    let times = Shares::measure(STEPS, SECOND, || {
        failed = failed.take().or(step().err());
    });
    failed.map_or(Ok(times), Err)
}

fn encoder<D: Device>(
    device: &D,
    weights: &Weights,
    (hops, ahead): (usize, usize),
    precision: Precision,
) -> Result<(), Failed> {
    let hearing = Hearing {
        output: Output::V2,
        samples: hops * HOP,
        ahead,
        past: PAST,
    };
    let sizes = (hearing, precision);
    let mut stream = DeviceEncoder::new(device, &ContentConfig::BASE, sizes, &weights.root())?;
    let wave = noise(hops * HOP, 1);
    let mut content = vec![0.0; (hops + ahead) * stream.outs()];
    stream.lead(device, &wave[..LEAD])?;
    let times = measure(|| stream.step(device, &wave, &mut content).map(|_| ()))?;
    let network = format!("content, {ahead} ahead");
    row(20 * hops, &network, on(precision), &times);
    Ok(())
}

fn encoder_on_a_cpu(weights: &Weights, (hops, ahead): (usize, usize)) -> Result<(), Failed> {
    let (config, root) = (ContentConfig::BASE, weights.root());
    let reach = Reach {
        most: hops + ahead,
        past: PAST,
    };
    let mut front = Front::new(&config, hops * HOP, &root)?;
    let mut body = Body::new(&config, reach, &root)?;
    let wave = noise(hops * HOP, 1);
    let mut frames = vec![0.0; (Front::max_output(wave.len()) + ahead) * config.hidden];
    let seen = (hops + ahead) * config.hidden;
    let times = Shares::measure(CPU_STEPS, SECOND, || {
        front.step(&wave, Loudness::Running, &mut frames);
        body.step(&frames[..seen], hops);
    });
    row(
        20 * hops,
        &format!("content, {ahead} ahead"),
        "CPU, f32",
        &times,
    );
    Ok(())
}

fn rmvpe<D: Device>(
    device: &D,
    weights: &Weights,
    frames: usize,
    precision: Precision,
) -> Result<(), Failed> {
    let sizes = (frames, precision);
    let mut there = DeviceRmvpe::new(device, RmvpeConfig::FULL, sizes, &weights.root())?;
    let (spectra, mut salience) = (noise(frames * BANDS, 1), vec![0.0; frames * PITCH_BINS]);
    let times = measure(|| there.salience(device, &spectra, &mut salience))?;
    row(10 * frames, "RMVPE, a window", on(precision), &times);
    Ok(())
}

fn rmvpe_on_a_cpu(weights: &Weights, frames: usize) -> Result<(), Failed> {
    let mut here = Rmvpe::new(RmvpeConfig::FULL, frames, &weights.root())?;
    let (spectra, mut salience) = (noise(frames * BANDS, 1), vec![0.0; frames * PITCH_BINS]);
    let times = Shares::measure(CPU_STEPS, SECOND, || {
        here.salience(&spectra, &mut salience);
    });
    row(10 * frames, "RMVPE, a window", "CPU, f32", &times);
    Ok(())
}
