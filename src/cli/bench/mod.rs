//! `autovoice bench`: what the audio path, the pitch trackers or a voice cost, how long they delay
//! and how good they are, on this machine.

mod ddsp;
mod path;
mod pitch;
mod report;
mod rvc;
mod times;
mod voice_signal;

use super::device::DeviceArgs;
use super::failure::{Exit, Failure};
use super::out::{complain, say};
use crate::pitch::{TrackerKind, VoiceRange};
use clap::{Args, ValueEnum};

/// Arguments of `bench`.
#[derive(Args, Debug)]
pub(super) struct BenchArgs {
    /// Seconds of audio for each row, 1 to 3600
    #[arg(long, value_name = "S", default_value_t = 20,
          value_parser = clap::value_parser!(u32).range(1..=3_600))]
    seconds: u32,
    /// Sample rate in Hz
    #[arg(long, value_name = "HZ", default_value_t = 48_000,
          value_parser = clap::value_parser!(u32).range(8_000..=192_000))]
    rate: u32,
    /// Channels
    #[arg(long, value_name = "N", default_value_t = 1,
          value_parser = clap::value_parser!(u8).range(1..=2))]
    channels: u8,
    /// Block sizes in frames
    #[arg(long, value_name = "FRAMES", default_value = "32,64,256", value_delimiter = ',',
          value_parser = clap::value_parser!(u32).range(1..=8_192))]
    blocks: Vec<u32>,
    /// Lowest note expected
    #[arg(long, value_name = "RANGE", default_value = "low", ignore_case = true,
          value_parser = super::voice::range_parser())]
    range: VoiceRange,
    /// Measure the pitch trackers instead: accuracy, delay, cost
    #[arg(long)]
    pitch: bool,
    /// Which of them; all that can be had where it is left out
    #[arg(long, value_name = "TRACKER", value_delimiter = ',', ignore_case = true,
          requires = "pitch", value_parser = super::tracker::parser())]
    tracker: Vec<TrackerKind>,
    /// What converts: shift, or rvc and ddsp with figures of their own
    #[arg(long, value_enum, default_value_t = Engine::Shift, conflicts_with = "pitch")]
    engine: Engine,
    /// Report as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    rvc: rvc::RvcArgs,
}

/// The engines that can be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    /// Pitch and formant shifting in the time domain
    Shift,
    /// A voice of RVC
    Rvc,
    /// A voice of our own, of no meaning
    Ddsp,
}

/// Measures and reports.
pub(super) fn run(arguments: &BenchArgs) -> Result<Exit, Failure> {
    if cfg!(debug_assertions) {
        complain("note: this is a debug build, its times mean nothing; build with --release");
    }
    if arguments.pitch {
        arguments.device.choose()?;
        let tracked = pitch::figures(arguments)?;
        match arguments.json {
            true => say(format_args!(
                "{:#}",
                report::pitch_json(arguments, &tracked)
            )),
            false => report::print_pitch(arguments, &tracked),
        }
        return Ok(Exit::Done);
    }
    if arguments.engine == Engine::Rvc {
        arguments.device.choose()?;
        return rvc::run(arguments);
    }
    if arguments.rvc.is_given() || arguments.device.is_given() {
        return Err(Failure::usage(
            "expected --voice, --quality, --threads and --streaming with --engine rvc only, and --device with \
             that or --pitch",
            "add --engine rvc",
        ));
    }
    if arguments.engine == Engine::Ddsp {
        return ddsp::run(arguments);
    }
    let figures = path::figures(arguments)?;
    match arguments.json {
        true => say(format_args!("{:#}", report::path_json(arguments, &figures))),
        false => report::print_path(arguments, &figures),
    }
    Ok(Exit::Done)
}

/// The smallest of the sorted values that this share of them does not exceed.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_values_that_occurred() {
        let sorted: Vec<f64> = (1..=1_000).map(f64::from).collect();
        for (share, expected) in [(0.5, 500.0), (0.99, 990.0), (0.999, 999.0), (1.0, 1_000.0)] {
            assert_eq!(quantile(&sorted, share), expected);
        }
        assert_eq!(quantile(&[7.0], 0.001), 7.0);
        assert_eq!(quantile(&[], 0.5), 0.0);
    }
}
