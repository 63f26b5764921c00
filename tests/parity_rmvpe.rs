//! RMVPE against RVC's: mel front end, network by parts, decoding, and the tracker as a stream.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod parity;

use std::path::Path;

use autovoice::model::PITCH_BINS;
use autovoice::model::rmvpe::{BANDS, HOP, LogMel, Part, Rmvpe, RmvpeConfig, WINDOW};
use autovoice::pitch::PitchTracker;
use autovoice::pitch::track::rmvpe::{RmvpeTracker, Windows, decode};
use parity::{Golden, channels_last, close, folder, recipe};

const SMALL: RmvpeConfig = RmvpeConfig {
    blocks: 1,
    bottom: 1,
    channels: 4,
};

/// `[1, BANDS, frames]`, as the reference has spectra, as `[frames, BANDS]`.
fn spectra(golden: &Golden) -> Vec<f32> {
    channels_last(&golden.values("in.log_mel"), BANDS)
}

fn small(folder: &Path, longest: usize) -> Rmvpe {
    let weights = Golden::read(&folder.join("rmvpe_small.weights.safetensors")).weights();
    Rmvpe::new(SMALL, longest, &weights.root()).unwrap()
}

/// The log mel spectra of a whole signal, mirrored at both ends as the reference does it.
fn log_mel(wave: &[f32]) -> Vec<f32> {
    let last = wave.len() as i64 - 1;
    let at = |n: i64| {
        let n = n.abs();
        wave[if n > last { 2 * last - n } else { n } as usize]
    };
    let mut front = LogMel::new();
    let mut out = vec![f32::NAN; (1 + wave.len() / HOP) * BANDS];
    for (n, out) in out.chunks_mut(BANDS).enumerate() {
        let start = (n * HOP) as i64 - WINDOW as i64 / 2;
        let window: Vec<f32> = (0..WINDOW as i64).map(|i| at(start + i)).collect();
        front.frame(&window, out);
    }
    out
}

#[test]
fn the_mel_front_end_agrees() {
    let Some(folder) = folder("rmvpe") else {
        return;
    };
    let golden = Golden::read(&folder.join("rmvpe_mel_frontend.safetensors"));
    let got = log_mel(&golden.values("in.wave"));
    let want = channels_last(&golden.values("out.log_mel"), BANDS);
    close("log mel", &got, &want, 2e-4);
    // The filters by themselves: the front end hears only what is loud.
    let (window, basis) = (golden.values("hann_window"), golden.values("mel_basis"));
    close("window", &autovoice::dsp::stft::hann(WINDOW), &window, 3e-7);
    let bands = autovoice::dsp::mel::MelBands::new(&autovoice::dsp::mel::MelConfig {
        rate_hz: 16_000,
        fft: WINDOW,
        bands: BANDS,
        lowest_hz: 30.0,
        highest_hz: 8_000.0,
    });
    let bins = WINDOW / 2 + 1;
    for bin in 0..bins {
        let mut spectrum = vec![0.0; bins];
        spectrum[bin] = 1.0;
        let mut got = vec![f32::NAN; BANDS];
        bands.apply(&spectrum, &mut got);
        for (band, got) in got.iter().enumerate() {
            let want = basis[band * bins + bin];
            assert!(
                (got - want).abs() < 1e-8,
                "band {band}, bin {bin}: {got} for {want}"
            );
        }
    }
}

/// Runs a network over spectra; what every part gave, and the salience.
fn run(rmvpe: &mut Rmvpe, spectra: &[f32]) -> (Vec<(Part, Vec<f32>)>, Vec<f32>) {
    let mut salience = vec![f32::NAN; spectra.len() / BANDS * PITCH_BINS];
    let mut parts = Vec::new();
    rmvpe.observed(spectra, &mut salience, |part, y| {
        parts.push((part, y.to_vec()))
    });
    (parts, salience)
}

#[test]
fn every_part_of_the_small_network_agrees() {
    let Some(folder) = folder("rmvpe") else {
        return;
    };
    let golden = Golden::read(&folder.join("rmvpe_small.io.safetensors"));
    let (parts, salience) = run(&mut small(&folder, 64), &spectra(&golden));
    let mut compared = 0;
    for (part, got) in parts {
        let name = match part {
            Part::Down(level) => format!("act.unet.encoder.layers.{level}.1"),
            Part::Bottom => "act.unet.intermediate".to_owned(),
            Part::Up(4) => "act.unet".to_owned(),
            Part::Up(level) => format!("act.unet.decoder.layers.{level}"),
            Part::Seen | Part::Recurrent => continue,
        };
        let (shape, want) = golden.get(&name);
        let want = channels_last(&want, shape[1]);
        let scale = want.iter().fold(1f32, |m, x| m.max(x.abs()));
        close(&format!("{part:?}"), &got, &want, 3e-6 * scale);
        compared += 1;
    }
    assert_eq!(compared, 11);
    close("small", &salience, &golden.values("out.salience"), 1e-5);
}

#[test]
fn spectra_that_are_no_multiple_of_32_are_padded_alike() {
    let Some(folder) = folder("rmvpe") else {
        return;
    };
    let golden = Golden::read(&folder.join("rmvpe_small.mel2hidden.io.safetensors"));
    let spectra = spectra(&golden);
    let mut rmvpe = small(&folder, 200);
    assert_eq!(rmvpe.longest(), 224);
    let want = golden.values("out.salience");
    for round in 0..2 {
        let (_, salience) = run(&mut rmvpe, &spectra);
        close(
            &format!("mel2hidden, round {round}"),
            &salience,
            &want,
            1e-5,
        );
        // What another window leaves in memory is not heard.
        run(&mut rmvpe, &spectra[..40 * BANDS]);
    }
}

/// The published network with the weights of the recipe, for windows of so many spectra.
fn full(folder: &Path, longest: usize) -> Rmvpe {
    let weights = recipe(&folder.join("rmvpe_full.recipe.json"));
    Rmvpe::new(RmvpeConfig::FULL, longest, &weights.root()).unwrap()
}

#[test]
fn the_full_network_agrees() {
    let Some(folder) = folder("rmvpe") else {
        return;
    };
    let golden = Golden::read(&folder.join("rmvpe_full.io.safetensors"));
    let (parts, salience) = run(&mut full(&folder, 64), &spectra(&golden));
    let part = |which| &parts.iter().find(|(part, _)| *part == which).unwrap().1;
    let want = channels_last(&golden.values("act.unet.intermediate"), 512);
    close("full, bottom", part(Part::Bottom), &want, 1e-4);
    let want = channels_last(&golden.values("act.cnn"), 3);
    close("full, seen", part(Part::Seen), &want, 1e-5);
    close(
        "full, recurrent",
        part(Part::Recurrent),
        &golden.values("act.fc.0"),
        1e-5,
    );
    close("full", &salience, &golden.values("out.salience"), 1e-5);
}

#[test]
fn decoding_agrees() {
    let Some(folder) = folder("rmvpe") else {
        return;
    };
    let golden = Golden::read(&folder.join("rmvpe_decode.safetensors"));
    let salience = golden.values("in.salience");
    let decoded: Vec<f32> = (salience.as_chunks().0.iter())
        .map(|salience| match decode(salience) {
            (hz, salience) if salience > 0.03 => hz,
            _ => 0.0,
        })
        .collect();
    close("decode, Hz", &decoded, &golden.values("out.f0_hz"), 1e-3);
    let (hz, heard) = decode(&[0.0; PITCH_BINS]);
    assert!(hz > 10.0 && heard == 0.0, "a best guess even in silence");
}

/// What a stream says of a signal, frame by frame, and the most salient of the network over all
/// of `spectra`: pairs of pitch in Hz and salience.
fn stream_and_whole(
    rmvpe: &Rmvpe,
    wave: &[f32],
    spectra: &[f32],
    windows: Windows,
) -> Vec<[(f32, f32); 2]> {
    let (_, whole) = run(&mut rmvpe.clone(), spectra);
    let mut tracker = RmvpeTracker::new(16_000, rmvpe.clone(), windows);
    let mut pairs = Vec::new();
    for round in 0..2 {
        pairs.clear();
        for (n, sample) in wave.iter().enumerate() {
            let Some(frame) = tracker.push(*sample) else {
                continue;
            };
            assert_eq!(frame.at, (pairs.len() * HOP) as f64);
            assert_eq!(n as f64 - frame.at, tracker.lookahead() as f64);
            if let Some(whole) = whole.as_chunks().0.get(pairs.len()) {
                pairs.push([(frame.f0_hz, frame.confidence), decode(whole)]);
            }
        }
        if round == 0 {
            // A reset in mid-stream leaves nothing behind.
            tracker.reset();
            let _ = wave[..9_999]
                .iter()
                .filter_map(|x| tracker.push(*x))
                .count();
            tracker.reset();
        }
    }
    pairs
}

#[test]
fn the_first_window_of_a_stream_is_the_network_over_that_window() {
    let Some(folder) = folder("rmvpe") else {
        return;
    };
    let golden = Golden::read(&folder.join("rmvpe_mel_frontend.safetensors"));
    let wave = golden.values("in.wave");
    let spectra = log_mel(&wave);
    let windows = Windows {
        length: 128,
        ahead: 96,
    };
    let rmvpe = small(&folder, 128);
    let pairs = stream_and_whole(&rmvpe, &wave, &spectra[..128 * BANDS], windows);
    assert!(pairs.len() > 32);
    for (n, [stream, whole]) in pairs[..32].iter().enumerate() {
        assert!(
            (stream.0 / whole.0 - 1.0).abs() < 1e-5,
            "frame {n}: {stream:?} {whole:?}"
        );
        assert!(
            (stream.1 - whole.1).abs() < 1e-5,
            "frame {n}: {stream:?} {whole:?}"
        );
    }
}

#[test]
fn more_to_look_at_brings_a_stream_closer_to_the_whole() {
    let Some(folder) = folder("rmvpe") else {
        return;
    };
    let golden = Golden::read(&folder.join("rmvpe_mel_frontend.safetensors"));
    let wave = golden.values("in.wave").repeat(3);
    let spectra = log_mel(&wave);
    let rmvpe = small(&folder, spectra.len() / BANDS);
    let difference = |length, ahead| {
        let windows = Windows { length, ahead };
        let pairs = stream_and_whole(&rmvpe, &wave, &spectra, windows);
        let off = pairs
            .iter()
            .map(|[stream, whole]| (stream.1 - whole.1).abs());
        let mean = off.sum::<f32>() / pairs.len() as f32;
        println!("window {length}, ahead {ahead}: salience {mean:.4} off in the mean");
        mean
    };
    let (short, default, long) = (difference(64, 0), difference(128, 32), difference(256, 64));
    assert!(
        long < default && default < short,
        "{short} {default} {long}"
    );
}
