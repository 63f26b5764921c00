//! Level meters with a slow fall, a held peak and a lamp that remembers clipping.

use crate::editor::theme;
use crate::units::gain_to_db;
use egui::{Align2, FontId, Rect, Sense, Ui, Vec2, pos2, vec2};

/// Ends of the scale in dBFS.
const SCALE_DB: (f32, f32) = (-60.0, 6.0);
const FALL_DB_PER_S: f32 = 24.0;
const HOLD_S: f64 = 1.5;

/// How two channels' levels move on the screen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ballistics {
    channels: [Channel; 2],
    last_s: f64,
    has_clipped: bool,
}

#[derive(Clone, Copy, Debug)]
struct Channel {
    level_db: f32,
    held_db: f32,
    held_until_s: f64,
}

impl Default for Channel {
    fn default() -> Self {
        let (floor_db, _) = SCALE_DB;
        Self {
            level_db: floor_db,
            held_db: floor_db,
            held_until_s: 0.0,
        }
    }
}

impl Ballistics {
    /// Takes in the newest peaks, linear, at this time.
    pub fn update(&mut self, peaks: [f32; 2], now_s: f64) {
        let fall_db = FALL_DB_PER_S * (now_s - self.last_s).max(0.0) as f32;
        self.last_s = now_s;
        let (floor_db, _) = SCALE_DB;
        for (channel, peak) in self.channels.iter_mut().zip(peaks) {
            self.has_clipped |= 1.0 < peak;
            let db = gain_to_db(peak).max(floor_db);
            channel.level_db = db.max(channel.level_db - fall_db);
            if channel.held_db <= db || channel.held_until_s < now_s {
                channel.held_db = db.max(channel.level_db);
                channel.held_until_s = now_s + HOLD_S;
            }
        }
    }

    /// The highest held peak in dBFS.
    pub fn held_db(&self) -> f32 {
        let [left, right] = self.channels;
        left.held_db.max(right.held_db)
    }
}

/// Draws both channels side by side; a click forgets the clipping.
pub fn meter(ui: &mut Ui, levels: &mut Ballistics, size: Vec2) {
    let colors = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    if response.clicked() {
        levels.has_clipped = false;
    }
    let lamp = Rect::from_min_size(rect.min, vec2(rect.width() - 24.0, 6.0));
    let color = if levels.has_clipped {
        colors.danger
    } else {
        colors.sunken
    };
    ui.painter().rect_filled(lamp, 2.0, color);
    let bars = Rect::from_min_max(
        pos2(rect.left(), rect.top() + 9.0),
        pos2(lamp.right(), rect.bottom() - 18.0),
    );
    let gap = 3.0;
    let width = (bars.width() - gap) / 2.0;
    for (at, channel) in levels.channels.iter().enumerate() {
        let left = bars.left() + (width + gap) * at as f32;
        let bar = Rect::from_min_size(pos2(left, bars.top()), vec2(width, bars.height()));
        paint_channel(ui, bar, channel);
    }
    for db in [6.0, 0.0, -6.0, -12.0, -24.0, -36.0, -48.0] {
        ui.painter().text(
            pos2(rect.right(), height_of(bars, db)),
            Align2::RIGHT_CENTER,
            format!("{db:.0}"),
            FontId::proportional(9.5),
            colors.dim,
        );
    }
    let (floor_db, _) = SCALE_DB;
    let held = levels.held_db();
    let text = match floor_db < held {
        true => format!("{held:+.1}"),
        false => "-inf".to_owned(),
    };
    ui.painter().text(
        pos2(bars.center().x, rect.bottom()),
        Align2::CENTER_BOTTOM,
        text,
        theme::label(),
        if levels.has_clipped {
            colors.danger
        } else {
            colors.text
        },
    );
    response.on_hover_text("Peak in dBFS; click to forget clipping");
}

fn paint_channel(ui: &Ui, bar: Rect, channel: &Channel) {
    let painter = ui.painter();
    let colors = theme::of(ui);
    painter.rect_filled(bar, 2.0, colors.sunken);
    for (from_db, to_db, color) in [
        (-60.0, -12.0, colors.accent),
        (-12.0, 0.0, colors.sung),
        (0.0, 6.0, colors.danger),
    ] {
        if from_db < channel.level_db {
            let top = height_of(bar, channel.level_db.min(to_db));
            let bottom = height_of(bar, from_db);
            let part = Rect::from_min_max(pos2(bar.left(), top), pos2(bar.right(), bottom));
            painter.rect_filled(part, 0.0, color);
        }
    }
    let (floor_db, _) = SCALE_DB;
    if floor_db < channel.held_db {
        let y = height_of(bar, channel.held_db);
        painter.hline(bar.x_range(), y, egui::Stroke::new(1.5, colors.text));
    }
}

fn height_of(bar: Rect, db: f32) -> f32 {
    let (low, high) = SCALE_DB;
    let share = ((db - low) / (high - low)).clamp(0.0, 1.0);
    bar.bottom() - bar.height() * share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_jump_up_fall_slowly_and_hold_their_peak() {
        let mut levels = Ballistics::default();
        levels.update([1.0, 0.0], 0.0);
        assert!((levels.channels[0].level_db).abs() < 1e-4);
        levels.update([0.0, 0.0], 1.0);
        assert!((levels.channels[0].level_db + 24.0).abs() < 1e-3);
        assert!(levels.held_db().abs() < 1e-4, "held for {HOLD_S} s");
        levels.update([0.0, 0.0], 2.0);
        assert!((levels.held_db() + 48.0).abs() < 1e-3);
        assert!(!levels.has_clipped);
        levels.update([0.0, 1.1], 2.1);
        assert!(levels.has_clipped);
    }
}
