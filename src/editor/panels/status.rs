//! The delay item by item, the load, what went missing, and messages.

use super::messages;
use crate::editor::View;
use crate::editor::theme;
use crate::editor::widgets::choice::choice;
use crate::editor::widgets::toggle::toggle;
use crate::units::{Frames, frames_to_ms};
use egui::{Align2, Grid, Rect, RichText, ScrollArea, Sense, Ui, vec2};

pub fn show(ui: &mut Ui, view: &View<'_>) {
    ui.spacing_mut().item_spacing = vec2(18.0, 2.0);
    ui.vertical(|ui| latency(ui, view));
    ui.separator();
    ui.vertical(|ui| {
        let now = view.now;
        bar(ui, "audio load", now.load);
        ui.add_space(4.0);
        bar(ui, "worker load", now.worker_load);
        ui.add_space(6.0);
        let lost_ms = match now.rate_hz {
            0 => 0.0,
            rate_hz => now.dropouts.missed_frames as f64 * 1e3 / f64::from(rate_hz),
        };
        let color = if now.dropouts.count == 0 {
            theme::DIM
        } else {
            theme::DANGER
        };
        let text = format!("{} dropouts, {lost_ms:.0} ms replaced", now.dropouts.count);
        ui.label(RichText::new(text).small().color(color));
    });
    ui.separator();
    ui.vertical(|ui| {
        let system = &view.params.system;
        choice(ui, view.setter, &system.dropout_mode, 110.0)
            .on_hover_text("What is heard while a voice is late");
        ui.add_space(8.0);
        toggle(ui, view.setter, &system.report_latency, theme::ACCENT).on_hover_text(
            "Off for singing live through the host: it then leaves the other tracks alone",
        );
    });
    ui.separator();
    ui.vertical(|ui| {
        let messages = messages::collect(view);
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 5.0;
                for message in &messages {
                    ui.label(RichText::new(&message.text).small().color(message.color));
                }
                if messages.is_empty() {
                    ui.label(RichText::new("All is well.").small().color(theme::DIM));
                }
            });
    });
}

fn latency(ui: &mut Ui, view: &View<'_>) {
    let latency = view.now.latency;
    let rate_hz = view.now.rate_hz;
    let row = |ui: &mut Ui, name: &str, frames: Frames, color| {
        let ms = match rate_hz {
            0 => "–".to_owned(),
            rate_hz => format!("{:.2}", frames_to_ms(frames, rate_hz)),
        };
        for text in [name.to_owned(), ms, frames.to_string()] {
            ui.label(RichText::new(text).small().color(color));
        }
        ui.end_row();
    };
    // Rows as high as their text: six must fit.
    ui.spacing_mut().interact_size.y = 14.0;
    Grid::new("latency")
        .spacing(vec2(16.0, 1.0))
        .show(ui, |ui| {
            for title in ["delay", "ms", "frames"] {
                ui.label(RichText::new(title).small().color(theme::DIM));
            }
            ui.end_row();
            for (name, frames) in [
                ("block misfit", latency.misfit),
                ("hop", latency.hop),
                ("budget", latency.budget),
                ("lookahead", latency.lookahead),
                ("resampling", latency.resampling),
            ] {
                let color = if frames == 0 { theme::DIM } else { theme::TEXT };
                row(ui, name, frames, color);
            }
            row(ui, "total", latency.total(), theme::ACCENT);
        });
}

fn bar(ui: &mut Ui, label: &str, share: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(150.0, 28.0), Sense::hover());
    let painter = ui.painter();
    painter.text(
        rect.min,
        Align2::LEFT_TOP,
        label,
        theme::label(),
        theme::DIM,
    );
    painter.text(
        rect.right_top(),
        Align2::RIGHT_TOP,
        format!("{:.1} %", share * 100.0),
        theme::label(),
        theme::TEXT,
    );
    let track = Rect::from_min_size(rect.min + vec2(0.0, 18.0), vec2(rect.width(), 6.0));
    painter.rect_filled(track, 3.0, theme::SUNKEN);
    let filled = Rect::from_min_size(
        track.min,
        vec2(track.width() * share.clamp(0.0, 1.0), track.height()),
    );
    let color = match share {
        share if share < 0.5 => theme::ACCENT,
        share if share < 0.8 => theme::SUNG,
        _ => theme::DANGER,
    };
    painter.rect_filled(filled, 3.0, color);
}
