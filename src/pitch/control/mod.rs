//! From the pitch that is sung to the pitch that is wanted: one control for every engine. Audio
//! thread: fixed memory, never allocates. Knows no signal, only pitch and loudness over time.

mod correct;
mod glide;
mod guard;
mod notes;
#[cfg(test)]
mod tests;

use super::{PitchFrame, PitchSettings};
use crate::units::hz_to_midi;
use correct::Corrector;
use glide::Glide;
use guard::OctaveGuard;
pub use notes::{Note, NoteLog};

/// The pitch wanted at one instant.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TargetFrame {
    /// The instant, as in [`PitchFrame::at`].
    pub at: f64,
    /// Pitch sung in Hz, without leaps of an octave that nobody sang; the best guess where
    /// unvoiced.
    pub sung_hz: f32,
    /// Pitch to make in Hz, for engines that make a voice; 0 where there is none. It has no gaps
    /// and no steps where the voice pauses briefly: it stays through the pause, and then glides.
    pub target_hz: f32,
    /// Semitones to move the sung voice by, for engines that move one. Exact from a voice's first
    /// frame on; where unvoiced, what it last was in a short pause, else transposition alone.
    pub shift: f32,
    /// The part of `shift` that is correction.
    pub correction: f32,
    /// The MIDI note corrected to, if any.
    pub note: Option<u8>,
    /// As in [`PitchFrame::confidence`].
    pub confidence: f32,
    /// As in [`PitchFrame::voiced`].
    pub voiced: bool,
}

/// Turns tracked pitch into wanted pitch. Owned by whoever owns the tracker.
#[derive(Clone, Debug)]
pub struct PitchControl {
    ms_per_frame: f64,
    last_at: Option<f64>,
    guard: OctaveGuard,
    corrector: Corrector,
    glide: Glide,
    notes: NoteLog,
}

impl PitchControl {
    /// A control for instants counted in frames of this rate.
    #[must_use]
    pub fn new(rate_hz: u32) -> Self {
        Self {
            ms_per_frame: 1e3 / f64::from(rate_hz),
            last_at: None,
            guard: OctaveGuard::default(),
            corrector: Corrector::new(),
            glide: Glide::default(),
            notes: NoteLog::new(rate_hz),
        }
    }

    /// Forgets what was sung. Real-time safe.
    pub fn reset(&mut self) {
        self.last_at = None;
        self.guard = OctaveGuard::default();
        self.corrector.reset();
        self.glide = Glide::default();
        self.notes.reset();
    }

    /// Takes the next tracked frame and the mean square of the signal around its instant.
    /// Settings out of range are clamped. Real-time safe.
    pub fn update(
        &mut self,
        frame: &PitchFrame,
        mean_square: f32,
        settings: &PitchSettings,
    ) -> TargetFrame {
        let elapsed = self.last_at.map_or(0.0, |last| frame.at - last);
        let elapsed_ms = (elapsed * self.ms_per_frame) as f32;
        self.last_at = Some(frame.at);
        let sung_hz = self.guard.update(frame, mean_square, elapsed_ms);
        let voice_hz = frame.voiced.then_some(sung_hz);
        let corrected =
            self.corrector
                .update(voice_hz, elapsed_ms, &settings.correction, &settings.notes);
        let shift = settings.transposition() + corrected.shift;
        let wanted_hz = voice_hz.map(|hz| hz * (shift / 12.0).exp2());
        self.notes
            .update(frame.at, voice_hz.map(|hz| hz_to_midi(hz, 440.0)));
        TargetFrame {
            at: frame.at,
            sung_hz,
            target_hz: self.glide.update(wanted_hz, elapsed_ms),
            shift,
            correction: corrected.shift,
            note: corrected.target,
            confidence: frame.confidence,
            voiced: frame.voiced,
        }
    }

    /// The notes sung so far.
    #[must_use]
    pub fn notes(&self) -> &NoteLog {
        &self.notes
    }
}
