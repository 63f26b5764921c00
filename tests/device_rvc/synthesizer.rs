//! A hop of all three networks, as engines have it.

use autovoice::model::rvc::{
    DeviceFlow, DeviceGenerator, DeviceSynthesizer, DeviceTextEncoder, Generator, Phrase,
    RvcConfig, Sounding, Spans, Synthesizer, draw,
};
use autovoice::nn::{Bounds, Weights};
use autovoice_emulator::{Emulator, Tally, twins};
use autovoice_kernels::gpu::{Device, Precision};

use crate::nets::{difference, noise, tiny, weights};

const SPANS: Spans = Spans {
    window: 8,
    flow: 5,
    generator: 2,
};
/// Of hops: frames of the window, those only looked back at, those decided on, and those that would follow.
/// The generator takes three pieces of some.
const HOPS: [(usize, usize, usize, usize); 3] = [(8, 3, 5, 2), (5, 3, 2, 0), (7, 2, 3, 1)];

twins! {
    a_hop_is_that_of_the_cpu
}

fn small(has_pitch: bool) -> RvcConfig {
    RvcConfig {
        hidden: 12,
        filter: 20,
        layers: 1,
        ..tiny(has_pitch)
    }
}

/// What a hop is made of, and room for what comes of it: prior, latent, sound, and what would follow.
struct Hop {
    features: Vec<f32>,
    coarse: Vec<u8>,
    past: usize,
    decided: usize,
    noise: Vec<f32>,
    source: Vec<f32>,
    y: [Vec<f32>; 4],
}

impl Hop {
    fn new(
        config: &RvcConfig,
        (window, past, decided, beyond): (usize, usize, usize, usize),
    ) -> Self {
        let (seen, hop) = (window - past, config.hop());
        let samples = if config.has_pitch { decided * hop } else { 0 };
        let room = |len: usize| vec![f32::NAN; len];
        Self {
            features: noise(window * config.version.features(), 5),
            coarse: (0..window).map(|n| (1 + 23 * n) as u8).collect(),
            past,
            decided,
            noise: noise(seen * config.inter, 7),
            source: noise(samples, 8),
            y: [
                room(seen * config.inter),
                room(seen * config.inter),
                room(decided * hop),
                room(beyond * hop),
            ],
        }
    }

    fn sung<D: Device>(&mut self, there: &mut DeviceSynthesizer<D>) -> Result<(), String> {
        let phrase = Phrase {
            features: &self.features,
            coarse: &self.coarse,
            past: self.past,
            decided: self.decided,
            noise: &self.noise,
            source: &self.source,
        };
        let [prior, latent, sound, beyond] = &mut self.y;
        let y = Sounding {
            prior,
            latent,
            sound,
            beyond,
        };
        there.sing(phrase, y).map_err(|error| error.to_string())
    }

    fn sung_here(&mut self, config: &RvcConfig, cpu: &mut Synthesizer) {
        let [prior, latent, sound, beyond] = &mut self.y;
        let stats = cpu.text.forward(&self.features, &self.coarse, self.past);
        draw(stats, config.inter, &self.noise, prior);
        latent.copy_from_slice(cpu.flow.step(prior, self.decided, Bounds::OPEN));
        let (inter, hop) = (config.inter, config.hop());
        let mut source = self.source.chunks(SPANS.generator * hop);
        let z = latent[..self.decided * inter].chunks(SPANS.generator * inter);
        for (z, y) in z.zip(sound.chunks_mut(SPANS.generator * hop)) {
            let source = source.next().unwrap_or_default();
            cpu.generator.step(z, source, Bounds::OPEN, y);
        }
        let Generator {
            opening, closing, ..
        } = &cpu.generator;
        if beyond.is_empty() {
            return;
        }
        let silence = vec![0.0; SPANS.generator * hop.max(inter)];
        let mut begun = vec![0.0; beyond.len() / hop * opening.outs()];
        opening.beyond(&mut opening.clone(), &silence, &mut begun);
        closing.beyond(&mut closing.clone(), &begun, &silence, beyond);
    }
}

fn voice<D: Device>(device: D, config: &RvcConfig, weights: &Weights) -> DeviceSynthesizer<D> {
    let root = weights.root();
    DeviceSynthesizer::new(device, config, SPANS, Precision::Full, &root).unwrap()
}

/// Hops of all shapes, a reset, and again somebody else.
fn a_hop_is_that_of_the_cpu<D: Device>(device: &D) {
    for (has_pitch, speakers) in [(true, 2), (false, 1)] {
        let config = small(has_pitch);
        let weights = weights(&config);
        let mut cpu = Synthesizer::new(&config, SPANS, &weights.root()).unwrap();
        let mut there = voice(device, &config, &weights);
        let (mut got, mut want) = ([const { Vec::new() }; 4], [const { Vec::new() }; 4]);
        for speaker in 0..speakers {
            cpu.reset();
            there.reset().unwrap();
            cpu.set_speaker(speaker);
            let embedding = cpu.speakers.embedding(speaker);
            there.set_speaker(embedding).unwrap();
            for shape in HOPS {
                let mut hop = Hop::new(&config, shape);
                hop.sung_here(&config, &mut cpu);
                for (all, y) in want.iter_mut().zip(&hop.y) {
                    all.extend_from_slice(y);
                }
                hop.y.iter_mut().for_each(|y| y.fill(f32::NAN));
                hop.sung(&mut there).unwrap();
                for (all, y) in got.iter_mut().zip(&hop.y) {
                    all.extend_from_slice(y);
                }
            }
        }
        for (got, want) in got.iter().zip(&want) {
            let found = difference(got, want);
            assert!(found < 2e-5, "{found}, {has_pitch}");
        }
    }
}

#[test]
fn a_hop_goes_out_as_one_launch_and_memory_is_planned_once() {
    for has_pitch in [true, false] {
        let (config, device) = (small(has_pitch), Tally::new(14));
        let weights = weights(&config);
        let mut there = voice(&device, &config, &weights);
        let allocations = device.allocations();
        // Content, window, noise and the instants of flow and generator; pitch and the source of a voice
        // with pitch.
        let copies = if has_pitch { 7 } else { 5 };
        for (turn, shape) in HOPS.into_iter().chain(HOPS).enumerate() {
            let (_, _, decided, beyond) = shape;
            let pieces = decided.div_ceil(SPANS.generator);
            let before = (device.calls(), device.uploads(), device.downloads());
            let mut hop = Hop::new(&config, shape);
            let _ = device.launched();
            hop.sung(&mut there).unwrap();
            let after = (device.calls(), device.uploads(), device.downloads());
            // Later pieces have an instant and a source of their own, and so has what would follow.
            let each = 1 + usize::from(has_pitch);
            let more = (pieces - 1) * each + usize::from(0 < beyond);
            let wanted = (before.0 + pieces, before.1 + copies + more, before.2 + 1);
            assert_eq!(after, wanted, "{turn}");
            assert_eq!(
                device.launched().len(),
                launches(&config, &weights, shape),
                "{turn}"
            );
        }
        assert_eq!(device.allocations(), allocations);
    }
}

/// What a hop launches: that of the networks one by one, a draw, and copies from one to the next.
fn launches(
    config: &RvcConfig,
    weights: &Weights,
    (window, past, decided, beyond): (usize, usize, usize, usize),
) -> usize {
    let device = Tally::new(14);
    let part = |name| weights.root().part(name);
    let sizes = |frames| (frames, Precision::Full);
    let mut hop = Hop::new(config, (window, past, decided, beyond));
    let text = sizes(SPANS.window);
    let mut text = DeviceTextEncoder::new(&device, config, text, &part("enc_p")).unwrap();
    let flow = sizes(SPANS.flow);
    let mut flow = DeviceFlow::new(&device, config, flow, &part("flow")).unwrap();
    let generator = sizes(SPANS.generator);
    let mut generator = DeviceGenerator::new(&device, config, generator, &part("dec")).unwrap();
    let mut copy = generator.another(&device).unwrap();
    let mut stats = vec![0.0; 2 * hop.noise.len()];
    let _ = device.launched();
    let heard = (&hop.features[..], &hop.coarse[..]);
    text.forward(&device, heard, past, &mut stats).unwrap();
    let [_, latent, sound, follows] = &mut hop.y;
    let prior = (&hop.noise[..], decided);
    flow.step(&device, prior, Bounds::OPEN, latent).unwrap();
    let samples = SPANS.generator * config.hop();
    let mut source = hop.source.chunks(samples);
    let z = latent[..decided * config.inter].chunks(SPANS.generator * config.inter);
    let pieces = z.len();
    for (z, y) in z.zip(sound.chunks_mut(samples)) {
        let heard = (z, source.next().unwrap_or_default());
        generator.step(&device, heard, Bounds::OPEN, y).unwrap();
    }
    if 0 < beyond {
        generator.beyond(&device, &mut copy, follows).unwrap();
    }
    // Drawn, to the flow, and what comes of it; to the generator piece by piece.
    device.launched().len() + 3 + pieces
}

#[test]
fn what_does_not_fit_is_an_error() {
    let (config, device) = (small(true), Emulator::default());
    let weights = weights(&config);
    let mut there = voice(&device, &config, &weights);
    type Change = fn(&mut Hop);
    let table: [(Change, &str); 9] = [
        (|hop| hop.decided = 0, "frames of a step"),
        (|hop| hop.decided = 6, "frames of a step"),
        (|hop| hop.past = 2, "frames of a step"),
        (|hop| hop.features.truncate(1), "values of features"),
        (|hop| hop.noise.truncate(1), "normal deviates"),
        (|hop| hop.source.truncate(1), "samples of the source"),
        (|hop| hop.y[1].truncate(1), "values of the latent"),
        (|hop| hop.y[2].truncate(1), "samples of sound"),
        (|hop| hop.y[3].push(0.0), "samples of what would follow"),
    ];
    for (change, expected) in table {
        let mut hop = Hop::new(&config, HOPS[0]);
        change(&mut hop);
        let found = hop.sung(&mut there).unwrap_err();
        assert!(found.contains(expected), "{expected}: {found}");
    }
}
