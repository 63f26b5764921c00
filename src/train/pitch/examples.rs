//! Scenes as the network sees them: features, and what is true of each frame.

use super::grid_conv::ROWS;
use super::scene::{Noise, RATE_HZ, Scene};
use crate::model::pitch::features::{BINS, CHANNELS, Features, HOP, LOOKAHEAD, SPAN, grid_place};
use crate::train::random::Random;

/// Frames around the edge of a voice that are neither voiced nor not: 12 ms.
const EDGE: usize = (0.012 * RATE_HZ) as usize;

/// The first hop of a sequence: what lies before it is only looked back at.
const FIRST: usize = (SPAN - LOOKAHEAD).div_ceil(HOP);

/// What is known of one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Truth {
    /// Pitch in Hz, where it is known.
    pub f0_hz: Option<f32>,
    /// Whether a voice is heard, where it is known.
    pub voiced: Option<bool>,
}

/// A signal and what is true of it every [`HOP`] frames, the first time at frame 0.
pub struct Labelled {
    /// Samples at 16 kHz.
    pub signal: Vec<f32>,
    /// One for every hop.
    pub truth: Vec<Truth>,
}

impl Labelled {
    /// A made-up scene of so many hops.
    pub fn made_up(random: &mut Random, hops: usize, noise: Noise) -> Self {
        let frames = hops * HOP;
        let scene = Scene::random(random, frames, noise);
        let truth = (0..hops).map(|hop| truth_at(&scene, hop * HOP)).collect();
        Self {
            signal: scene.signal,
            truth,
        }
    }

    /// Cuts the signal off here and there, as streams begin, end, and are muted.
    pub fn interrupt(&mut self, random: &mut Random) {
        if random.chance(0.3) {
            self.mute(0, FIRST);
        }
        if random.chance(0.08) {
            let from = random.below(self.truth.len());
            let to = (from + 1 + random.below(40)).min(self.truth.len());
            self.mute(from, to);
        }
    }

    fn mute(&mut self, from: usize, to: usize) {
        let start = from * HOP;
        let end = (to * HOP).min(self.signal.len());
        self.signal[start..end].fill(0.0);
        for truth in &mut self.truth[from..to] {
            *truth = Truth {
                f0_hz: None,
                voiced: Some(false),
            };
        }
        // A period or two on either side of the cut are not enough to know.
        for hop in [from.wrapping_sub(1), from, to.wrapping_sub(1), to] {
            if let Some(truth) = self.truth.get_mut(hop) {
                truth.voiced = None;
            }
        }
    }
}

fn truth_at(scene: &Scene, at: usize) -> Truth {
    let near = |edge: usize| edge.abs_diff(at) < EDGE && 0 < edge && edge < scene.signal.len();
    let unsure = scene
        .gaps
        .iter()
        .any(|&(start, end)| near(start) || near(end));
    let gap = scene
        .gaps
        .iter()
        .find(|&&(start, end)| start <= at && at < end);
    let ringing = gap.is_some_and(|&(start, _)| 0 < start && at < start + scene.ringing);
    Truth {
        f0_hz: (gap.is_none() && 0.2 < scene.strength[at]).then_some(scene.f0_hz[at]),
        voiced: (!unsure && !ringing).then_some(gap.is_none()),
    }
}

/// A batch in the layout of the network's tensors.
pub struct Batch {
    /// `[batch, frames, ROWS, CHANNELS]`.
    pub features: Vec<f32>,
    /// `[batch, frames, BINS]`: where on the grid the pitch is, as a distribution.
    pub pitch: Vec<f32>,
    /// `[batch, frames]`: the weight of the pitch, 0 where it is not known, 1 where it is held,
    /// more where it moves fast: such frames are few, and a tracker that lags is heard.
    pub pitch_known: Vec<f32>,
    /// `[batch, frames]`: 1 where a voice is heard.
    pub voiced: Vec<f32>,
    /// `[batch, frames]`: 1 where that is known.
    pub voiced_known: Vec<f32>,
    /// The truth, for measuring.
    pub truth: Vec<Truth>,
}

/// Standard deviation of the target distribution in places of the grid.
const BLUR: f64 = 0.5;

impl Batch {
    /// An empty batch.
    pub fn new() -> Self {
        Self {
            features: Vec::new(),
            pitch: Vec::new(),
            pitch_known: Vec::new(),
            voiced: Vec::new(),
            voiced_known: Vec::new(),
            truth: Vec::new(),
        }
    }

    /// Hops of signal that a sequence of so many frames takes.
    pub fn hops(frames: usize) -> usize {
        frames + SPAN.div_ceil(HOP)
    }

    /// Appends a sequence of `frames` frames.
    pub fn push(&mut self, features: &mut Features, labelled: &Labelled, frames: usize) {
        let first = FIRST;
        for hop in first..first + frames {
            let end = hop * HOP + LOOKAHEAD;
            let from = self.features.len();
            self.features.resize(from + ROWS * CHANNELS, 0.0);
            let out = &mut self.features[from..from + BINS * CHANNELS];
            features.frame(&labelled.signal[end - SPAN..end], out);
            let truth = labelled.truth[hop];
            self.pitch.extend(target(truth.f0_hz));
            self.pitch_known
                .push(weight(&labelled.truth[hop - 1..=hop + 1]));
            self.voiced
                .push(f32::from(u8::from(truth.voiced == Some(true))));
            self.voiced_known
                .push(f32::from(u8::from(truth.voiced.is_some())));
            self.truth.push(truth);
        }
    }
}

/// The weight of the middle of three frames.
fn weight(around: &[Truth]) -> f32 {
    let Some(_) = around[1].f0_hz else {
        return 0.0;
    };
    let (Some(before), Some(after)) = (around[0].f0_hz, around[2].f0_hz) else {
        return 1.0;
    };
    // Octaves over two hops, 0.15 in the fastest of usual glides.
    let moved = (after / before).log2().abs();
    1.0 + 7.0 * (moved / 0.15).min(1.0)
}

fn target(f0_hz: Option<f32>) -> [f32; BINS] {
    let mut bins = [0.0; BINS];
    let Some(f0_hz) = f0_hz else {
        return bins;
    };
    let place = grid_place(f64::from(f0_hz));
    let weight = |bin: usize| (-0.5 * ((bin as f64 - place) / BLUR).powi(2)).exp();
    let sum: f64 = (0..BINS).map(weight).sum();
    for (bin, value) in bins.iter_mut().enumerate() {
        *value = (weight(bin) / sum.max(1e-9)) as f32;
    }
    bins
}
