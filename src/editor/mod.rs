//! The editor: a window of panels. Parameters go out through the host's setter, meters come in
//! through [`Feed`], and nothing else passes: no engine, no audio path. Runs on the GUI thread,
//! and only while the window is open.

mod notes;
mod panels;
mod theme;
mod widgets;

use crate::bridge::Meters;
use crate::plugin::{AutoVoiceParams, Feed};
use egui::Ui;
use nice_plug::context::gui::{GuiContext, ParamSetter};
use nice_plug::editor::dpi::LogicalSize;
use nice_plug_egui::baseview::HandlerError;
use nice_plug_egui::{
    EguiEditor, EguiEditorState, EguiNiceSettings, KeyCapture, NiceEguiApp, RepaintNotifier,
};
use panels::pitch::PitchTrace;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;
use widgets::meter::Ballistics;

/// Width and height of the window in points.
pub const SIZE: (f32, f32) = (980.0, 640.0);

/// Meters are drawn this often while the window is open.
const REDRAW: Duration = Duration::from_millis(33);

/// The editor's window.
pub type Window = EguiEditor<App>;

/// The editor of these parameters, closed.
#[must_use]
pub fn window(params: Arc<AutoVoiceParams>, feed: Arc<Feed>) -> Option<Window> {
    let (width, height) = SIZE;
    nice_plug_egui::create_egui_editor(
        EguiEditorState::from_size(LogicalSize::new(width, height), 1.0),
        RepaintNotifier::default(),
        EguiNiceSettings::new().with_tile("AutoVoice"),
        App::new(params, feed),
    )
}

/// What the window holds from frame to frame.
pub struct App {
    params: Arc<AutoVoiceParams>,
    feed: Arc<Feed>,
    host: Option<GuiContext>,
    input: Ballistics,
    output: Ballistics,
    trace: PitchTrace,
    has_panicked: bool,
}

/// What a panel may see and do.
pub(crate) struct View<'a> {
    /// Parameters, to read.
    pub params: &'a AutoVoiceParams,
    /// Parameters, to write.
    pub setter: &'a ParamSetter<'a>,
    /// The newest meters.
    pub now: &'a Meters,
    /// Whether settings wait for the host to restart the plugin.
    pub awaits_restart: bool,
    /// Seconds since the window opened.
    pub time_s: f64,
}

impl App {
    /// The contents of a closed window.
    #[must_use]
    pub fn new(params: Arc<AutoVoiceParams>, feed: Arc<Feed>) -> Self {
        Self {
            params,
            feed,
            host: None,
            input: Ballistics::default(),
            output: Ballistics::default(),
            trace: PitchTrace::default(),
            has_panicked: false,
        }
    }

    /// Prepares a freshly opened window.
    pub fn open(&mut self, ctx: &egui::Context, host: GuiContext) {
        theme::apply(ctx);
        self.host = Some(host);
        self.input = Ballistics::default();
        self.output = Ballistics::default();
        self.trace = PitchTrace::default();
        self.has_panicked = false;
    }

    /// Draws one frame and passes on what the hand did.
    pub fn draw(&mut self, ui: &mut Ui) {
        let Some(host) = self.host.clone() else {
            return;
        };
        let setter = host.param_setter();
        let now = self.feed.newest();
        let time_s = ui.input(|input| input.time);
        self.input.update(now.input_peak, time_s);
        self.output.update(now.output_peak, time_s);
        self.trace
            .push(&now, self.params.correction.tuning_hz.value(), time_s);
        let view = View {
            params: &self.params,
            setter: &setter,
            now: &now,
            awaits_restart: self
                .feed
                .built_for()
                .is_some_and(|w| w != self.params.wanted()),
            time_s,
        };
        panels::show(ui, &view, &mut self.input, &mut self.output, &self.trace);
    }
}

impl NiceEguiApp for App {
    fn build(
        &mut self,
        ctx: egui::Context,
        host: GuiContext,
        frame: &mut nice_plug_egui::Frame,
    ) -> Result<(), HandlerError> {
        frame.set_clear_color(theme::BACKGROUND.into());
        self.open(&ctx, host);
        Ok(())
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut nice_plug_egui::Frame) {
        if self.has_panicked {
            ui.colored_label(
                theme::DANGER,
                "The window failed and is switched off; the sound goes on. Reopen it to try again.",
            );
            return;
        }
        // The caller is C code of the host: a panic must end here.
        let drawn = catch_unwind(AssertUnwindSafe(|| self.draw(ui)));
        self.has_panicked = drawn.is_err();
        // The space bar and shortcuts belong to the host, except while a value is typed.
        frame.set_key_capture(match ui.ctx().egui_wants_keyboard_input() {
            true => KeyCapture::CaptureAll,
            false => KeyCapture::IgnoreAll,
        });
        ui.ctx().request_repaint_after(REDRAW);
    }
}
