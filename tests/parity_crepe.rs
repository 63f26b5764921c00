//! CREPE against torchcrepe 0.0.24: layers, probabilities, decoders, and the tracker as a stream.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod parity;

use autovoice::model::PITCH_BINS;
use autovoice::model::crepe::{Capacity, Crepe, WINDOW, normalise};
use autovoice::pitch::track::crepe::decode::{
    TRANSITION_WIDTH, argmax, bin_hz, bins_between, observation, weighted_hz,
};
use autovoice::pitch::track::crepe::{CrepeConfig, CrepeTracker, Decoder};
use autovoice::pitch::track::viterbi::Viterbi;
use autovoice::pitch::{PitchFrame, PitchTracker};
use parity::{Golden, channels_last, close, folder};

const CLIPS: [&str; 2] = ["speech", "singing"];
const LOWEST_HZ: f32 = 50.0;
const HIGHEST_HZ: f32 = 1_100.0;

struct Reference {
    crepe: Crepe,
    golden: Golden,
}

/// The real tiny network and what the reference says of one clip.
fn tiny(clip: &str) -> Option<Reference> {
    let folder = folder("crepe")?;
    let weights = Golden::read(&folder.join("crepe_tiny.weights.safetensors")).weights();
    Some(Reference {
        crepe: Crepe::new(Capacity::Tiny, &weights.root()).unwrap(),
        golden: Golden::read(&folder.join(format!("crepe_tiny.{clip}.io.safetensors"))),
    })
}

fn frames(values: &[f32]) -> Vec<[f32; WINDOW]> {
    values.as_chunks().0.to_vec()
}

#[test]
fn frames_are_normalised_alike() {
    for clip in CLIPS {
        let Some(Reference { golden, .. }) = tiny(clip) else {
            return;
        };
        let wave = golden.values("in.wave");
        let want = golden.values("in.frames_normalised");
        for (n, want) in frames(&want).iter().enumerate() {
            let mut frame = [0.0; WINDOW];
            for (i, x) in frame.iter_mut().enumerate() {
                let at = (n * 160 + i).checked_sub(WINDOW / 2);
                *x = at.and_then(|at| wave.get(at)).copied().unwrap_or(0.0);
            }
            normalise(&mut frame);
            let error = frame.iter().zip(want).map(|(x, y)| (x - y).abs());
            assert!(error.fold(0.0, f32::max) < 1e-5, "{clip}, frame {n}");
        }
    }
    let mut silence = [0.25; WINDOW];
    normalise(&mut silence);
    assert_eq!(silence, [0.0; WINDOW]);
}

#[test]
fn every_layer_agrees() {
    for clip in CLIPS {
        let Some(Reference { mut crepe, golden }) = tiny(clip) else {
            return;
        };
        let input = golden.values("in.frames_normalised");
        let channels = [128, 16, 16, 16, 32, 64];
        let mut got: [Vec<f32>; 6] = Default::default();
        for frame in &frames(&input)[..8] {
            let mut out = [f32::NAN; PITCH_BINS];
            crepe.observed(frame, &mut out, |layer, y| {
                got[layer - 1].extend_from_slice(y)
            });
        }
        for (n, (got, channels)) in got.iter().zip(channels).enumerate() {
            let want = golden.values(&format!("act.conv{}_BN.first8", n + 1));
            let each = want.len() / 8;
            let frames = want
                .chunks(each)
                .map(|frame| channels_last(frame, channels));
            let want: Vec<f32> = frames.flatten().collect();
            // Relative to what the layers hold, which grows to tens.
            let scale = want.iter().fold(1f32, |m, x| m.max(x.abs()));
            close(
                &format!("{clip}, layer {}", n + 1),
                got,
                &want,
                2e-6 * scale,
            );
        }
    }
}

/// Probabilities of all frames of a clip.
fn probabilities(reference: &mut Reference) -> Vec<[f32; PITCH_BINS]> {
    let input = reference.golden.values("in.frames_normalised");
    let run = |frame: &[f32; WINDOW]| {
        let mut out = [f32::NAN; PITCH_BINS];
        reference.crepe.probabilities(frame, &mut out);
        out
    };
    frames(&input).iter().map(run).collect()
}

#[test]
fn probabilities_agree() {
    for clip in CLIPS {
        let Some(mut reference) = tiny(clip) else {
            return;
        };
        let got = probabilities(&mut reference);
        let want = reference.golden.values("out.probabilities");
        close(clip, got.as_flattened(), &want, 1e-5);
    }
}

#[test]
fn decoders_agree() {
    for clip in CLIPS {
        let Some(mut reference) = tiny(clip) else {
            return;
        };
        let probabilities = probabilities(&mut reference);
        let bins = bins_between(LOWEST_HZ, HIGHEST_HZ);
        let best: Vec<usize> = probabilities.iter().map(|p| argmax(p, &bins)).collect();
        let weighted = probabilities.iter().zip(&best);
        let weighted: Vec<f32> = weighted.map(|(p, b)| weighted_hz(p, &bins, *b)).collect();
        let observed: Vec<f32> = probabilities
            .iter()
            .flat_map(|p| {
                let mut seen = [0.0; PITCH_BINS];
                observation(p, &bins, &mut seen);
                seen
            })
            .collect();
        let path = Viterbi::path(PITCH_BINS, TRANSITION_WIDTH, &observed);

        let hz = |bins: &[usize]| -> Vec<f32> { bins.iter().map(|b| bin_hz(*b)).collect() };
        for (decoder, f0, chosen) in [
            ("argmax", hz(&best), &best),
            ("weighted_argmax", weighted, &best),
            ("viterbi", hz(&path), &path),
        ] {
            let want = reference.golden.values(&format!("out.f0_{decoder}"));
            close(&format!("{clip}, {decoder}, Hz"), &f0, &want, 0.05);
            let periodicity: Vec<f32> = probabilities
                .iter()
                .zip(chosen)
                .map(|(p, b)| p[*b])
                .collect();
            let want = reference
                .golden
                .values(&format!("out.periodicity_{decoder}"));
            close(
                &format!("{clip}, {decoder}, periodicity"),
                &periodicity,
                &want,
                1e-5,
            );
        }
        // Bins are 20 cents apart: at the tolerance above the path is the same bin for bin.
    }
}

/// What a tracker says of a signal and of enough silence to hear it all.
fn track(tracker: &mut CrepeTracker, wave: &[f32], rate_hz: u32) -> Vec<PitchFrame> {
    let silence = vec![0.0; tracker.lookahead() + 1];
    let mut found = Vec::new();
    for (n, sample) in wave.iter().chain(&silence).enumerate() {
        if let Some(frame) = tracker.push(*sample) {
            let behind = n as f64 - frame.at;
            assert!(
                behind >= 0.0 && behind <= tracker.lookahead() as f64,
                "{behind} behind"
            );
            assert!((frame.at - found.len() as f64 * f64::from(rate_hz) / 100.0).abs() < 1e-6);
            found.push(frame);
        }
    }
    found
}

#[test]
fn the_stream_gives_what_the_reference_gives_for_the_whole() {
    for clip in CLIPS {
        let Some(Reference { crepe, golden }) = tiny(clip) else {
            return;
        };
        let wave = golden.values("in.wave");
        for (decoder, name) in [
            (Decoder::Argmax, "argmax"),
            (Decoder::Weighted, "weighted_argmax"),
            // As late as the clip is long: the whole path, decided for its first instant only.
            (Decoder::Viterbi { lag: 150 }, "viterbi"),
        ] {
            let config = CrepeConfig {
                decoder,
                lowest_hz: LOWEST_HZ,
                highest_hz: HIGHEST_HZ,
            };
            let mut tracker = CrepeTracker::new(16_000, crepe.clone(), config);
            let mut want = golden.values(&format!("out.f0_{name}"));
            let mut periodicity = golden.values(&format!("out.periodicity_{name}"));
            if decoder == (Decoder::Viterbi { lag: 150 }) {
                want.truncate(1);
                periodicity.truncate(1);
            }
            for round in 0..2 {
                let found = track(&mut tracker, &wave, 16_000);
                let count = want.len();
                let f0: Vec<f32> = found[..count].iter().map(|frame| frame.f0_hz).collect();
                close(&format!("{clip}, {name}, round {round}"), &f0, &want, 0.05);
                let heard: Vec<f32> = found[..count].iter().map(|f| f.confidence).collect();
                close(
                    &format!("{clip}, {name}, heard"),
                    &heard,
                    &periodicity,
                    1e-5,
                );
                tracker.reset();
                // A reset in mid-stream leaves nothing behind.
                let _ = wave[..3_333]
                    .iter()
                    .filter_map(|x| tracker.push(*x))
                    .count();
                tracker.reset();
            }
        }
    }
}

#[test]
fn the_path_of_a_stream_comes_to_that_of_the_whole() {
    // The reference's transitions cost more than a window can say: its path has an inertia of
    // many windows.
    for clip in CLIPS {
        let Some(Reference { crepe, golden }) = tiny(clip) else {
            return;
        };
        let want = golden.values("out.f0_viterbi");
        for (lag, allowed) in [(0, 15), (4, 15), (16, 15), (64, 0)] {
            let config = CrepeConfig {
                decoder: Decoder::Viterbi { lag },
                lowest_hz: LOWEST_HZ,
                highest_hz: HIGHEST_HZ,
            };
            let mut tracker = CrepeTracker::new(16_000, crepe.clone(), config);
            let found = track(&mut tracker, &golden.values("in.wave"), 16_000);
            let differ = found.iter().zip(&want).filter(|(got, want)| {
                got.voiced && (got.f0_hz / *want).log2().abs() > 50.0 / 1200.0
            });
            let differ = differ.count();
            println!(
                "{clip}, lag {lag}: {differ} of {} voiced differ",
                want.len()
            );
            assert!(differ <= allowed, "{clip}, lag {lag}: {differ}");
        }
    }
}

#[test]
fn other_rates_hear_the_same_pitch() {
    let Some(Reference { crepe, .. }) = tiny("speech") else {
        return;
    };
    for rate_hz in [8_000, 22_050, 44_100, 48_000, 192_000] {
        let voice: Vec<f32> = (0..rate_hz * 6 / 10)
            .map(|i| {
                let phase = std::f64::consts::TAU * 220.0 * f64::from(i) / f64::from(rate_hz);
                let partials = (1..9).map(|k| (phase * f64::from(k)).sin() / f64::from(k));
                (0.2 * partials.sum::<f64>()) as f32
            })
            .collect();
        let config = CrepeConfig {
            decoder: Decoder::Weighted,
            ..CrepeConfig::default()
        };
        let mut tracker = CrepeTracker::new(rate_hz, crepe.clone(), config);
        let found = track(&mut tracker, &voice, rate_hz);
        for frame in &found[10..50] {
            let cents = 1200.0 * (frame.f0_hz / 220.0).log2();
            assert!(cents.abs() < 20.0 && frame.voiced, "{rate_hz}: {frame:?}");
        }
    }
}

/// The weights of the full network are too large for the test material: `AUTOVOICE_CREPE_FULL`
/// names a safetensors file of them.
#[test]
fn the_full_network_agrees() {
    let Some(folder) = folder("crepe") else {
        return;
    };
    let Some(file) = std::env::var_os("AUTOVOICE_CREPE_FULL") else {
        eprintln!("SKIPPED: AUTOVOICE_CREPE_FULL names no weights");
        return;
    };
    let file = std::path::PathBuf::from(file);
    let weights = Golden::read(&file).weights();
    let mut crepe = Crepe::new(Capacity::Full, &weights.root()).unwrap();
    let golden = Golden::read(&folder.join("crepe_full.singing.io.safetensors"));
    let input = golden.values("in.frames_normalised");
    let mut got = Vec::new();
    for frame in frames(&input) {
        let mut out = [f32::NAN; PITCH_BINS];
        crepe.probabilities(&frame, &mut out);
        got.extend_from_slice(&out);
    }
    close("full", &got, &golden.values("out.probabilities"), 1e-5);
}

#[test]
fn weights_of_another_size_are_refused_by_name() {
    let Some(folder) = folder("crepe") else {
        return;
    };
    let weights = Golden::read(&folder.join("crepe_tiny.weights.safetensors")).weights();
    let error = Crepe::new(Capacity::Full, &weights.root()).unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains("conv1.weight") && text.contains("[1024, 1, 512, 1]"),
        "{text}"
    );
}
