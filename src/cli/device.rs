//! `--device` and `AUTOVOICE_DEVICE`: where networks run, for the commands that have any. The main thread of
//! the command line.

use clap::Args;

use super::failure::Failure;
use crate::compute::{self, Choice, Pick, VARIABLE, cards, pick};

/// The option.
#[derive(Args, Clone, Copy, Debug)]
pub(super) struct DeviceArgs {
    /// Where networks of RVC voices, crepe-full and rmvpe run: auto, cpu, cuda or cuda:N
    /// [default: AUTOVOICE_DEVICE, else auto]
    #[arg(long, value_name = "DEVICE")]
    device: Option<Choice>,
}

impl DeviceArgs {
    /// Whether it was given.
    pub(super) fn is_given(self) -> bool {
        self.device.is_some()
    }

    /// Chooses for this process.
    ///
    /// # Errors
    /// Where the variable is none of the words, or a card is asked for that cannot be had.
    pub(super) fn choose(self) -> Result<(), Failure> {
        let choice = match self.device {
            Some(choice) => choice,
            None => from_environment()?.unwrap_or_else(compute::chosen),
        };
        if let Choice::Cuda(_) = choice {
            pick(choice, &cards()).map_err(|error| {
                Failure::work(
                    error.to_string(),
                    "name another device: --device auto takes a card where there is one",
                )
            })?;
        }
        compute::choose(choice);
        Ok(())
    }
}

/// What the variable says.
///
/// # Errors
/// Where it is none of the words.
pub(super) fn from_environment() -> Result<Option<Choice>, Failure> {
    compute::from_environment()
        .map_err(|error| Failure::usage(format!("{VARIABLE}: {error}"), format!("{VARIABLE}=auto")))
}

/// What a pick is called.
pub(super) fn name(pick: &Pick) -> String {
    match pick {
        Pick::Cpu { .. } => "the CPU".to_owned(),
        Pick::Card { card, .. } => format!("cuda:{} {}", card.ordinal, card.name),
    }
}
