//! Windowed grains of a recent signal, overlapped and added at other places: the sound-making
//! half of pitch-synchronous shifting. Audio thread: never allocates after construction. Knows
//! nothing of pitch; whoever plans the grains does.

use super::history::History;
use super::interpolate::{Kernels, MAX_TAPS, Weights, weigh};
use crate::units::Frames;

/// One grain as planned. Places are absolute frame numbers, fractional.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grain {
    /// Source frame that is heard at `place`.
    pub source: f64,
    /// Output frame at which `source` is heard.
    pub place: f64,
    /// Source frames read per output frame: above 1 the spectrum moves up.
    pub speed: f64,
    /// Output frame at which the window is 1.
    pub centre: f64,
    /// Output frames from the window's beginning to its centre.
    pub rise: f64,
    /// Output frames from the window's centre to its end.
    pub fall: f64,
    /// Gain.
    pub gain: f32,
}

impl Grain {
    /// The latest source frame read ahead of the output frame it is read for, in frames.
    #[must_use]
    pub fn lead(&self) -> f64 {
        let at = |t: f64| self.source + (t - self.place) * self.speed - t;
        at(self.centre - self.rise).max(at(self.centre + self.fall))
    }
}

#[derive(Clone, Copy, Debug)]
struct Active {
    grain: Grain,
    /// Weights and whole-frame offset from output to source where the speed is exactly 1.
    fixed: Option<(Weights, i64)>,
}

/// Grains that sound at present.
#[derive(Clone, Debug)]
pub struct GrainBank {
    kernels: Kernels,
    window: Vec<f32>,
    active: Vec<Active>,
}

impl GrainBank {
    const WINDOW_STEPS: usize = 1024;

    /// A bank for this many grains at a time. Allocates.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        let window = (0..=Self::WINDOW_STEPS + 1)
            .map(|i| {
                let t = (i as f64 / Self::WINDOW_STEPS as f64).min(1.0);
                (0.5 + 0.5 * (std::f64::consts::PI * t).cos()) as f32
            })
            .collect();
        Self {
            kernels: Kernels::new(),
            window,
            active: Vec::with_capacity(capacity),
        }
    }

    /// The most source frames any grain reads past its source position.
    pub const MARGIN: Frames = MAX_TAPS / 2;

    /// Stops everything at once. Real-time safe.
    pub fn reset(&mut self) {
        self.active.clear();
    }

    /// Whether any grain sounds or will sound.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.active.is_empty()
    }

    /// Adds a grain; one too many is dropped. Real-time safe.
    pub fn start(&mut self, grain: Grain) {
        if self.active.len() == self.active.capacity() {
            return;
        }
        let fixed = (grain.speed == 1.0).then(|| {
            let offset = grain.source - grain.place;
            let floor = offset.floor();
            let weights = self.kernels.for_speed(1.0).weights((offset - floor) as f32);
            (weights, floor as i64)
        });
        self.active.push(Active { grain, fixed });
    }

    /// Adds output frames `from..` of all grains to `output`, one slice per channel, from the
    /// histories of the same channels. Real-time safe.
    pub fn render(&mut self, histories: &[History], from: i64, output: &mut [&mut [f32]]) {
        let frames = output.first().map_or(0, |channel| channel.len()) as i64;
        for active in &self.active {
            let grain = &active.grain;
            let begin = ((grain.centre - grain.rise).ceil() as i64).max(from);
            let end = ((grain.centre + grain.fall).ceil() as i64).min(from + frames);
            if end <= begin {
                continue;
            }
            for (history, channel) in histories.iter().zip(output.iter_mut()) {
                let part = &mut channel[(begin - from) as usize..(end - from) as usize];
                match &active.fixed {
                    Some((weights, offset)) => {
                        self.add_fixed(grain, weights, *offset, history, begin, part);
                    }
                    None => self.add(grain, history, begin, part),
                }
            }
        }
        // Order is kept: the sum of a frame must not depend on when grains were cleared away.
        self.active
            .retain(|a| a.grain.centre + a.grain.fall > (from + frames) as f64);
    }

    fn add_fixed(
        &self,
        grain: &Grain,
        weights: &Weights,
        offset: i64,
        history: &History,
        begin: i64,
        output: &mut [f32],
    ) {
        let kernel = self.kernels.for_speed(1.0);
        let taps = kernel.taps();
        let source = history.range(kernel.first(begin + offset), output.len() + taps - 1);
        for (i, y) in output.iter_mut().enumerate() {
            let gain = grain.gain * self.window_at(grain, (begin + i as i64) as f64);
            *y += gain * weigh(&source[i..i + taps], &weights[..taps]);
        }
    }

    fn add(&self, grain: &Grain, history: &History, begin: i64, output: &mut [f32]) {
        let kernel = self.kernels.for_speed(grain.speed);
        for (i, y) in output.iter_mut().enumerate() {
            let t = (begin + i as i64) as f64;
            let at = grain.source + (t - grain.place) * grain.speed;
            let floor = at.floor();
            let source = history.range(kernel.first(floor as i64), kernel.taps());
            let gain = grain.gain * self.window_at(grain, t);
            *y += gain * kernel.read(source, (at - floor) as f32);
        }
    }

    fn window_at(&self, grain: &Grain, t: f64) -> f32 {
        let from_centre = t - grain.centre;
        let half = if from_centre < 0.0 {
            grain.rise
        } else {
            grain.fall
        };
        let position = (from_centre.abs() / half).min(1.0) * Self::WINDOW_STEPS as f64;
        let step = position as usize;
        let (low, high) = (self.window[step], self.window[step + 1]);
        low + (position - step as f64) as f32 * (high - low)
    }
}
