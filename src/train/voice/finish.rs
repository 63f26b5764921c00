//! What a voice is given when it has learnt: content that counts for more, spectra that vary more,
//! and the balance of its recordings. Each changes what is linear in a decoder, its first or its last
//! layer, and costs nothing when it sings.

use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use super::TrainError;
use super::balance::{balance, some};
use super::clip::{Clip, Source};
use super::contrast::Contrast;
use super::drive::{Event, prepare};
use super::sample::Held;
use super::state::{Found, halves};
use super::steps::Kept;
use super::weights::{Given, encoder_of};
use crate::io::checkpoint::{Checkpoint, Limits};
use crate::model::ddsp::{DdspConfig, SUNG};
use crate::voice::ddsp;

/// By how much a voice is changed before it gets its balance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finish {
    /// What is said counts so many times as much as while it was learnt. A decoder that hears
    /// content with noise on it trusts it as far as that goes, and there is none when it sings: a
    /// linear one of content with variance `s` and noise with `n` gives it `s / (s + n)` of its
    /// weight (Wiener).
    pub clearer: f32,
    /// Shapes of spectra, but for level and tilt, differ so many times as much from their mean.
    /// Voices of synthesizers come nearer to their speakers so; that of a person does not.
    pub varied: f32,
}

impl Finish {
    /// A voice that stays as it is but for its balance.
    pub const BALANCE: Self = Self {
        clearer: 1.0,
        varied: 1.0,
    };
}

impl Default for Finish {
    /// What made no voice that was measured less like its speaker, see `models/README.md`.
    fn default() -> Self {
        Self {
            clearer: 1.3,
            varied: 1.0,
        }
    }
}

/// Finishes a voice with clips of its speaker. `kept` has encoder, decoder and speaker as files have
/// them. Gives whether it got their balance: not where no clip has a pitch.
///
/// # Errors
/// If the weights are not those of a voice.
pub fn finish(
    finish: Finish,
    clips: &[Clip],
    (config, bandwidth_hz): (&DdspConfig, f64),
    kept: &mut Kept,
    report: &mut dyn FnMut(Event),
) -> Result<bool, TrainError> {
    clear(finish.clearer, kept);
    let held = Held::new(some(clips), config, bandwidth_hz);
    if finish.varied != 1.0 {
        let (said, bands) = held.said(kept.clone())?;
        if let Some(contrast) = Contrast::more(finish.varied.into(), &said, bands) {
            contrast.apply(kept);
        }
    }
    let Some([before_db, after_db]) = balance(&held, bandwidth_hz, kept)? else {
        return Ok(false);
    };
    report(Event::Balanced {
        before_db,
        after_db,
    });
    Ok(true)
}

/// Turns up what the first layer of a decoder makes of the content.
fn clear(gain: f32, kept: &mut Kept) {
    if let Some((shape, weight)) = kept.get_mut("decoder.input.weight") {
        let ins = shape[1];
        for row in weight.chunks_exact_mut(ins) {
            row[..ins - SUNG].iter_mut().for_each(|x| *x *= gain);
        }
    }
}

/// A voice that was trained before, and recordings of its speaker.
#[derive(Clone, Debug)]
pub struct FinishPlan {
    /// Its file.
    pub voice: PathBuf,
    /// The recordings.
    pub source: Source,
    /// The encoder that it was made with.
    pub encoder: Given,
    /// How it is finished.
    pub finish: Finish,
    /// Where the finished voice goes; may be the same file.
    pub output: PathBuf,
}

/// Finishes a voice that was trained before.
///
/// # Errors
/// [`TrainError`]; nothing is written then.
pub fn finish_voice(
    plan: &FinishPlan,
    stop: &AtomicBool,
    report: &mut dyn FnMut(Event),
) -> Result<(), TrainError> {
    super::have_folders(&[&plan.output])?;
    let file = Checkpoint::open(&plan.voice, &Limits::default())?;
    let described = ddsp::read(&file)?.described;
    let voice = &described.voice;
    if voice.encoder_sha256 != plan.encoder.sha256()? {
        return Err(TrainError::Base(format!(
            "{}, with which {} was not made",
            plan.encoder,
            plan.voice.display()
        )));
    }
    let (encoder, texts) = plan.encoder.read()?;
    let config = DdspConfig {
        encoder: encoder_of(&encoder, &texts)?,
        decoder: voice.decoder.clone(),
    };
    config
        .check()
        .map_err(|error| TrainError::Base(error.to_string()))?;
    let material = prepare(&plan.source, stop, report)?;
    let (embedding, shape) = config.decoder.embedding_shape();
    let mut kept = Kept::new();
    for (name, shape, values) in encoder.all().chain(Found::read(&file)?.all()) {
        let (name, shape) = match name == embedding {
            true => ("speakers.embedding".to_owned(), vec![1, values.len()]),
            false => (name, shape),
        };
        kept.insert(name, (shape, values));
    }
    let made_by = (&config, f64::from(voice.bandwidth_hz));
    if !finish(plan.finish, &material.clips, made_by, &mut kept, report)? {
        return Err(TrainError::NoPitch);
    }
    let decoder = kept
        .into_iter()
        .filter(|(name, _)| name.starts_with("decoder.") || name == "speakers.embedding");
    let tensors = decoder.map(|(name, (own, values))| match name.starts_with("decoder.") {
        true => (name, halves(own, &values)),
        false => (embedding.clone(), halves(shape.clone(), &values)),
    });
    Ok(ddsp::write(
        &plan.output,
        &described,
        &tensors.collect::<Vec<_>>(),
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_counts_for_more_and_pitch_as_before() {
        let weight = vec![1.0, -2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let mut kept = Kept::from([("decoder.input.weight".to_owned(), (vec![2, 4], weight))]);
        clear(1.5, &mut kept);
        let expected = [1.5, -3.0, 3.0, 4.0, 7.5, 9.0, 7.0, 8.0];
        assert_eq!(kept["decoder.input.weight"].1, expected);
        clear(1.5, &mut Kept::new());
    }
}
