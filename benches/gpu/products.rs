//! Products of the shapes that the networks have, in every form: which to choose where.

use std::error::Error;
use std::time::Instant;

use autovoice_kernels::gpu::{
    Activation, Array, Cuda, Device, Form, GpuError, Input, Matrix, Output, Plan, Precision,
    matmul_as,
};

use crate::rvc::noise;

/// Rows, inputs, outputs, and where such a product comes from, at hops of 20 ms.
const SHAPES: [(usize, usize, usize, &str); 22] = [
    (1, 768, 3_072, "content encoder, wide"),
    (6, 768, 3_072, "content encoder, wide"),
    (18, 768, 3_072, "content encoder, wide"),
    (54, 768, 3_072, "content encoder, wide"),
    (200, 768, 3_072, "content encoder, wide"),
    (64, 1_536, 512, "content encoder, front"),
    (320, 1_536, 512, "content encoder, front"),
    (18, 192, 576, "text encoder, heads"),
    (18, 2_304, 192, "text encoder, narrowed"),
    (2, 960, 384, "flow"),
    (10, 960, 384, "flow"),
    (2, 1_344, 512, "generator, first"),
    (24, 768, 256, "generator, 1st stage, k 3"),
    (24, 2_816, 256, "generator, 1st stage, k 11"),
    (120, 2_816, 256, "generator, 1st stage, k 11"),
    (240, 1_408, 128, "generator, 2nd stage, k 11"),
    (480, 704, 64, "generator, 3rd stage, k 11"),
    (960, 96, 32, "generator, 4th stage, k 3"),
    (960, 352, 32, "generator, 4th stage, k 11"),
    (4_800, 352, 32, "generator, 4th stage, k 11"),
    (960, 224, 1, "generator, last"),
    (4_096, 4_096, 4_096, "large"),
];
/// Launches of a recording, each with weights of its own, as the layers of a network are.
const LAUNCHES: usize = 20;

/// Measures, and prints the best plan of each shape beside the one chosen.
pub fn run(device: &Cuda) -> Result<(), Box<dyn Error>> {
    println!("Products, in microseconds; recorded, one after the other.\n");
    println!(
        "| rows | ins | outs | from | precision | chosen | | best | | GB/s | TFLOP/s | others |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
    for (rows, ins, outs, what) in SHAPES {
        for precision in [Precision::Full, Precision::Half] {
            shape(device, (rows, ins, outs), what, precision)?;
        }
    }
    Ok(())
}

fn shape(
    device: &Cuda,
    (rows, ins, outs): (usize, usize, usize),
    what: &str,
    precision: Precision,
) -> Result<(), Box<dyn Error>> {
    let values = noise(ins * outs, 1);
    let count = if outs * ins < 1 << 22 { LAUNCHES } else { 2 };
    let weights = (0..count)
        .map(|_| Matrix::new(device, (outs, ins), &values, None, precision))
        .collect::<Result<Vec<_>, GpuError>>()?;
    let x = Array::new(device, &noise(rows * ins, 2))?;
    let y = Array::<_, f32>::zeros(device, rows * outs)?;
    let work = Array::zeros(device, 8 * rows * outs)?;
    let time = |plan: Plan| -> Result<f64, GpuError> {
        let recording = device.record(&mut || {
            weights.iter().try_for_each(|w| {
                let input = Input {
                    x: x.all(),
                    stride: ins,
                    rows,
                    slope: 1.0,
                };
                let output = Output {
                    y: y.all(),
                    stride: outs,
                    activation: Activation::None,
                    add: None,
                };
                matmul_as(device, plan, w, input, output, work.all())
            })
        })?;
        let mut best = f64::INFINITY;
        for _ in 0..20 {
            device.synchronize()?;
            let began = Instant::now();
            device.replay(&recording)?;
            device.replay(&recording)?;
            device.synchronize()?;
            best = best.min(began.elapsed().as_secs_f64() / (2 * count) as f64);
        }
        Ok(best)
    };
    let forms = match precision {
        Precision::Full => [Form::Along4, Form::Along8, Form::Full16, Form::Full64],
        Precision::Half => [Form::Along4, Form::Along8, Form::Half8, Form::Half32],
    };
    let mut times = Vec::new();
    for form in forms {
        for splits in [1, 2, 4, 8] {
            let plan = Plan { form, splits };
            match time(plan) {
                Ok(seconds) => times.push((seconds, plan)),
                // A sum that is not cut in this form.
                Err(GpuError::Size { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
    times.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (best_s, best) = times[0];
    let chosen = weights[0].plan(device, rows);
    let chosen_s = time(chosen)?;
    let bytes = ins * outs * if precision == Precision::Full { 4 } else { 2 };
    let rest = 4 * rows * (ins + outs);
    let others = times.iter().skip(1).take(6);
    let others = others.map(|(seconds, plan)| format!("{} {:.1}", named(*plan), seconds * 1e6));
    println!(
        "| {rows} | {ins} | {outs} | {what} | {precision:?} | {} | {:.1} | {} | {:.1} | {:.0} | {:.1} | {} |",
        named(chosen),
        chosen_s * 1e6,
        named(best),
        best_s * 1e6,
        (bytes + rest) as f64 / best_s * 1e-9,
        2.0 * (rows * ins * outs) as f64 / best_s * 1e-12,
        others.collect::<Vec<_>>().join(", "),
    );
    Ok(())
}

fn named(plan: Plan) -> String {
    format!("{:?}/{}", plan.form, plan.splits)
}
