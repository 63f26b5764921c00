//! Levels before and after the engine.

use super::{knob, toggle};
use crate::editor::View;
use crate::editor::widgets::meter::{Ballistics, meter};
use egui::{Ui, vec2};

pub fn input(ui: &mut Ui, view: &View<'_>, levels: &mut Ballistics) {
    let params = &view.params.levels;
    meter(ui, levels, vec2(58.0, ui.available_height()));
    ui.vertical(|ui| {
        knob(ui, view, &params.input_db, |knob| knob.centered_on(0.0));
        ui.add_space(8.0);
        knob(ui, view, &params.gate_db, |knob| knob);
    });
}

pub fn output(ui: &mut Ui, view: &View<'_>, levels: &mut Ballistics) {
    let params = &view.params.levels;
    meter(ui, levels, vec2(58.0, ui.available_height()));
    ui.vertical(|ui| {
        knob(ui, view, &params.output_db, |knob| knob.centered_on(0.0));
        ui.add_space(8.0);
        knob(ui, view, &params.mix, |knob| knob);
        ui.add_space(8.0);
        toggle(ui, view, &params.limiter);
    });
    let tone = &view.params.tone;
    ui.vertical(|ui| {
        knob(ui, view, &tone.low_cut_hz, |knob| knob);
        ui.add_space(8.0);
        // The arc shows what is taken away.
        knob(ui, view, &tone.high_cut_hz, |knob| {
            knob.centered_on(20_000.0)
        });
    });
}
