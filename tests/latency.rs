//! The reported latency is the delay: measured with an impulse, for every combination of rates,
//! blocks and channels, while the worker takes all the time it is allowed.

mod support;

use autovoice::bridge::Settings;
use support::{Behaviour, Rig, host, random_blocks, voice, worker_spec};

const HOST_RATES: [u32; 5] = [44_100, 48_000, 88_200, 96_000, 192_000];
const BLOCKS: [usize; 9] = [1, 16, 31, 64, 127, 480, 512, 1024, 4096];

/// Sends an impulse through a voice of gain 1; the delay of the highest sample on each channel.
/// The worker takes a whole hop's time for each hop.
fn measure(
    rig: &mut Rig,
    mut blocks: impl Iterator<Item = usize>,
    settings: &Settings,
) -> Vec<usize> {
    let at = rig.delay() + 777;
    let total = at + rig.delay() + 2000;
    let mut output = vec![Vec::new(); rig.host.channels];
    let mut next = blocks.next().expect("endless");
    let mut done = 0;
    while done < total {
        let frames = next;
        next = blocks.next().expect("endless");
        let mut audio = vec![vec![0.0; frames]; rig.host.channels];
        if (done..done + frames).contains(&at) {
            for channel in &mut audio {
                channel[at - done] = 1.0;
            }
        }
        let mut slices: Vec<&mut [f32]> = audio.iter_mut().map(|c| &mut c[..]).collect();
        rig.process(&mut slices, settings, next);
        for (output, channel) in output.iter_mut().zip(&audio) {
            output.extend_from_slice(channel);
        }
        done += frames;
    }
    let highest = |channel: &Vec<f32>| {
        let peak = channel.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
        peak.expect("not empty").0 - at
    };
    output.iter().map(highest).collect()
}

fn check(engine_rate: u32) {
    let hop = engine_rate as usize / 100;
    for rate in HOST_RATES {
        for channels in [1, 2] {
            let spec = worker_spec(engine_rate, channels, hop, hop / 2 + 1);
            let blocks = BLOCKS.into_iter().map(|n| (n, false));
            for (block, random) in blocks.chain([(512, true), (4096, true)]) {
                let mut rig =
                    Rig::new(host(rate, channels, block), spec, Behaviour::Gain(1.0), 0.0);
                rig.cost = f64::from(rate) / 100.0;
                let delay = rig.delay();
                let measured = match random {
                    true => measure(&mut rig, random_blocks(block, 7), &voice()),
                    false => measure(&mut rig, std::iter::repeat(block), &voice()),
                };
                let case = format!(
                    "engine {engine_rate} host {rate} block {block} random {random} channels {channels}"
                );
                assert_eq!(measured, vec![delay; channels], "{case}");
                assert_eq!(rig.processor.dropouts().missed_frames, 0, "{case}");
            }
        }
    }
}

#[test]
fn engine_at_16_khz() {
    check(16_000);
}

#[test]
fn engine_at_24_khz() {
    check(24_000);
}

#[test]
fn engine_at_40_khz() {
    check(40_000);
}

#[test]
fn engine_at_44_1_khz() {
    check(44_100);
}

#[test]
fn engine_at_48_khz() {
    check(48_000);
}

#[test]
fn the_delay_is_no_longer_than_it_must_be() {
    // One hop more than allowed, and the worker is late: the budget is all used.
    let spec = worker_spec(48_000, 1, 480, 0);
    let mut rig = Rig::new(host(48_000, 1, 64), spec, Behaviour::Gain(1.0), 0.0);
    rig.cost = 480.0;
    measure(&mut rig, std::iter::repeat(64), &voice());
    assert_eq!(rig.processor.dropouts().missed_frames, 0);

    let mut rig = Rig::new(host(48_000, 1, 64), spec, Behaviour::Gain(1.0), 0.0);
    rig.cost = 480.0 + 66.0;
    measure(&mut rig, std::iter::repeat(64), &voice());
    assert!(rig.processor.dropouts().missed_frames > 0);
}

#[test]
fn every_path_has_the_same_delay() {
    let spec = worker_spec(44_100, 1, 441, 100);
    let cases = [
        ("voice", voice()),
        ("engine on the audio thread", Settings::default()),
        (
            "empty slot",
            Settings {
                slot: 2,
                ..Settings::default()
            },
        ),
        (
            "dry",
            Settings {
                mix: 0.0,
                ..voice()
            },
        ),
        (
            "bypass",
            Settings {
                bypass: true,
                ..voice()
            },
        ),
        (
            "limiter",
            Settings {
                limiter: true,
                ..voice()
            },
        ),
    ];
    for (name, settings) in cases {
        let mut rig = Rig::new(host(48_000, 2, 256), spec, Behaviour::Gain(1.0), 1.0);
        let delay = rig.delay();
        let measured = measure(&mut rig, random_blocks(256, 3), &settings);
        assert_eq!(measured, [delay, delay], "{name}");
    }
}
