//! What streams keep of the past, and convolutions in signals that begin and end.

use autovoice_kernels::cpu::Conv1dShape;
use autovoice_kernels::gpu::{
    Activation, Array, Conv1d, Device, Line, Lines, Output, Precision, conv1d, conv1d_within,
};

use crate::support::{Target, array, close_to, noise};

autovoice_emulator::twins! { signals_move_on rows_outside_are_zero depthwise_ones_are_refused }

/// By less than is kept, where the stretches overlap, and by more; with gaps that stay.
fn signals_move_on<D: Device>(device: &D) {
    let all = [
        (0, 3, 14),
        (25, 1, 7),
        (40, 100, 301),
        (650, 2, 0),
        (700, 64, 30),
    ];
    let lines = all.map(|(at, step, kept)| Line { at, step, kept });
    let table = Lines::new(device, lines.to_vec()).unwrap();
    for frames in [0, 1, 2, 3] {
        let before = noise(1_000, 1);
        let mut want = before.clone();
        for Line { at, step, kept } in lines {
            want.copy_within(at + frames * step..at + frames * step + kept, at);
        }
        let y = Target::holding(device, &before);
        table.advance(device, y.slice(), frames).unwrap();
        close_to(&y.read(device), &want, 0.0, &format!("{frames} frames"));
    }
    let short = Array::zeros(device, 700 + 64 + 29).unwrap();
    assert!(table.advance(device, short.all(), 1).is_err());
}

fn output<B>(y: &Target<B>, stride: usize) -> Output<'_, B> {
    Output {
        y: y.slice(),
        stride,
        activation: Activation::Sigmoid,
        add: Some((y.slice(), stride)),
    }
}

/// In every form of the product, and where the sum is cut.
fn rows_outside_are_zero<D: Device>(device: &D) {
    for (ins, outs, frames, precision) in [
        (3, 5, 6, Precision::Full),
        (3, 20, 11, Precision::Full),
        (90, 20, 19, Precision::Full),
        (3, 20, 67, Precision::Full),
        (3, 20, 11, Precision::Half),
        (3, 20, 37, Precision::Half),
    ] {
        let shape = Conv1dShape::new(ins, outs, 3);
        let (w, bias) = (noise(outs * ins * 3, 2), noise(outs, 3));
        let conv = Conv1d::new(device, shape, &w, Some(&bias), precision).unwrap();
        let work = Array::zeros(device, conv.work_len(device, frames)).unwrap();
        let x = array(device, &noise((frames + 2) * ins, 1));
        let held = noise(frames * outs, 4);
        let whole = Target::holding(device, &held);
        let input = (x.all(), frames, 0.1);
        conv1d(device, &conv, input, output(&whole, outs), work.all()).unwrap();
        let whole = whole.read(device);
        for (first, end) in [
            (-4, 1_000),
            (7, 9),
            (-2, 2),
            (0, i64::MAX),
            (90, 3),
            (-100, 50),
        ] {
            let within = Array::new(device, &[first, end]).unwrap();
            let y = Target::holding(device, &held);
            let masked = (output(&y, outs), within.all());
            conv1d_within(device, &conv, input, masked, work.all()).unwrap();
            let want = whole.iter().enumerate().map(|(at, value)| {
                let frame = first + (at / outs) as i64;
                if (0..end).contains(&frame) {
                    *value
                } else {
                    0.0
                }
            });
            let what = format!("{ins} to {outs}, {frames} frames from {first}, end {end}");
            close_to(&y.read(device), &want.collect::<Vec<_>>(), 0.0, &what);
        }
    }
}

fn depthwise_ones_are_refused<D: Device>(device: &D) {
    let shape = Conv1dShape {
        groups: 4,
        ..Conv1dShape::new(4, 4, 1)
    };
    let conv = Conv1d::new(device, shape, &[1.0; 4], None, Precision::Full).unwrap();
    let x = array(device, &[0.0; 4]);
    let within = Array::new(device, &[0, 1]).unwrap();
    let y = Target::new(device, 4);
    let output = Output {
        add: None,
        ..output(&y, 4)
    };
    let masked = (output, within.all());
    assert!(conv1d_within(device, &conv, (x.all(), 1, 1.0), masked, x.all()).is_err());
}
