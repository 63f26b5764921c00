//! Voices come, go and change places without a click, a gap or a change of delay.

mod support;

use autovoice::bridge::{InstallError, Settings};
use autovoice::engine::EngineSpec;
use support::{Behaviour, Rig, TestEngine, host, voice, worker_spec};

const BLOCK: usize = 100;

fn rig(spec: EngineSpec) -> Rig {
    Rig::new(host(48_000, 1, BLOCK), spec, Behaviour::Gain(1.0), 0.5)
}

/// Plays a constant 1.0, so that the output is the gain that is heard.
fn play(rig: &mut Rig, blocks: usize, settings: &Settings) -> Vec<f32> {
    let mut output = Vec::new();
    for _ in 0..blocks {
        let mut audio = [1.0; BLOCK];
        rig.process(&mut [&mut audio], settings, BLOCK);
        output.extend_from_slice(&audio);
    }
    output
}

/// Monotonic from `from` to `to`, no step above 1 % of the way, and long since there at the end.
fn assert_smooth(output: &[f32], from: f32, to: f32, what: &str) {
    let step = 0.01 * (to - from).abs();
    for pair in output.windows(2) {
        let rise = (pair[1] - pair[0]) * (to - from).signum();
        assert!(
            (-1e-5..step).contains(&rise),
            "{what}: {} after {}",
            pair[1],
            pair[0]
        );
    }
    assert!(
        (output[0] - from).abs() <= step,
        "{what}: starts at {}",
        output[0]
    );
    assert_eq!(output.last(), Some(&to), "{what}");
}

#[test]
fn every_way_from_one_voice_to_another_is_a_fade() {
    let mut rig = rig(worker_spec(48_000, 1, 480, 64));
    let other = worker_spec(48_000, 1, 128, 300);
    rig.voices
        .install(2, TestEngine::boxed(other, Behaviour::Gain(-1.0)))
        .expect("it needs less");
    rig.drain();
    let slot = |slot| Settings { slot, ..voice() };
    play(&mut rig, 100, &slot(0));

    let steps: [(&str, usize, f32, f32); 6] = [
        ("engine on the audio thread to voice 1", 1, 0.5, 1.0),
        ("voice 1 to voice 2, another hop", 2, 1.0, -1.0),
        ("voice 2 to voice 1", 1, -1.0, 1.0),
        ("voice 1 to an empty slot", 3, 1.0, 0.5),
        ("an empty slot to voice 2", 2, 0.5, -1.0),
        ("voice 2 to the engine on the audio thread", 0, -1.0, 0.5),
    ];
    for (what, to, from_gain, to_gain) in steps {
        assert_smooth(&play(&mut rig, 60, &slot(to)), from_gain, to_gain, what);
    }

    play(&mut rig, 60, &slot(1));
    rig.voices
        .install(1, TestEngine::boxed(other, Behaviour::Gain(0.25)))
        .expect("room");
    assert_smooth(
        &play(&mut rig, 60, &slot(1)),
        1.0,
        0.25,
        "a new voice in the slot that is heard",
    );
    assert_eq!(rig.voices.collect(), 1, "the old one came back");

    rig.voices.remove(1).expect("room");
    rig.drain();
    let output = play(&mut rig, 60, &slot(1));
    assert_eq!(
        output.last(),
        Some(&0.5),
        "the engine on the audio thread after removal"
    );
    let steepest = output
        .windows(2)
        .map(|p| (p[1] - p[0]).abs())
        .fold(0.0, f32::max);
    assert!(steepest < 0.01, "removal clicks: {steepest}");
    assert_eq!(rig.processor.dropouts().count, 0);
}

#[test]
fn switching_faster_than_the_fade_ends_on_the_last_choice() {
    let spec = worker_spec(48_000, 1, 480, 64);
    let mut rig = rig(spec);
    for (slot, gain) in [(2, 2.0), (3, 3.0), (4, 4.0)] {
        rig.voices
            .install(slot, TestEngine::boxed(spec, Behaviour::Gain(gain)))
            .expect("room");
    }
    rig.drain();
    let mut output = Vec::new();
    for i in 0..200 {
        output.extend(play(
            &mut rig,
            1,
            &Settings {
                slot: 1 + i % 4,
                ..voice()
            },
        ));
    }
    output.extend(play(&mut rig, 100, &Settings { slot: 3, ..voice() }));
    assert_eq!(output.last(), Some(&3.0));
    let skip = rig.delay();
    let steepest = output[skip..]
        .windows(2)
        .map(|p| (p[1] - p[0]).abs())
        .fold(0.0, f32::max);
    assert!(steepest < 0.03, "{steepest}");
    assert_eq!(rig.processor.dropouts().count, 0);
}

#[test]
fn a_voice_that_does_not_fit_is_refused_with_the_reason() {
    let spec = worker_spec(48_000, 1, 480, 64);
    let mut rig = rig(spec);
    let slow = worker_spec(48_000, 1, 4800, 64);
    let fits = || TestEngine::boxed(spec, Behaviour::Gain(1.0));
    assert!(matches!(
        rig.voices.install(1, TestEngine::boxed(slow, Behaviour::Gain(1.0))),
        Err(InstallError::Latency { needed, available }) if available < needed
    ));
    for slot in [0, 5] {
        assert_eq!(
            rig.voices.install(slot, fits()),
            Err(InstallError::Slot(slot))
        );
        assert_eq!(rig.voices.remove(slot), Err(InstallError::Slot(slot)));
    }
    for behaviour in [
        Behaviour::PanicAt(0),
        Behaviour::PanicAtReset(0),
        Behaviour::PanicInSpec,
    ] {
        let broken = TestEngine::boxed(spec, behaviour);
        let refused = rig.voices.install(2, broken);
        assert!(
            matches!(&refused, Err(InstallError::WarmUp(why)) if why.contains("panicked")),
            "{behaviour:?}: {refused:?}"
        );
    }
    rig.kill_worker();
    let results: Vec<_> = (0..20).map(|_| rig.voices.install(2, fits())).collect();
    assert!(
        results.contains(&Err(InstallError::Busy)),
        "a queue without a taker is bounded"
    );
}

#[test]
fn what_is_not_a_number_never_gets_out() {
    let spec = worker_spec(48_000, 1, 480, 64);
    let mut rig = Rig::new(host(48_000, 1, BLOCK), spec, Behaviour::Nan, f32::NAN);
    for block in 0..100 {
        let x = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1e30, 1e-42][block % 5];
        let mut audio = [x; BLOCK];
        let settings = Settings {
            limiter: block % 2 == 0,
            ..voice()
        };
        rig.process(&mut [&mut audio], &settings, BLOCK);
        assert!(
            audio.iter().all(|y| y.is_finite() && y.abs() <= 64.0),
            "block {block}: {audio:?}"
        );
    }
}

#[test]
fn denormals_are_flushed() {
    let mut rig = rig(worker_spec(48_000, 1, 480, 0));
    let settings = Settings {
        output_db: -20.0,
        ..Settings::default()
    };
    for _ in 0..100 {
        let mut audio = [f32::MIN_POSITIVE; BLOCK];
        rig.process(&mut [&mut audio], &settings, BLOCK);
        assert!(
            audio.iter().all(|y| *y == 0.0 || y.is_normal()),
            "{audio:?}"
        );
    }
}

#[test]
fn offline_rendering_waits_for_the_worker_and_gives_the_same_samples() {
    use autovoice::bridge::{HostConfig, Processor, meters};
    let spec = worker_spec(44_100, 1, 441, 100);
    let config = host(48_000, 1, BLOCK);
    let input: Vec<f32> = (0..48_000).map(support::noise).collect();

    let mut live = Rig::new(config, spec, Behaviour::Gain(0.7), 0.5);
    let mut expected = input.clone();
    for block in expected.chunks_mut(BLOCK) {
        live.process(&mut [block], &voice(), BLOCK);
    }

    let offline = HostConfig {
        offline: true,
        ..config
    };
    let direct = support::direct(&offline, 0, Behaviour::Gain(0.5));
    let (mut processor, mut worker, mut voices) =
        Processor::with_worker(offline, direct, &[spec], meters().0);
    voices
        .install(1, TestEngine::boxed(spec, Behaviour::Gain(0.7)))
        .expect("it fits");
    worker.run_hop();
    processor.run_inline(worker);
    let mut got = input;
    for block in got.chunks_mut(BLOCK) {
        processor.process(&mut [block], &voice());
    }
    assert!(got == expected);
    assert_eq!(processor.dropouts().count, 0);
}

#[test]
fn a_worker_on_a_real_thread_is_heard_and_ends_with_the_processor() {
    use autovoice::bridge::{Processor, meters};
    // How soon a real thread runs is not ours to say; that it is heard at last, is. This one test
    // keeps the pace of a live host, roughly: unpaced, the clock would outrun any thread.
    const PACE: std::time::Duration = std::time::Duration::from_millis(1);
    let spec = worker_spec(48_000, 1, 480, 0);
    let config = host(48_000, 1, BLOCK);
    let direct = support::direct(&config, 0, Behaviour::Gain(0.0));
    let (meters_in, mut meters_out) = meters();
    let (mut processor, worker, mut voices) =
        Processor::with_worker(config, direct, &[spec], meters_in);
    voices
        .install(1, TestEngine::boxed(spec, Behaviour::Gain(1.0)))
        .expect("it fits");
    processor.run_on_thread(worker).expect("a thread");
    let heard = (0..20_000).any(|_| {
        let mut audio = [1.0; BLOCK];
        processor.process(&mut [&mut audio], &voice());
        std::thread::sleep(PACE);
        audio[BLOCK - 1] == 1.0
    });
    assert!(heard);
    assert!(meters_out.read().realtime_priority.is_some());
    drop(processor);
    assert!(
        voices
            .install(2, TestEngine::boxed(spec, Behaviour::Gain(1.0)))
            .is_ok()
    );
}
