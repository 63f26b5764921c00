//! Front and body, one behind the other.

use autovoice::model::content::{
    Body, ContentConfig, DeviceEncoder, Front, HOP, Hearing, Loudness, Output, Reach,
};
use autovoice::nn::Line;
use autovoice_emulator::{Emulator, twins};
use autovoice_kernels::gpu::{Device, Precision};

use crate::nets::{TINY, difference, wave, weights};

twins! {
    an_encoder_is_the_streams_of_the_cpu_one_behind_the_other
}

const HOPS: usize = 2;
const PAST: usize = 11;
const OUTPUT: Output = Output {
    layers: 2,
    is_projected: true,
};

/// As an engine runs them on a CPU.
struct Cpu {
    front: Front,
    body: Body,
    frames: Line,
    ahead: usize,
}

impl Cpu {
    fn new(config: &ContentConfig, ahead: usize) -> Self {
        let weights = weights(config);
        let reach = Reach {
            most: HOPS + ahead,
            past: PAST,
        };
        let body = Body::new(config, reach, &weights.root()).unwrap();
        Self {
            front: Front::new(config, HOPS * HOP, &weights.root()).unwrap(),
            body: body.taking(OUTPUT, reach).unwrap(),
            frames: Line::new(config.hidden, ahead, Front::max_output(HOPS * HOP)),
            ahead,
        }
    }

    fn reset(&mut self) {
        self.front.reset();
        self.body.reset();
        self.frames.reset();
    }

    fn hear(&mut self, wave: &[f32]) -> usize {
        let newest = self.frames.newest(Front::max_output(wave.len()));
        self.front.step(wave, Loudness::Running, newest)
    }

    fn lead(&mut self, wave: &[f32]) {
        let frames = self.hear(wave);
        self.frames.advance(frames);
    }

    fn step(&mut self, wave: &[f32]) -> Vec<f32> {
        let frames = self.hear(wave);
        let seen = (frames + self.ahead) * self.body.ins();
        let x = &self.frames.since(self.ahead)[..seen];
        let content = self.body.step(x, frames).to_vec();
        self.frames.advance(frames);
        content
    }
}

fn an_encoder_is_the_streams_of_the_cpu_one_behind_the_other<D: Device>(device: &D) {
    for ahead in [0, 3] {
        let mut cpu = Cpu::new(&TINY, ahead);
        let hearing = Hearing {
            output: OUTPUT,
            samples: HOPS * HOP,
            ahead,
            past: PAST,
        };
        let weights = weights(&TINY);
        let sizes = (hearing, Precision::Full);
        let made = DeviceEncoder::new(device, &TINY, sizes, &weights.root()).unwrap();
        let mut there = made.another(device).unwrap();
        let wave = wave(80 + 12 * HOP);
        let (mut got, mut want) = (Vec::new(), Vec::new());
        for hops in [&[1, 2, 1][..], &[2, 1, 2, 1, 2, 1]] {
            cpu.reset();
            there.reset(device).unwrap();
            let (lead, mut rest) = wave.split_at(80);
            for lead in [lead, &rest[..HOP], &rest[..HOP]] {
                cpu.lead(lead);
                there.lead(device, lead).unwrap();
            }
            for hops in hops {
                let heard = &rest[..hops * HOP];
                rest = &rest[hops * HOP..];
                want.extend(cpu.step(heard));
                let mut y = vec![f32::NAN; (hops + ahead) * there.outs()];
                let frames = there.step(device, heard, &mut y).unwrap();
                assert_eq!(frames, *hops);
                got.extend_from_slice(&y);
            }
        }
        let found = difference(&got, &want);
        assert!(found < 1e-5, "{found}, {ahead} ahead");
    }
}

#[test]
fn what_does_not_fit_is_an_error() {
    let device = Emulator::default();
    let hearing = Hearing {
        output: OUTPUT,
        samples: HOP,
        ahead: 1,
        past: 0,
    };
    let weights = weights(&TINY);
    let sizes = (hearing, Precision::Full);
    let mut there = DeviceEncoder::new(&device, &TINY, sizes, &weights.root()).unwrap();
    let wave = wave(HOP + 1);
    let mut y = vec![0.0; 3 * there.outs()];
    let outs = there.outs();
    let found = there.lead(&device, &wave).unwrap_err();
    assert!(found.to_string().contains("samples of a step"), "{found}");
    let found = there.step(&device, &wave[..80], &mut y[..outs + 1]);
    let found = found.unwrap_err();
    assert!(found.to_string().contains("values of content"), "{found}");
}
