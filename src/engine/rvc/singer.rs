//! The second half of the engine: the rest of the generator, loudness and formants. Inference
//! thread; real-time safe after construction.

use super::early::Early;
use super::listener::Score;
use super::stage::Stage;
use crate::dsp::history::History;
use crate::dsp::loudness::LoudnessMix;
use crate::dsp::ramp::Ramp;
use crate::engine::shift::ShiftEngine;
use crate::engine::{Controls, Engine, EngineError};
use crate::model::rvc::Closing;
use crate::nn::Bounds;
use crate::pitch::VoiceRange;
use crate::units::{Frames, ms_to_frames};

/// The lowest voice whose formants are moved.
const RANGE: VoiceRange = VoiceRange::Low;
/// How long formants take from unmoved to moved, and a step to fade out.
const FADE_MS: f64 = 20.0;

/// See the module.
pub(super) struct Singer {
    closing: Closing,
    early: Option<Early>,
    /// The last that was sung, and for how many samples it fades out.
    last: f32,
    fade: Frames,
    loudness: LoudnessMix,
    formant: Formant,
}

impl Singer {
    /// Samples that moving formants takes, moved or not.
    pub fn formant_delay(rate_hz: u32) -> Frames {
        ShiftEngine::delay(rate_hz, RANGE)
    }

    /// For hops of so many samples, sung early or when all is heard.
    ///
    /// # Errors
    /// [`EngineError::Rate`] at a rate no voice has.
    pub fn new(
        rate_hz: u32,
        hop: usize,
        closing: Closing,
        early: Option<Early>,
    ) -> Result<Self, EngineError> {
        Ok(Self {
            closing,
            early,
            last: 0.0,
            fade: ms_to_frames(FADE_MS, rate_hz).min(hop),
            // Late by its windows, and no later: levels of both streams are late alike.
            loudness: LoudnessMix::new(rate_hz, 0),
            formant: Formant::new(rate_hz, hop)?,
        })
    }

    pub fn reset(&mut self) {
        self.closing.reset();
        self.last = 0.0;
        if let Some(early) = &mut self.early {
            early.reset();
        }
        self.loudness.reset();
        self.formant.reset();
    }

    /// Sings one hop, [`Self::lag`] samples before. Every stage is shown what it gave.
    ///
    /// # Errors
    /// [`EngineError::Step`] if what the networks give is no number.
    pub fn step(
        &mut self,
        score: &Score,
        output: &mut [f32],
        observe: &mut impl FnMut(Stage, &[f32]),
    ) -> Result<(), EngineError> {
        self.sing(score, output);
        observe(Stage::Closing, output);
        if output.iter().any(|x| !x.is_finite()) {
            return Err(super::failed(
                "its networks gave what is no number; import the voice again",
            ));
        }
        let controls = &score.controls;
        self.loudness
            .process(&score.dry, output, controls.voice.rms_mix);
        self.formant.step(output, controls.formant_semitones)?;
        observe(Stage::Finish, output);
        Ok(())
    }

    /// Here, or as it was sung elsewhere.
    fn sing(&mut self, score: &Score, output: &mut [f32]) {
        let (begun, source) = (&score.begun, &score.source);
        if score.begins {
            self.closing.reset();
        }
        match (&mut self.early, score.is_sung) {
            (Some(early), true) => early.take(&score.sung, output),
            (Some(early), false) => early.step(&mut self.closing, begun, source, output),
            (None, true) => output.copy_from_slice(&score.sung),
            (None, false) => self.closing.step(begun, source, Bounds::OPEN, output),
        }
        if score.begins && self.early.is_none() {
            // Where singing elsewhere broke off, the step it leaves is faded out.
            let step = 1.0 / self.fade as f32;
            for (n, y) in output.iter_mut().take(self.fade).enumerate() {
                *y += self.last * (1.0 - (n + 1) as f32 * step);
            }
        }
        self.last = output.last().copied().unwrap_or(0.0);
    }
}

/// Formants moved by themselves. Always as late, moved or not.
struct Formant {
    shift: ShiftEngine,
    unmoved: History,
    moved: Vec<f32>,
    share: Ramp,
    /// Semitones, the last that were not 0.
    semitones: f32,
}

impl Formant {
    fn new(rate_hz: u32, hop: usize) -> Result<Self, EngineError> {
        let shift = ShiftEngine::new(rate_hz, 1, RANGE)?;
        Ok(Self {
            unmoved: History::new(shift.spec().lookahead + hop),
            shift,
            moved: vec![0.0; hop],
            share: Ramp::new(0.0, ms_to_frames(FADE_MS, rate_hz)),
            semitones: 0.0,
        })
    }

    fn reset(&mut self) {
        self.shift.reset();
        self.unmoved.reset();
        self.share.jump(0.0);
    }

    fn step(&mut self, audio: &mut [f32], semitones: f32) -> Result<(), EngineError> {
        if semitones != 0.0 {
            self.semitones = semitones;
        }
        let controls = Controls {
            formant_semitones: self.semitones,
            ..Controls::default()
        };
        let moved = &mut self.moved[..audio.len()];
        self.shift.step(&[&*audio], &mut [&mut *moved], &controls)?;
        self.unmoved.extend(audio);
        let late = self.unmoved.past(self.shift.spec().lookahead, audio.len());
        self.share.set(f32::from(u8::from(semitones != 0.0)));
        for ((y, late), moved) in audio.iter_mut().zip(late).zip(moved) {
            let share = self.share.next();
            *y = match share {
                0.0 => *late,
                share => late + share * (*moved - late),
            };
        }
        Ok(())
    }
}
