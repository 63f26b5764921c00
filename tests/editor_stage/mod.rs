//! An open editor without a window, and a hand: egui is fed with what a hand does, and what is
//! drawn and sent to the host is looked at.

#![allow(dead_code, reason = "each test uses a part of it")]

use autovoice::editor::{App, Ask, Purpose, WindowSettings};
use autovoice::plugin::{AutoVoiceParams, Feed};
use egui::epaint::ClippedShape;
use egui::{
    Context, Event, HoveredFile, Key, Modifiers, OutputCommand, PointerButton, Pos2, RawInput,
    Rect, Shape, Vec2, ViewportCommand, ViewportId, vec2,
};
use nice_plug::context::gui::GuiContext;
use nice_plug::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What the editor did to parameters, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    Begin,
    Set,
    End,
}

struct Host {
    api: PluginApi,
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

#[allow(
    unsafe_code,
    reason = "the framework declares its host interface unsafe"
)]
impl GuiContextInner for Host {
    fn plugin_api(&self) -> PluginApi {
        self.api
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
pub struct Stage {
    pub ctx: Context,
    pub app: App,
    pub params: Arc<AutoVoiceParams>,
    pub feed: Arc<Feed>,
    acts: Arc<Mutex<Vec<(ParamPtr, Act)>>>,
    pub time_s: f64,
    pub modifiers: Modifiers,
    pub texts: Vec<(String, Rect)>,
    /// What screen readers are told there is, and where.
    pub names: Vec<(String, Rect)>,
    /// What is drawn.
    pub shapes: Vec<ClippedShape>,
    /// Size of the window in points.
    pub size: Vec2,
    /// What was last copied.
    pub clipboard: Option<String>,
    /// What the window was last asked to be resized to.
    pub asked_size: Option<Vec2>,
    /// Where the presets of this window lie, in `presets`.
    pub home: tempfile::TempDir,
    /// What is dropped onto the window with the next frame.
    pub dropped: Vec<PathBuf>,
    /// What is held over the window.
    pub held: Vec<PathBuf>,
    answers: Answers,
}

/// What the file dialog answers, and what it was asked for.
#[derive(Clone, Default)]
struct Answers(Arc<Mutex<(Option<PathBuf>, Vec<Purpose>)>>);

impl Answers {
    fn ask(&self) -> Ask {
        let answers = self.clone();
        Arc::new(move |purpose| {
            let mut answers = answers.0.lock().expect("no test panics here");
            answers.1.push(purpose);
            answers.0.take()
        })
    }
}

#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }
    fn bytes(&self) -> Result<Vec<u8>, String> {
        Err("files are read from their paths".to_owned())
    }
}

impl Stage {
    /// The usual window.
    pub fn open() -> Self {
        Self::looking(WindowSettings::default())
    }

    /// A window that looks like this.
    pub fn looking(window: WindowSettings) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        Self::with(PluginApi::Clap, Arc::default(), window, home)
    }

    /// A window of these parameters.
    pub fn of(params: Arc<AutoVoiceParams>, window: WindowSettings) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        Self::with(PluginApi::Clap, params, window, home)
    }

    /// The usual window in a program of its own.
    pub fn standalone() -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        let window = WindowSettings::default();
        Self::with(PluginApi::Standalone, Arc::default(), window, home)
    }

    /// The window of the same instance in a project that is opened again.
    pub fn reopened(self) -> Self {
        Self::with(PluginApi::Clap, self.params, self.app.look(), self.home)
    }

    fn with(
        api: PluginApi,
        params: Arc<AutoVoiceParams>,
        window: WindowSettings,
        home: tempfile::TempDir,
    ) -> Self {
        let feed = Arc::<Feed>::default();
        let acts = Arc::default();
        let host = Host {
            api,
            acts: Arc::clone(&acts),
        };
        let presets = home.path().join("presets");
        let answers = Answers::default();
        let ask = answers.ask();
        let mut app = App::looking(params.clone(), feed.clone(), window, presets, ask);
        let ctx = Context::default();
        ctx.enable_accesskit();
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
            names: Vec::new(),
            shapes: Vec::new(),
            size: window.size().into(),
            clipboard: None,
            asked_size: None,
            home,
            dropped: Vec::new(),
            held: Vec::new(),
            answers,
        };
        stage.frame(vec![]);
        stage.frame(vec![]);
        stage
    }

    pub fn frame(&mut self, mut events: Vec<Event>) {
        events.insert(0, Event::ModifiersChanged(self.modifiers));
        self.time_s += 1.0 / 60.0;
        let dropped = std::mem::take(&mut self.dropped).into_iter();
        let held = self.held.iter().map(|path| HoveredFile {
            path: Some(path.clone()),
            mime: String::new(),
        });
        let input = RawInput {
            hovered_files: held.collect(),
            screen_rect: Some(Rect::from_min_size(Pos2::ZERO, self.size)),
            time: Some(self.time_s),
            focused: true,
            events,
            dropped_files: dropped.map(|path| Arc::new(Dropped(path)) as _).collect(),
            ..RawInput::default()
        };
        let app = &mut self.app;
        let mut output = self.ctx.run_ui(input, |ui| app.draw(ui));
        output.textures_delta.clear();
        self.texts.clear();
        self.shapes = output.shapes;
        for clipped in &self.shapes {
            collect_texts(&clipped.shape, &mut self.texts);
        }
        for command in output.platform_output.commands {
            if let OutputCommand::CopyText(text) = command {
                self.clipboard = Some(text);
            }
        }
        let tree = output.platform_output.accesskit_update;
        self.names.clear();
        for (_, node) in tree.into_iter().flat_map(|tree| tree.nodes) {
            if let (Some(name), Some(place)) = (node.label(), node.bounds()) {
                let (min, max) = ((place.x0, place.y0), (place.x1, place.y1));
                let at = |(x, y): (f64, f64)| Pos2::new(x as f32, y as f32);
                self.names
                    .push((name.to_owned(), Rect::from_min_max(at(min), at(max))));
            }
        }
        let root = output.viewport_output.get(&ViewportId::ROOT);
        for command in root.map_or(&[][..], |viewport| &viewport.commands) {
            if let ViewportCommand::InnerSize(size) = command {
                self.asked_size = Some(*size);
            }
        }
    }

    /// What the file dialog will answer, once.
    pub fn will_answer(&self, file: &Path) {
        self.answers.0.lock().expect("no test panics here").0 = Some(file.to_owned());
    }

    /// Draws until the file dialog, which has a thread of its own, was asked for all of these.
    pub fn until_asked_for(&mut self, purposes: &[Purpose]) {
        let asked = Arc::clone(&self.answers.0);
        self.until(&format!("asked for {purposes:?}"), |_| {
            asked.lock().expect("no test panics here").1 == purposes
        });
    }

    /// Draws until something is shown that another thread brings about.
    pub fn until_shows(&mut self, part: &str) {
        self.until(&format!("\"{part}\""), |stage| stage.shows(part));
    }

    fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        let patience = Instant::now() + Duration::from_secs(60);
        while !holds(self) {
            let late = Instant::now() > patience;
            assert!(!late, "not {what}, but {:?}", self.texts);
            std::thread::sleep(Duration::from_millis(1));
            self.frame(vec![]);
        }
    }

    /// Lets nothing happen for a while, so that the next click is no double click.
    pub fn rest(&mut self) {
        self.time_s += 1.0;
        self.frame(vec![]);
    }

    pub fn point(&mut self, at: Pos2) {
        self.frame(vec![Event::PointerMoved(at)]);
    }

    pub fn button(&mut self, at: Pos2, pressed: bool) {
        let (button, modifiers) = (PointerButton::Primary, self.modifiers);
        self.frame(vec![Event::PointerButton {
            pos: at,
            button,
            pressed,
            modifiers,
        }]);
    }

    pub fn click(&mut self, at: Pos2) {
        self.point(at);
        self.button(at, true);
        self.button(at, false);
    }

    /// Clicks what has this text.
    pub fn click_on(&mut self, text: &str) {
        self.rest();
        self.click(self.find(text).center());
        self.frame(vec![]);
    }

    /// Clicks what screen readers know by this name.
    pub fn click_named(&mut self, name: &str) {
        self.rest();
        self.click(self.place_of(name).center());
        self.frame(vec![]);
    }

    /// Where that is which screen readers know by this name.
    pub fn place_of(&self, name: &str) -> Rect {
        let found = self.names.iter().find(|(known, _)| known == name);
        found
            .unwrap_or_else(|| panic!("\"{name}\" is not among {:?}", self.names))
            .1
    }

    pub fn drag(&mut self, from: Pos2, by: Vec2) {
        self.point(from);
        self.button(from, true);
        for step in 1..=10 {
            self.point(from + by * (step as f32 / 10.0));
        }
        self.button(from + by, false);
    }

    pub fn key(&mut self, key: Key) {
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

    pub fn write(&mut self, text: &str) {
        self.frame(vec![Event::Text(text.to_owned())]);
    }

    /// Where a text stands; the first if it stands in several places.
    pub fn find(&self, text: &str) -> Rect {
        let found = self.texts.iter().find(|(shown, _)| shown == text);
        found
            .unwrap_or_else(|| panic!("\"{text}\" is not among {:?}", self.texts))
            .1
    }

    pub fn shows(&self, part: &str) -> bool {
        self.texts.iter().any(|(shown, _)| shown.contains(part))
    }

    pub fn dial_below(&self, name: &str, distance: f32) -> Pos2 {
        self.find(name).center_bottom() + vec2(0.0, distance)
    }

    /// Takes what was done to parameters since the last call.
    pub fn take_all_acts(&self) -> Vec<(ParamPtr, Act)> {
        std::mem::take(&mut *self.acts.lock().expect("no test panics here"))
    }

    /// The same where only this parameter may have moved.
    pub fn take_acts(&self, param: &impl Param) -> Vec<Act> {
        let acts = self.take_all_acts();
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
pub fn is_gesture(acts: &[Act]) -> bool {
    match acts {
        [Act::Begin, sets @ .., Act::End] => {
            !sets.is_empty() && sets.iter().all(|act| *act == Act::Set)
        }
        _ => false,
    }
}
