//! The first half of the engine: from sound to what is to be sung, and the beginning of it. About
//! half of the work. Inference thread; real-time safe after construction.

use std::sync::Arc;

use super::heard::Heard;
use super::hearing::Hearing;
use super::reach::{PER_CONTENT, Reach};
use super::singing::{self, Singing};
use super::stage::Stage;
use crate::dsp::history::History;
use crate::dsp::noise::normal;
use crate::dsp::resample::Resampler;
use crate::engine::away::{Places, whereabouts};
use crate::engine::{Controls, EngineSpec, Observation, Whereabouts};
use crate::model::content::{Body, Front, HOP, Loudness, RATE_HZ};
use crate::model::protect::protect;
use crate::model::retrieval::Retrieval;
use crate::model::rvc::{Flow, Opening, Source, Speakers, TextEncoder, coarse_pitch, draw};
use crate::nn::{Bounds, Line};
use crate::units::Frames;

/// What numbers the deviates of the latent among all of a seed.
pub const LATENT: u64 = 0x6c61_7465_6e74;
/// And what those of the source.
pub const SOURCE: u64 = 0x736f_7572_6365;

/// What is to be sung in one hop.
#[derive(Clone, Debug, Default)]
pub struct Score {
    /// What the generator's opening gave, then what would follow where that is sung already.
    pub begun: Vec<f32>,
    /// The excitation, one per sample; empty for a voice without pitch.
    pub source: Vec<f32>,
    /// What was sung elsewhere, if it was, then what would follow; empty where that cannot be.
    pub sung: Vec<f32>,
    /// Whether it was.
    pub is_sung: bool,
    /// Whether singing here begins anew: until now it was done elsewhere.
    pub begins: bool,
    /// What was heard when this is heard, one per sample.
    pub dry: Vec<f32>,
    /// What was set then.
    pub controls: Controls,
}

/// The parts a listener is made of, built for what [`Reach`] says.
pub(super) struct Parts {
    pub front: Front,
    pub body: Body,
    pub text: TextEncoder,
    pub flow: Flow,
    pub source: Option<Source>,
    pub opening: Opening,
    pub speakers: Speakers,
    /// Where the voice has an index.
    pub retrieval: Option<Retrieval>,
    /// Where the content encoder runs.
    pub hearing: Places<Hearing>,
    /// Where text encoder, flow and generator do.
    pub singing: Places<Singing>,
}

/// What the opening would give if nothing followed.
struct Beyond {
    copy: Opening,
    silence: Vec<f32>,
    frames: Frames,
}

/// See the module.
pub(super) struct Listener {
    reach: Reach,
    seed: u64,
    inter: usize,
    /// Samples of a hop, and by how many what is sung from it lags it.
    hop: Frames,
    lag: Frames,
    dry: History,
    /// The controls of the last hops, the oldest first.
    controls: Vec<Controls>,
    parts: Parts,
    /// The newest samples of 16 kHz before this hop.
    lead: History,
    /// Whether the content encoder here has heard all that was to be heard, and whether the others have.
    hears_here: bool,
    sings_here: bool,
    beyond: Option<Beyond>,
    down: Resampler,
    wave: Vec<f32>,
    /// What comes out of the front, the last `ahead` frames of it to be seen again.
    frames: Line,
    /// What comes out of the body: frames for the text encoder to look back at, then the newest.
    content: Line,
    heard: Heard,
    /// The newest content before retrieval, and its pitch.
    original: Vec<f32>,
    content_pitch: Vec<f32>,
    features: Vec<f32>,
    coarse: Vec<u8>,
    noise: Vec<f32>,
    prior: Vec<f32>,
    /// In Hz, of the frames decided on; 0 where unvoiced.
    pitch_hz: Vec<f32>,
    source_noise: Vec<f32>,
    speaker: Option<usize>,
    /// Number of the next frame of the latent.
    at: u64,
}

impl Listener {
    /// For a generator whose sound lags by `lag` samples, and that is heard `beyond` frames (of
    /// voices) after the newest.
    pub fn new(
        reach: Reach,
        spec: &EngineSpec,
        lag: Frames,
        beyond: Frames,
        inter: usize,
        seed: u64,
        parts: Parts,
    ) -> Self {
        let rate_hz = spec.rate_hz;
        let seen = reach.seen();
        let (hidden, outs) = (parts.body.ins(), parts.body.outs());
        let window = PER_CONTENT * (reach.text_past + seen);
        let mut made = Self {
            down: Resampler::new(rate_hz, RATE_HZ, 0),
            wave: Vec::with_capacity(reach.hop * HOP + 2),
            frames: Line::new(hidden, reach.ahead, Front::max_output(reach.hop * HOP)),
            content: Line::new(outs, reach.text_past, seen),
            heard: Heard::new(window, PER_CONTENT * reach.text_past),
            original: vec![0.0; seen * outs],
            content_pitch: vec![0.0; seen],
            features: vec![0.0; window * outs],
            coarse: vec![1; window],
            noise: vec![0.0; PER_CONTENT * seen * inter],
            prior: vec![0.0; PER_CONTENT * seen * inter],
            pitch_hz: vec![0.0; PER_CONTENT * reach.hop],
            source_noise: vec![0.0; spec.hop],
            speaker: None,
            at: 0,
            beyond: (0 < beyond).then(|| Beyond {
                copy: parts.opening.clone(),
                silence: vec![0.0; beyond * inter.max(spec.hop / (PER_CONTENT * reach.hop))],
                frames: beyond,
            }),
            hop: spec.hop,
            dry: History::new(lag + spec.hop),
            controls: vec![Controls::default(); 1 + (lag + spec.hop / 2) / spec.hop],
            lag,
            reach,
            seed,
            inter,
            parts,
            lead: History::new(reach.lead() + reach.hop * HOP + 2),
            hears_here: true,
            sings_here: true,
        };
        made.reset();
        made
    }

    pub fn observation(&self) -> Observation {
        self.heard.observation()
    }

    pub fn whereabouts(&self) -> Option<Arc<dyn Whereabouts>> {
        whereabouts(&self.parts.hearing, &self.parts.singing)
    }

    /// Room for what [`Self::step`] gives.
    pub fn score(&self) -> Score {
        let beyond = self.beyond.as_ref().map_or(0, |beyond| beyond.frames);
        let frames = PER_CONTENT * self.reach.hop + beyond;
        Score {
            begun: vec![0.0; frames * self.parts.opening.outs()],
            source: match self.parts.source {
                Some(_) => vec![0.0; self.hop],
                None => Vec::new(),
            },
            sung: match self.parts.singing.has_supply() {
                true => vec![0.0; frames * self.hop / (PER_CONTENT * self.reach.hop)],
                false => Vec::new(),
            },
            is_sung: false,
            begins: false,
            dry: vec![0.0; self.hop],
            controls: Controls::default(),
        }
    }

    pub fn reset(&mut self) {
        self.down.reset();
        self.parts.hearing.reset();
        self.parts.singing.reset();
        self.begin_singing();
        if let Some(source) = &mut self.parts.source {
            source.reset();
        }
        self.content.reset();
        self.heard.reset();
        self.dry.reset();
        self.controls.fill(Controls::default());
        self.at = 0;
        // Before the beginning there was silence.
        for _ in 0..self.reach.lead() {
            let controls = Controls::default();
            self.heard.push(0.0, &controls);
        }
        self.lead.reset();
        self.begin_hearing();
    }

    /// The content encoder here begins with what was heard last behind it: what is less than a hop first, so
    /// that hops are counted from where the next begins.
    fn begin_hearing(&mut self) {
        self.parts.front.reset();
        self.parts.body.reset();
        self.frames.reset();
        let lead = self.lead.past(0, self.reach.lead());
        let (odd, hops) = lead.split_at(lead.len() % HOP);
        for some in std::iter::once(odd).chain(hops.chunks_exact(HOP)) {
            let newest = self.frames.newest(Front::max_output(some.len()));
            let frames = self.parts.front.step(some, Loudness::Running, newest);
            self.frames.advance(frames);
        }
        self.hears_here = true;
    }

    /// What is said in these samples, the newest of the content: here, or elsewhere.
    fn hear(&mut self, wave: &[f32], observe: &mut impl FnMut(Stage, &[f32])) {
        if self.parts.hearing.look() {
            let lead = self.lead.past(0, self.reach.lead());
            self.parts.hearing.start(|task| task.give(lead, wave));
            if !self.parts.hearing.is_heard() {
                self.hear_here(wave, observe);
                return self.parts.hearing.compare();
            }
            if let Some(heard) = self.parts.hearing.finish() {
                let newest = self.content.newest(self.reach.seen());
                newest.copy_from_slice(heard.content());
                self.hears_here = false;
                observe(Stage::Front, &[]);
                return observe(Stage::Content, heard.content());
            }
        }
        self.hear_here(wave, observe);
    }

    fn hear_here(&mut self, wave: &[f32], observe: &mut impl FnMut(Stage, &[f32])) {
        if !self.hears_here {
            self.begin_hearing();
        }
        let Reach { hop, ahead, .. } = self.reach;
        let newest = self.frames.newest(Front::max_output(wave.len()));
        let frames = self.parts.front.step(wave, Loudness::Running, newest);
        debug_assert_eq!(frames, hop, "hops end where frames do");
        observe(Stage::Front, &[]);
        let seen = self.reach.seen();
        let newest = &self.frames.since(ahead)[..seen * self.parts.body.ins()];
        let content = self.parts.body.step(newest, hop);
        self.content.newest(seen).copy_from_slice(content);
        observe(Stage::Content, content);
        self.frames.advance(hop);
    }

    /// Listens to one hop and decides on as many frames, [`Reach::ahead`] frames before. Every stage
    /// is shown what it gave.
    pub fn step(
        &mut self,
        input: &[f32],
        controls: &Controls,
        score: &mut Score,
        observe: &mut impl FnMut(Stage, &[f32]),
    ) {
        let hop = self.reach.hop;
        let decided = PER_CONTENT * hop;
        let mut wave = std::mem::take(&mut self.wave);
        wave.clear();
        self.down.process(input, &mut wave);
        observe(Stage::Resampling, &wave);
        for sample in &wave {
            self.heard.push(*sample, controls);
        }
        observe(Stage::Pitch, &[]);
        self.hear(&wave, observe);
        self.lead.extend(&wave);
        self.wave = wave;
        self.set_speaker(usize::from(controls.voice.speaker));
        self.retrieve(controls);
        observe(Stage::Retrieval, &[]);
        self.take_features(controls);

        let first = self.at * self.inter as u64;
        normal(self.seed ^ LATENT, first, &mut self.noise);
        self.sing(controls, score, observe);
        self.dry.extend(input);
        score.dry.copy_from_slice(self.dry.past(self.lag, self.hop));
        self.controls.rotate_left(1);
        if let Some(last) = self.controls.last_mut() {
            *last = *controls;
        }
        score.controls = self.controls[0];
        self.at += decided as u64;
        self.content.advance(hop);
        self.heard.advance(decided);
    }

    /// Sings the first half of the hop here, or all of it elsewhere.
    fn sing(
        &mut self,
        controls: &Controls,
        score: &mut Score,
        observe: &mut impl FnMut(Stage, &[f32]),
    ) {
        (score.is_sung, score.begins) = (false, false);
        if !self.parts.singing.look() {
            return self.sing_here(controls, score, observe, true);
        }
        self.excite(controls, score);
        let speaker = self.speaker.unwrap_or(0);
        let hop = singing::Score {
            speaker: (speaker, self.parts.speakers.embedding(speaker)),
            features: &self.features,
            coarse: &self.coarse,
            noise: &self.noise,
            source: &score.source,
        };
        self.parts.singing.start(|task| task.give(&hop));
        if !self.parts.singing.is_heard() {
            self.sing_here(controls, score, observe, false);
            return self.parts.singing.compare();
        }
        let Some(sung) = self.parts.singing.finish() else {
            return self.sing_here(controls, score, observe, false);
        };
        score.sung.copy_from_slice(sung.sound());
        score.is_sung = true;
        self.sings_here = false;
        observe(Stage::Text, sung.prior());
        observe(Stage::Flow, sung.latent());
        observe(Stage::Source, &self.pitch_hz);
        observe(Stage::Opening, &[]);
    }

    /// Sings the first half here. The source may be excited already.
    fn sing_here(
        &mut self,
        controls: &Controls,
        score: &mut Score,
        observe: &mut impl FnMut(Stage, &[f32]),
        is_source_due: bool,
    ) {
        if !self.sings_here {
            self.begin_singing();
            score.begins = true;
        }
        let from = PER_CONTENT * self.reach.text_past;
        let decided = PER_CONTENT * self.reach.hop;
        let stats = self.parts.text.forward(&self.features, &self.coarse, from);
        draw(stats, self.inter, &self.noise, &mut self.prior);
        observe(Stage::Text, &self.prior);
        let z = self.parts.flow.step(&self.prior, decided, Bounds::OPEN);
        observe(Stage::Flow, &z[..decided * self.inter]);
        if is_source_due {
            self.excite(controls, score);
        }
        observe(Stage::Source, &self.pitch_hz);
        let z = &self.parts.flow.given()[..decided * self.inter];
        let opening = &mut self.parts.opening;
        let (begun, beyond) = score.begun.split_at_mut(decided * opening.outs());
        opening.step(z, &score.source, Bounds::OPEN, begun);
        if let Some(Beyond { copy, silence, .. }) = &mut self.beyond {
            opening.beyond(copy, silence, beyond);
        }
        observe(Stage::Opening, &[]);
    }

    /// The networks that sing here begin with silence behind them.
    fn begin_singing(&mut self) {
        self.parts.flow.reset();
        self.parts.opening.reset();
        self.sings_here = true;
    }

    /// The excitation of the frames decided on.
    fn excite(&mut self, controls: &Controls, score: &mut Score) {
        let from = PER_CONTENT * self.reach.text_past;
        let Some(source) = &mut self.parts.source else {
            return;
        };
        let pitch = self.heard.pitch(controls.voice.hold_pitch).skip(from);
        for (wanted, pitch) in self.pitch_hz.iter_mut().zip(pitch) {
            *wanted = pitch;
        }
        let first = self.at * (self.hop / (PER_CONTENT * self.reach.hop)) as u64;
        normal(self.seed ^ SOURCE, first, &mut self.source_noise);
        source.excite(&self.pitch_hz, &self.source_noise, &mut score.source);
        source.shape(&mut score.source);
    }

    fn set_speaker(&mut self, speaker: usize) {
        if self.speaker != Some(speaker) {
            self.speaker = Some(speaker);
            let embedding = self.parts.speakers.embedding(speaker);
            self.parts.flow.set_speaker(embedding);
            self.parts.opening.set_speaker(embedding);
        }
    }

    /// Draws the newest content to the voice's index, less where there is no pitch.
    fn retrieve(&mut self, controls: &Controls) {
        let rate = controls.voice.index_rate;
        let Some(retrieval) = self.parts.retrieval.as_mut().filter(|_| 0.0 < rate) else {
            return;
        };
        let seen = self.reach.seen();
        let content = self.content.newest(seen);
        self.original.copy_from_slice(content);
        retrieval.blend(content, rate);
        let pitch = self
            .heard
            .pitch(false)
            .skip(PER_CONTENT * self.reach.text_past);
        // A frame of content has a pitch where either of its frames has.
        for (content, hz) in self.content_pitch.iter_mut().zip(pairs(pitch)) {
            *content = hz;
        }
        let strength = controls.voice.protect;
        protect(content, &self.original, &self.content_pitch, strength);
    }

    /// The window that the text encoder sees.
    fn take_features(&mut self, controls: &Controls) {
        let outs = self.parts.body.outs();
        let content = self.content.since(self.reach.text_past).chunks_exact(outs);
        let features = self.features.chunks_exact_mut(PER_CONTENT * outs);
        for (features, content) in features.zip(content) {
            for features in features.chunks_exact_mut(outs) {
                features.copy_from_slice(content);
            }
        }
        let pitch = self.heard.pitch(controls.voice.hold_pitch);
        for (coarse, pitch) in self.coarse.iter_mut().zip(pitch) {
            *coarse = coarse_pitch(pitch);
        }
    }
}

/// The higher of every two.
fn pairs(mut pitch: impl Iterator<Item = f32>) -> impl Iterator<Item = f32> {
    std::iter::from_fn(move || Some(pitch.next()?.max(pitch.next()?)))
}
