//! What becomes of a choice with the cards there are. Any thread; asks nobody.

use super::{Absence, Card, Choice};

/// Where networks are to run, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// On the CPU.
    Cpu {
        /// Why, for people.
        why: String,
    },
    /// On a card.
    Card {
        /// Which.
        card: Card,
        /// Why, for people.
        why: String,
    },
}

/// A card was asked for that cannot be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PickError {
    /// There is none at all.
    #[error("expected a card, found none: {0}")]
    None(#[from] Absence),
    /// There is none of this number.
    #[error(
        "expected a card below {count}, found cuda:{ordinal}; `autovoice doctor` lists the cards"
    )]
    Number {
        /// The number asked for.
        ordinal: usize,
        /// Cards there are.
        count: usize,
    },
    /// It is one that cannot be used.
    #[error("{0}")]
    Unfit(String),
}

/// Picks a device. The best card is the one with the newest instructions; of those, with most memory.
///
/// # Errors
/// [`PickError`] where a card was asked for; never for [`Choice::Auto`] and [`Choice::Cpu`].
pub fn pick(choice: Choice, cards: &Result<Vec<Card>, Absence>) -> Result<Pick, PickError> {
    let cpu = |why: String| Ok(Pick::Cpu { why });
    match (choice, cards) {
        (Choice::Cpu, _) => cpu("it was asked for".to_owned()),
        (Choice::Auto, Err(absence)) => cpu(absence.to_string()),
        (Choice::Cuda(_), Err(absence)) => Err(PickError::None(absence.clone())),
        (Choice::Auto | Choice::Cuda(None), Ok(cards)) => match (best(cards), choice) {
            (Ok(card), _) => Ok(Pick::Card {
                why: match cards.len() {
                    1 => "it is the only card".to_owned(),
                    count => format!("it is the best of {count} cards"),
                },
                card: card.clone(),
            }),
            (Err(why), Choice::Auto) => cpu(why),
            (Err(why), _) => Err(PickError::Unfit(why)),
        },
        (Choice::Cuda(Some(ordinal)), Ok(cards)) => {
            let count = cards.len();
            let card = cards.get(ordinal);
            let card = card.ok_or(PickError::Number { ordinal, count })?;
            match &card.unfit {
                Some(why) => Err(PickError::Unfit(why.clone())),
                None => Ok(Pick::Card {
                    card: card.clone(),
                    why: "it was asked for".to_owned(),
                }),
            }
        }
    }
}

/// The best card; why there is none.
fn best(cards: &[Card]) -> Result<&Card, String> {
    let fit = cards.iter().filter(|card| card.unfit.is_none());
    // Of equals the first.
    let key = |card: &&Card| (card.compute, card.total_bytes, usize::MAX - card.ordinal);
    fit.max_by_key(key).ok_or_else(|| {
        let reasons: Vec<&str> = cards.iter().filter_map(|c| c.unfit.as_deref()).collect();
        match reasons.is_empty() {
            true => Absence::Gpu(autovoice_kernels::gpu::GpuError::NoDevice).to_string(),
            false => reasons.join("; "),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use autovoice_kernels::gpu::GpuError;

    fn card(ordinal: usize, compute: (u32, u32), gigabytes: usize) -> Card {
        Card {
            ordinal,
            name: format!("card {ordinal}"),
            compute,
            total_bytes: gigabytes << 30,
            free_bytes: gigabytes << 29,
            driver: (12, 4),
            unfit: (compute < (7, 5)).then(|| format!("card {ordinal} is too old")),
        }
    }

    #[test]
    fn what_is_asked_for_is_given_or_said_why_not() {
        let none = || Err(Absence::Gpu(GpuError::NoDriver));
        let three = || {
            Ok(vec![
                card(0, (6, 1), 24),
                card(1, (8, 6), 8),
                card(2, (8, 6), 24),
            ])
        };
        let twins = || Ok(vec![card(0, (8, 9), 24), card(1, (8, 9), 24)]);
        let old = || Ok(vec![card(0, (6, 1), 24)]);
        let not_built = || Err(Absence::NotBuilt);
        let table = [
            (Choice::Auto, none(), "cpu: no NVIDIA driver"),
            (Choice::Auto, not_built(), "cpu: this build knows no cards"),
            (Choice::Auto, three(), "2: it is the best of 3 cards"),
            (Choice::Auto, twins(), "0: it is the best of 2 cards"),
            (Choice::Auto, old(), "cpu: card 0 is too old"),
            (
                Choice::Auto,
                Ok(vec![]),
                "cpu: the NVIDIA driver finds no card",
            ),
            (Choice::Cpu, three(), "cpu: it was asked for"),
            (Choice::Cuda(None), three(), "2: it is the best"),
            (
                Choice::Cuda(None),
                none(),
                "error: expected a card, found none: no NVIDIA driver",
            ),
            (
                Choice::Cuda(None),
                not_built(),
                "error: expected a card, found none: this build",
            ),
            (Choice::Cuda(None), old(), "error: card 0 is too old"),
            (Choice::Cuda(Some(1)), three(), "1: it was asked for"),
            (Choice::Cuda(Some(0)), three(), "error: card 0 is too old"),
            (
                Choice::Cuda(Some(3)),
                three(),
                "error: expected a card below 3, found cuda:3",
            ),
        ];
        for (choice, cards, expected) in table {
            let found = match pick(choice, &cards) {
                Ok(Pick::Cpu { why }) => format!("cpu: {why}"),
                Ok(Pick::Card { card, why }) => format!("{}: {why}", card.ordinal),
                Err(error) => format!("error: {error}"),
            };
            assert!(found.starts_with(expected), "{choice}: {found}");
        }
    }
}
