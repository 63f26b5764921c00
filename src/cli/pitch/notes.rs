//! Notes out of a pitch track: the cheapest account of it as notes and rests (Viterbi, 1967),
//! where staying away from the pitch costs, and so does every change. That keeps vibrato, scoops
//! and short drop-outs inside their note. Decided with a fixed lag: memory grows with the notes
//! alone.

use crate::pitch::track::contour::Point;
use crate::units::hz_to_midi;
use std::collections::VecDeque;

/// Seconds of one cell, the grid that notes lie on.
const CELL_S: f64 = 0.01;
/// MIDI notes told apart: E1 to C7.
const LOWEST: u8 = 28;
const NOTES: usize = 69;
/// The state after the notes.
const REST: usize = NOTES;
const STATES: usize = NOTES + 1;
/// Cells from hearing to deciding.
const LAG: usize = 80;
/// Costs of one cell: the most that a distance in semitones costs, no voice within a note, and a
/// voice within a rest.
const FARTHEST: f32 = 1.5;
const NO_VOICE: f32 = 1.0;
const UNHEARD: f32 = 0.9;
/// Costs of a change from note to note, and between notes and rests. The first is above what a
/// slow vibrato of a semitone up and down would save by being notes.
const NEW_NOTE: f32 = 4.5;
const REST_BEGINS_OR_ENDS: f32 = 2.5;
/// The shortest note.
const SHORTEST_S: f64 = 0.06;

/// One note.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Note {
    /// MIDI number, 69 = A4.
    pub(super) number: u8,
    pub(super) start_s: f64,
    pub(super) end_s: f64,
    /// Mean square of the audio in it.
    pub(super) mean_square: f64,
}

/// What is known of one cell.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    /// Fractional MIDI number, none without a voice.
    pitch: Option<f32>,
    mean_square: f64,
}

/// Takes audio and its pitch in; gives notes.
pub(super) struct Segmenter {
    tuning_hz: f32,
    energy: Energy,
    /// Number of the cell being filled, and its points: pitch where voiced.
    filling: u64,
    points: Vec<Option<f32>>,
    last_pitch: Option<f32>,
    path: Path,
    notes: Vec<Note>,
    open: Option<Open>,
}

/// A note being heard.
#[derive(Clone, Copy)]
struct Open {
    state: usize,
    start: u64,
    cells: u64,
    energy: f64,
}

impl Segmenter {
    pub(super) fn new(rate_hz: u32, tuning_hz: f32) -> Self {
        Self {
            tuning_hz,
            energy: Energy::new(rate_hz),
            filling: 0,
            points: Vec::new(),
            last_pitch: None,
            path: Path::new(),
            notes: Vec::new(),
            open: None,
        }
    }

    /// Takes audio in, before the points of its instants.
    pub(super) fn hear(&mut self, mono: &[f32]) {
        mono.iter().for_each(|&sample| self.energy.push(sample));
    }

    /// Takes the next point in.
    pub(super) fn push(&mut self, point: Point) {
        // Points every 10 ms lie in the middle of their cells.
        let cell = (point.time_s / CELL_S + 0.5) as u64;
        while self.filling < cell {
            self.close_cell();
        }
        let pitch = hz_to_midi(point.f0_hz, self.tuning_hz);
        self.points.push(point.voiced().then_some(pitch));
    }

    /// Ends the signal.
    pub(super) fn finish(mut self) -> Vec<Note> {
        self.close_cell();
        for (state, cell) in self.path.rest() {
            self.take(state, cell);
        }
        self.end_note();
        self.notes
    }

    fn close_cell(&mut self) {
        // A cell without a point goes on as the one before.
        if !self.points.is_empty() {
            self.last_pitch = median_pitch(&mut self.points);
        }
        self.points.clear();
        let cell = Cell {
            pitch: self.last_pitch,
            mean_square: self.energy.take(),
        };
        self.filling += 1;
        if let Some((state, cell)) = self.path.push(cell) {
            self.take(state, cell);
        }
    }

    /// Takes a decided cell in.
    fn take(&mut self, state: usize, cell: Cell) {
        if self.open.is_none_or(|open| open.state != state) {
            let start = self.open.map_or(0, |open| open.start + open.cells);
            self.end_note();
            self.open = Some(Open {
                state,
                start,
                cells: 0,
                energy: 0.0,
            });
        }
        if let Some(open) = &mut self.open {
            open.cells += 1;
            open.energy += cell.mean_square;
        }
    }

    fn end_note(&mut self) {
        let Some(open) = self.open.filter(|open| open.state != REST) else {
            return;
        };
        // Cells lie around their instants.
        let at = |cell: u64| (cell as f64 - 0.5).max(0.0) * CELL_S;
        let note = Note {
            // In range: fewer states than MIDI notes.
            number: LOWEST + open.state as u8,
            start_s: at(open.start),
            end_s: at(open.start + open.cells),
            mean_square: open.energy / open.cells as f64,
        };
        if SHORTEST_S <= note.end_s - note.start_s + 1e-9 {
            self.notes.push(note);
        }
    }
}

/// The median of the voiced points, if they are at least half.
fn median_pitch(points: &mut [Option<f32>]) -> Option<f32> {
    // None comes first.
    points.sort_by(|a, b| a.partial_cmp(b).unwrap_or(std::cmp::Ordering::Equal));
    let unvoiced = points.iter().filter(|point| point.is_none()).count();
    let voiced = &points[unvoiced..];
    match unvoiced <= voiced.len() {
        true => voiced.get(voiced.len() / 2).copied().flatten(),
        false => None,
    }
}

/// Mean squares of the audio, cell by cell.
struct Energy {
    rate_hz: f64,
    heard: u64,
    cell: u64,
    sum: f64,
    frames: f64,
    ready: VecDeque<f64>,
}

impl Energy {
    fn new(rate_hz: u32) -> Self {
        Self {
            rate_hz: f64::from(rate_hz),
            heard: 0,
            cell: 0,
            sum: 0.0,
            frames: 0.0,
            ready: VecDeque::new(),
        }
    }

    fn push(&mut self, sample: f32) {
        let cell = (self.heard as f64 / self.rate_hz / CELL_S + 0.5) as u64;
        if self.cell < cell {
            self.ready.push_back(self.sum / self.frames.max(1.0));
            (self.cell, self.sum, self.frames) = (cell, 0.0, 0.0);
        }
        self.heard += 1;
        self.sum += f64::from(sample).powi(2);
        self.frames += 1.0;
    }

    /// The next cell, the one begun at the end of the signal.
    fn take(&mut self) -> f64 {
        let begun = self.sum / self.frames.max(1.0);
        self.ready.pop_front().unwrap_or(begun)
    }
}

/// The cheapest path through notes and rests.
struct Path {
    costs: [f32; STATES],
    steps: VecDeque<Step>,
}

/// One cell and how its states were reached.
struct Step {
    cell: Cell,
    /// Where every change to a note comes from, and every change to a rest.
    to_note: usize,
    to_rest: usize,
    changed: [bool; STATES],
}

impl Path {
    fn new() -> Self {
        let mut costs = [REST_BEGINS_OR_ENDS; STATES];
        costs[REST] = 0.0;
        Self {
            costs,
            steps: VecDeque::with_capacity(LAG + 1),
        }
    }

    /// Takes a cell in; decides on an earlier one, or none yet.
    fn push(&mut self, cell: Cell) -> Option<(usize, Cell)> {
        let note = cheapest(&self.costs[..NOTES]);
        let rest_begins = self.costs[note] + REST_BEGINS_OR_ENDS;
        let rest_ends = self.costs[REST] + REST_BEGINS_OR_ENDS;
        let note_changes = self.costs[note] + NEW_NOTE;
        let note_begins = note_changes.min(rest_ends);
        let least = self.costs[note].min(self.costs[REST]);
        let mut changed = [false; STATES];
        for (state, cost) in self.costs.iter_mut().enumerate() {
            let change = if state == REST {
                rest_begins
            } else {
                note_begins
            };
            changed[state] = change < *cost;
            // Only differences matter: this keeps them small for ever.
            *cost = cost.min(change) - least + cost_of(state, &cell);
        }
        self.steps.push_back(Step {
            cell,
            to_note: if rest_ends < note_changes { REST } else { note },
            to_rest: note,
            changed,
        });
        if self.steps.len() <= LAG {
            return None;
        }
        let state = self.states().next_back()?;
        self.steps.pop_front().map(|step| (state, step.cell))
    }

    /// The cheapest path, newest cell first.
    fn states(&self) -> impl DoubleEndedIterator<Item = usize> {
        let mut state = cheapest(&self.costs);
        let path: Vec<usize> = self
            .steps
            .iter()
            .rev()
            .map(|step| {
                let here = state;
                if step.changed[state] {
                    state = if here == REST {
                        step.to_rest
                    } else {
                        step.to_note
                    };
                }
                here
            })
            .collect();
        path.into_iter()
    }

    /// Decides on the cells left, oldest first.
    fn rest(&mut self) -> Vec<(usize, Cell)> {
        let states: Vec<usize> = self.states().rev().collect();
        let cells = self.steps.drain(..).map(|step| step.cell);
        states.into_iter().zip(cells).collect()
    }
}

/// The state of the least cost.
fn cheapest(costs: &[f32]) -> usize {
    let least = costs.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1));
    least.map_or(0, |(state, _)| state)
}

/// What it costs to say that a cell is this note or rest.
fn cost_of(state: usize, cell: &Cell) -> f32 {
    match (state, cell.pitch) {
        (REST, None) => 0.0,
        (REST, Some(_)) => UNHEARD,
        (_, None) => NO_VOICE,
        (note, Some(pitch)) => {
            let number = f32::from(LOWEST) + note as f32;
            (pitch - number).abs().min(FARTHEST)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::midi_to_hz;

    /// Notes of a pitch track given as a function of time, none where unvoiced.
    fn segment(seconds: f64, hop_s: f64, pitch: impl Fn(f64) -> Option<f32>) -> Vec<Note> {
        let rate_hz = 8_000;
        let mut segmenter = Segmenter::new(rate_hz, 440.0);
        for i in 0..(seconds * f64::from(rate_hz)) as u64 {
            let voiced = pitch(i as f64 / f64::from(rate_hz)).is_some();
            segmenter.hear(&[if voiced { 0.5 } else { 0.0 }]);
        }
        for i in 0..(seconds / hop_s) as u64 {
            let time_s = i as f64 * hop_s;
            let note = pitch(time_s);
            segmenter.push(Point {
                time_s,
                f0_hz: midi_to_hz(note.unwrap_or(40.0), 440.0),
                confidence: if note.is_some() { 0.9 } else { 0.1 },
            });
        }
        segmenter.finish()
    }

    fn rest_unless(voiced: bool, pitch: f32) -> Option<f32> {
        voiced.then_some(pitch)
    }

    type Song = fn(f64) -> Option<f32>;
    /// Number, start and end in seconds.
    type Sung = (u8, f64, f64);

    #[test]
    fn notes_are_what_was_sung() {
        let table: [(&str, Song, &[Sung]); 9] = [
            ("silence", |_| None, &[]),
            (
                "one note",
                |t| rest_unless((0.2..0.7).contains(&t), 60.2),
                &[(60, 0.2, 0.7)],
            ),
            (
                "a step",
                |t| Some(if t < 0.5 { 60.0 } else { 61.0 }),
                &[(60, 0.0, 0.5), (61, 0.5, 1.0)],
            ),
            (
                "a vibrato of a semitone",
                |t| Some(64.0 + (std::f32::consts::TAU * 5.0 * t as f32).sin()),
                &[(64, 0.0, 1.0)],
            ),
            (
                "a glide of an octave in 0.1 s",
                |t| Some(60.0 + 12.0 * ((t as f32 - 0.45) / 0.1).clamp(0.0, 1.0)),
                // Far from both, it belongs to neither.
                &[(60, 0.0, 0.46), (72, 0.54, 1.0)],
            ),
            (
                "a drop-out of 20 ms",
                |t| rest_unless(!(0.5..0.52).contains(&t), 57.0),
                &[(57, 0.0, 1.0)],
            ),
            (
                "a gap of 80 ms",
                |t| rest_unless(!(0.5..0.58).contains(&t), 57.0),
                &[(57, 0.0, 0.5), (57, 0.58, 1.0)],
            ),
            (
                "a blip of 40 ms",
                |t| rest_unless((0.5..0.54).contains(&t), 57.0),
                &[],
            ),
            (
                "an octave error of 30 ms",
                |t| Some(if (0.5..0.53).contains(&t) { 45.0 } else { 57.0 }),
                &[(57, 0.0, 1.0)],
            ),
        ];
        for (name, song, expected) in table {
            for hop_s in [0.0015, 0.005, 0.01] {
                let notes = segment(1.0, hop_s, song);
                let got: Vec<u8> = notes.iter().map(|note| note.number).collect();
                let numbers: Vec<u8> = expected.iter().map(|note| note.0).collect();
                assert_eq!(got, numbers, "{name}, hop {hop_s}");
                for (note, &(_, start_s, end_s)) in notes.iter().zip(expected) {
                    let off = (note.start_s - start_s)
                        .abs()
                        .max((note.end_s - end_s).abs());
                    assert!(off < 0.021, "{name}: {note:?}");
                    assert!((note.mean_square - 0.25).abs() < 0.03, "{name}: {note:?}");
                }
            }
        }
    }

    #[test]
    fn a_long_song_is_decided_as_a_short_one() {
        // Longer than the lag many times over.
        let notes = segment(60.0, 0.005, |t| {
            rest_unless(t.fract() < 0.5, 50.0 + t.floor() as f32 % 12.0)
        });
        assert_eq!(notes.len(), 60);
        for (i, note) in notes.iter().enumerate() {
            assert_eq!(usize::from(note.number), 50 + i % 12);
            assert!((note.start_s - i as f64).abs() < 0.011, "{note:?}");
            assert!((note.end_s - note.start_s - 0.5).abs() < 0.021, "{note:?}");
        }
    }
}
