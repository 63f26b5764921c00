//! The state machine by hand: what goes in, what is ordered.

use super::*;
use std::collections::BTreeMap;

const NOW: &str = "2026-11-26T16:00:00Z";

fn form() -> Form {
    Form {
        name: " Anna ".to_owned(),
        owner: "Anna Muster".to_owned(),
        agrees: true,
        ..Form::default()
    }
}

/// One whose script is being read.
fn reading() -> Session {
    let mut session = Session {
        form: form(),
        ..Session::default()
    };
    let orders = session.hand(Hand::Begin(NOW.to_owned()));
    assert!(matches!(&orders[..], [Order::Create(project)] if project.name == "Anna"));
    let _ = session.news(News::Begun(Ok("/home".into())));
    assert_eq!(session.stage, Stage::Reading);
    session
}

fn recorded(file: &str) -> News {
    News::Recorded {
        file: file.to_owned(),
        failure: None,
    }
}

fn looked(file: &str, seconds: f64, flaws: &[Flaw]) -> News {
    News::Looked {
        file: file.to_owned(),
        found: Ok((seconds, flaws.to_vec())),
    }
}

/// One with so much to train with.
fn enough() -> Session {
    let mut session = reading();
    let file = "001-001.wav".to_owned();
    let found = Some((USABLE_S, Vec::new()));
    session.sentences[0] = Some(Sentence { file, found });
    session
}

fn training() -> Session {
    let mut session = enough();
    let orders = session.hand(Hand::Train(15.0));
    assert!(matches!(&orders[..], [Order::Save(saved), Order::Train(_)]
        if saved.stage == Saved::Training && saved.minutes == 15.0));
    session
}

#[test]
fn nothing_begins_without_a_name_an_owner_and_consent() {
    type Missing = (fn(&mut Form), &'static str);
    let missing: [Missing; 4] = [
        (|form| form.name = " \u{202e} ".to_owned(), "name"),
        (|form| form.owner.clear(), "whose voice"),
        (|form| form.agrees = false, "statement"),
        (|form| form.from = Origin::Folder, "folder"),
    ];
    for (spoil, lacks) in missing {
        let mut session = Session {
            form: form(),
            ..Session::default()
        };
        spoil(&mut session.form);
        let said = session.form.lacks().expect("something is missing");
        assert!(said.contains(lacks), "{said}");
        assert_eq!(session.hand(Hand::Begin(NOW.to_owned())), []);
        assert_eq!(session.stage, Stage::Describing);
    }
    let session = reading();
    let consent = session.project.consent();
    for part in ["Anna Muster", NOW, "its owner has agreed"] {
        assert!(consent.contains(part), "{consent}");
    }
}

#[test]
fn a_folder_that_cannot_be_made_leads_back_to_the_form() {
    let mut session = Session {
        form: form(),
        ..Session::default()
    };
    let _ = session.hand(Hand::Begin(NOW.to_owned()));
    assert!(!session.can_leave(), "it is being made");
    let _ = session.news(News::Begun(Err("the disk is full".to_owned())));
    assert_eq!(session.stage, Stage::Describing);
    assert_eq!(session.trouble.as_deref(), Some("the disk is full"));
    assert_eq!(session.form, form(), "nothing has to be typed again");
}

#[test]
fn sentences_are_read_one_after_the_other_with_one_button() {
    let mut session = reading();
    let record = |file: &str| vec![Order::Record(file.to_owned())];
    assert_eq!(session.hand(Hand::Record), record("001-001.wav"));
    assert_eq!(session.hand(Hand::Record), [], "it does already");
    assert_eq!(session.hand(Hand::Next), [Order::EndRecording]);
    assert_eq!(session.at, 1, "the next can be seen at once");
    assert_eq!(
        session.hand(Hand::Next),
        [],
        "the first is still being ended"
    );
    let orders = session.news(recorded("001-001.wav"));
    let wanted = [
        Order::Look("001-001.wav".to_owned()),
        Order::Record("002-002.wav".to_owned()),
    ];
    assert_eq!(orders, wanted);
    let _ = session.news(looked("001-001.wav", 3.5, &[Flaw::Noisy]));
    assert_eq!(session.speech_s(), 3.5);
    assert_eq!(session.hand(Hand::Stop), [Order::EndRecording]);
    let orders = session.news(recorded("002-002.wav"));
    assert_eq!(orders, [Order::Look("002-002.wav".to_owned())]);
    assert_eq!((session.at, &session.mic), (1, &Mic::Idle));
}

#[test]
fn a_sentence_that_is_read_again_replaces_the_first() {
    let mut session = reading();
    for (file, orders) in [
        ("001-001.wav", vec![Order::Look("001-001.wav".to_owned())]),
        (
            "001-002.wav",
            vec![
                Order::Look("001-002.wav".to_owned()),
                Order::Remove("001-001.wav".to_owned()),
            ],
        ),
    ] {
        let _ = session.hand(Hand::Show(0));
        assert_eq!(session.hand(Hand::Record), [Order::Record(file.to_owned())]);
        let _ = session.hand(Hand::Stop);
        assert_eq!(session.news(recorded(file)), orders);
    }
    // What is said of the first comes late.
    let _ = session.news(looked("001-001.wav", 9.0, &[]));
    assert_eq!(session.speech_s(), 0.0);
}

#[test]
fn a_recording_that_fails_is_said_and_keeps_what_was_there() {
    let mut session = enough();
    let before = session.sentences.clone();
    let orders = session.hand(Hand::Record);
    assert_eq!(orders, [Order::Record("001-002.wav".to_owned())]);
    // The device is gone in the middle of it; then another's end is told.
    let failed = |file: &str| News::Recorded {
        file: file.to_owned(),
        failure: Some("the disk is full".to_owned()),
    };
    assert_eq!(session.news(failed("001-009.wav")), []);
    let orders = session.news(failed("001-002.wav"));
    assert_eq!(orders, [Order::Remove("001-002.wav".to_owned())]);
    assert_eq!((&session.mic, session.at), (&Mic::Idle, 0));
    assert_eq!(session.trouble.as_deref(), Some("the disk is full"));
    assert_eq!(session.sentences, before);
    // No name twice: what the last one left must not be taken for this one's.
    let orders = session.hand(Hand::Record);
    assert_eq!(orders, [Order::Record("001-003.wav".to_owned())]);
    assert_eq!(session.trouble, None);
}

#[test]
fn what_cannot_be_read_is_as_if_it_had_not_been_recorded() {
    let mut session = reading();
    let _ = session.hand(Hand::Record);
    let _ = session.hand(Hand::Stop);
    let _ = session.news(recorded("001-001.wav"));
    let found = Err("expected 16000 Hz".to_owned());
    let file = "001-001.wav".to_owned();
    let _ = session.news(News::Looked { file, found });
    assert_eq!(session.sentences[0], None);
    assert!(session.trouble.is_some());
}

#[test]
fn the_last_sentence_has_no_next() {
    let mut session = reading();
    let last = session.sentences.len() - 1;
    let _ = session.hand(Hand::Show(usize::MAX));
    assert_eq!(session.at, last);
    let _ = session.hand(Hand::Record);
    assert_eq!(session.hand(Hand::Next), [Order::EndRecording]);
    let file = file_name(last, 1);
    assert_eq!(session.news(recorded(&file)), [Order::Look(file)]);
    assert_eq!((session.at, session.mic), (last, Mic::Idle));
}

#[test]
fn training_needs_enough_and_a_closed_microphone() {
    let mut session = reading();
    assert_eq!(session.hand(Hand::Train(5.0)), [], "nothing was read");
    let mut session = enough();
    let _ = session.hand(Hand::Record);
    assert_eq!(session.hand(Hand::Train(5.0)), [], "it is being recorded");
    let mut session = reading();
    session.project.folder = Some("/recordings".into());
    assert_eq!(session.hand(Hand::Train(5.0)).len(), 2);
}

#[test]
fn a_training_is_paused_goes_on_and_ends_in_the_library() {
    let mut session = training();
    assert!(!session.can_leave());
    assert_eq!(session.hand(Hand::Pause), [Order::StopTraining]);
    assert_eq!(session.hand(Hand::Pause), [], "it stops already");
    let orders = session.news(News::Ended(Outcome::Stopped));
    assert!(matches!(&orders[..], [Order::Save(saved)] if saved.stage == Saved::Paused));
    assert_eq!(session.stage, Stage::Paused);
    assert!(matches!(
        &session.hand(Hand::GoOn)[..],
        [_, Order::Train(_)]
    ));
    let voice = VoiceRef {
        name: "Anna".to_owned(),
        sha256: None,
    };
    let orders = session.news(News::Ended(Outcome::Voice(voice.clone())));
    assert!(matches!(&orders[..], [Order::Save(saved), Order::Offer]
        if saved.stage == Saved::Finished));
    assert_eq!(session.stage, Stage::Finished(voice));
    assert_eq!(
        session.news(News::Ended(Outcome::Stopped)),
        [],
        "it is over"
    );
    assert_eq!(session.hand(Hand::Leave), []);
    assert_eq!(session, Session::default());
}

#[test]
fn a_training_that_is_given_up_leaves_the_recordings() {
    let mut session = training();
    let _ = session.hand(Hand::Pause);
    assert_eq!(session.hand(Hand::Cancel), [Order::StopTraining]);
    let orders = session.news(News::Ended(Outcome::Stopped));
    assert!(matches!(&orders[..], [Order::Forget, Order::Save(saved)]
        if saved.stage == Saved::Reading));
    assert_eq!(
        (&session.stage, session.is_enough()),
        (&Stage::Reading, true)
    );
    // The wish to stop came too late.
    let mut session = training();
    let _ = session.hand(Hand::Cancel);
    let voice = VoiceRef {
        name: "Anna".to_owned(),
        sha256: None,
    };
    let _ = session.news(News::Ended(Outcome::Voice(voice)));
    assert!(matches!(session.stage, Stage::Finished(_)));
}

#[test]
fn what_fails_is_said_and_can_be_tried_again() {
    let mut session = training();
    let trouble = Trouble::broken_off();
    let orders = session.news(News::Ended(Outcome::Failed(trouble.clone())));
    // The next start must not begin it by itself.
    assert!(matches!(&orders[..], [Order::Save(saved)] if saved.stage == Saved::Paused));
    assert_eq!(session.stage, Stage::Failed(trouble));
    let mut again = session.clone();
    assert!(matches!(&again.hand(Hand::GoOn)[..], [_, Order::Train(_)]));
    let orders = session.hand(Hand::Cancel);
    assert!(matches!(&orders[..], [Order::Save(saved)] if saved.stage == Saved::Reading));
    assert_eq!(session.stage, Stage::Reading);
}

#[test]
fn what_was_begun_is_taken_up_where_it_was() {
    let found = |stage: Saved| {
        let mut project = Project::new("Anna", "Anna", NOW.to_owned(), None);
        project.stage = stage;
        Box::new(Found {
            home: "/home".into(),
            project,
            read: BTreeMap::from([(0, "001-002.wav".to_owned()), (2, "003-001.wav".to_owned())]),
        })
    };
    let mut session = Session::default();
    let orders = session.hand(Hand::TakeUp(found(Saved::Reading)));
    let wanted = ["001-002.wav", "003-001.wav"].map(|file| Order::Look(file.to_owned()));
    assert_eq!(orders, wanted);
    assert_eq!((&session.stage, session.at), (&Stage::Reading, 1));
    let orders = session.hand(Hand::TakeUp(found(Saved::Training)));
    assert!(matches!(
        &orders[..],
        [_, _, Order::Save(_), Order::Train(_)]
    ));
    assert_eq!(session.stage, Stage::Training);
    // Not in the middle of another.
    assert_eq!(session.hand(Hand::TakeUp(found(Saved::Reading))), []);
    assert_eq!(session.hand(Hand::Leave), []);
    let mut session = Session::default();
    let _ = session.hand(Hand::TakeUp(found(Saved::Paused)));
    assert_eq!(session.stage, Stage::Paused);
}
