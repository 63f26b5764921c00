//! A voice from its first word to a slot, without sound and without a window: the desk, the dummy
//! backend in virtual time, and the trainer with tiny networks.

mod new_voice_desk;

use autovoice::app::new_voice::level::Advice;
use autovoice::app::new_voice::session::{Hand, Mic, Origin, Stage};
use autovoice::app::supervisor::Command;
use autovoice::plugin::voices::SlotState;
use autovoice::train::voice::Flaw;
use autovoice::voice::Library;
use new_voice_desk::{Home, Rig, buzz};
use std::path::Path;

/// Bytes of more than a second: from then on a recording's header is kept up to date.
const WRITTEN: u64 = 250_000;

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_voice_is_read_trained_and_sung_with() {
    let home = Home::new(true);
    let mut rig = Rig::open(&home, [2, 2]);
    rig.begin("Buzz");
    rig.sing(0.2);
    assert_eq!(rig.desk.meter.advice(), Advice::Good);
    rig.read(11, 3.0);
    let session = &rig.desk.session;
    assert!(
        (30.0..35.0).contains(&session.speech_s()),
        "{}",
        session.speech_s()
    );
    // A buzz without a pause lets no background be heard.
    let flaws = |at: usize| session.sentences[at].clone().and_then(|s| s.found);
    assert_eq!(flaws(4).expect("read").1, [Flaw::Noisy]);
    let sentences = rig.desk.home().expect("begun").sentences();
    assert_eq!(names(&sentences).len(), 11);
    // The devices' rate, one channel, and what was sung rather than what came out.
    let file = sentences.join("005-005.wav");
    let mut reader = hound::WavReader::open(file).expect("a WAV file");
    assert_eq!(
        (reader.spec().channels, reader.spec().sample_rate),
        (1, 48_000)
    );
    let sung: Vec<f32> = reader.samples().map(|x| x.expect("whole")).collect();
    let steps = sung
        .windows(2)
        .filter(|pair| 0.5 < (pair[1] - pair[0]).abs());
    let hz = steps.count() as f64 / (sung.len() as f64 / 48e3);
    assert!((hz - 150.0).abs() < 2.0, "{hz} Hz");

    rig.desk.hand(Hand::Train(5.0));
    rig.until("in the library", |rig| {
        matches!(rig.desk.session.stage, Stage::Finished(_))
    });
    let Stage::Finished(reference) = rig.desk.session.stage.clone() else {
        unreachable!("just waited for")
    };
    assert_eq!(reference.name, "Buzz");
    assert_eq!(rig.desk.session.progress.share(), 1.0);
    assert!(rig.desk.home().expect("begun").page().is_file());
    let library = Library::open(&home.places().library);
    let voice = library.named("Buzz").expect("in the library");
    Library::load(&voice).expect("whole");
    let consent = &voice.metadata.consent;
    for part in ["a buzz", "2026-11-26T16:00:00Z", "agreed"] {
        assert!(consent.contains(part), "{consent}");
    }
    // It is in the lists at once, and can be put into a slot.
    rig.until("listed", |rig| {
        let shown = rig.shared.params.rack.shown();
        shown.listed.iter().any(|listed| listed.voice == reference)
    });
    rig.shared.params.rack.put(1, Some(reference.clone()));
    rig.until("to be sung with", |rig| {
        rig.shared.params.rack.shown().slots[0].state == SlotState::Ready
    });
}

#[test]
fn what_was_read_survives_the_end_of_the_app() {
    let home = Home::new(false);
    let mut rig = Rig::open(&home, [2, 2]);
    rig.begin("Half");
    rig.read(2, 1.0);
    // The third is under way when everything ends.
    rig.desk.hand(Hand::Next);
    rig.desk.hand(Hand::Record);
    rig.sing(3.0);
    rig.until("saved", |rig| {
        let folder = rig.desk.home().expect("begun").sentences();
        names(&folder).iter().any(|name| {
            // Written, not only begun: its writer may be late.
            let length = std::fs::metadata(folder.join(name)).map_or(0, |found| found.len());
            name.ends_with(".unfinished") && WRITTEN < length
        })
    });
    drop(rig);

    let mut rig = Rig::open(&home, [2, 2]);
    rig.until("found again", |rig| !rig.desk.unfinished.is_empty());
    assert_eq!(
        rig.desk.session.stage,
        Stage::Describing,
        "nobody asked for it"
    );
    let found = rig.desk.unfinished[0].clone();
    assert_eq!(found.project.name, "Half");
    rig.desk.hand(Hand::TakeUp(Box::new(found)));
    rig.until("looked at", |rig| {
        let mut read = rig.desk.session.sentences.iter().flatten();
        // What was kept of the third counts.
        3 <= read.clone().count() && read.all(|sentence| sentence.found.is_some())
    });
    assert_eq!(rig.desk.session.at, 3);
    rig.read(1, 1.0);
    rig.until("there", |rig| {
        let read = rig.desk.session.sentences.iter().flatten();
        read.count() == 4
    });
}

#[test]
fn a_training_goes_on_when_the_app_is_opened_again() {
    let home = Home::new(true);
    let recordings = home.0.path().join("elsewhere");
    buzz(&recordings.join("one.wav"), 160.0, 8.0);
    let mut rig = Rig::open(&home, [1, 100_000]);
    rig.desk.session.form.from = Origin::Folder;
    rig.desk.session.form.folder = recordings.display().to_string();
    rig.begin("Long");
    rig.desk.hand(Hand::Train(5.0));
    rig.until("under way", |rig| {
        10 <= rig.desk.session.progress.steps.0 && rig.desk.session.progress.stage == Some(1)
    });
    let done = rig.desk.session.progress.steps.0;
    drop(rig);

    let mut rig = Rig::open(&home, [1, 100_000]);
    rig.until("going on", |rig| {
        let progress = &rig.desk.session.progress;
        assert_ne!(progress.stage, Some(0), "it began anew");
        progress.stage == Some(1) && done <= progress.steps.0
    });
    assert_eq!(rig.desk.session.stage, Stage::Training);
    rig.desk.hand(Hand::Pause);
    rig.until("paused", |rig| rig.desk.session.stage == Stage::Paused);
    drop(rig);

    // What the user has paused stays so.
    let mut rig = Rig::open(&home, [1, 100_000]);
    rig.until("found again", |rig| !rig.desk.unfinished.is_empty());
    assert_eq!(rig.desk.session.stage, Stage::Describing);
    let found = rig.desk.unfinished[0].clone();
    rig.desk.hand(Hand::TakeUp(Box::new(found)));
    assert_eq!(rig.desk.session.stage, Stage::Paused);
    let voice = rig.desk.home().expect("taken up").voice();
    let kept = autovoice::train::voice::checkpoint(&voice);
    assert!(kept.is_file());
    rig.desk.hand(Hand::Cancel);
    rig.until("given up", |_| !kept.exists());
    assert_eq!(rig.desk.session.stage, Stage::Reading);
}

#[test]
fn what_is_missing_is_said_and_nothing_is_lost() {
    let home = Home::new(false);
    home.spoil();
    let recordings = home.0.path().join("elsewhere");
    buzz(&recordings.join("one.wav"), 160.0, 8.0);
    let mut rig = Rig::open(&home, [2, 2]);
    rig.desk.session.form.from = Origin::Folder;
    rig.desk.session.form.folder = recordings.display().to_string();
    rig.begin("Baseless");
    rig.desk.hand(Hand::Train(5.0));
    rig.until("failed", |rig| {
        matches!(rig.desk.session.stage, Stage::Failed(_))
    });
    let Stage::Failed(trouble) = &rig.desk.session.stage else {
        unreachable!("just waited for")
    };
    assert!(trouble.what.contains("could not be read"), "{trouble:?}");
    rig.desk.hand(Hand::Cancel);
    assert_eq!(rig.desk.session.stage, Stage::Reading);

    // No sound: it is said, and the microphone is closed.
    rig.desk.hand(Hand::Leave);
    rig.begin("Deaf");
    rig.dummy.plug(false);
    rig.tick();
    rig.tick();
    rig.desk.hand(Hand::Record);
    rig.until("refused", |rig| rig.desk.session.mic == Mic::Idle);
    let said = rig.desk.session.trouble.clone().expect("said");
    assert!(said.contains("found none"), "{said}");
}

#[test]
fn a_take_and_a_sentence_do_not_end_each_other() {
    let home = Home::new(false);
    let mut rig = Rig::open(&home, [2, 2]);
    rig.begin("Both");
    rig.ask(Command::Record(true));
    rig.sing(0.2);
    rig.desk.hand(Hand::Record);
    rig.until("refused", |rig| rig.desk.session.trouble.is_some());
    assert!(
        rig.shared.status().recording_s.is_some(),
        "the take goes on"
    );
    rig.ask(Command::Record(false));
    rig.until("filed", |rig| rig.shared.status().takes.len() == 1);
    rig.desk.hand(Hand::Record);
    rig.sing(0.2);
    rig.ask(Command::Record(true));
    rig.ask(Command::Record(false));
    rig.sing(0.2);
    assert!(
        matches!(rig.desk.session.mic, Mic::Open(_)),
        "the sentence goes on"
    );
}
