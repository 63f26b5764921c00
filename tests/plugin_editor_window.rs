//! The editor's window: what is taken back, compared, resized, and how it looks.

mod editor_stage;
mod plugin_host;

use autovoice::bridge::Meters;
use autovoice::editor::{Scene, WindowSettings};
use autovoice::plugin::params::ParamRef;
use editor_stage::{Stage, is_gesture};
use egui::{Key, Modifiers, Pos2, Rect, vec2};
use nice_plug::prelude::*;
use plugin_host::set_text;

fn stage_scene() -> Stage {
    Stage::looking(WindowSettings {
        scene: Scene::Stage,
        ..WindowSettings::default()
    })
}

#[test]
fn gestures_are_undone_and_done_again() {
    let mut stage = Stage::open();
    let params = stage.params.clone();
    let (pitch, bypass) = (&params.voice.pitch, &params.bypass);
    stage.click_named("Undo");
    assert!(stage.take_all_acts().is_empty(), "there is nothing to undo");

    stage.drag(stage.dial_below("Pitch", 50.0), vec2(0.0, -45.0));
    let dragged = pitch.value();
    assert_ne!(dragged, 0.0);
    stage.click_on("Bypass");
    assert!(bypass.value());
    stage.take_all_acts();

    stage.click_named("Undo");
    assert!(!bypass.value());
    assert!(is_gesture(&stage.take_acts(bypass)));
    stage.click_named("Undo");
    assert_eq!(pitch.value(), 0.0);
    assert!(is_gesture(&stage.take_acts(pitch)));
    stage.click_named("Redo");
    stage.click_named("Redo");
    assert_eq!((pitch.value(), bypass.value()), (dragged, true));
}

#[test]
fn a_program_has_keys_for_it_and_a_plugin_leaves_them_to_the_host() {
    for (mut stage, undoes) in [(Stage::standalone(), true), (Stage::open(), false)] {
        let params = stage.params.clone();
        let pitch = &params.voice.pitch;
        stage.drag(stage.dial_below("Pitch", 50.0), vec2(0.0, -45.0));
        let dragged = pitch.value();
        stage.modifiers = Modifiers::COMMAND;
        stage.key(Key::Z);
        let expected = if undoes { 0.0 } else { dragged };
        assert_eq!(pitch.value(), expected);
        stage.modifiers = Modifiers::COMMAND | Modifiers::SHIFT;
        stage.key(Key::Z);
        assert_eq!(pitch.value(), dragged);
    }
}

#[test]
fn a_key_of_the_scale_is_one_step() {
    let mut stage = Stage::open();
    let correction = &stage.params.clone().correction;
    let before = (correction.scale.value(), correction.custom_scale.value());
    stage.click(stage.find("Retune").center() - vec2(100.0, -50.0));
    assert_ne!(correction.scale.value(), before.0);
    stage.click_named("Undo");
    assert_eq!(
        (correction.scale.value(), correction.custom_scale.value()),
        before
    );
}

#[test]
fn what_the_host_moves_is_not_undone() {
    let mut stage = Stage::open();
    let params = stage.params.clone();
    // A state that a host loads reaches the parameters without the window.
    let pitch = params.voice.pitch.as_ptr();
    #[allow(unsafe_code, reason = "only hosts move parameters, and they do it so")]
    // SAFETY: the parameters live as long as this test.
    unsafe {
        pitch._internal_set_normalized_value(0.9)
    };
    stage.frame(vec![]);
    stage.click_named("Undo");
    assert!(stage.take_all_acts().is_empty());
}

#[test]
fn a_and_b_keep_their_own_settings() {
    let mut stage = Stage::open();
    let params = stage.params.clone();
    let pitch = &params.voice.pitch;
    let dial = stage.dial_below("Pitch", 50.0);
    stage.drag(dial, vec2(0.0, -45.0));
    let of_a = pitch.value();
    stage.click_on("B");
    assert_eq!(pitch.value(), of_a, "B begins as A is");
    stage.rest();
    stage.drag(dial, vec2(0.0, 90.0));
    let of_b = pitch.value();
    assert_ne!(of_a, of_b);
    stage.click_on("Bypass");
    stage.click_on("A");
    assert_eq!(pitch.value(), of_a);
    assert!(params.bypass.value(), "bypass is not compared");
    stage.click_on("B");
    assert_eq!(pitch.value(), of_b);
    stage.click_on("B to A");
    stage.click_on("A");
    assert_eq!(pitch.value(), of_b);
    stage.click_named("Undo");
    assert_eq!(
        pitch.value(),
        of_b,
        "both are the same: there is nothing to undo"
    );
}

#[test]
fn a_knob_is_reached_and_moved_with_the_keys() {
    let mut stage = Stage::open();
    let params = stage.params.clone();
    let pitch = &params.voice.pitch;
    // Tab goes through everything; after one round it was at the knob.
    let mut reached = false;
    for _ in 0..60 {
        stage.key(Key::Tab);
        stage.key(Key::PageUp);
        if pitch.value() != 0.0 {
            reached = true;
            break;
        }
    }
    assert!(reached);
    assert_eq!(pitch.value(), 12.0);
    stage.key(Key::ArrowUp);
    assert_eq!(pitch.value(), 13.0, "an arrow is a step");
    stage.key(Key::ArrowLeft);
    assert_eq!(pitch.value(), 12.0);
    stage.modifiers = Modifiers::SHIFT;
    stage.key(Key::ArrowDown);
    stage.modifiers = Modifiers::NONE;
    assert!(
        (pitch.value() - 11.9).abs() < 1e-3,
        "fine: {}",
        pitch.value()
    );
    stage.key(Key::Delete);
    assert_eq!(pitch.value(), 0.0);
    stage.key(Key::Enter);
    stage.frame(vec![]);
    stage.write("7");
    stage.key(Key::Enter);
    stage.frame(vec![]);
    assert_eq!(pitch.value(), 7.0);
}

#[test]
fn every_parameter_is_reached_with_tab() {
    let mut stage = Stage::open();
    // With a converted voice everything has a place at once.
    set_text(ParamRef::Int(&stage.params.voice.slot), "Voice 1");
    stage.frame(vec![]);
    let mut reached = std::collections::HashSet::new();
    let mut places = Vec::new();
    for _ in 0..80 {
        stage.key(Key::Tab);
        let focused = stage.ctx.memory(|memory| memory.focused());
        reached.insert(focused);
        let response = focused.and_then(|id| stage.ctx.read_response(id));
        places.extend(response.map(|response| response.rect));
    }
    // 30 parameters, one of which is twelve keys.
    assert!(reached.len() >= 30 + 11, "{}", reached.len());
    for (id, param) in stage.params.all() {
        // The keys of the custom scale bear no text; the morph pad is with voices of our own alone
        // (tests/plugin_editor_morph.rs).
        if id != "custom_scale" && !id.starts_with("morph") {
            let name = stage.find(param.name());
            let is_reached = |place: &Rect| place.expand(8.0).intersects(name);
            assert!(places.iter().any(is_reached), "{id}");
        }
    }
}

#[test]
fn the_stage_shows_what_is_needed_there() {
    let mut stage = stage_scene();
    for text in [
        "Shift", "Voice 1", "Voice 4", "sung", "out", "Bypass", "Studio",
    ] {
        assert!(stage.shows(text), "{text}");
    }
    assert!(!stage.shows("Retune"));
    let params = stage.params.clone();
    stage.click_on("Voice 2");
    assert_eq!(params.voice.slot.value(), 2);
    let mut meters = stage.feed.connect(params.wanted());
    meters.write(Meters {
        rate_hz: 48_000,
        engine: "shift",
        ..Meters::default()
    });
    stage.frame(vec![]);
    assert!(stage.shows("empty"), "the slot holds no voice");
    assert!(stage.shows("shift on the CPU"));
}

#[test]
fn nothing_is_drawn_outside_the_stage() {
    for size in [vec2(480.0, 300.0), vec2(720.0, 400.0), vec2(1920.0, 1080.0)] {
        let mut stage = stage_scene();
        stage.size = size;
        stage.frame(vec![]);
        stage.frame(vec![]);
        let window = Rect::from_min_size(Pos2::ZERO, size);
        for (text, place) in &stage.texts {
            assert!(window.contains_rect(*place), "{size}: {text}: {place}");
        }
    }
}

#[test]
fn scene_colours_and_scale_are_one_click_away() {
    let mut stage = Stage::open();
    let usual = WindowSettings::default();
    stage.click_on("Stage");
    assert_eq!(stage.app.look().scene, Scene::Stage);
    assert_eq!(stage.asked_size, Some(usual.stage.into()));
    stage.click_on("Studio");
    assert_eq!(stage.asked_size, Some(usual.studio.into()));

    assert!(stage.ctx.style_of(stage.ctx.theme()).visuals.dark_mode);
    stage.click_named("Light colours");
    assert!(!stage.ctx.style_of(stage.ctx.theme()).visuals.dark_mode);
    assert!(!stage.app.look().dark);

    stage.click_on("+");
    assert_eq!(stage.app.look().scale, 1.25);
    stage.frame(vec![]);
    assert_eq!(stage.ctx.zoom_factor(), 1.25);
    stage.click_on("−");
    assert_eq!(stage.app.look().scale, 1.0);
}

#[test]
fn a_small_window_scrolls_to_what_does_not_fit() {
    let mut stage = Stage::open();
    stage.size = vec2(700.0, 480.0);
    stage.frame(vec![]);
    stage.frame(vec![]);
    assert!(!stage.shows("resampling"), "it is below the window");
    stage.point(Pos2::new(350.0, 470.0));
    for _ in 0..20 {
        stage.frame(vec![egui::Event::MouseWheel {
            unit: egui::MouseWheelUnit::Point,
            delta: vec2(0.0, -60.0),
            phase: egui::TouchPhase::Move,
            source: egui::MouseWheelSource::Wheel,
            modifiers: Modifiers::NONE,
        }]);
    }
    assert!(stage.shows("resampling"));
}
