//! The stages of a step, for whoever wants to see inside. Names only.

/// A stage of one hop, in the order in which they come, and what an observer is shown of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// To 16 kHz: the samples.
    Resampling,
    /// Pitch tracking and what the pitch should become: nothing.
    Pitch,
    /// The convolutions of the content encoder: nothing.
    Front,
    /// Its attention: the content of the frames decided on, then of those looked at.
    Content,
    /// The index: nothing.
    Retrieval,
    /// The text encoder: draws from the prior of the same frames.
    Text,
    /// The flow: the latent of the frames decided on.
    Flow,
    /// The excitation: the pitch of these frames in Hz.
    Source,
    /// The first part of the generator: nothing.
    Opening,
    /// Its second part: its sound.
    Closing,
    /// Levels and formants: the sound that goes out.
    Finish,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 11] = [
        Self::Resampling,
        Self::Pitch,
        Self::Front,
        Self::Content,
        Self::Retrieval,
        Self::Text,
        Self::Flow,
        Self::Source,
        Self::Opening,
        Self::Closing,
        Self::Finish,
    ];

    /// The name shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resampling => "resampling",
            Self::Pitch => "pitch",
            Self::Front => "front",
            Self::Content => "content",
            Self::Retrieval => "retrieval",
            Self::Text => "text encoder",
            Self::Flow => "flow",
            Self::Source => "source",
            Self::Opening => "generator 1",
            Self::Closing => "generator 2",
            Self::Finish => "finish",
        }
    }
}
