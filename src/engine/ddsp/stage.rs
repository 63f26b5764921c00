//! The stages of a step, for whoever wants to see inside. Names only.

/// A stage of one hop, in the order in which they come, and what an observer is shown of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// To 16 kHz: the samples.
    Resampling,
    /// Pitch tracking and what the pitch should become: nothing.
    Pitch,
    /// What the encoder hears: the newest frame as it takes it.
    Features,
    /// The content encoder: the content of the frame that is put out.
    Content,
    /// The decoder: what it takes of that frame.
    Decoder,
    /// Harmonics and noise: the sound that goes out.
    Synthesis,
}

impl Stage {
    /// All of them, in order.
    pub const ALL: [Self; 6] = [
        Self::Resampling,
        Self::Pitch,
        Self::Features,
        Self::Content,
        Self::Decoder,
        Self::Synthesis,
    ];

    /// The name shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Resampling => "resampling",
            Self::Pitch => "pitch",
            Self::Features => "features",
            Self::Content => "content",
            Self::Decoder => "decoder",
            Self::Synthesis => "synthesis",
        }
    }
}
