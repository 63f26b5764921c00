//! Sequences of a batch, drawn by the number of the step alone: a run that goes on after a stop
//! sees what it would have seen.

use candle_core::{Device, Result, Tensor};

use super::clip::Clip;
use super::labels::UNKNOWN;
use super::lessons::Lessons;
use super::loss::Mask;
use super::parallel::{NOWHERE, Other};
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

/// Frames of somebody else that are heard before the first that should be said: networks have a
/// memory.
const LEAD: u32 = 10;

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
    /// Whether what is heard is voiced.
    heard_voiced: Vec<bool>,
    /// The frame of what is heard that each frame of what should be said is made of.
    heard: Vec<u32>,
    /// Normal deviates that blur the content.
    blur: Vec<f32>,
}

/// What is heard in a sequence.
struct Heard<'a> {
    clip: &'a Clip,
    /// Its first frame.
    first: usize,
    /// For each frame that should be said, which of those that are heard it is.
    rows: Vec<u32>,
    /// For each of them, whether it is heard at all.
    said: Vec<bool>,
}

impl<'a> Heard<'a> {
    /// The clip itself from this frame on.
    fn itself(clip: &'a Clip, first: usize) -> Self {
        let frames = (clip.frames() - first).min(FRAMES);
        Self {
            clip,
            first,
            rows: (0..frames as u32).collect(),
            said: vec![true; frames],
        }
    }

    /// Somebody else who says what the clip says from this frame on, as far as they get.
    fn other(clip: &Clip, heard: &'a Clip, other: &Other, first: usize) -> Self {
        let frames = (clip.frames() - first).min(FRAMES);
        let places = &other.frames[first..first + frames];
        let begin = places.iter().find(|place| **place != NOWHERE);
        let begin = begin.map_or(0, |place| place.saturating_sub(LEAD));
        let mut last = 0;
        let (mut rows, mut said) = (Vec::new(), Vec::new());
        for place in places {
            let row = place.wrapping_sub(begin);
            let is_heard = *place != NOWHERE && row < FRAMES as u32;
            // Between two that are heard, the last one is held.
            last = if is_heard { row } else { last };
            rows.push(last);
            said.push(is_heard);
        }
        Self {
            clip: heard,
            first: begin as usize,
            rows,
            said,
        }
    }
}

/// The same as tensors.
pub struct Tensors {
    /// What is heard, of the speaker or of somebody else who says the same: `[batch, frames,
    /// MELS]`, bent.
    pub mel: Tensor,
    /// `[batch * frames]`: whether that is voiced.
    pub heard_voiced: Vec<bool>,
    /// `[batch, frames]`: for each frame of what should be said the frame of what is heard.
    pub heard: Tensor,
    /// `[batch, frames, SUNG]`.
    pub sung: Tensor,
    /// `[batch * frames]`: whether what should be said is voiced.
    pub voiced: Vec<bool>,
    /// `[batch, frames, BANDS]`: `ln` power per Hz.
    pub ln_power: Tensor,
    /// `[batch, frames, BANDS]`: the share of noise.
    pub noise: Tensor,
    /// `[batch, frames, BANDS]`: where the power is known.
    pub known: Mask,
    /// The same where there is a pitch: there the share of noise says something.
    pub voiced_known: Mask,
    /// Frames of which the lowest band is known.
    pub said: f64,
    /// `[batch * frames, 1]`: numbers of the phones that are heard, any where not known.
    pub phones: Tensor,
    /// `[batch, frames, 1]`: where the phone is known.
    pub phones_known: Mask,
    /// `[batch]`: numbers of the speakers.
    pub speakers: Vec<u32>,
    /// `[batch, frames, CONTENT]`: normal deviates.
    pub blur: Tensor,
}

impl Batch {
    /// The batch of a step.
    pub fn draw(lessons: &Lessons, bend: &Perturbation, seed: u64, step: u64) -> Self {
        let mut random = Random::new(seed.wrapping_mul(0x1_0000_0001).wrapping_add(step));
        let mut batch = Self::default();
        for _ in 0..BATCH {
            let (clip, other) = lessons.draw(&mut random);
            let spare = clip.frames().saturating_sub(FRAMES);
            let first = random.below(spare + 1);
            let heard = match other {
                Some((heard, other)) => Heard::other(clip, heard, other, first),
                None => Heard::itself(clip, first),
            };
            batch.say(clip, first, &heard.said);
            batch.hear(&heard, bend, &mut random);
        }
        let deviates = BATCH * FRAMES * CONTENT;
        batch.blur = (0..deviates).map(|_| random.normal() as f32).collect();
        batch
    }

    /// Appends what should be said; a clip that is too short ends in frames nothing is known of, as
    /// nothing is of frames that are not heard.
    fn say(&mut self, clip: &Clip, first: usize, said: &[bool]) {
        let frames = said.len();
        for (frame, said) in (first..).zip(said) {
            let sung = Sung {
                f0_hz: clip.f0_hz[frame],
            };
            let voiced = 0.0 < sung.f0_hz;
            self.sung.extend(sung.values());
            let rows = frame * BANDS..(frame + 1) * BANDS;
            self.ln_power
                .extend_from_slice(&clip.ln_power[rows.clone()]);
            self.noise.extend_from_slice(&clip.noise[rows]);
            let known = (0..BANDS).map(|band| f32::from(u8::from(*said && band < clip.known)));
            self.known.extend(known.clone());
            self.voiced_known
                .extend(known.map(|known| if voiced { known } else { 0.0 }));
        }
        self.speakers.push(clip.speaker);
        let rows = self.speakers.len() * FRAMES;
        for _ in frames..FRAMES {
            self.sung.extend_from_within(self.sung.len() - SUNG..);
        }
        for values in [
            &mut self.ln_power,
            &mut self.noise,
            &mut self.known,
            &mut self.voiced_known,
        ] {
            values.resize(rows * BANDS, 0.0);
        }
    }

    /// Appends what is heard.
    fn hear(&mut self, heard: &Heard, bend: &Perturbation, random: &mut Random) {
        let (clip, first) = (heard.clip, heard.first);
        let frames = (clip.frames() - first).min(FRAMES);
        let (from, row) = (self.mel.len(), self.phones.len());
        self.mel
            .extend_from_slice(&clip.mel[first * MELS..(first + frames) * MELS]);
        bend.apply(random, &mut self.mel[from..]);
        for frame in first..first + frames {
            let phone = clip.phones.as_ref().map_or(UNKNOWN, |phones| phones[frame]);
            self.phones.push(if phone == UNKNOWN { 0 } else { phone });
            self.phones_known
                .push(f32::from(u8::from(phone != UNKNOWN)));
            self.heard_voiced.push(0.0 < clip.f0_hz[frame]);
        }
        // Silence after the end: as the last frame of the picture, which is what rooms do.
        for _ in frames..FRAMES {
            self.mel.extend_from_within(self.mel.len() - MELS..);
        }
        self.heard.extend(&heard.rows);
        let rows = row + FRAMES;
        self.phones.resize(rows, 0);
        self.phones_known.resize(rows, 0.0);
        self.heard_voiced.resize(rows, false);
        // Nothing is known of what they say.
        self.heard.resize(rows, FRAMES as u32 - 1);
    }

    /// As tensors of a device.
    ///
    /// # Errors
    /// If memory is short.
    pub fn tensors(self, device: &Device) -> Result<Tensors> {
        let tensor = |values: Vec<f32>, width: usize| {
            Tensor::from_vec(values, (BATCH, FRAMES, width), device)
        };
        let mask =
            |values: Vec<f32>, width: usize| Mask::new(values, (BATCH, FRAMES, width), device);
        let voiced = self.sung.chunks_exact(SUNG).map(|sung| 0.0 < sung[1]);
        let voiced = voiced.collect();
        let lowest = self.known.iter().step_by(BANDS).copied();
        let said = lowest.map(f64::from).sum();
        Ok(Tensors {
            voiced,
            said,
            mel: tensor(self.mel, MELS)?,
            heard_voiced: self.heard_voiced,
            heard: Tensor::from_vec(self.heard, (BATCH, FRAMES), device)?,
            sung: tensor(self.sung, SUNG)?,
            ln_power: tensor(self.ln_power, BANDS)?,
            noise: tensor(self.noise, BANDS)?,
            known: mask(self.known, BANDS)?,
            voiced_known: mask(self.voiced_known, BANDS)?,
            phones: Tensor::from_vec(self.phones, (BATCH * FRAMES, 1), device)?,
            phones_known: mask(self.phones_known, 1)?,
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
        let lessons = Lessons::alone(&clips);
        let draw = |step| Batch::draw(&lessons, &Perturbation::default(), 4, step);
        assert!(draw(7) == draw(7) && draw(7) != draw(8));
        let second: u32 = (0..50).flat_map(|step| draw(step).speakers).sum();
        assert!((40..130).contains(&second), "{second} of 800");
    }

    #[test]
    fn what_is_not_known_is_marked() {
        let draw = |clip: Clip| {
            let batch = Batch::draw(&Lessons::alone(&[clip]), &Perturbation::default(), 4, 0);
            batch.tensors(&Device::Cpu).unwrap()
        };
        let sum = |mask: &Mask| {
            let found = mask.at.sum_all().unwrap().to_scalar::<f32>().unwrap();
            assert_eq!(f64::from(found), mask.sum);
            found as usize
        };
        let short = draw(clip(100, 1, 50));
        assert_eq!(sum(&short.known), BATCH * 100 * 50);
        assert_eq!(sum(&short.voiced_known), BATCH * 50 * 50);
        assert_eq!(sum(&short.phones_known), BATCH * 100);
        let phones = short
            .phones
            .flatten_all()
            .unwrap()
            .to_vec1::<u32>()
            .unwrap();
        assert_eq!(phones[..200].iter().sum::<u32>(), 300);
        let long = draw(clip(200, 0, BANDS));
        assert_eq!(sum(&long.known), BATCH * FRAMES * BANDS);
        assert_eq!(sum(&long.phones_known), 0);
        let sung = long.sung.to_vec3::<f32>().unwrap();
        assert_eq!(
            (sung[0][0].as_slice(), sung[0][150].as_slice()),
            (&[1.0, 1.0][..], &[0.0, 0.0][..])
        );
    }

    #[test]
    fn somebody_else_is_heard_in_their_own_time() {
        let (mut target, mut heard) = (clip(300, 1, BANDS), clip(500, 0, BANDS));
        heard.phones = Some((0..500).collect());
        heard.f0_hz = (0..500).map(|n| if n < 80 { 0.0 } else { 90.0 }).collect();
        target.f0_hz.fill(300.0);
        // Half as fast, from the fiftieth frame on, with a gap.
        let frames: Vec<u32> = (0..300)
            .map(|n| match n {
                0..40 | 100..110 => NOWHERE,
                n => 20 + 2 * n,
            })
            .collect();
        let other = Other { clip: 0, frames };
        let found = Heard::other(&target, &heard, &other, 30);
        // The first that is heard is frame 40, at 100 there; ten frames of it come before.
        assert_eq!(found.first, 90);
        assert_eq!(&found.said[..12], [vec![false; 10], vec![true; 2]].concat());
        assert_eq!(found.rows[10..13], [10, 12, 14]);
        // In the gap the last one is held; after 200 frames there they are gone.
        assert_eq!(
            (found.rows[69], found.rows[72], found.rows[80]),
            (128, 128, 150)
        );
        assert!(!found.said[72] && found.said[104] && !found.said[106]);
        let mut batch = Batch::default();
        batch.say(&target, 30, &found.said);
        batch.hear(&found, &Perturbation::default(), &mut Random::new(3));
        assert_eq!(
            (batch.mel.len(), batch.heard.len()),
            (FRAMES * MELS, FRAMES)
        );
        assert_eq!(batch.phones[..3], [90, 91, 92]);
        assert!(batch.heard_voiced.iter().all(|voiced| *voiced));
        assert_eq!(batch.sung[..2], [(300f32 / 200.0).log2(), 1.0]);
        for (frame, said) in found.said.iter().enumerate() {
            let known = batch.known[frame * BANDS] == 1.0;
            assert_eq!(known, *said, "{frame}");
        }
    }
}
