//! Choosing one pitch among the candidates of each instant, so that it neither jumps an octave
//! nor sounds in noise: where the cheapest path leads so far. Nothing is decided late, since a
//! voice is better heard early than for certain. Audio thread: never allocates.

/// Candidates per instant, at most.
pub(super) const MAX_CANDIDATES: usize = 8;

/// One pitch that would explain the signal.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Candidate {
    /// The period, in frames, and its logarithm to the base of 2.
    pub lag: f32,
    pub octave: f32,
    /// Correlation at that lag.
    pub strength: f32,
    /// Strength, less what long lags have to make up for: every multiple of the true period
    /// matches as well as the period.
    pub score: f32,
    /// What speaks against it, as a cost.
    pub doubt: f32,
}

impl Candidate {
    /// A correlation of `strength` at `lag`, where `longest` is the longest.
    pub(super) fn new(lag: f32, strength: f32, longest: usize) -> Self {
        let octave = lag.log2();
        let shorter = (longest as f32).log2() - octave;
        Self {
            lag,
            octave,
            strength,
            score: strength - LONG_LAG_COST * lag / longest as f32 + OCTAVE_GAIN * shorter,
            doubt: 0.0,
        }
    }
}

// Costs were set on synthetic voices in noise and on recordings of speech and singing.

/// The longest lag costs this, and every octave below it gains that.
const LONG_LAG_COST: f32 = 0.1;
const OCTAVE_GAIN: f32 = 0.05;
/// Cost of a change between voiced and unvoiced.
const SWITCH_COST: f32 = 0.8;
/// Cost of one octave of movement from one instant to the next, where they are 1.5 ms apart.
const GLIDE_COST_PER_OCTAVE: f32 = 2.0;
/// The most a jump costs.
const JUMP_COST: f32 = 0.8;
/// The most that speaks against a voice at one instant: a short hole in a voice is no end of it.
const MOST_AGAINST: f32 = 0.3;

/// What has been decided for one instant.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Decided {
    /// The pitch, or the best guess where unvoiced; none where there is nothing to guess by.
    pub best: Option<Candidate>,
    pub voiced: bool,
}

const UNVOICED: usize = MAX_CANDIDATES;

/// The paths so far, by where they lead.
#[derive(Clone, Debug, Default)]
pub(super) struct PathTracker {
    candidates: [Candidate; MAX_CANDIDATES],
    count: usize,
    /// Cost of the cheapest path to each candidate; the last is unvoiced.
    cost: [f32; MAX_CANDIDATES + 1],
}

impl PathTracker {
    /// Takes the candidates of the next instant, and decides for it. At a `strength` of
    /// `voiced_above`, voiced and unvoiced cost the same.
    pub(super) fn push(
        &mut self,
        candidates: &[Candidate],
        strength: f32,
        voiced_above: f32,
    ) -> Decided {
        let mut now = Self {
            count: candidates.len(),
            ..Self::default()
        };
        now.candidates[..candidates.len()].copy_from_slice(candidates);
        let against = (strength - voiced_above).max(-MOST_AGAINST);
        now.connect(self, 2.0 * against);
        *self = now;
        self.decide()
    }

    /// Works out the cost of every path that goes on from the `previous` ones. Staying unvoiced
    /// costs `unvoiced` more than the best candidate.
    fn connect(&mut self, previous: &Self, unvoiced: f32) {
        let strongest = self.candidates[..self.count]
            .iter()
            .fold(0.0f32, |best, c| best.max(c.score));
        for i in (0..self.count).chain([UNVOICED]) {
            let own = match i {
                UNVOICED => 1.0 - strongest + unvoiced,
                i => 1.0 - self.candidates[i].score + self.candidates[i].doubt,
            };
            let cheapest = (0..previous.count)
                .chain([UNVOICED])
                .map(|j| previous.cost[j] + self.step(previous, j, i))
                .fold(f32::INFINITY, f32::min);
            self.cost[i] = cheapest + own;
        }
        // Only differences matter; without this costs would grow for ever.
        let least = (0..self.count)
            .chain([UNVOICED])
            .fold(f32::INFINITY, |least, i| least.min(self.cost[i]));
        self.cost.iter_mut().for_each(|cost| *cost -= least);
    }

    /// Cost of going from one of the `previous` states to one of these.
    fn step(&self, previous: &Self, from: usize, to: usize) -> f32 {
        match (from, to) {
            (UNVOICED, UNVOICED) => 0.0,
            (UNVOICED, _) | (_, UNVOICED) => SWITCH_COST,
            (from, to) => {
                let octaves = self.candidates[to].octave - previous.candidates[from].octave;
                (GLIDE_COST_PER_OCTAVE * octaves.abs()).min(JUMP_COST)
            }
        }
    }

    fn decide(&self) -> Decided {
        let best = (0..self.count).min_by(|&a, &b| self.cost[a].total_cmp(&self.cost[b]));
        Decided {
            best: best.map(|best| self.candidates[best]),
            voiced: best.is_some_and(|best| self.cost[best] < self.cost[UNVOICED]),
        }
    }
}
