//! A voice on a device by way of its maker: as the engine on the CPU sings, within its budget of memory,
//! and what becomes of it when the device fails. The device is an emulator that fails on command, or one
//! that only counts.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod device_slots;
mod rvc_nets;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use autovoice::compute::{Counter, Keeper, Maker, Meter, Metered, Obstacle, Opener, RETRY};
use autovoice::engine::rvc::{Reach, RvcEngine, Singing, Supplies};
use autovoice::engine::{Controls, Engine, Quality, Whereabouts};
use autovoice::model::content::Output;
use autovoice::model::rvc::{RvcConfig, Version};
use autovoice::quality::seeded;
use autovoice::voice::models::content_tensors;
use autovoice::voice::rvc::tensors;
use autovoice::voice::{ContentKind, Shelf, StreamMaker, VoiceKind};
use autovoice_emulator::Tally;
use autovoice_kernels::gpu::Device as _;
use device_slots::{AtOnce, Counted, Slot};
use rvc_nets::{ENCODER, engine, engine_with, small, sung};
use std::time::Duration;

/// As narrow as can be, for an emulator is slow.
fn slim() -> RvcConfig {
    RvcConfig {
        upsample_initial: 32,
        resblock_kernels: vec![3],
        resblock_dilations: vec![vec![1]],
        layers: 1,
        ..small(Version::V2, 32_000, true)
    }
}

fn live() -> Reach {
    Reach::of(Quality::Live).on(1)
}

fn shelf<O: Opener>(opener: O, config: &RvcConfig) -> Arc<Shelf<O, VoiceKind>> {
    let tensors = tensors(config, 21);
    let load = move || match seeded::weights(tensors.clone(), 2) {
        Ok(weights) => Ok(Arc::new(weights)),
        Err(error) => Err(error.to_string()),
    };
    Arc::new(Shelf::new(
        opener,
        VoiceKind(config.clone()),
        Box::new(load),
    ))
}

fn singing(counter: Counter<Singing>) -> Supplies {
    Supplies {
        singing: Some(Box::new(counter)),
        ..Supplies::default()
    }
}

/// Hop by hop.
fn run(engine: &mut RvcEngine, input: &[f32], mut before: impl FnMut(usize)) -> Vec<Vec<f32>> {
    let hops = input.chunks_exact(engine.spec().hop).enumerate();
    hops.map(|(n, input)| {
        before(n);
        let mut y = vec![f32::NAN; input.len()];
        let controls = Controls::default();
        engine.step(&[input], &mut [&mut y], &controls).unwrap();
        y
    })
    .collect()
}

/// The greatest difference, by the root mean square of what is wanted.
fn difference(got: &[Vec<f32>], want: &[Vec<f32>]) -> f32 {
    let (got, want) = (got.concat(), want.concat());
    let power = want.iter().map(|x| x * x).sum::<f32>() / want.len() as f32;
    assert!(1e-6 < power, "it sings");
    let differences = got.iter().zip(&want).map(|(got, want)| (got - want).abs());
    differences.fold(0.0, f32::max) / power.sqrt()
}

#[test]
fn on_a_device_it_sings_as_on_the_cpu_and_when_that_is_lost_another_is_brought() {
    const LOST: usize = 3;
    const FOUND: usize = 4;
    let config = slim();
    let slot = Slot::default();
    let maker = StreamMaker::new(shelf(slot.clone(), &config), live());
    let (mut keeper, counter) = Keeper::new(maker.with(|| Ok(Box::new(AtOnce(None)))));
    let mut now = Duration::ZERO;
    keeper.turn(now);
    let status = counter.status();
    let input = sung(32_000, 0.49, |t| 200.0 + 40.0 * t);
    let want = run(&mut engine(live(), &config), &input, |_| ());
    let mut there = engine_with(live(), &config, singing(counter));
    let whereabouts = there.whereabouts().unwrap();
    let got = run(&mut there, &input, |n| {
        now += RETRY;
        keeper.turn(now);
        let place = status.place();
        assert_eq!(place.device.is_some(), n <= LOST, "{n}: {place:?}");
        if n == LOST || n == FOUND {
            slot.card.is_lost.store(n == LOST, Ordering::Release);
        }
        if n == LOST + 1 {
            let note = whereabouts.place().note.unwrap();
            assert!(note.contains("fallen off the bus"), "{note}");
        }
        if n == FOUND + 1 {
            let note = whereabouts.place().note.unwrap();
            assert!(note.contains("back on the device"), "{note}");
        }
    });
    // In the last hop both sing: that it is the device that is heard then is seen in other tests.
    assert_eq!(got.len(), FOUND + 2);
    let found = difference(&got[..LOST], &want[..LOST]);
    assert!(found < 1e-4, "{found}");
    assert!(0 < slot.forgotten.load(Ordering::Acquire));
    drop(there);
    assert!(keeper.turn(now).is_none(), "it ends with its engine");
}

/// The content encoder, for whoever opens a device.
fn encoder_shelf<O: Opener>(opener: O) -> Arc<Shelf<O, ContentKind>> {
    let load = || match seeded::weights(content_tensors(&ENCODER), 1) {
        Ok(weights) => Ok(Arc::new(weights)),
        Err(error) => Err(error.to_string()),
    };
    let kind = ContentKind(ENCODER, Output::V2);
    Arc::new(Shelf::new(opener, kind, Box::new(load)))
}

/// Of a stream of it: a quarter of a second through an engine that has it, and where it was at each hop.
fn hear<O: Opener>(shelf: &Arc<Shelf<O, ContentKind>>) -> (Vec<Vec<f32>>, Vec<String>) {
    let maker = StreamMaker::new(shelf.clone(), live());
    let (mut keeper, counter) = Keeper::new(maker.with(|| Ok(Box::new(AtOnce(None)))));
    keeper.turn(Duration::ZERO);
    let supplies = Supplies {
        hearing: Some(Box::new(counter)),
        ..Supplies::default()
    };
    let mut engine = engine_with(live(), &slim(), supplies);
    let whereabouts = engine.whereabouts().unwrap();
    let mut places = Vec::new();
    let heard = run(&mut engine, &heard(), |_| {
        places.push(whereabouts.place().device.unwrap_or_default());
    });
    (heard, places)
}

fn heard() -> Vec<f32> {
    sung(32_000, 0.25, |t| 200.0 + 40.0 * t)
}

#[test]
#[ignore = "takes a minute and a half on an emulator"]
fn on_a_device_it_hears_as_on_the_cpu() {
    let want = run(&mut engine(live(), &slim()), &heard(), |_| ());
    let (got, places) = hear(&encoder_shelf(Slot::default()));
    for place in places {
        assert!(place.starts_with("an emulator, "), "{place}");
    }
    let found = difference(&got, &want);
    assert!(found < 1e-4, "{found}");
}

#[test]
fn the_encoder_is_there_once_for_all_engines_and_fits_them() {
    let meter = Meter::new(usize::MAX);
    let shelf = encoder_shelf(Counted {
        meter: meter.clone(),
        choices: Arc::default(),
    });
    let maker = || StreamMaker::new(shelf.clone(), live());
    let first = maker().make().ok().unwrap();
    let one = meter.used();
    let second = maker().make().ok().unwrap();
    let stream = meter.used() - one;
    assert!(0 < stream && 2 * stream < one, "{stream} of {one}");
    drop((first, second));
    let (heard, places) = hear(&shelf);
    assert_eq!(heard.len(), places.len());
    for place in places {
        assert!(place.starts_with("a tally, "), "{place}");
    }
}

#[test]
fn what_is_taken_of_a_device_is_shown_as_it_is_now() {
    let meter = Meter::new(2_000_000_000);
    let shelf = shelf(
        Counted {
            meter: meter.clone(),
            choices: Arc::default(),
        },
        &slim(),
    );
    let (mut keeper, counter) = Keeper::new(StreamMaker::new(shelf, live()));
    keeper.turn(Duration::ZERO);
    let engine = engine_with(live(), &slim(), singing(counter));
    let shown = || engine.whereabouts().unwrap().place().device.unwrap();
    assert_eq!(shown(), "a tally, 0.0 of 2.0 GB");
    let others = Metered::new(Tally::new(14), meter, None);
    let taken = others.allocate(1_500_000_000).unwrap();
    assert_eq!(shown(), "a tally, 1.5 of 2.0 GB");
    drop(taken);
    assert_eq!(shown(), "a tally, 0.0 of 2.0 GB");
}

/// What one engine takes of a budget, or why it takes nothing.
fn made(limit: usize) -> (Result<(String, Option<String>), Obstacle>, usize) {
    let meter = Meter::new(limit);
    let counted = Counted {
        meter: meter.clone(),
        choices: Arc::default(),
    };
    let mut maker = StreamMaker::new(shelf(counted, &slim()), live());
    let made = maker.make();
    let used = meter.used();
    (made.map(|made| (made.device, made.note)), used)
}

#[test]
fn without_the_memory_it_is_there_in_half_precision_and_without_that_on_the_cpu() {
    let (full, used) = made(usize::MAX);
    let (device, note) = full.unwrap();
    assert_eq!((device.as_str(), note), ("a tally", None));
    let (enough, _) = made(used);
    assert_eq!(enough.unwrap().1, None);
    // With a byte less the weights shrink.
    let (half, smaller) = made(used - 1);
    let (device, note) = half.unwrap();
    assert_eq!(device, "a tally, half precision");
    assert!(note.unwrap().contains("half precision"));
    assert!(smaller < used, "{smaller} of {used}");
    let (none, left) = made(smaller - 1);
    let obstacle = none.unwrap_err();
    assert!(obstacle.may_pass, "another voice may go");
    let note = obstacle.note.unwrap();
    assert!(
        note.contains("out of memory") && note.contains("on the CPU"),
        "{note}"
    );
    assert_eq!(left, 0, "nothing is left behind");
}

#[test]
fn engines_of_a_voice_share_its_weights_until_the_choice_changes() {
    let meter = Meter::new(usize::MAX);
    let choices = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        meter: meter.clone(),
        choices: choices.clone(),
    };
    let shelf = shelf(counted, &small(Version::V2, 48_000, true));
    let maker = || StreamMaker::new(shelf.clone(), live());
    let first = maker().make().ok().unwrap();
    let one = meter.used();
    let second = maker().make().ok().unwrap();
    let two = meter.used();
    let third = maker().make().ok().unwrap();
    let stream = meter.used() - two;
    assert_eq!(two - one, stream);
    assert!(2 * stream < one, "{stream} of {one}");
    drop((first, second, third));
    choices.store(1, Ordering::Release);
    let _moved = maker().make().ok().unwrap();
    // Those that were dropped are freed by their own threads, in a moment.
    while one < meter.used() {
        std::thread::yield_now();
    }
    maker().forget();
}

#[test]
fn a_supply_without_a_device_stays_on_the_cpu() {
    let config = slim();
    let slot = Slot::default();
    slot.card.is_lost.store(true, Ordering::Release);
    let (mut keeper, counter): (_, Counter<Singing>) =
        Keeper::new(StreamMaker::new(shelf(slot, &config), live()));
    keeper.turn(Duration::ZERO);
    let status = counter.status();
    let input = sung(32_000, 0.4, |_| 200.0);
    let want = run(&mut engine(live(), &config), &input, |_| ());
    let mut there = engine_with(live(), &config, singing(counter));
    assert_eq!(run(&mut there, &input, |_| ()), want);
    assert_eq!(status.place().device, None);
    assert!(status.place().note.unwrap().contains("on the CPU instead"));
}
