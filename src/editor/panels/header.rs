//! Name, engine, delay and bypass.

use crate::editor::View;
use crate::editor::theme;
use crate::editor::widgets::toggle::toggle;
use crate::units::frames_to_ms;
use egui::{Align, Layout, RichText, Ui};

pub fn show(ui: &mut Ui, view: &View<'_>) {
    ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
        ui.label(RichText::new("AutoVoice").heading().strong());
        ui.add_space(10.0);
        ui.label(RichText::new(running(view)).color(theme::DIM));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            toggle(ui, view.setter, &view.params.bypass, theme::SUNG);
        });
    });
}

fn running(view: &View<'_>) -> String {
    let now = view.now;
    if now.rate_hz == 0 {
        return "no sound yet".to_owned();
    }
    let total = now.latency.total();
    format!(
        "{}  ·  {:.1} ms  ·  {} frames at {} Hz",
        now.engine,
        frames_to_ms(total, now.rate_hz),
        total,
        now.rate_hz,
    )
}
