//! Networks with weights of a seed, for tests and benches of what does not depend on weights.
#![allow(dead_code, reason = "each test binary uses its own part")]

use autovoice::model::crepe::{Capacity, Crepe};
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
