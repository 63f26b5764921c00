//! Phase vocoders against their twin for the CPU, cut anywhere; a sine at another pitch.

use std::f64::consts::TAU;

use autovoice_kernels::cpu::{self, Phases, Polyphase, Stretch};
use autovoice_kernels::gpu::{
    Array, Device, Fourier, GpuError, PhaseVocoder, Resampler, overlap_add,
};

use crate::support::{Target, array, close_to, noise};

autovoice_emulator::twins! { frames_are_turned streams_cut_anywhere shapes_that_are_refused a_sine_at_another_pitch }

/// Spectra of frames with gaps, peaks and silence in them.
fn spectra(frames: usize, bins: usize, seed: u32) -> Vec<f32> {
    let mut x = noise(frames * bins * 2, seed);
    for (at, bin) in x.chunks_mut(2).enumerate() {
        let (frame, k) = (at / bins, at % bins);
        let is_silent = frame % 4 == 2 || (20..50).contains(&k);
        if is_silent {
            bin.fill(0.0);
        }
    }
    x
}

fn twin(vocoder: &mut cpu::PhaseVocoder, x: &[f32]) -> Vec<f32> {
    let mut y = vec![f32::NAN; x.len()];
    let from = x.as_chunks::<2>().0;
    vocoder.step(from, y.as_chunks_mut::<2>().0);
    y
}

const STRETCHES: [(usize, usize, usize); 5] = [
    (16, 3, 4),
    (64, 16, 11),
    (128, 32, 32),
    (256, 20, 61),
    (1024, 255, 129),
];

fn stretches() -> impl Iterator<Item = Stretch> {
    let both = [Phases::Free, Phases::Locked];
    both.into_iter().flat_map(|phases| {
        STRETCHES.map(|(size, hop, new_hop)| Stretch {
            size,
            hop,
            new_hop,
            phases,
        })
    })
}

/// Of several streams at once, there or in place.
fn frames_are_turned<D: Device>(device: &D) {
    for stretch in stretches() {
        let (streams, frames) = (2, 4);
        let x = spectra(streams * frames, stretch.bins(), 1);
        let want: Vec<f32> = x
            .chunks(x.len() / streams)
            .flat_map(|x| twin(&mut cpu::PhaseVocoder::new(stretch), x))
            .collect();
        for is_in_place in [false, true] {
            let vocoder = PhaseVocoder::new(device, stretch, streams).unwrap();
            let y = match is_in_place {
                true => Target::holding(device, &x),
                false => Target::new(device, x.len()),
            };
            let there = array(device, &x);
            let from = if is_in_place { y.slice() } else { there.all() };
            vocoder.step(device, (from, frames), y.slice()).unwrap();
            close_to(&y.read(device), &want, 3e-5, &format!("{stretch:?}"));
        }
    }
}

fn streams_cut_anywhere<D: Device>(device: &D) {
    let stretch = Stretch {
        size: 128,
        hop: 24,
        new_hop: 32,
        phases: Phases::Locked,
    };
    let values = 2 * stretch.bins();
    let x = spectra(12, stretch.bins(), 3);
    let there = array(device, &x);
    let vocoder = PhaseVocoder::new(device, stretch, 1).unwrap();
    let mut whole = Vec::new();
    for steps in [vec![12], vec![1; 12], vec![5, 0, 1, 6]] {
        vocoder.reset(device).unwrap();
        let y = Target::new(device, x.len());
        let mut at = 0;
        for frames in &steps {
            let [from, to] = [there.all(), y.slice()].map(|z| z.since(at * values).unwrap());
            vocoder.step(device, (from, *frames), to).unwrap();
            at += frames;
        }
        let got = y.read(device);
        if whole.is_empty() {
            whole.clone_from(&got);
        }
        close_to(&got, &whole, 0.0, &format!("{steps:?}"));
    }
}

fn shapes_that_are_refused<D: Device>(device: &D) {
    for (size, hop, new_hop) in [
        (8, 1, 1),
        (100, 9, 9),
        (8192, 9, 9),
        (64, 0, 9),
        (64, 9, 0),
        (64, 65, 9),
    ] {
        let stretch = Stretch {
            size,
            hop,
            new_hop,
            phases: Phases::Free,
        };
        let refused = PhaseVocoder::new(device, stretch, 1).map(|_| ());
        assert!(matches!(refused, Err(GpuError::Size { .. })), "{stretch:?}");
    }
}

/// Amplitude and cycles per value of a tone that is all there is, from what it is to be: by its angle in two
/// halves of the signal.
fn heard(y: &[f32], expected: f64) -> (f64, f64) {
    let half = y.len() / 2;
    let at = |from: usize| {
        let weight = |n: usize| 1.0 - (TAU * (n as f64 + 0.5) / half as f64).cos();
        (0..half).fold([0.0; 2], |[re, im], n| {
            let (sin, cos) = (TAU * expected * (from + n) as f64).sin_cos();
            let y = weight(n) * f64::from(y[from + n]);
            [re + y * cos, im - y * sin]
        })
    };
    let [first, second] = [at(0), at(half)];
    let turn = |[re, im]: [f64; 2]| im.atan2(re) / TAU;
    let moved = turn(second) - turn(first);
    let moved = moved - moved.round();
    let amplitude = 2.0 * first[0].hypot(first[1]) / half as f64;
    (amplitude, expected + moved / half as f64)
}

/// Through transform, vocoder, inverse, sum and resampler.
fn a_sine_at_another_pitch<D: Device>(device: &D) {
    for (semitones, phases) in [
        (4.0, Phases::Locked),
        (-7.0, Phases::Locked),
        (-0.3, Phases::Free),
    ] {
        let (size, frames, cycles) = (256, 40, 0.031_7);
        let stretch = Stretch::by_semitones(size, semitones, phases);
        let (hop, new_hop) = (stretch.hop, stretch.new_hop);
        let sine = |n: usize| 0.5 * (TAU * cycles * n as f64).sin() as f32;
        let x: Vec<f32> = (0..(frames - 1) * hop + size).map(sine).collect();
        // Squares of Hann's window add up to 3/8 of its length over the hop.
        let scale = (8.0 * new_hop as f64 / (3.0 * size as f64)).sqrt();
        let hann = |n: usize| scale * (0.5 - 0.5 * (TAU * n as f64 / size as f64).cos());
        let forward: Vec<f32> = (0..size).map(|n| hann(n) as f32).collect();

        let fourier = Fourier::new(device, &forward).unwrap();
        let vocoder = PhaseVocoder::new(device, stretch, 1).unwrap();
        let filter = Polyphase::new((new_hop, hop), 8, 60.0);
        let mut resampler = Resampler::new(device, filter, 1).unwrap();
        let there = array(device, &x);
        let spectra = Array::<_, f32>::zeros(device, frames * 2 * fourier.bins()).unwrap();
        let pieces = Array::<_, f32>::zeros(device, frames * size).unwrap();
        let longer = Array::<_, f32>::zeros(device, (frames - 1) * new_hop + size).unwrap();
        let y = Target::new(device, resampler.outputs(longer.len()));
        fourier
            .forward(device, (there.all(), hop, frames), spectra.all())
            .unwrap();
        vocoder
            .step(device, (spectra.all(), frames), spectra.all())
            .unwrap();
        fourier
            .backward(device, (spectra.all(), frames), pieces.all())
            .unwrap();
        overlap_add(
            device,
            pieces.all(),
            (frames, size, new_hop),
            None,
            longer.all(),
        )
        .unwrap();
        resampler.step(device, longer.all(), y.slice()).unwrap();

        let y = y.read(device);
        let middle = &y[2 * size..y.len() - size];
        let wanted = cycles * (semitones / 12.0f64).exp2();
        let (amplitude, found) = heard(middle, wanted);
        let cents = 1200.0 * (found / wanted).log2();
        let decibels = 20.0 * (amplitude / 0.5).log10();
        println!("{semitones} semitones, {hop} to {new_hop}: {cents:.3} cents, {decibels:.3} dB");
        let of_hops = 1200.0 * (new_hop as f64 / hop as f64).log2() - 100.0 * semitones;
        assert!(
            (cents - of_hops).abs() < 0.5,
            "{cents} cents, {of_hops} of the hops"
        );
        assert!(
            cents.abs() < 5.0 && decibels.abs() < 0.2,
            "{cents} cents, {decibels} dB"
        );
    }
}
