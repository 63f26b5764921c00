//! Who keeps a voice on its device, in virtual time: attempts, failures, returns, changes of the choice,
//! and what is said of each.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod rvc_away_desk;
mod rvc_nets;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use autovoice::compute::{Counter, Keeper, Made, Maker, Obstacle, RETRY, SELDOM};
use autovoice::engine::away::{Away, Supply, Trouble};
use autovoice::engine::rvc::{Reach, Singing};
use autovoice::engine::{Place, Quality, Whereabouts};
use autovoice::model::rvc::Version;
use rvc_away_desk::Desk;
use rvc_nets::small;

/// What is asked of a maker, and what it is to answer.
#[derive(Default)]
struct Orders {
    answers: VecDeque<Result<(&'static str, Option<&'static str>), Obstacle>>,
    attempts: usize,
    forgotten: usize,
    choices: u64,
}

#[derive(Clone, Default)]
struct Shop(Arc<Mutex<Orders>>);

impl Shop {
    fn orders<T>(&self, look: impl FnOnce(&mut Orders) -> T) -> T {
        look(&mut self.0.lock().unwrap())
    }

    fn answers(&self, answer: Result<&'static str, Obstacle>) {
        let answer = answer.map(|name| (name, None));
        self.orders(|orders| orders.answers.push_back(answer));
    }
}

fn away() -> Away<Singing> {
    let reach = Reach::of(Quality::Live).on(1);
    let config = small(Version::V2, 48_000, false);
    Desk::default().singing(reach, &config).unwrap()
}

impl Maker for Shop {
    type Task = Singing;

    fn make(&mut self) -> Result<Made<Singing>, Obstacle> {
        let answer = self.orders(|orders| {
            orders.attempts += 1;
            orders.answers.pop_front().unwrap()
        });
        answer.map(|(device, note)| Made {
            away: away(),
            device: device.to_owned(),
            meter: None,
            note: note.map(str::to_owned),
        })
    }

    fn forget(&mut self) {
        self.orders(|orders| orders.forgotten += 1);
    }

    fn choices(&self) -> u64 {
        self.orders(|orders| orders.choices)
    }
}

fn obstacle(note: &str, may_pass: bool) -> Obstacle {
    let note = Some(note.to_owned());
    Obstacle { note, may_pass }
}

/// The keeper turned every tenth of a second up to an instant; how often it tried.
fn until(keeper: &mut Keeper<Shop>, shop: &Shop, from_ms: &mut u64, to_ms: u64) -> usize {
    let before = shop.orders(|orders| orders.attempts);
    while *from_ms < to_ms {
        assert!(keeper.turn(Duration::from_millis(*from_ms)).is_some());
        *from_ms += 100;
    }
    shop.orders(|orders| orders.attempts) - before
}

fn place(counter: &Counter<Singing>) -> Place {
    counter.status().place()
}

#[test]
fn what_fails_is_tried_again_every_second_until_it_is_back() {
    let shop = Shop::default();
    let (mut keeper, mut counter) = Keeper::new(shop.clone());
    let mut now = 0;
    assert_eq!(place(&counter), Place::default());
    shop.answers(Ok("a card"));
    assert_eq!(until(&mut keeper, &shop, &mut now, 5_000), 1, "no more");
    let voice = counter.take().unwrap();
    assert!(counter.take().is_none());
    counter.heard(true);
    assert_eq!(place(&counter).device.as_deref(), Some("a card"));
    assert_eq!(place(&counter).note, None);

    counter.heard(false);
    counter.give_back(voice, Trouble::Hung(Duration::from_millis(80)));
    assert_eq!(until(&mut keeper, &shop, &mut now, 5_100), 0);
    assert_eq!(shop.orders(|orders| orders.forgotten), 1);
    let shown = place(&counter);
    assert_eq!(shown.device, None);
    let note = shown.note.unwrap();
    for part in [
        "no answer for 80 ms",
        "on the CPU",
        "tried again every second",
    ] {
        assert!(note.contains(part), "{note}");
    }
    // For as long as it is away, whatever it says.
    for _ in 0..3 {
        shop.answers(Err(obstacle("the card has fallen off the bus", false)));
    }
    assert_eq!(until(&mut keeper, &shop, &mut now, 8_050), 3);
    let note = place(&counter).note.unwrap();
    assert!(
        note.contains("fallen off the bus") && note.contains("no answer"),
        "{note}"
    );
    shop.answers(Ok("a card"));
    let at = now;
    assert_eq!(until(&mut keeper, &shop, &mut now, 20_000), 1);
    assert!(
        RETRY < Duration::from_secs(5) && at < 10_000,
        "soon after its return"
    );
    assert!(counter.take().is_some());
    counter.heard(true);
    let shown = place(&counter);
    assert_eq!(shown.device.as_deref(), Some("a card"));
    assert!(
        shown.note.unwrap().contains("back on the device"),
        "it is said"
    );
}

#[test]
fn what_never_was_there_is_tried_again_only_if_it_may_come() {
    for (may_pass, attempts) in [(false, 1), (true, 4)] {
        let shop = Shop::default();
        let (mut keeper, mut counter) = Keeper::new(shop.clone());
        for _ in 0..attempts {
            shop.answers(Err(obstacle("there is none", may_pass)));
        }
        let end = SELDOM.as_millis() as u64 * 3 + 500;
        assert_eq!(until(&mut keeper, &shop, &mut 0, end), attempts);
        assert!(counter.take().is_none());
        assert_eq!(place(&counter).note.as_deref(), Some("there is none"));
    }
}

#[test]
fn a_change_of_the_choice_takes_the_voice_back_and_makes_another() {
    let shop = Shop::default();
    let (mut keeper, mut counter) = Keeper::new(shop.clone());
    let mut now = 0;
    shop.answers(Ok("one card"));
    until(&mut keeper, &shop, &mut now, 200);
    let voice = counter.take().unwrap();
    counter.heard(true);
    assert!(counter.is_wanted());
    shop.orders(|orders| orders.choices += 1);
    assert_eq!(until(&mut keeper, &shop, &mut now, 1_000), 0);
    assert!(!counter.is_wanted(), "the engine sees it at its next hop");
    counter.heard(false);
    counter.give_back(voice, Trouble::Unwanted);
    shop.answers(Ok("another card"));
    assert_eq!(until(&mut keeper, &shop, &mut now, 1_100), 1, "at once");
    assert!(counter.is_wanted());
    assert!(counter.take().is_some());
    counter.heard(true);
    assert_eq!(
        place(&counter),
        Place {
            device: Some("another card".to_owned()),
            note: None
        }
    );
    assert_eq!(shop.orders(|orders| orders.forgotten), 0, "nothing failed");
}

#[test]
fn a_choice_is_obeyed_where_nothing_was_out() {
    let shop = Shop::default();
    let (mut keeper, mut counter) = Keeper::new(shop.clone());
    let mut now = 0;
    shop.answers(Err(Obstacle::default()));
    assert_eq!(until(&mut keeper, &shop, &mut now, 30_000), 1);
    assert_eq!(place(&counter), Place::default(), "as it was wanted");
    shop.orders(|orders| orders.choices += 1);
    shop.answers(Ok("a card"));
    assert_eq!(until(&mut keeper, &shop, &mut now, 30_100), 1);
    assert!(counter.take().is_some());
}

#[test]
fn it_ends_with_its_engine() {
    let shop = Shop::default();
    let (mut keeper, counter) = Keeper::new(shop.clone());
    shop.answers(Ok("a card"));
    assert!(keeper.turn(Duration::ZERO).is_some());
    drop(counter);
    assert_eq!(keeper.turn(Duration::from_millis(100)), None);
}
