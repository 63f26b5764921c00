//! The first page: what was begun, the name, whose voice it is and that they agree, and where
//! recordings come from.

use super::{Wish, card, main_button, words};
use crate::app::new_voice::Desk;
use crate::app::new_voice::project::{Found, STATEMENT, Saved};
use crate::app::new_voice::script;
use crate::app::new_voice::session::{Hand, Origin, Stage};
use crate::app::supervisor::Shared;
use crate::editor::theme;
use crate::editor::{Dialog, Purpose};
use crate::units::Civil;
use egui::{Align2, Button, RichText, Sense, TextEdit, TextStyle, Ui, vec2};
use std::time::{SystemTime, UNIX_EPOCH};

const LABEL_WIDTH: f32 = 130.0;
const FIELD_WIDTH: f32 = 320.0;

pub fn show(ui: &mut Ui, desk: &mut Desk, shared: &Shared, dialog: &mut Dialog) -> Option<Wish> {
    begun(ui, desk);
    card(ui, |ui| {
        who(ui, desk, shared);
        ui.add_space(6.0);
        origin(ui, desk, dialog);
    });
    card(ui, |ui| consent(ui, desk));
    let colors = theme::of(ui);
    ui.horizontal(|ui| {
        let lacks = desk.session.form.lacks();
        let is_free = desk.session.stage == Stage::Describing;
        let begin = main_button(ui, "Begin", lacks.is_none() && is_free);
        if begin.clicked() {
            desk.hand(Hand::Begin(now_utc()));
        }
        let text = lacks.unwrap_or("Nothing leaves this computer.");
        words(ui, text, colors.dim);
    });
    if let Some(trouble) = &desk.session.trouble {
        words(ui, trouble, colors.danger);
    }
    None
}

fn now_utc() -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Civil::from_seconds(since.map_or(0, |since| since.as_secs())).to_string()
}

/// Voices that were begun.
fn begun(ui: &mut Ui, desk: &mut Desk) {
    if desk.unfinished.is_empty() {
        return;
    }
    let mut taken = None;
    card(ui, |ui| {
        let colors = theme::of(ui);
        words(ui, "Begun before", colors.dim);
        for (at, found) in desk.unfinished.iter().enumerate() {
            ui.horizontal(|ui| {
                let hint = format!("Goes on with {}", found.project.name);
                let button = ui.push_id(at, |ui| ui.button("Go on")).inner;
                if button.on_hover_text(hint).clicked() {
                    taken = Some(found.clone());
                }
                ui.label(RichText::new(&found.project.name).strong());
                words(ui, how_far(found), colors.dim);
            });
        }
    });
    if let Some(found) = taken {
        desk.hand(Hand::TakeUp(Box::new(found)));
    }
}

fn how_far(found: &Found) -> String {
    match (found.project.stage, &found.project.folder) {
        (Saved::Paused | Saved::Training, _) => "training waits".to_owned(),
        (_, Some(folder)) => folder.display().to_string(),
        (_, None) => format!("{} of {} sentences read", found.read.len(), script::count()),
    }
}

fn who(ui: &mut Ui, desk: &mut Desk, shared: &Shared) {
    let colors = theme::of(ui);
    let form = &mut desk.session.form;
    for (label, hint, field) in [
        (
            "Name of the voice",
            "as it will stand in the list",
            &mut form.name,
        ),
        (
            "Whose voice is it?",
            "the name of who speaks or sings",
            &mut form.owner,
        ),
    ] {
        ui.horizontal(|ui| {
            // Its place is taken first, so that the fields stand below each other.
            let (place, _) = ui.allocate_exact_size(vec2(LABEL_WIDTH, 24.0), Sense::hover());
            let (font, middle) = (TextStyle::Body.resolve(ui.style()), Align2::LEFT_CENTER);
            ui.painter()
                .text(place.left_center(), middle, label, font, colors.text);
            let edit = TextEdit::singleline(field)
                .hint_text(hint)
                .desired_width(FIELD_WIDTH);
            let edit = ui.add(edit);
            edit.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, label));
        });
    }
    let name = form.name.trim().to_lowercase();
    let voices = shared.params.rack.shown();
    let mut own = voices.listed.iter().filter(|listed| !listed.is_built_in);
    if own.any(|listed| listed.voice.name.to_lowercase() == name) {
        let text = "There is a voice of this name in your library: the new one replaces it when it \
                    is done.";
        words(ui, text, colors.sung);
    }
}

fn origin(ui: &mut Ui, desk: &mut Desk, dialog: &mut Dialog) {
    let form = &mut desk.session.form;
    let read = format!(
        "Read a script now: {} sentences, about four minutes",
        script::count()
    );
    ui.radio_value(&mut form.from, Origin::Script, read);
    let folder = "Take recordings from a folder: one voice alone, three minutes or more";
    ui.radio_value(&mut form.from, Origin::Folder, folder);
    if form.from == Origin::Folder {
        ui.horizontal(|ui| {
            ui.add_space(24.0);
            let edit = TextEdit::singleline(&mut form.folder)
                .hint_text("The path of the folder")
                .desired_width(FIELD_WIDTH + 60.0);
            ui.add(edit);
            let browse = ui.add_enabled(!dialog.is_open(), Button::new("Browse…"));
            if browse.clicked() {
                dialog.open(Purpose::Recordings);
            }
        });
    }
}

fn consent(ui: &mut Ui, desk: &mut Desk) {
    let colors = theme::of(ui);
    ui.checkbox(&mut desk.session.form.agrees, STATEMENT);
    let text = "A voice belongs to whoever was born with it. This statement is written into the \
                voice, with the name above and the date, and goes with it wherever it goes.";
    words(ui, text, colors.dim);
}
