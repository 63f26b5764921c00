//! The table: one row per instant, written as it comes.

use crate::io::{Existing, NewFile, WriteError};
use crate::pitch::track::contour::{Point, log_mix};
use std::io::Write as _;
use std::path::Path;

/// A table being written.
pub(super) struct Table {
    file: NewFile,
    rows: u64,
}

impl Table {
    pub(super) fn create(path: &Path, existing: Existing) -> Result<Self, WriteError> {
        let mut file = NewFile::create(path, existing)?;
        writeln!(file, "time_s,f0_hz,confidence")?;
        Ok(Self { file, rows: 0 })
    }

    pub(super) fn put(&mut self, point: Point) -> Result<(), WriteError> {
        self.rows += 1;
        writeln!(
            self.file,
            "{:.5},{:.3},{:.4}",
            point.time_s, point.f0_hz, point.confidence
        )?;
        Ok(())
    }

    /// Completes the file: its rows, the heading not counted.
    pub(super) fn finish(self) -> Result<u64, WriteError> {
        self.file.finish()?;
        Ok(self.rows)
    }
}

/// Points at even instants, every `hop_s` from 0 on.
pub(super) struct Grid {
    hop_s: f64,
    next: u64,
    last: Option<Point>,
}

impl Grid {
    pub(super) fn new(hop_s: f64) -> Self {
        Self {
            hop_s,
            next: 0,
            last: None,
        }
    }

    /// Takes the next point in and puts out those up to it.
    pub(super) fn push<E>(
        &mut self,
        point: Point,
        put: &mut impl FnMut(Point) -> Result<(), E>,
    ) -> Result<(), E> {
        let last = self.last.replace(point).unwrap_or(point);
        while self.next as f64 * self.hop_s <= point.time_s {
            let time_s = self.next as f64 * self.hop_s;
            put(between(&last, &point, time_s))?;
            self.next += 1;
        }
        Ok(())
    }

    /// Ends the signal: the instants after the last point.
    pub(super) fn finish<E>(
        mut self,
        seconds: f64,
        put: &mut impl FnMut(Point) -> Result<(), E>,
    ) -> Result<(), E> {
        let Some(last) = self.last else {
            return Ok(());
        };
        while (self.next as f64 * self.hop_s) < seconds {
            let time_s = self.next as f64 * self.hop_s;
            put(Point { time_s, ..last })?;
            self.next += 1;
        }
        Ok(())
    }
}

/// Pitch in between, and the decision of the nearer one.
fn between(a: &Point, b: &Point, time_s: f64) -> Point {
    let span = (b.time_s - a.time_s).max(1e-9);
    let mix = ((time_s - a.time_s) / span).clamp(0.0, 1.0) as f32;
    let nearer = if mix < 0.5 { a } else { b };
    let f0_hz = match a.voiced() == b.voiced() {
        true => log_mix(a.f0_hz, b.f0_hz, mix),
        false => nearer.f0_hz,
    };
    Point {
        time_s,
        f0_hz,
        confidence: nearer.confidence,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(time_s: f64, f0_hz: f32, confidence: f32) -> Point {
        Point {
            time_s,
            f0_hz,
            confidence,
        }
    }

    #[test]
    fn a_grid_has_every_instant_once() {
        let mut grid = Grid::new(0.01);
        let mut got = Vec::new();
        let mut put = |point: Point| {
            got.push(point);
            Ok::<_, ()>(())
        };
        for given in [
            point(0.002, 200.0, 0.2),
            point(0.012, 200.0, 0.9),
            point(0.022, 202.0, 0.8),
            point(0.052, 404.0, 0.8),
        ] {
            grid.push(given, &mut put).expect("put never fails");
        }
        grid.finish(0.071, &mut put).expect("put never fails");
        let expected = [
            (0.0, 200.0, 0.2),
            (0.01, 200.0, 0.9),
            (0.02, 201.6, 0.8),
            (0.03, 202.0, 0.8),
            (0.04, 404.0, 0.8),
            (0.05, 404.0, 0.8),
            (0.06, 404.0, 0.8),
            (0.07, 404.0, 0.8),
        ];
        assert_eq!(got.len(), expected.len());
        for (got, (time_s, f0_hz, confidence)) in got.iter().zip(expected) {
            assert!((got.time_s - time_s).abs() < 1e-9, "{got:?}");
            assert!((got.f0_hz - f0_hz).abs() < 0.01, "{got:?}");
            assert_eq!(got.confidence, confidence, "{got:?}");
        }
    }
}
