//! What the quality for files loses against hearing all of a file at once, measured on speech with a
//! content encoder of the real size and weights of a seed.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;

use autovoice::engine::Quality;
use autovoice::engine::rvc::Reach;
use autovoice::model::content::{
    ContentConfig, Encoder, Front, HOP, Loudness, Output, Reach as Seen,
};
use autovoice::quality::seeded;
use autovoice::voice::models::content_tensors;

const HIDDEN: usize = ContentConfig::BASE.hidden;

/// What comes out of the front for a whole signal.
fn frames(encoder: &Encoder, wave: &[f32], loudness: Loudness) -> Vec<f32> {
    let reach = Seen { most: 1, past: 0 };
    let (mut front, _) = encoder.stream(Output::V2, wave.len(), reach).unwrap();
    let mut frames = vec![0.0; Front::max_output(wave.len()) * HIDDEN];
    let count = front.step(wave, loudness, &mut frames);
    frames.truncate(count * HIDDEN);
    frames
}

/// The content of these frames as an engine decides on them.
fn content(encoder: &Encoder, frames: &[f32], hop: usize, ahead: usize, past: usize) -> Vec<f32> {
    let most = hop + ahead;
    let (_, mut body) = encoder
        .stream(Output::V2, HOP, Seen { most, past })
        .unwrap();
    let mut heard = frames.to_vec();
    let hops = frames.len() / HIDDEN / hop;
    heard.resize((hops * hop + ahead) * HIDDEN, 0.0);
    let mut content = Vec::new();
    for n in 0..hops {
        let seen = &heard[n * hop * HIDDEN..][..most * HIDDEN];
        content.extend_from_slice(&body.step(seen, hop)[..hop * HIDDEN]);
    }
    content
}

/// The mean and the lowest cosine between frames.
fn likeness(a: &[f32], b: &[f32]) -> (f64, f64) {
    let dot = |a: &[f32], b: &[f32]| -> f64 {
        let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
        products.sum()
    };
    let pairs = a.chunks_exact(HIDDEN).zip(b.chunks_exact(HIDDEN));
    let cosines: Vec<f64> = pairs
        .map(|(a, b)| dot(a, b) / (dot(a, a) * dot(b, b)).sqrt())
        .collect();
    let mean = cosines.iter().sum::<f64>() / cosines.len() as f64;
    (mean, cosines.iter().copied().fold(1.0, f64::min))
}

/// Twelve seconds of speech at 16 kHz.
fn speech() -> Option<Vec<f32>> {
    let folder = tones::shared("audio")?;
    let mut wave = Vec::new();
    for name in ["ls_8842.wav", "ls_2086.wav"] {
        let mut reader = hound::WavReader::open(folder.join(name)).unwrap();
        assert_eq!(reader.spec().sample_rate, 16_000);
        let samples = reader.samples::<i16>();
        wave.extend(samples.map(|sample| f32::from(sample.unwrap()) / 32_768.0));
    }
    wave.truncate(12 * 16_000);
    Some(wave)
}

#[test]
#[ignore = "takes a minute; it prints a table"]
fn what_the_quality_for_files_loses() {
    let Some(wave) = speech() else { return };
    let weights = seeded::weights(content_tensors(&ContentConfig::BASE), 1).unwrap();
    let encoder = Encoder::new(&ContentConfig::BASE, &weights.root()).unwrap();
    drop(weights);
    let running = frames(&encoder, &wave, Loudness::Running);
    let whole = running.len() / HIDDEN;
    let want = content(&encoder, &running, whole, 0, 0);
    let mut all = Vec::new();
    for (name, reach) in [
        ("live", Reach::of(Quality::Live)),
        ("studio", Reach::of(Quality::Studio)),
        ("offline", Reach::OFFLINE),
    ] {
        let Reach {
            hop, ahead, past, ..
        } = reach;
        let got = content(&encoder, &running, hop, ahead, past);
        let (mean, lowest) = likeness(&got, &want);
        println!("{name:8} cosine to all at once: mean {mean:.6}, lowest {lowest:.6}");
        all.push(mean);
    }
    let statistics = frames(&encoder, &wave, Loudness::Whole);
    let exact = content(&encoder, &statistics, whole, 0, 0);
    let (mean, lowest) = likeness(&want, &exact);
    println!(
        "running statistics, cosine to those of the whole: mean {mean:.6}, lowest {lowest:.6}"
    );
    assert!(all[0] < all[2] && 0.999 < all[2], "{all:?}");
}
