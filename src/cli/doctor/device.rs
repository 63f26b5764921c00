//! The cards there are, and which device networks would run on.

use super::Finding;
use crate::cli::device::name;
use crate::compute::{Absence, Card, Choice, ChoiceError, Pick, VARIABLE, pick};

const CARD: &str = "card";
const DEVICE: &str = "device";

/// Each card, or why there is none.
pub(super) fn cards(found: &Result<Vec<Card>, Absence>) -> Vec<Finding> {
    match found {
        Err(absence) => vec![Finding::ok(CARD, absence.to_string())],
        Ok(cards) => cards.iter().map(card).collect(),
    }
}

fn card(card: &Card) -> Finding {
    let gigabytes = |bytes: usize| bytes as f64 / 1e9;
    let found = format!(
        "cuda:{} {}, {:.1} of {:.1} GB free, compute capability {}.{}, driver for CUDA {}.{}",
        card.ordinal,
        card.name,
        gigabytes(card.free_bytes),
        gigabytes(card.total_bytes),
        card.compute.0,
        card.compute.1,
        card.driver.0,
        card.driver.1,
    );
    match &card.unfit {
        None => Finding::ok(CARD, found),
        Some(why) => Finding::note(CARD, found, format!("it is not used: {why}")),
    }
}

/// What networks run on, and why.
pub(super) fn device(
    choice: Result<Choice, &ChoiceError>,
    found: &Result<Vec<Card>, Absence>,
) -> Finding {
    let choice = match choice {
        Ok(choice) => choice,
        Err(error) => {
            return Finding::problem(
                DEVICE,
                format!("{VARIABLE}: {error}"),
                format!("unset {VARIABLE}, or set it to auto"),
            );
        }
    };
    match pick(choice, found) {
        Ok(picked) => {
            let (Pick::Cpu { why } | Pick::Card { why, .. }) = &picked;
            Finding::ok(
                DEVICE,
                format!("networks of RVC voices run on {}: {why}", name(&picked)),
            )
        }
        Err(error) => Finding::problem(
            DEVICE,
            format!("{choice} was asked for: {error}"),
            format!("set {VARIABLE} to auto, or choose another device in the window"),
        ),
    }
}
