//! What the compute kernels reach on one core: GFLOP/s by shape, beside the core's own peak.
//!
//! `cargo bench --bench kernels`

mod support;

use std::hint::black_box;
use std::time::Instant;

use autovoice_kernels::cpu::{
    BlockSize, Conv1dShape, Into, PackedConv1d, PackedMatrix, SpectralConv1d, Start, conv1d, dot,
    exp, leaky_relu, matmul, relu, sigmoid, tanh,
};
use support::machine;

/// Rows, inputs, outputs; and where such a product comes from.
const SHAPES: [(usize, usize, usize, &str); 8] = [
    (180, 80, 16, "small convolution, many frames"),
    (1, 720, 64, "one streaming step of a convolution"),
    (1, 64, 192, "one step of a small GRU"),
    (1, 2048, 360, "one step of a large linear layer"),
    (4, 64, 192, "four steps of a small GRU"),
    (256, 512, 128, "wide convolution"),
    (128, 8192, 16, "convolution of CREPE"),
    (1000, 1152, 128, "3x3 convolution of RMVPE"),
];

/// Seeded noise in -1..1.
fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// The shortest time of many calls, in seconds: other work on the machine only adds to it.
fn best(mut f: impl FnMut()) -> f64 {
    let mut time = |calls: u32| {
        let began = Instant::now();
        (0..calls).for_each(|_| f());
        began.elapsed().as_secs_f64() / f64::from(calls)
    };
    // As short as the clock allows, so that some go by undisturbed.
    let calls = (20e-6 / time(3)).ceil() as u32;
    let began = Instant::now();
    let mut best = f64::INFINITY;
    while began.elapsed().as_secs_f64() < 0.5 {
        best = best.min(time(calls));
    }
    best
}

/// Measures one shape, and holds a few outputs against inner products.
fn row(rows: usize, ins: usize, outs: usize, what: &str) {
    let x = noise(rows * ins, 1);
    let weights = noise(outs * ins, 2);
    let w = PackedMatrix::new(outs, ins, &weights);
    let mut y = vec![f32::NAN; rows * outs];
    let seconds = best(|| {
        matmul(black_box(&x), ins, rows, &w, Start::Zero, black_box(&mut y));
    });
    for at in (0..y.len()).step_by(101) {
        let (r, o) = (at / outs, at % outs);
        let want = dot(&x[r * ins..][..ins], &weights[o * ins..][..ins]);
        assert!((y[at] - want).abs() < 1e-3, "{what}: {} for {want}", y[at]);
    }
    let gflops = 2.0 * (rows * ins * outs) as f64 / seconds * 1e-9;
    let micros = seconds * 1e6;
    println!("| {what:36} | {rows:4} | {ins:4} | {outs:3} | {micros:9.2} | {gflops:7.1} |");
}

/// One convolution of a generator's residual blocks, by products and by spectra.
fn convolution(frames: usize, channels: usize, kernel: usize, dilation: usize) {
    let shape = Conv1dShape {
        dilation,
        ..Conv1dShape::new(channels, channels, kernel)
    };
    let x = noise(shape.frames_in(frames) * channels, 1);
    let weights = noise(channels * channels * kernel, 2);
    let bias = noise(channels, 3);
    let packed = PackedConv1d::new(shape, &weights);
    let mut y = vec![f32::NAN; frames * channels];
    let direct = best(|| {
        conv1d(black_box(&x), frames, &packed, Start::Bias(&bias), &mut y);
    });
    let want = y.clone();
    let [of_16, of_32] = [BlockSize::Of16, BlockSize::Of32].map(|size| {
        let conv = SpectralConv1d::new(shape, size, &weights, &bias);
        let mut work = vec![0.0; conv.work_len()];
        let seconds = best(|| {
            conv.run(black_box(&x), frames, 1.0, Into::Replace, &mut y, &mut work);
        });
        for (y, want) in y.iter().zip(&want) {
            assert!((y - want).abs() < 1e-3, "{shape:?}: {y} for {want}");
        }
        seconds
    });
    let gflops = 2.0 * (frames * channels * channels * kernel) as f64 / direct * 1e-9;
    println!(
        "| {frames:5} | {channels:4} | {kernel:4} | {dilation:4} | {:8.1} | {gflops:7.1} | {:8.1} | {:8.1} |",
        direct * 1e6,
        of_16 * 1e6,
        of_32 * 1e6
    );
}

/// Nanoseconds per value of a function, and its largest error against `exact`.
fn activation(name: &str, f: fn(&mut [f32]), exact: fn(f64) -> f64) {
    let x: Vec<f32> = noise(1024, 5).iter().map(|x| 8.0 * x).collect();
    let mut y = x.clone();
    f(&mut y);
    for (x, y) in x.iter().zip(&y) {
        let want = exact(f64::from(*x));
        assert!(
            (f64::from(*y) - want).abs() < 1e-6 * want.max(1.0),
            "{name}"
        );
    }
    let seconds = best(|| {
        y.copy_from_slice(black_box(&x));
        f(black_box(&mut y));
    });
    println!("| {name:8} | {:12.3} |", seconds * 1e9 / x.len() as f64);
}

fn main() {
    println!("{}; best of many, one core\n", machine());
    println!("| matrix product                       | rows |  ins | outs|        us | GFLOP/s |");
    println!("|--------------------------------------|------|------|-----|-----------|---------|");
    for (rows, ins, outs, what) in SHAPES {
        row(rows, ins, outs, what);
    }
    println!(
        "\n| frames | chan | taps | dil. | products us | GFLOP/s | spectra of 16 us | of 32 us |"
    );
    println!("|-------|------|------|------|----------|---------|----------|----------|");
    for (frames, channels) in [(120, 256), (192, 256), (1920, 128), (3840, 64), (7680, 32)] {
        for (kernel, dilation) in [(3, 1), (7, 3), (11, 1), (11, 5)] {
            convolution(frames, channels, kernel, dilation);
        }
    }
    println!("\n| function | ns per value |\n|----------|--------------|");
    activation("relu", relu, |x| x.max(0.0));
    activation("leaky", |xs| leaky_relu(xs, 0.1), |x| x.max(0.1 * x));
    activation("exp", exp, f64::exp);
    activation("sigmoid", sigmoid, |x| 1.0 / (1.0 + (-x).exp()));
    activation("tanh", tanh, f64::tanh);
}
