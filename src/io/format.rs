//! What kinds of files are written. Plain values, any thread.

use std::path::Path;

/// A kind of file that can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// RIFF WAVE, at most 4 GiB.
    Wav,
    /// FLAC, lossless, integers only.
    Flac,
}

impl Container {
    /// Every kind.
    pub const ALL: [Self; 2] = [Self::Wav, Self::Flac];

    /// The file extension, lower case.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Wav => "wav",
            Self::Flac => "flac",
        }
    }

    /// The kind that a file name asks for.
    #[must_use]
    pub fn from_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?;
        match extension.to_ascii_lowercase().as_str() {
            "wav" | "wave" => Some(Self::Wav),
            "flac" => Some(Self::Flac),
            _ => None,
        }
    }
}

/// How a sample is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BitDepth {
    /// 16-bit integer.
    Int16,
    /// 24-bit integer.
    Int24,
    /// 32-bit float; samples beyond full scale survive.
    Float32,
}

impl BitDepth {
    /// Bits of one sample.
    #[must_use]
    pub fn bits(self) -> u16 {
        match self {
            Self::Int16 => 16,
            Self::Int24 => 24,
            Self::Float32 => 32,
        }
    }

    /// The name shown and parsed: `16`, `24`, `32f`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Int16 => "16",
            Self::Int24 => "24",
            Self::Float32 => "32f",
        }
    }

    /// The nearest depth that this kind of file can hold: FLAC has no floats.
    #[must_use]
    pub fn fitted_to(self, container: Container) -> Self {
        match (container, self) {
            (Container::Flac, Self::Float32) => Self::Int24,
            _ => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions_choose_the_container() {
        for (name, expected) in [
            ("a.wav", Some(Container::Wav)),
            ("a.WAV", Some(Container::Wav)),
            ("dir.flac/a.wave", Some(Container::Wav)),
            ("a.b.flac", Some(Container::Flac)),
            ("a.mp3", None),
            ("wav", None),
            (".wav", None),
        ] {
            assert_eq!(Container::from_path(Path::new(name)), expected, "{name}");
        }
    }
}
