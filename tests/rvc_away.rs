//! The RVC engine with its voice on a device: the same sound there and here, and when the device fails. The
//! device is a twin on the CPU that fails on command, and time is counted in hops: nothing waits.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod rvc_away_desk;
mod rvc_nets;

use std::sync::Arc;

use autovoice::engine::away::Trouble;
use autovoice::engine::rvc::{Reach, RvcEngine};
use autovoice::engine::{Controls, Engine, Quality, VoiceControls};
use autovoice::model::rvc::{RvcConfig, Version};
use rvc_away_desk::{Desk, Fate};
use rvc_nets::{engine, engine_with, small, sung};

fn config() -> RvcConfig {
    small(Version::V2, 48_000, true)
}

fn live() -> Reach {
    Reach::of(Quality::Live).on(1)
}

/// One hop of the engine.
fn hop(engine: &mut RvcEngine, input: &[f32], controls: &Controls) -> Vec<f32> {
    let mut y = vec![f32::NAN; input.len()];
    engine.step(&[input], &mut [&mut y], controls).unwrap();
    assert!(y.iter().all(|x| x.is_finite()));
    y
}

/// All hops of a signal, with another speaker from the fifth on; `before` each.
fn run(engine: &mut RvcEngine, input: &[f32], mut before: impl FnMut(usize)) -> Vec<Vec<f32>> {
    let frames = engine.spec().hop;
    let hops = input.chunks_exact(frames).enumerate();
    hops.map(|(n, input)| {
        before(n);
        let voice = VoiceControls {
            speaker: u16::from(4 < n),
            ..VoiceControls::DEFAULT
        };
        let controls = Controls {
            voice,
            ..Controls::default()
        };
        hop(engine, input, &controls)
    })
    .collect()
}

fn song(seconds: f64) -> Vec<f32> {
    sung(48_000, seconds, |t| 200.0 + 40.0 * t)
}

/// The same up to the last digits: blocks of convolutions lie elsewhere in a stream that began later.
fn assert_near(got: &[Vec<f32>], want: &[Vec<f32>], what: &str) {
    let (got, want) = (got.concat(), want.concat());
    assert_eq!(got.len(), want.len(), "{what}");
    let loudest = want.iter().fold(0.0, |most: f32, x| most.max(x.abs()));
    assert!(0.01 < loudest, "{what}: it sings");
    for (n, (got, want)) in got.iter().zip(&want).enumerate() {
        let difference = (got - want).abs();
        assert!(
            difference < 1e-5 * loudest,
            "{what}: {got} for {want} at {n}"
        );
    }
}

#[test]
fn away_it_is_the_same_sound() {
    let silent = small(Version::V2, 40_000, false);
    for (reach, config) in [
        (live(), config()),
        (live().on(2), config()),
        (Reach::QUICK, config()),
        (live(), silent),
    ] {
        let input = song(1.5);
        let want = run(&mut engine(reach, &config), &input, |_| ());
        let desk = Arc::new(Desk::default());
        desk.bring(reach, &config, Fate::Sings);
        let mut there = engine_with(reach, &config, desk.supplies());
        assert_eq!(run(&mut there, &input, |_| ()), want, "{reach:?}");
        there.reset();
        assert_eq!(run(&mut there, &input, |_| ()), want, "after a reset");
        assert_eq!(desk.is_heard(), Some(true));
        assert!(desk.done() >= 2 * want.len(), "{} hops away", desk.done());
        assert!(desk.troubles().is_empty());
    }
}

#[test]
fn what_fails_is_sung_here_in_the_same_hop() {
    // The frames that networks look back at, in hops.
    const MEMORY: usize = 6;
    const AT: usize = 8;
    let input = song(2.4);
    for (fate, reason) in [
        (Fate::Fails, "the card is lost"),
        (Fate::Hangs, "no answer for 80 ms"),
        (Fate::GivesNoNumber, "no number"),
        (Fate::Panics, "internal error"),
        (Fate::Unwanted, "left alone"),
    ] {
        for threads in [1, 2] {
            let (reach, config) = (live().on(threads), config());
            let want = run(&mut engine(reach, &config), &input, |_| ());
            let desk = Arc::new(Desk::default());
            desk.bring(reach, &config, Fate::Sings);
            let mut there = engine_with(reach, &config, desk.supplies());
            let got = run(&mut there, &input, |n| {
                // Seen before the hop that follows.
                let is_away = n <= AT;
                assert_eq!(desk.is_heard(), Some(is_away), "{fate:?}, hop {n}");
                if n == AT {
                    desk.fates(fate);
                }
            });
            let second = threads - 1;
            assert_eq!(got[..AT + second], want[..AT + second], "{fate:?}");
            let again = AT + second + MEMORY;
            assert_near(&got[again..], &want[again..], &format!("{fate:?}"));
            let (broken, whole) = (&got[AT + second], &want[AT + second]);
            let differences = broken.iter().zip(whole).map(|(a, b)| (a - b).abs());
            let worst = differences.fold(0.0, f32::max);
            assert!(0.01 < worst, "{worst}: silence is behind it");
            let [trouble] = &desk.troubles()[..] else {
                panic!("{fate:?}: {:?}", desk.troubles());
            };
            assert!(trouble.to_string().contains(reason), "{trouble}");
            assert_eq!(desk.freed(), usize::from(fate != Fate::Hangs));
        }
    }
}

#[test]
fn where_it_breaks_off_nothing_clicks() {
    let input = song(1.2);
    let (reach, config) = (live(), config());
    let desk = Arc::new(Desk::default());
    desk.bring(reach, &config, Fate::Sings);
    let mut there = engine_with(reach, &config, desk.supplies());
    let hops = run(&mut there, &input, |n| {
        if n == 8 {
            desk.fates(Fate::Fails);
        }
    });
    let sound = hops.concat();
    let steps = |from: usize, to: usize| {
        let pairs = sound[from..to].windows(2);
        pairs.map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max)
    };
    let frames = there.spec().hop;
    // Formants are moved later than is sung.
    let usual = steps(4 * frames, 8 * frames);
    let there = steps(8 * frames, 10 * frames);
    assert!(there <= usual, "{there} after {usual}");
}

#[test]
fn back_on_a_device_nothing_is_heard_of_it() {
    let input = song(2.0);
    let (reach, config) = (live(), config());
    let want = run(&mut engine(reach, &config), &input, |_| ());
    let desk = Arc::new(Desk::default());
    let mut there = engine_with(reach, &config, desk.supplies());
    let mut heard_from = None;
    let got = run(&mut there, &input, |n| {
        if n == 7 {
            desk.bring(reach, &config, Fate::Sings);
        }
        if desk.is_heard() == Some(true) {
            heard_from.get_or_insert(n);
        }
    });
    assert_near(&got, &want, "back");
    // 45 frames in hops of 8.
    assert_eq!(heard_from, Some(7 + 6));
    // One that fails before it is heard is not missed either.
    desk.fates(Fate::Fails);
    let mut there = engine_with(reach, &config, desk.supplies());
    let got = run(&mut there, &input, |n| {
        if n == 3 {
            desk.bring(reach, &config, Fate::Fails);
        }
    });
    assert_eq!(got, want);
    assert!(matches!(desk.troubles().last(), Some(Trouble::Failed(_))));
}

#[test]
fn what_fails_at_once_never_leaves_its_maker() {
    let desk = Desk::default();
    desk.fates(Fate::Fails);
    let broken = desk.singing(live(), &config());
    let found = broken.err().unwrap().to_string();
    assert!(found.contains("the card is lost"), "{found}");
    assert!(desk.hearing(live(), &config()).is_err());
    assert_eq!(desk.freed(), 2);
}

#[test]
fn heard_away_it_is_the_same_sound() {
    let first = small(Version::V1, 40_000, true);
    for (reach, config) in [
        (live(), config()),
        (Reach::QUICK, config()),
        (live(), first),
    ] {
        let input = song(1.5);
        let want = run(&mut engine(reach, &config), &input, |_| ());
        let desk = Arc::new(Desk::default());
        desk.bring_ear(reach, &config, Fate::Sings);
        let mut there = engine_with(reach, &config, desk.supplies_of_ears());
        assert_eq!(run(&mut there, &input, |_| ()), want, "{reach:?}");
        there.reset();
        assert_eq!(run(&mut there, &input, |_| ()), want, "after a reset");
        assert_eq!(desk.is_heard(), Some(true));
        assert!(desk.done() >= 2 * want.len(), "{} hops away", desk.done());
        assert!(desk.troubles().is_empty());
    }
}

#[test]
fn what_fails_to_hear_is_heard_here_in_the_same_hop_and_comes_back() {
    const AT: usize = 6;
    const BACK: usize = 9;
    let input = song(6.0);
    let (reach, config) = (live(), config());
    let want = run(&mut engine(reach, &config), &input, |_| ());
    for (fate, reason) in [
        (Fate::Fails, "the card is lost"),
        (Fate::Hangs, "no answer for 80 ms"),
        (Fate::GivesNoNumber, "no number"),
    ] {
        let desk = Arc::new(Desk::default());
        desk.bring_ear(reach, &config, Fate::Sings);
        let mut there = engine_with(reach, &config, desk.supplies_of_ears());
        let mut places = Vec::new();
        let got = run(&mut there, &input, |n| {
            places.push(desk.is_heard() == Some(true));
            match n {
                AT => desk.fates(fate),
                BACK => desk.bring_ear(reach, &config, Fate::Sings),
                _ => (),
            }
        });
        assert_eq!(got[..AT], want[..AT], "{fate:?}");
        let [trouble] = &desk.troubles()[..] else {
            panic!("{fate:?}: {:?}", desk.troubles());
        };
        assert!(trouble.to_string().contains(reason), "{trouble}");
        // 80 frames of attention and 2 s of loudness, in hops of 4.
        let again = BACK + 45;
        for (n, is_away) in places.iter().enumerate() {
            assert_eq!(*is_away, n <= AT || again <= n, "{fate:?}, hop {n}");
        }
        assert!(again + 5 < places.len(), "{}", places.len());
        // Attention has forgotten; the loudness of seconds ago still counts a little.
        let late = 60;
        let energy = |of: &[Vec<f32>]| of.concat().iter().map(|x| x * x).sum::<f32>();
        let pairs = got[late..].iter().zip(&want[late..]);
        let differences = pairs.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect());
        let differences: Vec<Vec<f32>> = differences.collect();
        let share = energy(&differences) / energy(&want[late..]);
        assert!(share < 0.1, "{fate:?}: {share}");
    }
}
