//! Tracking the pitch of one voice as it comes in. [`PitchTracker`] is the seam: engines, the
//! command line and the editor know only it. A file is the same path, pushed at full speed.

pub mod at_16k;
pub mod contour;
pub mod crepe;
pub mod neural;
mod period;
pub mod refine;
pub mod rmvpe;
pub mod viterbi;
mod weights;
pub mod yin;

use crate::units::Frames;

/// The pitch at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct PitchFrame {
    /// The instant, as the number of an input frame counted from the last reset.
    pub at: f64,
    /// Fundamental frequency in Hz; the best guess where unvoiced, and always above 0.
    pub f0_hz: f32,
    /// The instant `f0_hz` is measured around, in input frames. Most trackers measure at `at`;
    /// one may measure later than it decides, because a short period is measured sooner than it
    /// is told from noise.
    pub f0_at: f64,
    /// Confidence that a voice with this pitch is heard, 0..=1.
    pub confidence: f32,
    /// Whether it is to be taken for a voice. Trackers with a memory may decide otherwise than
    /// `confidence` alone would.
    pub voiced: bool,
}

/// Something that tracks pitch. Owned by one thread at a time.
pub trait PitchTracker: Send {
    /// The name shown and typed.
    fn name(&self) -> &'static str;

    /// Input frames by which [`PitchFrame::at`] lies behind the newest input frame, at most.
    fn lookahead(&self) -> Frames;

    /// The confidence from which on a frame is voiced, for those who only keep the confidence.
    fn threshold(&self) -> f32;

    /// Forgets the past; input frames count from 0 again. Never allocates.
    fn reset(&mut self);

    /// Takes one input frame; now and then gives the pitch at an earlier instant. Instants come
    /// in order, equally spaced and at 100 Hz or more. Never allocates.
    fn push(&mut self, sample: f32) -> Option<PitchFrame>;
}

/// The trackers there are, by name. Whoever may open files makes one from it: some need weights.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrackerKind {
    /// Our small causal network.
    Neural,
    /// Autocorrelation in the time domain: the lowest delay.
    Yin,
    /// CREPE (Kim et al., 2018), the smallest of its sizes.
    CrepeTiny,
    /// CREPE, the largest of its sizes.
    CrepeFull,
    /// RMVPE (Wei et al., 2023), for voices among instruments.
    Rmvpe,
}

impl TrackerKind {
    /// Every tracker, the usual choice first.
    pub const ALL: [Self; 5] = [
        Self::Neural,
        Self::Yin,
        Self::CrepeTiny,
        Self::CrepeFull,
        Self::Rmvpe,
    ];

    /// The name shown and typed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Neural => "neural",
            Self::Yin => "yin",
            Self::CrepeTiny => "crepe-tiny",
            Self::CrepeFull => "crepe-full",
            Self::Rmvpe => "rmvpe",
        }
    }

    /// The tracker of this name, in any case.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name().eq_ignore_ascii_case(name.trim()))
    }

    /// A tracker for one channel at a rate that engines take, following pitch down to
    /// `lowest_hz`, where it needs nothing but this program: no weights from elsewhere. Allocates.
    #[must_use]
    pub fn embedded(self, rate_hz: u32, lowest_hz: f32) -> Option<Box<dyn PitchTracker>> {
        match self {
            Self::Neural => Some(Box::new(neural::Neural::new(rate_hz))),
            Self::Yin => Some(Box::new(yin::Yin::new(rate_hz, lowest_hz))),
            Self::CrepeTiny | Self::CrepeFull | Self::Rmvpe => None,
        }
    }
}

/// Which tracker an engine that runs live is to have. It may set the delay, so it changes only
/// while the plugin is inactive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TrackerChoice {
    /// The best that costs no delay.
    #[default]
    Auto,
    /// [`TrackerKind::Neural`], and the engine waits for it.
    Neural,
    /// [`TrackerKind::Yin`].
    Yin,
}

impl TrackerChoice {
    /// Every choice in the order shown; positions are frozen, they are saved in projects.
    pub const ALL: [Self; 3] = [Self::Auto, Self::Neural, Self::Yin];

    /// The name shown and parsed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "Auto",
            Self::Neural => "Neural",
            Self::Yin => "Yin",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back_to_their_trackers() {
        for kind in TrackerKind::ALL {
            assert_eq!(TrackerKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(TrackerKind::from_name(" YIN "), Some(TrackerKind::Yin));
        assert_eq!(TrackerKind::from_name("crepe"), None);
    }
}
