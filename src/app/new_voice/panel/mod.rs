//! The page on which a voice is made. GUI thread: it draws what the [`Desk`] has and passes on what
//! the hand does; it decides nothing and touches no files.

mod form;
mod reading;
mod training;

use super::Desk;
use super::session::{Hand, Stage};
use crate::app::supervisor::Shared;
use crate::editor::theme;
use crate::editor::{Ask, Dialog, Purpose};
use crate::preset::VoiceRef;
use egui::{
    Align, Button, Color32, Layout, Rect, Response, RichText, ScrollArea, Ui, UiBuilder, vec2,
};
use std::path::PathBuf;

/// The page is no wider than what is read at ease.
const WIDTH: f32 = 760.0;
const MARGIN: f32 = 16.0;

/// What the window is to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Wish {
    /// Show the editor again.
    Close,
    /// Put a voice into a slot and show the editor.
    Sing(VoiceRef),
    /// Show a file in the system's program for it.
    Open(PathBuf),
}

/// What the page holds beside the desk.
pub struct NewVoicePanel {
    dialog: Dialog,
    /// Which of the budgets of time.
    budget: usize,
}

impl NewVoicePanel {
    /// Asks for folders in this way.
    #[must_use]
    pub fn new(ask: Ask) -> Self {
        Self {
            dialog: Dialog::new(ask),
            budget: 1,
        }
    }

    /// Draws it.
    pub fn show(&mut self, ui: &mut Ui, desk: &mut Desk, shared: &Shared) -> Option<Wish> {
        if let Some((Purpose::Recordings, Some(folder))) = self.dialog.answer() {
            desk.session.form.folder = folder.display().to_string();
        }
        let whole = ui.max_rect();
        ui.painter()
            .rect_filled(whole, 0.0, theme::of(ui).background);
        let inner = whole.shrink(MARGIN);
        let width = inner.width().min(WIDTH);
        let page = Rect::from_center_size(inner.center(), vec2(width, inner.height()));
        let mut wish = None;
        ui.scope_builder(UiBuilder::new().max_rect(page), |ui| {
            ui.spacing_mut().item_spacing = vec2(8.0, 8.0);
            if self.head(ui, desk) {
                wish = Some(Wish::Close);
            }
            ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
                ui.add_space(4.0);
                let asked = match desk.session.stage.clone() {
                    Stage::Describing | Stage::Beginning => {
                        form::show(ui, desk, shared, &mut self.dialog)
                    }
                    Stage::Reading => reading::show(ui, desk, shared, &mut self.budget),
                    stage => training::show(ui, desk, &stage),
                };
                wish = wish.take().or(asked);
            });
        });
        wish
    }

    /// The title and the way back; whether that was taken.
    fn head(&self, ui: &mut Ui, desk: &mut Desk) -> bool {
        ui.horizontal(|ui| {
            let name = &desk.session.project.name;
            let title = match (&desk.session.stage, name.as_str()) {
                (Stage::Describing | Stage::Beginning, _) | (_, "") => "New voice".to_owned(),
                (_, name) => format!("New voice: {name}"),
            };
            ui.heading(title);
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let back = ui
                    .button("Back to the editor")
                    .on_hover_text("Nothing is lost: what was begun can be taken up again");
                let can_leave = desk.session.can_leave();
                let is_begun = !matches!(desk.session.stage, Stage::Describing | Stage::Beginning);
                if is_begun {
                    let other = ui.add_enabled(can_leave, Button::new("Another voice"));
                    let hint = "Leaves this one as it is; it can be taken up again";
                    if other.on_hover_text(hint).clicked() {
                        desk.hand(Hand::Leave);
                    }
                }
                back.clicked()
            })
            .inner
        })
        .inner
    }
}

/// What the button in the bar says of a voice in the making.
#[must_use]
pub fn button_text(desk: &Desk) -> String {
    let session = &desk.session;
    let name: String = session.project.name.chars().take(12).collect();
    match &session.stage {
        Stage::Training => format!("{name} {:.0} %", 100.0 * session.progress.share()),
        Stage::Stopping { .. } => format!("{name} stops"),
        Stage::Paused => format!("{name} waits"),
        Stage::Failed(_) => format!("{name} failed"),
        Stage::Finished(_) => format!("{name} is ready"),
        Stage::Describing | Stage::Beginning | Stage::Reading => "New voice".to_owned(),
    }
}

/// A card that its contents fill.
fn card(ui: &mut Ui, add: impl FnOnce(&mut Ui)) {
    let colors = theme::of(ui);
    egui::Frame::new()
        .fill(colors.panel)
        .stroke(egui::Stroke::new(1.0, colors.raised))
        .corner_radius(theme::RADIUS)
        .inner_margin(14.0)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            add(ui);
        });
}

/// Words in a colour, on as many lines as they need.
fn words(ui: &mut Ui, text: impl Into<String>, color: Color32) -> Response {
    ui.label(RichText::new(text).color(color))
}

/// The button that matters most here.
fn main_button(ui: &mut Ui, text: &str, is_possible: bool) -> Response {
    let colors = theme::of(ui);
    let mut button =
        Button::new(RichText::new(text).size(15.0).strong()).min_size(vec2(150.0, 34.0));
    if is_possible {
        button = button
            .fill(colors.accent.gamma_multiply(0.25))
            .stroke(egui::Stroke::new(1.0, colors.accent));
    }
    ui.add_enabled(is_possible, button)
}

/// A bar that is filled from the left.
fn bar(ui: &mut Ui, share: f32, height: f32, color: Color32) -> Rect {
    let colors = theme::of(ui);
    let size = vec2(ui.available_width(), height);
    let (rect, _) = ui.allocate_exact_size(size, egui::Sense::hover());
    let filled = vec2(rect.width() * share.clamp(0.0, 1.0), height);
    ui.painter().rect_filled(rect, 0.5 * height, colors.sunken);
    ui.painter()
        .rect_filled(Rect::from_min_size(rect.min, filled), 0.5 * height, color);
    rect
}

/// Seconds as minutes and seconds.
fn clock(seconds: f64) -> String {
    let seconds = seconds.max(0.0) as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}
