//! Trackers whose network is on a device: the same pitch there and here, at the same instants, and what
//! becomes of them when the device fails.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use autovoice::compute::{Keeper, Maker, Meter, Opener, RETRY};
use autovoice::engine::away::{Elsewhere, Supply, Tracking};
use autovoice::model::crepe::{Capacity, Crepe};
use autovoice::model::rmvpe::RmvpeConfig;
use autovoice::pitch::track::crepe::{CrepeConfig, CrepeTracker, Decoder};
use autovoice::pitch::{PitchFrame, PitchTracker, TrackerKind};
use autovoice::quality::seeded;
use autovoice::voice::models::rmvpe_tensors;
use autovoice::voice::{CrepeKind, RmvpeKind, Shelf, StreamMaker};

use crate::crepe::weights;
use crate::device_slots::{AtOnce, Counted, Slot};
use crate::rvc_away_desk::{Desk, Fate};
use crate::rvc_nets::sung;

const LIMIT: Duration = Duration::from_millis(70);

fn crepe() -> Crepe {
    Crepe::new(Capacity::Tiny, &weights(Capacity::Tiny).root()).unwrap()
}

/// With the decoder whose pitch depends on every bin around the best.
fn config() -> CrepeConfig {
    CrepeConfig {
        decoder: Decoder::Weighted,
        ..CrepeConfig::default()
    }
}

fn here() -> CrepeTracker {
    CrepeTracker::new(16_000, crepe(), config())
}

fn elsewhere(supply: Box<dyn Supply<Tracking>>) -> CrepeTracker {
    let network = Elsewhere::new(Box::new(crepe()), supply, LIMIT);
    CrepeTracker::with(16_000, (Capacity::Tiny, Box::new(network)), config())
}

/// What it says of a signal, and with which sample each; `before` each of its windows.
fn track(
    tracker: &mut dyn PitchTracker,
    signal: &[f32],
    mut before: impl FnMut(usize),
) -> Vec<(usize, PitchFrame)> {
    let mut said = Vec::new();
    before(0);
    for (n, x) in signal.iter().enumerate() {
        if let Some(frame) = tracker.push(*x) {
            said.push((n, frame));
            before(said.len());
        }
    }
    said
}

fn signal(seconds: f64) -> Vec<f32> {
    sung(16_000, seconds, |t| 200.0 + 100.0 * t)
}

#[test]
fn tracked_away_it_is_the_same_pitch() {
    let signal = signal(0.5);
    let want = track(&mut here(), &signal, |_| ());
    let desk = Desk::default();
    desk.bring_tracker(&crepe(), Fate::Sings);
    let mut there = elsewhere(Box::new(desk.clone()));
    assert_eq!(there.lookahead(), here().lookahead());
    for _ in 0..2 {
        assert_eq!(track(&mut there, &signal, |_| ()), want);
        there.reset();
    }
    assert_eq!(desk.is_heard(), Some(true));
    assert_eq!(desk.done(), 2 * want.len(), "every window, and once");
    assert!(desk.troubles().is_empty());
}

#[test]
fn what_fails_is_tracked_here_in_the_same_window_and_comes_back() {
    const AT: usize = 10;
    const BACK: usize = 20;
    let signal = signal(0.5);
    let want = track(&mut here(), &signal, |_| ());
    assert!(BACK + 5 < want.len());
    for (fate, reason) in [
        (Fate::Fails, "the card is lost"),
        (Fate::Hangs, "no answer for 70 ms"),
        (Fate::GivesNoNumber, "no number"),
        (Fate::Panics, "internal error"),
        (Fate::Unwanted, "left alone"),
    ] {
        let desk = Desk::default();
        desk.bring_tracker(&crepe(), Fate::Sings);
        let mut there = elsewhere(Box::new(desk.clone()));
        let mut heard = Vec::new();
        let got = track(&mut there, &signal, |n| {
            heard.push(desk.is_heard() == Some(true));
            match n {
                AT => desk.fates(fate),
                BACK => desk.bring_tracker(&crepe(), Fate::Sings),
                _ => (),
            }
        });
        assert_eq!(got, want, "{fate:?}");
        let [trouble] = &desk.troubles()[..] else {
            panic!("{fate:?}: {:?}", desk.troubles());
        };
        assert!(trouble.to_string().contains(reason), "{trouble}");
        for (n, is_away) in heard.iter().enumerate() {
            assert_eq!(*is_away, n <= AT || BACK < n, "{fate:?}, window {n}");
        }
    }
}

fn crepe_shelf<O: Opener>(opener: O) -> Arc<Shelf<O, CrepeKind>> {
    let load = || Ok(Arc::new(weights(Capacity::Tiny)));
    let kind = CrepeKind(Capacity::Tiny);
    Arc::new(Shelf::new(opener, kind, Box::new(load)))
}

#[test]
#[ignore = "takes a minute on an emulator"]
fn on_a_device_a_tracker_says_what_it_says_on_the_cpu_and_a_lost_one_is_replaced() {
    const LOST: usize = 3;
    let slot = Slot::default();
    let maker = StreamMaker::new(crepe_shelf(slot.clone()), ());
    let (mut keeper, counter) = Keeper::new(maker.with(|| Ok(Box::new(AtOnce(None)))));
    let mut now = Duration::ZERO;
    keeper.turn(now);
    let whereabouts = counter.whereabouts();
    let signal = signal(0.1);
    let want = track(&mut here(), &signal, |_| ());
    let mut there = elsewhere(Box::new(counter));
    let got = track(&mut there, &signal, |n| {
        now += RETRY;
        keeper.turn(now);
        let place = whereabouts.place();
        let is_there = n <= LOST || LOST + 2 < n;
        assert_eq!(place.device.is_some(), is_there, "{n}: {place:?}");
        slot.card.is_lost.store(n == LOST, Ordering::Release);
        if n == LOST + 1 {
            let note = place.note.unwrap();
            assert!(note.contains("fallen off the bus"), "{note}");
        }
    });
    assert!(LOST + 3 < got.len(), "{}", got.len());
    assert_eq!(got.len(), want.len());
    for ((at, got), (expected, want)) in got.iter().zip(&want) {
        assert_eq!((at, got.at), (expected, want.at));
        let cents = 1200.0 * (got.f0_hz / want.f0_hz).log2().abs();
        assert!(cents < 0.1, "{got:?} for {want:?}");
        assert!((got.confidence - want.confidence).abs() < 1e-5);
    }
    drop(there);
    assert!(keeper.turn(now).is_none(), "it ends with its tracker");
}

/// What one more takes of a device, and where a tracker of it says it is.
fn counted<T>(make: impl FnOnce(Counted) -> T) -> (T, Arc<Meter>) {
    let meter = Meter::new(usize::MAX);
    let opener = Counted {
        meter: meter.clone(),
        choices: Arc::default(),
    };
    (make(opener), meter)
}

#[test]
fn a_network_is_there_once_for_all_trackers_and_fits_them() {
    let (shelf, meter) = counted(crepe_shelf);
    let maker = || StreamMaker::new(shelf.clone(), ());
    let first = maker().make().ok().unwrap();
    let one = meter.used();
    let second = maker().make().ok().unwrap();
    let stream = meter.used() - one;
    assert!(0 < stream && 2 * stream < one, "{stream} of {one}");
    drop((first, second));
    let (mut keeper, counter) = Keeper::new(maker().with(|| Ok(Box::new(AtOnce(None)))));
    keeper.turn(Duration::ZERO);
    let whereabouts = counter.whereabouts();
    let signal = signal(0.1);
    let instants = |said: Vec<(usize, PitchFrame)>| -> Vec<(usize, f64)> {
        said.iter().map(|(n, frame)| (*n, frame.at)).collect()
    };
    let got = track(&mut elsewhere(Box::new(counter)), &signal, |_| ());
    // What only counts says that nothing is heard.
    assert!(got.iter().all(|(_, frame)| frame.confidence == 0.0));
    let want = track(&mut here(), &signal, |_| ());
    assert_eq!(instants(got), instants(want));
    let device = whereabouts.place().device.unwrap();
    assert!(device.starts_with("a tally, "), "{device}");
}

#[test]
fn the_whole_of_rmvpe_fits_its_tracker() {
    let weights = Arc::new(seeded::weights(rmvpe_tensors(&RmvpeConfig::FULL), 3).unwrap());
    let (shelf, _) = counted(|opener| {
        let there = weights.clone();
        let kind = RmvpeKind(RmvpeConfig::FULL, 128);
        Arc::new(Shelf::new(
            opener,
            kind,
            Box::new(move || Ok(there.clone())),
        ))
    });
    let maker = StreamMaker::new(shelf, ()).with(|| Ok(Box::new(AtOnce(None))));
    let (mut keeper, counter) = Keeper::new(maker);
    keeper.turn(Duration::ZERO);
    let whereabouts = counter.whereabouts();
    let place = |here| Box::new(Elsewhere::new(here, Box::new(counter), LIMIT)) as _;
    let made = TrackerKind::Rmvpe.with_weights(16_000, 50.0, &weights, place);
    let mut tracker = made.unwrap().unwrap();
    let said = track(&mut *tracker, &vec![0.1; 30_000], |_| ());
    // Three windows of it, of 64, 96 and 128 spectra, and the first 32 of what the last decided on.
    assert!(96 < said.len(), "{}", said.len());
    assert!(said.iter().all(|(_, frame)| frame.confidence == 0.0));
    let device = whereabouts.place().device.unwrap();
    assert!(device.starts_with("a tally, "), "{device}");
}
