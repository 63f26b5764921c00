//! Networks with weights of a seed, for tests and benches of what does not depend on weights.
#![allow(dead_code, reason = "each test binary uses its own part")]

use autovoice::model::crepe::{Capacity, Crepe};
use autovoice::model::rmvpe::{Rmvpe, RmvpeConfig};
use autovoice::nn::Weights;

/// Seeded noise in -1..1.
pub fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// Tensors that keep signals at about their level.
#[derive(Default)]
pub struct Tensors(Vec<(String, Vec<usize>, Vec<f32>)>);

impl Tensors {
    /// Values around `offset`, within `scale`.
    pub fn add(&mut self, name: String, shape: &[usize], scale: f32, offset: f32) {
        let values = noise(shape.iter().product(), self.0.len() as u32);
        let values = values.iter().map(|x| offset + scale * x).collect();
        self.0.push((name, shape.to_vec(), values));
    }

    /// A batch normalisation.
    pub fn norm(&mut self, name: &str, channels: usize) {
        for (part, offset) in [
            ("weight", 1.0),
            ("bias", 0.0),
            ("running_mean", 0.0),
            ("running_var", 1.0),
        ] {
            self.add(format!("{name}.{part}"), &[channels], 0.1, offset);
        }
    }

    /// Residual blocks of RMVPE.
    fn blocks(&mut self, name: &str, ins: usize, outs: usize, count: usize) {
        for n in 0..count {
            let ins = if n == 0 { ins } else { outs };
            for (layer, ins, scale) in [(0, ins, 0.5), (3, outs, 0.1)] {
                let scale = scale * (1.0 / ins as f32).sqrt();
                let conv = format!("{name}.{n}.conv.{layer}.weight");
                self.add(conv, &[outs, ins, 3, 3], scale, 0.0);
                self.norm(&format!("{name}.{n}.conv.{}", layer + 1), outs);
            }
            if ins != outs {
                let scale = (1.0 / ins as f32).sqrt();
                let shortcut = format!("{name}.{n}.shortcut");
                self.add(format!("{shortcut}.weight"), &[outs, ins, 1, 1], scale, 0.0);
                self.add(format!("{shortcut}.bias"), &[outs], 0.1, 0.0);
            }
        }
    }

    pub fn weights(self) -> Weights {
        Weights::new(self.0).expect("shapes and values agree")
    }
}

pub fn crepe(capacity: Capacity) -> Crepe {
    let times = match capacity {
        Capacity::Tiny => 4,
        Capacity::Full => 32,
    };
    let mut tensors = Tensors::default();
    let mut ins = 1;
    for (n, outs) in [32, 4, 4, 4, 8, 16].into_iter().enumerate() {
        let (outs, kernel) = (times * outs, if n == 0 { 512 } else { 64 });
        let scale = (3.0 / (kernel * ins) as f32).sqrt();
        let name = format!("conv{}", n + 1);
        tensors.add(
            format!("{name}.weight"),
            &[outs, ins, kernel, 1],
            scale,
            0.0,
        );
        tensors.add(format!("{name}.bias"), &[outs], 0.1, 0.0);
        tensors.norm(&format!("{name}_BN"), outs);
        ins = outs;
    }
    tensors.add("classifier.weight".to_owned(), &[360, 4 * ins], 0.05, 0.0);
    tensors.add("classifier.bias".to_owned(), &[360], 0.1, 0.0);
    Crepe::new(capacity, &tensors.weights().root()).expect("the shapes are those of the capacity")
}

/// For windows of at most `longest` spectra.
pub fn rmvpe(config: RmvpeConfig, longest: usize) -> Rmvpe {
    let mut tensors = Tensors::default();
    let RmvpeConfig {
        blocks,
        bottom,
        channels,
    } = config;
    tensors.norm("unet.encoder.bn", 1);
    for level in 0..5 {
        let ins = if level == 0 {
            1
        } else {
            channels << (level - 1)
        };
        let name = format!("unet.encoder.layers.{level}.conv");
        tensors.blocks(&name, ins, channels << level, blocks);
        let (ins, outs) = (channels << (5 - level), channels << (4 - level));
        let name = format!("unet.decoder.layers.{level}");
        let scale = (1.0 / (3 * ins) as f32).sqrt();
        tensors.add(
            format!("{name}.conv1.0.weight"),
            &[ins, outs, 3, 3],
            scale,
            0.0,
        );
        tensors.norm(&format!("{name}.conv1.1"), outs);
        tensors.blocks(&format!("{name}.conv2"), 2 * outs, outs, blocks);
    }
    for layer in 0..bottom {
        let ins = channels << if layer == 0 { 4 } else { 5 };
        let name = format!("unet.intermediate.layers.{layer}.conv");
        tensors.blocks(&name, ins, channels << 5, blocks);
    }
    tensors.add("cnn.weight".to_owned(), &[3, channels, 3, 3], 0.1, 0.0);
    tensors.add("cnn.bias".to_owned(), &[3], 0.1, 0.0);
    for suffix in ["l0", "l0_reverse"] {
        let name = |part: &str| format!("fc.0.gru.{part}_{suffix}");
        tensors.add(name("weight_ih"), &[768, 384], 0.1, 0.0);
        tensors.add(name("weight_hh"), &[768, 256], 0.1, 0.0);
        tensors.add(name("bias_ih"), &[768], 0.1, 0.0);
        tensors.add(name("bias_hh"), &[768], 0.1, 0.0);
    }
    tensors.add("fc.1.weight".to_owned(), &[360, 512], 0.2, 0.0);
    tensors.add("fc.1.bias".to_owned(), &[360], 1.0, -2.0);
    let weights = tensors.weights();
    Rmvpe::new(config, longest, &weights.root()).expect("the shapes are those of the configuration")
}
