//! Convolutions against those of the CPU.

use autovoice_kernels::cpu::{Conv1dShape, PackedConv1d, Start};
use autovoice_kernels::gpu::{
    Activation, Array, Conv1d, Device, Output, Precision, conv1d, transposed,
};

use crate::support::{Target, array, close, close_to, halved, noise};

autovoice_emulator::twins! { convolutions in_half_precision fused_ends transposed_ones }

fn shape(
    (ins, outs): (usize, usize),
    (kernel, stride, dilation): (usize, usize, usize),
    groups: usize,
) -> Conv1dShape {
    Conv1dShape {
        ins,
        outs,
        kernel,
        stride,
        dilation,
        groups,
    }
}

fn shapes() -> [Conv1dShape; 11] {
    [
        shape((1, 1), (1, 1, 1), 1),
        shape((6, 10), (3, 1, 1), 1),
        shape((8, 12), (5, 2, 3), 1),
        shape((7, 67), (3, 1, 5), 1),
        // The noise of the generator: one channel, long strides.
        shape((1, 9), (20, 10, 1), 1),
        // The end of the generator: one output.
        shape((16, 1), (7, 1, 1), 1),
        // Places of the content encoder: groups.
        shape((24, 24), (16, 1, 1), 3),
        shape((12, 18), (3, 2, 2), 6),
        shape((5, 5), (7, 1, 1), 5),
        shape((130, 130), (3, 2, 3), 130),
        shape((9, 5), (2, 7, 1), 1),
    ]
}

/// What the CPU makes of it.
fn twin(shape: Conv1dShape, x: &[f32], frames: usize, w: &[f32], bias: &[f32]) -> Vec<f32> {
    let mut y = vec![f32::NAN; frames * shape.outs];
    let packed = PackedConv1d::new(shape, w);
    autovoice_kernels::cpu::conv1d(x, frames, &packed, Start::Bias(bias), &mut y);
    y
}

fn weights(shape: Conv1dShape) -> Vec<f32> {
    noise(shape.outs * shape.ins / shape.groups * shape.kernel, 2)
}

fn plain<B>(y: autovoice_kernels::gpu::Slice<'_, B, f32>, stride: usize) -> Output<'_, B> {
    Output {
        y,
        stride,
        activation: Activation::None,
        add: None,
    }
}

fn convolutions<D: Device>(device: &D) {
    for shape in shapes() {
        let (w, bias) = (weights(shape), noise(shape.outs, 3));
        let conv = Conv1d::new(device, shape, &w, Some(&bias), Precision::Full).unwrap();
        let work = Array::zeros(device, conv.work_len(device, 67)).unwrap();
        for frames in [1, 7, 18, 67] {
            let x = noise(shape.frames_in(frames) * shape.ins, 1);
            let y = Target::new(device, frames * shape.outs);
            let x_there = array(device, &x);
            let input = (x_there.all(), frames, 1.0);
            conv1d(
                device,
                &conv,
                input,
                plain(y.slice(), shape.outs),
                work.all(),
            )
            .unwrap();
            let want = twin(shape, &x, frames, &w, &bias);
            close_to(
                &y.read(device),
                &want,
                2e-5,
                &format!("{shape:?}, {frames} frames"),
            );
        }
    }
}

fn in_half_precision<D: Device>(device: &D) {
    let halves = |values: Vec<f32>| -> Vec<f32> { values.iter().map(|x| halved(*x)).collect() };
    for shape in shapes() {
        // What is exact in half precision is seen alike by all forms.
        let (w, bias) = (halves(weights(shape)), noise(shape.outs, 3));
        let conv = Conv1d::new(device, shape, &w, Some(&bias), Precision::Half).unwrap();
        let work = Array::zeros(device, conv.work_len(device, 37)).unwrap();
        for frames in [3, 11, 37] {
            let x = halves(noise(shape.frames_in(frames) * shape.ins, 1));
            let y = Target::new(device, frames * shape.outs);
            let x_there = array(device, &x);
            let input = (x_there.all(), frames, 1.0);
            conv1d(
                device,
                &conv,
                input,
                plain(y.slice(), shape.outs),
                work.all(),
            )
            .unwrap();
            let want = twin(shape, &x, frames, &w, &bias);
            close_to(
                &y.read(device),
                &want,
                8e-5,
                &format!("{shape:?}, {frames} frames"),
            );
        }
    }
}

/// The second half of a residual block: `y += conv(leaky(x))`, and an activation, with gaps.
fn fused_ends<D: Device>(device: &D) {
    for shape in [
        shape((8, 8), (3, 1, 1), 1),
        shape((8, 8), (3, 1, 3), 2),
        shape((8, 8), (3, 1, 2), 8),
    ] {
        let (frames, stride) = (13, 11);
        let (w, bias) = (weights(shape), noise(8, 3));
        let conv = Conv1d::new(device, shape, &w, Some(&bias), Precision::Full).unwrap();
        let work = Array::zeros(device, conv.work_len(device, frames)).unwrap();
        let x = noise(shape.frames_in(frames) * 8, 1);
        let held = noise(frames * stride, 4);
        let y = Target::holding(device, &held);
        let x_there = array(device, &x);
        let output = Output {
            y: y.slice(),
            stride,
            activation: Activation::Tanh,
            add: Some((y.slice(), stride)),
        };
        let input = (x_there.all(), frames, 0.1);
        conv1d(device, &conv, input, output, work.all()).unwrap();
        let leaky: Vec<f32> = x.iter().map(|x| x.max(0.1 * x)).collect();
        let sums = twin(shape, &leaky, frames, &w, &bias);
        let want = held.iter().enumerate().map(|(at, held)| {
            let (f, o) = (at / stride, at % stride);
            match o < 8 {
                true => f64::from(sums[f * 8 + o]).tanh() + f64::from(*held),
                false => f64::from(*held),
            }
        });
        close(&y.read(device), want, 2e-5, &format!("{shape:?}"));
    }
}

fn transposed_ones<D: Device>(device: &D) {
    for (ins, outs, rate, kernel, frames) in [
        (6, 3, 2, 4, 9),
        (5, 4, 10, 16, 3),
        (3, 2, 3, 3, 5),
        (1, 1, 1, 1, 1),
    ] {
        let what = format!("{ins} -> {outs}, {kernel} taps, rate {rate}");
        let (w, bias) = (noise(ins * outs * kernel, 2), noise(outs, 3));
        let x = noise(frames * ins, 1);
        let sizes = ((ins, outs), (rate, kernel));
        let conv = transposed(device, sizes.0, sizes.1, &w, &bias, Precision::Full).unwrap();
        let taps = conv.shape().kernel;
        assert_eq!(taps, kernel.div_ceil(rate), "{what}");
        // With silence before the first frame and behind the last, all of it is there.
        let mut padded = vec![0.0; (frames + 2 * (taps - 1)) * ins];
        padded[(taps - 1) * ins..][..x.len()].copy_from_slice(&x);
        let count = frames + taps - 1;
        let y = Target::new(device, count * rate * outs);
        let work = Array::zeros(device, conv.work_len(device, count)).unwrap();
        let there = array(device, &padded);
        let input = (there.all(), count, 1.0);
        let output = plain(y.slice(), rate * outs);
        conv1d(device, &conv, input, output, work.all()).unwrap();
        let want = (0..count * rate * outs).map(|n| {
            let (sample, o) = (n / outs, n % outs);
            let mut sum = f64::from(bias[o]);
            for f in 0..frames {
                let Some(tap) = sample.checked_sub(f * rate).filter(|tap| *tap < kernel) else {
                    continue;
                };
                for i in 0..ins {
                    let w = w[(i * outs + o) * kernel + tap];
                    sum += f64::from(w) * f64::from(x[f * ins + i]);
                }
            }
            sum
        });
        close(&y.read(device), want, 1e-5, &what);
    }
}
