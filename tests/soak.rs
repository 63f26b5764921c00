//! A billion frames, almost six hours at 48 kHz, on a simulated clock: the delay does not drift,
//! nothing overflows, nothing is lost.

mod support;

use support::{Behaviour, Rig, host, noise, voice, worker_spec};

/// One period of the test signal; a power of two, not a multiple of any hop or block.
const PERIOD: usize = 1 << 16;
const BLOCK: usize = 4096;

#[test]
fn a_billion_frames_without_drift() {
    let spec = worker_spec(48_000, 1, 4800, 0);
    let mut rig = Rig::new(host(48_000, 1, BLOCK), spec, Behaviour::Gain(1.0), 1.0);
    let delay = rig.delay();
    // Two periods, so that any block is one slice.
    let signal: Vec<f32> = (0..2 * PERIOD as u64)
        .map(|i| noise(i % PERIOD as u64))
        .collect();
    let mut audio = vec![0.0; BLOCK];
    let mut frame = 0usize;
    while frame < 1_000_000_000 {
        let block = BLOCK - frame / BLOCK % 7;
        audio[..block].copy_from_slice(&signal[frame % PERIOD..][..block]);
        rig.process(&mut [&mut audio[..block]], &voice(), BLOCK);
        if frame > 2 * delay + 2 * BLOCK {
            let want = &signal[(frame - delay) % PERIOD..][..block];
            assert!(audio[..block] == *want, "block at frame {frame}");
        }
        frame += block;
    }
    assert_eq!(rig.processor.dropouts().missed_frames, 0);
}

#[test]
fn twenty_million_frames_through_both_resamplers_without_drift() {
    let spec = worker_spec(44_100, 1, 441, 7);
    let mut rig = Rig::new(host(48_000, 1, 480), spec, Behaviour::Gain(1.0), 0.0);
    let delay = rig.delay();
    // A slow sine, whose phase tells the delay to a small part of a frame.
    let sine = |i: usize| (std::f64::consts::TAU * (i % 4800) as f64 / 480.0).sin() as f32;
    let mut audio = vec![0.0; 480];
    for block in 0..42_000 {
        for (i, x) in audio.iter_mut().enumerate() {
            *x = sine(block * 480 + i);
        }
        rig.process(&mut [&mut audio], &voice(), 480);
        if (100..200).contains(&block) || 41_900 < block {
            for (i, y) in audio.iter().enumerate() {
                let want = sine(block * 480 + i - delay);
                assert!(
                    (y - want).abs() < 1e-3,
                    "block {block} frame {i}: {y} for {want}"
                );
            }
        }
    }
    assert_eq!(rig.processor.dropouts().missed_frames, 0);
}

#[test]
fn positions_beyond_32_and_48_bits_are_positions_like_any_other() {
    let spec = worker_spec(48_000, 1, 480, 10);
    let mut rig = Rig::new(host(48_000, 1, 64), spec, Behaviour::Gain(1.0), 0.0);
    let delay = rig.delay();
    for far in [1u64 << 31, 1 << 32, 1 << 48, 1 << 62] {
        rig.processor.advance_clock(far);
        rig.drain();
        for block in 0..200u64 {
            let mut audio = [0.0; 64];
            for (i, x) in audio.iter_mut().enumerate() {
                *x = noise(far + block * 64 + i as u64);
            }
            rig.process(&mut [&mut audio], &voice(), 64);
            if block > 60 {
                for (i, y) in audio.iter().enumerate() {
                    assert_eq!(*y, noise(far + block * 64 + i as u64 - delay as u64));
                }
            }
        }
    }
}
