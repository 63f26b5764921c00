//! The kernels against candle, an independent implementation, on odd sizes. Outputs are filled
//! with what is no number first, so that a value nobody wrote shows.

use std::collections::HashMap;

use autovoice_kernels::cpu::{
    Conv1dShape, PackedConv1d, PackedGru, PackedLstm, PackedMatrix, Start, conv1d, matmul,
};
use candle_core::{D, DType, Device, Result, Tensor};
use candle_nn::rnn::{GRUConfig, GRUState, LSTMConfig, LSTMState};
use candle_nn::{RNN, VarBuilder};

const CPU: Device = Device::Cpu;

/// Seeded noise in -0.5..0.5.
struct Noise(u32);

impl Noise {
    fn take(&mut self, count: usize) -> Vec<f32> {
        (0..count)
            .map(|_| {
                self.0 = self.0.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (self.0 >> 8) as f32 / (1 << 24) as f32 - 0.5
            })
            .collect()
    }
}

fn close(got: &[f32], want: &Tensor, tolerance: f32, what: &str) -> Result<()> {
    let want: Vec<f32> = want.flatten_all()?.to_vec1()?;
    assert_eq!(got.len(), want.len(), "{what}");
    for (at, (got, want)) in got.iter().zip(&want).enumerate() {
        let error = (got - want).abs();
        assert!(error <= tolerance, "{what}, value {at}: {got} for {want}");
    }
    Ok(())
}

#[test]
fn matrix_products_agree() -> Result<()> {
    let mut noise = Noise(1);
    for (rows, ins, outs) in [(1, 720, 64), (7, 33, 17), (180, 80, 16), (101, 300, 129)] {
        let (x, w) = (noise.take(rows * ins), noise.take(outs * ins));
        let bias = noise.take(outs);
        let mut y = vec![f32::NAN; rows * outs];
        let packed = PackedMatrix::new(outs, ins, &w);
        matmul(&x, ins, rows, &packed, Start::Bias(&bias), &mut y);
        let x = Tensor::from_vec(x, (rows, ins), &CPU)?;
        let w = Tensor::from_vec(w, (outs, ins), &CPU)?;
        let bias = Tensor::from_vec(bias, outs, &CPU)?;
        let want = x.matmul(&w.t()?)?.broadcast_add(&bias)?;
        close(&y, &want, 2e-5, &format!("{rows} x {ins} x {outs}"))?;
    }
    Ok(())
}

#[test]
fn convolutions_agree() -> Result<()> {
    let shape = |ins, outs, kernel, stride, dilation, groups| Conv1dShape {
        ins,
        outs,
        kernel,
        stride,
        dilation,
        groups,
    };
    let table = [
        (shape(5, 7, 1, 1, 1, 1), 1),
        (shape(3, 19, 4, 1, 1, 1), 23),
        (shape(1, 9, 16, 5, 1, 1), 31),
        (shape(6, 33, 3, 1, 4, 1), 29),
        (shape(6, 4, 3, 2, 3, 2), 17),
        (shape(34, 17, 5, 1, 1, 17), 13),
        (shape(21, 21, 7, 1, 1, 21), 40),
        (shape(21, 21, 3, 2, 5, 21), 9),
        (shape(8, 16, 3, 1, 1, 8), 11),
    ];
    let mut noise = Noise(2);
    for (shape, frames) in table {
        // Two frames more than are used: nobody may look at them.
        let frames_in = shape.frames_in(frames);
        assert_eq!(shape.frames_out(frames_in), frames);
        let mut x = noise.take(frames_in * shape.ins);
        let group_ins = shape.ins / shape.groups;
        let w = noise.take(shape.outs * group_ins * shape.kernel);
        let bias = noise.take(shape.outs);
        let packed = PackedConv1d::new(shape, &w);

        let xs = Tensor::from_slice(&x, (1, frames_in, shape.ins), &CPU)?.transpose(1, 2)?;
        let ws = Tensor::from_vec(w, (shape.outs, group_ins, shape.kernel), &CPU)?;
        let want = xs
            .contiguous()?
            .conv1d(&ws, 0, shape.stride, shape.dilation, shape.groups)?;
        let want = want.transpose(1, 2)?.contiguous()?;
        let bias_tensor = Tensor::from_slice(&bias, shape.outs, &CPU)?;

        x.extend(vec![f32::NAN; 2 * shape.ins]);
        let mut y = vec![f32::NAN; frames * shape.outs];
        let what = format!("{shape:?}");
        conv1d(&x, frames, &packed, Start::Bias(&bias), &mut y);
        close(&y, &want.broadcast_add(&bias_tensor)?, 1e-5, &what)?;
        y.fill(2.0);
        conv1d(&x, frames, &packed, Start::Accumulate, &mut y);
        close(&y, &(&want + 2.0)?, 1e-5, &what)?;
        y.fill(f32::NAN);
        conv1d(&x, frames, &packed, Start::Zero, &mut y);
        close(&y, &want, 1e-5, &what)?;
    }
    Ok(())
}

/// Weights of a recurrent layer with so many gates, and candle's view of them.
fn recurrent(
    noise: &mut Noise,
    gates: usize,
    ins: usize,
    size: usize,
) -> Result<([Vec<f32>; 4], VarBuilder<'static>)> {
    let rows = gates * size;
    let weights = [
        noise.take(rows * ins),
        noise.take(rows * size),
        noise.take(rows),
        noise.take(rows),
    ];
    let [w_ih, w_hh, b_ih, b_hh] = &weights;
    let tensors = HashMap::from([
        (
            "weight_ih_l0".into(),
            Tensor::from_slice(w_ih, (rows, ins), &CPU)?,
        ),
        (
            "weight_hh_l0".into(),
            Tensor::from_slice(w_hh, (rows, size), &CPU)?,
        ),
        ("bias_ih_l0".into(), Tensor::from_slice(b_ih, rows, &CPU)?),
        ("bias_hh_l0".into(), Tensor::from_slice(b_hh, rows, &CPU)?),
    ]);
    Ok((weights, VarBuilder::from_tensors(tensors, DType::F32, &CPU)))
}

#[test]
fn gru_steps_agree() -> Result<()> {
    let mut noise = Noise(3);
    for (ins, size) in [(1, 1), (5, 7), (40, 33), (64, 64)] {
        let ([w_ih, w_hh, b_ih, b_hh], vb) = recurrent(&mut noise, 3, ins, size)?;
        let ours = PackedGru::new(ins, size, &w_ih, &w_hh, &b_ih, &b_hh);
        let theirs = candle_nn::gru(ins, size, GRUConfig::default(), vb)?;

        let frames = 12;
        let x: Vec<f32> = noise.take(frames * ins).iter().map(|x| 6.0 * x).collect();
        let mut gates = vec![f32::NAN; frames * 3 * size];
        ours.project(&x, frames, &mut gates);
        let mut state = noise.take(size);
        let mut work = vec![f32::NAN; 3 * size];
        let mut want = GRUState {
            h: Tensor::from_slice(&state, (1, size), &CPU)?,
        };
        for (x, gates) in x.chunks(ins).zip(gates.chunks(3 * size)) {
            ours.step(gates, &mut state, &mut work);
            want = theirs.step(&Tensor::from_slice(x, (1, ins), &CPU)?, &want)?;
            close(&state, &want.h, 1e-5, &format!("{ins} -> {size}"))?;
        }
    }
    Ok(())
}

#[test]
fn lstm_steps_agree() -> Result<()> {
    let mut noise = Noise(4);
    for (ins, size) in [(1, 1), (5, 7), (40, 33), (64, 64)] {
        let ([w_ih, w_hh, b_ih, b_hh], vb) = recurrent(&mut noise, 4, ins, size)?;
        let ours = PackedLstm::new(ins, size, &w_ih, &w_hh, &b_ih, &b_hh);
        let theirs = candle_nn::lstm(ins, size, LSTMConfig::default(), vb)?;

        let frames = 12;
        let x: Vec<f32> = noise.take(frames * ins).iter().map(|x| 6.0 * x).collect();
        let mut gates = vec![f32::NAN; frames * 4 * size];
        ours.project(&x, frames, &mut gates);
        let (mut state, mut cell) = (noise.take(size), noise.take(size));
        let mut want = LSTMState::new(
            Tensor::from_slice(&state, (1, size), &CPU)?,
            Tensor::from_slice(&cell, (1, size), &CPU)?,
        );
        for (x, gates) in x.chunks(ins).zip(gates.chunks_mut(4 * size)) {
            ours.step(gates, &mut state, &mut cell);
            want = theirs.step(&Tensor::from_slice(x, (1, ins), &CPU)?, &want)?;
            close(&state, want.h(), 1e-5, &format!("state {ins} -> {size}"))?;
            close(&cell, want.c(), 1e-5, &format!("cell {ins} -> {size}"))?;
        }
    }
    Ok(())
}

#[test]
fn softmax_agrees() -> Result<()> {
    let mut x = Noise(5).take(360);
    let tensor = Tensor::from_slice(&x, 360, &CPU)?;
    autovoice_kernels::cpu::softmax(&mut x);
    close(
        &x,
        &candle_nn::ops::softmax(&tensor, D::Minus1)?,
        1e-7,
        "softmax",
    )
}
