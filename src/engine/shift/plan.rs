//! Which grain sounds when: from pitch and marks to grains and to the level of the dry signal
//! between voices. Audio thread: never allocates.

use super::marks::{Mark, Marks};
use super::track::{Pitch, Track};
use crate::dsp::psola::Grain;

/// What the musician asked for, limited to what is possible.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shift {
    /// Transposition in semitones, without correction.
    pub semitones: f32,
    /// Frequency ratio of the formants.
    pub formant: f64,
    /// Whether the voice stays as it is.
    pub neutral: bool,
}

/// Total shift in semitones, correction included, at most.
const MOST_SEMITONES: f32 = 36.0;

/// Where the next grain goes.
#[derive(Clone, Copy, Debug)]
enum Next {
    /// To this output frame.
    At(f64),
    /// One period after the last, which had this frequency ratio.
    After { ratio: f64 },
}

/// The least share of its length that is left of a late grain's rise.
const SHORTEST_RISE: f64 = 0.4;

/// Share of the way to the wanted level that each grain goes.
const LEVEL_SHARE: f64 = 0.25;

/// A grain is not amplified beyond this peak.
const FULL: f64 = 0.65;

/// Lengths of half a grain in periods of the source: at least this share of the wanted period,
/// so that grains far apart still touch, but never so long that a neighbouring period is heard.
const TOUCHING: f64 = 0.55;
const LONGEST_HALF: f64 = 1.2;

/// The plan for one voice.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    /// Output frame of the next mark, where a voice is being shifted.
    next: Option<Next>,
    /// The last mark that was given a grain.
    last: f64,
    /// Where its window was 1, and where it ends.
    centre: f64,
    covered: f64,
    /// Gain that makes up for harmonics that fall beside the strong ones of the source.
    level: f64,
    dry: Fade,
    /// Input frames by which the output lags, less what reading between frames takes.
    most_lead: f64,
}

impl Plan {
    pub(super) fn new(most_lead: f64) -> Self {
        Self {
            next: None,
            last: 0.0,
            centre: 0.0,
            covered: 0.0,
            level: 1.0,
            dry: Fade::at(1.0),
            most_lead,
        }
    }

    pub(super) fn reset(&mut self) {
        *self = Self::new(self.most_lead);
    }

    /// Level of the dry signal at an output frame, 0..=1.
    pub(super) fn dry_level(&self, frame: f64) -> f32 {
        self.dry.value(frame)
    }

    /// Whether the output from this frame on is the dry signal alone, grains aside.
    pub(super) fn is_dry(&self, frame: f64) -> bool {
        self.dry.is_full(frame)
    }

    /// Starts every grain that begins before output frame `until`; `from` is the next one to be
    /// put out.
    pub(super) fn advance(
        &mut self,
        (from, until): (f64, f64),
        track: &Track,
        marks: &Marks,
        shift: &Shift,
        start: &mut impl FnMut(Grain),
    ) {
        if self.next.is_none() && !shift.neutral {
            self.begin(until, track, marks, shift);
        }
        while let Some(next) = self.next {
            let place = match next {
                Next::At(place) => place,
                Next::After { ratio } => self.following(ratio, track, shift),
            };
            let pitch = match track.at(place) {
                Some(pitch) if !shift.neutral => pitch,
                _ => return self.end(from, place, track),
            };
            let Some(mark) = marks.nearest(place, pitch.period) else {
                return self.end(from, place, track);
            };
            let ratio = frequency_ratio(shift, &pitch);
            let grain = self.grain(place, mark, ratio, &pitch, shift);
            if until <= grain.centre - grain.rise {
                return;
            }
            let mut grain = begun_in_time(grain, from);
            grain.gain = self.gain(marks, ratio, &pitch, shift);
            if let Next::At(_) = next {
                self.dry.turn(0.0, grain.centre - grain.rise, grain.rise);
            }
            start(grain);
            self.last = grain.place;
            self.centre = grain.centre;
            self.covered = grain.centre + grain.fall;
            self.next = Some(Next::After { ratio });
        }
    }

    /// The place one wanted period after the last grain. The period is that half-way between the
    /// two, and is looked up as late as possible.
    fn following(&self, ratio: f64, track: &Track, shift: &Shift) -> f64 {
        let mut step = track.newest_period() / ratio;
        for _ in 0..2 {
            if let Some(pitch) = track.at(self.last + 0.5 * step) {
                step = pitch.period / frequency_ratio(shift, &pitch);
            }
        }
        self.last + step.max(2.0)
    }

    /// Takes up a voice at its first mark whose grain can still be played whole.
    fn begin(&mut self, until: f64, track: &Track, marks: &Marks, shift: &Shift) {
        let Some(pitch) = track.at(until + track.newest_period()) else {
            return;
        };
        let half = pitch.period / shift.formant;
        let earliest = until + half;
        let Some(mark) = marks.nearest(earliest, pitch.period) else {
            return;
        };
        let centre = mark.at + mark.energy;
        let periods = ((earliest - centre) / pitch.period).ceil().max(0.0);
        let place = mark.at + periods * pitch.period;
        self.next = Some(Next::At(place));
        (self.centre, self.covered) = (place, place);
        self.level = 1.0;
    }

    /// Lets the dry signal take over after the last grain.
    fn end(&mut self, from: f64, place: f64, track: &Track) {
        let length = track
            .longest()
            .min((place - self.last).max(0.25 * track.longest()));
        self.dry.turn(1.0, from.max(self.last), length);
        self.next = None;
    }

    /// The gain that keeps the level of the source.
    fn gain(&mut self, marks: &Marks, ratio: f64, pitch: &Pitch, shift: &Shift) -> f32 {
        let wanted = marks.level_gain(pitch.period / ratio * shift.formant);
        self.level += LEVEL_SHARE * (wanted - self.level);
        // Harmonics grow with the number of grains, while their number shrinks.
        let even = (shift.formant / ratio).sqrt();
        let most = (FULL / marks.peak().max(1e-3)).max(even.min(1.0));
        (self.level * even).min(most) as f32
    }

    fn grain(&self, place: f64, mark: Mark, ratio: f64, pitch: &Pitch, shift: &Shift) -> Grain {
        let half = half_length(ratio, pitch, shift);
        let centre = place + mark.energy / shift.formant;
        // Where pitch or energy leaps, the gap is filled with what was sung in it.
        let gap = (centre - half - self.covered).max(0.0);
        let leap = centre - self.centre - pitch.period / ratio;
        let rise = if 0.2 * half < leap {
            half + (gap + 0.1 * half).min(half)
        } else {
            half
        };
        let mut grain = Grain {
            source: mark.at,
            place,
            speed: shift.formant,
            centre,
            rise,
            fall: half,
            gain: 1.0,
        };
        while grain.lead() > self.most_lead {
            grain.source -= pitch.period;
        }
        grain
    }
}

/// Shortens the rise of a grain that should have begun already, as happens when the controls or
/// the pitch leap; moves it where too little would remain.
fn begun_in_time(mut grain: Grain, from: f64) -> Grain {
    let shortest = SHORTEST_RISE * grain.rise;
    let late = (from + shortest - grain.centre).max(0.0);
    grain.place += late;
    grain.centre += late;
    grain.rise = grain.rise.min(grain.centre - from);
    grain
}

/// Half a grain's length in output frames.
fn half_length(ratio: f64, pitch: &Pitch, shift: &Shift) -> f64 {
    let periods = (TOUCHING * shift.formant / ratio).clamp(1.0, LONGEST_HALF);
    periods * pitch.period / shift.formant
}

fn frequency_ratio(shift: &Shift, pitch: &Pitch) -> f64 {
    let semitones = (shift.semitones + pitch.correction).clamp(-MOST_SEMITONES, MOST_SEMITONES);
    (f64::from(semitones) / 12.0).exp2()
}

/// A level that turns smoothly from one value to another, now or soon.
#[derive(Clone, Copy, Debug)]
struct Fade {
    now: Turn,
    soon: Option<Turn>,
}

#[derive(Clone, Copy, Debug)]
struct Turn {
    from: f32,
    to: f32,
    start: f64,
    length: f64,
}

impl Fade {
    fn at(level: f32) -> Self {
        Self {
            now: Turn {
                from: level,
                to: level,
                start: f64::NEG_INFINITY,
                length: 0.0,
            },
            soon: None,
        }
    }

    /// From frame `start` on, turns to another level; until then everything stays as planned.
    fn turn(&mut self, to: f32, start: f64, length: f64) {
        let from = self.value(start);
        if let Some(soon) = self.soon.take()
            && soon.start <= start
        {
            self.now = soon;
        }
        self.soon = Some(Turn {
            from,
            to,
            start,
            length,
        });
    }

    fn value(&self, frame: f64) -> f32 {
        match self.soon {
            Some(soon) if soon.start <= frame => soon.value(frame),
            _ => self.now.value(frame),
        }
    }

    /// Whether the level is 1 from this frame on.
    fn is_full(&self, frame: f64) -> bool {
        let last = self.soon.unwrap_or(self.now);
        last.to == 1.0 && last.start + last.length <= frame
    }
}

impl Turn {
    fn value(&self, frame: f64) -> f32 {
        if self.start + self.length <= frame {
            return self.to;
        }
        let way = ((frame - self.start) / self.length).clamp(0.0, 1.0) as f32;
        let rise = 0.5 - 0.5 * (std::f32::consts::PI * way).cos();
        self.from + (self.to - self.from) * rise
    }
}
