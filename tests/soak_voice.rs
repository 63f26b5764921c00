//! An hour of live use of a voice of each kind, on a simulated clock: blocks of any size, stalls now
//! and then, notes and settings that move. Memory and delay do not grow, and nothing is no number.

#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod ddsp_nets;
mod engines;
mod rvc_nets;
mod support;
mod tones;

use autovoice::bridge::Settings;
use engines::{ALL, Kind, RATE_HZ};
use peak_alloc::PeakAlloc;
use rvc_nets::sung;
use support::{Rig, host, voice};
use tones::Noise;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const LONGEST: usize = 2_048;
/// Seconds of the signal that comes again and again.
const PERIOD_S: usize = 7;

/// How the singer moves the knobs.
fn settings(random: &mut Noise) -> Settings {
    let mut settings = voice();
    settings.controls.pitch_semitones = random.below(25) as f32 - 12.0;
    settings.controls.voice.speaker = random.below(4) as u16;
    settings.controls.voice.rms_mix = random.below(2) as f32;
    settings.controls.formant_semitones = [0.0, 3.0][random.below(2)];
    settings
}

/// Plays so many seconds; the most memory held in the first and in the second half of them.
fn play(kind: Kind, seconds: usize) -> [usize; 2] {
    let voice = (kind.make)();
    let spec = voice.spec();
    let mut rig = Rig::of(host(RATE_HZ, 1, LONGEST), voice, 1.0);
    let delay = rig.delay();
    let hop = rig.hop();
    let song = sung(RATE_HZ, PERIOD_S as f64, |t| match t {
        6.0.. => 0.0,
        t => 180.0 + 120.0 * (2.0 * t).sin(),
    });
    let mut random = Noise::new(11);
    let mut audio = vec![0.0; LONGEST];
    let mut knobs = settings(&mut random);
    let (mut frame, mut stalled_until, mut peaks) = (0, 0, [0; 2]);
    let mut next = LONGEST;
    let (frames, mut missed, mut silent) = (seconds * RATE_HZ as usize, 0, 0);
    while frame < frames {
        let half = usize::from(frames / 2 < frame);
        if peaks[half] == 0 {
            ALLOCATOR.reset_peak_usage();
        }
        let block = next;
        next = 1 + random.below(LONGEST);
        if random.below(400) == 0 {
            knobs = settings(&mut random);
        }
        if random.below(2_000) == 0 {
            stalled_until = frame + random.below(3 * RATE_HZ as usize);
        }
        rig.stalled = frame < stalled_until;
        rig.cost = spec.budget as f64 * (0.3 + 0.3 * random.below(100) as f64 / 100.0);
        for (n, x) in audio[..block].iter_mut().enumerate() {
            *x = song[(frame + n) % song.len()];
        }
        rig.process(&mut [&mut audio[..block]], &knobs, next);
        assert!(
            audio[..block].iter().all(|x| x.is_finite()),
            "frame {frame}"
        );
        // The worker keeps D, one budget and a block of what came in a stall, less than six hops in
        // all. At 0.6 of a hop each, it has caught up with them within nine.
        let now = rig.processor.dropouts();
        // A stall ends two blocks late, with the callback that finds it over.
        let is_settled = stalled_until + 9 * hop + 3 * LONGEST < frame;
        if is_settled {
            assert_eq!(now.missed_frames, missed, "a dropout at frame {frame}");
            let loud = audio[..block].iter().any(|x| x.abs() > 1e-5);
            silent = if loud { 0 } else { silent + block };
            assert!(
                silent < 2 * RATE_HZ as usize,
                "nothing is heard at frame {frame}"
            );
        }
        missed = now.missed_frames;
        assert_eq!(rig.delay(), delay);
        peaks[half] = ALLOCATOR.peak_usage();
        frame += block;
    }
    assert!(0 < missed, "there were stalls");
    assert_eq!(rig.voices.message(), None);
    assert_eq!(spec.hop, hop);
    peaks
}

fn check(kind: Kind, seconds: usize) {
    let [first, second] = play(kind, seconds);
    let name = kind.name;
    assert!(
        second <= first + 4_096,
        "{name}: {first} bytes, then {second}"
    );
}

#[test]
fn three_minutes_live_with_stalls() {
    // One after the other: memory is counted for all of the process.
    for kind in ALL {
        check(kind, 180);
    }
}

#[test]
#[ignore = "takes minutes"]
fn an_hour_live_with_stalls() {
    for kind in ALL {
        check(kind, 3_600);
    }
}
