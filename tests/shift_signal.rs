//! The `shift` engine as a stream: delay, null, partition of blocks, silence, noise, extremes.

mod shift_voices;

use autovoice::engine::shift::ShiftEngine;
use autovoice::engine::{Controls, Engine, EngineError};
use autovoice::pitch::{Correction, VoiceRange};
use shift_voices::{Noise, VOWEL, rms, run, shifted, voice};

fn pitched(semitones: f32) -> Controls {
    Controls {
        pitch_semitones: semitones,
        ..Controls::default()
    }
}

fn busy() -> Controls {
    Controls {
        pitch_semitones: 3.7,
        formant_semitones: -2.0,
        correction: Correction {
            enabled: true,
            retune_ms: 20.0,
            ..Correction::default()
        },
        ..Controls::default()
    }
}

/// A voice with pauses, noise and a glide.
fn performance(rate_hz: u32) -> Vec<f32> {
    let mut noise = Noise(7);
    let mut signal = voice(rate_hz, 0.9, &VOWEL, |t| 180.0 * (0.8 * t).exp2());
    let n = signal.len();
    for (i, x) in signal.iter_mut().enumerate() {
        match 9 * i / n {
            2 => *x = 0.0,
            4 => *x = 0.2 * noise.next(),
            _ => *x += 0.002 * noise.next(),
        }
    }
    signal
}

#[test]
fn the_delay_is_one_and_a_half_periods_and_a_millisecond_at_most() {
    for rate_hz in [8_000, 16_000, 44_100, 48_000, 96_000, 192_000] {
        for range in VoiceRange::ALL {
            let engine = ShiftEngine::new(rate_hz, 1, range).unwrap();
            let delay_ms = engine.spec().lookahead as f64 * 1e3 / f64::from(rate_hz);
            let most_ms = 1.5e3 / f64::from(range.lowest_hz()) + 1.0;
            assert!(delay_ms <= most_ms, "{range:?} {rate_hz}: {delay_ms}");
            assert!(most_ms - 1e3 / f64::from(rate_hz) < delay_ms + 1e-6);
        }
    }
}

#[test]
fn rates_and_channels_it_cannot_do_are_refused() {
    for rate_hz in [7_999, 192_001] {
        assert!(matches!(
            ShiftEngine::new(rate_hz, 1, VoiceRange::Low),
            Err(EngineError::Rate { got, .. }) if got == rate_hz
        ));
    }
    for channels in [0, 3] {
        assert!(matches!(
            ShiftEngine::new(48_000, channels, VoiceRange::Low),
            Err(EngineError::Channels { got, .. }) if got == channels
        ));
    }
}

#[test]
fn with_nothing_to_do_the_output_is_the_delayed_input_bit_for_bit() {
    for rate_hz in [8_000, 44_100, 192_000] {
        for range in [VoiceRange::Bass, VoiceRange::Soprano] {
            let signal = performance(rate_hz);
            let output = shifted(rate_hz, range, &signal, Controls::default());
            assert_eq!(output, signal, "{rate_hz} {range:?}");
        }
    }
}

#[test]
fn after_a_shift_it_comes_back_to_the_delayed_input() {
    let rate_hz = 48_000;
    let signal = voice(rate_hz, 1.5, &VOWEL, |_| 200.0);
    let mut engine = ShiftEngine::new(rate_hz, 1, VoiceRange::Low).unwrap();
    let delay = engine.spec().lookahead;
    let output = run(
        &mut engine,
        &signal,
        || 32,
        |at| {
            if at < 24_000 {
                pitched(5.0)
            } else {
                Controls::default()
            }
        },
    );
    let (settled, shifting) = (24_000 + 2_400, 12_000..23_000);
    assert_eq!(
        output[settled..],
        signal[settled - delay..signal.len() - delay]
    );
    let moved: Vec<f32> = shifting.map(|i| output[i] - signal[i - delay]).collect();
    assert!(0.05 < rms(&moved), "it did shift before");
}

#[test]
fn an_impulse_is_neither_moved_nor_changed() {
    for range in VoiceRange::ALL {
        let mut signal = vec![0.0; 12_000];
        signal[5_000] = 0.9;
        let output = shifted(48_000, range, &signal, pitched(7.0));
        assert_eq!(output, signal, "{range:?}");
    }
}

#[test]
fn blocks_of_any_length_give_the_same_samples() {
    for (rate_hz, range) in [
        (48_000, VoiceRange::Low),
        (8_000, VoiceRange::Soprano),
        (96_000, VoiceRange::Bass),
    ] {
        let signal = performance(rate_hz);
        let mut engine = ShiftEngine::new(rate_hz, 1, range).unwrap();
        let whole = run(&mut engine, &signal, || signal.len(), |_| busy());
        let mut noise = Noise(3);
        let mut odd = move || 1 + (300.0 * noise.next().abs()) as usize;
        let blocks: [(&str, &mut dyn FnMut() -> usize); 3] = [
            ("single frames", &mut || 1),
            ("64", &mut || 64),
            ("random", &mut odd),
        ];
        for (name, block) in blocks {
            engine.reset();
            let parts = run(&mut engine, &signal, block, |_| busy());
            assert!(parts == whole, "{name} at {rate_hz} Hz");
        }
    }
}

#[test]
fn silence_stays_silent() {
    for controls in [pitched(12.0), busy()] {
        let output = shifted(48_000, VoiceRange::Low, &[0.0; 48_000], controls);
        assert!(output.iter().all(|x| *x == 0.0));
    }
}

#[test]
fn noise_passes_as_it_is() {
    for (range, most_changed) in [
        (VoiceRange::Bass, 0.05),
        (VoiceRange::Low, 0.05),
        (VoiceRange::High, 0.05),
        (VoiceRange::Soprano, 0.05),
    ] {
        let mut noise = Noise(11);
        let signal: Vec<f32> = (0..5 * 48_000).map(|_| 0.3 * noise.next()).collect();
        let output = shifted(48_000, range, &signal, pitched(5.0));
        let changed = signal.iter().zip(&output).filter(|(a, b)| a != b).count();
        let share = changed as f64 / signal.len() as f64;
        assert!(share < most_changed, "{range:?}: {share}");
        assert!((rms(&output) / rms(&signal) - 1.0).abs() < 0.05);
    }
}

#[test]
fn both_channels_move_as_one() {
    let rate_hz = 48_000;
    let left = voice(rate_hz, 0.6, &VOWEL, |_| 190.0);
    let right: Vec<f32> = left.iter().map(|x| -0.25 * x).collect();
    let mut engine = ShiftEngine::new(rate_hz, 2, VoiceRange::Low).unwrap();
    let (mut a, mut b) = (vec![0.0; left.len()], vec![0.0; left.len()]);
    engine
        .step(&[&left, &right], &mut [&mut a, &mut b], &busy())
        .unwrap();
    for (a, b) in a.iter().zip(&b) {
        assert!((b + 0.25 * a).abs() < 1e-6);
    }
    assert!(0.05 < rms(&a));
}

#[test]
fn every_extreme_stays_finite_and_bounded() {
    let rate_hz = 44_100;
    let signal = performance(rate_hz);
    let odd = [f32::NAN, f32::INFINITY, -1e9, -24.0, 24.0];
    for pitch in odd {
        for formant in [f32::NAN, -12.0, 0.0, 12.0, 1e9] {
            for range in [VoiceRange::Bass, VoiceRange::Soprano] {
                let controls = Controls {
                    pitch_semitones: pitch,
                    formant_semitones: formant,
                    correction: Correction {
                        enabled: true,
                        retune_ms: f32::NAN,
                        amount: f32::NAN,
                        humanize: 9.0,
                        tuning_hz: f32::NAN,
                        ..Correction::default()
                    },
                    ..Controls::default()
                };
                let output = shifted(rate_hz, range, &signal, controls);
                let peak = output.iter().fold(0.0f32, |p, x| p.max(x.abs()));
                assert!(output.iter().all(|x| x.is_finite()));
                assert!(peak < 2.5, "{pitch} {formant} {range:?}: {peak}");
            }
        }
    }
    let broken = [f32::NAN, f32::INFINITY, 0.5, -0.5].repeat(8_000);
    let output = shifted(rate_hz, VoiceRange::Low, &broken, pitched(4.0));
    assert!(output.iter().all(|x| x.is_finite()));
}

#[test]
fn jumps_of_the_controls_do_not_click() {
    let rate_hz = 48_000;
    let signal = voice(rate_hz, 3.0, &[(500.0, 80.0), (1_000.0, 100.0)], |_| 150.0);
    let bend = |s: &[f32]| {
        s.windows(3)
            .map(|w| (w[0] - 2.0 * w[1] + w[2]).abs())
            .fold(0.0f32, f32::max)
    };
    let settings = [0.0, 7.0, -12.0, 12.0, 0.0, -3.0, 24.0];
    let formants = [0.0, -5.0, 5.0, 0.0];
    let control = |at: usize| Controls {
        pitch_semitones: settings[at / 5_000 % settings.len()],
        formant_semitones: formants[at / 7_000 % formants.len()],
        ..Controls::default()
    };
    let mut engine = ShiftEngine::new(rate_hz, 1, VoiceRange::Low).unwrap();
    let jumping = run(&mut engine, &signal, || 64, control);
    let mut steady = 0.0f32;
    for pitch in settings {
        for formant in formants {
            engine.reset();
            let controls = Controls {
                pitch_semitones: pitch,
                formant_semitones: formant,
                ..Controls::default()
            };
            let output = run(&mut engine, &signal[..24_000], || 64, |_| controls);
            steady = steady.max(bend(&output[6_000..]));
        }
    }
    let jumped = bend(&jumping[6_000..]);
    assert!(jumped < 1.3 * steady, "{jumped} against {steady}");
}
