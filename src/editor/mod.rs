//! The editor: a window of panels. Parameters go out through the host's setter, meters come in
//! through [`Feed`], and nothing else passes: no engine, no audio path. Runs on the GUI thread,
//! and only while the window is open.

mod compare;
mod dialog;
mod hand;
mod history;
mod notes;
mod panels;
pub mod screen;
mod settings;
mod shelf;
mod state;
pub mod theme;
mod tips;
mod widgets;

use crate::bridge::Meters;
use crate::plugin::voices::{Shown, SlotState};
use crate::plugin::{AutoVoiceParams, Feed};
pub use dialog::{Ask, Dialog, Purpose, system};
use egui::{Modifiers, Ui, Vec2};
use hand::{Hand, Memory};
use keyboard_types::{Key, NamedKey};
use nice_plug::context::PluginApi;
use nice_plug::context::gui::GuiContext;
use nice_plug::editor::dpi::{LogicalSize, PhysicalSize};
use panels::slots::NewVoice;
use screen::{Contents, HostedContents, HostedWindow, WindowContext, WindowSize};
pub use settings::{Scene, WindowSettings};
use state::State;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The window is drawn this often while it is open.
const REDRAW: Duration = Duration::from_micros(16_667);

/// The editor's window.
pub type Window = HostedWindow<App>;

/// The editor of these parameters, closed.
#[must_use]
pub fn window(params: Arc<AutoVoiceParams>, feed: Arc<Feed>) -> Window {
    let app = App::new(params, feed);
    let WindowSettings { scale, .. } = app.state.window;
    let (width, height) = app.state.window.size();
    // In pixels: the framework tells hosts a size in points without the scale.
    let pixels = |points: f32| (points * scale).round() as u32;
    let size = PhysicalSize::new(pixels(width), pixels(height));
    let (least, most) = settings::SIZES;
    let sizes = [least, most].map(|(width, height)| LogicalSize::new(width, height));
    HostedWindow::new(app, size, sizes)
}

/// What the window holds from frame to frame.
pub struct App {
    params: Arc<AutoVoiceParams>,
    feed: Arc<Feed>,
    host: Option<GuiContext>,
    memory: RefCell<Memory>,
    state: State,
    has_panicked: bool,
}

/// What a panel may see and do.
pub(crate) struct View<'a> {
    /// Parameters, to read.
    pub params: &'a AutoVoiceParams,
    /// Parameters, to write.
    pub hand: &'a Hand<'a>,
    /// The newest meters.
    pub now: &'a Meters,
    /// Whether settings wait for the host to restart the plugin.
    pub awaits_restart: bool,
    /// The slots and the library.
    pub voices: Arc<Shown>,
    /// What is wrong with the window itself.
    pub notice: Option<&'a str>,
    /// Seconds since the window opened.
    pub time_s: f64,
}

impl App {
    /// The contents of a closed window, looking as the last one did.
    #[must_use]
    pub fn new(params: Arc<AutoVoiceParams>, feed: Arc<Feed>) -> Self {
        let state = State::remembered(WindowSettings::file(), dialog::system());
        Self::with(params, feed, state)
    }

    /// The contents of a closed window that looks like this, which is not remembered; the user's
    /// presets are those of a folder, and files are asked for in this way.
    #[must_use]
    pub fn looking(
        params: Arc<AutoVoiceParams>,
        feed: Arc<Feed>,
        window: WindowSettings,
        presets: PathBuf,
        ask: Ask,
    ) -> Self {
        Self::with(params, feed, State::new(window, Some(presets), ask))
    }

    fn with(params: Arc<AutoVoiceParams>, feed: Arc<Feed>, state: State) -> Self {
        Self {
            params,
            feed,
            host: None,
            memory: RefCell::default(),
            state,
            has_panicked: false,
        }
    }

    /// Prepares a freshly opened window.
    pub fn open(&mut self, ctx: &egui::Context, host: GuiContext) {
        self.host = Some(host);
        self.state.open(ctx);
        self.has_panicked = false;
    }

    /// The same below something else in the window, so many points high.
    #[must_use]
    pub fn below(mut self, height: f32) -> Self {
        self.state.above = height;
        self
    }

    /// The same with an entry for a new voice in the list of voices.
    #[must_use]
    pub fn offering_new_voice(mut self) -> Self {
        self.state.slots.new_voice = NewVoice::Offered;
        self
    }

    /// Whether that was chosen since the last call.
    pub fn takes_new_voice(&mut self) -> bool {
        let new_voice = &mut self.state.slots.new_voice;
        let is_wanted = *new_voice == NewVoice::Wanted;
        if is_wanted {
            *new_voice = NewVoice::Offered;
        }
        is_wanted
    }

    /// Width and height of the window in points, with what is above the editor.
    #[must_use]
    pub fn window_size(&self) -> (f32, f32) {
        self.state.window_size().into()
    }

    /// Asks once after opening for the size that was remembered.
    pub fn fit(&mut self, ctx: &egui::Context) {
        self.state.fit(ctx);
    }

    /// Takes in the window's new size in points.
    pub fn resized(&mut self, points: Vec2) {
        self.state.resized(points.into());
    }

    /// What is behind everything.
    #[must_use]
    pub fn background(&self) -> egui::Color32 {
        theme::palette(self.look().dark).background
    }

    /// How the window looks.
    #[must_use]
    pub fn look(&self) -> WindowSettings {
        self.state.window
    }

    /// Draws one frame and passes on what the hand did.
    pub fn draw(&mut self, ui: &mut Ui) {
        let Some(host) = self.host.clone() else {
            return;
        };
        let now = self.feed.newest();
        let time_s = ui.input(|input| input.time);
        let tuning_hz = self.params.correction.tuning_hz.value();
        self.state.update(&now, tuning_hz, time_s);
        let hand = Hand::new(host.param_setter(), &self.params, &self.memory, time_s);
        if host.plugin_api() == PluginApi::Standalone {
            take_back_by_key(ui, &hand);
        }
        let notice = self.state.notice.clone();
        let built_for = self.feed.built_for();
        let voices = self.params.rack.shown();
        let mut waits = voices.slots.iter();
        let view = View {
            params: &self.params,
            hand: &hand,
            now: &now,
            awaits_restart: built_for.is_some_and(|wanted| wanted != self.params.wanted())
                || waits.any(|slot| slot.state == SlotState::AwaitsRestart),
            voices: Arc::clone(&voices),
            notice: notice.as_deref(),
            time_s,
        };
        self.state.shelf.wake(&self.params);
        panels::take_files(ui, &view, &mut self.state);
        panels::show(ui, &view, &mut self.state);
        self.state.remember(time_s);
    }
}

impl HostedContents for App {
    fn meet(&mut self, host: GuiContext) {
        self.host = Some(host);
    }
}

impl Contents for App {
    fn zoom(&self) -> f32 {
        self.look().scale
    }

    fn background(&self) -> egui::Color32 {
        App::background(self)
    }

    fn open(&mut self, ctx: &egui::Context) {
        if let Some(host) = self.host.clone() {
            App::open(self, ctx, host);
        }
    }

    fn draw(&mut self, ui: &mut Ui, _window: &WindowContext) {
        if self.has_panicked {
            ui.colored_label(
                theme::of(ui).danger,
                "The window failed and is switched off; the sound goes on. Reopen it to try again.",
            );
            return;
        }
        // The caller is C code of the host: a panic must end here.
        let drawn = catch_unwind(AssertUnwindSafe(|| App::draw(self, ui)));
        self.has_panicked = drawn.is_err();
        self.fit(ui.ctx());
        ui.ctx().request_repaint_after(REDRAW);
    }

    fn resized(&mut self, points: Vec2, _size: WindowSize) {
        App::resized(self, points);
    }

    fn takes(&self, ctx: &egui::Context, key: &Key) -> bool {
        takes_key(ctx, key)
    }
}

/// The keys of a program for undo and redo. In a plugin they are the host's.
fn take_back_by_key(ui: &Ui, hand: &Hand<'_>) {
    if ui.ctx().text_edit_focused() {
        return;
    }
    let with_shift = Modifiers::COMMAND.plus(Modifiers::SHIFT);
    // The longer one first: the shorter one would take it, too.
    let (redo, undo) = ui.input_mut(|input| {
        let redo = input.consume_key(with_shift, egui::Key::Z)
            || input.consume_key(Modifiers::COMMAND, egui::Key::Y);
        (redo, input.consume_key(Modifiers::COMMAND, egui::Key::Z))
    });
    match (undo, redo) {
        (true, _) => hand.undo(),
        (false, true) => hand.redo(),
        (false, false) => {}
    }
}

/// Whether a key does not go on to the host while something in the window is reached. The space bar
/// and shortcuts belong to it, except while a value is typed.
fn takes_key(ctx: &egui::Context, key: &Key) -> bool {
    let takes = [
        NamedKey::Tab,
        NamedKey::Enter,
        NamedKey::Escape,
        NamedKey::Delete,
        NamedKey::Backspace,
        NamedKey::PageUp,
        NamedKey::PageDown,
        NamedKey::ArrowUp,
        NamedKey::ArrowDown,
        NamedKey::ArrowLeft,
        NamedKey::ArrowRight,
    ];
    ctx.text_edit_focused() || takes.map(Key::Named).contains(key)
}
