//! What the window holds from frame to frame, parameters aside. GUI thread.

use super::compare::Compare;
use super::dialog::{Ask, Dialog};
use super::panels::pitch::PitchTrace;
use super::panels::slots::Slots;
use super::settings::{SCALES, Scene, WindowSettings};
use super::shelf::Shelf;
use super::theme;
use super::widgets::meter::Ballistics;
use crate::bridge::Meters;
use egui::{Context, Vec2, ViewportCommand, vec2};
use std::path::PathBuf;

/// A size that keeps changing is written once it has rested for so many seconds.
const REST_S: f64 = 0.5;

/// What the window holds.
pub struct State {
    /// How it looks.
    pub window: WindowSettings,
    /// Level before the engine.
    pub input: Ballistics,
    /// Level after it.
    pub output: Ballistics,
    /// The pitch of the last seconds.
    pub trace: PitchTrace,
    /// The presets.
    pub shelf: Shelf,
    /// What is typed about the slots.
    pub slots: Slots,
    /// The system's dialog for files.
    pub dialog: Dialog,
    /// A and B.
    pub compare: Compare,
    /// What went wrong with the window itself, for the musician.
    pub notice: Option<String>,
    /// Where the look is remembered, and what is remembered there.
    file: Option<PathBuf>,
    saved: WindowSettings,
    /// Points of the window that are above the editor.
    pub above: f32,
    changed_s: f64,
    is_fitted: bool,
}

impl State {
    /// A window that looks as this file remembers, and is remembered there.
    pub fn remembered(file: Option<PathBuf>, ask: Ask) -> Self {
        let loaded = file.as_deref().map(WindowSettings::load);
        let (window, notice) = loaded.unwrap_or_default();
        Self {
            notice,
            file,
            ..Self::new(window, None, ask)
        }
    }

    /// A window that looks like this, and is forgotten; its presets lie here, or where those of
    /// the user do.
    pub fn new(window: WindowSettings, presets: Option<PathBuf>, ask: Ask) -> Self {
        Self {
            window,
            input: Ballistics::default(),
            output: Ballistics::default(),
            trace: PitchTrace::default(),
            shelf: Shelf::new(presets),
            slots: Slots::new(),
            dialog: Dialog::new(ask),
            compare: Compare::default(),
            notice: None,
            file: None,
            saved: window,
            above: 0.0,
            changed_s: 0.0,
            is_fitted: false,
        }
    }

    /// Prepares for a freshly opened window: what moves starts anew, what was set stays.
    pub fn open(&mut self, ctx: &Context) {
        theme::apply(ctx, self.window.dark);
        ctx.set_zoom_factor(self.window.scale);
        self.input = Ballistics::default();
        self.output = Ballistics::default();
        self.trace = PitchTrace::default();
        self.is_fitted = false;
    }

    /// Takes in the newest meters at this time.
    pub fn update(&mut self, now: &Meters, tuning_hz: f32, time_s: f64) {
        self.input.update(now.input_peak, time_s);
        self.output.update(now.output_peak, time_s);
        self.trace.push(now, tuning_hz, time_s);
    }

    /// Asks once after opening for the size that was remembered: a system that scales everything
    /// is known only when the window is there.
    pub fn fit(&mut self, ctx: &Context) {
        if !std::mem::replace(&mut self.is_fitted, true) {
            let is = ctx.content_rect().size();
            let wanted = self.window_size();
            if 1.0 < (is - wanted).abs().max_elem() {
                ctx.send_viewport_cmd(ViewportCommand::InnerSize(wanted));
            }
        }
    }

    /// The size of the window in points.
    pub fn window_size(&self) -> Vec2 {
        Vec2::from(self.window.size()) + vec2(0.0, self.above)
    }

    /// Takes in the window's new size in points.
    pub fn resized(&mut self, size: (f32, f32)) {
        // Before it is fitted the size is nobody's wish.
        if self.is_fitted {
            self.window.resized((size.0, size.1 - self.above));
        }
    }

    /// Goes from the studio to the stage, or back.
    pub fn turn_scene(&mut self, ctx: &Context) {
        self.window.scene = match self.window.scene {
            Scene::Studio => Scene::Stage,
            Scene::Stage => Scene::Studio,
        };
        ctx.send_viewport_cmd(ViewportCommand::InnerSize(self.window_size()));
    }

    /// Goes from dark to light, or back.
    pub fn turn_light(&mut self, ctx: &Context) {
        self.window.dark = !self.window.dark;
        theme::apply(ctx, self.window.dark);
    }

    /// Makes everything bigger or smaller by so many steps.
    pub fn scale_by(&mut self, ctx: &Context, steps: isize) {
        let at = SCALES.iter().position(|scale| *scale == self.window.scale);
        let next = at.and_then(|at| at.checked_add_signed(steps));
        if let Some(scale) = next.and_then(|at| SCALES.get(at)) {
            self.window.scale = *scale;
            ctx.set_zoom_factor(*scale);
        }
    }

    /// Writes what is to be remembered, once it has come to rest.
    pub fn remember(&mut self, time_s: f64) {
        if self.window == self.saved {
            self.changed_s = time_s;
        } else if self.changed_s + REST_S < time_s {
            self.saved = self.window;
            let saved = self.file.as_deref().map(|file| self.window.save(file));
            if let Some(Err(error)) = saved {
                self.notice = Some(error);
            }
        }
    }
}
