//! Activations against their definitions and the CPU's.

use autovoice_kernels::cpu;
use autovoice_kernels::gpu::{Activation, Device, activate, activate_shifted, gate};

use crate::support::{Target, array, close, close_to, noise};

autovoice_emulator::twins! { every_activation in_place shifted_ones gates }

/// By the series and the continued fraction of the error function.
pub fn gelu_exact(x: f64) -> f64 {
    let a = x.abs() / 2f64.sqrt();
    let erf = if a < 3.0 {
        let mut term = a;
        let mut sum = a;
        for n in 1..120 {
            term *= -a * a / f64::from(n);
            sum += term / f64::from(2 * n + 1);
        }
        sum * 2.0 / std::f64::consts::PI.sqrt()
    } else {
        let fraction = (1..60).rev().fold(a, |f, n| a + f64::from(n) / 2.0 / f);
        1.0 - (-a * a).exp() / (fraction * std::f64::consts::PI.sqrt())
    };
    0.5 * x * (1.0 + erf.copysign(x))
}

/// From -10 to 10 and around 0, an odd number of them.
fn arguments() -> Vec<f32> {
    let coarse = (-500..500).map(|n| n as f32 * 0.02);
    let fine = (-50..51).map(|n| n as f32 * 1e-5);
    coarse.chain(fine).collect()
}

fn every_activation<D: Device>(device: &D) {
    let x = arguments();
    let x_there = array(device, &x);
    let run = |activation| {
        let y = Target::new(device, x.len());
        activate(device, activation, x_there.all(), y.slice()).unwrap();
        y.read(device)
    };
    let exact = |f: fn(f64) -> f64| x.iter().map(move |x| f(f64::from(*x)));
    assert_eq!(run(Activation::None), x);
    close(&run(Activation::Relu), exact(|x| x.max(0.0)), 0.0, "ReLU");
    close(&run(Activation::Gelu), exact(gelu_exact), 6e-7, "GELU");
    close(&run(Activation::Tanh), exact(f64::tanh), 3e-7, "tanh");
    let sigmoid = exact(|x| 1.0 / (1.0 + (-x).exp()));
    close(&run(Activation::Sigmoid), sigmoid, 2e-7, "sigmoid");
    let twin = |f: &dyn Fn(&mut [f32])| {
        let mut y = x.clone();
        f(&mut y);
        y
    };
    let leaky = twin(&|y| cpu::leaky_relu(y, 0.1));
    close_to(&run(Activation::LeakyRelu(0.1)), &leaky, 0.0, "leaky ReLU");
    close_to(&run(Activation::Gelu), &twin(&cpu::gelu), 1e-6, "GELU");
    close_to(&run(Activation::Tanh), &twin(&cpu::tanh), 5e-7, "tanh");
    close_to(
        &run(Activation::Sigmoid),
        &twin(&cpu::sigmoid),
        4e-7,
        "sigmoid",
    );
}

/// Far out, and with what is no number.
fn in_place<D: Device>(device: &D) {
    let ends = [-1e30f32, -200.0, 200.0, 1e30, f32::NAN];
    for (activation, want) in [
        (Activation::Tanh, [-1.0, -1.0, 1.0, 1.0]),
        (Activation::Sigmoid, [0.0, 0.0, 1.0, 1.0]),
        (Activation::Gelu, [0.0, 0.0, 200.0, 1e30f32]),
    ] {
        let y = Target::holding(device, &ends);
        activate(device, activation, y.slice(), y.slice()).unwrap();
        let got = y.read(device);
        assert_eq!(got[..4], want, "{activation:?}");
        assert!(got[4].is_nan(), "{activation:?}");
    }
}

fn shifted_ones<D: Device>(device: &D) {
    for (rows, width) in [(1, 1), (3, 7), (2, 129)] {
        let (x, offset) = (noise(rows * width, 1), noise(width, 2));
        let offset_there = array(device, &offset);
        let y = Target::holding(device, &x);
        let activation = Activation::Gelu;
        activate_shifted(
            device,
            activation,
            (y.slice(), rows),
            offset_there.all(),
            y.slice(),
        )
        .unwrap();
        let sums =
            (x.iter().enumerate()).map(|(n, x)| f64::from(*x) + f64::from(offset[n % width]));
        let want = sums.map(gelu_exact);
        close(&y.read(device), want, 6e-7, &format!("{rows} x {width}"));
    }
}

fn gates<D: Device>(device: &D) {
    for (frames, size) in [(1, 1), (3, 7), (5, 129)] {
        let (x, offset) = (noise(frames * 2 * size, 1), noise(2 * size, 2));
        let (x_there, offset_there) = (array(device, &x), array(device, &offset));
        for has_offset in [true, false] {
            let y = Target::new(device, frames * size);
            let added = has_offset.then(|| offset_there.all());
            gate(device, x_there.all(), (frames, size), added, y.slice()).unwrap();
            let want = (0..frames * size).map(|n| {
                let (f, c) = (n / size, n % size);
                let of = |c: usize| {
                    let offset = if has_offset { offset[c] } else { 0.0 };
                    f64::from(x[f * 2 * size + c]) + f64::from(offset)
                };
                of(c).tanh() / (1.0 + (-of(size + c)).exp())
            });
            close(&y.read(device), want, 5e-7, &format!("{frames} x {size}"));
        }
    }
}
