//! What products begin and end with.

use autovoice_kernels::gpu::{
    Activation, Array, Device, Form, Input, Matrix, Output, Plan, Precision, matmul_as,
};

use crate::support::{Target, array, close, noise};

autovoice_emulator::twins! { fused_ends }

/// Bias, activation, what is added and where it lies, and the slope of what goes in.
fn fused_ends<D: Device>(device: &D) {
    let (rows, ins, outs) = (5, 40, 11);
    let x = noise(rows * ins + 1, 1);
    let (w, bias) = (noise(outs * ins, 2), noise(outs, 3));
    let (held, other) = (noise(rows * (outs + 2), 4), noise(rows * (outs + 7), 5));
    let x_there = array(device, &x);
    let other_there = array(device, &other);
    let activations = [
        Activation::None,
        Activation::Relu,
        Activation::LeakyRelu(0.3),
        Activation::Gelu,
        Activation::Tanh,
        Activation::Sigmoid,
    ];
    let plans = [
        (Form::Along4, 1),
        (Form::Along8, 1),
        (Form::Full16, 1),
        (Form::Full64, 1),
        (Form::Full16, 2),
    ];
    for (case, activation) in activations.into_iter().cycle().take(30).enumerate() {
        let (form, splits) = plans[case % plans.len()];
        let (has_bias, adds) = (case % 2 == 0, case % 3);
        let slope = [1.0, 0.1][case / 6 % 2];
        // Every second time from a place that is no whole four.
        let from = case / 3 % 2;
        let bias = has_bias.then_some(&bias[..]);
        let matrix = Matrix::new(device, (outs, ins), &w, bias, Precision::Full).unwrap();
        let plan = Plan { form, splits };
        let work = Array::zeros(device, matrix.work_for(plan, rows)).unwrap();
        let y = Target::holding(device, &held);
        let input = Input {
            x: x_there.all().since(from).unwrap(),
            stride: ins,
            rows,
            slope,
        };
        let add = [
            None,
            Some((other_there.all(), outs + 7)),
            Some((y.slice(), outs + 2)),
        ][adds];
        let output = Output {
            y: y.slice(),
            stride: outs + 2,
            activation,
            add,
        };
        matmul_as(device, plan, &matrix, input, output, work.all()).unwrap();
        let got = y.read(device);
        for (at, got) in got.iter().enumerate() {
            let (r, o) = (at / (outs + 2), at % (outs + 2));
            if outs <= o {
                assert_eq!(got.to_bits(), held[at].to_bits(), "case {case}: a gap");
                continue;
            }
            let leaky = |x: f32| f64::from(if x < 0.0 { slope * x } else { x });
            let sum: f64 = (0..ins)
                .map(|i| f64::from(w[o * ins + i]) * leaky(x[from + r * ins + i]))
                .sum();
            let value = exact(
                activation,
                sum + bias.map_or(0.0, |bias| f64::from(bias[o])),
            );
            let add = [0.0, other[r * (outs + 7) + o], held[at]][adds];
            let want = value + f64::from(add);
            close(
                &[*got],
                [want],
                1e-5,
                &format!("case {case}, {activation:?}, {r}, {o}"),
            );
        }
    }
}

fn exact(activation: Activation, x: f64) -> f64 {
    match activation {
        Activation::None => x,
        Activation::Relu => x.max(0.0),
        Activation::LeakyRelu(slope) if x < 0.0 => f64::from(slope) * x,
        Activation::LeakyRelu(_) => x,
        Activation::Gelu => crate::activation::gelu_exact(x),
        Activation::Tanh => x.tanh(),
        Activation::Sigmoid => 1.0 / (1.0 + (-x).exp()),
    }
}
