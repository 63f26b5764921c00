//! The window of the app: the audio bar, and below it the very editor of the plugin, or the page
//! on which a voice is made. GUI thread; sound goes on whatever happens here.

use super::control::Handle;
use super::host::Host;
use super::new_voice::{Desk, NewVoicePanel, Places, Wish, button_text};
use super::panel::{self, Panel};
use crate::editor::screen::{self, Contents, Error, Settings, WindowContext, WindowSize};
use crate::editor::{App as Editor, system};
use crate::plugin::voices::SLOTS;
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

/// Opens the window, on the page for a new voice if that is wanted, and returns when it is closed.
///
/// # Errors
/// When there is no display or no OpenGL.
pub fn run(
    control: Handle,
    talk_key: &str,
    closing: Closing,
    new_voice: bool,
) -> Result<(), Error> {
    let shared = &control.shared;
    let mut editor = Editor::new(shared.params.clone(), shared.feed.clone()).below(panel::HEIGHT);
    // Without a place for it, or a thread, no voices are made here.
    let places = Places::of_user().ok();
    let desk = places.and_then(|places| Desk::new(places).ok());
    if desk.is_some() {
        editor = editor.offering_new_voice();
    }
    let size = Vec2::from(editor.window_size()) * editor.look().scale;
    let size = LogicalSize::new(f64::from(size.x), f64::from(size.y));
    let window = Window {
        editor,
        panel: Panel::new(talk_key),
        maker: desk.map(|desk| Maker {
            desk,
            page: NewVoicePanel::new(system()),
            is_open: new_voice,
        }),
        control,
        closing,
        has_panicked: false,
    };
    screen::create(Settings::of_size(size), window)?.run_until_closed()
}

struct Window {
    editor: Editor,
    panel: Panel,
    maker: Option<Maker>,
    control: Handle,
    closing: Closing,
    has_panicked: bool,
}

/// Where voices are made.
struct Maker {
    desk: Desk,
    page: NewVoicePanel,
    is_open: bool,
}

impl Maker {
    fn open(&mut self, control: &Handle) {
        self.is_open = true;
        // The page says whether a name is taken.
        control.shared.params.rack.list();
    }
}

impl Window {
    fn panels(&mut self, ui: &mut Ui) {
        let whole = ui.max_rect();
        let bar = Rect::from_min_size(whole.min, vec2(whole.width(), panel::HEIGHT));
        let rest = Rect::from_min_max(pos2(whole.left(), bar.bottom()), whole.max);
        let time_s = ui.input(|input| input.time);
        if let Some(maker) = &mut self.maker {
            for command in maker.desk.tick(&self.control.shared, time_s) {
                self.control.ask(command);
            }
            if self.editor.takes_new_voice() {
                maker.open(&self.control);
            }
        }
        let making = self.maker.as_ref();
        let making = making.map(|maker| (button_text(&maker.desk), maker.is_open));
        ui.scope_builder(UiBuilder::new().max_rect(bar), |ui| {
            let is_turned = self.panel.show(ui, &self.control, making);
            match &mut self.maker {
                Some(maker) if is_turned && maker.is_open => maker.is_open = false,
                Some(maker) if is_turned => maker.open(&self.control),
                _ => {}
            }
        });
        let mut wish = None;
        ui.scope_builder(UiBuilder::new().max_rect(rest), |ui| {
            match &mut self.maker {
                Some(maker) if maker.is_open => {
                    wish = maker.page.show(ui, &mut maker.desk, &self.control.shared);
                }
                _ => self.editor.draw(ui),
            }
        });
        if let Some(wish) = wish {
            self.fulfil(wish);
        }
    }

    fn fulfil(&mut self, wish: Wish) {
        match wish {
            Wish::Close => {}
            Wish::Sing(voice) => {
                let host = Host::new(self.control.shared.params.clone());
                let rack = host.rack();
                let slot = match rack.slot_of(&voice) {
                    Some(slot) => slot,
                    None => {
                        let mut slots = 1..=SLOTS;
                        let empty = slots.find(|slot| rack.voice_in(*slot).is_none());
                        let slot = empty.unwrap_or(1);
                        rack.put(slot, Some(voice));
                        slot
                    }
                };
                // Every slot has this name.
                let _ = host.set_text("slot", &format!("Voice {slot}"));
            }
            Wish::Open(file) => return open_file(&file),
        }
        if let Some(maker) = &mut self.maker {
            maker.is_open = false;
        }
    }
}

/// Shows a file of ours in the system's program for it. Where there is none nothing happens, but
/// that the page says where the file is.
fn open_file(file: &std::path::Path) {
    let program = match std::env::consts::OS {
        "windows" => "explorer",
        "macos" => "open",
        _ => "xdg-open",
    };
    let started = std::process::Command::new(program).arg(file).spawn();
    if let Ok(mut child) = started {
        // Somebody has to wait for it when it ends.
        std::thread::spawn(move || child.wait());
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
