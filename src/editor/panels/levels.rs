//! Levels before and after the engine.

use crate::editor::View;
use crate::editor::theme;
use crate::editor::widgets::knob::Knob;
use crate::editor::widgets::meter::{Ballistics, meter};
use crate::editor::widgets::toggle::toggle;
use egui::{Ui, vec2};

pub fn input(ui: &mut Ui, view: &View<'_>, levels: &mut Ballistics) {
    let params = &view.params.levels;
    meter(ui, levels, vec2(58.0, ui.available_height()));
    ui.vertical(|ui| {
        Knob::new(&params.input_db, view.setter)
            .centered_on(0.0)
            .show(ui);
        ui.add_space(8.0);
        Knob::new(&params.gate_db, view.setter).show(ui);
    });
}

pub fn output(ui: &mut Ui, view: &View<'_>, levels: &mut Ballistics) {
    let params = &view.params.levels;
    meter(ui, levels, vec2(58.0, ui.available_height()));
    ui.vertical(|ui| {
        Knob::new(&params.output_db, view.setter)
            .centered_on(0.0)
            .show(ui);
        ui.add_space(8.0);
        Knob::new(&params.mix, view.setter).show(ui);
        ui.add_space(8.0);
        toggle(ui, view.setter, &params.limiter, theme::ACCENT);
    });
}
