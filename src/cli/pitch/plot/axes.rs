//! Axes, their labels, and the scale of levels.

use super::canvas::{Align, Area, Canvas, Color, mix, text_width};
use super::spectrogram::{AXIS_HZ, axis_share};
use super::{DIM, INK, shade_of};
use crate::units::midi_to_hz;

/// Pixels of a letter's dot.
const LETTER: usize = 2;
/// Labels in Hz.
const LABELS_HZ: [(f64, &str); 8] = [
    (50.0, "50"),
    (100.0, "100"),
    (200.0, "200"),
    (500.0, "500"),
    (1_000.0, "1k"),
    (2_000.0, "2k"),
    (4_000.0, "4k"),
    (8_000.0, "8k Hz"),
];
/// Time from label to label in seconds, whichever gives few enough.
const STEPS_S: [f64; 16] = [
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1_800.0,
];
const MOST_LABELS: f64 = 12.0;

/// File and tracker.
pub(super) fn heading(canvas: &mut Canvas, area: Area, title: &str) {
    let room = area.width / text_width("  ", LETTER).max(1) * 2;
    let title: String = title.chars().take(room).collect();
    canvas.text(&title, (area.left, 24), Align::Left, LETTER, INK);
}

/// Frequencies on the left, notes on the right, a line at every C.
pub(super) fn frequencies(canvas: &mut Canvas, area: Area, tuning_hz: f32) {
    let y_of = |hz: f64| area.bottom() - (axis_share(hz) * area.height as f64).round() as usize;
    for (hz, label) in LABELS_HZ {
        let y = y_of(hz).max(area.top);
        tick(canvas, (area.left - 6, y), 6);
        canvas.text(label, (area.left - 10, y), Align::Right, LETTER, DIM);
    }
    for octave in -1i32..10 {
        let hz = f64::from(midi_to_hz(12.0 * (octave as f32 + 1.0), tuning_hz));
        if !(AXIS_HZ.0..AXIS_HZ.1).contains(&hz) {
            continue;
        }
        let y = y_of(hz);
        for x in (area.left..area.right()).step_by(4) {
            canvas.blend(x, y, INK, 0.3);
        }
        tick(canvas, (area.right(), y), 6);
        let at = (area.right() + 10, y);
        canvas.text(&format!("C{octave}"), at, Align::Left, LETTER, DIM);
    }
}

/// Times below the strip, and lines up from them.
pub(super) fn times(canvas: &mut Canvas, picture: Area, strip: Area, seconds: f64) {
    let step = step_s(seconds);
    let mut count = 0u32;
    loop {
        let time_s = f64::from(count) * step;
        if seconds * (1.0 + 1e-9) < time_s {
            break;
        }
        let share = time_s / seconds;
        let x = strip.left + (share * strip.width as f64).round() as usize;
        for y in (picture.top..picture.bottom()).step_by(4) {
            if 0 < count {
                canvas.blend(x, y, INK, 0.14);
            }
        }
        for y in strip.bottom()..strip.bottom() + 6 {
            canvas.blend(x, y, DIM, 1.0);
        }
        let at = (x, strip.bottom() + 18);
        canvas.text(&time_label(time_s, step), at, Align::Center, LETTER, DIM);
        count += 1;
    }
    let unit = if step < 60.0 { "s" } else { "h:m" };
    let at = (strip.left + strip.width / 2, strip.bottom() + 42);
    canvas.text(&format!("time ({unit})"), at, Align::Center, LETTER, DIM);
}

fn step_s(seconds: f64) -> f64 {
    let fits = |step: &&f64| seconds / **step <= MOST_LABELS;
    let hours = (seconds / MOST_LABELS / 3_600.0).ceil() * 3_600.0;
    STEPS_S.iter().find(fits).copied().unwrap_or(hours)
}

fn time_label(time_s: f64, step_s: f64) -> String {
    if step_s < 0.1 {
        format!("{time_s:.2}")
    } else if step_s < 1.0 {
        format!("{time_s:.1}")
    } else if step_s < 60.0 {
        format!("{time_s:.0}")
    } else {
        let minutes = (time_s / 60.0).round() as u64;
        format!("{}:{:02}", minutes / 60, minutes % 60)
    }
}

/// What the colours mean: the loudest in dBFS, and how far the scale reaches down from it.
pub(super) fn levels(canvas: &mut Canvas, area: Area, top_db: f32, range_db: f32) {
    let bar = Area {
        left: area.right() - 236,
        top: 18,
        width: 120,
        height: 12,
    };
    for x in 0..bar.width {
        let column = Area {
            left: bar.left + x,
            width: 1,
            ..bar
        };
        let color = shade_of(x as f32 / (bar.width - 1) as f32);
        canvas.fill(column, color, 1.0);
    }
    let middle = bar.top + bar.height / 2;
    let low = format!("{:.0}", top_db - range_db);
    canvas.text(&low, (bar.left - 8, middle), Align::Right, LETTER, DIM);
    let high = format!("{top_db:.0} dBFS");
    canvas.text(&high, (bar.right() + 8, middle), Align::Left, LETTER, DIM);
}

/// A dashed line across an area.
pub(super) fn dashes(canvas: &mut Canvas, area: Area, y: usize, color: Color) {
    for x in (area.left..area.right()).filter(|x| x / 6 % 2 == 0) {
        canvas.blend(x, y, color, 0.5);
    }
}

fn tick(canvas: &mut Canvas, (left, y): (usize, usize), width: usize) {
    let line = Area {
        left,
        top: y,
        width,
        height: 1,
    };
    canvas.fill(line, mix(DIM, INK, 0.3), 1.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_labelled_sparsely() {
        for (seconds, step, second_label) in [
            (0.05, 0.01, "0.01"),
            (1.0, 0.1, "0.1"),
            (13.0, 2.0, "2"),
            (300.0, 30.0, "30"),
            (1_000.0, 120.0, "0:02"),
            (36_000.0, 3_600.0, "1:00"),
        ] {
            assert_eq!(step_s(seconds), step, "{seconds}");
            assert_eq!(time_label(step, step), second_label);
        }
    }
}
