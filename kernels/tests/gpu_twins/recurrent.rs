//! Recurrent cells against those of the CPU.

use autovoice_kernels::cpu::{PackedGru, PackedLstm};
use autovoice_kernels::gpu::{Device, Gru, Lstm};

use crate::support::{Target, array, close_to, noise};

autovoice_emulator::twins! { gru lstm }

const SIZES: [(usize, usize); 4] = [(1, 1), (5, 3), (7, 33), (40, 66)];
const FRAMES: usize = 4;

/// Each frame of the output is the state of the next.
fn gru<D: Device>(device: &D) {
    for (ins, size) in SIZES {
        let what = format!("{ins} -> {size}");
        let from_input = noise(3 * size * ins, 1);
        let from_state = noise(3 * size * size, 2);
        let (input_bias, state_bias) = (noise(3 * size, 3), noise(3 * size, 4));
        let x = noise(FRAMES * ins, 5);
        let twin = PackedGru::new(
            ins,
            size,
            &from_input,
            &from_state,
            &input_bias,
            &state_bias,
        );
        let ours = Gru::new(
            device,
            (ins, size),
            &from_input,
            &from_state,
            &input_bias,
            &state_bias,
        );
        let ours = ours.unwrap();

        let mut want_gates = vec![f32::NAN; FRAMES * 3 * size];
        twin.project(&x, FRAMES, &mut want_gates);
        let gates = Target::new(device, FRAMES * 3 * size);
        let work = array(device, &vec![0.0; ours.layer().work_len(device, FRAMES)]);
        let x_there = array(device, &x);
        ours.layer()
            .project(device, (x_there.all(), FRAMES), gates.slice(), work.all())
            .unwrap();
        close_to(&gates.read(device), &want_gates, 2e-5, &what);

        let (mut state, mut scratch) = (noise(size, 6), vec![0.0; 3 * size]);
        let first = array(device, &state);
        let y = Target::new(device, FRAMES * size);
        for (f, frame) in want_gates.chunks(3 * size).enumerate() {
            twin.step(frame, &mut state, &mut scratch);
            let before = match f.checked_sub(1) {
                Some(f) => y.slice().since(f * size).unwrap(),
                None => first.all(),
            };
            let gates = gates.slice().since(f * 3 * size).unwrap();
            let next = y.slice().since(f * size).unwrap().first(size).unwrap();
            ours.step(device, gates, before, next).unwrap();
            let got = &y.read(device)[f * size..][..size];
            close_to(got, &state, 1e-5, &format!("{what}, frame {f}"));
        }
    }
}

fn lstm<D: Device>(device: &D) {
    for (ins, size) in SIZES {
        let what = format!("{ins} -> {size}");
        let from_input = noise(4 * size * ins, 1);
        let from_state = noise(4 * size * size, 2);
        let (input_bias, state_bias) = (noise(4 * size, 3), noise(4 * size, 4));
        let x = noise(FRAMES * ins, 5);
        let twin = PackedLstm::new(
            ins,
            size,
            &from_input,
            &from_state,
            &input_bias,
            &state_bias,
        );
        let ours = Lstm::new(
            device,
            (ins, size),
            &from_input,
            &from_state,
            &input_bias,
            &state_bias,
        );
        let ours = ours.unwrap();

        let mut want_gates = vec![f32::NAN; FRAMES * 4 * size];
        twin.project(&x, FRAMES, &mut want_gates);
        let gates = Target::new(device, FRAMES * 4 * size);
        let work = array(device, &vec![0.0; ours.layer().work_len(device, FRAMES)]);
        let x_there = array(device, &x);
        ours.layer()
            .project(device, (x_there.all(), FRAMES), gates.slice(), work.all())
            .unwrap();
        close_to(&gates.read(device), &want_gates, 2e-5, &what);

        let (mut state, mut cell) = (noise(size, 6), noise(size, 7));
        let first = array(device, &state);
        let cell_there = Target::holding(device, &cell);
        let y = Target::new(device, FRAMES * size);
        for (f, frame) in want_gates.chunks_mut(4 * size).enumerate() {
            twin.step(frame, &mut state, &mut cell);
            let before = match f.checked_sub(1) {
                Some(f) => y.slice().since(f * size).unwrap(),
                None => first.all(),
            };
            let gates = gates.slice().since(f * 4 * size).unwrap();
            let next = y.slice().since(f * size).unwrap().first(size).unwrap();
            ours.step(device, gates, before, cell_there.slice(), next)
                .unwrap();
            let got = &y.read(device)[f * size..][..size];
            close_to(got, &state, 1e-5, &format!("{what}, frame {f}"));
            close_to(
                &cell_there.read(device),
                &cell,
                1e-5,
                &format!("{what}, cell {f}"),
            );
        }
    }
}
