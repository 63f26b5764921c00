//! Notes in a pitch curve, for the editor's lane: where each begins and ends, and what it is.
//! Audio thread: fixed memory, never allocates.

/// Notes kept.
const KEPT: usize = 64;

/// A note lasts at least so long; shorter ones are ornaments of their neighbours.
const SHORTEST_S: f64 = 0.08;

/// A pause of this length ends a note.
const PAUSE_S: f64 = 0.03;

/// Semitones from a note's mean beyond which another may have begun, and within which it has
/// not. A vibrato reaches beyond, but returns sooner than a note is long.
const LEAVES: f32 = 0.8;
const RETURNS: f32 = 0.5;

/// What moves by more than this many semitones within the shortest note is a glide, not a note.
const STEADY: f32 = 1.5;

/// One note as it was sung.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Note {
    /// First and last instant, in input frames.
    pub start: f64,
    /// See `start`.
    pub end: f64,
    /// Mean pitch as a MIDI note, fractions included, with A4 at 440 Hz.
    pub pitch: f32,
    /// Slope of the pitch in semitones per second.
    pub drift: f32,
}

/// The newest notes of a voice.
#[derive(Clone, Debug)]
pub struct NoteLog {
    frame_s: f64,
    past: [Note; KEPT],
    finished: u64,
    current: Option<Stretch>,
    /// What may become the next note: what was sung since the current one was left.
    next: Option<Stretch>,
    /// Frame of the newest voiced instant.
    heard_at: f64,
}

impl NoteLog {
    /// A log for instants counted in frames of this rate.
    pub(super) fn new(rate_hz: u32) -> Self {
        Self {
            frame_s: 1.0 / f64::from(rate_hz),
            past: [Note::default(); KEPT],
            finished: 0,
            current: None,
            next: None,
            heard_at: 0.0,
        }
    }

    pub(super) fn reset(&mut self) {
        self.finished = 0;
        self.current = None;
        self.next = None;
        self.heard_at = 0.0;
    }

    /// Notes that have ended since the last reset; the newest 64 are kept. Real-time safe.
    #[must_use]
    pub fn finished(&self) -> u64 {
        self.finished
    }

    /// The note with this number, counted from 0; none where it has not ended or is forgotten.
    /// Real-time safe.
    #[must_use]
    pub fn get(&self, number: u64) -> Option<Note> {
        let kept = number < self.finished && self.finished - number <= KEPT as u64;
        kept.then(|| self.past[(number % KEPT as u64) as usize])
    }

    /// The note that is being sung, as it is known so far. Real-time safe.
    #[must_use]
    pub fn current(&self) -> Option<Note> {
        self.current.map(|stretch| stretch.note(self.frame_s))
    }

    /// Takes the pitch at the next instant as a MIDI note, none where unvoiced.
    pub(super) fn update(&mut self, at: f64, pitch: Option<f32>) {
        let Some(pitch) = pitch else {
            if PAUSE_S <= (at - self.heard_at) * self.frame_s {
                self.end();
                self.next = None;
            }
            return;
        };
        self.heard_at = at;
        let away = self.current.map(|note| (pitch - note.mean()).abs());
        match (away, &mut self.current) {
            // On the note, or back on it: what was between belongs to it.
            (Some(away), Some(note)) if away < RETURNS || away < LEAVES && self.next.is_none() => {
                if let Some(ornament) = self.next.take() {
                    note.join(&ornament);
                }
                note.add(at, pitch);
            }
            _ => self.go_away(at, pitch),
        }
    }

    /// Takes a pitch that does not belong to the current note.
    fn go_away(&mut self, at: f64, pitch: f32) {
        let next = self.next.get_or_insert(Stretch::new(at, pitch));
        next.add(at, pitch);
        if STEADY < next.highest - next.lowest {
            *next = Stretch::new(at, pitch);
            next.add(at, pitch);
        }
        let next = *next;
        if SHORTEST_S <= (next.end - next.start) * self.frame_s {
            self.end();
            self.current = Some(next);
            self.next = None;
        }
    }

    fn end(&mut self) {
        if let Some(ended) = self.current.take() {
            self.past[(self.finished % KEPT as u64) as usize] = ended.note(self.frame_s);
            self.finished += 1;
        }
    }
}

/// A stretch of a pitch curve, as sums from which its mean and slope follow.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    start: f64,
    end: f64,
    lowest: f32,
    highest: f32,
    count: f64,
    /// Sums of time since `start`, of its square, of pitch, and of time times pitch.
    time: f64,
    time_squared: f64,
    pitch: f64,
    time_pitch: f64,
}

impl Stretch {
    /// An empty stretch that begins here.
    fn new(at: f64, pitch: f32) -> Self {
        Self {
            start: at,
            end: at,
            lowest: pitch,
            highest: pitch,
            count: 0.0,
            time: 0.0,
            time_squared: 0.0,
            pitch: 0.0,
            time_pitch: 0.0,
        }
    }

    fn add(&mut self, at: f64, pitch: f32) {
        let (time, value) = (at - self.start, f64::from(pitch));
        self.end = at;
        self.lowest = self.lowest.min(pitch);
        self.highest = self.highest.max(pitch);
        self.count += 1.0;
        self.time += time;
        self.time_squared += time * time;
        self.pitch += value;
        self.time_pitch += time * value;
    }

    /// Takes in a later stretch.
    fn join(&mut self, later: &Self) {
        let gap = later.start - self.start;
        self.end = later.end;
        self.lowest = self.lowest.min(later.lowest);
        self.highest = self.highest.max(later.highest);
        self.count += later.count;
        self.time += later.time + later.count * gap;
        self.time_squared += later.time_squared + 2.0 * gap * later.time + later.count * gap * gap;
        self.pitch += later.pitch;
        self.time_pitch += later.time_pitch + gap * later.pitch;
    }

    fn mean(&self) -> f32 {
        (self.pitch / self.count.max(1.0)) as f32
    }

    fn note(&self, frame_s: f64) -> Note {
        let spread = self.count * self.time_squared - self.time * self.time;
        let slope = if spread > 0.0 {
            (self.count * self.time_pitch - self.time * self.pitch) / spread
        } else {
            0.0
        };
        Note {
            start: self.start,
            end: self.end,
            pitch: self.mean(),
            drift: (slope / frame_s) as f32,
        }
    }
}
