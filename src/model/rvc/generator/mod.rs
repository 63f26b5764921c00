//! The generator: latent frames and an excitation become sound (Kong, Kim & Bae, "HiFi-GAN",
//! NeurIPS 2020, with a source at every stage). Any thread; real-time safe after construction.
//!
//! All of it is convolution, so it runs as a stream: every layer keeps the frames it will look at
//! again, computes new ones only, and lags by half its span. Where the signal begins and ends
//! layers see zeros, as they do over a whole signal.

mod block;
pub(super) mod device;
mod stage;

use autovoice_kernels::cpu::{Conv1dShape, Footprint, Into, PackedMatrix, Start, matmul, tanh};
use std::sync::Arc;

use super::RvcConfig;
use super::config::OUTER_TAPS;
use crate::nn::weight_norm::folded;
use crate::nn::{Bounds, Line, SameConv1d, Scope, WeightsError};
use crate::units::Frames;
use stage::Stage;

/// Slope below 0 of every activation but the last.
const SLOPE: f32 = 0.1;
/// That of the last, which is PyTorch's default.
const LAST_SLOPE: f32 = 0.01;

/// A generator with the state of one stream. A clone shares its weights.
#[derive(Clone, Debug)]
pub struct Generator {
    /// Its first part.
    pub opening: Opening,
    /// Its second part.
    pub closing: Closing,
    between: Vec<f32>,
}

impl Generator {
    /// From the part `dec` of a voice, for steps of at most `most` frames. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit.
    pub fn new(config: &RvcConfig, most: Frames, weights: &Scope) -> Result<Self, WeightsError> {
        let opening = Opening::new(config, most, weights)?;
        let closing = Closing::new(config, most, opening.lag(), weights)?;
        let made = Self {
            between: vec![0.0; most * opening.outs()],
            opening,
            closing,
        };
        debug_assert_eq!(made.lag(), config.generator_lag());
        Ok(made)
    }

    /// Samples by which the sound lags the latent frames.
    #[must_use]
    pub fn lag(&self) -> usize {
        self.opening.lag() + self.closing.lag()
    }

    /// What its weights take.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        let (opening, closing) = (&self.opening, &self.closing);
        let stages = closing.stages.iter().chain([&opening.stage]);
        let stages: Footprint = stages.map(Stage::footprint).sum();
        let condition = opening.condition.as_deref().map(PackedMatrix::footprint);
        let outer = opening.pre.footprint() + closing.post.footprint();
        outer + stages + condition.unwrap_or_default()
    }

    /// Sets the speaker by its embedding, `[gin]`. Real-time safe.
    ///
    /// # Panics
    /// If it is of another length.
    pub fn set_speaker(&mut self, embedding: &[f32]) {
        self.opening.set_speaker(embedding);
    }

    /// Begins anew at frame 0. Real-time safe.
    pub fn reset(&mut self) {
        self.opening.reset();
        self.closing.reset();
    }

    /// Takes the next `n` frames: `z` `[n, inter]` and `source` `[n * hop]`, empty for a voice
    /// without pitch. Gives as many samples, `y` `[n * hop]`, those [`Self::lag`] before. What the
    /// frames hold beyond the end of `bounds` (in frames) is not heard. Real-time safe.
    ///
    /// # Panics
    /// If `n` is more than was built for, or a slice is of another length.
    pub fn step(&mut self, z: &[f32], source: &[f32], bounds: Bounds, y: &mut [f32]) {
        let frames = z.len() / self.opening.ins();
        let between = &mut self.between[..frames * self.opening.outs()];
        self.opening.step(z, source, bounds, between);
        self.closing.step(between, source, bounds, y);
    }
}

/// The first part of a generator, up to its first stage: with the widest layers, and a fifth of the
/// work. The two parts may run at different times.
#[derive(Clone, Debug)]
pub struct Opening {
    pre: SameConv1d,
    latent: Line,
    condition: Option<Arc<PackedMatrix>>,
    condition_bias: Arc<[f32]>,
    /// What the speaker adds, `[upsample_initial]`.
    offset: Vec<f32>,
    source: Line,
    stage: Stage,
    has_source: bool,
    hop: usize,
    most: Frames,
    /// Instant of the next latent frame.
    at: i64,
    work: Vec<f32>,
}

impl Opening {
    fn new(config: &RvcConfig, most: Frames, weights: &Scope) -> Result<Self, WeightsError> {
        let first = config.upsample_initial;
        let pre_shape = Conv1dShape::new(config.inter, first, OUTER_TAPS);
        let pre = same(pre_shape, most, &weights.part("conv_pre"))?;
        let part = weights.part("cond");
        let (condition, condition_bias) = match config.gin {
            0 => (None, vec![0.0; first]),
            gin => {
                let matrix = PackedMatrix::new(first, gin, part.get("weight", &[first, gin, 1])?);
                let bias = part.get("bias", &[first])?.to_vec();
                (Some(Arc::new(matrix)), bias)
            }
        };
        let hop = config.hop();
        let stage = Stage::new(config, 0, most, weights)?;
        let work = stage.work_len(most).max(pre.work_len(most));
        let lag = pre.lag() * hop;
        let furthest = stage.furthest_source(lag, hop);
        Ok(Self {
            latent: Line::new(config.inter, OUTER_TAPS - 1, most),
            offset: condition_bias.clone(),
            condition_bias: condition_bias.into(),
            source: Line::new(1, furthest, most * hop),
            at: 0,
            work: vec![0.0; work],
            pre,
            condition,
            stage,
            has_source: config.has_pitch,
            hop,
            most,
        })
    }

    /// Values of a frame of the latent.
    #[must_use]
    pub fn ins(&self) -> usize {
        self.pre.shape().ins
    }

    /// Values that come out for a frame of the latent.
    #[must_use]
    pub fn outs(&self) -> usize {
        self.stage.rate * self.stage.channels
    }

    /// Samples of sound by which what comes out lags the latent frames.
    fn lag(&self) -> usize {
        self.pre.lag() * self.hop + self.stage.lag_in(self.hop / self.stage.rate)
    }

    /// As [`Generator::set_speaker`].
    ///
    /// # Panics
    /// As there.
    pub fn set_speaker(&mut self, embedding: &[f32]) {
        if let Some(condition) = &self.condition {
            let bias = Start::Bias(&self.condition_bias);
            let offset = &mut self.offset;
            matmul(embedding, embedding.len(), 1, condition, bias, offset);
        }
    }

    /// Begins anew at frame 0. Real-time safe.
    pub fn reset(&mut self) {
        self.at = 0;
        self.latent.reset();
        self.source.reset();
        self.stage.reset();
    }

    /// What would follow if the latent ended here: `y`, `[n, outs]`, of the next `n` frames. `copy`
    /// is a clone that was used for this alone; `silence` is 0 and as long as those frames and
    /// their source. Real-time safe.
    ///
    /// # Panics
    /// If `silence` is too short.
    pub fn beyond(&self, copy: &mut Self, silence: &[f32], y: &mut [f32]) {
        copy.latent.resume(&self.latent);
        copy.source.resume(&self.source);
        copy.stage.resume(&self.stage);
        copy.offset.copy_from_slice(&self.offset);
        copy.at = self.at;
        let frames = y.len() / self.outs();
        let source = match self.has_source {
            true => &silence[..frames * self.hop],
            false => &[],
        };
        let z = &silence[..frames * self.ins()];
        copy.step(z, source, Bounds { end: self.at }, y);
    }

    /// As [`Generator::step`], but of any number of frames; `y` is `[n, outs]`, for
    /// [`Closing::step`].
    ///
    /// # Panics
    /// As there.
    pub fn step(&mut self, z: &[f32], source: &[f32], bounds: Bounds, y: &mut [f32]) {
        let most = self.most;
        let z = z.chunks(most * self.ins());
        let mut source = source.chunks(most * self.hop);
        for (z, y) in z.zip(y.chunks_mut(most * self.outs())) {
            self.piece(z, source.next().unwrap_or_default(), bounds, y);
        }
    }

    fn piece(&mut self, z: &[f32], source: &[f32], bounds: Bounds, y: &mut [f32]) {
        let ins = self.ins();
        let frames = z.len() / ins;
        let newest = self.latent.newest(frames);
        newest.copy_from_slice(z);
        bounds.mask(newest, ins, self.at);
        let excitation = hear(&mut self.source, source, bounds, self.at, self.hop);

        let at = self.at - self.pre.lag() as i64;
        let x = self.stage.input.newest(frames);
        let window = self.latent.since(2 * self.pre.lag());
        self.pre
            .run(window, frames, 1.0, Into::Replace, x, &mut self.work);
        for frame in x.chunks_exact_mut(self.offset.len()) {
            for (x, offset) in frame.iter_mut().zip(&self.offset) {
                *x += offset;
            }
        }
        bounds.mask(x, self.offset.len(), at);
        self.latent.advance(frames);
        let excitation = excitation.map(|at| (&self.source, at));
        self.stage
            .step(frames, bounds, at, excitation, y, &mut self.work);
        self.source.advance(source.len());
        self.at += frames as i64;
    }
}

/// The second part of a generator: every stage but the first, up to the sound.
#[derive(Clone, Debug)]
pub struct Closing {
    source: Line,
    stages: Vec<Stage>,
    post: SameConv1d,
    last: Line,
    has_source: bool,
    hop: usize,
    /// How often the rate of the latent what goes in has, and how many of its frames it is late.
    rate: usize,
    late: i64,
    lag: usize,
    /// Values that go in for a frame of the latent, and the most frames of a piece.
    ins: usize,
    most: Frames,
    /// Instant of the next latent frame.
    at: i64,
    work: Vec<f32>,
}

impl Closing {
    /// For an opening that lags by so many samples.
    fn new(
        config: &RvcConfig,
        most: Frames,
        late: usize,
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        let hop = config.hop();
        let rate = config.upsample_rates[0];
        let mut frames = most * rate;
        let mut samples = hop / rate;
        let (mut furthest, mut lag) = (0, late);
        let mut stages = Vec::with_capacity(config.upsample_rates.len() - 1);
        let mut work = 0;
        for index in 1..config.upsample_rates.len() {
            let stage = Stage::new(config, index, frames, weights)?;
            furthest = furthest.max(stage.furthest_source(lag, samples));
            work = work.max(stage.work_len(frames));
            samples /= stage.rate;
            lag += stage.lag_in(samples);
            frames *= stage.rate;
            stages.push(stage);
        }
        let channels = config.upsample_initial >> config.upsample_rates.len();
        let post_shape = Conv1dShape::new(channels, 1, OUTER_TAPS);
        let post = same(post_shape, frames, &weights.part("conv_post"))?;
        Ok(Self {
            source: Line::new(1, furthest, most * hop),
            last: Line::new(channels, OUTER_TAPS - 1, frames),
            work: vec![0.0; work.max(post.work_len(frames))],
            lag: lag + post.lag() - late,
            late: (late * rate / hop) as i64,
            ins: rate * (config.upsample_initial >> 1),
            most,
            at: 0,
            stages,
            post,
            has_source: config.has_pitch,
            hop,
            rate,
        })
    }

    /// Samples by which the sound lags what goes in.
    #[must_use]
    pub fn lag(&self) -> usize {
        self.lag
    }

    /// Begins anew at frame 0. Real-time safe.
    pub fn reset(&mut self) {
        self.at = 0;
        self.source.reset();
        self.last.reset();
        self.stages.iter_mut().for_each(Stage::reset);
    }

    /// What would follow if the latent ended here: `y`, of as many samples as the frames are long
    /// for which [`Opening::beyond`] gave `x`. `copy` and `silence` as there. Real-time safe.
    ///
    /// # Panics
    /// If `silence` is too short.
    pub fn beyond(&self, copy: &mut Self, x: &[f32], silence: &[f32], y: &mut [f32]) {
        copy.source.resume(&self.source);
        copy.last.resume(&self.last);
        for (stage, other) in copy.stages.iter_mut().zip(&self.stages) {
            stage.resume(other);
        }
        copy.at = self.at;
        let source = match self.has_source {
            true => &silence[..y.len()],
            false => &[],
        };
        copy.step(x, source, Bounds { end: self.at }, y);
    }

    /// Takes what [`Opening::step`] gave for the next `n` frames of the latent, any number, with
    /// their source; gives `y` `[n * hop]`. Real-time safe.
    ///
    /// # Panics
    /// As [`Generator::step`].
    pub fn step(&mut self, x: &[f32], source: &[f32], bounds: Bounds, y: &mut [f32]) {
        let (most, hop) = (self.most, self.hop);
        let mut source = source.chunks(most * hop);
        for (x, y) in x.chunks(most * self.ins).zip(y.chunks_mut(most * hop)) {
            self.piece(x, source.next().unwrap_or_default(), bounds, y);
        }
    }

    fn piece(&mut self, x: &[f32], source: &[f32], bounds: Bounds, y: &mut [f32]) {
        let frames = y.len() / self.hop;
        let source_at = hear(&mut self.source, source, bounds, self.at, self.hop);
        let mut count = frames * self.rate;
        let mut at = self.at * self.rate as i64 - self.late;
        let mut bounds = bounds.times(self.rate);
        match self.stages.first_mut() {
            Some(stage) => stage.input.newest(count).copy_from_slice(x),
            None => self.last.newest(count).copy_from_slice(x),
        }
        for index in 0..self.stages.len() {
            let (stage, rest) = self.stages[index..].split_at_mut(1);
            let stage = &mut stage[0];
            let y = match rest.first_mut() {
                Some(next) => next.input.newest(count * stage.rate),
                None => self.last.newest(count * stage.rate),
            };
            let source = source_at.map(|at| (&self.source, at));
            at = stage.step(count, bounds, at, source, y, &mut self.work);
            count *= stage.rate;
            bounds = bounds.times(stage.rate);
        }
        self.source.advance(source.len());
        let window = self.last.since(2 * self.post.lag());
        let work = &mut self.work;
        self.post
            .run(window, count, LAST_SLOPE, Into::Replace, y, work);
        self.last.advance(count);
        tanh(y);
        self.at += frames as i64;
    }
}

/// Makes `source` the newest of a line; where it begins, in samples. None where there is none.
fn hear(line: &mut Line, source: &[f32], bounds: Bounds, at: i64, hop: usize) -> Option<i64> {
    if source.is_empty() {
        return None;
    }
    let at = at * hop as i64;
    let newest = line.newest(source.len());
    newest.copy_from_slice(source);
    bounds.times(hop).mask(newest, 1, at);
    Some(at)
}

fn same(shape: Conv1dShape, frames: Frames, weights: &Scope) -> Result<SameConv1d, WeightsError> {
    let w = folded(weights, &[shape.outs, shape.ins, shape.kernel], 0)?;
    let bias = weights.get_or_zeros("bias", &[shape.outs])?;
    Ok(SameConv1d::new(shape, &w, &bias, frames))
}
