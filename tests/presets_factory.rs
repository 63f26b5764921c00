//! The presets that came with AutoVoice: they are all in the program, each is worth its place, and
//! each makes a sound of about the level it was given.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod shift_voices;

use autovoice::bridge::{HostConfig, Processor, meters};
use autovoice::engine::shift::ShiftEngine;
use autovoice::pitch::HeldNotes;
use autovoice::preset::{Library, Preset, Scope, Values, factory, from_toml, to_code, to_toml};
use std::path::Path;

const RATE_HZ: u32 = 48_000;
const BLOCK: usize = 512;

/// The words that factory presets are tagged with: few, so that a tag finds more than one.
const TAGS: [&str; 12] = [
    "bright",
    "character",
    "clean",
    "dark",
    "effect",
    "harmony",
    "high",
    "layers",
    "lo-fi",
    "low",
    "natural",
    "tuning",
];

fn presets() -> Vec<(&'static str, Preset)> {
    let files = factory::FILES.into_iter();
    files
        .map(|(file, text)| (file, from_toml(text).expect(file).0))
        .collect()
}

#[test]
fn the_program_holds_what_the_folder_holds() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("presets");
    let mut files: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            assert_eq!(path.extension().unwrap(), "toml", "{stem}");
            (stem, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    let held = factory::FILES.map(|(file, text)| (file.to_owned(), text.to_owned()));
    assert_eq!(files, held);
    assert!(20 <= files.len());
    assert_eq!(factory::presets().len(), Library::factory().entries().len());
}

#[test]
fn every_one_is_as_we_would_write_it_and_says_what_it_is_for() {
    for (file, text) in factory::FILES {
        let (preset, notices) = from_toml(text).expect(file);
        assert_eq!(notices, [], "{file}");
        assert_eq!(to_toml(&preset), text, "{file}");
        let about = &preset.about;
        assert_eq!(about.name.to_lowercase().replace(' ', "-"), file);
        assert_eq!(
            (about.author.as_str(), about.licence.as_str()),
            ("AutoVoice", "CC0-1.0")
        );
        assert!(!about.version.is_empty(), "{file}");
        assert!(
            (20..=90).contains(&about.comment.len()),
            "{file}: {}",
            about.comment
        );
        assert!((1..=3).contains(&about.tags.len()), "{file}");
        for tag in &about.tags {
            assert!(TAGS.contains(&tag.as_str()), "{file}: {tag}");
        }
        for (parameter, value) in preset.values.iter() {
            assert_eq!(parameter.scope, Scope::Sound, "{file}: {}", parameter.id);
            assert_ne!(
                value,
                parameter.kind.default_value(),
                "{file}: {}",
                parameter.id
            );
        }
        let code = to_code(&preset);
        assert!(code.len() < 400, "{file}: {} characters", code.len());
    }
}

#[test]
fn no_two_sound_alike() {
    let presets = presets();
    for (at, (file, preset)) in presets.iter().enumerate() {
        for (other_file, other) in &presets[..at] {
            assert_ne!(preset.values, other.values, "{file} and {other_file}");
            assert_ne!(preset.about.name, other.about.name);
        }
        assert_ne!(preset.values, Values::default(), "{file} changes nothing");
    }
}

fn render(input: &[f32], preset: &Preset) -> Vec<f32> {
    let values = preset.resolve(&|_| None).values;
    let engine = ShiftEngine::new(RATE_HZ, 1, values.range()).unwrap();
    let host = HostConfig {
        rate_hz: RATE_HZ,
        channels: 1,
        max_block: BLOCK,
        offline: true,
    };
    let mut processor = Processor::new(host, Box::new(engine), meters().0);
    let settings = values.settings(HeldNotes::default());
    let mut output = input.to_vec();
    for block in output.chunks_mut(BLOCK) {
        processor.process(&mut [block], &settings);
    }
    assert!(!processor.panicked());
    output.split_off(processor.latency().total())
}

fn level_db(samples: &[f32]) -> f64 {
    let power: f64 = samples.iter().map(|x| f64::from(*x).powi(2)).sum();
    10.0 * (power / samples.len() as f64).log10()
}

#[test]
fn every_one_sounds_at_about_the_level_it_is_given() {
    use std::f64::consts::TAU;
    // A glide over a fifth with vibrato, as a voice of the default range sings.
    let pitch = |t: f64| 150.0 * (0.39 * t + 0.02 * (TAU * 5.5 * t).sin()).exp2();
    let input = shift_voices::voice(RATE_HZ, 1.5, &shift_voices::VOWEL, pitch);
    let given_db = level_db(&input);
    for (file, preset) in presets() {
        let output = render(&input, &preset);
        assert!(output.iter().all(|y| y.is_finite()), "{file}");
        let change_db = level_db(&output) - given_db;
        println!("{file:<20} {change_db:+.1} dB");
        assert!(
            (-12.0..=6.0).contains(&change_db),
            "{file}: {change_db:+.1} dB"
        );
    }
}
