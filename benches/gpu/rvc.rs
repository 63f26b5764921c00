//! RVC's synthesizer at 48 kHz, of seeded weights: what a hop takes, network by network.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use autovoice::model::rvc::{
    DeviceFlow, DeviceGenerator, DeviceTextEncoder, Flow, Generator, RvcConfig, TextEncoder,
    Version,
};
use autovoice::nn::{Bounds, Weights};
use autovoice::quality::seeded;
use autovoice::voice::rvc::tensors;
use autovoice_kernels::gpu::{Cuda, Precision};

use safetensors::tensor::{Dtype, TensorView};

use crate::support::Shares;

/// Frames of 10 ms in a hop.
const HOPS: [usize; 4] = [1, 2, 4, 10];
/// Frames of the past that the text encoder hears again, as the engine has it.
const PAST: usize = 16;
const STEPS: usize = 1_000;
/// Of the CPU, which takes longer.
const CPU_STEPS: usize = 30;
const SECOND: Duration = Duration::from_secs(1);

type Failed = Box<dyn Error>;

/// What is put into the networks.
struct Input {
    features: Vec<f32>,
    pitch: Vec<u8>,
    z: Vec<f32>,
    source: Vec<f32>,
}

impl Input {
    fn new(config: &RvcConfig, frames: usize) -> Self {
        let window = PAST + frames;
        Self {
            features: noise(window * config.version.features(), 1),
            pitch: (0..window).map(|n| (n * 7 % 255 + 1) as u8).collect(),
            z: noise(frames * config.inter, 2),
            source: noise(frames * config.hop(), 3),
        }
    }
}

/// Seeded noise in -1..1.
pub fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

/// Measures, and writes the weights where that is asked for.
pub fn run(device: &Cuda, save: Option<&Path>) -> Result<(), Failed> {
    let config = RvcConfig::original(Version::V2, 48_000).ok_or("RVC has 48 kHz")?;
    let weights = seeded::weights(tensors(&config, 21), 3)?;
    if let Some(path) = save {
        write(&weights, path)?;
    }
    println!("Milliseconds of a step; of the CPU, one core.\n");
    println!("| hop | network | on | mean | p50 | p95 | p99 | most |");
    println!("|---|---|---|---|---|---|---|---|");
    for frames in HOPS {
        for precision in [Precision::Full, Precision::Half] {
            card(device, &config, &weights, (frames, precision))?;
        }
        cpu(&config, &weights, frames)?;
    }
    println!();
    Ok(())
}

fn row(frames: usize, network: &str, on: &str, times: &Shares) {
    println!(
        "| {:3} ms | {network:12} | {on:9} | {} |",
        10 * frames,
        times.times_ms(SECOND)
    );
}

fn card(
    device: &Cuda,
    config: &RvcConfig,
    weights: &Weights,
    (frames, precision): (usize, Precision),
) -> Result<(), Failed> {
    let on = match precision {
        Precision::Full => "card, f32",
        Precision::Half => "card, f16",
    };
    let input = Input::new(config, frames);
    let root = weights.root();
    let (window, one) = ((PAST + frames, precision), (frames, precision));
    let mut text = DeviceTextEncoder::new(device, config, window, &root.part("enc_p"))?;
    let mut flow = DeviceFlow::new(device, config, one, &root.part("flow"))?;
    let mut generator = DeviceGenerator::new(device, config, one, &root.part("dec"))?;
    let mut stats = vec![0.0; frames * 2 * config.inter];
    let mut latent = vec![0.0; frames * config.inter];
    let mut sound = vec![0.0; frames * config.hop()];
    let mut failed = None;
    let mut note = |done: Result<(), _>| failed = failed.take().or(done.err());
    let heard = (&input.features[..], &input.pitch[..]);
    let times = Shares::measure(STEPS, SECOND, || {
        note(text.forward(device, heard, PAST, &mut stats));
    });
    row(frames, "text encoder", on, &times);
    let times = Shares::measure(STEPS, SECOND, || {
        note(flow.step(device, (&input.z, frames), Bounds::OPEN, &mut latent));
    });
    row(frames, "flow", on, &times);
    let times = Shares::measure(STEPS, SECOND, || {
        let heard = (&input.z[..], &input.source[..]);
        note(generator.step(device, heard, Bounds::OPEN, &mut sound));
    });
    row(frames, "generator", on, &times);
    let times = Shares::measure(STEPS, SECOND, || {
        note(text.forward(device, heard, PAST, &mut stats));
        note(flow.step(device, (&input.z, frames), Bounds::OPEN, &mut latent));
        let heard = (&latent[..], &input.source[..]);
        note(generator.step(device, heard, Bounds::OPEN, &mut sound));
    });
    row(frames, "all three", on, &times);
    failed.map_or(Ok(()), |error| Err(error.into()))
}

fn cpu(config: &RvcConfig, weights: &Weights, frames: usize) -> Result<(), Failed> {
    let input = Input::new(config, frames);
    let root = weights.root();
    let mut text = TextEncoder::new(config, PAST + frames, &root.part("enc_p"))?;
    let mut flow = Flow::new(config, frames, &root.part("flow"))?;
    let mut generator = Generator::new(config, frames, &root.part("dec"))?;
    let mut sound = vec![0.0; frames * config.hop()];
    let times = Shares::measure(CPU_STEPS, SECOND, || {
        text.forward(&input.features, &input.pitch, PAST);
        let latent = flow.step(&input.z, frames, Bounds::OPEN);
        generator.step(latent, &input.source, Bounds::OPEN, &mut sound);
    });
    row(frames, "all three", "CPU, f32", &times);
    Ok(())
}

fn write(weights: &Weights, path: &Path) -> Result<(), Failed> {
    let root = weights.root();
    let named = weights.shapes().map(|(name, shape)| {
        let values = root.get(name, shape)?;
        let view = TensorView::new(Dtype::F32, shape.to_vec(), bytemuck::cast_slice(values))?;
        Ok((name, view))
    });
    let named = named.collect::<Result<Vec<_>, Failed>>()?;
    std::fs::write(path, safetensors::serialize(named, None)?)?;
    Ok(())
}
