//! Medians and masks against their twins for the CPU; a sine and clicks, taken apart.

use std::f64::consts::TAU;

use autovoice_kernels::cpu::{self, Along};
use autovoice_kernels::gpu::{
    Array, Device, Fourier, GpuError, Medians, Slice, Spectrogram, magnitude, median, overlap_add,
    separate,
};

use crate::support::{Target, array, close, close_to, noise};

autovoice_emulator::twins! { medians masks a_sine_and_clicks }

fn medians<D: Device>(device: &D) {
    for (frames, bins, reach) in [(1, 1, 0), (5, 7, 1), (9, 33, 3), (2, 97, 47), (70, 3, 2)] {
        let mut x = noise(frames * bins, 1);
        // Many alike, as silence is.
        x.iter_mut().step_by(3).for_each(|x| *x = 0.25);
        let there = array(device, &x);
        for along in [Along::Time, Along::Frequency] {
            let mut want = vec![f32::NAN; x.len()];
            cpu::median(along, &x, bins, reach, &mut want);
            for (first, count) in [(0, frames), (frames / 2, frames - frames / 2), (0, 0)] {
                let y = Target::new(device, count * bins);
                let shape = Spectrogram {
                    frames,
                    bins,
                    first,
                    count,
                };
                median(device, along, reach, (there.all(), shape), y.slice()).unwrap();
                let want = &want[first * bins..][..count * bins];
                let what = format!("{frames} x {bins}, {along:?}, {reach}, from {first}");
                close_to(&y.read(device), want, 0.0, &what);
            }
        }
    }
    let x = array(device, &[1.0, f32::NAN, 3.0]);
    let shape = |first, count| Spectrogram {
        frames: 1,
        bins: 3,
        first,
        count,
    };
    let y = Target::new(device, 3);
    let frequency = Along::Frequency;
    median(device, frequency, 1, (x.all(), shape(0, 1)), y.slice()).unwrap();
    let got = y.read(device);
    assert!(
        got[0].is_nan() && got[1] == 3.0 && got[2].is_nan(),
        "{got:?}"
    );
    let refused = median(device, frequency, 48, (x.all(), shape(0, 1)), y.slice());
    assert!(matches!(refused, Err(GpuError::Size { found: 48, .. })));
    let refused = median(device, frequency, 1, (x.all(), shape(1, 1)), y.slice());
    assert!(matches!(refused, Err(GpuError::Short { found: 1, .. })));
}

fn masks<D: Device>(device: &D) {
    let count = 301;
    let spectra = noise(2 * count, 1);
    let magnitudes = |seed| -> Vec<f32> {
        let exponents = noise(count, seed).into_iter();
        exponents.map(|x| (70.0 * x).exp2()).collect()
    };
    let (mut h, mut p) = (magnitudes(2), magnitudes(3));
    (h[0], p[0], h[1], p[2]) = (0.0, 0.0, 0.0, 0.0);
    (h[3], p[3], h[4], p[4]) = (0.3, 0.4, 0.2, 0.2);
    let there = [&spectra, &h, &p].map(|x| array(device, x));
    let [ringing, striking] = [0; 2].map(|_| Target::new(device, 2 * count));
    let medians = Medians {
        along_time: there[1].all(),
        along_frequency: there[2].all(),
    };
    let to = [ringing.slice(), striking.slice()];
    separate(device, there[0].all(), medians, to).unwrap();
    for (part, got) in [ringing.read(device), striking.read(device)]
        .iter()
        .enumerate()
    {
        let want = spectra
            .iter()
            .enumerate()
            .map(|(n, x)| f64::from(*x) * f64::from(cpu::shares(h[n / 2], p[n / 2])[part]));
        close(got, want, 2e-7, &format!("part {part}"));
    }
}

fn power(x: &[f32]) -> f64 {
    x.iter().map(|x| f64::from(*x).powi(2)).sum()
}

/// By how many dB the error is below what was wanted.
fn clearness(got: &[f32], want: &[f32]) -> f64 {
    let error: Vec<f32> = got.iter().zip(want).map(|(a, b)| a - b).collect();
    10.0 * (power(want) / power(&error)).log10()
}

/// Each of the two comes out of its sum at least 15 dB above the rest: what it lost, and what is left of the
/// other.
fn a_sine_and_clicks<D: Device>(device: &D) {
    let (size, hop, frames) = (256, 64, 44);
    let samples = (frames - 1) * hop + size;
    let sine = |n: usize| 0.25 * (TAU * 0.05 * n as f64).sin() as f32;
    let sine: Vec<f32> = (0..samples).map(sine).collect();
    // One, where a frame before and one after do not know of it.
    let clicks: Vec<f32> = (0..samples)
        .map(|n| if n % 997 == 500 { 1.0 } else { 0.0 })
        .collect();
    let sum: Vec<f32> = sine.iter().zip(&clicks).map(|(a, b)| a + b).collect();

    // Squares of the window add up to 1 over four frames.
    let window =
        |n: usize| (1.5f64).sqrt().recip() * (0.5 - 0.5 * (TAU * n as f64 / size as f64).cos());
    let window: Vec<f32> = (0..size).map(|n| window(n) as f32).collect();
    let fourier = Fourier::new(device, &window).unwrap();
    let values = frames * fourier.bins();
    let x = array(device, &sum);
    let zeros = |count| Array::<_, f32>::zeros(device, count).unwrap();
    let [spectra, ringing, striking] = [0; 3].map(|_| zeros(2 * values));
    let [magnitudes, along_time, along_frequency] = [0; 3].map(|_| zeros(values));
    fourier
        .forward(device, (x.all(), hop, frames), spectra.all())
        .unwrap();
    magnitude(device, spectra.all(), magnitudes.all()).unwrap();
    let shape = Spectrogram {
        frames,
        bins: fourier.bins(),
        first: 0,
        count: frames,
    };
    for (along, to) in [
        (Along::Time, &along_time),
        (Along::Frequency, &along_frequency),
    ] {
        median(device, along, 8, (magnitudes.all(), shape), to.all()).unwrap();
    }
    let medians = Medians {
        along_time: along_time.all(),
        along_frequency: along_frequency.all(),
    };
    separate(
        device,
        spectra.all(),
        medians,
        [ringing.all(), striking.all()],
    )
    .unwrap();
    let sound = |spectra: Slice<'_, D::Buffer, f32>| {
        let (pieces, y) = (zeros(frames * size), Target::new(device, samples));
        fourier
            .backward(device, (spectra, frames), pieces.all())
            .unwrap();
        overlap_add(device, pieces.all(), (frames, size, hop), None, y.slice()).unwrap();
        y.read(device)
    };
    let (ringing, striking) = (sound(ringing.all()), sound(striking.all()));
    // Where as many frames as the window has overlap.
    let whole = size..samples - size;
    let rings = clearness(&ringing[whole.clone()], &sine[whole.clone()]);
    let strikes = clearness(&striking[whole.clone()], &clicks[whole]);
    println!("a sine {rings:.1} dB above the rest, clicks {strikes:.1} dB");
    assert!(15.0 < rings && 15.0 < strikes, "{rings} dB, {strikes} dB");
}
