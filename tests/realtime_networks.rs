//! Layers, retrieval, trackers with networks and our own voices neither allocate nor free once they
//! are built, at any rate and over a reset. tests/realtime.rs shows that the counter counts.

mod ddsp_nets;
mod indices;
mod nets;

use assert_no_alloc::{AllocDisabler, assert_no_alloc, reset_violation_count, violation_count};
use autovoice::engine::{Controls, Engine, EngineError, Morph};
use autovoice::model::crepe::Capacity;
use autovoice::model::retrieval::{Retrieval, Search};
use autovoice::model::rmvpe::RmvpeConfig;
use autovoice::nn::{Conv1d, Conv1dConfig, Gru, Linear, Lstm};
use autovoice::pitch::PitchTracker;
use autovoice::pitch::track::crepe::{CrepeConfig, CrepeTracker, Decoder};
use autovoice::pitch::track::neural::Neural;
use autovoice::pitch::track::rmvpe::{RmvpeTracker, Windows};
use autovoice_kernels::cpu::Conv1dShape;
use ddsp_nets::AtCorner;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

/// Violations while `f` runs. The counter belongs to the thread.
fn violations(f: impl FnOnce()) -> u32 {
    reset_violation_count();
    assert_no_alloc(f);
    violation_count()
}

/// Pushes a second and a half of noise, twice, a reset in between. Among it is what no tracker
/// should meet: it may not come out again.
fn check(name: &str, rate_hz: u32, tracker: &mut dyn PitchTracker) {
    let mut signal = nets::noise(rate_hz as usize * 3 / 2, 1);
    let bad = [f32::NAN, f32::INFINITY, f32::MIN, f32::MAX];
    for (n, x) in signal.iter_mut().step_by(3_001).enumerate() {
        *x = bad[n % bad.len()];
    }
    let mut frames = 0;
    let count = violations(|| {
        for _ in 0..2 {
            for frame in signal.iter().filter_map(|x| tracker.push(*x)) {
                assert!(
                    0.0 < frame.f0_hz && frame.f0_hz.is_finite(),
                    "{name}: {frame:?}"
                );
                assert!((0.0..=1.0).contains(&frame.confidence), "{name}: {frame:?}");
                frames += 1;
            }
            tracker.reset();
        }
    });
    assert_eq!(count, 0, "{name} at {rate_hz} Hz");
    assert!(frames > 0, "{name} at {rate_hz} Hz says something");
}

#[test]
fn crepe_never_allocates() {
    let crepe = nets::crepe(Capacity::Tiny);
    for rate_hz in [8_000, 16_000, 44_100, 192_000] {
        for decoder in [
            Decoder::Argmax,
            Decoder::Weighted,
            Decoder::Viterbi { lag: 4 },
        ] {
            let config = CrepeConfig {
                decoder,
                ..CrepeConfig::default()
            };
            let mut tracker = CrepeTracker::new(rate_hz, crepe.clone(), config);
            check("crepe-tiny", rate_hz, &mut tracker);
        }
    }
}

#[test]
fn neural_never_allocates() {
    for rate_hz in [8_000, 16_000, 44_100, 192_000] {
        check("neural", rate_hz, &mut Neural::new(rate_hz));
    }
}

#[test]
fn rmvpe_never_allocates() {
    let config = RmvpeConfig {
        blocks: 1,
        bottom: 1,
        channels: 2,
    };
    let rmvpe = nets::rmvpe(config, 96);
    for rate_hz in [16_000, 48_000] {
        for (length, ahead) in [(96, 40), (64, 0)] {
            let windows = Windows { length, ahead };
            let mut tracker = RmvpeTracker::new(rate_hz, rmvpe.clone(), windows);
            check("rmvpe", rate_hz, &mut tracker);
        }
    }
}

#[test]
fn layers_never_allocate() {
    let mut tensors = nets::Tensors::default();
    for (name, shape) in [
        ("conv.weight", vec![10, 3, 5]),
        ("conv.bias", vec![10]),
        ("gru.weight_ih_l0", vec![21, 10]),
        ("gru.weight_hh_l0", vec![21, 7]),
        ("gru.bias_ih_l0", vec![21]),
        ("gru.bias_hh_l0", vec![21]),
        ("lstm.weight_ih_l0", vec![36, 7]),
        ("lstm.weight_hh_l0", vec![36, 9]),
        ("lstm.bias_ih_l0", vec![36]),
        ("lstm.bias_hh_l0", vec![36]),
        ("linear.weight", vec![4, 9]),
    ] {
        tensors.add(name.to_owned(), &shape, 0.5, 0.0);
    }
    let weights = tensors.weights();
    let part = |name: &str| weights.root().part(name);
    let shape = Conv1dShape {
        stride: 2,
        ..Conv1dShape::new(3, 10, 5)
    };
    let mut conv = Conv1d::new(Conv1dConfig::causal(shape), &part("conv")).expect("it fits");
    let mut gru = Gru::new(10, 7, 0, &part("gru")).expect("it fits");
    let mut lstm = Lstm::new(7, 9, 0, &part("lstm")).expect("it fits");
    let linear = Linear::new(9, 4, &part("linear")).expect("it fits");
    let (mut a, mut b, mut c) = (vec![0.0; 2_000], vec![0.0; 2_000], vec![0.0; 2_000]);
    let input = nets::noise(3 * 300, 2);
    let count = violations(|| {
        for chunk in input.chunks(3 * 7).chain([&input[..]]) {
            let frames = conv.step(chunk, &mut a);
            gru.step(&a[..frames * 10], &mut b);
            lstm.step(&b[..frames * 7], &mut c);
            linear.forward(&c, frames, &mut a);
        }
        conv.reset();
        gru.reset();
        lstm.reset();
    });
    assert_eq!(count, 0);
}

#[test]
fn retrieval_never_allocates() {
    let mut features = nets::noise(40 * 256, 4);
    features[3 * 256] = f32::NAN;
    features[9 * 256] = f32::MAX;
    let index = indices::Arrays::one_list(256, nets::noise(300 * 256, 5));
    let mut retrieval =
        Retrieval::new(std::sync::Arc::new(index), Search::default()).expect("it fits");
    let count = violations(|| {
        for search in [Search::NearestList, Search::All] {
            retrieval.set_search(search);
            for frames in [1, 5, 32] {
                retrieval.search(&features[..frames * 256]);
            }
            retrieval.blend(&mut features, 0.5);
        }
    });
    assert_eq!(count, 0);
}

#[test]
fn our_own_voices_never_allocate() {
    for ahead in 0..=2 {
        let mut engine = ddsp_nets::engine(&ddsp_nets::small(ahead), 1);
        let input = ddsp_nets::sung(1.2, |t| if t < 0.5 { 150.0 } else { 0.0 });
        let mut output = vec![0.0; input.len()];
        let mut result = Ok(());
        let count = violations(|| {
            for semitones in [0.0, 5.0] {
                let controls = Controls {
                    pitch_semitones: -semitones,
                    formant_semitones: semitones,
                    ..Controls::default()
                };
                for (x, y) in input.chunks(960).zip(output.chunks_mut(960)) {
                    let made: Result<(), EngineError> = engine.step(&[x], &mut [y], &controls);
                    result = result.clone().and(made);
                }
                result = result.clone().and(engine.set_speaker(&[0.5; 8]));
                engine.reset();
            }
        });
        assert_eq!((count, result), (0, Ok(())), "{ahead} frames ahead");
        assert!(output.iter().any(|y| *y != 0.0));
    }
}

#[test]
fn moving_between_our_own_voices_never_allocates() {
    let corner = |seed, bandwidth_hz| AtCorner::seeded(seed, &[1, 2, 4], bandwidth_hz);
    let corners = [
        Some(corner(1, 20_000.0)),
        Some(corner(2, 7_000.0)),
        Some(corner(3, 23_000.0)),
        Some(corner(4, 16_000.0)),
    ];
    let mut engine = ddsp_nets::among(0, &corners);
    let input = ddsp_nets::sung(1.2, |t| if t < 0.8 { 150.0 } else { 0.0 });
    let mut output = vec![0.0; input.len()];
    let mut result = Ok(());
    let count = violations(|| {
        for _ in 0..2 {
            let hops = input.chunks(480).zip(output.chunks_mut(480));
            for (n, (x, y)) in hops.enumerate() {
                let mut controls = Controls::default();
                controls.voice.morph = Morph {
                    // On, off for long, and on again: sleeping voices wake.
                    on: !(30..70).contains(&n),
                    x: (n % 7) as f32 / 6.0,
                    y: (n % 11) as f32 / 10.0,
                };
                let made: Result<(), EngineError> = engine.step(&[x], &mut [y], &controls);
                result = result.clone().and(made);
            }
            engine.reset();
        }
    });
    assert_eq!((count, result), (0, Ok(())));
    assert!(output.iter().any(|y| *y != 0.0));
}
