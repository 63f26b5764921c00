//! The cards that can be chosen, for whoever must not wait for the driver: the GUI thread.

use std::sync::OnceLock;
use std::thread;

use super::cards::cards;

/// Numbers and names of the cards that can be used; none until the driver has answered, which it is asked
/// for once, on a thread of its own. Never waits.
#[must_use]
pub fn known_cards() -> &'static [(usize, String)] {
    static ASKED: OnceLock<()> = OnceLock::new();
    static KNOWN: OnceLock<Vec<(usize, String)>> = OnceLock::new();
    ASKED.get_or_init(|| {
        let asked = thread::Builder::new().name("autovoice-cards".into());
        // Without a thread there is no list.
        let _ = asked.spawn(|| {
            let found = cards().unwrap_or_default();
            let fit = found.into_iter().filter(|card| card.unfit.is_none());
            let _ = KNOWN.set(fit.map(|card| (card.ordinal, card.name)).collect());
        });
    });
    KNOWN.get().map_or(&[], Vec::as_slice)
}
