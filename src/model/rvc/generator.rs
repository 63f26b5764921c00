//! The generator: latent frames and an excitation become sound (Kong, Kim & Bae, "HiFi-GAN",
//! NeurIPS 2020, with a source at every stage). Any thread; real-time safe after construction.
//!
//! All of it is convolution, so it runs as a stream: every layer keeps the frames it will look at
//! again, computes new ones only, and lags by half its span. Where the signal begins and ends
//! layers see zeros, as they do over a whole signal.

use autovoice_kernels::cpu::{Conv1dShape, Footprint, Into, Start, conv1d, leaky_relu, tanh};
use autovoice_kernels::cpu::{PackedConv1d, PackedMatrix, matmul};
use std::sync::Arc;

use super::RvcConfig;
use super::config::OUTER_TAPS;
use crate::nn::weight_norm::folded;
use crate::nn::{Bounds, Line, SameConv1d, Scope, WeightsError};
use crate::units::Frames;

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

/// One stage: more samples, fewer channels, and three kinds of residual blocks side by side.
#[derive(Clone, Debug)]
struct Stage {
    rate: usize,
    channels: usize,
    up: Arc<PackedConv1d>,
    up_bias: Arc<[f32]>,
    /// Samples that the transposed convolution leaves out at the start.
    pad: usize,
    /// Its input.
    input: Line,
    noise: Option<NoiseConv>,
    /// What the blocks hear.
    x: Line,
    blocks: Vec<Block>,
    lag: Frames,
}

#[derive(Clone, Debug)]
struct NoiseConv {
    packed: Arc<PackedConv1d>,
    bias: Arc<[f32]>,
    /// Samples of the source from one of its outputs to the next.
    stride: usize,
    pad: usize,
}

impl Stage {
    fn footprint(&self) -> Footprint {
        let pairs = self.blocks.iter().flat_map(|block| &block.pairs);
        let pairs = pairs.map(|pair| pair.dilated.footprint() + pair.plain.footprint());
        let noise = self.noise.as_ref().map(|noise| noise.packed.footprint());
        self.up.footprint() + noise.unwrap_or_default() + pairs.sum()
    }

    fn new(
        config: &RvcConfig,
        index: usize,
        most: Frames,
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        let rate = config.upsample_rates[index];
        let kernel = config.upsample_kernels[index];
        let ins = config.upsample_initial >> index;
        let channels = ins / 2;
        let (up, up_bias) = transposed(
            (ins, channels),
            (rate, kernel),
            &weights.part("ups").part(index),
        )?;
        let noise = match config.has_pitch {
            false => None,
            true => {
                let stride: usize = config.upsample_rates[index + 1..].iter().product();
                let is_last = index + 1 == config.upsample_rates.len();
                let taps = if is_last { 1 } else { 2 * stride };
                let part = weights.part("noise_convs").part(index);
                let shape = Conv1dShape {
                    stride,
                    ..Conv1dShape::new(1, channels, taps)
                };
                let packed = PackedConv1d::new(shape, part.get("weight", &[channels, 1, taps])?);
                Some(NoiseConv {
                    packed: Arc::new(packed),
                    bias: part.get("bias", &[channels])?.into(),
                    stride,
                    pad: if is_last { 0 } else { stride / 2 },
                })
            }
        };
        let frames = most * rate;
        let kinds = config
            .resblock_kernels
            .iter()
            .zip(&config.resblock_dilations);
        let first = index * config.resblock_kernels.len();
        let mut blocks = kinds
            .enumerate()
            .map(|(n, (kernel, dilations))| {
                let part = weights.part("resblocks").part(first + n);
                Block::new(channels, *kernel, dilations, frames, &part)
            })
            .collect::<Result<Vec<_>, _>>()?;
        let lag = blocks.iter().map(Block::lag).max().unwrap_or(0);
        let mut history = 0;
        for block in &mut blocks {
            block.delay = lag - block.lag();
            history = history.max(block.delay + block.sees());
        }
        Ok(Self {
            rate,
            channels,
            pad: (kernel - rate) / 2,
            input: Line::new(ins, up.shape().kernel - 1, most),
            up: Arc::new(up),
            up_bias: up_bias.into(),
            noise,
            x: Line::new(channels, history, frames),
            blocks,
            lag,
        })
    }

    fn work_len(&self, most: Frames) -> usize {
        let shape = self.up.shape();
        let up = shape.frames_in(most) * shape.ins;
        let noise = most * self.rate * self.channels;
        let frames = most * self.rate;
        let blocks = self.blocks.iter().map(|block| block.work_len(frames));
        blocks.chain([up, noise]).max().unwrap_or(0)
    }

    fn reset(&mut self) {
        self.input.reset();
        self.x.reset();
        for block in &mut self.blocks {
            block.reset();
        }
    }

    /// Samples of sound by which it lags, when a frame that comes out is so many of them.
    fn lag_in(&self, samples: usize) -> usize {
        (self.pad + self.lag) * samples
    }

    /// How many samples before the newest the source is still heard, when the input lags by `lag`
    /// samples and a frame of it is `samples` long.
    fn furthest_source(&self, lag: usize, samples: usize) -> usize {
        let samples = samples / self.rate;
        lag + self.pad * samples + samples / 2
    }

    /// From the newest frames of `input`, the first of them at `at`, to `y`; where the first of
    /// these is.
    fn step(
        &mut self,
        frames: Frames,
        bounds: Bounds,
        at: i64,
        source: Option<(&Line, i64)>,
        y: &mut [f32],
        work: &mut [f32],
    ) -> i64 {
        let at = self.upsample(frames, bounds, at, source, work);
        let bounds = bounds.times(self.rate);
        self.refine(frames * self.rate, bounds, at, y, work);
        let at = at - self.lag as i64;
        bounds.mask(y, self.channels, at);
        at
    }

    /// From the newest frames of `input`, the first of them at `at`, to those of `x`; where the
    /// first of these is.
    fn upsample(
        &mut self,
        frames: Frames,
        bounds: Bounds,
        at: i64,
        source: Option<(&Line, i64)>,
        work: &mut [f32],
    ) -> i64 {
        let shape = self.up.shape();
        let seen = &mut work[..shape.frames_in(frames) * shape.ins];
        seen.copy_from_slice(&self.input.since(shape.kernel - 1)[..seen.len()]);
        leaky_relu(seen, SLOPE);
        self.input.advance(frames);
        let x = self.x.newest(frames * self.rate);
        conv1d(seen, frames, &self.up, Start::Bias(&self.up_bias), x);
        let at = at * self.rate as i64 - self.pad as i64;
        if let (Some(noise), Some((source, newest_at))) = (&self.noise, source) {
            let from = at * noise.stride as i64 - noise.pad as i64;
            let window = source.since((newest_at - from) as usize);
            let count = frames * self.rate;
            add(window, count, noise, x, work);
        }
        bounds.times(self.rate).mask(x, self.channels, at);
        at
    }

    /// The mean of the blocks over the newest frames of `x`.
    fn refine(&mut self, frames: Frames, bounds: Bounds, at: i64, y: &mut [f32], work: &mut [f32]) {
        y.fill(0.0);
        for block in &mut self.blocks {
            block.add(&self.x, frames, bounds, at, y, work);
        }
        self.x.advance(frames);
        let share = 1.0 / self.blocks.len() as f32;
        for y in y {
            *y *= share;
        }
    }
}

fn add(window: &[f32], frames: Frames, noise: &NoiseConv, x: &mut [f32], work: &mut [f32]) {
    let heard = &mut work[..x.len()];
    conv1d(
        window,
        frames,
        &noise.packed,
        Start::Bias(&noise.bias),
        heard,
    );
    for (x, heard) in x.iter_mut().zip(heard) {
        *x += *heard;
    }
}

/// A transposed convolution as one over frames whose outputs are the samples of a frame side by
/// side: sample `rate * n + j` is the sum over `d` of `w[rate * d + j]` times frame `n - d`.
fn transposed(
    (ins, outs): (usize, usize),
    (rate, kernel): (usize, usize),
    weights: &Scope,
) -> Result<(PackedConv1d, Vec<f32>), WeightsError> {
    let w = folded(weights, &[ins, outs, kernel], 0)?;
    let taps = kernel.div_ceil(rate);
    let mut values = vec![0.0; rate * outs * ins * taps];
    for (n, value) in values.iter_mut().enumerate() {
        let (row, i, tap) = (n / (ins * taps), n / taps % ins, n % taps);
        let (j, o) = (row / outs, row % outs);
        let from = rate * (taps - 1 - tap) + j;
        if from < kernel {
            *value = w[(i * outs + o) * kernel + from];
        }
    }
    let packed = PackedConv1d::new(Conv1dShape::new(ins, rate * outs, taps), &values);
    let bias = weights.get("bias", &[outs])?;
    Ok((packed, bias.repeat(rate)))
}

fn same(shape: Conv1dShape, frames: Frames, weights: &Scope) -> Result<SameConv1d, WeightsError> {
    let w = folded(weights, &[shape.outs, shape.ins, shape.kernel], 0)?;
    let bias = weights.get_or_zeros("bias", &[shape.outs])?;
    Ok(SameConv1d::new(shape, &w, &bias, frames))
}

/// A residual block: pairs of convolutions, each added to what it hears.
#[derive(Clone, Debug)]
struct Block {
    pairs: Vec<Pair>,
    /// Frames by which it starts later than the slowest block beside it.
    delay: Frames,
}

#[derive(Clone, Debug)]
struct Pair {
    dilated: SameConv1d,
    plain: SameConv1d,
    /// Between the two.
    between: Line,
    /// What the pair gives; unused for the last.
    after: Line,
}

impl Pair {
    fn lag(&self) -> Frames {
        self.dilated.lag() + self.plain.lag()
    }

    /// Frames before its newest input that it looks at.
    fn sees(&self) -> Frames {
        (2 * self.dilated.lag()).max(self.lag())
    }
}

impl Block {
    fn new(
        channels: usize,
        kernel: usize,
        dilations: &[usize],
        most: Frames,
        weights: &Scope,
    ) -> Result<Self, WeightsError> {
        let mut pairs = Vec::with_capacity(dilations.len());
        for (n, dilation) in dilations.iter().enumerate() {
            let plain = Conv1dShape::new(channels, channels, kernel);
            let dilated = Conv1dShape {
                dilation: *dilation,
                ..plain
            };
            let plain = same(plain, most, &weights.part("convs2").part(n))?;
            pairs.push(Pair {
                dilated: same(dilated, most, &weights.part("convs1").part(n))?,
                between: Line::new(channels, 2 * plain.lag(), most),
                plain,
                after: Line::new(0, 0, 0),
            });
        }
        for n in 1..pairs.len() {
            pairs[n - 1].after = Line::new(channels, pairs[n].sees(), most);
        }
        Ok(Self { pairs, delay: 0 })
    }

    fn lag(&self) -> Frames {
        self.pairs.iter().map(Pair::lag).sum()
    }

    fn sees(&self) -> Frames {
        self.pairs.first().map_or(0, Pair::sees)
    }

    fn work_len(&self, frames: Frames) -> usize {
        let lens = self.pairs.iter().map(|pair| {
            let dilated = pair.dilated.work_len(frames);
            dilated.max(pair.plain.work_len(frames))
        });
        lens.max().unwrap_or(0)
    }

    fn reset(&mut self) {
        for pair in &mut self.pairs {
            pair.between.reset();
            pair.after.reset();
        }
    }

    /// Adds what it makes of the newest frames of `x`, the first of them at `at`, to `y`.
    fn add(
        &mut self,
        x: &Line,
        frames: Frames,
        bounds: Bounds,
        at: i64,
        y: &mut [f32],
        work: &mut [f32],
    ) {
        let mut at = at - self.delay as i64;
        let mut delay = self.delay;
        let count = self.pairs.len();
        for n in 0..count {
            let (before, rest) = self.pairs.split_at_mut(n);
            let pair = &mut rest[0];
            let input = before.last().map_or(x, |pair| &pair.after);
            let (outer, inner) = (pair.dilated.lag(), pair.plain.lag());
            let channels = pair.plain.shape().outs;

            let between = pair.between.newest(frames);
            let window = input.since(delay + 2 * outer);
            pair.dilated
                .run(window, frames, SLOPE, Into::Replace, between, work);
            at -= outer as i64;
            bounds.mask(between, channels, at);

            let heard = &input.since(delay + outer + inner)[..frames * channels];
            let window = pair.between.since(2 * inner);
            at -= inner as i64;
            if n + 1 < count {
                let after = pair.after.newest(frames);
                after.copy_from_slice(heard);
                pair.plain
                    .run(window, frames, SLOPE, Into::Add, after, work);
                bounds.mask(after, channels, at);
            } else {
                for (y, heard) in y.iter_mut().zip(heard) {
                    *y += heard;
                }
                pair.plain.run(window, frames, SLOPE, Into::Add, y, work);
            }
            pair.between.advance(frames);
            if let Some(pair) = before.last_mut() {
                pair.after.advance(frames);
            }
            delay = 0;
        }
    }
}
