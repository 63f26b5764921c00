//! RVC's networks at 48 kHz, of seeded weights: what a hop takes, network by network.

use std::error::Error;
use std::path::Path;
use std::time::Duration;

use autovoice::model::content::{
    ContentConfig, DeviceEncoder, Encoder, Front, Hearing, Loudness, Output, Reach,
};
use autovoice::model::rvc::{
    DeviceFlow, DeviceGenerator, DeviceSynthesizer, DeviceTextEncoder, Flow, Generator, Phrase,
    RvcConfig, Sounding, Spans, TextEncoder, Version,
};
use autovoice::nn::{Bounds, Weights};
use autovoice::quality::seeded;
use autovoice::voice::models::content_tensors;
use autovoice::voice::rvc::tensors;
use autovoice_kernels::gpu::{Cuda, GpuError, Precision};

use safetensors::tensor::{Dtype, TensorView};

use crate::support::Shares;

/// Frames of 10 ms in a hop.
const HOPS: [usize; 4] = [1, 2, 4, 10];
/// Frames of the past that the text encoder hears again, as the engine has it.
const PAST: usize = 16;
/// Frames of the past that the content encoder attends to, as `Reach::QUICK` has it.
const CONTENT_PAST: usize = 80;
const STEPS: usize = 1_000;
/// Of the CPU, which takes longer.
const CPU_STEPS: usize = 30;
const SECOND: Duration = Duration::from_secs(1);

type Failed = Box<dyn Error>;

/// What is put into the networks.
#[derive(Clone)]
struct Input {
    /// Of 16 kHz, for the content encoder.
    wave: Vec<f32>,
    features: Vec<f32>,
    pitch: Vec<u8>,
    z: Vec<f32>,
    source: Vec<f32>,
}

impl Input {
    fn new(config: &RvcConfig, frames: usize) -> Self {
        let window = PAST + frames;
        Self {
            wave: noise(frames * 160, 4),
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

fn voice() -> Result<(RvcConfig, Weights), Failed> {
    let config = RvcConfig::original(Version::V2, 48_000).ok_or("RVC has 48 kHz")?;
    let weights = seeded::weights(tensors(&config, 21), 3)?;
    Ok((config, weights))
}

/// Measures, and writes the weights where that is asked for.
pub fn run(device: &Cuda, save: Option<&Path>) -> Result<(), Failed> {
    let (config, weights) = voice()?;
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
        "| {:3} ms | {network:15} | {on:9} | {} |",
        10 * frames,
        times.times_ms(SECOND)
    );
}

/// A voice on a card, as engines have it: the content encoder, and a hop of the others as one launch.
pub struct Chain {
    input: Input,
    /// None for hops that are no whole frames of it.
    content: Option<DeviceEncoder<Cuda>>,
    voice: DeviceSynthesizer<Cuda>,
    content_heard: Vec<f32>,
    prior: Vec<f32>,
    latent: Vec<f32>,
    sound: Vec<f32>,
    frames: usize,
}

impl Chain {
    /// For hops of so many frames.
    pub fn new(device: &Cuda, frames: usize, precision: Precision) -> Result<Self, Failed> {
        let (config, weights) = voice()?;
        Self::of(device, &config, &weights, (frames, precision))
    }

    fn of(
        device: &Cuda,
        config: &RvcConfig,
        weights: &Weights,
        (frames, precision): (usize, Precision),
    ) -> Result<Self, Failed> {
        let is_whole = frames.is_multiple_of(2);
        let content = is_whole.then(|| content(device, frames, precision));
        let content = content.transpose()?;
        let content_len = content
            .as_ref()
            .map_or(0, |content| frames / 2 * content.outs());
        let spans = Spans {
            window: PAST + frames,
            flow: frames,
            generator: frames,
        };
        let root = weights.root();
        Ok(Self {
            content_heard: vec![0.0; content_len],
            content,
            input: Input::new(config, frames),
            voice: DeviceSynthesizer::new(device.clone(), config, spans, precision, &root)?,
            prior: vec![0.0; frames * config.inter],
            latent: vec![0.0; frames * config.inter],
            sound: vec![0.0; frames * config.hop()],
            frames,
        })
    }

    /// Another of the same voice.
    pub fn another(&self, device: &Cuda) -> Result<Self, Failed> {
        Ok(Self {
            input: self.input.clone(),
            content: (self.content.as_ref())
                .map(|content| content.another(device))
                .transpose()?,
            content_heard: self.content_heard.clone(),
            voice: self.voice.another(device.clone())?,
            prior: self.prior.clone(),
            latent: self.latent.clone(),
            sound: self.sound.clone(),
            frames: self.frames,
        })
    }

    fn hear(&mut self, device: &Cuda) -> Result<(), GpuError> {
        if let Some(content) = &mut self.content {
            content.step(device, &self.input.wave, &mut self.content_heard)?;
        }
        Ok(())
    }

    /// What a voice does in a hop, all but the content encoder.
    fn voice(&mut self) -> Result<(), GpuError> {
        let phrase = Phrase {
            features: &self.input.features,
            coarse: &self.input.pitch,
            past: PAST,
            decided: self.frames,
            noise: &self.input.z,
            source: &self.input.source,
        };
        let y = Sounding {
            prior: &mut self.prior,
            latent: &mut self.latent,
            sound: &mut self.sound,
            beyond: &mut [],
        };
        self.voice.sing(phrase, y)
    }

    /// A hop.
    pub fn hop(&mut self, device: &Cuda) -> Result<(), GpuError> {
        self.hear(device)?;
        self.voice()
    }
}

/// The same networks, each by itself.
struct Parts {
    input: Input,
    text: DeviceTextEncoder<Cuda>,
    flow: DeviceFlow<Cuda>,
    generator: DeviceGenerator<Cuda>,
    stats: Vec<f32>,
    latent: Vec<f32>,
    sound: Vec<f32>,
    frames: usize,
}

impl Parts {
    fn of(
        device: &Cuda,
        config: &RvcConfig,
        weights: &Weights,
        (frames, precision): (usize, Precision),
    ) -> Result<Self, Failed> {
        let root = weights.root();
        let (window, one) = ((PAST + frames, precision), (frames, precision));
        Ok(Self {
            input: Input::new(config, frames),
            text: DeviceTextEncoder::new(device, config, window, &root.part("enc_p"))?,
            flow: DeviceFlow::new(device, config, one, &root.part("flow"))?,
            generator: DeviceGenerator::new(device, config, one, &root.part("dec"))?,
            stats: vec![0.0; frames * 2 * config.inter],
            latent: vec![0.0; frames * config.inter],
            sound: vec![0.0; frames * config.hop()],
            frames,
        })
    }

    fn read(&mut self, device: &Cuda) -> Result<(), GpuError> {
        let heard = (&self.input.features[..], &self.input.pitch[..]);
        self.text.forward(device, heard, PAST, &mut self.stats)
    }

    fn turn(&mut self, device: &Cuda) -> Result<(), GpuError> {
        let given = (&self.input.z[..], self.frames);
        self.flow
            .step(device, given, Bounds::OPEN, &mut self.latent)
    }

    fn sing(&mut self, device: &Cuda) -> Result<(), GpuError> {
        let heard = (&self.latent[..], &self.input.source[..]);
        self.generator
            .step(device, heard, Bounds::OPEN, &mut self.sound)
    }
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
    let measure = |network: &str, step: &mut dyn FnMut() -> Result<(), GpuError>| {
        let mut failed = None;
        let times = Shares::measure(STEPS, SECOND, || {
            failed = failed.take().or(step().err());
        });
        failed.map_or(Ok(()), Err)?;
        row(frames, network, on, &times);
        Ok::<_, GpuError>(())
    };
    let mut parts = Parts::of(device, config, weights, (frames, precision))?;
    type Part = fn(&mut Parts, &Cuda) -> Result<(), GpuError>;
    let each: [(&str, Part); 3] = [
        ("text encoder", Parts::read),
        ("flow", Parts::turn),
        ("generator", Parts::sing),
    ];
    for (network, part) in each {
        measure(network, &mut || part(&mut parts, device))?;
    }
    drop(parts);
    let mut chain = Chain::of(device, config, weights, (frames, precision))?;
    measure("these three", &mut || chain.voice())?;
    if chain.content.is_some() {
        measure("content encoder", &mut || chain.hear(device))?;
        measure("all four", &mut || chain.hop(device))?;
    }
    Ok(())
}

/// The content encoder as `Reach::QUICK` has it.
fn content(
    device: &Cuda,
    frames: usize,
    precision: Precision,
) -> Result<DeviceEncoder<Cuda>, Failed> {
    let config = ContentConfig::BASE;
    let weights = seeded::weights(content_tensors(&config), 3)?;
    let hearing = Hearing {
        output: Output::V2,
        samples: frames * 160,
        ahead: 0,
        past: CONTENT_PAST,
    };
    let mut made = DeviceEncoder::new(device, &config, (hearing, precision), &weights.root())?;
    // From here on every hop is as many whole frames.
    made.lead(device, &[0.0; 80])?;
    Ok(made)
}

fn cpu(config: &RvcConfig, weights: &Weights, frames: usize) -> Result<(), Failed> {
    let input = Input::new(config, frames);
    let root = weights.root();
    let mut text = TextEncoder::new(config, PAST + frames, &root.part("enc_p"))?;
    let mut flow = Flow::new(config, frames, &root.part("flow"))?;
    let mut generator = Generator::new(config, frames, &root.part("dec"))?;
    let mut sound = vec![0.0; frames * config.hop()];
    let mut voice = || {
        text.forward(&input.features, &input.pitch, PAST);
        let latent = flow.step(&input.z, frames, Bounds::OPEN);
        generator.step(latent, &input.source, Bounds::OPEN, &mut sound);
    };
    let times = Shares::measure(CPU_STEPS, SECOND, &mut voice);
    row(frames, "these three", "CPU, f32", &times);
    if !frames.is_multiple_of(2) {
        return Ok(());
    }
    let content = ContentConfig::BASE;
    let weights = seeded::weights(content_tensors(&content), 3)?;
    let encoder = Encoder::new(&content, &weights.root())?;
    let reach = Reach {
        most: frames / 2,
        past: CONTENT_PAST,
    };
    let made = encoder.stream(Output::V2, frames * 160, reach);
    let (mut front, mut body) = made.ok_or("the encoder has this output")?;
    let mut x = vec![0.0; Front::max_output(frames * 160) * body.ins()];
    front.step(&[0.0; 80], Loudness::Running, &mut x);
    let times = Shares::measure(CPU_STEPS, SECOND, || {
        let found = front.step(&input.wave, Loudness::Running, &mut x);
        body.step(&x[..found * body.ins()], found);
        voice();
    });
    row(frames, "all four", "CPU, f32", &times);
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
