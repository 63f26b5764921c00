//! What goes wrong in the making of a voice, in plain words, with what to do in the app. Pure.

use crate::train::voice::{Flaw, TrainError};
use crate::voice::VoiceError;
use std::io::ErrorKind;

/// Something that went wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What it is.
    pub what: String,
    /// What to do.
    pub remedy: String,
}

impl Trouble {
    fn new(what: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            remedy: remedy.into(),
        }
    }

    /// Of an error that says both.
    pub fn of_voice(error: &VoiceError) -> Self {
        Self::new(
            format!("The voice is trained, but it could not come into your library: {error}"),
            error.remedy(),
        )
    }

    /// Of a thread that ended without a word.
    pub fn broken_off() -> Self {
        Self::new(
            "The training broke off.",
            "Press Try again: it goes on where it was last kept. If it happens again, please \
             report it.",
        )
    }

    /// Of a voice that another AutoVoice trains.
    pub fn in_other_hands() -> Self {
        Self::new(
            "Another AutoVoice that is open trains this voice already.",
            "Let it finish, or close it and press Try again.",
        )
    }

    /// Of a system that gives no thread.
    pub fn no_thread(error: &std::io::Error) -> Self {
        Self::new(
            format!("The system let no training begin: {error}."),
            "Close other programs, then press Try again.",
        )
    }
}

impl From<&TrainError> for Trouble {
    fn from(error: &TrainError) -> Self {
        let full = |error: &std::io::Error| {
            matches!(
                error.kind(),
                ErrorKind::StorageFull | ErrorKind::QuotaExceeded
            )
        };
        match error {
            TrainError::Compute(_) => Self::new(
                format!("The training could not be computed: {error}."),
                "Close programs that need much memory, then press Try again.",
            ),
            TrainError::Memory {
                needed_mib,
                free_mib,
            } => Self::new(
                format!("Learning takes {needed_mib} MiB of memory, and {free_mib} MiB are free."),
                "Close other programs, then press Try again.",
            ),
            TrainError::NoRecordings => Self::new(
                "There are no recordings in which a voice is heard.",
                "Record more sentences, or choose a folder with WAV, FLAC, OGG or MP3 files of one \
                 voice.",
            ),
            TrainError::TooShort { found_s, least_s } => Self::new(
                format!(
                    "There is too little of the voice: {found_s:.0} s, and {least_s:.0} s are the \
                     least."
                ),
                "Record more sentences: from 30 s on it is usable, with 3 to 4 minutes it is good.",
            ),
            TrainError::NoPitch => Self::new(
                "Nothing in the recordings has a pitch: nobody speaks or sings in them.",
                "Check that the right microphone was recorded, and record again.",
            ),
            TrainError::Io(found) if full(found) => Self::new(
                "The disk is full.",
                "Free some space, then press Try again: it goes on where it was last kept.",
            ),
            TrainError::Corpus(_) => Self::new(
                format!("The recordings are not what their list says: {error}."),
                "Take corpus.toml out of the folder, or choose a folder with recordings alone.",
            ),
            TrainError::Base(_) => Self::new(
                format!("The base does not fit: {error}."),
                "Put the base and the encoder that were made together into the folder of models.",
            ),
            TrainError::NoFolder(_)
            | TrainError::Processor(_)
            | TrainError::Recording(_)
            | TrainError::Io(_)
            | TrainError::Page(_)
            | TrainError::File(_)
            | TrainError::Voice(_) => Self::new(
                format!("A file could not be read or written: {error}."),
                "Check the free space and the rights of the folder, then press Try again.",
            ),
            // Both are dealt with where they happen.
            TrainError::Resume(_) | TrainError::Stopped => Self::broken_off(),
        }
    }
}

/// What a flaw of a sentence is, and what to do.
#[must_use]
pub fn of_flaw(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::Clipped => "The peaks are cut off: turn the gain down and read it again.",
        Flaw::Noisy => {
            "There is noise or echo close below the voice: come closer to the microphone, or find \
             a quieter room."
        }
        Flaw::Quiet => "The voice is very quiet: come closer, or turn up the gain.",
        Flaw::Silent => "No voice was found: check the input above and read it again.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_goes_wrong_is_said_in_words_of_the_app() {
        let full = std::io::Error::from(ErrorKind::StorageFull);
        for (error, what, remedy) in [
            (TrainError::NoRecordings, "no recordings", "Record more"),
            (
                TrainError::TooShort {
                    found_s: 3.2,
                    least_s: 5.0,
                },
                "3 s",
                "30 s",
            ),
            (TrainError::NoPitch, "has a pitch", "microphone"),
            (TrainError::Io(full), "disk is full", "Free some space"),
            (TrainError::Base("a file".to_owned()), "a file", "together"),
        ] {
            let trouble = Trouble::from(&error);
            assert!(trouble.what.contains(what), "{trouble:?}");
            assert!(trouble.remedy.contains(remedy), "{trouble:?}");
            // Flags are of the command line.
            assert!(!trouble.remedy.contains("--"), "{trouble:?}");
        }
    }
}
