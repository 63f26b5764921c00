//! Resamplers against their twin for the CPU, in steps of any size, and against sines.

use std::f64::consts::TAU;

use autovoice_kernels::cpu::{self, Polyphase};
use autovoice_kernels::gpu::{Device, GpuError, Resampler};

use crate::support::{Target, array, close, close_to, noise};

autovoice_emulator::twins! { rates_of_any_ratio steps_that_are_one_go sines_and_what_is_above }

/// All of a signal in steps of so many frames.
fn resampled<D: Device>(
    device: &D,
    resampler: &mut Resampler<D::Buffer>,
    (x, channels): (&[f32], usize),
    steps: &[usize],
) -> Vec<f32> {
    let mut y = Vec::new();
    let mut at = 0;
    for frames in steps {
        let new = array(device, &x[at * channels..(at + frames) * channels]);
        let to = Target::new(device, resampler.outputs(*frames) * channels);
        resampler.step(device, new.all(), to.slice()).unwrap();
        y.extend(to.read(device));
        at += frames;
    }
    y
}

/// The same by the CPU.
fn twin(filter: &Polyphase, x: &[f32], channels: usize) -> Vec<f32> {
    let past = vec![0.0; (filter.taps() - 1) * channels];
    let outputs = filter.outputs(0, x.len() / channels);
    let mut y = vec![f32::NAN; outputs * channels];
    cpu::resample(filter, &[&past, x].concat(), channels, 0, &mut y);
    y
}

fn rates_of_any_ratio<D: Device>(device: &D) {
    for (rates, crossings, channels, frames) in [
        ((48_000, 44_100), 5, 1, 77),
        ((44_100, 48_000), 4, 3, 41),
        ((3, 1), 6, 2, 100),
        ((1, 3), 3, 5, 19),
        ((7, 5), 1, 130, 9),
        ((5, 5), 2, 1, 7),
        ((1_000, 1), 1, 1, 1),
    ] {
        let filter = Polyphase::new(rates, crossings, 60.0);
        let x = noise(frames * channels, 1);
        let mut resampler = Resampler::new(device, filter.clone(), channels).unwrap();
        let got = resampled(device, &mut resampler, (&x, channels), &[frames]);
        let want = twin(&filter, &x, channels);
        close_to(
            &got,
            &want,
            1e-6,
            &format!("{rates:?}, {channels} channels"),
        );
    }
    let filter = Polyphase::new((2, 3), 2, 60.0);
    let refused = Resampler::new(device, filter.clone(), 0).map(|_| ());
    assert!(matches!(refused, Err(GpuError::Size { found: 0, .. })));
    let mut resampler = Resampler::new(device, filter, 2).unwrap();
    let x = array(device, &[0.0; 5]);
    let refused = resampler.step(device, x.all(), x.all());
    assert!(matches!(refused, Err(GpuError::Size { found: 5, .. })));
}

/// Steps shorter than the past, longer, and of nothing; and anew after a reset.
fn steps_that_are_one_go<D: Device>(device: &D) {
    for (rates, channels) in [((48_000, 44_100), 1), ((5, 8), 3), ((9, 2), 2)] {
        let filter = Polyphase::new(rates, 4, 60.0);
        let mut resampler = Resampler::new(device, filter.clone(), channels).unwrap();
        let x = noise(120 * channels, 2);
        let want = twin(&filter, &x, channels);
        for steps in [vec![120], vec![1, 2, 0, 3, 71, 5, 38], vec![8; 15]] {
            resampler.reset(device).unwrap();
            let got = resampled(device, &mut resampler, (&x, channels), &steps);
            let what = format!("{rates:?} in {steps:?}");
            close_to(&got, &want, 1e-6, &what);
        }
    }
}

fn sines_and_what_is_above<D: Device>(device: &D) {
    for rates in [(48_000, 44_100), (44_100, 48_000), (48_000, 16_000)] {
        let (from, to) = (rates.0 as f64, rates.1 as f64);
        let filter = Polyphase::new(rates, 16, 80.0);
        let late = filter.delay() as f64;
        // Let through, and, where there is such a thing, above what the new rate holds.
        for hz in [997.0, 0.55 * to] {
            let is_held = hz < to / 2.0;
            if !is_held && from / 2.0 <= hz {
                continue;
            }
            let frames = 3 * filter.taps();
            let turn = |n: f64| TAU * hz * n / from;
            let x: Vec<f32> = (0..frames).map(|n| turn(n as f64).sin() as f32).collect();
            let mut resampler = Resampler::new(device, filter.clone(), 1).unwrap();
            let y = resampled(device, &mut resampler, (&x, 1), &[frames]);
            let full = (filter.taps() as f64 * to / from).ceil() as usize;
            let want = (full..y.len()).map(|m| match is_held {
                true => turn(m as f64 * from / to - late).sin(),
                false => 0.0,
            });
            close(&y[full..], want, 2e-4, &format!("{rates:?}, {hz} Hz"));
        }
    }
}
