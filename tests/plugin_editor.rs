//! The editor's knobs, lists, keys and meters, by a hand and by the keys.

mod editor_stage;
mod plugin_host;

use autovoice::bridge::{Latency, Meters, MetersIn};
use autovoice::engine::Observation;
use autovoice::pitch::{Scale, TrackerChoice};
use autovoice::plugin::params::ParamRef;
use editor_stage::{Act, Stage, is_gesture};
use egui::{Event, Key, Modifiers, Pos2, Rect, vec2};
use nice_plug::prelude::*;

#[test]
fn every_parameter_has_a_place() {
    let mut stage = Stage::open();
    let shift = stage.texts.clone();
    // Some have a place only where a converted voice is selected.
    plugin_host::set_text(ParamRef::Int(&stage.params.voice.slot), "Voice 1");
    stage.frame(vec![]);
    let shown = [shift, stage.texts.clone()].concat();
    for (_, pointer, _) in stage.params.param_map() {
        let all = stage.params.all();
        let name = all
            .iter()
            .find_map(|(_, param)| (param.pointer() == pointer).then_some(param.name()));
        let name = name.expect("every parameter is listed");
        // The custom scale is the keyboard, the morph a pad that voices of our own bring with them:
        // other tests play on both.
        let is_shown = shown.iter().any(|(text, _)| text == name);
        let is_elsewhere = name == "Custom scale" || name.starts_with("Morph");
        assert!(is_elsewhere || is_shown, "{name}");
    }
}

#[test]
fn nothing_is_drawn_outside_the_window() {
    let mut stage = Stage::open();
    let window = Rect::from_min_size(Pos2::ZERO, stage.size);
    for slot in ["Shift", "Voice 1"] {
        plugin_host::set_text(ParamRef::Int(&stage.params.voice.slot), slot);
        stage.frame(vec![]);
        for (text, place) in &stage.texts {
            assert!(window.contains_rect(*place), "{text}: {place}");
        }
    }
}

#[test]
fn the_lists_of_a_voice_stand_side_by_side() {
    let mut stage = Stage::open();
    let params = stage.params.clone();
    // The longest words of each.
    for (param, value) in [
        (&params.converted.quality, "Balanced"),
        (&params.converted.threads, "2"),
        (&params.voice.range, "Soprano"),
        (&params.system.tracker, "Neural"),
    ] {
        plugin_host::set_text(ParamRef::Int(param), value);
    }
    stage.frame(vec![]);
    let panel_ends = stage.find("PITCH").left() - 22.0;
    let mut right = 0.0;
    for (name, value) in [
        ("Quality", "Balanced"),
        ("Threads", "2"),
        ("Voice range", "Soprano"),
        ("Pitch tracker", "Neural"),
    ] {
        let name_at = stage.find(name);
        let below = |(text, at): &&(String, Rect)| {
            text == value && at.top() < name_at.bottom() + 20.0 && name_at.left() < at.left()
        };
        let value_at = stage.texts.iter().find(below).expect(value).1;
        for (text, at) in [(name, name_at), (value, value_at)] {
            assert!(right < at.left(), "{text} begins at {at}, after {right}");
            assert!(at.height() < 20.0, "{text} is broken into lines: {at}");
        }
        right = name_at.right().max(value_at.right());
    }
    assert!(right < panel_ends, "{right}");
}

#[test]
fn a_knob_is_dragged_reset_turned_and_typed() {
    let mut stage = Stage::open();
    let params = stage.params.clone();
    let pitch = &params.voice.pitch;
    let dial = stage.dial_below("Pitch", 50.0);

    stage.drag(dial, vec2(0.0, -45.0));
    let dragged = pitch.value();
    assert!(
        (6.0..=12.5).contains(&dragged),
        "a quarter of the travel: {dragged}"
    );
    assert!(is_gesture(&stage.take_acts(pitch)));

    stage.time_s += 1.0;
    stage.click(dial);
    stage.click(dial);
    assert_eq!(pitch.value(), 0.0, "double click");
    assert!(is_gesture(&stage.take_acts(pitch)));

    stage.time_s += 1.0;
    stage.modifiers = Modifiers::SHIFT;
    stage.drag(dial, vec2(0.0, -45.0));
    assert!(
        0.0 < pitch.value() && pitch.value() < dragged / 5.0,
        "fine: {}",
        pitch.value()
    );
    stage.modifiers = Modifiers::NONE;
    stage.take_acts(pitch);

    let before = pitch.value();
    stage.point(dial);
    stage.frame(vec![Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: vec2(0.0, -1.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Wheel,
        modifiers: Modifiers::NONE,
    }]);
    assert_eq!(pitch.value(), (before - 1.0).round(), "wheel down");
    assert!(is_gesture(&stage.take_acts(pitch)));

    for (typed, key, expected) in [
        ("-3 st 50 ct", Key::Enter, -3.5),
        ("7", Key::Escape, -3.5),
        ("loud", Key::Enter, -3.5),
        ("99", Key::Enter, 24.0),
    ] {
        let shown = pitch.to_string();
        let value = stage.find(&shown).center();
        stage.time_s += 1.0;
        stage.click(value);
        stage.frame(vec![]);
        stage.frame(vec![Event::Text(typed.to_owned())]);
        stage.key(key);
        stage.frame(vec![]);
        assert_eq!(pitch.value(), expected, "{typed}");
    }
}

#[test]
fn switches_and_lists_set_their_parameter_once() {
    let mut stage = Stage::open();
    let params = stage.params.clone();
    stage.click(stage.find("Bypass").center());
    assert!(params.bypass.value());
    assert_eq!(
        stage.take_acts(&params.bypass),
        [Act::Begin, Act::Set, Act::End]
    );

    let list = stage.find("Voice range").center_bottom() + vec2(0.0, 16.0);
    stage.click(list);
    stage.frame(vec![]);
    stage.frame(vec![]);
    stage.click(stage.find("Soprano").center());
    assert_eq!(params.voice.range.value(), 4);
    assert_eq!(
        stage.take_acts(&params.voice.range),
        [Act::Begin, Act::Set, Act::End]
    );

    let list = stage.find("Pitch tracker").center_bottom() + vec2(0.0, 16.0);
    stage.click(list);
    stage.frame(vec![]);
    stage.frame(vec![]);
    stage.click(stage.find("Yin").center());
    assert_eq!(params.wanted().tracker, TrackerChoice::Yin);
    assert_eq!(
        stage.take_acts(&params.system.tracker),
        [Act::Begin, Act::Set, Act::End]
    );
}

#[test]
fn the_keys_make_a_scale_of_their_own() {
    let mut stage = Stage::open();
    let params = stage.params.clone();
    // The keyboard stands between the lists and the first knob.
    let keyboard = stage.find("Retune").center() - vec2(100.0, -50.0);
    stage.click(keyboard);
    assert_eq!(
        Scale::ALL[params.correction.scale.value() as usize],
        Scale::Custom
    );
    let bits = params.correction.custom_scale.value();
    assert_eq!(
        bits.count_ones(),
        11,
        "one note left the chromatic scale: {bits:012b}"
    );
}

fn connected(stage: &Stage) -> MetersIn {
    stage.feed.connect(stage.params.wanted())
}

#[test]
fn meters_are_shown_as_they_are() {
    let mut stage = Stage::open();
    assert!(stage.shows("no sound yet"));
    let mut meters = connected(&stage);
    let quiet = Meters {
        rate_hz: 48_000,
        engine: "shift",
        observation: Observation {
            sung_hz: 445.0,
            target_hz: 261.63,
            note_hz: 440.0,
            voicing: 1.0,
        },
        latency: Latency {
            misfit: 1,
            hop: 20,
            budget: 300,
            lookahead: 480,
            resampling: 159,
        },
        load: 0.123,
        ..Meters::default()
    };
    meters.write(quiet);
    stage.frame(vec![]);
    for text in [
        "A4",
        "+20 ct",
        "C4",
        "shift",
        "20.0 ms",
        "960",
        "300",
        "480",
        "159",
        "10.00",
        "12.3 %",
        "0 dropouts",
        "All is well.",
    ] {
        assert!(stage.shows(text), "{text}: {:?}", stage.texts);
    }
    let mut bad = quiet;
    bad.panicked = true;
    bad.realtime_priority = Some(false);
    bad.dropouts.count = 3;
    bad.dropouts.missed_frames = 4_800;
    meters.write(bad);
    stage.frame(vec![]);
    for text in [
        "The audio path failed",
        "no real-time priority",
        "3 dropouts, 100 ms",
    ] {
        assert!(stage.shows(text), "{text}: {:?}", stage.texts);
    }
}

#[test]
fn settings_that_wait_for_the_host_say_so() {
    let mut stage = Stage::open();
    let _meters = connected(&stage);
    let waits = "wait for the host to restart";
    stage.frame(vec![]);
    assert!(!stage.shows(waits));
    stage.click(stage.find("Report latency").center());
    stage.frame(vec![]);
    assert!(stage.shows(waits));
    let _meters = connected(&stage);
    stage.frame(vec![]);
    assert!(!stage.shows(waits));
}

#[test]
fn what_a_load_had_to_say_is_shown() {
    let mut stage = Stage::open();
    let mut state = PluginState {
        version: String::new(),
        params: Default::default(),
        fields: Default::default(),
    };
    autovoice::plugin::AutoVoicePlugin::filter_state(&mut state);
    stage.params.deserialize_fields(&state.fields);
    stage.frame(vec![]);
    assert!(stage.shows("nothing was changed"));
}
