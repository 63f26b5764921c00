//! The presets: looked for, listened to, saved, given away. It stands where the voice's own knobs
//! are, so that pitch and levels stay in sight.

use super::View;
use super::slots::BROWSE_HINT;
use crate::editor::dialog::{Dialog, Purpose};
use crate::editor::shelf::{Form, Shelf};
use crate::editor::state::State;
use crate::editor::theme;
use crate::editor::widgets::icon::{Icon, icon_button};
use crate::preset::{Entry, Origin};
use egui::{
    Align, Align2, Button, Label, Layout, Response, RichText, ScrollArea, Sense, TextEdit, Ui, vec2,
};

const NAME_WIDTH: f32 = 190.0;
const ROW_HEIGHT: f32 = 22.0;
const CLEAR_WIDTH: f32 = 42.0;
const BROWSE_WIDTH: f32 = 84.0;
const TAGS_HEIGHT: f32 = 40.0;
/// What stands below the list.
const FOOT_HEIGHT: f32 = 50.0;
const FORM_HEIGHT: f32 = 178.0;

/// The preset that is set between arrows to the ones beside it; a click on its name lists all.
pub fn strip(ui: &mut Ui, view: &View<'_>, state: &mut State) {
    ui.spacing_mut().item_spacing.x = 4.0;
    let shelf = &mut state.shelf;
    let before = icon_button(ui, Icon::Previous, "Previous preset", true);
    if before.on_hover_text("The preset before").clicked() {
        shelf.step(-1, view.params, view.hand);
    }
    let (name, mark) = match shelf.current(view.params) {
        Some((name, false)) => (name.to_owned(), ""),
        Some((name, true)) => (name.to_owned(), " *"),
        None => ("Presets".to_owned(), ""),
    };
    let button = Button::new(RichText::new(format!("{name}{mark}")).strong())
        .min_size(vec2(NAME_WIDTH, 0.0))
        .selected(state.window.presets)
        .truncate();
    let hint = "Lists the presets; * marks one that was changed since";
    if ui.add(button).on_hover_text(hint).clicked() {
        state.window.presets = !state.window.presets;
    }
    let after = icon_button(ui, Icon::Next, "Next preset", true);
    if after.on_hover_text("The next preset").clicked() {
        state.shelf.step(1, view.params, view.hand);
    }
}

/// The list and what can be done with it.
pub fn show(ui: &mut Ui, view: &View<'_>, shelf: &mut Shelf, dialog: &mut Dialog) {
    ui.vertical(|ui| {
        search(ui, shelf);
        let foot = match shelf.form {
            Some(Form::Save(_)) => FORM_HEIGHT,
            _ => FOOT_HEIGHT,
        };
        let height = (ui.available_height() - foot).max(3.0 * ROW_HEIGHT);
        list(ui, view, shelf, height);
        ui.add_space(4.0);
        match &shelf.form {
            None => actions(ui, view, shelf),
            Some(Form::Save(_)) => save_form(ui, view, shelf),
            Some(Form::Take { .. } | Form::Export { .. }) => path_form(ui, view, shelf, dialog),
        }
        if let Some(said) = &shelf.said {
            let colors = theme::of(ui);
            let color = if said.is_error {
                colors.sung
            } else {
                colors.dim
            };
            let text = RichText::new(&said.text).small().color(color);
            ui.add(Label::new(text).truncate())
                .on_hover_text(&said.text);
        }
    });
}

fn search(ui: &mut Ui, shelf: &mut Shelf) {
    ui.horizontal(|ui| {
        let field = TextEdit::singleline(&mut shelf.query)
            .hint_text("Search")
            .desired_width(ui.available_width() - CLEAR_WIDTH);
        ui.add(field);
        let is_narrowed = !shelf.query.is_empty() || !shelf.tags.is_empty();
        let clear = icon_button(ui, Icon::Cross, "Show all", is_narrowed);
        if clear.on_hover_text("Shows all").clicked() {
            shelf.query.clear();
            shelf.tags.clear();
        }
    });
    let mut turned = None;
    // Users can invent any number of tags: what does not fit is scrolled to.
    ScrollArea::vertical()
        .id_salt("tags")
        .max_height(TAGS_HEIGHT)
        .show(ui, |ui| {
            ui.horizontal_wrapped(|ui| {
                ui.spacing_mut().item_spacing = vec2(2.0, 1.0);
                ui.spacing_mut().button_padding = vec2(5.0, 1.0);
                ui.spacing_mut().interact_size.y = 18.0;
                for tag in shelf.all_tags() {
                    let is_chosen = shelf.tags.contains(tag);
                    let chip = ui.selectable_label(is_chosen, RichText::new(tag).small());
                    if chip.clicked() {
                        turned = Some(tag.clone());
                    }
                }
            });
        });
    if let Some(tag) = turned {
        match shelf.tags.iter().position(|chosen| *chosen == tag) {
            Some(at) => drop(shelf.tags.remove(at)),
            None => shelf.tags.push(tag),
        }
    }
}

fn list(ui: &mut Ui, view: &View<'_>, shelf: &mut Shelf, height: f32) {
    let mut chosen = None;
    ScrollArea::vertical()
        .id_salt("presets")
        .max_height(height)
        .min_scrolled_height(height)
        .auto_shrink(false)
        .show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            for entry in shelf.found() {
                if row(ui, entry, shelf.is_current(entry)).clicked() {
                    chosen = Some(entry.preset.clone());
                }
            }
            let colors = theme::of(ui);
            if shelf.found().is_empty() {
                ui.label(RichText::new("No preset is like that.").color(colors.dim));
            }
            for damaged in shelf.damaged() {
                let text = RichText::new(damaged).small().color(colors.danger);
                ui.add(Label::new(text).truncate()).on_hover_text(damaged);
            }
        });
    if let Some(preset) = chosen {
        shelf.set(&preset, view.params, view.hand);
    }
}

/// Name and tags of a preset; its comment for whoever rests the pointer on it.
fn row(ui: &mut Ui, entry: &Entry, is_current: bool) -> Response {
    let colors = theme::of(ui);
    let about = &entry.preset.about;
    let size = vec2(ui.available_width(), ROW_HEIGHT);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    let info = egui::WidgetInfo::selected(egui::Role::Button, true, is_current, &about.name);
    response.widget_info(|| info.clone());
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
    let fill = match (is_current, response.hovered() || response.has_focus()) {
        (true, _) => colors.accent.gamma_multiply(0.22),
        (false, true) => colors.raised,
        (false, false) => egui::Color32::TRANSPARENT,
    };
    let painter = ui.painter().with_clip_rect(rect.intersect(ui.clip_rect()));
    painter.rect_filled(rect, 4.0, fill);
    let left = rect.left_center() + vec2(8.0, 0.0);
    let middle = Align2::LEFT_CENTER;
    let name = painter.text(left, middle, &about.name, theme::value(), colors.text);
    let own = match entry.origin {
        Origin::Factory => "",
        Origin::User(_) => "yours",
    };
    let tags = about.tags.join(" · ");
    let beside = match (own, tags.as_str()) {
        ("", tags) => tags.to_owned(),
        (own, "") => own.to_owned(),
        (own, tags) => format!("{own} · {tags}"),
    };
    let at = egui::pos2(
        name.right().max(rect.left() + 170.0) + 10.0,
        rect.center().y,
    );
    painter.text(at, middle, beside, theme::label(), colors.dim);
    super::widgets::mark_focus(ui, &response, rect.shrink(1.0), 4.0);
    response.on_hover_ui(|ui| {
        ui.set_max_width(320.0);
        ui.label(RichText::new(&about.name).strong());
        ui.label(&about.comment);
        let by = [&about.author, &about.licence, &about.version];
        let by: Vec<&str> = by.into_iter().map(String::as_str).collect();
        let by: Vec<&str> = by.into_iter().filter(|text| !text.is_empty()).collect();
        ui.label(RichText::new(by.join(" · ")).small().color(colors.dim));
        for notice in &entry.notices {
            let text = RichText::new(notice.to_string()).small();
            ui.label(text.color(colors.sung));
        }
    })
}

fn actions(ui: &mut Ui, view: &View<'_>, shelf: &mut Shelf) {
    let is_set = shelf.current(view.params).is_some();
    let is_own = shelf.is_own();
    ui.horizontal(|ui| {
        let save = ui.button("Save…");
        if save
            .on_hover_text("Keeps what is set as a preset of yours")
            .clicked()
        {
            shelf.begin_saving();
        }
        let copy = ui.button("Copy code");
        let hint = "A short text that is this sound: paste it into a chat";
        if copy.on_hover_text(hint).clicked() {
            let code = shelf.code(view.params);
            ui.ctx().copy_text(code);
        }
        let take = ui.button("Paste…");
        if take.on_hover_text("Takes in a code or a file").clicked() {
            let text = String::new();
            shelf.form = Some(Form::Take { text });
            shelf.said = None;
        }
        let export = ui.add_enabled(is_set, Button::new("Export…"));
        if export
            .on_hover_text("Writes this preset to a file")
            .clicked()
        {
            let path = String::new();
            shelf.form = Some(Form::Export { path });
            shelf.said = None;
        }
        let remove = ui.add_enabled(is_own, Button::new("Remove"));
        if remove
            .on_hover_text("Removes this preset of yours; the sound stays")
            .on_disabled_hover_text("Only presets of yours can be removed")
            .clicked()
        {
            shelf.remove();
        }
    });
}

fn save_form(ui: &mut Ui, view: &View<'_>, shelf: &mut Shelf) {
    let Some(Form::Save(form)) = &mut shelf.form else {
        return;
    };
    for (field, hint) in [
        (&mut form.name, "Name"),
        (&mut form.author, "Author"),
        (&mut form.tags, "Tags, parted by commas"),
        (&mut form.comment, "What it is for"),
    ] {
        let field = TextEdit::singleline(field)
            .hint_text(hint)
            .desired_width(f32::INFINITY);
        let is_changed = ui.add(field).changed();
        if is_changed && hint == "Name" {
            form.replaces = false;
        }
    }
    let hint = "Also keeps what belongs to you and the room: input, gate, range, tracker, tuning";
    ui.checkbox(&mut form.with_setup, "With levels, range and tracker")
        .on_hover_text(hint);
    let word = if form.replaces { "Replace it" } else { "Save" };
    let is_named = !form.name.trim().is_empty();
    let (confirmed, given_up) = confirm(ui, word, is_named);
    if confirmed {
        shelf.save(view.params);
    } else if given_up {
        shelf.form = None;
        shelf.said = None;
    }
}

/// A field for a code or a path.
fn path_form(ui: &mut Ui, view: &View<'_>, shelf: &mut Shelf, dialog: &mut Dialog) {
    let (field, hint, word, purpose) = match &mut shelf.form {
        Some(Form::Take { text }) => {
            let hint = "A code, AV1:…, or the path of a file";
            (text, hint, "Take in", Purpose::Preset)
        }
        Some(Form::Export { path }) => {
            let hint = "The path of the new file, .toml";
            (path, hint, "Write", Purpose::PresetCopy)
        }
        _ => return,
    };
    let response = ui
        .horizontal(|ui| {
            let edit = TextEdit::singleline(field)
                .hint_text(hint)
                .desired_width(ui.available_width() - BROWSE_WIDTH);
            let response = ui.add(edit);
            let browse = ui.add_enabled(!dialog.is_open(), Button::new("Browse…"));
            if browse.on_hover_text(BROWSE_HINT).clicked() {
                dialog.open(purpose);
            }
            response
        })
        .inner;
    let is_entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    let is_filled = !field.trim().is_empty();
    let (confirmed, given_up) = confirm(ui, word, is_filled);
    if confirmed || is_entered && is_filled {
        match shelf.form {
            Some(Form::Take { .. }) => shelf.take(view.params, view.hand),
            _ => shelf.export(),
        }
    } else if given_up {
        shelf.form = None;
        shelf.said = None;
    }
}

/// Whether it was confirmed, and whether it was given up.
fn confirm(ui: &mut Ui, word: &str, is_possible: bool) -> (bool, bool) {
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        let confirmed = ui.add_enabled(is_possible, Button::new(word)).clicked();
        (confirmed, ui.button("Cancel").clicked())
    })
    .inner
}
