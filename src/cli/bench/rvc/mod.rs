//! What an RVC voice costs, how long it delays, and how far its stream is from the whole.

mod nets;
mod streaming;

use super::BenchArgs;
use crate::cli::failure::{Exit, Failure};
use crate::cli::out::say;
use crate::dsp::resample::Resampler;
use crate::engine::Quality;
use crate::engine::rvc::Reach;
use crate::io::{AudioReader, Damage};
use crate::model::content::Loudness;
use crate::model::rvc::Version;
use nets::{Nets, SEED};
use std::path::Path;
use streaming::{Likeness, Reference, small};

pub(super) fn run(arguments: &BenchArgs) -> Result<Exit, Failure> {
    let nets = Nets::seeded(Version::V2, arguments.rate)?;
    let clips: Vec<Vec<f32>> = arguments
        .streaming
        .iter()
        .map(|path| read(path, arguments.rate, arguments.seconds))
        .collect::<Result<_, _>>()?;
    sweep(&nets, &clips)?;
    Ok(Exit::Done)
}

fn mean(all: &[Likeness]) -> Likeness {
    let n = all.len() as f64;
    Likeness {
        cosine: all.iter().map(|l| l.cosine).sum::<f64>() / n,
        mel_db: all.iter().map(|l| l.mel_db).sum::<f64>() / n,
    }
}

fn sweep(nets: &Nets, clips: &[Vec<f32>]) -> Result<(), Failure> {
    let light = small(nets)?;
    let whole: Vec<Reference> = clips
        .iter()
        .map(|clip| Reference::new(&light, clip, Loudness::Whole, false))
        .collect::<Result<_, _>>()?;
    say(format_args!("hop ahead past | cosine to whole (clips)"));
    let mut cases = vec![];
    for ahead in [1, 2, 4, 6, 8, 10, 15, 25] {
        cases.push((5, ahead, 100));
    }
    for past in [25, 50, 250, 500] {
        cases.push((5, 4, past));
    }
    cases.push((16, 25, 500));
    cases.push((16, 4, 100));
    for (hop, ahead, past) in cases {
        let reach = Reach { hop, ahead, past, text_past: 1, threads: 1 };
        let mut engine = light.engine(reach)?;
        let mut to_whole = Vec::new();
        for whole in &whole {
            crate::engine::Engine::reset(&mut engine);
            to_whole.push(whole.likeness(&mut engine, reach, &light.config)?);
        }
        say(format_args!("{hop:3} {ahead:3} {past:4} | {:.4} ({})", mean(&to_whole).cosine, to_whole.iter().map(|l| format!("{:.4}", l.cosine)).collect::<Vec<_>>().join(" ")));
    }
    let whole: Vec<Reference> = clips
        .iter()
        .map(|clip| Reference::new(nets, clip, Loudness::Whole, true))
        .collect::<Result<_, _>>()?;
    let other: Vec<Likeness> = whole
        .iter()
        .map(|clip| Ok(clip.unlike(&clip.with_seed(nets, SEED + 1)?, &nets.config)))
        .collect::<Result<_, Failure>>()?;
    say(format_args!("other noise: {:.2} dB", mean(&other).mel_db));
    let mut cases: Vec<Reach> = Quality::ALL.map(|q| Reach { threads: 1, ..Reach::of(q) }).to_vec();
    for text_past in [0, 6, 50] {
        cases.push(Reach { text_past, threads: 1, ..Reach::of(Quality::Live) });
    }
    for ahead in [2, 8] {
        cases.push(Reach { ahead, threads: 1, ..Reach::of(Quality::Live) });
    }
    for reach in cases {
        let mut engine = nets.engine(reach)?;
        let mut all = Vec::new();
        for clip in &whole {
            crate::engine::Engine::reset(&mut engine);
            all.push(clip.likeness(&mut engine, reach, &nets.config)?);
        }
        let ms = reach.delays(&nets.config).total() as f64 * 1e3 / f64::from(nets.config.rate_hz);
        say(format_args!("{reach:?} | cosine {:.4} | {:.2} dB ({}) | lookahead {ms:.1} ms", mean(&all).cosine, mean(&all).mel_db, all.iter().map(|l| format!("{:.2}", l.mel_db)).collect::<Vec<_>>().join(" ")));
    }
    Ok(())
}

/// The first seconds of a file, all channels in one, at a rate.
fn read(path: &Path, rate_hz: u32, seconds: u32) -> Result<Vec<f32>, Failure> {
    let mut reader = AudioReader::open(path, Damage::Refuse)?;
    let info = reader.info().clone();
    let frames = seconds as usize * info.rate_hz as usize;
    let mut channels = vec![vec![0.0; frames]; info.channels];
    let mut slices: Vec<&mut [f32]> = channels.iter_mut().map(Vec::as_mut_slice).collect();
    let read = reader.read(&mut slices)?;
    let mono: Vec<f32> = (0..read)
        .map(|n| channels.iter().map(|c| c[n]).sum::<f32>() / channels.len() as f32)
        .collect();
    let mut wave = Vec::new();
    Resampler::new(info.rate_hz, rate_hz, 0).process(&mono, &mut wave);
    Ok(wave)
}
