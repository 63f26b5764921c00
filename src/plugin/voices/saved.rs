//! Which voice is in which slot, as projects hold it. A project may be a stranger's: sizes are
//! bounded and nothing in it is a path.

use crate::bridge::SLOTS;
use crate::preset::VoiceRef;
use serde::{Deserialize, Serialize};

/// No list of ours is longer, in bytes.
pub const MOST_BYTES: usize = 4_096;

/// Name and hash of the voice in each slot, from slot 1 on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Saved(Vec<Option<SavedVoice>>);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct SavedVoice {
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    sha256: Option<String>,
}

impl Saved {
    /// Of these slots.
    #[must_use]
    pub fn of(slots: &[Option<VoiceRef>; SLOTS]) -> Self {
        let saved = slots.iter().map(|voice| {
            voice.as_ref().map(|voice| SavedVoice {
                name: voice.name.clone(),
                sha256: voice.sha256.clone(),
            })
        });
        Self(saved.collect())
    }

    /// The slots, each voice within its bounds; one without a name is none.
    #[must_use]
    pub fn slots(&self) -> [Option<VoiceRef>; SLOTS] {
        std::array::from_fn(|at| {
            let saved = self.0.get(at)?.as_ref()?;
            VoiceRef::written(&saved.name, saved.sha256.as_deref())
        })
    }

    /// Reads what a project holds; `None` where it is nothing of ours.
    #[must_use]
    pub fn read(json: &str) -> Option<Self> {
        let bounded = (json.len() <= MOST_BYTES).then_some(json)?;
        let saved: Self = serde_json::from_str(bounded).ok()?;
        (saved.0.len() <= SLOTS).then(|| Self::of(&saved.slots()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_come_back_and_nonsense_does_not() {
        let hash = "0123456789abcdef".repeat(4);
        let voice = |name: &str, sha256: Option<&str>| {
            Some(VoiceRef {
                name: name.to_owned(),
                sha256: sha256.map(str::to_owned),
            })
        };
        let slots = [voice("Ada", Some(&hash)), None, voice("Bo", None), None];
        let json = serde_json::to_string(&Saved::of(&slots)).expect("texts");
        assert_eq!(Saved::read(&json).expect("ours").slots(), slots);

        let long = format!("[{{\"name\":\"{}\"}}]", "x".repeat(MOST_BYTES));
        for damaged in [
            "",
            "{}",
            "[1]",
            "[null",
            "[null,null,null,null,null]",
            "[{\"name\":3}]",
            &long,
        ] {
            assert_eq!(Saved::read(damaged), None, "{damaged:.30}");
        }
        for (json, first) in [
            ("[]", None),
            ("[{\"name\":\"\"}]", None),
            (
                "[{\"name\":\"../x\\n\",\"sha256\":\"no\"}]",
                voice("../x", None),
            ),
            ("[{\"name\":\"Ada\",\"more\":1}]", voice("Ada", None)),
        ] {
            assert_eq!(Saved::read(json).expect(json).slots()[0], first, "{json}");
        }
    }
}
