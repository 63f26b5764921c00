//! Name, preset, what can be taken back, A and B, how the window looks, and bypass.

use super::browser;
use crate::editor::View;
use crate::editor::settings::Scene;
use crate::editor::state::State;
use crate::editor::theme;
use crate::editor::tips::tip;
use crate::editor::widgets::icon::{Icon, icon_button};
use crate::editor::widgets::toggle::toggle;
use egui::{Align, Layout, RichText, Ui};

pub fn show(ui: &mut Ui, view: &View<'_>, state: &mut State) {
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.label(RichText::new("AutoVoice").heading().strong());
        ui.add_space(6.0);
        browser::strip(ui, view, state);
        ui.add_space(6.0);
        take_back(ui, view);
        ui.add_space(6.0);
        compare(ui, view, state);
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let lit = theme::of(ui).sung;
            toggle(ui, view.hand, &view.params.bypass, lit).on_hover_text(tip("bypass"));
            ui.add_space(6.0);
            look(ui, state);
        });
    });
}

/// Undo and redo. There are no keys for them: a host has its own undo on those.
pub fn take_back(ui: &mut Ui, view: &View<'_>) {
    ui.spacing_mut().item_spacing.x = 4.0;
    let (undo, redo) = view.hand.labels();
    for (icon, word, label) in [(Icon::Undo, "Undo", undo), (Icon::Redo, "Redo", redo)] {
        let what = label.as_deref().unwrap_or("nothing");
        let response =
            icon_button(ui, icon, word, label.is_some()).on_hover_text(format!("{word}: {what}"));
        match (response.clicked(), icon) {
            (true, Icon::Undo) => view.hand.undo(),
            (true, _) => view.hand.redo(),
            (false, _) => {}
        }
    }
}

fn compare(ui: &mut Ui, view: &View<'_>, state: &mut State) {
    ui.spacing_mut().item_spacing.x = 2.0;
    for (name, is_b) in [("A", false), ("B", true)] {
        let is_heard = state.compare.is_b() == is_b;
        let response = ui
            .selectable_label(is_heard, RichText::new(name).strong())
            .on_hover_text("Two settings to switch between; each keeps what you change in it");
        if response.clicked() && !is_heard {
            state.compare.switch(view.params, view.hand);
        }
    }
    let (from, to) = match state.compare.is_b() {
        false => ("A", "B"),
        true => ("B", "A"),
    };
    let copy = ui
        .button(format!("{from} to {to}"))
        .on_hover_text(format!("Copies what you hear, {from}, to {to}"));
    if copy.clicked() {
        state.compare.copy(view.params, view.hand);
    }
}

/// Scene, colours and scale, from right to left.
pub fn look(ui: &mut Ui, state: &mut State) {
    ui.spacing_mut().item_spacing.x = 4.0;
    let (scene, what) = match state.window.scene {
        Scene::Studio => ("Stage", "Only what you need while singing, big"),
        Scene::Stage => ("Studio", "Everything there is to set"),
    };
    if ui.button(scene).on_hover_text(what).clicked() {
        state.turn_scene(ui.ctx());
    }
    let (sun, what) = match state.window.dark {
        true => (Icon::Sun, "Light colours"),
        false => (Icon::Moon, "Dark colours"),
    };
    let turn = icon_button(ui, sun, what, true);
    if turn.on_hover_text(what).clicked() {
        state.turn_light(ui.ctx());
    }
    if ui.button("+").on_hover_text("Bigger").clicked() {
        state.scale_by(ui.ctx(), 1);
    }
    let percent = format!("{:.0} %", state.window.scale * 100.0);
    ui.label(RichText::new(percent).small());
    if ui.button("−").on_hover_text("Smaller").clicked() {
        state.scale_by(ui.ctx(), -1);
    }
}
