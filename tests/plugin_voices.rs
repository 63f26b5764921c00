//! Voices in the plugin as they are heard: the delay they bring, switching between them, those that
//! are slow or fail.

mod fake_voices;
mod plugin_host;
mod voice_rig;

use assert_no_alloc::{AllocDisabler, assert_no_alloc, reset_violation_count, violation_count};
use autovoice::engine::Quality;
use autovoice::plugin::voices::{PerSetup, SlotState};
use fake_voices::{Kind, fake, stock, until, until_shown};
use nice_plug::prelude::*;
use voice_rig::{ADA, BLOCK, BO, Rig, assert_delayed, needs, needs_for, noise};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

#[test]
fn the_delay_is_that_of_the_slowest_voice_at_the_quality_chosen_and_exact() {
    for (slots, quality, slowest) in [
        (&[ADA][..], Quality::Live, ADA),
        (&[ADA], Quality::Studio, ADA),
        (&[ADA, BO], Quality::Live, BO),
        (&[BO, ADA], Quality::Balanced, BO),
    ] {
        let case = format!("{slots:?} {quality:?}");
        let mut rig = Rig::offline(stock(&[ADA, BO]).0);
        rig.set("quality", quality.name());
        for (at, voice) in slots.iter().enumerate() {
            rig.put(at + 1, *voice);
        }
        let delay = rig.activate();
        assert_eq!(delay, needs(slowest, quality), "{case}");
        let input = noise(3 * delay);
        for (at, voice) in slots.iter().enumerate() {
            let Kind::Gain(gain) = voice.kind else {
                panic!("both are gains")
            };
            rig.set("slot", &format!("Voice {}", at + 1));
            rig.plugin.reset();
            let output = rig.play(&input);
            assert_delayed(&input, &output, delay, gain, 2 * delay, &case);
        }
        assert_eq!(rig.host.restarts.get(), 0, "{case}");
        assert_eq!(rig.plugin.feed().newest().dropouts.count, 0, "{case}");
    }
}

#[test]
fn one_thread_brings_the_voice_a_hop_earlier_after_a_restart() {
    let mut rig = Rig::offline(stock(&[ADA]).0);
    rig.put(1, ADA);
    rig.set("slot", "Voice 1");
    let input = noise(20_000);
    let mut delays = Vec::new();
    for (threads, restarts) in [(2, 0), (1, 1), (2, 2)] {
        rig.set("threads", &threads.to_string());
        rig.play(&input[..2 * BLOCK]);
        assert_eq!(rig.host.restarts.get(), restarts, "{threads} threads");
        let delay = rig.activate();
        let output = rig.play(&input);
        let case = format!("{threads} threads");
        assert_delayed(&input, &output, delay, 0.5, 2 * delay, &case);
        let setup = rig.params.rack.shown().setup.expect("it runs");
        assert_eq!(
            (setup.threads, rig.host.restarts.get()),
            (threads, restarts)
        );
        assert_eq!(delay, needs_for(ADA, &setup), "{case}");
        delays.push(delay);
    }
    assert_eq!(delays, [delays[0], delays[0] - ADA.hop, delays[0]]);
}

#[test]
fn a_voice_that_needs_another_delay_asks_for_one_restart() {
    let (stock, _) = stock(&[ADA, BO]);
    let mut rig = Rig::offline(stock);
    let without = rig.activate();
    let silence = vec![0.0; 20 * BLOCK];
    rig.play(&silence);
    for (slot, voice, state, restarts) in [
        // The first voice needs a worker, the second one that is slower more delay.
        (1, ADA, SlotState::AwaitsRestart, 1),
        (2, BO, SlotState::AwaitsRestart, 2),
        (3, ADA, SlotState::Ready, 2),
    ] {
        rig.put(slot, voice);
        rig.play(&silence);
        assert_eq!(rig.settled(slot), state, "slot {slot}");
        assert_eq!(rig.host.restarts.get(), restarts, "slot {slot}");
        assert_eq!(rig.host.latencies.borrow().len(), slot, "slot {slot}");
        let delay = rig.activate();
        assert!(without < delay);
        rig.play(&silence);
        assert_eq!(rig.state_of(slot), SlotState::Ready);
        assert_eq!(rig.host.restarts.get(), restarts, "it is done, slot {slot}");
    }
    rig.params.rack.put(2, None);
    rig.play(&silence);
    assert_eq!(rig.host.restarts.get(), 2, "less delay is no reason");
    assert_eq!(rig.activate(), needs(ADA, Quality::Live), "but it is taken");
}

#[test]
fn no_host_is_asked_for_ever() {
    let liar = fake("Liar", Kind::Lies);
    let mut rig = Rig::offline(stock(&[liar]).0);
    rig.put(1, liar);
    for _ in 0..3 {
        rig.activate();
        rig.play(&[0.0; 2_000]);
    }
    assert!(matches!(rig.state_of(1), SlotState::Failed(reason) if reason.contains("promises")));
    assert_eq!(rig.host.restarts.get(), 0);

    let mut rig = Rig::offline(stock(&[ADA]).0);
    rig.put(1, ADA);
    for _ in 0..3 {
        assert!(rig.host.activate(&mut rig.plugin, (1, 1), 384_000.0, 64));
        rig.play(&[0.0; 2_000]);
    }
    assert!(matches!(rig.state_of(1), SlotState::Failed(reason) if reason.contains("384000 Hz")));
    assert_eq!(rig.host.restarts.get(), 0);
}

#[test]
fn the_delay_of_every_setup_is_known_before_it_is_chosen() {
    let mut rig = Rig::offline(stock(&[ADA]).0);
    rig.put(1, ADA);
    rig.activate();
    rig.params.rack.wait();
    let expected = PerSetup::of(|setup| Some(needs_for(ADA, setup)));
    assert_eq!(rig.params.rack.shown().delays, expected);
    rig.plugin.deactivate();
    rig.params.rack.wait();
    assert_eq!(rig.params.rack.shown().delays, PerSetup::default());
}

#[test]
fn switching_is_a_fade_and_moves_nothing() {
    let mut rig = Rig::offline(stock(&[ADA, BO]).0);
    rig.put(1, ADA);
    rig.put(4, BO);
    let delay = rig.activate();
    let ones = vec![1.0; 3 * delay];
    // A fade of the bridge is 10 ms or longer.
    let steepest = |range: f32| range / 480.0 + 1e-4;
    let mut heard = 1.0;
    rig.play(&ones);
    for (slot, level) in [
        ("Voice 1", 0.5),
        ("Voice 4", -1.0),
        ("Shift", 1.0),
        ("Voice 4", -1.0),
    ] {
        rig.set("slot", slot);
        let output = rig.play(&ones);
        let mut before = heard;
        for y in &output {
            assert!(
                (y - before).abs() < steepest(2.0),
                "{slot}: {y} after {before}"
            );
            before = *y;
        }
        assert!((before - level).abs() < 1e-4, "{slot}: {before}");
        heard = level;
    }
    assert_eq!(rig.host.restarts.get(), 0);
    let feed = rig.plugin.feed();
    assert_eq!(feed.newest().latency.total(), delay);
}

#[test]
fn a_voice_taken_out_or_replaced_while_it_sings_is_faded_and_freed() {
    let (stock, watch) = stock(&[ADA, BO]);
    let mut rig = Rig::offline(stock);
    rig.put(1, BO);
    rig.set("slot", "Voice 1");
    let delay = rig.activate();
    let ones = vec![1.0; 3 * delay];
    rig.play(&ones);
    assert_eq!(watch.in_memory(), 2, "weights and one engine");
    for (voice, level, in_memory) in [(Some(ADA), 0.5, 2), (None, 1.0, 0)] {
        rig.params.rack.put(1, voice.map(|voice| voice.voice()));
        let output = rig.play(&ones);
        let largest = output.windows(2).map(|w| (w[1] - w[0]).abs());
        assert!(largest.fold(0.0, f32::max) < 0.01, "{voice:?}");
        assert!((output[output.len() - 1] - level).abs() < 1e-4, "{voice:?}");
        until("freed memory", || watch.in_memory() == in_memory);
    }
}

#[test]
fn a_voice_that_cannot_be_heard_says_why_and_the_shift_engine_stands_in() {
    for (kind, reason) in [
        (
            Kind::Damaged,
            "expected a voice, found noise; import it again",
        ),
        (Kind::PanicsInLoad, "found a fault of AutoVoice"),
        (Kind::NoEngine, "expected memory"),
        (Kind::FailsAtOnce, "load it again"),
        (Kind::FailsAt(9), "load it again"),
        (Kind::PanicsAt(9), "it panicked"),
    ] {
        let voice = fake("Cy", kind);
        let mut rig = Rig::offline(stock(&[voice, ADA]).0);
        rig.put(1, voice);
        rig.put(2, ADA);
        rig.set("slot", "Voice 1");
        rig.set("dropout_mode", "Shift");
        let delay = rig.activate();
        let input = noise(5 * delay);
        let output = rig.play(&input);
        // Nothing is transposed, so the shift engine passes the voice on.
        assert_delayed(&input, &output, delay, 1.0, 4 * delay, &format!("{kind:?}"));
        until_shown(
            &rig.params.rack,
            reason,
            |shown| matches!(&shown.slots[0].state, SlotState::Failed(why) if why.contains(reason)),
        );
        assert_eq!(rig.plugin.feed().newest().slot, 0, "{kind:?}");
        assert!(!rig.plugin.feed().newest().panicked, "{kind:?}");
        rig.set("slot", "Voice 2");
        let output = rig.play(&input);
        assert_delayed(&input, &output, delay, 0.5, 3 * delay, "the other goes on");
        // Chosen again, it is tried again.
        rig.put(1, voice);
        rig.params.rack.wait();
        assert_ne!(rig.state_of(1), SlotState::Loading, "{kind:?}");
    }
    let gone = fake("Gone", Kind::Gain(1.0));
    let mut rig = Rig::offline(stock(&[ADA]).0);
    rig.put(1, gone);
    rig.activate();
    rig.play(&[0.0; 512]);
    let missing = "expected the voice \"Gone\", found none; import it";
    assert_eq!(rig.state_of(1), SlotState::Failed(missing.to_owned()));
}

#[test]
fn a_slow_load_holds_nobody_up() {
    let slow = fake("Slow", Kind::Slow);
    let (stock, watch) = stock(&[slow, ADA]);
    let mut rig = Rig::new(stock);
    rig.put(1, slow);
    rig.set("slot", "Voice 1");
    // Each of these would wait for ever.
    let delay = rig.activate();
    assert_eq!(
        delay,
        needs(slow, Quality::Live),
        "known before it is loaded"
    );
    rig.play(&noise(10 * BLOCK));
    assert_eq!(rig.state_of(1), SlotState::Loading);
    assert_eq!(rig.plugin.feed().newest().slot, 0);
    rig.params.rack.put(2, Some(ADA.voice()));
    let _ = rig.params.serialize_fields();
    watch.open();
    until("the voice", || {
        rig.play(&[0.1; BLOCK]);
        rig.plugin.feed().newest().slot == 1
    });
    assert_eq!(rig.settled(1), SlotState::Ready);
}

#[test]
fn a_bounce_waits_for_its_voices() {
    let slow = fake("Slow", Kind::Slow);
    let render = |is_ready: bool| {
        let (stock, watch) = stock(&[slow]);
        let mut rig = Rig::offline(stock);
        rig.put(1, slow);
        rig.set("slot", "Voice 1");
        if is_ready {
            watch.open();
            rig.params.rack.wait();
        }
        let delay = rig.activate();
        let opener = std::thread::spawn(move || {
            std::thread::yield_now();
            watch.open();
        });
        let input = noise(4 * delay);
        let output = rig.play(&input);
        opener.join().expect("it only opens");
        assert_delayed(&input, &output, delay, 0.5, 2 * delay, "from the start");
        output
    };
    assert_eq!(render(false), render(true), "sample by sample");
}

#[test]
#[allow(unsafe_code)]
fn the_audio_thread_neither_allocates_nor_frees_with_voices() {
    let count = |f: &mut dyn FnMut()| {
        reset_violation_count();
        assert_no_alloc(f);
        violation_count()
    };
    assert_ne!(count(&mut || drop(vec![1u8; 64])), 0, "the counter counts");
    let failing = fake("Cy", Kind::PanicsAt(5));
    let mut rig = Rig::new(stock(&[ADA, BO, failing]).0);
    for (slot, voice) in [(1, ADA), (2, BO), (3, failing)] {
        rig.put(slot, voice);
    }
    rig.activate();
    rig.params.rack.wait();
    let mut channels = [noise(BLOCK)];
    let mut buffer = Buffer::default();
    // SAFETY: the slice has as many samples as are announced.
    unsafe {
        buffer.set_slices(BLOCK, |slices| {
            *slices = channels.iter_mut().map(Vec::as_mut_slice).collect();
        });
    }
    for slot in [
        "Voice 1", "Voice 2", "Voice 3", "Shift", "Voice 4", "Voice 1",
    ] {
        rig.set("slot", slot);
        if slot == "Voice 4" {
            rig.params.rack.put(2, Some(ADA.voice()));
            rig.params.rack.put(1, None);
        }
        for _ in 0..40 {
            let (host, plugin) = (&rig.host, &mut rig.plugin);
            let counted = count(&mut || {
                host.process_buffer(plugin, &mut buffer);
            });
            assert_eq!(counted, 0, "{slot}");
            std::thread::yield_now();
        }
        let plugin = &mut rig.plugin;
        assert_eq!(count(&mut || plugin.reset()), 0, "{slot}");
    }
}
