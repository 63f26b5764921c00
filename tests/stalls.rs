//! What is late stays aligned: stalls of any length, a dead worker, engines that panic or fail.
//! The worker is virtual: a stall is a number of blocks in which it does not run.

mod support;

use autovoice::bridge::{DropoutMode, Dropouts, Settings};
use support::{Behaviour, Rig, TestEngine, host, noise, voice, worker_spec};

const BLOCK: usize = 96;
const HOP: usize = 480;

fn silent_gaps() -> Settings {
    Settings {
        dropout: DropoutMode::Silence,
        ..voice()
    }
}

/// Plays `blocks` blocks of noise from frame `*at` on, and hands every output block with its
/// first frame to `check`.
fn play(
    rig: &mut Rig,
    at: &mut u64,
    blocks: usize,
    settings: &Settings,
    mut check: impl FnMut(u64, &[f32]),
) {
    let mut audio = [0.0; BLOCK];
    for _ in 0..blocks {
        for (i, x) in audio.iter_mut().enumerate() {
            *x = noise(*at + i as u64);
        }
        rig.process(&mut [&mut audio], settings, BLOCK);
        check(*at, &audio);
        *at += BLOCK as u64;
    }
}

fn input_at(frame: u64, delay: usize) -> f32 {
    frame.checked_sub(delay as u64).map_or(0.0, noise)
}

fn rig(gain: f32) -> Rig {
    let spec = worker_spec(48_000, 1, HOP, 100);
    Rig::new(host(48_000, 1, BLOCK), spec, Behaviour::Gain(gain), 0.5)
}

/// Plays until the voice is heard, stalls for some blocks, plays on.
struct Stall {
    /// Counters at the end of the stall.
    stalled: Dropouts,
    /// Counters at the end.
    after: Dropouts,
    /// Frames from the worker's return until the voice is heard without a gap.
    back_after: u64,
    rig: Rig,
}

/// Voice gain -1 over silence: sound is the voice's or none. Checks alignment of every frame.
fn stall(blocks: usize) -> Stall {
    let mut rig = rig(-1.0);
    let delay = rig.delay();
    let settings = silent_gaps();
    let mut at = 0;
    play(&mut rig, &mut at, 100, &settings, |_, _| {});
    assert_eq!(rig.processor.dropouts(), Dropouts::default());

    rig.stalled = true;
    play(&mut rig, &mut at, blocks, &settings, |_, _| {});
    let stalled = rig.processor.dropouts();
    rig.stalled = false;
    rig.drain();

    let back = at;
    let mut last_gap = at;
    play(&mut rig, &mut at, 60, &settings, |start, audio| {
        for (i, y) in audio.iter().enumerate() {
            let frame = start + i as u64;
            let want = -input_at(frame, delay);
            // Fading in, a frame is a share of the right one: never another frame.
            let share = y / want;
            assert!(
                (-1e-4..1.0001).contains(&share),
                "frame {frame}: {y} of {want}"
            );
            if share < 0.9999 && want.abs() > 0.01 {
                last_gap = frame;
            }
        }
    });
    Stall {
        stalled,
        after: rig.processor.dropouts(),
        back_after: last_gap + 1 - back,
        rig,
    }
}

#[test]
fn a_stall_of_any_length_ends_aligned_within_two_hops() {
    // Length of the stall in blocks of 2 ms: one hop, two hops, 100 ms, 10 s.
    println!(
        "stall ms | missed | late | unsent | dropouts | back after ms (fade of 10 ms included)"
    );
    for blocks in [HOP / BLOCK, 2 * HOP / BLOCK, 50, 5000] {
        let Stall {
            stalled,
            after,
            back_after,
            rig,
        } = stall(blocks);
        let ms = blocks * 2;
        println!(
            "{ms:8} | {:6} | {:4} | {:6} | {:8} | {:.1}",
            after.missed_frames,
            after.late_frames,
            after.unsent_frames,
            after.count,
            back_after as f64 / 48.0
        );
        let fade = 480;
        let two_hops = 2 * rig.hop() as u64;
        assert!(
            back_after <= two_hops + fade,
            "{ms} ms: back after {back_after} frames"
        );
        // What was there when the stall began is heard; all else is missed, and then only as long
        // as the voice is not back.
        let buffered = (rig.delay() - 100) as u64;
        let length = (blocks * BLOCK) as u64;
        assert!(stalled.missed_frames <= length, "{ms} ms: {stalled:?}");
        assert!(
            length.saturating_sub(buffered) <= stalled.missed_frames,
            "{ms} ms: {stalled:?}"
        );
        assert!(
            after.missed_frames - stalled.missed_frames <= two_hops,
            "{ms} ms: {after:?}"
        );
        assert!(
            after.late_frames <= after.missed_frames,
            "{ms} ms: {after:?}"
        );
        assert_eq!(after.count, u64::from(after.missed_frames > 0), "{ms} ms");
    }
}

#[test]
fn the_counters_are_exact() {
    // A worker without cost is `hop - 1` frames and a block behind at most; here blocks and hops
    // meet every 480 frames, so what is buffered is known to the frame.
    let mut rig = rig(1.0);
    let delay = rig.delay();
    let settings = silent_gaps();
    let mut at = 0;
    play(&mut rig, &mut at, 100, &settings, |_, _| {});
    let heard_until = (at / HOP as u64) * HOP as u64 + (delay - 100) as u64;
    rig.stalled = true;
    let mut zeros = 0;
    play(&mut rig, &mut at, 50, &settings, |start, audio| {
        for (i, y) in audio.iter().enumerate() {
            // The step at the break fades for 144 frames; after that a gap is exactly 0.
            zeros += u64::from(*y == 0.0 && heard_until <= start + i as u64);
        }
    });
    let missed = rig.processor.dropouts().missed_frames;
    assert_eq!(missed, at - heard_until);
    assert!(
        missed - 144 <= zeros && zeros <= missed,
        "{zeros} of {missed}"
    );
    assert_eq!(rig.processor.dropouts().late_frames, 0);
    assert_eq!(rig.processor.dropouts().count, 1);
}

#[test]
fn debt_is_paid_exactly_when_the_worker_was_late_by_little() {
    // Late by less than the age limit, nothing is skipped: every missed frame arrives and is
    // discarded, not one more.
    let mut rig = rig(1.0);
    let mut at = 0;
    play(&mut rig, &mut at, 100, &silent_gaps(), |_, _| {});
    rig.stalled = true;
    let mut blocks = 0;
    while rig.processor.dropouts().missed_frames == 0 {
        play(&mut rig, &mut at, 1, &silent_gaps(), |_, _| {});
        blocks += 1;
    }
    play(&mut rig, &mut at, 1, &silent_gaps(), |_, _| {});
    rig.stalled = false;
    rig.drain();
    play(&mut rig, &mut at, 100, &silent_gaps(), |_, _| {});
    let Dropouts {
        count,
        missed_frames,
        late_frames,
        unsent_frames,
    } = rig.processor.dropouts();
    assert!(missed_frames > 0, "after {blocks} blocks");
    assert_eq!((count, late_frames, unsent_frames), (1, missed_frames, 0));
}

#[test]
fn the_dry_stand_in_is_the_same_signal_in_the_same_place() {
    // The voice is the identity, so whatever stalls, the output is the delayed input: any
    // misalignment of voice, stand-in or fade would show.
    let mut rig = rig(1.0);
    let delay = rig.delay();
    let settings = Settings {
        dropout: DropoutMode::Dry,
        ..voice()
    };
    let mut at = 0;
    // The engine on the audio thread (gain 0.5) stands in until the voice is first heard.
    play(&mut rig, &mut at, 100, &settings, |_, _| {});
    for (blocks, stalled) in [
        (5, true),
        (40, false),
        (77, true),
        (40, false),
        (30, true),
        (40, false),
    ] {
        rig.stalled = stalled;
        play(&mut rig, &mut at, blocks, &settings, |start, audio| {
            for (i, y) in audio.iter().enumerate() {
                let want = input_at(start + i as u64, delay);
                assert!(
                    (y - want).abs() < 1e-5,
                    "frame {}: {y} for {want}",
                    start + i as u64
                );
            }
        });
    }
    assert_eq!(
        rig.processor.dropouts().count,
        2,
        "{:?}",
        rig.processor.dropouts()
    );
}

#[test]
fn an_engine_that_is_always_too_slow_is_heard_in_pieces_each_in_its_place() {
    let mut rig = rig(1.0);
    let delay = rig.delay();
    let settings = Settings {
        dropout: DropoutMode::Dry,
        ..voice()
    };
    let mut at = 0;
    play(&mut rig, &mut at, 100, &settings, |_, _| {});
    rig.cost = 1.4 * HOP as f64;
    let mut check = |start: u64, audio: &[f32]| {
        for (i, y) in audio.iter().enumerate() {
            let want = input_at(start + i as u64, delay);
            assert!(
                (y - want).abs() < 1e-5,
                "frame {}: {y} for {want}",
                start + i as u64
            );
        }
    };
    play(&mut rig, &mut at, 3000, &settings, &mut check);
    let Dropouts {
        count,
        missed_frames,
        late_frames,
        ..
    } = rig.processor.dropouts();
    assert!(
        count > 1 && late_frames > 0,
        "late at times, not for good: {count}, {late_frames}"
    );
    assert!(missed_frames < at * 3 / 4, "{missed_frames} of {at}");

    rig.cost = 0.0;
    rig.drain();
    play(&mut rig, &mut at, 2 * HOP / BLOCK, &settings, &mut check);
    let missed_before = rig.processor.dropouts().missed_frames;
    play(&mut rig, &mut at, 500, &settings, &mut check);
    assert_eq!(
        rig.processor.dropouts().missed_frames,
        missed_before,
        "back for good"
    );
}

#[test]
fn a_dead_worker_leaves_the_stand_in() {
    for (mode, gain) in [
        (DropoutMode::Dry, 1.0),
        (DropoutMode::Silence, 0.0),
        (DropoutMode::Shift, 0.5),
    ] {
        let mut rig = rig(-1.0);
        let delay = rig.delay();
        let settings = Settings {
            dropout: mode,
            ..voice()
        };
        let mut at = 0;
        play(&mut rig, &mut at, 100, &settings, |_, _| {});
        rig.kill_worker();
        play(&mut rig, &mut at, 100, &settings, |_, _| {});
        play(&mut rig, &mut at, 500, &settings, |start, audio| {
            for (i, y) in audio.iter().enumerate() {
                let want = gain * input_at(start + i as u64, delay);
                assert!(
                    (y - want).abs() < 1e-6,
                    "{mode:?} frame {}",
                    start + i as u64
                );
            }
        });
        assert_eq!(rig.processor.dropouts().count, 1, "{mode:?}");
    }
}

#[test]
fn a_worker_that_never_starts_leaves_the_engine_on_the_audio_thread() {
    let mut rig = rig(1.0);
    let delay = rig.delay();
    rig.kill_worker();
    let mut at = 0;
    play(&mut rig, &mut at, 300, &voice(), |start, audio| {
        for (i, y) in audio.iter().enumerate() {
            assert_eq!(*y, 0.5 * input_at(start + i as u64, delay));
        }
    });
}

#[test]
fn an_engine_that_panics_or_fails_says_so_and_is_replaced() {
    let cases = [
        (Behaviour::PanicAt(30), "panicked"),
        (Behaviour::FailAt(30), "the test engine fails"),
    ];
    for (behaviour, word) in cases {
        let spec = worker_spec(48_000, 1, HOP, 100);
        let mut rig = Rig::new(host(48_000, 1, BLOCK), spec, behaviour, 0.5);
        let mut at = 0;
        play(&mut rig, &mut at, 100, &voice(), |_, _| {});
        assert_eq!(rig.voices.message(), None);
        play(&mut rig, &mut at, 200, &voice(), |_, _| {});
        let message = rig.voices.message().expect("a message");
        assert!(message.contains(word), "{message}");
        assert_replaced(&mut rig, &mut at, 1, word);
    }
}

/// A voice in slot 1 has failed: so many are freed, the engine of gain 0.5 on the audio thread is
/// heard in its place, and another voice can take the slot.
fn assert_replaced(rig: &mut Rig, at: &mut u64, freed: usize, case: &str) {
    let delay = rig.delay();
    play(rig, at, 100, &voice(), |start, audio| {
        for (i, y) in audio.iter().enumerate() {
            let frame = start + i as u64;
            let want = 0.5 * input_at(frame, delay);
            assert!((y - want).abs() < 1e-6, "{case}, frame {frame}");
        }
    });
    assert_eq!(rig.voices.collect(), freed, "{case}");
    put(rig, 1, Behaviour::Gain(-1.0));
    rig.drain();
    assert_eq!(rig.voices.failure(1), None, "{case}");
    play(rig, at, 100, &voice(), |_, _| {});
    play(rig, at, 100, &voice(), |start, audio| {
        for (i, y) in audio.iter().enumerate() {
            assert_eq!(*y, -input_at(start + i as u64, delay), "{case}");
        }
    });
}

fn put(rig: &mut Rig, slot: usize, behaviour: Behaviour) {
    let engine = TestEngine::boxed(worker_spec(48_000, 1, HOP, 100), behaviour);
    rig.voices.install(slot, engine).expect("there is room");
}

#[test]
fn an_engine_that_panics_as_it_starts_anew_says_so_and_is_replaced() {
    /// What makes the worker start a voice anew.
    type Disturb = fn(&mut Rig, &mut u64);
    // The first reset follows the warm-up, the second one comes where the voice is first heard.
    let table: [(&str, Behaviour, Disturb, usize); 5] = [
        ("chosen", Behaviour::PanicAtReset(1), |_, _| {}, 1),
        (
            "chosen again",
            Behaviour::PanicAtReset(2),
            |rig, at| {
                let other = Settings { slot: 2, ..voice() };
                play(rig, at, 100, &other, |_, _| {});
            },
            1,
        ),
        (
            "reset",
            Behaviour::PanicAtReset(2),
            |rig, _| rig.processor.reset(),
            1,
        ),
        (
            "stalled",
            Behaviour::PanicAtReset(2),
            |rig, at| {
                rig.stalled = true;
                play(rig, at, 100, &voice(), |_, _| {});
                rig.stalled = false;
            },
            1,
        ),
        (
            "put where another is heard",
            Behaviour::Gain(1.0),
            |rig, _| put(rig, 1, Behaviour::PanicAtReset(1)),
            2,
        ),
    ];
    for (case, behaviour, disturb, freed) in table {
        let spec = worker_spec(48_000, 1, HOP, 100);
        let mut rig = Rig::new(host(48_000, 1, BLOCK), spec, behaviour, 0.5);
        put(&mut rig, 2, Behaviour::Gain(1.0));
        rig.drain();
        let mut at = 0;
        if case != "chosen" {
            play(&mut rig, &mut at, 100, &voice(), |_, _| {});
        }
        assert_eq!(rig.voices.failure(1), None, "{case}");
        disturb(&mut rig, &mut at);
        play(&mut rig, &mut at, 100, &voice(), |_, _| {});
        let message = rig.voices.failure(1).expect(case);
        assert!(message.contains("panicked"), "{case}: {message}");
        assert_replaced(&mut rig, &mut at, freed, case);
    }
}

#[test]
fn a_panic_on_the_audio_thread_leaves_the_dry_voice_in_place() {
    use autovoice::bridge::{Processor, meters};

    let host = host(48_000, 1, BLOCK);
    for behaviour in [Behaviour::PanicAt(20), Behaviour::FailAt(20)] {
        let (meters_in, mut meters_out) = meters();
        let mut processor = Processor::new(host, support::direct(&host, 333, behaviour), meters_in);
        for block in 0..60u64 {
            let start = block * BLOCK as u64;
            let mut audio: Vec<f32> = (start..start + BLOCK as u64).map(noise).collect();
            processor.process(&mut [&mut audio], &Settings::default());
            for (i, y) in audio.iter().enumerate() {
                assert_eq!(
                    *y,
                    input_at(start + i as u64, 333),
                    "{behaviour:?} block {block}"
                );
            }
        }
        let panicked = matches!(behaviour, Behaviour::PanicAt(_));
        assert_eq!(processor.panicked(), panicked);
        assert_eq!(meters_out.read().panicked, panicked);
    }
}

#[test]
fn reset_forgets_everything_and_stays_aligned() {
    let mut rig = rig(1.0);
    let delay = rig.delay();
    let mut at = 0;
    play(&mut rig, &mut at, 100, &voice(), |_, _| {});
    rig.processor.reset();
    let restart = at;
    play(&mut rig, &mut at, 20, &silent_gaps(), |start, audio| {
        for (i, y) in audio.iter().enumerate() {
            let frame = start + i as u64;
            if frame < restart + delay as u64 {
                assert_eq!(*y, 0.0, "frame {frame} is from before the reset");
            }
        }
    });
    play(&mut rig, &mut at, 100, &voice(), |start, audio| {
        for (i, y) in audio.iter().enumerate() {
            assert_eq!(*y, input_at(start + i as u64, delay));
        }
    });
    assert_eq!(rig.processor.dropouts(), Dropouts::default());
}
