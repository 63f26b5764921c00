//! One run of training: what a step does.

use std::collections::BTreeMap;

use candle_core::{D, Result, Tensor};

use super::batch::Tensors;
use super::critic::{Critic, CriticRecipe};
use super::hearing::Hearing;
use super::loss::{Mask, cross_entropy, masked_l1, mean, sigmoid};
use super::network::Network;
use crate::train::ops::values;
use crate::train::optimizer::{Optimizer, Parameters, Settings};

/// How much each part of the loss counts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Recipe {
    /// Highest rate of learning; it rises over so many steps, then falls as a cosine.
    pub rate: f64,
    /// See `rate`.
    pub warm_up: f64,
    /// Weight of the phones.
    pub phones: f64,
    /// Weight of the content's size: half the mean square, as a bottleneck of so many nats costs
    /// when its noise has variance 1 (Kingma & Welling, 2014).
    pub bottleneck: f64,
    /// Deviation of the noise on the content, and of that on the speakers.
    pub content_noise: f64,
    /// See `content_noise`.
    pub speaker_noise: f64,
    /// Weight of what the encoder hears in the spectra that are made: it should be what was heard.
    pub consistency: f64,
    /// How weights move.
    pub optimizer: Settings,
    /// How a critic takes part, if one does.
    pub critic: Option<CriticRecipe>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            rate: 1.5e-3,
            warm_up: 100.0,
            phones: 0.5,
            bottleneck: 0.002,
            content_noise: 1.0,
            speaker_noise: 0.05,
            consistency: 0.0,
            optimizer: Settings {
                betas: (0.9, 0.98),
                decay: 0.01,
                longest: 1.0,
                average: 0.998,
            },
            critic: None,
        }
    }
}

/// What a step found.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Losses {
    /// Mean error of the envelope in dB.
    pub envelope_db: f64,
    /// Mean error of the share of noise.
    pub noise: f64,
    /// Cross-entropy of phones in nats.
    pub phones: f64,
    /// Nats that the content carries in a frame, at most.
    pub content: f64,
    /// Mean distance of what the encoder hears in the spectra that are made from what it should.
    pub consistency: f64,
    /// How well the critic told made spectra from real ones: 0 if always, 2 if never.
    pub critic: f64,
}

impl Losses {
    /// Their names in files and reports.
    pub const NAMES: [&str; 6] = [
        "envelope_db",
        "noise",
        "phones",
        "content",
        "consistency",
        "critic",
    ];

    /// The mean of some.
    pub fn mean(all: &[Self]) -> Self {
        let share = 1.0 / all.len().max(1) as f64;
        let mean = |of: fn(&Self) -> f64| share * all.iter().map(of).sum::<f64>();
        Self {
            envelope_db: mean(|x| x.envelope_db),
            noise: mean(|x| x.noise),
            phones: mean(|x| x.phones),
            content: mean(|x| x.content),
            consistency: mean(|x| x.consistency),
            critic: mean(|x| x.critic),
        }
    }

    /// In the order of their names.
    pub fn all(self) -> [f64; 6] {
        [
            self.envelope_db,
            self.noise,
            self.phones,
            self.content,
            self.consistency,
            self.critic,
        ]
    }

    /// From values in that order.
    pub fn from_all(all: [f64; 6]) -> Self {
        let [envelope_db, noise, phones, content, consistency, critic] = all;
        Self {
            envelope_db,
            noise,
            phones,
            content,
            consistency,
            critic,
        }
    }
}

/// dB per nat.
const DB: f64 = 10.0 * std::f64::consts::LOG10_E;

/// Shapes and values of weights by name.
pub type Kept = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A run at some step.
pub struct Run {
    /// The networks.
    pub network: Network,
    /// What has been learnt about the parts that move.
    pub optimizer: Optimizer,
    /// Steps done, of how many.
    pub step: u64,
    /// See `step`.
    pub steps: u64,
    /// Losses of every step.
    pub history: Vec<Losses>,
    hearing: Hearing,
    /// The critic, if there is one.
    pub critic: Option<Critic>,
    /// How it learns.
    pub recipe: Recipe,
    /// The encoder stays as it is: nothing below the content has a gradient.
    frozen_encoder: bool,
}

impl Run {
    /// A run that moves the weights whose names begin as one of `parts`. A critic looks at so many
    /// bands.
    ///
    /// # Errors
    /// If memory is short.
    pub fn new(
        network: Network,
        parts: &[&str],
        steps: u64,
        recipe: Recipe,
        bands: usize,
    ) -> Result<Self> {
        let moving = parts.iter().flat_map(|part| network.part(part));
        let moving: Parameters = moving.collect();
        let arithmetic = network.arithmetic();
        let critic = recipe
            .critic
            .map(|critic| Critic::new(critic, bands, 0, arithmetic));
        Ok(Self {
            critic: critic.transpose()?,
            hearing: Hearing::new(arithmetic.device())?,
            optimizer: Optimizer::new(&moving, recipe.optimizer)?,
            frozen_encoder: !moving.keys().any(|name| name.starts_with("encoder.")),
            network,
            step: 0,
            steps,
            history: Vec::new(),
            recipe,
        })
    }

    /// Whether all steps are done.
    pub fn finished(&self) -> bool {
        self.steps <= self.step
    }

    /// The loss of a batch, its parts, and the envelope that was made.
    fn loss(&self, batch: &Tensors) -> Result<(Tensor, Parts, Tensor)> {
        let network = &self.network;
        let mut content = network.encode(&batch.mel)?;
        if self.frozen_encoder {
            content = content.detach();
        }
        let mut who = network.speakers(&batch.speakers)?;
        // A part of the numbers drawn for the content, which are more than there is use for.
        let deviates = batch.blur.flatten_all()?.narrow(0, 0, who.elem_count())?;
        let deviates = deviates.reshape(who.shape())?;
        who = (who + (deviates * self.recipe.speaker_noise)?)?;
        let values = content.dim(D::Minus1)?;
        let blur = batch.blur.narrow(D::Minus1, 0, values)?;
        let centred = Network::centred(&content, &batch.heard_voiced)?;
        let centred = Network::in_time(&centred, &batch.heard)?;
        let blurred = (&centred + (blur * self.recipe.content_noise)?)?;
        let output = network.decode(&blurred, &batch.sung, &who)?;
        let envelope = masked_l1(&output.envelope, &batch.ln_power, &batch.known)?;
        let noise = sigmoid(&output.aperiodicity)?;
        let noise = masked_l1(&noise, &batch.noise, &batch.voiced_known)?;
        let size = (mean(&content.sqr()?)? * (0.5 * values as f64))?;
        let mut loss = (&envelope + &noise)?;
        let mut phones = None;
        if !self.frozen_encoder {
            loss = (loss + (&size * self.recipe.bottleneck)?)?;
            if let Some(scores) = network.phones(&content)? {
                let cross = cross_entropy(&scores, &batch.phones, &batch.phones_known)?;
                loss = (loss + (&cross * self.recipe.phones)?)?;
                phones = Some(cross);
            }
        }
        let mut consistency = None;
        if 0.0 < self.recipe.consistency {
            let far = self.consistency(&output.envelope, &centred, batch)?;
            loss = (loss + (&far * self.recipe.consistency)?)?;
            consistency = Some(far);
        }
        let parts = Parts {
            envelope,
            noise,
            content: size,
            phones,
            consistency,
        };
        Ok((loss, parts, output.envelope))
    }

    /// How far from `content` is what the encoder hears in an envelope: the mean over all values,
    /// of which each has noise of variance 1 while the base is learnt.
    fn consistency(&self, envelope: &Tensor, content: &Tensor, batch: &Tensors) -> Result<Tensor> {
        let heard = self.network.encode(&self.hearing.of(envelope)?)?;
        let heard = Network::centred(&heard, &batch.voiced)?;
        let said = batch.known.at.narrow(D::Minus1, 0, 1)?;
        let known = Mask {
            at: said.broadcast_as(heard.shape())?,
            sum: batch.said * heard.dim(D::Minus1)? as f64,
        };
        masked_l1(&heard, content, &known)
    }

    /// What the weights make of some batches, which nothing is learnt from.
    ///
    /// # Errors
    /// If memory is short.
    pub fn judged(&self, batches: &[Tensors]) -> Result<Losses> {
        let judged = |batch: &Tensors| self.loss(batch)?.1.read(0.0);
        let all = batches.iter().map(judged).collect::<Result<Vec<_>>>()?;
        Ok(Losses::mean(&all))
    }

    /// Learns from one batch.
    ///
    /// # Errors
    /// If memory is short.
    pub fn learn(&mut self, batch: &Tensors) -> Result<Losses> {
        let (mut loss, parts, made) = self.loss(batch)?;
        let mut critic_told = 0.0;
        if let Some(critic) = &mut self.critic
            && critic.judges(self.step, self.steps)
        {
            let (judged, told) = critic.judge(&made, &batch.ln_power, &batch.known.at)?;
            loss = (loss + judged)?;
            critic_told = told;
        }
        let gradients = loss.backward()?;
        let losses = parts.read(critic_told)?;
        let done = self.step as f64 / self.steps.max(1) as f64;
        let rise = ((self.step + 1) as f64 / self.recipe.warm_up).min(1.0);
        let fall = 0.01 + 0.99 * (0.5 + 0.5 * (std::f64::consts::PI * done.min(1.0)).cos());
        let rate = self.recipe.rate * rise * fall;
        self.optimizer
            .step(self.network.weights(), &gradients, rate)?;
        self.step += 1;
        self.history.push(losses);
        Ok(losses)
    }

    /// The weights to keep: averages where they moved, as files have them.
    ///
    /// # Errors
    /// If memory is short.
    pub fn kept(&self) -> Result<Kept> {
        let moments = self.optimizer.moments()?;
        let mut kept = BTreeMap::new();
        for (name, weight) in self.network.weights() {
            let mut found = match moments.get(name) {
                Some(moments) => moments.average.clone(),
                None => values(weight)?,
            };
            Network::export(name, &mut found);
            kept.insert(name.clone(), (weight.dims().to_vec(), found));
        }
        Ok(kept)
    }
}

/// The parts of a loss, not yet waited for.
struct Parts {
    envelope: Tensor,
    noise: Tensor,
    content: Tensor,
    phones: Option<Tensor>,
    consistency: Option<Tensor>,
}

impl Parts {
    /// Their values, all at once: a card is asked only once.
    fn read(self, critic: f64) -> Result<Losses> {
        let (has_phones, is_consistent) = (self.phones.is_some(), self.consistency.is_some());
        let some = [self.envelope, self.noise, self.content].into_iter();
        let all: Vec<Tensor> = some.chain(self.phones).chain(self.consistency).collect();
        let values = Tensor::stack(&all, 0)?.to_vec1::<f32>()?;
        let mut values = values.into_iter().map(f64::from);
        let mut next = |is_there: bool| is_there.then(|| values.next()).flatten().unwrap_or(0.0);
        Ok(Losses {
            envelope_db: DB * next(true),
            noise: next(true),
            content: next(true),
            phones: next(has_phones),
            consistency: next(is_consistent),
            critic,
        })
    }
}
