//! The slots: which voice is in each, how it is, and what can be done with the one selected.

use crate::editor::View;
use crate::editor::dialog::{Dialog, Purpose};
use crate::editor::theme;
use crate::editor::tips::tip;
use crate::editor::widgets::icon::{Icon, icon_button};
use crate::editor::widgets::mark_focus;
use crate::plugin::voices::{SLOTS, SlotState};
use egui::{
    Align2, Button, Color32, ComboBox, Label, Rect, Response, RichText, Role, Sense, Stroke,
    StrokeKind, TextEdit, Ui, WidgetInfo, vec2,
};
use nice_plug::params::Param;
use std::path::PathBuf;

const TAB_HEIGHT: f32 = 24.0;
const GAP: f32 = 4.0;
const LIST_WIDTH: f32 = 118.0;

/// What is said of the button that opens a file dialog.
pub const BROWSE_HINT: &str =
    "Opens the system's dialog for files; where there is none, type the path";

/// What the window holds of the slots.
pub struct Slots {
    /// The path of a voice to take in, while it is typed.
    path: Option<String>,
    /// Whether the voices there are were asked for: a list that is filled while it is open stays as
    /// small as it was.
    is_listed: bool,
    /// Whether voices can be made here.
    pub new_voice: NewVoice,
}

/// The making of a voice, which is the business of whoever shows the editor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NewVoice {
    /// Not here.
    #[default]
    Absent,
    /// There is an entry for it in the list.
    Offered,
    /// That was chosen.
    Wanted,
}

impl Slots {
    /// Nothing is typed.
    pub fn new() -> Self {
        Self {
            path: None,
            is_listed: false,
            new_voice: NewVoice::default(),
        }
    }
}

/// One tab for the shift engine and for each slot, then a line about the one selected.
pub fn show(ui: &mut Ui, view: &View<'_>, slots: &mut Slots, dialog: &mut Dialog) {
    tabs(ui, view);
    ui.horizontal(|ui| {
        ui.spacing_mut().item_spacing.x = GAP;
        match (&mut slots.path, selected(view)) {
            (Some(_), _) => path_form(ui, view, slots, dialog),
            (None, slot) => line(ui, view, slots, slot),
        }
    });
}

/// The number of the slot selected, 0 for the shift engine.
pub fn selected(view: &View<'_>) -> usize {
    let slot = view.params.voice.slot.modulated_plain_value();
    usize::try_from(slot).unwrap_or(0)
}

/// How a slot is, in a word; empty where nothing is to be said.
pub fn word(state: &SlotState) -> &'static str {
    match state {
        SlotState::Empty => "empty",
        SlotState::Loading => "loading…",
        SlotState::Ready => "",
        SlotState::AwaitsRestart => "waits",
        SlotState::Failed(_) => "failed",
    }
}

/// Two rows: the label and slots 1 and 2, then the shift engine and slots 3 and 4.
fn tabs(ui: &mut Ui, view: &View<'_>) {
    let width = (ui.available_width() - 2.0 * GAP) / 3.0;
    let (rect, _) = ui.allocate_exact_size(
        vec2(ui.available_width(), 2.0 * TAB_HEIGHT + GAP),
        Sense::hover(),
    );
    let cell = |row: usize, column: usize| {
        let at = vec2(
            column as f32 * (width + GAP),
            row as f32 * (TAB_HEIGHT + GAP),
        );
        Rect::from_min_size(rect.min + at, vec2(width, TAB_HEIGHT))
    };
    let label = cell(0, 0);
    ui.painter().text(
        label.left_bottom(),
        Align2::LEFT_BOTTOM,
        view.params.voice.slot.name(),
        theme::label(),
        theme::of(ui).dim,
    );
    for (value, row, column) in [(0, 1, 0), (1, 0, 1), (2, 0, 2), (3, 1, 1), (4, 1, 2)] {
        tab(ui, view, value, cell(row, column));
    }
}

fn tab(ui: &mut Ui, view: &View<'_>, value: usize, place: Rect) -> Response {
    let colors = theme::of(ui);
    let param = &view.params.voice.slot;
    let plain = value as i32;
    let name = param.normalized_value_to_string(param.preview_normalized(plain), true);
    let slot = view.voices.slot(value);
    let voice = slot.and_then(|slot| slot.voice.as_ref());
    let text = match (value, voice) {
        (0, _) => name.clone(),
        (_, Some(voice)) => format!("{value}  {}", voice.name),
        (_, None) => format!("{value}  –"),
    };
    let lamp = match slot.map(|slot| &slot.state) {
        None | Some(SlotState::Ready) => colors.accent,
        Some(SlotState::Empty) => colors.sunken,
        Some(SlotState::Loading | SlotState::AwaitsRestart) => colors.sung,
        Some(SlotState::Failed(_)) => colors.danger,
    };
    let response = ui.interact(place, ui.scope_id().with(("slot", value)), Sense::click());
    let is_on = selected(view) == value;
    if response.clicked() && !is_on {
        view.hand.set_once(param, plain);
    }
    let (fill, edge) = match (is_on, response.hovered()) {
        (true, _) => (colors.accent.gamma_multiply(0.2), colors.accent),
        (false, true) => (colors.raised, colors.dim),
        (false, false) => (colors.raised, colors.line),
    };
    let painter = ui.painter();
    painter.rect(place, 5.0, fill, Stroke::new(1.0, edge), StrokeKind::Inside);
    painter.circle_filled(place.left_center() + vec2(10.0, 0.0), 3.5, lamp);
    let words = Rect::from_min_max(place.min + vec2(19.0, 0.0), place.max - vec2(4.0, 0.0));
    let color = if is_on { colors.text } else { colors.dim };
    written(ui, words, &text, color);
    mark_focus(ui, &response, place, 5.0);
    response.widget_info(|| WidgetInfo::selected(Role::RadioButton, true, is_on, &name));
    let state = slot.map_or("", |slot| word(&slot.state));
    response.on_hover_ui(|ui| {
        ui.set_max_width(300.0);
        ui.label(match (voice, state) {
            (Some(voice), "") => voice.name.clone(),
            (Some(voice), state) => format!("{}: {state}", voice.name),
            (None, _) => tip("slot").to_owned(),
        });
    })
}

/// A text that ends where its place does.
fn written(ui: &mut Ui, place: Rect, text: &str, color: Color32) {
    let text = RichText::new(text).font(theme::value()).color(color);
    let label = Label::new(text).truncate().selectable(false);
    let builder = egui::UiBuilder::new()
        .max_rect(place)
        .layout(egui::Layout::left_to_right(egui::Align::Center));
    ui.scope_builder(builder, |ui| ui.add(label));
}

/// What the selected slot holds, and what can be done with it.
fn line(ui: &mut Ui, view: &View<'_>, slots: &mut Slots, slot: usize) {
    let colors = theme::of(ui);
    let small = |text: &str, color| RichText::new(text).small().color(color);
    if slot == 0 {
        let text = small("Your own voice, shifted.", colors.dim);
        ui.add_sized(vec2(LIST_WIDTH + 30.0, 20.0), Label::new(text));
    } else {
        if !std::mem::replace(&mut slots.is_listed, true) {
            view.params.rack.list();
        }
        list(ui, view, slot, &mut slots.new_voice);
        let is_held = view.voices.slot(slot).is_some_and(|s| s.voice.is_some());
        let remove = icon_button(ui, Icon::Cross, "Empty the slot", is_held);
        if remove.on_hover_text("Empties the slot").clicked() {
            view.params.rack.put(slot, None);
        }
    }
    let import = ui.button("Import…");
    if import
        .on_hover_text("Takes a voice file into your library and into this slot")
        .clicked()
    {
        slots.path = Some(String::new());
    }
    let state = view.voices.slot(slot).map(|slot| &slot.state);
    let (text, color) = match (view.voices.is_importing, state) {
        (true, _) => ("importing…", colors.sung),
        (false, Some(state @ SlotState::Failed(_))) => (word(state), colors.danger),
        (false, Some(SlotState::Empty)) | (false, None) => ("", colors.dim),
        (false, Some(state)) => (word(state), colors.sung),
    };
    let label = ui.add(Label::new(small(text, color)).truncate());
    if let Some(SlotState::Failed(reason)) = state {
        label.on_hover_text(reason);
    }
}

/// The voices of the library.
fn list(ui: &mut Ui, view: &View<'_>, slot: usize, new_voice: &mut NewVoice) {
    let shown = view.voices.slot(slot);
    let held = shown.and_then(|shown| shown.voice.as_ref());
    let is_failed = shown.is_some_and(|shown| matches!(shown.state, SlotState::Failed(_)));
    let name = held.map_or("Choose a voice", |voice| voice.name.as_str());
    let combo = ComboBox::from_id_salt("voice of the slot")
        .width(LIST_WIDTH)
        .height(400.0)
        .truncate()
        .selected_text(name);
    let response = combo.show_ui(ui, |ui| {
        if view.voices.listed.is_empty() {
            let text = "Your library is empty: import a voice.";
            ui.label(RichText::new(text).small().color(theme::of(ui).dim));
        }
        if *new_voice != NewVoice::Absent {
            let hint = "Makes a voice of recordings: yours, or of somebody who agrees";
            let entry = ui.selectable_label(false, "New voice…");
            if entry.on_hover_text(hint).clicked() {
                *new_voice = NewVoice::Wanted;
            }
        }
        let (own, built_in): (Vec<_>, Vec<_>) =
            (view.voices.listed.iter()).partition(|listed| !listed.is_built_in);
        let heading = own.len();
        for (at, listed) in own.into_iter().chain(built_in).enumerate() {
            if at == heading {
                let text = RichText::new("Built in").small();
                ui.label(text.color(theme::of(ui).dim));
            }
            let is_held = held.is_some_and(|held| held.is(&listed.voice));
            let label = ui.selectable_label(is_held, &listed.voice.name);
            let label = match listed.about.is_empty() {
                true => label,
                false => label.on_hover_text(&listed.about),
            };
            // One that failed can be chosen again, to try it again.
            if label.clicked() && (!is_held || is_failed) {
                view.params.rack.put(slot, Some(listed.voice.clone()));
            }
        }
    });
    if response.response.clicked() {
        view.params.rack.list();
    }
    response
        .response
        .on_hover_text(match shown.map(|s| &s.state) {
            Some(SlotState::Failed(reason)) => reason.as_str(),
            _ => "The voice in this slot",
        });
}

/// A field for the path of a voice, and the system's dialog for those who would rather look.
fn path_form(ui: &mut Ui, view: &View<'_>, slots: &mut Slots, dialog: &mut Dialog) {
    let Some(path) = &mut slots.path else { return };
    let edit = TextEdit::singleline(path)
        .hint_text("The path of a voice")
        .desired_width(100.0);
    let response = ui.add(edit);
    let is_entered = response.lost_focus() && ui.input(|input| input.key_pressed(egui::Key::Enter));
    let browse = ui.add_enabled(!dialog.is_open(), Button::new("Browse…"));
    if browse.on_hover_text(BROWSE_HINT).clicked() {
        dialog.open(Purpose::Voice);
    }
    let is_filled = !path.trim().is_empty();
    let take = ui.add_enabled(is_filled, Button::new("Import"));
    let file = PathBuf::from(path.trim());
    if take.clicked() || is_entered && is_filled {
        slots.path = None;
        import(view, file);
    } else if icon_button(ui, Icon::Cross, "Cancel", true).clicked() {
        slots.path = None;
    }
}

/// What the dialog for a voice answered.
pub fn chosen(view: &View<'_>, slots: &mut Slots, file: PathBuf) {
    slots.path = None;
    import(view, file);
}

/// Takes a file in: into the slot selected, or where none is into the first that is empty.
pub fn import(view: &View<'_>, file: PathBuf) {
    let slot = match selected(view) {
        0 => (1..=SLOTS).find(|slot| view.params.rack.voice_in(*slot).is_none()),
        slot => Some(slot),
    };
    view.params.rack.import(file, slot);
}
