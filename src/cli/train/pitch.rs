//! `autovoice train pitch`: the network of the tracker `neural`.

use crate::cli::failure::{Exit, Failure};
use crate::cli::out::say;
use crate::train::pitch;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `train pitch`.
#[derive(Args, Debug)]
pub(super) struct PitchArgs {
    /// Where the weights go
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "models/pitch.safetensors"
    )]
    output: PathBuf,
    /// Weights to start from
    #[arg(long, value_name = "FILE")]
    start: Option<PathBuf>,
    /// Folders of recordings to learn from, too
    #[arg(long, value_name = "FOLDER")]
    corpus: Vec<PathBuf>,
    /// Seconds to take of them
    #[arg(long, value_name = "S", default_value_t = 3_600.0)]
    corpus_s: f64,
    /// Steps of 32 s of audio each
    #[arg(long, value_name = "N", default_value_t = 3_000)]
    steps: usize,
    /// Stop after so many minutes
    #[arg(long, value_name = "MINUTES", default_value_t = 600.0)]
    minutes: f64,
    /// Highest rate of learning
    #[arg(long, value_name = "RATE")]
    rate: Option<f64>,
    /// Seed of weights and voices
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

pub(super) fn run(arguments: &PitchArgs) -> Result<Exit, Failure> {
    let plan = pitch::Plan {
        output: arguments.output.clone(),
        start: arguments.start.clone(),
        corpus: arguments.corpus.clone(),
        corpus_s: arguments.corpus_s,
        steps: arguments.steps,
        rate: arguments.rate,
        seed: arguments.seed,
        at_most: Duration::from_secs_f64(60.0 * arguments.minutes.clamp(0.0, 1e5)),
    };
    let mut said_s = 0.0;
    let labelled = |seconds: f64| {
        if said_s + 60.0 <= seconds {
            said_s = seconds;
            say(format_args!("labelled {seconds:.0} s of recordings"));
        }
    };
    let outcome = pitch::train(&plan, labelled, |progress| {
        say(format_args!(
            "step {:5}  pitch {:.3}  voicing {:.4}  {:.0} x real time",
            progress.step, progress.pitch_loss, progress.voicing_loss, progress.speed
        ));
        if let Some(score) = progress.score {
            let [clean, high, middle, low] = score.pitch;
            say(format_args!(
                "            RPA clean {clean:.4}, 20 dB {high:.4}, 10 dB {middle:.4}, 0 dB {low:.4}; \
                 10 dB: recall {:.4}, false alarm {:.4}",
                score.recall, score.false_alarm
            ));
        }
        true
    });
    match outcome {
        Ok(()) => Ok(Exit::Done),
        Err(error) => Err(Failure::work(
            error.to_string(),
            "check the paths and the free memory, then run it again with --start",
        )),
    }
}
