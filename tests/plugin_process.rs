//! The plugin between a host and the audio path: layouts, rates and block sizes, the delay that is
//! set while activating and never else, restarts asked for once, notes, and an audio thread that
//! neither allocates nor frees.

mod plugin_host;

use assert_no_alloc::{AllocDisabler, assert_no_alloc, reset_violation_count, violation_count};
use autovoice::plugin::params::ParamRef;
use autovoice::plugin::{AutoVoiceParams, AutoVoicePlugin};
use nice_plug::midi::{Channel, Key, VoiceID};
use nice_plug::prelude::*;
use plugin_host::{Host, set, set_text};
use std::sync::Arc;

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const LAYOUTS: [(u32, u32); 3] = [(2, 2), (1, 1), (1, 2)];

fn named(params: &AutoVoiceParams, wanted: &str, text: &str) {
    let found = params.all().into_iter().find(|(id, _)| *id == wanted);
    set_text(found.expect(wanted).1, text);
}

fn plugin() -> (AutoVoicePlugin, Arc<AutoVoiceParams>) {
    let plugin = AutoVoicePlugin::default();
    let params = plugin.parameters();
    (plugin, params)
}

/// Noise that is the same every time.
fn noise(frames: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    let samples = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 24) as f32 - 0.5
    });
    samples.take(frames).collect()
}

#[test]
fn layouts_start_with_stereo() {
    let offered: Vec<(u32, u32)> = AutoVoicePlugin::AUDIO_IO_LAYOUTS
        .iter()
        .map(|layout| {
            let count = |bus: Option<std::num::NonZeroU32>| bus.map_or(0, |n| n.get());
            (
                count(layout.main_input_channels),
                count(layout.main_output_channels),
            )
        })
        .collect();
    assert_eq!(offered, LAYOUTS);
}

/// With the pitch left alone the plugin is its delay, exactly, at every rate, layout and block.
#[test]
fn the_output_lies_where_the_reported_delay_says() {
    for rate_hz in [8_000.0, 44_100.0, 48_000.0, 192_000.0] {
        for layout in LAYOUTS {
            for block in [1, 31, 512, 4096] {
                let (mut plugin, _) = plugin();
                let host = Host::new(PluginApi::Clap);
                assert!(host.activate(&mut plugin, layout, rate_hz, block as u32));
                let delay = host.latencies.borrow()[0] as usize;
                assert!(0 < delay, "{rate_hz}");
                let frames = delay + 3 * block + 100;
                let (left, right) = (noise(frames, 1), noise(frames, 2));
                let output = render(&host, &mut plugin, layout, [&left, &right], block);
                let context = format!("{rate_hz} Hz, {layout:?}, {block} frames");
                assert_eq!(output[0][delay..], left[..frames - delay], "{context}");
                if layout.1 == 2 {
                    let expected = if layout.0 == 2 { &right } else { &left };
                    assert_eq!(output[1][delay..], expected[..frames - delay], "{context}");
                }
            }
        }
    }
}

fn render(
    host: &Host,
    plugin: &mut AutoVoicePlugin,
    (inputs, outputs): (u32, u32),
    input: [&[f32]; 2],
    block: usize,
) -> Vec<Vec<f32>> {
    let mut output = vec![Vec::new(); outputs as usize];
    for start in (0..input[0].len()).step_by(block) {
        let end = input[0].len().min(start + block);
        let mut channels: Vec<Vec<f32>> = (0..outputs as usize)
            .map(|at| match at < inputs as usize {
                true => input[at][start..end].to_vec(),
                // A host leaves anything in a channel without an input.
                false => vec![7.0; end - start],
            })
            .collect();
        host.process(plugin, &mut channels);
        for (all, new) in output.iter_mut().zip(channels) {
            all.extend(new);
        }
    }
    output
}

#[test]
fn what_is_no_rate_is_refused() {
    for rate_hz in [0.0, -48_000.0, f32::NAN] {
        let (mut plugin, _) = plugin();
        let host = Host::new(PluginApi::Clap);
        assert!(
            !host.activate(&mut plugin, (2, 2), rate_hz, 64),
            "{rate_hz}"
        );
        assert!(host.latencies.borrow().is_empty());
        // A host that goes on all the same gets its input back.
        let mut channels = vec![vec![0.5; 64]; 2];
        host.process(&mut plugin, &mut channels);
        assert_eq!(channels, vec![vec![0.5; 64]; 2]);
    }
}

#[test]
fn at_rates_no_voice_is_converted_at_the_dry_voice_passes_without_delay() {
    for rate_hz in [1.0, 7_999.0, 192_001.0, 384_000.0, 768_000.0, f32::INFINITY] {
        for layout in [(2, 2), (1, 1), (1, 2)] {
            let (mut plugin, _) = plugin();
            let host = Host::new(PluginApi::Clap);
            assert!(host.activate(&mut plugin, layout, rate_hz, 64), "{rate_hz}");
            assert_eq!(*host.latencies.borrow(), [0], "{rate_hz}");
            let mut channels = vec![vec![0.5; 64]; layout.1 as usize];
            host.process(&mut plugin, &mut channels);
            assert_eq!(
                channels,
                vec![vec![0.5; 64]; layout.1 as usize],
                "{rate_hz}"
            );
        }
    }
}

#[test]
fn the_delay_follows_range_and_report_but_only_with_a_restart() {
    let (mut plugin, params) = plugin();
    let host = Host::new(PluginApi::Vst3);
    let run = |plugin: &mut AutoVoicePlugin| {
        for _ in 0..5 {
            host.process(plugin, &mut [vec![0.0; 64], vec![0.0; 64]]);
        }
        host.restarts.get()
    };
    assert!(host.activate(&mut plugin, (2, 2), 48_000.0, 64));
    assert_eq!(run(&mut plugin), 0);
    // Once per value, however many blocks pass.
    for (id, value, restarts) in [
        ("range", "High", 1),
        ("range", "Bass", 2),
        ("range", "Low", 2),
        ("range", "Bass", 3),
        ("report_latency", "off", 4),
        ("tracker", "Yin", 5),
        ("pitch", "12", 5),
    ] {
        named(&params, id, value);
        assert_eq!(run(&mut plugin), restarts, "{id} {value}");
    }
    named(&params, "report_latency", "on");
    assert_eq!(run(&mut plugin), 6);
    assert_eq!(
        host.latencies.borrow().len(),
        1,
        "nothing was set while processing"
    );
    assert!(host.activate(&mut plugin, (2, 2), 48_000.0, 64));
    named(&params, "report_latency", "off");
    assert!(host.activate(&mut plugin, (2, 2), 48_000.0, 64));
    assert_eq!(run(&mut plugin), 6, "a restart brought what was wanted");
    let latencies = host.latencies.borrow();
    assert!(
        latencies[0] < latencies[1],
        "bass is slower than low: {latencies:?}"
    );
    assert_eq!(latencies[2], 0, "not reported");
}

#[test]
fn the_delay_reported_is_that_of_the_tracker() {
    for range in ["Bass", "Low", "Soprano"] {
        let [auto, neural, yin] = ["Auto", "Neural", "Yin"].map(|tracker| {
            let (mut plugin, params) = plugin();
            named(&params, "range", range);
            named(&params, "tracker", tracker);
            let host = Host::new(PluginApi::Vst3);
            assert!(host.activate(&mut plugin, (2, 2), 48_000.0, 64));
            host.process(&mut plugin, &mut [vec![0.0; 64], vec![0.0; 64]]);
            let reported = host.latencies.borrow()[0];
            let measured = plugin.feed().newest().latency.total();
            assert_eq!(reported as usize, measured, "{range}, {tracker}");
            reported
        });
        assert_eq!(auto, yin, "{range}: auto costs no delay");
        assert!(yin < neural, "{range}: {neural} frames, yin {yin}");
    }
}

#[test]
fn the_tail_lasts_until_nothing_is_left() {
    let (mut plugin, _) = plugin();
    let host = Host::new(PluginApi::Clap);
    host.activate(&mut plugin, (1, 1), 48_000.0, 4_800);
    let delay = host.latencies.borrow()[0];
    let mut statuses = Vec::new();
    for block in 0..14 {
        let mut channels = [vec![0.0; 4_800]];
        channels[0][4_799] = if block == 0 { 0.5 } else { 0.0 };
        statuses.push(host.process(&mut plugin, &mut channels));
    }
    let ends = statuses.iter().position(|s| *s == ProcessStatus::Normal);
    // A second of silence is ten blocks, and the delay is less than one.
    assert!(delay < 4_800);
    assert_eq!(ends, Some(11), "{statuses:?}");
    assert!(
        statuses[..11]
            .iter()
            .all(|s| *s == ProcessStatus::Tail(delay))
    );
}

fn note(timing: u32, key: u8, down: bool) -> PluginNoteEvent<AutoVoicePlugin> {
    let (voice_id, channel, key) = (VoiceID::Wildcard, Channel::Number(0), Key::Number(key));
    match down {
        true => NoteEvent::NoteOn {
            timing,
            voice_id,
            channel,
            key,
            velocity: 1.0,
        },
        false => NoteEvent::NoteOff {
            timing,
            voice_id,
            channel,
            key,
            velocity: 0.0,
        },
    }
}

/// Whatever a host sends: the plugin survives, and what goes out is finite.
#[test]
fn broken_input_and_odd_blocks_come_out_finite() {
    let (mut plugin, params) = plugin();
    let host = Host::new(PluginApi::Clap);
    host.activate(&mut plugin, (2, 2), 48_000.0, 64);
    named(&params, "correct", "on");
    named(&params, "midi_mode", "Last note");
    let wild = [f32::NAN, f32::INFINITY, -1e30, f32::MIN_POSITIVE / 2.0, 0.5];
    for (at, frames) in [64, 1, 0, 63, 1_000, 64]
        .into_iter()
        .cycle()
        .take(120)
        .enumerate()
    {
        let mut channels = vec![vec![wild[at % wild.len()]; frames]; 2];
        let late = frames as u32 + 10;
        host.notes.borrow_mut().extend([
            note(0, 60, true),
            note(late / 2, 64, true),
            note(1, 64, false),
            note(late, 60, false),
            note(u32::MAX, 200, true),
        ]);
        host.process(&mut plugin, &mut channels);
        assert!(host.notes.borrow().is_empty(), "every note is taken");
        assert!(channels.iter().flatten().all(|x| x.is_finite()));
    }
    assert!(!plugin.feed().newest().panicked);
}

/// A panic outside the audio path ends in the plugin: silence, then sound again, still aligned.
#[test]
fn a_panic_does_not_reach_the_host() {
    let (mut plugin, _) = plugin();
    let host = Host::new(PluginApi::Clap);
    host.activate(&mut plugin, (1, 1), 48_000.0, 64);
    let delay = host.latencies.borrow()[0] as usize;
    let input = noise(64 * (delay / 64 + 20), 5);
    let mut output = Vec::new();
    for (at, block) in input.chunks(64).enumerate() {
        host.is_broken.set(at == 10);
        let mut channels = [block.to_vec()];
        host.process(&mut plugin, &mut channels);
        output.extend_from_slice(&channels[0]);
        assert_eq!(plugin.feed().newest().panicked, 10 <= at, "block {at}");
    }
    let broken = 64 * 10..64 * 11;
    assert!(output[broken.clone()].iter().all(|x| *x == 0.0));
    for (at, y) in output.iter().enumerate().skip(broken.end) {
        let x = at.checked_sub(delay).map_or(0.0, |from| input[from]);
        assert!(
            *y == 0.0 || *y == x,
            "frame {at} is neither silent nor in its place"
        );
    }
    assert_eq!(
        output[delay + broken.end..],
        input[broken.end..input.len() - delay]
    );
    host.activate(&mut plugin, (1, 1), 48_000.0, 64);
    assert!(!plugin.feed().newest().panicked, "a restart forgets it");
}

fn violations(f: impl FnOnce()) -> u32 {
    reset_violation_count();
    assert_no_alloc(f);
    violation_count()
}

#[test]
#[allow(unsafe_code)]
fn the_audio_thread_neither_allocates_nor_frees() {
    assert_ne!(violations(|| drop(vec![1u8; 64])), 0, "the counter counts");
    for layout in LAYOUTS {
        let (mut plugin, params) = plugin();
        let host = Host::new(PluginApi::Clap);
        host.activate(&mut plugin, layout, 48_000.0, 64);
        let mut channels = vec![noise(64, 3); layout.1 as usize];
        let mut buffer = Buffer::default();
        // SAFETY: every slice has the 64 samples announced.
        unsafe {
            buffer.set_slices(64, |slices| {
                *slices = channels.iter_mut().map(Vec::as_mut_slice).collect();
            });
        }
        for (id, param) in params.all() {
            for normalized in [0.0, 0.37, 1.0] {
                set(param, normalized);
                host.notes
                    .borrow_mut()
                    .extend([note(3, 60, true), note(40, 60, false)]);
                let counted = violations(|| {
                    host.process_buffer(&mut plugin, &mut buffer);
                    host.process_buffer(&mut plugin, &mut buffer);
                    plugin.reset();
                });
                assert_eq!(counted, 0, "{layout:?} {id} {normalized}");
            }
            reset(param);
        }
    }
}

fn reset(param: ParamRef<'_>) {
    set(
        param,
        match param {
            ParamRef::Float(p) => p.default_normalized_value(),
            ParamRef::Int(p) => p.default_normalized_value(),
            ParamRef::Bool(p) => p.default_normalized_value(),
        },
    );
}
