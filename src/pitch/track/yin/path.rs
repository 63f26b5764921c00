//! Choosing one pitch among the candidates of each instant, so that it neither jumps an octave
//! nor sounds in noise: the cheapest path, decided a few instants late. Audio thread: never
//! allocates after construction.

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
    /// The lag as a share of the longest.
    pub relative: f32,
    /// What speaks against it, as a cost.
    pub doubt: f32,
}

impl Candidate {
    /// A correlation of `strength` at `lag`, where `longest` is the longest.
    pub(super) fn new(lag: f32, strength: f32, longest: usize) -> Self {
        Self {
            lag,
            octave: lag.log2(),
            strength,
            relative: lag / longest as f32,
            doubt: 0.0,
        }
    }

    /// Strength, less what long lags have to make up for: every multiple of the true period
    /// matches as well as the period.
    pub(super) fn score(&self) -> f32 {
        self.strength - LONG_LAG_COST * self.relative
    }
}

/// What has been decided for one instant.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Decided {
    pub at: f64,
    /// The pitch, or the best guess where unvoiced; none where there is nothing to guess by.
    pub best: Option<Candidate>,
    pub voiced: bool,
    pub strength: f32,
}

/// Costs were set on synthetic voices in noise and on recordings of speech and singing.
const LONG_LAG_COST: f32 = 0.14;
/// Cost of a change between voiced and unvoiced.
const SWITCH_COST: f32 = 0.8;
/// Cost of one octave of movement from one instant to the next.
const GLIDE_COST_PER_OCTAVE: f32 = 2.0;
/// The most a jump costs.
const JUMP_COST: f32 = 1.0;

#[derive(Clone, Copy, Debug, Default)]
struct Instant {
    at: f64,
    strength: f32,
    candidates: [Candidate; MAX_CANDIDATES],
    count: usize,
    /// Cost of the cheapest path to each candidate; the last is unvoiced.
    cost: [f32; MAX_CANDIDATES + 1],
    /// Where that path comes from.
    from: [u8; MAX_CANDIDATES + 1],
}

const UNVOICED: usize = MAX_CANDIDATES;

impl Instant {
    /// The candidate with the cheapest path.
    fn cheapest(&self) -> Option<usize> {
        (0..self.count).min_by(|&a, &b| self.cost[a].total_cmp(&self.cost[b]))
    }
}

/// The path so far.
#[derive(Clone, Debug)]
pub(super) struct PathTracker {
    past: [Instant; Self::LAG + 1],
    filled: usize,
    octave_cost: f32,
}

impl PathTracker {
    /// Instants by which decisions are late.
    pub(super) const LAG: usize = 1;

    pub(super) fn new(hop_s: f32) -> Self {
        Self {
            past: Default::default(),
            filled: 0,
            // Costs per instant assume 1.5 ms.
            octave_cost: GLIDE_COST_PER_OCTAVE * 0.001_5 / hop_s,
        }
    }

    pub(super) fn reset(&mut self) {
        self.past = Default::default();
        self.filled = 0;
    }

    /// Takes the candidates of the next instant; decides the one `LAG` instants ago. At a
    /// correlation of `voiced_above`, voiced and unvoiced cost the same.
    pub(super) fn push(
        &mut self,
        candidates: &[Candidate],
        strength: f32,
        voiced_above: f32,
        at: f64,
    ) -> Option<Decided> {
        let previous = self.past[0];
        self.past.rotate_right(1);
        let mut now = Instant {
            at,
            strength,
            count: candidates.len(),
            ..Instant::default()
        };
        now.candidates[..candidates.len()].copy_from_slice(candidates);
        self.connect(&previous, &mut now, voiced_above);
        self.past[0] = now;
        self.filled = (self.filled + 1).min(Self::LAG + 1);
        (self.filled > Self::LAG).then(|| self.decide())
    }

    fn connect(&self, previous: &Instant, now: &mut Instant, voiced_above: f32) {
        let strength = now.strength;
        let strongest = now.candidates[..now.count]
            .iter()
            .fold(0.0f32, |best, c| best.max(c.score()));
        for i in (0..now.count).chain([UNVOICED]) {
            let own = match i {
                UNVOICED => 1.0 - strongest + 2.0 * (strength - voiced_above).max(-0.3),
                i => 1.0 - now.candidates[i].score() + now.candidates[i].doubt,
            };
            let mut best = (f32::INFINITY, UNVOICED);
            for j in (0..previous.count).chain([UNVOICED]) {
                let step = match (j, i) {
                    (UNVOICED, UNVOICED) => 0.0,
                    (UNVOICED, _) | (_, UNVOICED) => SWITCH_COST,
                    (j, i) => {
                        let octaves = now.candidates[i].octave - previous.candidates[j].octave;
                        (self.octave_cost * octaves.abs()).min(JUMP_COST)
                    }
                };
                let cost = previous.cost[j] + step;
                if cost < best.0 {
                    best = (cost, j);
                }
            }
            now.cost[i] = best.0 + own;
            now.from[i] = best.1 as u8;
        }
        // Only differences matter; without this costs would grow for ever.
        let least = (0..now.count)
            .chain([UNVOICED])
            .fold(f32::INFINITY, |least, i| least.min(now.cost[i]));
        now.cost.iter_mut().for_each(|cost| *cost -= least);
    }

    fn decide(&self) -> Decided {
        let (newest, oldest) = (&self.past[0], &self.past[Self::LAG]);
        let guess = newest.cheapest();
        let state = match guess {
            Some(guess) if newest.cost[guess] <= newest.cost[UNVOICED] => self.origin(guess),
            _ => self.origin(UNVOICED),
        };
        let voiced = state != UNVOICED;
        let best = if voiced {
            Some(state)
        } else {
            guess
                .map(|guess| self.origin(guess))
                .filter(|state| *state != UNVOICED)
                .or(oldest.cheapest())
        };
        Decided {
            at: oldest.at,
            best: best.map(|state| oldest.candidates[state]),
            voiced,
            strength: oldest.strength,
        }
    }

    /// Where the cheapest path to a state of the newest instant was `LAG` instants ago.
    fn origin(&self, mut state: usize) -> usize {
        for instant in &self.past[..Self::LAG] {
            state = usize::from(instant.from[state]);
        }
        state
    }
}
