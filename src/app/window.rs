//! The window of the app: the audio bar, and below it the very editor of the plugin. GUI thread;
//! sound goes on whatever happens here.

use super::control::Handle;
use super::host::Host;
use super::panel::{self, Panel};
use crate::editor::{self, App as Editor};
use egui::{Rect, Ui, UiBuilder, pos2, vec2};
use nice_plug::editor::dpi::{LogicalSize, Size};
use nice_plug_egui::baseview::{Error, HandlerError};
use nice_plug_egui::{App, EguiWindow, EguiWindowSettings, Frame};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Meters are drawn this often.
const REDRAW: Duration = Duration::from_millis(33);

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
    let (width, height) = editor::SIZE;
    let size = LogicalSize::new(f64::from(width), f64::from(height + panel::HEIGHT));
    let settings = EguiWindowSettings::new()
        .with_title("AutoVoice")
        .with_size(Size::Logical(size))
        .with_resizable(true);
    let shared = &control.shared;
    let window = Window {
        editor: Editor::new(shared.params.clone(), shared.feed.clone()),
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
        frame.set_clear_color(ctx.global_style().visuals.panel_fill.into());
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
        }
        ui.ctx().request_repaint_after(REDRAW);
    }
}
