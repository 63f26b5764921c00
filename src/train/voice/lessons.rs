//! What a batch is drawn from: clips, and what others say as they do.

use std::collections::BTreeMap;
use std::path::PathBuf;

use candle_core::Result;

use super::clip::Clip;
use super::network::Network;
use super::parallel::{Other, Parallel};
use crate::model::ddsp::features::{HOP, RATE_HZ};
use crate::train::random::Random;

/// The share of lessons in which somebody else is heard, where somebody else says the same.
const OTHERS: f64 = 0.6;

/// What is learnt from.
pub struct Lessons<'a> {
    /// What should be said.
    pub clips: &'a [Clip],
    /// What may be heard instead.
    others: &'a [Clip],
    parallel: Parallel,
}

impl<'a> Lessons<'a> {
    /// Clips that are heard as they are.
    pub fn alone(clips: &'a [Clip]) -> Self {
        Self {
            clips,
            others: &[],
            parallel: Parallel::default(),
        }
    }

    /// Clips, and others that say some of the same; see [`Parallel::find`].
    ///
    /// # Errors
    /// If memory is short.
    pub fn with(
        clips: &'a [Clip],
        others: &'a [Clip],
        texts: &BTreeMap<PathBuf, String>,
        network: &Network,
    ) -> Result<Self> {
        Ok(Self {
            clips,
            others,
            parallel: Parallel::find(clips, others, texts, network)?,
        })
    }

    /// Seconds in which somebody else says the same.
    pub fn seconds_of_others(&self) -> f64 {
        self.parallel.frames() as f64 * HOP as f64 / f64::from(RATE_HZ)
    }

    /// A clip, as often as it is long, and perhaps somebody who says the same.
    pub fn draw(&self, random: &mut Random) -> (&'a Clip, Option<(&'a Clip, &Other)>) {
        let total: usize = self.clips.iter().map(Clip::frames).sum();
        let mut place = random.below(total);
        let found = self.clips.iter().position(|clip| {
            let here = place < clip.frames();
            place = place.saturating_sub(if here { 0 } else { clip.frames() });
            here
        });
        let number = found.unwrap_or(0);
        let same = self.parallel.of(number);
        let other = (!same.is_empty() && random.chance(OTHERS)).then(|| {
            let other = &same[random.below(same.len())];
            (&self.others[other.clip], other)
        });
        (&self.clips[number], other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ddsp::DdspConfig;
    use crate::model::ddsp::features::BANDS as MELS;

    /// Noise, the same for the same text; recordings of one speaker each.
    fn clip(speaker: u32, text: u64, frames: usize) -> Clip {
        let mut random = Random::new(text);
        Clip {
            speaker,
            mel: (0..frames * MELS).map(|_| random.white()).collect(),
            f0_hz: vec![100.0; frames],
            file: format!("{speaker}-{text}").into(),
            ..Clip::default()
        }
    }

    #[test]
    fn others_are_heard_where_they_say_the_same() {
        let clips = [
            clip(0, 1, 90),
            clip(1, 1, 90),
            clip(2, 2, 20),
            clip(0, 3, 90),
        ];
        let texts = [("0-1", "a"), ("1-1", "a"), ("2-2", "a"), ("0-3", "b")];
        let texts = texts
            .map(|(file, text)| (file.into(), text.to_owned()))
            .into();
        let network = Network::new(&DdspConfig::default(), 0, 0, 1).unwrap();
        let lessons = Lessons::with(&clips, &clips, &texts, &network).unwrap();
        // The third says something else, whatever its text, and is short.
        assert!((lessons.seconds_of_others() - 1.8).abs() < 0.2);
        let mut random = Random::new(9);
        let mut others = [0; 2];
        for _ in 0..400 {
            let (clip, other) = lessons.draw(&mut random);
            if let Some((heard, _)) = other {
                assert_eq!((clip.speaker + heard.speaker, clip.frames()), (1, 90));
                others[clip.speaker as usize] += 1;
            }
        }
        // Of 400 each is drawn 124 times, and the other is heard in .6 of them.
        assert!(others.iter().all(|n| (50..100).contains(n)), "{others:?}");
        let alone = Lessons::alone(&clips);
        assert!((0..100).all(|_| alone.draw(&mut random).1.is_none()));
        assert_eq!(alone.seconds_of_others(), 0.0);
    }
}
