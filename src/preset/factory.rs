//! The presets that came with AutoVoice: `presets/` at the root of the sources, in the program
//! itself. A test holds this list against that folder.

use super::{Preset, from_toml};

macro_rules! factory {
    ($($file:literal)*) => {
        [$(($file, include_str!(concat!("../../presets/", $file, ".toml")))),*]
    };
}

/// Name of the file, without its extension, and its text.
pub const FILES: [(&str, &str); 32] = factory! {
    "airy"
    "blues-bend"
    "brighter"
    "child"
    "choir-formant"
    "darker-voice"
    "deeper"
    "double-track"
    "fifth-harmony"
    "firm-tuning"
    "fourth-below"
    "giant"
    "hard-tune"
    "helium"
    "higher-singer"
    "lower-singer"
    "major-pentatonic"
    "megaphone"
    "monster"
    "natural-tuning"
    "next-door"
    "octave-below"
    "octave-down"
    "octave-up-shimmer"
    "podcast-clean"
    "radio"
    "robot"
    "robot-bass"
    "subtle-thickening"
    "telephone"
    "trap-lead"
    "whisper-close"
};

/// Every factory preset, by the names of their files.
#[must_use]
pub fn presets() -> Vec<Preset> {
    let read = |(_, text)| from_toml(text).expect("factory presets are presets").0;
    FILES.into_iter().map(read).collect()
}
