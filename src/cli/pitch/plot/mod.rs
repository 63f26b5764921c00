//! The picture: a spectrogram with the pitch over it and the confidence below. Takes audio and
//! points as they come; however long they are, it keeps no more than a picture can show.

mod axes;
mod canvas;
mod font;
mod spectrogram;
mod thin;

use crate::io::WriteError;
use crate::pitch::track::contour::{Contour, Point};
use canvas::{Align, Area, Canvas, Color, Mask, mix};
use spectrogram::{Spectrogram, axis_share};
use std::io;
use thin::Thinned;

const SIZE: (usize, usize) = (1_600, 900);
const PICTURE: Area = Area {
    left: 86,
    top: 48,
    width: 1_394,
    height: 680,
};
const STRIP: Area = Area {
    left: PICTURE.left,
    top: 746,
    width: PICTURE.width,
    height: 88,
};
/// Decibels from the loudest to the darkest.
const RANGE_DB: f32 = 75.0;
const MOST_POINTS: usize = 4 * PICTURE.width;

const PAPER: Color = [16, 18, 27];
const INK: Color = [222, 226, 234];
const DIM: Color = [140, 147, 163];
const PITCH: Color = [255, 92, 56];
const HALO: Color = [10, 10, 16];
/// Quiet to loud.
const SHADES: [Color; 7] = [
    [11, 13, 24],
    [30, 32, 78],
    [41, 70, 124],
    [52, 113, 145],
    [73, 158, 152],
    [140, 203, 160],
    [243, 248, 214],
];

/// A picture being prepared.
pub(super) struct Plot {
    spectrogram: Spectrogram,
    points: Thinned<Point>,
    tuning_hz: f32,
    title: String,
}

impl Plot {
    pub(super) fn new(rate_hz: u32, tuning_hz: f32, title: String) -> Self {
        Self {
            spectrogram: Spectrogram::new(rate_hz, PICTURE.height, 2 * PICTURE.width),
            points: Thinned::new(MOST_POINTS, |a, b| {
                if a.confidence < b.confidence { *b } else { *a }
            }),
            tuning_hz,
            title,
        }
    }

    /// Takes audio in.
    pub(super) fn hear(&mut self, mono: &[f32]) {
        self.spectrogram.hear(mono);
    }

    /// Takes the next point in.
    pub(super) fn push(&mut self, point: Point) {
        self.points.push(point);
    }

    /// Draws a signal of this length.
    pub(super) fn finish(self, seconds: f64) -> Picture {
        let seconds = seconds.max(1e-3);
        let (columns, column_s) = self.spectrogram.finish();
        let (points, _) = self.points.finish();
        let mut canvas = Canvas::new(SIZE.0, SIZE.1, PAPER);
        let loudest_db = shade(&mut canvas, &columns, seconds / column_s);
        let x_of = |time_s: f64| (time_s / seconds * PICTURE.width as f64) as f32;
        axes::frequencies(&mut canvas, PICTURE, self.tuning_hz);
        axes::times(&mut canvas, PICTURE, STRIP, seconds);
        axes::levels(&mut canvas, PICTURE, loudest_db, RANGE_DB);
        curve(&mut canvas, &points, &x_of);
        strip(&mut canvas, &points, &x_of);
        axes::heading(&mut canvas, PICTURE, &self.title);
        Picture(canvas)
    }
}

/// A finished picture.
pub(super) struct Picture(Canvas);

impl Picture {
    /// Writes it as a PNG.
    pub(super) fn write(&self, file: &mut impl io::Write) -> Result<(), WriteError> {
        let failed = |error: png::EncodingError| match error {
            png::EncodingError::IoError(error) => WriteError::Io(error),
            other => WriteError::Encoder(other.to_string()),
        };
        // In range: both come from SIZE.
        let (width, height) = (self.0.width() as u32, self.0.height() as u32);
        let mut encoder = png::Encoder::new(file, width, height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(self.0.bytes()).map_err(failed)?;
        writer.finish().map_err(failed)
    }
}

/// The colour of a level, 0 (quiet) to 1.
fn shade_of(level: f32) -> Color {
    let at = level.clamp(0.0, 1.0) * (SHADES.len() - 1) as f32;
    let below = (at as usize).min(SHADES.len() - 2);
    mix(SHADES[below], SHADES[below + 1], at - below as f32)
}

/// Paints the spectrogram, whose length is so many columns, and says how loud its brightest
/// colour is in dBFS.
fn shade(canvas: &mut Canvas, columns: &[Vec<f32>], length: f64) -> f32 {
    let db = |power: f32| 10.0 * power.max(1e-16).log10();
    let most = columns.iter().flatten().copied().fold(0.0, f32::max);
    let loudest_db = db(most).max(-90.0);
    let Some(last) = columns.len().checked_sub(1) else {
        return loudest_db;
    };
    for x in 0..PICTURE.width {
        let at = (x as f64 + 0.5) / PICTURE.width as f64 * length;
        let at = at.clamp(0.0, last as f64);
        let (before, after) = (at as usize, (at as usize + 1).min(last));
        let share = (at - before as f64) as f32;
        let rows = columns[before].iter().zip(&columns[after]);
        for (row, (a, b)) in rows.take(PICTURE.height).enumerate() {
            let (a, b) = (db(*a), db(*b));
            let level = (a + share * (b - a) - loudest_db) / RANGE_DB + 1.0;
            let y = PICTURE.bottom() - 1 - row;
            canvas.blend(PICTURE.left + x, y, shade_of(level), 1.0);
        }
    }
    loudest_db
}

/// How opaque a pitch of this confidence is drawn: clear where a voice is heard.
fn opacity(confidence: f32) -> f32 {
    match Contour::VOICED <= confidence {
        true => confidence,
        false => 0.36 * confidence,
    }
}

/// Draws the pitch; where two neighbours are a leap apart there is nothing in between.
fn curve(canvas: &mut Canvas, points: &[Point], x_of: &impl Fn(f64) -> f32) {
    const LEAP_SHARE: f32 = 0.03;
    let (mut halo, mut line) = (Mask::new(PICTURE), Mask::new(PICTURE));
    let place = |point: &Point| {
        let up = axis_share(f64::from(point.f0_hz)) as f32;
        (x_of(point.time_s), (1.0 - up) * PICTURE.height as f32)
    };
    for (index, point) in points.iter().enumerate() {
        let here = place(point);
        let next = points.get(index + 1).map_or(here, place);
        let near = (next.1 - here.1).abs() < LEAP_SHARE * PICTURE.height as f32;
        let to = if near { next } else { here };
        let share = opacity(point.confidence);
        let width = if point.voiced() { 3.6 } else { 1.6 };
        line.line(here, to, width, share);
        if point.voiced() {
            halo.line(here, to, width + 3.0, 0.8 * share);
        }
    }
    canvas.stroke(PICTURE, &halo, HALO);
    canvas.stroke(PICTURE, &line, PITCH);
}

/// Draws the confidence: the most of what falls on a pixel, bright where a voice is heard.
fn strip(canvas: &mut Canvas, points: &[Point], x_of: &impl Fn(f64) -> f32) {
    let mut heights = vec![0f32; STRIP.width];
    for (index, point) in points.iter().enumerate() {
        let next_s = points.get(index + 1).map_or(point.time_s, |p| p.time_s);
        let (from, to) = (x_of(point.time_s) as usize, x_of(next_s) as usize);
        for height in heights.iter_mut().take(to + 1).skip(from) {
            *height = height.max(point.confidence);
        }
    }
    canvas.fill(STRIP, SHADES[0], 1.0);
    for (x, &confidence) in heights.iter().enumerate() {
        let color = match Contour::VOICED <= confidence {
            true => PITCH,
            false => DIM,
        };
        let height = (confidence * STRIP.height as f32).round() as usize;
        let bar = Area {
            left: STRIP.left + x,
            top: STRIP.bottom() - height,
            width: 1,
            height,
        };
        canvas.fill(bar, color, 0.75);
    }
    let middle = STRIP.bottom() - (Contour::VOICED * STRIP.height as f32) as usize;
    axes::dashes(canvas, STRIP, middle, INK);
    for (confidence, y) in [
        ("1", STRIP.top + 7),
        ("0.5", middle),
        ("0", STRIP.bottom() - 7),
    ] {
        let at = (STRIP.left - 10, y);
        canvas.text(confidence, at, Align::Right, 2, DIM);
    }
    let at = (STRIP.right() + 10, middle - 11);
    canvas.text("confi-", at, Align::Left, 2, DIM);
    canvas.text("dence", (at.0, at.1 + 20), Align::Left, 2, DIM);
}
