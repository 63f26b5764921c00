//! Who speaks in an engine: its own voice, and those it can be morphed with. All hear the same
//! content and pitch; what they say is blended before it becomes sound, as a mean of logarithms.
//! Inference thread; real-time safe after construction.
//!
//! While nothing is morphed the others sleep. One that wakes first hears what was said lately, so
//! that it goes on as if it had always listened.

use super::failed;
use crate::engine::EngineError;
use crate::engine::morph::{CORNERS, Morph};
use crate::model::ddsp::grid::{BANDS, hz};
use crate::model::ddsp::synthesis::{LN_POWER, edge};
use crate::model::ddsp::{Decoder, OUTS};

/// The share of the way to its new weight that a voice goes with a frame: 28 ms to within a third.
const GLIDE: f32 = 0.3;
/// A weight this near to where it goes is there.
const NEAR: f32 = 1e-3;
/// The most frames that are kept for those who sleep: more than usual decoders remember.
const MOST_PAST: usize = 64;
/// The most frames of them that are heard again within one: a voice that wakes may take two frames
/// for it, and the time of none gets long.
const PORTION: usize = 16;
/// Logits beyond this are all or nothing.
const MOST_LOGIT: f32 = 30.0;

/// Somebody who can speak. A clone shares the weights.
#[derive(Clone, Debug)]
pub struct Speaker {
    /// The network.
    pub decoder: Decoder,
    /// Who of those that it knows.
    pub embedding: Vec<f32>,
    /// Up to where the recordings reach, in Hz.
    pub bandwidth_hz: f32,
}

/// Who an engine's voice can be morphed with.
#[derive(Clone, Debug, Default)]
pub struct Company {
    /// The corner of the pad that is the voice's own, from 0; none where it stays alone.
    pub corner: Option<usize>,
    /// The others, at their corners. All are of the engine's content encoder.
    pub others: [Option<Speaker>; CORNERS],
}

/// See the module.
pub(super) struct Chorus {
    /// The engine's own first.
    voices: Vec<Voice>,
    /// Values of a frame of input.
    ins: usize,
    /// The newest inputs, `[frames, ins]`, the newest last; the first `past_frames` from the end
    /// count.
    past: Vec<f32>,
    past_frames: usize,
    /// What one voice says, of as many frames as are heard at a time.
    said: Vec<f32>,
    /// By band, the sum of the weights of those that reach so far.
    sums: [f32; BANDS],
    bandwidth_hz: f32,
}

struct Voice {
    corner: Option<usize>,
    decoder: Decoder,
    bandwidth_hz: f32,
    /// By band, 1 where its recordings reach, 0 where it is not to be asked.
    reach: [f32; BANDS],
    weight: f32,
    is_awake: bool,
    /// How many of the frames kept it has still to hear, while it wakes.
    behind: Option<usize>,
    /// Whether it gave what is no number: it is not heard any more.
    is_lost: bool,
}

impl Voice {
    fn new(speaker: Speaker, corner: Option<usize>) -> Result<Self, EngineError> {
        let Speaker {
            mut decoder,
            embedding,
            bandwidth_hz,
        } = speaker;
        if embedding.len() != decoder.config().embedding {
            return Err(failed(
                "expected an embedding as long as the voice's decoder takes; make the voice again",
            ));
        }
        decoder.set_speaker(&embedding);
        Ok(Self {
            corner,
            decoder,
            bandwidth_hz,
            reach: std::array::from_fn(|band| edge(bandwidth_hz, hz(band as f32))),
            weight: 0.0,
            is_awake: false,
            behind: None,
            is_lost: false,
        })
    }

    /// Adds what it said to the sums of all.
    fn add(&self, said: &[f32], spectrum: &mut [f32; OUTS], sums: &mut [f32; BANDS]) {
        let (low, high) = LN_POWER;
        let (own_ln, own_logits) = said.split_at(BANDS);
        let (ln_power, logits) = spectrum.split_at_mut(BANDS);
        for band in 0..BANDS {
            let weight = self.weight * self.reach[band];
            ln_power[band] += weight * own_ln[band].clamp(low, high);
            logits[band] += weight * own_logits[band].clamp(-MOST_LOGIT, MOST_LOGIT);
            sums[band] += weight;
        }
    }
}

impl Chorus {
    /// For content of so many values. Allocates.
    pub fn new(own: Speaker, company: Company, content: usize) -> Result<Self, EngineError> {
        let Company { corner, others } = company;
        // Somebody else at its own corner would be there twice, and nobody is without one.
        let others = others.into_iter().enumerate();
        let others = others.filter(|(at, _)| corner.is_some_and(|own| own != *at));
        let mut voices = vec![Voice::new(own, corner)?];
        for (at, other) in others {
            if let Some(other) = other {
                voices.push(Voice::new(other, Some(at))?);
            }
        }
        if voices
            .iter()
            .any(|voice| voice.decoder.config().content != content)
        {
            return Err(failed(
                "expected a voice made for this content encoder, found one for another; install \
                 the encoder that the voice names",
            ));
        }
        let memory = voices.iter().skip(1).map(|voice| voice.decoder.memory());
        let kept = memory.max().unwrap_or(0).min(MOST_PAST);
        let ins = voices[0].decoder.ins();
        Ok(Self {
            bandwidth_hz: voices[0].bandwidth_hz,
            voices,
            ins,
            past: vec![0.0; kept * ins],
            past_frames: 0,
            said: vec![0.0; kept.clamp(1, PORTION) * OUTS],
            sums: [0.0; BANDS],
        })
    }

    /// Values of a frame of input.
    pub fn ins(&self) -> usize {
        self.ins
    }

    /// As [`Decoder::set_speaker`] of the engine's own voice.
    pub fn set_speaker(&mut self, embedding: &[f32]) {
        self.voices[0].decoder.set_speaker(embedding);
    }

    /// Up to where the last frame reaches, in Hz: a mean of octaves.
    pub fn bandwidth_hz(&self) -> f32 {
        self.bandwidth_hz
    }

    pub fn reset(&mut self) {
        for voice in &mut self.voices {
            voice.decoder.reset();
            voice.is_awake = false;
            voice.behind = None;
            voice.is_lost = false;
        }
        self.past_frames = 0;
        self.bandwidth_hz = self.voices[0].bandwidth_hz;
    }

    /// What is said with the next frame of input: what [`Decoder::step`] gives, of all of them.
    ///
    /// # Errors
    /// [`EngineError::Step`] where the engine's own voice gave what is no number.
    pub fn step(
        &mut self,
        input: &[f32],
        morph: &Morph,
        spectrum: &mut [f32; OUTS],
    ) -> Result<(), EngineError> {
        let is_morphed = morph.on && 1 < self.voices.len();
        let is_first = !self.voices[0].is_awake;
        self.wake(is_morphed);
        self.glide(morph, is_morphed, is_first);
        self.speak(input, spectrum)?;
        self.keep(input);
        Ok(())
    }

    /// Wakes whom it takes: at the start all of them, later one after the other, for each has to
    /// hear what was said lately.
    fn wake(&mut self, is_morphed: bool) {
        self.voices[0].is_awake = true;
        let (first, others) = (self.past.len() / self.ins, &mut self.voices[1..]);
        for voice in others {
            if !is_morphed || voice.is_awake || voice.is_lost {
                voice.behind = None;
                continue;
            }
            if voice.behind.is_none() {
                voice.decoder.reset();
                voice.weight = 0.0;
            }
            let behind = voice.behind.unwrap_or(self.past_frames);
            let portion = behind.min(PORTION);
            let past = &self.past[(first - behind) * self.ins..][..portion * self.ins];
            voice.decoder.step(past, &mut self.said);
            voice.is_awake = portion == behind;
            // By the next time there is one more.
            voice.behind = (!voice.is_awake).then_some(behind - portion + 1);
            if 0 < portion {
                break;
            }
        }
    }

    /// Moves the weights; who is not needed any more falls asleep.
    fn glide(&mut self, morph: &Morph, is_morphed: bool, is_first: bool) {
        let mut has_voice = [false; CORNERS];
        for voice in &self.voices {
            if let Some(corner) = voice.corner {
                has_voice[corner] = voice.is_awake && !voice.is_lost;
            }
        }
        let shares = morph.shares(has_voice);
        let target = |voice: &Voice, is_own: bool| match (is_morphed, voice.corner) {
            (true, Some(corner)) => shares[corner],
            _ => f32::from(u8::from(is_own)),
        };
        let mut is_there = true;
        for (at, voice) in self.voices.iter_mut().enumerate() {
            let way = target(voice, at == 0) - voice.weight;
            voice.weight += GLIDE * way;
            is_there &= way.abs() < NEAR;
        }
        if !(is_there || is_first) {
            return;
        }
        for (at, voice) in self.voices.iter_mut().enumerate() {
            voice.weight = target(voice, at == 0);
            voice.is_awake &= is_morphed || at == 0;
        }
    }

    /// Asks everybody who is awake, and blends what they say.
    fn speak(&mut self, input: &[f32], spectrum: &mut [f32; OUTS]) -> Result<(), EngineError> {
        let alone = self.voices.iter().position(|voice| voice.weight == 1.0);
        spectrum.fill(0.0);
        self.sums.fill(0.0);
        let mut octaves = 0.0;
        for at in 0..self.voices.len() {
            let voice = &mut self.voices[at];
            if !voice.is_awake {
                continue;
            }
            let said = &mut self.said[..OUTS];
            voice.decoder.step(input, said);
            if said.iter().any(|x| !x.is_finite()) {
                if at == 0 {
                    return Err(failed(
                        "its networks gave what is no number; import the voice again",
                    ));
                }
                voice.is_lost = true;
                voice.is_awake = false;
                voice.weight = 0.0;
            } else if alone == Some(at) {
                spectrum.copy_from_slice(said);
            } else if 0.0 < voice.weight {
                voice.add(said, spectrum, &mut self.sums);
                octaves += voice.weight * voice.bandwidth_hz.log2();
            }
        }
        match alone.filter(|at| !self.voices[*at].is_lost) {
            Some(at) => self.bandwidth_hz = self.voices[at].bandwidth_hz,
            None => self.even_out(spectrum, octaves),
        }
        Ok(())
    }

    /// Makes sums of all into means.
    fn even_out(&mut self, spectrum: &mut [f32; OUTS], octaves: f32) {
        let (ln_power, logits) = spectrum.split_at_mut(BANDS);
        let bands = ln_power.iter_mut().zip(logits).zip(&self.sums);
        for ((ln, logit), sum) in bands {
            match 0.0 < *sum {
                true => {
                    *ln /= sum;
                    *logit /= sum;
                }
                // Nobody reaches so far.
                false => *ln = LN_POWER.0,
            }
        }
        let weights: f32 = self.voices.iter().map(|voice| voice.weight).sum();
        if 0.0 < weights {
            // In whole Hz, so that it stays where it is when nothing moves.
            self.bandwidth_hz = (octaves / weights).exp2().round();
        }
    }

    /// Keeps a frame for those who sleep.
    fn keep(&mut self, input: &[f32]) {
        if self.past.is_empty() {
            return;
        }
        let end = self.past.len() - self.ins;
        self.past.copy_within(self.ins.., 0);
        self.past[end..].copy_from_slice(input);
        self.past_frames = (self.past_frames + 1).min(self.past.len() / self.ins);
    }
}
