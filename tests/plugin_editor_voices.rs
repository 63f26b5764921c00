//! Voices in the editor: chosen, taken out, imported, shown as they are, and what presets do with
//! them.

mod editor_stage;
mod fake_voices;
mod plugin_host;

use autovoice::bridge::HostConfig;
use autovoice::editor::{Purpose, Scene, WindowSettings};
use autovoice::engine::Engine;
use autovoice::engine::Quality;
use autovoice::engine::through::Through;
use autovoice::plugin::AutoVoiceParams;
use autovoice::plugin::params::ParamRef;
use autovoice::plugin::voices::{Connection, PerSetup, SlotState, VoiceSetup};
use autovoice::preset::{VoiceRef, read_file};
use editor_stage::Stage;
use egui::{Pos2, Rect, vec2};
use fake_voices::{Fake, Kind, Watch, fake, stock, until_shown};
use plugin_host::set_text;
use std::path::Path;
use std::sync::Arc;

const ADA: Fake = fake("Ada", Kind::Gain(0.5));
const BO: Fake = fake("Bo", Kind::Gain(-1.0));
const BAD: Fake = fake("Bad", Kind::Damaged);
const OURS: Fake = fake("Olga", Kind::Ours);
const SLOW: Fake = fake("Slow", Kind::Slow);
const LONG: Fake = fake(
    "A voice whose name is as long as a name can be, and not a bit more",
    Kind::Gain(1.0),
);

fn looking(window: WindowSettings) -> (Stage, Watch) {
    let (stock, watch) = stock(&[ADA, BO, BAD, OURS, SLOW, LONG]);
    let params = Arc::new(AutoVoiceParams::with_voices(stock));
    (Stage::of(params, window), watch)
}

fn open() -> (Stage, Watch) {
    looking(WindowSettings::default())
}

fn select(stage: &mut Stage, slot: &str) {
    stage.click_named(slot);
    stage.frame(vec![]);
}

/// Opens the list of voices and takes one.
fn choose(stage: &mut Stage, shown: &str, voice: &str) {
    stage.click_on(shown);
    stage.until_shows(voice);
    stage.rest();
    // The last of that name: the list is drawn over everything.
    let found = stage.texts.iter().rev().find(|(text, _)| text == voice);
    let place = found.expect("in the list").1;
    stage.click(place.center());
    stage.frame(vec![]);
}

#[test]
fn a_voice_is_chosen_changed_and_taken_out() {
    let (mut stage, _) = open();
    let params = stage.params.clone();
    assert!(!stage.shows("Protect"), "the shift engine has none");
    select(&mut stage, "Voice 2");
    assert_eq!(params.voice.slot.value(), 2);
    assert!(stage.shows("Protect") && stage.shows("Hold pitch"));
    assert!(stage.shows("This slot holds no voice"));

    choose(&mut stage, "Choose a voice", "Ada");
    stage.until_shows("2  Ada");
    until_shown(&params.rack, "the voice", |shown| {
        shown.slots[1].state == SlotState::Ready
    });
    stage.frame(vec![]);
    assert!(!stage.shows("holds no voice"));
    choose(&mut stage, "Ada", "Bo");
    stage.until_shows("2  Bo");
    assert_eq!(params.rack.voice_in(2), Some(BO.voice()));

    stage.click_named("Empty the slot");
    stage.until_shows("2  –");
    assert_eq!(params.rack.voice_in(2), None);
    select(&mut stage, "Shift");
    assert!(!stage.shows("Protect"));
}

#[test]
fn how_a_voice_is_and_why_is_shown() {
    let (mut stage, watch) = open();
    let params = stage.params.clone();
    params.rack.put(1, Some(BAD.voice()));
    params.rack.put(3, Some(SLOW.voice()));
    stage.until_shows("Voice 1, Bad: expected a voice, found noise; import it again");
    select(&mut stage, "Voice 1");
    assert!(stage.shows("failed"));
    select(&mut stage, "Voice 3");
    stage.until_shows("loading…");
    assert!(stage.shows("Slow is being loaded: the shift engine is heard."));
    watch.open();
    until_shown(&params.rack, "the voice", |shown| {
        shown.slots[2].state == SlotState::Ready
    });
    stage.frame(vec![]);
    assert!(!stage.shows("loading"));
}

#[test]
fn a_quality_for_cards_says_so_where_there_is_none() {
    let (mut stage, _) = open();
    let params = stage.params.clone();
    let quick = "Quality Quick takes an NVIDIA card";
    for (voice, engine) in [(ADA, "fake"), (OURS, "ddsp")] {
        params.rack.put(1, Some(voice.voice()));
        until_shown(&params.rack, "the voice", |shown| {
            shown.slots[0].state == SlotState::Ready && shown.slots[0].engine == Some(engine)
        });
        select(&mut stage, "Voice 1");
        for quality in Quality::ALL {
            set_text(ParamRef::Int(&params.converted.quality), quality.name());
            stage.frame(vec![]);
            let is_wrong = engine == "fake" && quality == Quality::Quick;
            assert_eq!(stage.shows(quick), is_wrong, "{quality:?}");
        }
    }
}

fn host() -> HostConfig {
    HostConfig {
        rate_hz: 48_000,
        channels: 1,
        max_block: 64,
        offline: false,
    }
}

/// Opens the list of this name, which shows these entries, and takes one.
fn choose_from(stage: &mut Stage, list: &str, entries: &[String], at: usize) {
    let list = stage.find(list).center_bottom() + vec2(0.0, 16.0);
    stage.rest();
    stage.click(list);
    stage.frame(vec![]);
    stage.frame(vec![]);
    for entry in entries {
        assert!(stage.shows(entry), "{entry}: {:?}", stage.texts);
    }
    stage.rest();
    stage.click(stage.find(&entries[at]).center());
    stage.frame(vec![]);
}

#[test]
fn each_quality_and_number_of_threads_says_its_delay_before_it_is_chosen() {
    let (mut stage, _) = open();
    let params = stage.params.clone();
    params.rack.put(1, Some(ADA.voice()));
    params.rack.connect(Connection {
        host: host(),
        direct: Through::new(48_000, 1).spec(),
        setup: VoiceSetup::default(),
        voices: None,
    });
    until_shown(&params.rack, "the delays", |shown| {
        shown.delays != PerSetup::default()
    });
    stage.frame(vec![]);
    let mut setup = VoiceSetup::default();
    let ms = |setup: VoiceSetup| {
        let latency = autovoice::bridge::Latency::of_worker(&host(), &ADA.spec(&setup));
        latency.total() as f64 / 48.0
    };
    let entry = |name: &str, setup| format!("{name}  ·  {:.0} ms", ms(setup));
    let of_quality =
        |quality: Quality, setup| entry(quality.name(), VoiceSetup { quality, ..setup });
    let of_threads =
        |threads: usize, setup| entry(&threads.to_string(), VoiceSetup { threads, ..setup });
    // What one list says holds for what is chosen in the other.
    let expected = Quality::ALL.map(|quality| of_quality(quality, setup));
    choose_from(&mut stage, "Quality", &expected, 2);
    setup.quality = Quality::Studio;
    assert_eq!(params.wanted().quality, setup.quality);
    let expected = [1, 2].map(|threads| of_threads(threads, setup));
    choose_from(&mut stage, "Threads", &expected, 0);
    setup.threads = 1;
    assert_eq!(params.wanted().threads, setup.threads);
    let expected = Quality::ALL.map(|quality| of_quality(quality, setup));
    choose_from(&mut stage, "Quality", &expected, 2);
    // The path in this test was built without a worker: the first voice needs another.
    assert_eq!(params.rack.shown().slots[0].state, SlotState::AwaitsRestart);
    stage.frame(vec![]);
    assert!(stage.shows("wait for the host to restart"));
}

#[test]
fn of_a_voice_of_our_own_only_what_applies_is_shown() {
    let (mut stage, _) = open();
    let params = stage.params.clone();
    select(&mut stage, "Voice 1");
    params.rack.put(1, Some(OURS.voice()));
    params.rack.connect(Connection {
        host: host(),
        direct: Through::new(48_000, 1).spec(),
        setup: VoiceSetup::default(),
        voices: None,
    });
    until_shown(&params.rack, "the delays", |shown| {
        shown.delays != PerSetup::default() && shown.slots[0].engine == Some("ddsp")
    });
    stage.frame(vec![]);
    for shown in [
        "Pitch",
        "Formant",
        "Loudness",
        "Voice range",
        "Pitch tracker",
    ] {
        assert!(stage.shows(shown), "{shown}");
    }
    for hidden in [
        "Index",
        "Protect",
        "Speaker",
        "Hold pitch",
        "Quality",
        "Threads",
    ] {
        assert!(!stage.shows(hidden), "{hidden}");
    }
    let spec = OURS.spec(&VoiceSetup::default());
    let latency = autovoice::bridge::Latency::of_worker(&host(), &spec).total();
    let ms = format!("{:.0} ms", latency as f64 / 48.0);
    assert!(stage.shows(&ms), "{ms}: {:?}", stage.texts);
    // It says the same at every quality, and so does a path that is built for it.
    let delays = params.rack.shown().delays;
    assert_eq!(delays, PerSetup::of(|_| Some(latency)));

    // An RVC voice in its place has all of it.
    params.rack.put(1, Some(ADA.voice()));
    until_shown(&params.rack, "the other voice", |shown| {
        shown.slots[0].engine == Some("fake")
    });
    stage.frame(vec![]);
    assert!(stage.shows("Protect") && stage.shows("Quality"));
}

#[test]
fn voices_of_the_program_stand_below_the_own() {
    let (mut stage, _) = open();
    select(&mut stage, "Voice 1");
    let rack = &stage.params.rack;
    until_shown(rack, "the list", |shown| !shown.listed.is_empty());
    stage.click_on("Choose a voice");
    stage.until_shows("Built in");
    let top = |text: &str| stage.find(text).min.y;
    assert!(top("Bo") < top("Built in") && top("Built in") < top("Olga"));
}

#[test]
fn a_voice_is_imported_by_path_dialog_and_drop() {
    for way in ["path", "dialog", "drop"] {
        let (mut stage, _) = open();
        let params = stage.params.clone();
        let file = Path::new("/somewhere/Cleo.pth");
        select(&mut stage, "Voice 3");
        match way {
            "path" => {
                stage.click_on("Import…");
                stage.click_on("The path of a voice");
                stage.write(file.to_str().expect("text"));
                stage.frame(vec![]);
                stage.click_on("Import");
            }
            "dialog" => {
                stage.will_answer(file);
                stage.click_on("Import…");
                stage.click_on("Browse…");
            }
            _ => {
                stage.dropped.push(file.to_owned());
                stage.frame(vec![]);
            }
        }
        stage.until_shows("Cleo is in the library now; without an index");
        stage.until_shows("3  Cleo");
        let held = params.rack.voice_in(3).expect(way);
        assert_eq!(held.name, "Cleo");
        let asked = if way == "dialog" {
            vec![Purpose::Voice]
        } else {
            vec![]
        };
        stage.until_asked_for(&asked);
    }
    let (mut stage, _) = open();
    stage.dropped.push("/somewhere/letter.txt".into());
    stage.frame(vec![]);
    stage.until_shows("expected a voice file, found a text; choose a .pth");
    // A dialog that is closed without an answer changes nothing.
    stage.click_on("Import…");
    stage.click_on("Browse…");
    stage.frame(vec![]);
    stage.click_named("Cancel");
    assert!(!stage.shows("Browse…"));
}

#[test]
fn what_is_held_over_the_window_is_invited_and_may_go_again() {
    let (mut stage, _) = open();
    let cases: [(&[&str], &str); 3] = [
        (&["/music/Cleo Ä.pth"], "Drop to import Cleo Ä.pth"),
        (&["/music/duet.toml"], "Drop to use duet.toml"),
        (&["/music/a.pth", "/music/b.zip"], "Drop to import 2 files"),
    ];
    for (held, text) in cases {
        stage.held = held.iter().map(Into::into).collect();
        stage.frame(vec![]);
        assert!(stage.shows(text), "{text}: {:?}", stage.texts);
    }
    stage.held.clear();
    stage.frame(vec![]);
    assert!(!stage.shows("Drop to"));
    assert!(stage.params.rack.shown().said.is_none());
}

#[test]
fn a_preset_brings_its_voice_and_is_recognised() {
    let (mut stage, _) = looking(WindowSettings {
        presets: true,
        ..WindowSettings::default()
    });
    let params = stage.params.clone();
    params.rack.put(2, Some(BO.voice()));
    set_text(ParamRef::Int(&params.voice.slot), "Voice 2");
    set_text(ParamRef::Float(&params.voice.pitch), "3");
    stage.frame(vec![]);
    stage.click_on("Save…");
    stage.click_on("Name");
    stage.write("Duet");
    stage.frame(vec![]);
    stage.click_on("Save");
    assert!(stage.shows("Saved as"), "{:?}", stage.texts);
    let folder = stage.home.path().join("presets");
    let file = std::fs::read_dir(&folder)
        .expect("made")
        .next()
        .expect("saved");
    let file = file.expect("readable").path();
    let (preset, _) = read_file(&file).expect("a preset");
    assert_eq!(preset.voice, Some(BO.voice()));

    // In another project the voice is not there yet: the preset puts it into the slot selected.
    let (mut other, _) = open();
    set_text(ParamRef::Int(&other.params.voice.slot), "Voice 4");
    other.dropped.push(file.clone());
    other.frame(vec![]);
    other.frame(vec![]);
    assert_eq!(other.params.rack.voice_in(4), Some(BO.voice()));
    assert_eq!(other.params.voice.slot.value(), 4);
    assert_eq!(other.params.voice.pitch.value(), 3.0);
    other.until_shows("4  Bo");
    assert!(other.shows("Duet"));

    // Where the voice is not known, the rest is applied and that is told.
    let text = std::fs::read_to_string(&file).expect("readable");
    let gone = VoiceRef {
        name: "Gone".to_owned(),
        sha256: None,
    };
    let hash = BO.voice().sha256.expect("has one");
    let text = text
        .replace("\"Bo\"", "\"Gone\"")
        .replace(&hash, &"a".repeat(64));
    std::fs::write(&file, text).expect("writable");
    let (mut third, _) = looking(WindowSettings {
        presets: true,
        ..WindowSettings::default()
    });
    third.dropped.push(file);
    third.frame(vec![]);
    third.frame(vec![]);
    assert!(
        third.shows("the voice \"Gone\" is not here"),
        "{:?}",
        third.texts
    );
    assert_eq!(third.params.voice.slot.value(), 0);
    assert_eq!(third.params.rack.slot_of(&gone), None);
}

#[test]
fn a_preset_goes_through_the_dialog() {
    let (mut stage, _) = looking(WindowSettings {
        presets: true,
        ..WindowSettings::default()
    });
    let file = stage.home.path().join("given.toml");
    std::fs::write(&file, "an older one").expect("writable");
    stage.click_on("Search");
    stage.write("telephone");
    stage.frame(vec![]);
    stage.click_on("Telephone");
    stage.click_on("Export…");
    stage.will_answer(&file);
    stage.click_on("Browse…");
    // Whoever chose a file that is there was asked by the dialog.
    stage.until_shows("Wrote");
    stage.will_answer(&file);
    stage.click_on("Paste…");
    stage.click_on("Browse…");
    stage.until_asked_for(&[Purpose::PresetCopy, Purpose::Preset]);
    let (preset, _) = read_file(&file).expect("a preset");
    assert_eq!(preset.about.name, "Telephone");
}

#[test]
fn long_names_stay_in_their_places() {
    for scene in [Scene::Studio, Scene::Stage] {
        let (mut stage, _) = looking(WindowSettings {
            scene,
            ..WindowSettings::default()
        });
        for slot in 1..=4 {
            let voice = VoiceRef {
                name: LONG.name.chars().take(64).collect(),
                ..LONG.voice()
            };
            stage.params.rack.put(slot, Some(voice));
        }
        set_text(ParamRef::Int(&stage.params.voice.slot), "Voice 1");
        stage.until_shows("A voice");
        stage.frame(vec![]);
        let window = Rect::from_min_size(Pos2::ZERO, stage.size);
        for (text, place) in &stage.texts {
            assert!(window.contains_rect(*place), "{scene:?}: {text}: {place}");
        }
    }
}

#[test]
fn a_new_voice_is_offered_where_voices_can_be_made() {
    let (mut stage, _) = open();
    select(&mut stage, "Voice 2");
    stage.click_on("Choose a voice");
    stage.until_shows("Ada");
    assert!(!stage.shows("New voice…"), "a plugin makes none");

    let (mut stage, _) = open();
    stage.app = stage.app.offering_new_voice();
    select(&mut stage, "Voice 2");
    choose(&mut stage, "Choose a voice", "New voice…");
    assert!(stage.app.takes_new_voice());
    assert!(!stage.app.takes_new_voice(), "once for each time");
    assert_eq!(stage.params.rack.voice_in(2), None);
}
