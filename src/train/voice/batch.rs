//! Sequences of a batch, drawn by the number of the step alone: a run that goes on after a stop
//! sees what it would have seen.

use candle_core::{Device, Result, Tensor};

use super::clip::Clip;
use super::labels::UNKNOWN;
use super::perturb::Perturbation;
use crate::model::ddsp::features::BANDS as MELS;
use crate::model::ddsp::grid::BANDS;
use crate::model::ddsp::{SUNG, Sung};
use crate::train::random::Random;

/// Sequences of a batch, and frames of a sequence: 2 s.
pub const BATCH: usize = 16;
pub const FRAMES: usize = 200;

/// Values of content that are blurred; networks of fewer use the first.
pub const CONTENT: usize = 64;

/// One batch in the layout of the networks' tensors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Batch {
    mel: Vec<f32>,
    sung: Vec<f32>,
    ln_power: Vec<f32>,
    noise: Vec<f32>,
    known: Vec<f32>,
    voiced_known: Vec<f32>,
    phones: Vec<u32>,
    phones_known: Vec<f32>,
    speakers: Vec<u32>,
    /// Normal deviates that blur the content.
    blur: Vec<f32>,
}

/// The same as tensors.
pub struct Tensors {
    /// `[batch, frames, MELS]`, bent.
    pub mel: Tensor,
    /// `[batch, frames, SUNG]`.
    pub sung: Tensor,
    /// `[batch, frames, BANDS]`: `ln` power per Hz.
    pub ln_power: Tensor,
    /// `[batch, frames, BANDS]`: the share of noise.
    pub noise: Tensor,
    /// `[batch, frames, BANDS]`: 1 where the power is known.
    pub known: Tensor,
    /// The same where there is a pitch: there the share of noise says something.
    pub voiced_known: Tensor,
    /// `[batch * frames]`: numbers of phones, any where not known.
    pub phones: Vec<u32>,
    /// `[batch, frames]`: 1 where the phone is known.
    pub phones_known: Tensor,
    /// `[batch]`: numbers of the speakers.
    pub speakers: Vec<u32>,
    /// `[batch, frames, CONTENT]`: normal deviates.
    pub blur: Tensor,
}

impl Batch {
    /// The batch of a step.
    pub fn draw(clips: &[Clip], bend: &Perturbation, seed: u64, step: u64) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x1_0000_0001).wrapping_add(step));
        let total: usize = clips.iter().map(Clip::frames).sum();
        let mut batch = Self::default();
        for _ in 0..BATCH {
            // As often as it is long.
            let mut place = random.below(total);
            let clip = clips.iter().find(|clip| {
                let here = place < clip.frames();
                place = place.saturating_sub(if here { 0 } else { clip.frames() });
                here
            });
            let clip = clip.unwrap_or(&clips[0]);
            let spare = clip.frames().saturating_sub(FRAMES);
            batch.push(clip, random.below(spare + 1), bend, &mut random);
        }
        let deviates = BATCH * FRAMES * CONTENT;
        batch.blur = (0..deviates).map(|_| random.normal() as f32).collect();
        batch
    }

    /// Appends a sequence; a clip that is too short ends in frames nothing is known of.
    fn push(&mut self, clip: &Clip, first: usize, bend: &Perturbation, random: &mut Random) {
        let frames = (clip.frames() - first).min(FRAMES);
        let from = self.mel.len();
        self.mel
            .extend_from_slice(&clip.mel[first * MELS..(first + frames) * MELS]);
        bend.apply(random, &mut self.mel[from..]);
        for frame in first..first + frames {
            let sung = Sung {
                f0_hz: clip.f0_hz[frame],
            };
            let voiced = 0.0 < sung.f0_hz;
            self.sung.extend(sung.values());
            let rows = frame * BANDS..(frame + 1) * BANDS;
            self.ln_power
                .extend_from_slice(&clip.ln_power[rows.clone()]);
            self.noise.extend_from_slice(&clip.noise[rows]);
            let known = (0..BANDS).map(|band| f32::from(u8::from(band < clip.known)));
            self.known.extend(known.clone());
            self.voiced_known
                .extend(known.map(|known| if voiced { known } else { 0.0 }));
            let phone = clip.phones.as_ref().map_or(UNKNOWN, |phones| phones[frame]);
            self.phones.push(if phone == UNKNOWN { 0 } else { phone });
            self.phones_known
                .push(f32::from(u8::from(phone != UNKNOWN)));
        }
        self.speakers.push(clip.speaker);
        // Silence after the end: as the last frame of the picture, which is what rooms do.
        let rows = self.speakers.len() * FRAMES;
        for _ in frames..FRAMES {
            self.mel.extend_from_within(self.mel.len() - MELS..);
            self.sung.extend_from_within(self.sung.len() - SUNG..);
        }
        for (values, width) in [
            (&mut self.ln_power, BANDS),
            (&mut self.noise, BANDS),
            (&mut self.known, BANDS),
            (&mut self.voiced_known, BANDS),
            (&mut self.phones_known, 1),
        ] {
            values.resize(rows * width, 0.0);
        }
        self.phones.resize(rows, 0);
    }

    /// As tensors.
    ///
    /// # Errors
    /// If memory is short.
    pub fn tensors(self) -> Result<Tensors> {
        let tensor = |values: Vec<f32>, width: usize| {
            Tensor::from_vec(values, (BATCH, FRAMES, width), &Device::Cpu)
        };
        Ok(Tensors {
            mel: tensor(self.mel, MELS)?,
            sung: tensor(self.sung, SUNG)?,
            ln_power: tensor(self.ln_power, BANDS)?,
            noise: tensor(self.noise, BANDS)?,
            known: tensor(self.known, BANDS)?,
            voiced_known: tensor(self.voiced_known, BANDS)?,
            phones: self.phones,
            phones_known: tensor(self.phones_known, 1)?,
            speakers: self.speakers,
            blur: tensor(self.blur, CONTENT)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clip(frames: usize, speaker: u32, known: usize) -> Clip {
        Clip {
            speaker,
            mel: vec![-1.0; frames * MELS],
            f0_hz: (0..frames)
                .map(|n| if n < frames / 2 { 400.0 } else { 0.0 })
                .collect(),
            ln_power: vec![-9.0; frames * BANDS],
            noise: vec![0.25; frames * BANDS],
            known,
            phones: (speaker == 1).then(|| vec![3; frames]),
            ..Clip::default()
        }
    }

    #[test]
    fn a_step_has_its_batch_and_clips_come_as_often_as_they_are_long() {
        let clips = [clip(900, 0, BANDS), clip(100, 1, 50)];
        let draw = |step| Batch::draw(&clips, &Perturbation::default(), 4, step);
        assert!(draw(7) == draw(7) && draw(7) != draw(8));
        let second: u32 = (0..50).flat_map(|step| draw(step).speakers).sum();
        assert!((40..130).contains(&second), "{second} of 800");
    }

    #[test]
    fn what_is_not_known_is_marked() {
        let draw = |clip: Clip| {
            let batch = Batch::draw(&[clip], &Perturbation::default(), 4, 0);
            batch.tensors().unwrap()
        };
        let sum = |t: &Tensor| t.sum_all().unwrap().to_scalar::<f32>().unwrap() as usize;
        let short = draw(clip(100, 1, 50));
        assert_eq!(sum(&short.known), BATCH * 100 * 50);
        assert_eq!(sum(&short.voiced_known), BATCH * 50 * 50);
        assert_eq!(sum(&short.phones_known), BATCH * 100);
        assert_eq!(short.phones[..200].iter().sum::<u32>(), 300);
        let long = draw(clip(200, 0, BANDS));
        assert_eq!(sum(&long.known), BATCH * FRAMES * BANDS);
        assert_eq!(sum(&long.phones_known), 0);
        let sung = long.sung.to_vec3::<f32>().unwrap();
        assert_eq!(
            (sung[0][0].as_slice(), sung[0][150].as_slice()),
            (&[1.0, 1.0][..], &[0.0, 0.0][..])
        );
    }
}
