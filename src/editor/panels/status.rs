//! What runs, the delay item by item, the load, what went missing, and messages.

use super::{choice, device, messages, toggle};
use crate::editor::View;
use crate::editor::theme;
use crate::units::{Frames, frames_to_ms};
use egui::{Align2, Grid, Rect, RichText, ScrollArea, Sense, Ui, vec2};

pub fn show(ui: &mut Ui, view: &View<'_>) {
    let colors = theme::of(ui);
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
        let color = match now.dropouts.count {
            0 => colors.dim,
            _ => colors.danger,
        };
        let text = format!("{} dropouts, {lost_ms:.0} ms replaced", now.dropouts.count);
        ui.label(RichText::new(text).small().color(color));
    });
    ui.separator();
    ui.vertical(|ui| {
        let system = &view.params.system;
        choice(ui, view, &system.dropout_mode, 110.0);
        ui.add_space(8.0);
        toggle(ui, view, &system.report_latency);
    });
    ui.vertical(device::show);
    ui.separator();
    ui.vertical(|ui| {
        ui.label(RichText::new(running(view)).small());
        let messages = messages::collect(view, colors);
        ScrollArea::vertical()
            .auto_shrink([false, false])
            .show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 5.0;
                for message in &messages {
                    ui.label(RichText::new(&message.text).small().color(message.color));
                }
                if messages.is_empty() {
                    ui.label(RichText::new("All is well.").small().color(colors.dim));
                }
            });
    });
}

/// What runs, where, and how late it is.
pub fn running(view: &View<'_>) -> String {
    let now = view.now;
    if now.rate_hz == 0 {
        return "no sound yet".to_owned();
    }
    let total = now.latency.total();
    let slot = view.voices.slot(now.slot);
    let voice = slot.and_then(|slot| slot.voice.as_ref());
    let device = slot.and_then(|slot| slot.place.device.as_deref());
    format!(
        "{} on {}  ·  {:.1} ms  ·  {} frames at {} Hz  ·  load {:.0} %  ·  {} dropouts",
        voice.map_or(now.engine, |voice| &voice.name),
        device.unwrap_or("the CPU"),
        frames_to_ms(total, now.rate_hz),
        total,
        now.rate_hz,
        now.load.max(now.worker_load) * 100.0,
        now.dropouts.count,
    )
}

fn latency(ui: &mut Ui, view: &View<'_>) {
    let colors = theme::of(ui);
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
                ui.label(RichText::new(title).small().color(colors.dim));
            }
            ui.end_row();
            for (name, frames) in [
                ("block misfit", latency.misfit),
                ("hop", latency.hop),
                ("budget", latency.budget),
                ("lookahead", latency.lookahead),
                ("resampling", latency.resampling),
            ] {
                let color = if frames == 0 { colors.dim } else { colors.text };
                row(ui, name, frames, color);
            }
            row(ui, "total", latency.total(), colors.accent);
        });
}

fn bar(ui: &mut Ui, label: &str, share: f32) {
    let (rect, _) = ui.allocate_exact_size(vec2(150.0, 28.0), Sense::hover());
    let colors = theme::of(ui);
    let painter = ui.painter();
    painter.text(
        rect.min,
        Align2::LEFT_TOP,
        label,
        theme::label(),
        colors.dim,
    );
    painter.text(
        rect.right_top(),
        Align2::RIGHT_TOP,
        format!("{:.1} %", share * 100.0),
        theme::label(),
        colors.text,
    );
    let track = Rect::from_min_size(rect.min + vec2(0.0, 18.0), vec2(rect.width(), 6.0));
    painter.rect_filled(track, 3.0, colors.sunken);
    let filled = Rect::from_min_size(
        track.min,
        vec2(track.width() * share.clamp(0.0, 1.0), track.height()),
    );
    let color = match share {
        share if share < 0.5 => colors.accent,
        share if share < 0.8 => colors.sung,
        _ => colors.danger,
    };
    painter.rect_filled(filled, 3.0, color);
}
