//! Real engines of every kind in the bridge: stalls, and voices exchanged while they sound. What is
//! heard is what the engine said of that instant, or a fade of it; never another instant's.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod ddsp_nets;
mod engines;
mod rvc_nets;
mod support;

use autovoice::bridge::{DropoutMode, InstallError, Latency, Settings};
use engines::{ALL, DDSP, RATE_HZ, RVC, Said, Spy, song};
use support::{Rig, host};

const BLOCK: usize = 96;
/// Frames of the fade at a gap and between voices.
const GAP_FADE: usize = 480;
const VOICE_FADE: usize = 960;

/// Gaps are silent, and a voice or another is heard.
fn slot(slot: usize) -> Settings {
    Settings {
        dropout: DropoutMode::Silence,
        slot,
        ..Settings::default()
    }
}

/// A rig that plays a song.
struct Stage {
    rig: Rig,
    song: Vec<f32>,
    output: Vec<f32>,
}

impl Stage {
    fn play(&mut self, blocks: usize, settings: &Settings) {
        for _ in 0..blocks {
            let at = self.output.len();
            let mut audio = self.song[at..at + BLOCK].to_vec();
            self.rig.process(&mut [&mut audio], settings, BLOCK);
            self.output.extend(audio);
        }
    }

    /// What a voice said of the instant that is heard at a frame.
    fn said(&self, said: &Said, frame: usize) -> Option<f32> {
        let instant = frame.checked_sub(self.rig.delay())?;
        said.lock().unwrap().get(&(instant as u64)).copied()
    }

    /// Every frame from `from` on is what the voice said of it.
    fn assert_heard(&self, said: &Said, from: usize, case: &str) {
        let mut square = 0.0;
        for (frame, y) in self.output.iter().enumerate().skip(from) {
            let want = self.said(said, frame);
            let is_right = want.is_some_and(|want| (y - want).abs() < 1e-6);
            assert!(is_right, "{case}, frame {frame}: {y} for {want:?}");
            square += f64::from(y * y);
        }
        let db = 10.0 * (square / (self.output.len() - from) as f64 + 1e-20).log10();
        assert!(-60.0 < db, "{case}: the voice is heard, at {db} dB");
    }
}

#[test]
fn after_a_stall_of_any_length_the_voice_is_back_in_its_place_within_two_hops() {
    for kind in ALL {
        let hop = (kind.make)().spec().hop;
        // One hop, three, 0.1 s, 2 s.
        for frames in [hop, 3 * hop, 4_800, 96_000] {
            let case = format!("{}, {frames} frames", kind.name);
            let blocks = frames.div_ceil(BLOCK);
            let second = RATE_HZ as usize / BLOCK;
            let song = song((blocks + 3 * second) * BLOCK);
            let (spy, said) = Spy::boxed((kind.make)(), &song);
            let rig = Rig::of(host(RATE_HZ, 1, BLOCK), spy, 0.5);
            let output = Vec::new();
            let mut stage = Stage { rig, song, output };
            let delay = stage.rig.delay();
            stage.play(second, &slot(1));
            stage.assert_heard(&said, delay + VOICE_FADE, &case);
            stage.rig.stalled = true;
            stage.play(blocks, &slot(1));
            stage.rig.stalled = false;
            stage.rig.drain();
            let back = stage.output.len();
            stage.play(second, &slot(1));
            for frame in back..stage.output.len() {
                let (y, want) = (stage.output[frame], stage.said(&said, frame));
                // Silence, the voice, or the voice as it fades in.
                let share = want.map_or(y, |want| if y == 0.0 { 0.0 } else { y / want });
                assert!((-1e-4..1.0001).contains(&share), "{case}, frame {frame}");
            }
            stage.assert_heard(&said, back + 2 * hop + GAP_FADE, &case);
            assert_eq!(stage.rig.delay(), delay, "{case}");
            let dropouts = stage.rig.processor.dropouts();
            assert!(dropouts.count <= 1, "{case}: {dropouts:?}");
            // What was under way when it began is heard.
            let spec = (kind.make)().spec();
            assert!(
                frames.saturating_sub(delay - spec.lookahead) as u64 <= dropouts.missed_frames
                    && dropouts.missed_frames <= (frames + 2 * hop) as u64,
                "{case}: {dropouts:?}"
            );
            assert_eq!(stage.rig.voices.message(), None, "{case}");
        }
    }
}

#[test]
fn voices_of_all_kinds_change_places_while_they_sound_at_one_delay() {
    let second = RATE_HZ as usize / BLOCK;
    let song = song(9 * second * BLOCK);
    let (rvc, in_one) = Spy::boxed((RVC.make)(), &song);
    let (ddsp, in_two) = Spy::boxed((DDSP.make)(), &song);
    let (later, in_two_later) = Spy::boxed((DDSP.make)(), &song);
    let longest = Latency::of_worker(&host(RATE_HZ, 1, BLOCK), &rvc.spec());
    let mut rig = Rig::of(host(RATE_HZ, 1, BLOCK), rvc, 0.5);
    rig.voices.install(2, ddsp).expect("it needs less");
    rig.drain();
    assert_eq!(rig.delay(), longest.total(), "the longer of the two");
    let output = Vec::new();
    let mut stage = Stage { rig, song, output };
    let delay = stage.rig.delay();
    // One to the other and back, and a new one where another is heard.
    let mut later = Some(later);
    for (to, now, before, is_new) in [
        (1, &in_one, None, false),
        (2, &in_two, Some(&in_one), false),
        (1, &in_one, Some(&in_two), false),
        (2, &in_two, Some(&in_one), false),
        (2, &in_two_later, Some(&in_two), true),
    ] {
        let case = format!("slot {to}, a new voice: {is_new}");
        if let Some(voice) = later.take_if(|_| is_new) {
            stage.rig.voices.install(2, voice).expect("room");
        }
        let from = stage.output.len();
        stage.play(3 * second / 2, &slot(to));
        // What was sung from here on is heard by the other voice, after the fade.
        let there = from + delay;
        stage.assert_heard(now, there + VOICE_FADE, &case);
        let Some(before) = before else {
            continue;
        };
        let fade = from + delay..there + VOICE_FADE;
        for frame in fade {
            let y = stage.output[frame];
            let both = [now, before].map(|said| stage.said(said, frame));
            let known: Vec<f32> = both.into_iter().flatten().collect();
            let low = known.iter().copied().fold(f32::INFINITY, f32::min);
            let high = known.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            assert!(
                (low - 1e-6..high + 1e-6).contains(&y),
                "{case}, frame {frame}: {y} between {both:?}"
            );
        }
    }
    assert_eq!(stage.rig.delay(), delay);
    assert_eq!(stage.rig.processor.dropouts().count, 0);
    assert_eq!(stage.rig.voices.collect(), 1, "the one that was replaced");
    assert_eq!(stage.rig.voices.message(), None);
}

#[test]
fn a_voice_that_looks_further_than_the_delay_that_was_reported_is_refused() {
    let mut rig = Rig::of(host(RATE_HZ, 1, BLOCK), (DDSP.make)(), 0.5);
    let delay = rig.delay();
    let refused = rig.voices.install(2, (RVC.make)());
    let wanted = Latency::of_worker(&host(RATE_HZ, 1, BLOCK), &(RVC.make)().spec()).total();
    let expected = InstallError::Latency {
        needed: wanted,
        available: delay,
    };
    assert_eq!(refused, Err(expected));
}
