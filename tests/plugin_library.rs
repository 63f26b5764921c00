//! The plugin over a real library: voice files dropped onto it are imported without holding anyone
//! up, listed, and found again by name and hash.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod fake_voices;
mod tones;
mod voice_files;

use autovoice::plugin::AutoVoiceParams;
use autovoice::plugin::voices::{SlotState, Stock, Voices};
use autovoice::preset::VoiceRef;
use fake_voices::until_shown;
use std::sync::Arc;
use voice_files::{small, write_voice};

#[test]
fn a_voice_file_is_imported_listed_and_found() {
    let home = tempfile::tempdir().expect("a temporary folder");
    let file = home.path().join("Ada.pth");
    write_voice(&file, &small());
    let library = home.path().join("voices");
    let models = home.path().join("models");
    let stock = Arc::new(Stock::new(Box::new(Voices::of(&library, &models))));
    let params = AutoVoiceParams::with_voices(stock.clone());
    params.rack.import(file.clone(), Some(1));
    params.rack.wait();
    let shown = params.rack.shown();
    let said = shown.said.clone().expect("said");
    assert_eq!(said.text, "Ada is in the library now");
    let listed = &shown.listed[0];
    assert_eq!(listed.voice.name, "Ada");
    assert_eq!(listed.speakers, 3);
    assert!(
        listed.about.starts_with("RVC v2, 48 kHz, sings"),
        "{}",
        listed.about
    );
    assert_eq!(params.rack.voice_in(1).as_ref(), Some(&listed.voice));
    // Without the content encoder it cannot sing, and says how to get one.
    until_shown(
        &params.rack,
        "what is missing",
        |shown| matches!(&shown.slots[0].state, SlotState::Failed(why) if why.contains("contentvec")),
    );

    // Another instance knows it by either.
    let by_name = VoiceRef {
        sha256: None,
        ..listed.voice.clone()
    };
    for voice in [&listed.voice, &by_name] {
        let other = AutoVoiceParams::with_voices(stock.clone());
        assert_eq!(other.rack.take_in(voice, 3), Some(3), "{voice:?}");
    }
    let gone = VoiceRef {
        name: "Gone".to_owned(),
        sha256: None,
    };
    assert_eq!(params.rack.take_in(&gone, 2), None);

    std::fs::write(&file, "<!doctype html><html>").expect("writable");
    params.rack.import(file, Some(2));
    until_shown(&params.rack, "the reason", |shown| {
        let said = shown.said.as_ref();
        said.is_some_and(|said| said.is_error && said.text.starts_with("expected"))
    });
    assert_eq!(params.rack.voice_in(2), None);
}
