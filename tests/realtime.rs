//! The audio thread neither allocates nor frees: counted by the allocator, over every setting,
//! layout, engine swap and stall. The counter is shown to count.

mod support;

use assert_no_alloc::{AllocDisabler, assert_no_alloc, reset_violation_count, violation_count};
use autovoice::bridge::{DropoutMode, HostConfig, Processor, Settings, meters};
use autovoice::engine::shift::ShiftEngine;
use autovoice::engine::{Controls, Engine};
use autovoice::pitch::{
    Correction, HeldNotes, Key, MidiMode, PitchFrame, PitchTracker, Scale, ScaleMask,
    TrackerChoice, VoiceRange,
};
use support::{Behaviour, Rig, TestEngine, host, noise, voice, worker_spec};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// Violations while `f` runs. The counter belongs to the thread.
fn violations(f: impl FnOnce()) -> u32 {
    reset_violation_count();
    assert_no_alloc(f);
    violation_count()
}

#[test]
fn the_counter_fires_on_allocation_and_on_free() {
    assert_eq!(violations(|| {}), 0);
    let mut kept = None;
    assert_ne!(violations(|| kept = Some(vec![1u8; 64])), 0, "allocation");
    assert_ne!(violations(|| drop(kept.take())), 0, "free");
}

/// Every setting at its extremes and in between, one after the other.
fn all_settings() -> Vec<Settings> {
    let mut all = vec![Settings::default()];
    let mut with = |change: &dyn Fn(&mut Settings)| {
        let mut settings = Settings::default();
        change(&mut settings);
        all.push(settings);
    };
    for bypass in [true, false] {
        with(&|s| s.bypass = bypass);
        with(&|s| s.limiter = bypass);
    }
    for value in [
        f32::NAN,
        f32::INFINITY,
        -100.0,
        -24.0,
        -12.0,
        -0.5,
        0.0,
        0.3,
        1.0,
        12.0,
        24.0,
        450.0,
        5_000.0,
    ] {
        with(&|s| s.mix = value);
        with(&|s| s.input_db = value);
        with(&|s| s.gate_db = value);
        with(&|s| s.output_db = value);
        with(&|s| s.low_cut_hz = value);
        with(&|s| s.high_cut_hz = value);
        with(&|s| s.controls.pitch_semitones = value);
        with(&|s| s.controls.formant_semitones = value);
        with(&|s| {
            s.controls.correction = Correction {
                enabled: true,
                tuning_hz: value,
                ..Correction::default()
            }
        });
        with(&|s| {
            s.controls.correction = Correction {
                enabled: true,
                retune_ms: value,
                ..Correction::default()
            }
        });
        with(&|s| {
            s.controls.correction = Correction {
                enabled: true,
                amount: value,
                humanize: value,
                ..Correction::default()
            }
        });
    }
    for scale in Scale::ALL {
        let scale = scale.mask(Key::from_pitch_class(1), ScaleMask::from_bits(0b101));
        with(&|s| {
            s.controls.correction = Correction {
                enabled: true,
                scale,
                ..Correction::default()
            }
        });
    }
    for midi in [MidiMode::Off, MidiMode::Last, MidiMode::Nearest] {
        let mut notes = HeldNotes::default();
        notes.press(60);
        notes.press(67);
        with(&|s| {
            s.controls = Controls {
                notes,
                correction: Correction {
                    enabled: true,
                    midi,
                    ..Correction::default()
                },
                ..Controls::default()
            };
        });
    }
    for dropout in DropoutMode::ALL {
        for slot in [0, 1, 4, 99] {
            with(&|s| (s.dropout, s.slot) = (dropout, slot));
        }
    }
    all
}

/// A voice-like buzz of 150 Hz with noise, so that every branch of an engine is taken.
fn fill(audio: &mut [Vec<f32>], at: u64, rate_hz: u32) {
    for (channel, samples) in audio.iter_mut().enumerate() {
        for (i, x) in samples.iter_mut().enumerate() {
            let frame = at + i as u64;
            let phase = (frame as f32 * 150.0 / rate_hz as f32).fract();
            let voiced = (frame / u64::from(rate_hz / 5)).is_multiple_of(2);
            let buzz = if voiced { 0.5 - phase } else { 0.0 };
            *x = buzz * (0.8 - 0.2 * channel as f32) + 0.02 * noise(frame);
        }
    }
}

fn run(processor: &mut Processor, audio: &mut [Vec<f32>], settings: &Settings) {
    match audio {
        [mono] => processor.process(&mut [mono], settings),
        [left, right] => processor.process(&mut [left, right], settings),
        _ => unreachable!("one or two channels"),
    }
}

#[test]
fn process_never_allocates_over_every_setting_layout_rate_and_range() {
    for channels in [1, 2] {
        for rate_hz in [8_000, 44_100, 48_000, 96_000, 192_000] {
            for range in VoiceRange::ALL {
                let engine = ShiftEngine::new(rate_hz, channels, range).expect("supported");
                let config = HostConfig {
                    max_block: 256,
                    ..host(rate_hz, channels, 256)
                };
                let mut processor = Processor::new(config, Box::new(engine), meters().0);
                let mut audio = vec![vec![0.0; 256]; channels];
                let mut at = 0;
                for settings in all_settings() {
                    for _ in 0..4 {
                        fill(&mut audio, at, rate_hz);
                        at += 256;
                        let count = violations(|| run(&mut processor, &mut audio, &settings));
                        assert_eq!(
                            count, 0,
                            "{rate_hz} Hz, {channels} channels, {range:?}, {settings:?}"
                        );
                    }
                }
                assert_eq!(violations(|| processor.reset()), 0);
            }
        }
    }
}

#[test]
fn process_never_allocates_while_voices_come_fail_stall_and_go() {
    for channels in [1, 2] {
        let spec = worker_spec(44_100, channels, 441, 100);
        let mut rig = Rig::new(host(48_000, channels, 128), spec, Behaviour::Gain(1.0), 1.0);
        rig.voices
            .install(2, TestEngine::boxed(spec, Behaviour::PanicAt(200)))
            .expect("room");
        rig.drain();
        let settings = all_settings();
        let mut audio = vec![vec![0.0; 128]; channels];
        for block in 0..6000u64 {
            fill(&mut audio, block * 128, 48_000);
            let slot = (block / 300 % 4) as usize;
            let settings = Settings {
                slot,
                ..settings[(block / 7) as usize % settings.len()]
            };
            let count = violations(|| run(&mut rig.processor, &mut audio, &settings));
            assert_eq!(count, 0, "block {block}");
            match block % 1000 {
                600..700 => {}
                _ => rig.drain(),
            }
            if block % 900 == 0 {
                rig.voices
                    .install(1, TestEngine::boxed(spec, Behaviour::Gain(0.5)))
                    .expect("room");
            }
            rig.voices.collect();
        }
        assert!(rig.processor.dropouts().count > 0, "stalls happened");
        assert!(rig.voices.message().is_some(), "a voice failed");
        assert_eq!(violations(|| rig.processor.reset()), 0);
    }
}

#[test]
fn the_worker_itself_stops_allocating_once_it_is_warm() {
    // Not demanded of it, but what does not allocate cannot grow: stalls and recoveries included.
    let spec = worker_spec(44_100, 1, 441, 100);
    let mut rig = Rig::new(host(48_000, 1, 128), spec, Behaviour::Gain(1.0), 1.0);
    let mut audio = vec![vec![0.0; 128]];
    let mut late_violations = 0;
    for block in 0..8000u64 {
        fill(&mut audio, block * 128, 48_000);
        run(&mut rig.processor, &mut audio, &voice());
        if block % 500 < 450 {
            let count = violations(|| rig.drain());
            late_violations += if 1000 < block { count } else { 0 };
        }
    }
    assert!(
        rig.processor.dropouts().count >= 15,
        "{:?}",
        rig.processor.dropouts()
    );
    assert_eq!(late_violations, 0);
}

/// Says every 10 ms that there is a voice.
struct Slow(usize);

impl PitchTracker for Slow {
    fn name(&self) -> &'static str {
        "slow"
    }

    fn lookahead(&self) -> usize {
        1_056
    }

    fn threshold(&self) -> f32 {
        0.5
    }

    fn reset(&mut self) {
        self.0 = 0;
    }

    fn push(&mut self, _: f32) -> Option<PitchFrame> {
        self.0 += 1;
        let at = self.0 as f64 - 1_057.0;
        (0.0 <= at && self.0.is_multiple_of(480)).then_some(PitchFrame {
            at,
            f0_hz: 130.0,
            f0_at: at,
            confidence: 1.0,
            voiced: true,
        })
    }
}

#[test]
fn the_engine_of_the_plugin_never_allocates_by_itself() {
    let (rate_hz, range) = (48_000, VoiceRange::Low);
    let slow = Box::new(Slow(0));
    let controls = Controls {
        pitch_semitones: 4.0,
        formant_semitones: -2.0,
        ..Controls::default()
    };
    for engine in [
        ShiftEngine::new(rate_hz, 2, range),
        ShiftEngine::with_tracker(rate_hz, 2, range, slow),
        ShiftEngine::choose(rate_hz, 2, range, TrackerChoice::Neural),
    ] {
        let mut engine = engine.expect("supported");
        let mut audio = vec![vec![0.0; 9_600]; 2];
        fill(&mut audio, 0, rate_hz);
        let mut output = audio.clone();
        let (left, right) = output.split_at_mut(1);
        let count = violations(|| {
            let mut output = [&mut left[0][..], &mut right[0][..]];
            let result = engine.step(&[&audio[0], &audio[1]], &mut output, &controls);
            assert!(result.is_ok());
            assert_ne!(engine.observe().sung_hz, 0.0);
            engine.reset();
        });
        assert_eq!(count, 0);
    }
}
