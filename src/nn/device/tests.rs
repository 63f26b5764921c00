//! The memory of streams against what the CPU's lines and bounds say.

use autovoice_emulator::Emulator;
use autovoice_kernels::gpu::{Device, mask_rows};

use super::{Layout, State};
use crate::nn::testing::Noise;
use crate::nn::{Bounds, Line};

fn values<D: Device>(
    device: &D,
    state: &State<D::Buffer>,
    line: super::Line,
    back: usize,
    count: usize,
) -> Vec<f32> {
    let mut values = vec![f32::NAN; count];
    let there = state.since(line, back).unwrap();
    there.download(device, &mut values).unwrap();
    values
}

#[test]
fn lines_remember_what_those_of_the_cpu_do_and_streams_are_apart() {
    let device = Emulator::default();
    let shapes = [(2, 1, 3), (1, 6, 20), (5, 2, 0), (3, 4, 7)];
    let mut layout = Layout::new(3);
    let lines = shapes.map(|(channels, rate, history)| layout.line(channels, rate, history));
    let state = State::new(&device, layout).unwrap();
    let other = state.another(&device).unwrap();
    let cpu = || shapes.map(|(channels, rate, history)| Line::new(channels, history, 3 * rate));
    let mut twins = cpu();
    let mut noise = Noise(3);
    for (turn, frames) in [3, 1, 2, 1, 3, 2].into_iter().enumerate() {
        if turn == 3 {
            other.resume(&device, &state).unwrap();
            state.reset(&device).unwrap();
            twins = cpu();
        }
        for ((line, (channels, rate, history)), twin) in lines.iter().zip(shapes).zip(&mut twins) {
            let newest = noise.take(frames * rate * channels);
            twin.newest(frames * rate).copy_from_slice(&newest);
            let there = state.newest(*line).unwrap();
            there.upload(&device, &newest).unwrap();
            let count = (history + frames * rate) * channels;
            let got = values(&device, &state, *line, history, count);
            assert_eq!(got, twin.since(history)[..count]);
            twin.advance(frames * rate);
        }
        state.advance(&device, frames).unwrap();
    }
    // What it resumed is what was there before the reset.
    let kept = values(&device, &other, lines[1], 20, 20);
    assert!(kept.iter().all(|x| *x != 0.0), "{kept:?}");
    assert!(state.since(lines[0], 4).is_err(), "beyond the history");
}

#[test]
fn outside_of_its_bounds_a_signal_is_zero() {
    let device = Emulator::default();
    let mut layout = Layout::new(4);
    let line = layout.line(2, 3, 0);
    let instant = layout.instant(3, 5);
    let mut state = State::new(&device, layout).unwrap();
    for (at, bounds) in [
        (0, Bounds::OPEN),
        (1, Bounds { end: 2 }),
        (2, Bounds { end: 1 }),
        (9, Bounds::OPEN),
    ] {
        let mut want = vec![1.0; 24];
        state.newest(line).unwrap().upload(&device, &want).unwrap();
        state.enter(&device, at, bounds).unwrap();
        let masked = (state.newest(line).unwrap(), 12, 2);
        mask_rows(&device, masked, (state.within(instant).unwrap(), 1)).unwrap();
        bounds.times(3).mask(&mut want, 2, 3 * at - 5);
        assert_eq!(
            values(&device, &state, line, 0, 24),
            want,
            "{at} {bounds:?}"
        );
    }
}
