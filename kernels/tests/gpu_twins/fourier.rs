//! Spectra against the definition of the discrete Fourier transform.

use std::f64::consts::TAU;

use autovoice_kernels::gpu::{Device, Fourier, GpuError, magnitude, overlap_add};

use crate::support::{Target, array, close, noise};

autovoice_emulator::twins! { spectra magnitudes there_and_back sizes_that_are_refused }

fn hann(size: usize) -> Vec<f32> {
    (0..size)
        .map(|n| (0.5 - 0.5 * (TAU * n as f64 / size as f64).cos()) as f32)
        .collect()
}

fn spectra<D: Device>(device: &D) {
    for (size, hop, frames) in [(16, 5, 3), (64, 64, 1), (512, 160, 2), (4096, 1, 1)] {
        let window = hann(size);
        let fourier = Fourier::new(device, &window).unwrap();
        let bins = fourier.bins();
        assert_eq!((fourier.size(), bins), (size, size / 2 + 1));
        let x = noise((frames - 1) * hop + size, 1);
        let y = Target::new(device, frames * bins * 2);
        let there = array(device, &x);
        let input = (there.all(), hop, frames);
        fourier.forward(device, input, y.slice()).unwrap();
        let turns: Vec<(f64, f64)> = (0..size)
            .map(|n| (TAU * n as f64 / size as f64).sin_cos())
            .collect();
        let want = (0..frames * bins).flat_map(|at| {
            let (f, k) = (at / bins, at % bins);
            (0..size).fold([0.0; 2], |[re, im], n| {
                let (sin, cos) = turns[k * n % size];
                let x = f64::from(window[n]) * f64::from(x[f * hop + n]);
                [re + x * cos, im - x * sin]
            })
        });
        let tolerance = 4e-7 * (size as f64).sqrt();
        close(&y.read(device), want, tolerance, &format!("{size} values"));
    }
}

fn magnitudes<D: Device>(device: &D) {
    let spectra = noise(2 * 301, 1);
    let there = array(device, &spectra);
    let y = Target::new(device, 301);
    magnitude(device, there.all(), y.slice()).unwrap();
    let pairs = spectra.chunks(2);
    let want = pairs.map(|bin| f64::from(bin[0]).hypot(f64::from(bin[1])));
    close(&y.read(device), want, 2e-7, "magnitudes");
    let odd = there.all().since(1).unwrap();
    let refused = magnitude(device, odd, y.slice());
    assert!(matches!(refused, Err(GpuError::Size { .. })), "{refused:?}");
}

/// With windows whose squares add up to 1, all but the ends is what it was.
fn there_and_back<D: Device>(device: &D) {
    for size in [16, 256] {
        let window: Vec<f32> = hann(size).iter().map(|w| w.sqrt()).collect();
        let (hop, frames) = (size / 2, 5);
        let samples = (frames - 1) * hop + size;
        let fourier = Fourier::new(device, &window).unwrap();
        let x = noise(samples, 1);
        let there = array(device, &x);
        let spectra = Target::new(device, frames * fourier.bins() * 2);
        let pieces = Target::new(device, frames * size);
        let y = Target::new(device, samples);
        let input = (there.all(), hop, frames);
        fourier.forward(device, input, spectra.slice()).unwrap();
        // The imaginary parts of the ends count for nothing.
        let mut changed = spectra.read(device);
        for spectrum in changed.chunks_mut(fourier.bins() * 2) {
            let last = spectrum.len() - 1;
            spectrum[1] = 7.0;
            spectrum[last] = -7.0;
        }
        spectra.slice().upload(device, &changed).unwrap();
        let from = (spectra.slice(), frames);
        fourier.backward(device, from, pieces.slice()).unwrap();
        let shape = (frames, size, hop);
        overlap_add(device, pieces.slice(), shape, None, y.slice()).unwrap();
        let got = &y.read(device)[hop..samples - hop];
        let want = x[hop..samples - hop].iter().map(|x| f64::from(*x));
        close(got, want, 2e-6, &format!("{size} values"));
    }
}

fn sizes_that_are_refused<D: Device>(device: &D) {
    for size in [0, 1, 8, 24, 8192] {
        let refused = Fourier::new(device, &vec![1.0; size]).map(|_| ());
        assert!(
            matches!(refused, Err(GpuError::Size { .. })),
            "{size}: {refused:?}"
        );
    }
}
