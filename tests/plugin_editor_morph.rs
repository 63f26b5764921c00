//! The morph pad in the editor: what stands at its corners, the hand that moves its point, and
//! presets that carry its voices.

mod editor_stage;
mod fake_voices;
mod plugin_host;

use autovoice::editor::{Scene, WindowSettings};
use autovoice::plugin::AutoVoiceParams;
use autovoice::plugin::voices::SlotState;
use autovoice::preset::Library;
use editor_stage::{Act, Stage};
use egui::{Key, Modifiers, Pos2, Rect, vec2};
use fake_voices::{Fake, Kind, fake, stock, until_shown};
use nice_plug::prelude::Param;
use plugin_host::set_text;
use std::sync::Arc;

const ADA: Fake = fake("Ada", Kind::Gain(0.5));
const OLGA: Fake = fake("Olga", Kind::Ours);
const BO: Fake = fake("Bo", Kind::Ours);
const PAD: &str = "Morph pad";

/// Olga, Bo and Ada in slots 1 to 3, the first selected.
fn looking(window: WindowSettings) -> Stage {
    let (stock, _) = stock(&[ADA, OLGA, BO]);
    let params = Arc::new(AutoVoiceParams::with_voices(stock));
    for (slot, voice) in [(1, OLGA), (2, BO), (3, ADA)] {
        params.rack.put(slot, Some(voice.voice()));
    }
    until_shown(&params.rack, "the voices", |shown| {
        let ready = shown
            .slots
            .iter()
            .filter(|slot| slot.state == SlotState::Ready);
        ready.count() == 3
    });
    set(&params, "slot", "Voice 1");
    let mut stage = Stage::of(params, window);
    stage.frame(vec![]);
    stage
}

fn open() -> Stage {
    looking(WindowSettings::default())
}

fn set(params: &AutoVoiceParams, id: &str, text: &str) {
    let all = params.all();
    let (_, param) = all.into_iter().find(|(known, _)| *known == id).expect(id);
    set_text(param, text);
}

fn point(stage: &Stage) -> (f32, f32) {
    let morph = &stage.params.morph;
    (morph.x.value(), morph.y.value())
}

/// Where a point is on the screen: it stays clear of the edges.
fn place(pad: Rect, x: f32, y: f32) -> Pos2 {
    let inner = pad.shrink(10.0);
    inner.min + vec2(x, 1.0 - y) * inner.size()
}

#[test]
fn corners_say_who_is_there_and_why_another_is_not() {
    let mut stage = open();
    let pad = stage.place_of(PAD);
    for (text, right, below) in [
        ("1  Olga", false, false),
        ("2  Bo", true, false),
        ("3  Ada", false, true),
        ("4  –", true, true),
    ] {
        // The tabs of the slots say the same.
        let found = stage.texts.iter().filter(|(shown, _)| shown == text);
        let at = found
            .map(|(_, at)| at.center())
            .find(|at| pad.contains(*at));
        let at = at.unwrap_or_else(|| panic!("{text}: {:?}", stage.texts));
        let center = pad.center();
        assert_eq!((center.x < at.x, center.y < at.y), (right, below), "{text}");
    }
    assert!(stage.shows("not blendable") && stage.shows("empty"));
    assert!(stage.shows("50 %"), "half each: {:?}", stage.texts);
    for (corner, reason) in [
        (
            pad.left_bottom() + vec2(20.0, -20.0),
            "Only voices of AutoVoice's own",
        ),
        (
            pad.right_bottom() - vec2(20.0, 20.0),
            "The slot of this corner is empty",
        ),
    ] {
        stage.point(corner);
        stage.rest();
        stage.rest();
        assert!(stage.shows(reason), "{:?}", stage.texts);
    }
    // Ada stands alone.
    set(&stage.params.clone(), "slot", "Voice 3");
    stage.rest();
    assert!(!stage.names.iter().any(|(name, _)| name == PAD));
}

#[test]
fn a_drag_is_one_gesture_of_both_and_one_step_to_undo() {
    let mut stage = open();
    let pad = stage.place_of(PAD);
    let (x, y) = (stage.params.morph.x.as_ptr(), stage.params.morph.y.as_ptr());
    let from = place(pad, 0.5, 0.5);
    let by = place(pad, 0.75, 0.25) - from;
    stage.drag(from, by);
    let (at_x, at_y) = point(&stage);
    assert!(
        (at_x - 0.75).abs() < 0.01 && (at_y - 0.25).abs() < 0.01,
        "{at_x} {at_y}"
    );
    let acts = stage.take_all_acts();
    assert_eq!(acts[..2], [(x, Act::Begin), (y, Act::Begin)]);
    assert_eq!(acts[acts.len() - 2..], [(x, Act::End), (y, Act::End)]);
    assert!(
        acts[2..acts.len() - 2]
            .iter()
            .all(|(_, act)| *act == Act::Set)
    );
    stage.click_named("Undo");
    assert_eq!(point(&stage), (0.5, 0.5));
    stage.click_named("Redo");
    assert_eq!(point(&stage), (at_x, at_y));

    // Finely it goes a tenth of the way, beyond the edge no further.
    stage.modifiers = Modifiers::SHIFT;
    stage.rest();
    stage.drag(place(pad, at_x, at_y), vec2(0.0, -50.0));
    let (_, fine) = point(&stage);
    assert!(at_y < fine && fine < at_y + 0.1, "{fine}");
    stage.modifiers = Modifiers::NONE;
    stage.rest();
    stage.drag(place(pad, 0.5, 0.5), vec2(-500.0, -500.0));
    assert_eq!(point(&stage), (0.0, 1.0));
}

#[test]
fn clicks_and_keys_move_the_point() {
    let mut stage = open();
    let pad = stage.place_of(PAD);
    stage.rest();
    stage.click(place(pad, 0.2, 0.9));
    let (x, y) = point(&stage);
    assert!((x - 0.2).abs() < 0.01 && (y - 0.9).abs() < 0.01, "{x} {y}");
    stage.rest();
    stage.click(place(pad, 0.2, 0.9));
    stage.click(place(pad, 0.2, 0.9));
    assert_eq!(point(&stage), (0.5, 0.5), "a double click is the middle");

    for _ in 0..60 {
        let id = stage.ctx.memory(|memory| memory.focused());
        let place = id
            .and_then(|id| stage.ctx.read_response(id))
            .map(|r| r.rect);
        if place == Some(pad) {
            break;
        }
        stage.key(Key::Tab);
    }
    for (key, shift, expected) in [
        (Key::ArrowRight, false, (0.55, 0.5)),
        (Key::ArrowUp, false, (0.55, 0.55)),
        (Key::ArrowLeft, true, (0.545, 0.55)),
        (Key::ArrowDown, false, (0.545, 0.5)),
        (Key::Delete, false, (0.5, 0.5)),
    ] {
        stage.modifiers = if shift {
            Modifiers::SHIFT
        } else {
            Modifiers::NONE
        };
        stage.key(key);
        let (x, y) = point(&stage);
        let (want_x, want_y) = expected;
        assert!(
            (x - want_x).abs() < 1e-3 && (y - want_y).abs() < 1e-3,
            "{key:?}: {x} {y}"
        );
    }
    stage.click_named("Morph");
    assert!(stage.params.morph.on.value());
}

#[test]
fn the_stage_shows_the_pad_while_it_is_heard() {
    let mut stage = looking(WindowSettings {
        scene: Scene::Stage,
        ..WindowSettings::default()
    });
    let has_pad = |stage: &Stage| stage.names.iter().any(|(name, _)| name == PAD);
    assert!(!has_pad(&stage));
    set(&stage.params.clone(), "morph", "on");
    stage.rest();
    assert!(has_pad(&stage));
    let window = Rect::from_min_size(Pos2::ZERO, stage.size);
    assert!(window.contains_rect(stage.place_of(PAD)));
}

#[test]
fn a_preset_carries_the_point_and_the_voices() {
    let mut stage = looking(WindowSettings {
        presets: true,
        ..WindowSettings::default()
    });
    let params = stage.params.clone();
    for (id, text) in [("morph", "on"), ("morph_x", "25 %"), ("morph_y", "75 %")] {
        set(&params, id, text);
    }
    stage.frame(vec![]);
    stage.click_on("Save…");
    stage.click_on("Name");
    stage.write("Both");
    stage.frame(vec![]);
    stage.click_on("Save");
    let library = Library::load(&stage.home.path().join("presets"));
    let preset = &library.find("Both").expect("saved").preset;
    let corners = [Some(OLGA.voice()), Some(BO.voice()), None, None];
    assert_eq!((&preset.voice, &preset.corners), (&corners[0], &corners));

    // Somebody else is there, and the point is elsewhere.
    params.rack.put(1, Some(ADA.voice()));
    params.rack.put(2, None);
    params.rack.put(4, Some(BO.voice()));
    for (id, text) in [("morph", "off"), ("morph_x", "0"), ("slot", "Voice 4")] {
        set(&params, id, text);
    }
    stage.click_on("Both");
    let held = [1, 2, 3, 4].map(|slot| params.rack.voice_in(slot).map(|voice| voice.name));
    let name = |name: &str| Some(name.to_owned());
    assert_eq!(held, [name("Olga"), name("Bo"), name("Ada"), None]);
    let (x, y) = point(&stage);
    assert!(
        (x - 0.25).abs() < 1e-4 && (y - 0.75).abs() < 1e-4,
        "{x} {y}"
    );
    assert_eq!(params.voice.slot.value(), 1);
    assert!(params.morph.on.value());
}
