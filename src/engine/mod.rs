//! Engines: what turns one voice into another. One trait, driven alike by plugin, app, command
//! line and server; the driver knows nothing of what is inside.

pub mod away;
pub mod beside;
pub mod ddsp;
mod intonation;
pub mod morph;
pub mod rvc;
pub mod shift;
pub mod through;

pub use morph::Morph;

use std::sync::Arc;

use crate::pitch::{Correction, HeldNotes, PitchControl, PitchSettings, TargetFrame};
use crate::units::{Frames, midi_to_hz};

/// The most channels any engine or bus has.
pub const MAX_CHANNELS: usize = 2;

/// What a driver must know to run an engine. Constant for an engine's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EngineSpec {
    /// The name shown.
    pub name: &'static str,
    /// The rate the engine runs at, in Hz. A driver at another rate resamples.
    pub rate_hz: u32,
    /// Channels of [`Engine::step`], 1 or 2. A driver with more mixes down and spreads.
    pub channels: usize,
    /// Frames of one step at the engine's rate. `step` takes any multiple of it.
    pub hop: Frames,
    /// Frames at the engine's rate by which the output lags the input.
    pub lookahead: Frames,
    /// The time that one hop may take on a worker, in frames at the engine's rate; usually a hop.
    /// Ignored where `realtime_safe`.
    pub budget: Frames,
    /// Whether `step` and `reset` may run on the audio thread.
    pub realtime_safe: bool,
}

/// How much of the signal around an instant an engine with a choice hears before it decides: more
/// is truer and later. It sets the latency, so it changes only while the plugin is inactive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// To play with: the least delay.
    #[default]
    Live,
    /// To monitor with.
    Balanced,
    /// To render with.
    Studio,
    /// To play with on a card: less delay than a processor can keep up with.
    Quick,
}

impl Quality {
    /// Every quality in the order shown; positions are frozen, they are saved in projects.
    pub const ALL: [Self; 4] = [Self::Live, Self::Balanced, Self::Studio, Self::Quick];

    /// Whether a voice of RVC keeps up with it on a card alone.
    #[must_use]
    pub const fn is_for_cards(self) -> bool {
        matches!(self, Self::Quick)
    }

    /// The name shown and parsed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Live => "Live",
            Self::Balanced => "Balanced",
            Self::Studio => "Studio",
            Self::Quick => "Quick",
        }
    }
}

/// The fewest and the most threads that work on a voice: the worker, and one more beside it. That
/// one doubles what can be done in a hop, and takes a hop more of delay.
pub const THREADS: (usize, usize) = (1, 2);

/// What a musician sets of a converted voice. Engines without such a thing ignore it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct VoiceControls {
    /// The share of retrieved features in the content, 0..=1; 0 leaves the index alone.
    pub index_rate: f32,
    /// How much of the converted content unvoiced sounds take, 0..=0.5; 0.5 is all of it.
    pub protect: f32,
    /// The share of the voice's own loudness, 0..=1; 0 follows that of the input.
    pub rms_mix: f32,
    /// The speaker, from 0; beyond the last one it is the last.
    pub speaker: u16,
    /// Whether the source keeps its last pitch through unvoiced sounds, instead of none.
    pub hold_pitch: bool,
    /// The point between voices of our own.
    pub morph: Morph,
}

impl VoiceControls {
    /// Where they start.
    pub const DEFAULT: Self = Self {
        index_rate: 0.5,
        protect: 0.33,
        rms_mix: 1.0,
        speaker: 0,
        hold_pitch: false,
        morph: Morph::DEFAULT,
    };
    /// The last speaker that can be set: the original's voices have 109.
    pub const LAST_SPEAKER: u16 = 108;
}

impl Default for VoiceControls {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What a musician sets, as one value: cheap to copy, compare and send.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Controls {
    /// Transposition in semitones, -24..=24; cents are fractions.
    pub pitch_semitones: f32,
    /// Formant shift in semitones, -12..=12, independent of the pitch.
    pub formant_semitones: f32,
    /// Pitch correction, applied before transposition.
    pub correction: Correction,
    /// Keys held on a MIDI keyboard.
    pub notes: HeldNotes,
    /// What belongs to converted voices alone.
    pub voice: VoiceControls,
}

impl Controls {
    /// The part that [`PitchControl`] takes.
    #[must_use]
    pub fn pitch(&self) -> PitchSettings {
        PitchSettings {
            transpose: self.pitch_semitones,
            correction: self.correction,
            notes: self.notes,
        }
    }
}

/// What an engine last heard and did, for meters.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Observation {
    /// Pitch sung in Hz, 0 where unvoiced.
    pub sung_hz: f32,
    /// Pitch put out in Hz, 0 where unvoiced.
    pub target_hz: f32,
    /// Mean pitch in Hz of the note being sung, 0 between notes.
    pub note_hz: f32,
    /// Confidence that the input is voiced, 0..=1.
    pub voicing: f32,
}

impl Observation {
    /// What was heard where the pitch control gave this. Real-time safe.
    fn of(target: &TargetFrame, control: &PitchControl) -> Self {
        let voice = |hz: f32| if target.voiced { hz } else { 0.0 };
        let note = control.notes().current();
        Self {
            sung_hz: voice(target.sung_hz),
            target_hz: voice(target.target_hz),
            note_hz: note.map_or(0.0, |note| midi_to_hz(note.pitch, 440.0)),
            voicing: target.confidence,
        }
    }
}

/// Where an engine's networks run, for people.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The device; none for the CPU.
    pub device: Option<String>,
    /// What happened to it that the user is to know.
    pub note: Option<String>,
}

/// Tells where an engine's networks run, while the engine itself is elsewhere. Any thread but the audio
/// thread.
pub trait Whereabouts: Send + Sync {
    /// Now.
    fn place(&self) -> Place;
}

/// Why an engine could not be built or could not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EngineError {
    /// The sample rate is outside what the engine supports.
    #[error("{engine} runs at {lowest}..={highest} Hz, got {got} Hz")]
    Rate {
        /// Engine name.
        engine: &'static str,
        /// Lowest supported rate.
        lowest: u32,
        /// Highest supported rate.
        highest: u32,
        /// The rate asked for.
        got: u32,
    },
    /// The channel count is outside 1..=2.
    #[error("{engine} takes 1 or 2 channels, got {got}")]
    Channels {
        /// Engine name.
        engine: &'static str,
        /// The count asked for.
        got: usize,
    },
    /// A step failed; the engine must be reset or replaced.
    #[error("{engine} stopped: {reason}")]
    Step {
        /// Engine name.
        engine: &'static str,
        /// What happened.
        reason: &'static str,
    },
}

/// A voice engine. Owned by one thread at a time.
pub trait Engine: Send {
    /// The engine's constants.
    fn spec(&self) -> EngineSpec;

    /// Forgets all signal history; the next step starts from silence.
    fn reset(&mut self);

    /// Converts `n` frames, `n` a multiple of `spec().hop`.
    ///
    /// `input` and `output` hold `spec().channels` slices of `n` frames each. Output frame `i`
    /// belongs to input frame `i - lookahead`. Input is finite; output is finite.
    /// Real-time safe where the spec says so.
    ///
    /// # Errors
    /// [`EngineError::Step`] when the engine cannot go on; the output is then unspecified.
    fn step(
        &mut self,
        input: &[&[f32]],
        output: &mut [&mut [f32]],
        controls: &Controls,
    ) -> Result<(), EngineError>;

    /// What the last step heard and did. Real-time safe.
    fn observe(&self) -> Observation {
        Observation::default()
    }

    /// Who tells where its networks run; none where that is the CPU, always.
    fn whereabouts(&self) -> Option<Arc<dyn Whereabouts>> {
        None
    }
}
