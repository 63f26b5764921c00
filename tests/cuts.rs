//! The cuts in the audio path: heard in the converted voice alone, and gone under bypass.

mod support;

use autovoice::bridge::{Processor, Settings, meters};
use autovoice::engine::through::Through;
use support::{host, noise};

const RATE_HZ: u32 = 48_000;
const BLOCK: usize = 256;

/// The path around an engine that changes nothing, so that only the cuts are heard.
fn render(input: &[f32], settings: impl Fn(usize) -> Settings) -> Vec<f32> {
    let engine = Box::new(Through::new(RATE_HZ, 1));
    let mut processor = Processor::new(host(RATE_HZ, 1, BLOCK), engine, meters().0);
    let mut output = input.to_vec();
    for (block, samples) in output.chunks_mut(BLOCK).enumerate() {
        processor.process(&mut [samples], &settings(block));
    }
    output
}

fn level_db(samples: &[f32]) -> f32 {
    let power: f32 = samples.iter().map(|x| x * x).sum();
    10.0 * (power / samples.len() as f32).log10()
}

fn tone(hz: f32) -> Vec<f32> {
    let radians = std::f32::consts::TAU * hz / RATE_HZ as f32;
    (0..RATE_HZ)
        .map(|i| 0.5 * (radians * i as f32).sin())
        .collect()
}

#[test]
fn the_voice_is_cut_from_the_first_frame_and_the_dry_one_is_not() {
    let cut = Settings {
        low_cut_hz: 400.0,
        high_cut_hz: 3_000.0,
        ..Settings::default()
    };
    for (hz, mix, least_db, most_db) in [
        (50.0, 1.0, -40.0, -34.0),
        (1_100.0, 1.0, -0.5, 0.0),
        (16_000.0, 1.0, -60.0, -34.0),
        (50.0, 0.5, -6.5, -5.5),
        (50.0, 0.0, 0.0, 0.0),
    ] {
        let input = tone(hz);
        let output = render(&input, |_| Settings { mix, ..cut });
        let change_db = level_db(&output[RATE_HZ as usize / 2..]) - level_db(&input);
        let case = format!("{hz} Hz, mix {mix}: {change_db} dB");
        assert!(
            (least_db - 0.02..=most_db + 0.02).contains(&change_db),
            "{case}"
        );
        let start_db = level_db(&output[..4_800]) - level_db(&input[..4_800]);
        assert!(
            (start_db - change_db).abs() < 6.0,
            "{case}, {start_db} dB at first"
        );
    }
}

#[test]
fn bypass_and_dry_are_untouched() {
    let input: Vec<f32> = (0..9_600).map(|i| 0.5 * noise(i)).collect();
    for (bypass, mix) in [(true, 1.0), (false, 0.0)] {
        let output = render(&input, |_| Settings {
            bypass,
            mix,
            low_cut_hz: 1_000.0,
            high_cut_hz: 1_000.0,
            ..Settings::default()
        });
        assert!(output == input, "bypass {bypass}, mix {mix}");
    }
}

#[test]
fn automation_is_not_heard_as_clicks() {
    let input = tone(300.0);
    let steepest = 0.5 * std::f32::consts::TAU * 300.0 / RATE_HZ as f32;
    let output = render(&input, |block| Settings {
        low_cut_hz: [20.0, 1_000.0, 21.0, 300.0][block / 3 % 4],
        high_cut_hz: [1_000.0, 20_000.0, 19_990.0][block / 5 % 3],
        ..Settings::default()
    });
    let steps = output.windows(2).map(|w| (w[1] - w[0]).abs());
    let step = steps.fold(0.0, f32::max);
    assert!(step < 2.0 * steepest, "{step}, a sine has {steepest}");
}
