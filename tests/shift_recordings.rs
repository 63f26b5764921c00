//! The shift engine on real voices: whatever is sung and asked for, it stays within bounds and
//! never looks ahead of its input (which debug assertions watch).

#![allow(
    clippy::unwrap_used,
    reason = "the tones' helpers are test code outside of `#[test]` functions"
)]

mod tones;

use autovoice::engine::shift::ShiftEngine;
use autovoice::engine::{Controls, Engine};
use autovoice::io::{AudioReader, Damage};
use autovoice::pitch::{Correction, VoiceRange};

/// The start of a recording, its first channel.
fn read(path: &std::path::Path, seconds: f64) -> (u32, Vec<f32>) {
    let mut reader = AudioReader::open(path, Damage::Refuse).expect("a recording");
    let info = reader.info().clone();
    let frames = (seconds * f64::from(info.rate_hz)) as usize;
    let mut audio = vec![vec![0.0; frames]; info.channels];
    let mut slices: Vec<&mut [f32]> = audio.iter_mut().map(|c| &mut c[..]).collect();
    let read = reader.read(&mut slices).expect("an intact recording");
    audio.truncate(1);
    let mut first = audio.remove(0);
    first.truncate(read);
    (info.rate_hz, first)
}

fn all_controls() -> Vec<Controls> {
    let shift = |pitch_semitones, formant_semitones| Controls {
        pitch_semitones,
        formant_semitones,
        ..Controls::default()
    };
    let correction = Correction {
        enabled: true,
        retune_ms: 0.0,
        ..Correction::default()
    };
    vec![
        shift(4.0, -2.0),
        shift(-12.0, 0.0),
        shift(19.0, 9.0),
        Controls {
            correction,
            ..shift(-3.0, -12.0)
        },
    ]
}

#[test]
fn every_recording_is_shifted_within_bounds_in_every_range() {
    let Some(audio) = tones::shared("audio") else {
        return;
    };
    let mut files: Vec<_> = std::fs::read_dir(audio)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "wav" || e == "flac"))
        .collect();
    files.sort();
    assert!(!files.is_empty());
    for path in files {
        let (rate_hz, input) = read(&path, 4.0);
        let loudest = input.iter().fold(0f32, |peak, x| peak.max(x.abs()));
        for range in VoiceRange::ALL {
            for controls in all_controls() {
                let mut engine = ShiftEngine::new(rate_hz, 1, range).expect("supported");
                let mut output = vec![0.0; input.len()];
                for (x, y) in input.chunks(100).zip(output.chunks_mut(100)) {
                    engine.step(&[x], &mut [y], &controls).expect("it goes on");
                }
                let peak = output.iter().fold(0f32, |peak, y| peak.max(y.abs()));
                let what = format!("{} {range:?} {controls:?}", path.display());
                assert!(output.iter().all(|y| y.is_finite()), "{what}");
                assert!(
                    peak <= 4.0 * loudest + 1e-3,
                    "{what}: {peak} from {loudest}"
                );
            }
        }
    }
}
