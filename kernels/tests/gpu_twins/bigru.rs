//! A recurrent layer in both directions against that of the CPU, one direction each.

use autovoice_kernels::cpu::PackedGru;
use autovoice_kernels::gpu::{Array, BiGru, Device, Direction, Precision, Rows};

use crate::support::{Target, array, close_to, noise};

autovoice_emulator::twins! { a_window_in_both_directions a_slice_of_another_length_is_refused }

/// Weights from the input and the state, and their biases.
fn weights(ins: usize, size: usize, seed: u32) -> [Vec<f32>; 4] {
    [
        noise(3 * size * ins, seed),
        noise(3 * size * size, seed + 1),
        noise(3 * size, seed + 2),
        noise(3 * size, seed + 3),
    ]
}

fn direction(weights: &[Vec<f32>; 4]) -> Direction<'_> {
    Direction {
        from_input: &weights[0],
        from_state: &weights[1],
        input_bias: &weights[2],
        state_bias: &weights[3],
    }
}

/// What one direction gives, `[frames, size]`.
fn twin(ins: usize, size: usize, weights: &[Vec<f32>; 4], x: &[f32]) -> Vec<f32> {
    let [w, u, b, c] = weights;
    let packed = PackedGru::new(ins, size, w, u, b, c);
    let frames = x.len() / ins;
    let mut gates = vec![0.0; frames * 3 * size];
    packed.project(x, frames, &mut gates);
    let (mut state, mut work) = (vec![0.0; size], vec![0.0; 3 * size]);
    let mut y = Vec::new();
    for gates in gates.chunks_exact(3 * size) {
        packed.step(gates, &mut state, &mut work);
        y.extend_from_slice(&state);
    }
    y
}

fn a_window_in_both_directions<D: Device>(device: &D) {
    for (frames, ins, size, gap) in [(1, 3, 2, 0), (7, 5, 9, 3), (12, 40, 33, 0)] {
        let both = [weights(ins, size, 1), weights(ins, size, 11)];
        let directions = [direction(&both[0]), direction(&both[1])];
        let layer = BiGru::new(device, (ins, size), directions, Precision::Full).unwrap();
        let stride = ins + gap;
        let x = noise(frames * stride, 5);
        let x_there = array(device, &x);
        let gates = Array::zeros(device, frames * layer.gates_len()).unwrap();
        let work = Array::zeros(device, layer.work_len(device, frames)).unwrap();
        let y = Target::new(device, frames * layer.outs());
        let rows = Rows {
            values: x_there.all(),
            stride,
        };
        let given = (rows, frames);
        layer
            .window(device, given, gates.all(), y.slice(), work.all())
            .unwrap();
        let x: Vec<f32> = x
            .chunks(stride)
            .flat_map(|row| row[..ins].to_vec())
            .collect();
        let reversed: Vec<f32> = x.chunks(ins).rev().flatten().copied().collect();
        let forward = twin(ins, size, &both[0], &x);
        let backward = twin(ins, size, &both[1], &reversed);
        let pairs = forward.chunks(size).zip(backward.chunks(size).rev());
        let want: Vec<f32> = pairs.flat_map(|(a, b)| [a, b].concat()).collect();
        let what = format!("{frames} frames, {ins} to {size}");
        close_to(&y.read(device), &want, 1e-5, &what);
    }
}

fn a_slice_of_another_length_is_refused<D: Device>(device: &D) {
    let good = weights(3, 2, 1);
    for wrong in 0..4 {
        let mut bad = good.clone();
        bad[wrong].pop();
        let directions = [direction(&good), direction(&bad)];
        let made = BiGru::new(device, (3, 2), directions, Precision::Full);
        assert!(made.is_err(), "{wrong}");
    }
}
