//! The editor without a window: egui is fed with what a hand does, and what is drawn and sent to
//! the host is looked at.

mod plugin_host;

use autovoice::bridge::{Latency, Meters, MetersIn};
use autovoice::editor::{App, SIZE};
use autovoice::engine::Observation;
use autovoice::pitch::{Scale, TrackerChoice};
use autovoice::plugin::{AutoVoiceParams, Feed};
use egui::{
    Context, Event, Key, Modifiers, PointerButton, Pos2, RawInput, Rect, Shape, Vec2, vec2,
};
use nice_plug::context::gui::GuiContext;
use nice_plug::prelude::*;
use std::sync::{Arc, Mutex};

/// What the editor did to parameters, in order.
#[derive(Clone, Debug, PartialEq)]
enum Act {
    Begin,
    Set,
    End,
}

#[derive(Default)]
struct Host {
    acts: Arc<Mutex<Vec<(ParamPtr, Act)>>>,
}

impl Host {
    fn note(&self, param: ParamPtr, act: Act) {
        self.acts
            .lock()
            .expect("no test panics here")
            .push((param, act));
    }
}

#[allow(unsafe_code)]
impl GuiContextInner for Host {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }
    unsafe fn raw_begin_set_parameter(&self, param: ParamPtr) {
        self.note(param, Act::Begin);
    }
    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        self.note(param, Act::Set);
        // SAFETY: the parameters outlive the editor under test.
        unsafe { param._internal_set_normalized_value(normalized) };
    }
    unsafe fn raw_end_set_parameter(&self, param: ParamPtr) {
        self.note(param, Act::End);
    }
    fn get_state(&self) -> PluginState {
        unreachable!("the editor has no business with states")
    }
    fn set_state(&self, _state: PluginState) {
        unreachable!("the editor has no business with states")
    }
    fn request_restart(&self) {
        unreachable!("the audio thread asks for restarts")
    }
}

/// An open editor and a hand.
struct Stage {
    ctx: Context,
    app: App,
    params: Arc<AutoVoiceParams>,
    feed: Arc<Feed>,
    acts: Arc<Mutex<Vec<(ParamPtr, Act)>>>,
    time_s: f64,
    modifiers: Modifiers,
    texts: Vec<(String, Rect)>,
}

impl Stage {
    fn open() -> Self {
        let (params, feed) = (Arc::<AutoVoiceParams>::default(), Arc::<Feed>::default());
        let host = Host::default();
        let acts = host.acts.clone();
        let mut app = App::new(params.clone(), feed.clone());
        let ctx = Context::default();
        app.open(&ctx, GuiContext::new(Arc::new(host)));
        let mut stage = Self {
            ctx,
            app,
            params,
            feed,
            acts,
            time_s: 0.0,
            modifiers: Modifiers::NONE,
            texts: Vec::new(),
        };
        stage.frame(vec![]);
        stage.frame(vec![]);
        stage
    }

    fn frame(&mut self, mut events: Vec<Event>) {
        events.insert(0, Event::ModifiersChanged(self.modifiers));
        self.time_s += 1.0 / 60.0;
        let input = RawInput {
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, SIZE.into())),
            time: Some(self.time_s),
            focused: true,
            events,
            ..RawInput::default()
        };
        let app = &mut self.app;
        let mut output = self.ctx.run_ui(input, |ui| app.draw(ui));
        output.textures_delta.clear();
        self.texts.clear();
        for clipped in output.shapes {
            collect_texts(&clipped.shape, &mut self.texts);
        }
    }

    fn point(&mut self, at: Pos2) {
        self.frame(vec![Event::PointerMoved(at)]);
    }

    fn button(&mut self, at: Pos2, pressed: bool) {
        let (button, modifiers) = (PointerButton::Primary, self.modifiers);
        self.frame(vec![Event::PointerButton {
            pos: at,
            button,
            pressed,
            modifiers,
        }]);
    }

    fn click(&mut self, at: Pos2) {
        self.point(at);
        self.button(at, true);
        self.button(at, false);
    }

    fn drag(&mut self, from: Pos2, by: Vec2) {
        self.point(from);
        self.button(from, true);
        for step in 1..=10 {
            self.point(from + by * (step as f32 / 10.0));
        }
        self.button(from + by, false);
    }

    fn key(&mut self, key: Key) {
        for pressed in [true, false] {
            self.frame(vec![Event::Key {
                key,
                physical_key: None,
                pressed,
                repeat: false,
                modifiers: self.modifiers,
            }]);
        }
    }

    /// Where a text stands; the first if it stands in several places.
    fn find(&self, text: &str) -> Rect {
        let found = self.texts.iter().find(|(shown, _)| shown == text);
        found
            .unwrap_or_else(|| panic!("\"{text}\" is not among {:?}", self.texts))
            .1
    }

    fn shows(&self, part: &str) -> bool {
        self.texts.iter().any(|(shown, _)| shown.contains(part))
    }

    fn dial_below(&self, name: &str, distance: f32) -> Pos2 {
        self.find(name).center_bottom() + vec2(0.0, distance)
    }

    /// Takes what was done since the last call.
    fn take_acts(&self, param: &impl Param) -> Vec<Act> {
        let acts: Vec<_> = std::mem::take(&mut *self.acts.lock().expect("no test panics here"));
        assert!(
            acts.iter().all(|(p, _)| *p == param.as_ptr()),
            "another parameter moved"
        );
        acts.into_iter().map(|(_, act)| act).collect()
    }
}

fn collect_texts(shape: &Shape, texts: &mut Vec<(String, Rect)>) {
    match shape {
        Shape::Text(text) => texts.push((
            text.galley.text().to_owned(),
            text.galley.rect.translate(text.pos.to_vec2()),
        )),
        Shape::Vec(shapes) => shapes.iter().for_each(|shape| collect_texts(shape, texts)),
        _ => {}
    }
}

/// One gesture: a begin, at least one set, an end.
fn is_gesture(acts: &[Act]) -> bool {
    match acts {
        [Act::Begin, sets @ .., Act::End] => {
            !sets.is_empty() && sets.iter().all(|act| *act == Act::Set)
        }
        _ => false,
    }
}

#[test]
fn every_parameter_has_a_place() {
    let stage = Stage::open();
    for (_, pointer, _) in stage.params.param_map() {
        let names = stage.params.all();
        let name = names.iter().find_map(|(_, param)| {
            use autovoice::plugin::params::ParamRef::{Bool, Float, Int};
            let (name, own) = match param {
                Float(p) => (p.name(), p.as_ptr()),
                Int(p) => (p.name(), p.as_ptr()),
                Bool(p) => (p.name(), p.as_ptr()),
            };
            (own == pointer).then_some(name)
        });
        let name = name.expect("every parameter is listed");
        // The custom scale is the keyboard, which another test plays on.
        assert!(name == "Custom scale" || stage.shows(name), "{name}");
    }
}

#[test]
fn nothing_is_drawn_outside_the_window() {
    let stage = Stage::open();
    let window = Rect::from_min_size(Pos2::ZERO, SIZE.into());
    for (text, place) in &stage.texts {
        assert!(window.contains_rect(*place), "{text}: {place}");
    }
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
