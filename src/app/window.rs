//! The window of the app: the audio bar, and below it the very editor of the plugin. GUI thread;
//! sound goes on whatever happens here.

use super::control::Handle;
use super::host::Host;
use super::panel::{self, Panel};
use crate::editor::App as Editor;
use egui::{Rect, Ui, UiBuilder, pos2, vec2};
use nice_plug::editor::dpi::{LogicalSize, Size};
use nice_plug_egui::baseview::{Error, HandlerError, WindowSize};
use nice_plug_egui::{App, EguiWindow, EguiWindowSettings, Frame};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Meters are drawn this often.
const REDRAW: Duration = Duration::from_micros(16_667);

/// How long the window is open, and when to close it by itself.
pub struct Closing {
    /// Set by an interrupt.
    pub quit: Arc<AtomicBool>,
    /// A moment to close at.
    pub at: Option<Instant>,
}

impl Closing {
    /// Whether it is time.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.quit.load(Ordering::Relaxed) || self.at.is_some_and(|at| at <= Instant::now())
    }
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// When there is no display or no OpenGL.
pub fn run(control: Handle, talk_key: &str, closing: Closing) -> Result<(), Error> {
    let shared = &control.shared;
    let editor = Editor::new(shared.params.clone(), shared.feed.clone()).below(panel::HEIGHT);
    let (width, height) = editor.window_size();
    let size = LogicalSize::new(f64::from(width), f64::from(height));
    let settings = EguiWindowSettings::new()
        .with_title("AutoVoice")
        .with_size(Size::Logical(size))
        .with_zoom_factor(editor.look().scale)
        .with_resizable(true);
    let window = Window {
        editor,
        panel: Panel::new(talk_key),
        control,
        closing,
        has_panicked: false,
    };
    EguiWindow::create(settings, window)?.run_until_closed()
}

struct Window {
    editor: Editor,
    panel: Panel,
    control: Handle,
    closing: Closing,
    has_panicked: bool,
}

impl Window {
    fn draw(&mut self, ui: &mut Ui) {
        let whole = ui.max_rect();
        let bar = Rect::from_min_size(whole.min, vec2(whole.width(), panel::HEIGHT));
        let rest = Rect::from_min_max(pos2(whole.left(), bar.bottom()), whole.max);
        ui.scope_builder(UiBuilder::new().max_rect(bar), |ui| {
            self.panel.show(ui, &self.control);
        });
        ui.scope_builder(UiBuilder::new().max_rect(rest), |ui| self.editor.draw(ui));
    }
}

impl App for Window {
    fn build(&mut self, ctx: egui::Context, frame: &mut Frame) -> Result<(), HandlerError> {
        let host = Host::context(self.control.shared.params.clone());
        self.editor.open(&ctx, host);
        frame.set_clear_color(self.editor.background().into());
        Ok(())
    }

    fn ui(&mut self, ui: &mut Ui, frame: &mut Frame) {
        if self.closing.is_due() {
            return frame.baseview_window().request_close();
        }
        if self.has_panicked {
            let failed = "The window failed; the sound goes on. Close it to end.";
            ui.colored_label(ui.visuals().error_fg_color, failed);
        } else {
            let drawn = catch_unwind(AssertUnwindSafe(|| self.draw(ui)));
            self.has_panicked = drawn.is_err();
            self.editor.fit(ui.ctx());
        }
        ui.ctx().request_repaint_after(REDRAW);
    }

    fn resized(&mut self, size: WindowSize) {
        self.editor.resized(size);
    }
}
