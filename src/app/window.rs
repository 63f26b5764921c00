//! The window of the app: the audio bar, and below it the very editor of the plugin. GUI thread;
//! sound goes on whatever happens here.

use super::control::Handle;
use super::host::Host;
use super::panel::{self, Panel};
use crate::editor::App as Editor;
use crate::editor::screen::{self, Contents, Error, Settings, WindowContext, WindowSize};
use egui::{Color32, Rect, Ui, UiBuilder, Vec2, pos2, vec2};
use nice_plug::editor::dpi::LogicalSize;
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
    let size = Vec2::from(editor.window_size()) * editor.look().scale;
    let size = LogicalSize::new(f64::from(size.x), f64::from(size.y));
    let window = Window {
        editor,
        panel: Panel::new(talk_key),
        control,
        closing,
        has_panicked: false,
    };
    screen::create(Settings::of_size(size), window)?.run_until_closed()
}

struct Window {
    editor: Editor,
    panel: Panel,
    control: Handle,
    closing: Closing,
    has_panicked: bool,
}

impl Window {
    fn panels(&mut self, ui: &mut Ui) {
        let whole = ui.max_rect();
        let bar = Rect::from_min_size(whole.min, vec2(whole.width(), panel::HEIGHT));
        let rest = Rect::from_min_max(pos2(whole.left(), bar.bottom()), whole.max);
        ui.scope_builder(UiBuilder::new().max_rect(bar), |ui| {
            self.panel.show(ui, &self.control);
        });
        ui.scope_builder(UiBuilder::new().max_rect(rest), |ui| self.editor.draw(ui));
    }
}

impl Contents for Window {
    fn zoom(&self) -> f32 {
        self.editor.look().scale
    }

    fn background(&self) -> Color32 {
        self.editor.background()
    }

    fn open(&mut self, ctx: &egui::Context) {
        let host = Host::context(self.control.shared.params.clone());
        self.editor.open(ctx, host);
    }

    fn draw(&mut self, ui: &mut Ui, window: &WindowContext) {
        if self.closing.is_due() {
            return window.request_close();
        }
        if self.has_panicked {
            let failed = "The window failed; the sound goes on. Close it to end.";
            ui.colored_label(ui.visuals().error_fg_color, failed);
        } else {
            let drawn = catch_unwind(AssertUnwindSafe(|| self.panels(ui)));
            self.has_panicked = drawn.is_err();
            self.editor.fit(ui.ctx());
        }
        ui.ctx().request_repaint_after(REDRAW);
    }

    fn resized(&mut self, points: Vec2, _size: WindowSize) {
        self.editor.resized(points);
    }
}
