//! Who of the voices in the slots can be at its corner of the morph pad, and why another cannot.
//! GUI thread; looks at what is shown and at nothing else.

use super::shown::{Shown, SlotShown, SlotState};
use crate::bridge::SLOTS;

/// How a corner of the pad is, for the voice that is selected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CornerState {
    /// Its voice takes part.
    Present,
    /// The slot holds no voice.
    Empty,
    /// The voice is being read.
    Loading,
    /// The voice cannot be heard at all.
    Failed,
    /// The voice is of a kind that cannot be blended.
    Alone,
    /// The voice was made for another content encoder than the one selected.
    Apart,
}

impl CornerState {
    /// In a word or two; empty where nothing is to be said.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Present => "",
            Self::Empty => "empty",
            Self::Loading => "loading…",
            Self::Failed => "failed",
            Self::Alone => "not blendable",
            Self::Apart => "other encoder",
        }
    }

    /// Why nobody is heard here, and what to do; empty where somebody is.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Present => "",
            Self::Empty => {
                "The slot of this corner is empty: put a voice of AutoVoice's own into it."
            }
            Self::Loading => "The voice of this corner is being read.",
            Self::Failed => "The voice of this corner cannot be heard; its slot says why.",
            Self::Alone => {
                "Only voices of AutoVoice's own can be blended; this one is heard when its slot is \
                 selected."
            }
            Self::Apart => {
                "Voices can be blended if they were trained with the same content encoder; this one \
                 was trained with another than the voice selected."
            }
        }
    }
}

impl Shown {
    /// The corners of the pad, in the order of slots, while the slot of this number is selected: of
    /// those that hear as its voice does or, where that cannot be blended, as the first that can.
    #[must_use]
    pub fn corners(&self, selected: usize) -> [CornerState; SLOTS] {
        let first = || self.slots.iter().find_map(|slot| slot.encoder.as_deref());
        let encoder = self.encoder_of(selected).or_else(first);
        self.slots.each_ref().map(|slot| slot.corner(encoder))
    }

    /// Whether the voice in this slot is on the pad with at least one other.
    #[must_use]
    pub fn has_company(&self, selected: usize) -> bool {
        let corners = self.corners(selected);
        let present = corners
            .iter()
            .filter(|state| **state == CornerState::Present);
        self.encoder_of(selected).is_some() && 1 < present.count()
    }

    fn encoder_of(&self, slot: usize) -> Option<&str> {
        self.slot(slot)?.encoder.as_deref()
    }
}

impl SlotShown {
    fn corner(&self, encoder: Option<&str>) -> CornerState {
        match (&self.state, self.encoder.as_deref()) {
            (SlotState::Empty, _) => CornerState::Empty,
            (SlotState::Loading, _) => CornerState::Loading,
            (SlotState::Failed(_), _) => CornerState::Failed,
            (_, None) => CornerState::Alone,
            (_, own) if own == encoder => CornerState::Present,
            _ => CornerState::Apart,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn corners_are_those_that_hear_alike() {
        let slot = |state: SlotState, encoder: Option<&str>| SlotShown {
            state,
            encoder: encoder.map(str::to_owned),
            ..SlotShown::default()
        };
        use CornerState::{Alone, Apart, Empty, Failed, Loading, Present};
        use SlotState::{AwaitsRestart, Ready};
        let ours = || slot(Ready, Some("x"));
        let table = [
            (
                [
                    ours(),
                    slot(AwaitsRestart, Some("x")),
                    slot(Ready, None),
                    SlotShown::default(),
                ],
                [Present, Present, Alone, Empty],
            ),
            (
                [
                    ours(),
                    slot(Ready, Some("y")),
                    slot(SlotState::Loading, None),
                    slot(SlotState::Failed("why".to_owned()), None),
                ],
                [Present, Apart, Loading, Failed],
            ),
        ];
        for (slots, expected) in table {
            let shown = Shown {
                slots,
                ..Shown::default()
            };
            for selected in [0, 1, 4] {
                assert_eq!(shown.corners(selected), expected, "slot {selected}");
            }
            assert_eq!(shown.has_company(1), expected[1] == Present);
            assert!(!shown.has_company(0) && !shown.has_company(4));
            for state in expected {
                assert_eq!(state.word().is_empty(), state == Present);
                assert_eq!(state.reason().is_empty(), state == Present);
            }
        }
    }
}
