//! With real engines of every kind in the slots, the audio thread neither allocates nor frees, and
//! with voices of ours a warm worker does not, either: counted by the allocator, while voices change
//! places, come, go and stall. tests/realtime.rs shows that the counter counts.

mod ddsp_nets;
mod engines;
mod rvc_nets;
mod support;

use assert_no_alloc::{AllocDisabler, assert_no_alloc, reset_violation_count, violation_count};
use autovoice::bridge::{DropoutMode, Settings};
use autovoice::engine::{Controls, VoiceControls};
use engines::{ALL, DDSP, RATE_HZ, RVC, song};
use support::{Rig, host};

#[global_allocator]
static ALLOCATOR: AllocDisabler = AllocDisabler;

const BLOCK: usize = 128;

/// Violations while `f` runs. The counter belongs to the thread.
fn violations(f: impl FnOnce()) -> u32 {
    reset_violation_count();
    assert_no_alloc(f);
    violation_count()
}

/// Settings of a block: the slot changes now and then, the rest all the while.
fn settings(block: usize) -> Settings {
    let voice = VoiceControls {
        rms_mix: (block % 3) as f32 / 2.0,
        speaker: (block / 50 % 4) as u16,
        ..VoiceControls::DEFAULT
    };
    Settings {
        slot: [1, 2, 0, 3, 1, 4][block / 190 % 6],
        dropout: DropoutMode::ALL[block / 70 % 3],
        controls: Controls {
            pitch_semitones: (block / 10 % 25) as f32 - 12.0,
            formant_semitones: (block / 40 % 7) as f32 - 3.0,
            voice,
            ..Controls::default()
        },
        ..Settings::default()
    }
}

#[test]
fn neither_the_audio_thread_nor_a_warm_worker_of_ours_allocates() {
    for kind in ALL {
        // One of the other kind sits beside it; the longer delay is that of RVC.
        let mut rig = Rig::of(host(RATE_HZ, 1, BLOCK), (RVC.make)(), 0.5);
        let put = |rig: &mut Rig, slot| rig.voices.install(slot, (kind.make)()).expect("room");
        put(&mut rig, 1);
        put(&mut rig, 2);
        rig.voices.install(3, (DDSP.make)()).expect("room");
        rig.drain();
        let song = song(RATE_HZ as usize);
        let (mut audio, mut at, mut late) = ([0.0; BLOCK], 0, 0);
        for block in 0..3_000 {
            for x in &mut audio {
                *x = song[at % song.len()];
                at += 1;
            }
            let settings = settings(block);
            let count = violations(|| rig.processor.process(&mut [&mut audio], &settings));
            assert_eq!(count, 0, "{}, block {block}", kind.name);
            // Stalls of 0.6 s, longer than what is under way.
            if 240 < block % 700 {
                let count = violations(|| rig.drain());
                late += if 700 < block { count } else { 0 };
            }
            if block % 700 == 600 {
                put(&mut rig, 1 + block / 700 % 2);
            }
            rig.voices.collect();
        }
        assert!(0 < rig.processor.dropouts().count, "there were stalls");
        assert_eq!(rig.voices.message(), None, "{}", kind.name);
        // Not demanded of a worker, but what does not allocate cannot grow; tests/soak_voice.rs has
        // the memory of both kinds.
        if kind.name == DDSP.name {
            assert_eq!(late, 0, "{}: the worker", kind.name);
        }
        assert_eq!(violations(|| rig.processor.reset()), 0);
    }
}
