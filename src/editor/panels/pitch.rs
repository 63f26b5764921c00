//! What was sung and what comes out, as notes and over the last seconds.

use crate::bridge::Meters;
use crate::editor::View;
use crate::editor::notes::{NoteName, midi_note, nearest_note};
use crate::editor::theme;
use crate::editor::widgets::keys::current_mask;
use crate::pitch::Key;
use egui::{Align2, Color32, FontId, Rangef, Rect, Sense, Stroke, Ui, pos2, vec2};
use std::collections::VecDeque;

/// How far back the trace reaches, and at most how many points that takes.
const SPAN_S: f64 = 6.0;
const MOST_POINTS: usize = 600;
/// Semitones from the bottom to the top of the trace: at least, at most, and around both pitches.
const HEIGHT_ST: (f32, f32) = (14.0, 44.0);
const MARGIN_ST: f32 = 8.0;
/// Share of the way to the newest pitch that the view goes with every frame.
const FOLLOW: f32 = 0.03;
const READOUT_HEIGHT: f32 = 50.0;
/// Share of the height that the note takes where it is big, and its bounds.
const BIG_SHARE: f32 = 0.4;
const BIG_HEIGHT: (f32, f32) = (50.0, 220.0);
/// What the notes' names take at the left.
const GUTTER: f32 = 30.0;
const LABEL_HEIGHT: f32 = 16.0;
/// Names stand at least so far apart; what has no room has a line only.
const NAME_HEIGHT: f32 = 11.0;
/// Steps of confidence told apart, and how a line without and with it is drawn.
const SHADES: u8 = 8;
const FAINTEST: f32 = 0.15;
const WIDTHS: (f32, f32) = (1.0, 2.4);
/// Half the height of a note's bar, and what the means of one note differ by from frame to frame.
const HALF_NOTE_ST: f32 = 0.4;
const SAME_NOTE_ST: f32 = 0.5;

/// Both pitches over the last seconds.
#[derive(Default)]
pub struct PitchTrace {
    points: VecDeque<Point>,
    view: Option<(f32, f32)>,
}

#[derive(Clone, Copy)]
struct Point {
    time_s: f64,
    sung: Option<f32>,
    target: Option<f32>,
    note: Option<f32>,
    /// Confidence that a voice is heard, 0..=1.
    voicing: f32,
}

impl PitchTrace {
    /// Takes in the newest meters at this time.
    pub fn push(&mut self, now: &Meters, tuning_hz: f32, time_s: f64) {
        let point = Point {
            time_s,
            sung: midi_note(now.observation.sung_hz, tuning_hz),
            target: midi_note(now.observation.target_hz, tuning_hz),
            note: midi_note(now.observation.note_hz, tuning_hz),
            voicing: now.observation.voicing,
        };
        self.follow(point);
        self.points.push_back(point);
        while MOST_POINTS < self.points.len()
            || self
                .points
                .front()
                .is_some_and(|first| first.time_s < time_s - SPAN_S)
        {
            self.points.pop_front();
        }
    }

    /// Moves the view towards a point, slowly, so that a jump of the voice is seen as one.
    fn follow(&mut self, point: Point) {
        let Some((sung, target)) = point.sung.or(point.target).zip(point.target.or(point.sung))
        else {
            return;
        };
        let (least, most) = HEIGHT_ST;
        let height = ((target - sung).abs() + MARGIN_ST).clamp(least, most);
        let wanted = ((sung + target) / 2.0, height);
        let (center, height) = self.view.unwrap_or(wanted);
        self.view = Some((
            center + FOLLOW * (wanted.0 - center),
            height + FOLLOW * (wanted.1 - height),
        ));
    }
}

/// Both notes, and their way over the last seconds.
pub fn show(ui: &mut Ui, view: &View<'_>, trace: &PitchTrace) {
    draw(ui, view, trace, READOUT_HEIGHT);
}

/// The same with notes that are read from afar.
pub fn show_big(ui: &mut Ui, view: &View<'_>, trace: &PitchTrace) {
    let (least, most) = BIG_HEIGHT;
    let height = (ui.available_height() * BIG_SHARE).clamp(least, most);
    draw(ui, view, trace, height);
}

fn draw(ui: &mut Ui, view: &View<'_>, trace: &PitchTrace, readout_height: f32) {
    let size = ui.available_size();
    let (rect, _) = ui.allocate_exact_size(size, Sense::hover());
    let colors = theme::of(ui);
    let tuning_hz = view.params.correction.tuning_hz.value();
    let heard = view.now.observation;
    let half = vec2(rect.width() / 2.0, readout_height);
    for (left, label, hz, color) in [
        (rect.left(), "sung", heard.sung_hz, colors.sung),
        (rect.center().x, "out", heard.target_hz, colors.accent),
    ] {
        let place = Rect::from_min_size(pos2(left, rect.top()), half);
        readout(ui, place, label, nearest_note(hz, tuning_hz), color);
    }
    let display = Rect::from_min_max(pos2(rect.left(), rect.top() + readout_height), rect.max);
    paint_scale(ui, view, trace, display);
    paint_trace(ui, view, trace, display);
}

fn readout(ui: &Ui, place: Rect, label: &str, note: Option<NoteName>, color: Color32) {
    let painter = ui.painter();
    let dim = theme::of(ui).dim;
    painter.text(place.min, Align2::LEFT_TOP, label, theme::label(), dim);
    let baseline = pos2(place.left(), place.bottom() - 4.0);
    let (name, cents) = match note {
        Some(note) => (
            format!("{}{}", note.name, note.octave),
            format!("{:+.0} ct", note.cents),
        ),
        None => ("–".to_owned(), String::new()),
    };
    let size = (place.height() - LABEL_HEIGHT) * 0.76;
    let font = FontId::proportional(size);
    let drawn = painter.text(baseline, Align2::LEFT_BOTTOM, name, font, color);
    let beside = pos2(drawn.right() + 8.0, baseline.y - size * 0.14);
    let font = FontId::proportional((size * 0.35).max(13.0));
    painter.text(beside, Align2::LEFT_BOTTOM, cents, font, dim);
}

/// Where notes stand in a display.
struct Heights {
    center: f32,
    span: f32,
    display: Rect,
}

impl Heights {
    fn of(trace: &PitchTrace, display: Rect) -> Self {
        let (center, span) = trace.view.unwrap_or((60.0, HEIGHT_ST.0));
        Self {
            center,
            span,
            display,
        }
    }

    fn y(&self, note: f32) -> f32 {
        self.display.center().y - (note - self.center) / self.span * self.display.height()
    }
}

/// A line for every note, and a name for those of the scale.
fn paint_scale(ui: &Ui, view: &View<'_>, trace: &PitchTrace, display: Rect) {
    let colors = theme::of(ui);
    let painter = ui.painter().with_clip_rect(display);
    painter.rect_filled(display, 4.0, colors.sunken);
    let heights = Heights::of(trace, display);
    let mask = current_mask(view.params);
    let mut lowest_free_y = display.bottom() - NAME_HEIGHT / 2.0;
    let (low, high) = (
        heights.center - heights.span / 2.0,
        heights.center + heights.span / 2.0,
    );
    for note in low.floor() as i32..=high.ceil() as i32 {
        let is_in = mask.contains(note);
        let color = match is_in {
            true => colors.line,
            false => colors.line.gamma_multiply(0.3),
        };
        let y = heights.y(note as f32);
        let right_of_names = Rangef::new(display.left() + GUTTER, display.right());
        painter.hline(right_of_names, y, Stroke::new(1.0, color));
        let pitch_class = note.rem_euclid(12) as u8;
        let is_free = display.top() + NAME_HEIGHT / 2.0 <= y && y <= lowest_free_y;
        if is_in && is_free {
            lowest_free_y = y - NAME_HEIGHT;
            let name = Key::from_pitch_class(pitch_class).name();
            let octave = note.div_euclid(12) - 1;
            painter.text(
                pos2(display.left() + 4.0, y),
                Align2::LEFT_CENTER,
                format!("{name}{octave}"),
                FontId::proportional(9.5),
                colors.dim,
            );
        }
    }
}

fn paint_trace(ui: &Ui, view: &View<'_>, trace: &PitchTrace, display: Rect) {
    let painter = ui.painter().with_clip_rect(display);
    let colors = theme::of(ui);
    let heights = Heights::of(trace, display);
    let y_of = |note: f32| heights.y(note);
    let x_of = |time_s: f64| {
        let ago = ((view.time_s - time_s) / SPAN_S) as f32;
        display.right() - ago * (display.width() - GUTTER)
    };
    let points: Vec<Point> = trace.points.iter().copied().collect();
    // Behind the curves, the notes that were sung: a bar for each, at its mean.
    for note in points.chunk_by(|a, b| is_same_note(a.note, b.note)) {
        let (first, last) = (note[0], note[note.len() - 1]);
        let Some(pitch) = last.note else { continue };
        let corners = [
            pos2(x_of(first.time_s), y_of(pitch + HALF_NOTE_ST)),
            pos2(x_of(last.time_s), y_of(pitch - HALF_NOTE_ST)),
        ];
        let fill = colors.sung.gamma_multiply(0.18);
        painter.rect_filled(Rect::from_points(&corners), 3.0, fill);
    }
    for (pick, color) in [
        (
            (|point| point.sung) as fn(&Point) -> Option<f32>,
            colors.sung,
        ),
        (|point| point.target, colors.accent),
    ] {
        // A line for every stretch of voice and of one confidence, none across silence; each
        // goes on to where the next begins.
        let look = |point: &Point| pick(point).map(|_| shade(point.voicing));
        let mut from = 0;
        for stretch in points.chunk_by(|a, b| look(a) == look(b)) {
            let to = from + stretch.len();
            let line: Vec<_> = points[from..(to + 1).min(points.len())]
                .iter()
                .map_while(|point| Some(pos2(x_of(point.time_s), y_of(pick(point)?))))
                .collect();
            from = to;
            let Some(step) = look(&stretch[0]) else {
                continue;
            };
            let share = f32::from(step) / f32::from(SHADES);
            let (thin, thick) = WIDTHS;
            let stroke = Stroke::new(
                thin + share * (thick - thin),
                color.gamma_multiply(FAINTEST + share * (1.0 - FAINTEST)),
            );
            painter.line(line, stroke);
        }
    }
}

fn is_same_note(a: Option<f32>, b: Option<f32>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => (a - b).abs() < SAME_NOTE_ST,
        (a, b) => a.is_none() && b.is_none(),
    }
}

/// The confidence in steps of what is drawn alike.
fn shade(voicing: f32) -> u8 {
    // In range: a share of SHADES; the cast turns NaN into 0.
    (voicing.clamp(0.0, 1.0) * f32::from(SHADES)).round() as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_is_drawn_in_steps() {
        for (voicing, expected) in [
            (f32::NAN, 0),
            (-1.0, 0),
            (0.0, 0),
            (0.5, 4),
            (0.56, 4),
            (1.0, SHADES),
            (7.0, SHADES),
        ] {
            assert_eq!(shade(voicing), expected, "{voicing}");
        }
    }
}
