//! Pitch: following it in a signal, and deciding what it should become.

pub mod control;
pub mod scale;
pub mod settings;
pub mod text;
pub mod track;

pub use control::{Note, PitchControl, TargetFrame};
pub use scale::{Key, Scale, ScaleMask};
pub use settings::{Correction, HeldNotes, MidiMode, PitchSettings};
pub use track::{PitchFrame, PitchTracker, TrackerChoice, TrackerKind};

/// The lowest note a voice is expected to reach. It sets the latency of everything that works
/// period by period, so it changes only while the plugin is inactive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VoiceRange {
    /// Down to 60 Hz.
    Bass,
    /// Down to 80 Hz.
    #[default]
    Low,
    /// Down to 110 Hz.
    Mid,
    /// Down to 160 Hz.
    High,
    /// Down to 220 Hz.
    Soprano,
}

impl VoiceRange {
    /// Every range, lowest first.
    pub const ALL: [Self; 5] = [Self::Bass, Self::Low, Self::Mid, Self::High, Self::Soprano];

    /// The lowest fundamental frequency followed, in Hz.
    #[must_use]
    pub fn lowest_hz(self) -> f32 {
        match self {
            Self::Bass => 60.0,
            Self::Low => 80.0,
            Self::Mid => 110.0,
            Self::High => 160.0,
            Self::Soprano => 220.0,
        }
    }

    /// The name shown and parsed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bass => "Bass",
            Self::Low => "Low",
            Self::Mid => "Mid",
            Self::High => "High",
            Self::Soprano => "Soprano",
        }
    }

    /// The range of this name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|range| range.name().eq_ignore_ascii_case(name.trim()))
    }
}
