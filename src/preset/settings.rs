//! What values of parameters mean for the audio path. Real-time safe.

use super::{Id, Value, Values};
use crate::bridge::{DropoutMode, Settings};
use crate::engine::{Controls, Morph, Quality, VoiceControls};
use crate::pitch::{
    Correction, HeldNotes, Key, MidiMode, Scale, ScaleMask, TrackerChoice, VoiceRange,
};

impl Values {
    /// What the audio path is told; parameters without a value are at their defaults.
    #[must_use]
    pub fn settings(&self, notes: HeldNotes) -> Settings {
        Settings {
            bypass: self.switch(Id::Bypass),
            mix: self.number(Id::Mix),
            input_db: self.number(Id::InputDb),
            gate_db: self.number(Id::GateDb),
            output_db: self.number(Id::OutputDb),
            limiter: self.switch(Id::Limiter),
            slot: self.choice(Id::Slot),
            dropout: self.one_of(Id::DropoutMode, &DropoutMode::ALL),
            controls: Controls {
                pitch_semitones: self.number(Id::Pitch),
                formant_semitones: self.number(Id::Formant),
                correction: self.correction(),
                notes,
                voice: VoiceControls {
                    index_rate: self.number(Id::IndexRate),
                    protect: self.number(Id::Protect),
                    rms_mix: self.number(Id::RmsMix),
                    // At most 108, so the cast loses nothing.
                    speaker: self.choice(Id::Speaker) as u16,
                    hold_pitch: self.switch(Id::HoldPitch),
                    morph: Morph {
                        on: self.switch(Id::Morph),
                        x: self.number(Id::MorphX),
                        y: self.number(Id::MorphY),
                    },
                },
            },
            low_cut_hz: self.number(Id::LowCutHz),
            high_cut_hz: self.number(Id::HighCutHz),
        }
    }

    fn correction(&self) -> Correction {
        // Twelve keys, so the cast loses nothing.
        let key = Key::from_pitch_class(self.choice(Id::Key) as u8);
        let scale = self.one_of(Id::Scale, &Scale::ALL);
        Correction {
            enabled: self.switch(Id::Correct),
            scale: scale.mask(key, self.notes(Id::CustomScale)),
            tuning_hz: self.number(Id::TuningHz),
            retune_ms: self.number(Id::RetuneMs),
            amount: self.number(Id::Amount),
            humanize: self.number(Id::Humanize),
            midi: self.one_of(Id::MidiMode, &MidiMode::ALL),
        }
    }

    /// The lowest note expected.
    #[must_use]
    pub fn range(&self) -> VoiceRange {
        self.one_of(Id::Range, &VoiceRange::ALL)
    }

    /// What follows the pitch.
    #[must_use]
    pub fn tracker(&self) -> TrackerChoice {
        self.one_of(Id::Tracker, &TrackerChoice::ALL)
    }

    /// How much a voice hears before it decides.
    #[must_use]
    pub fn quality(&self) -> Quality {
        self.one_of(Id::Quality, &Quality::ALL)
    }

    /// How many threads work on a voice: 1 or 2.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.choice(Id::Threads)
    }

    /// Whether a host is told the delay.
    #[must_use]
    pub fn report_latency(&self) -> bool {
        self.switch(Id::ReportLatency)
    }

    // A value is always of its parameter's kind: `set` lets in no other.

    fn switch(&self, id: Id) -> bool {
        matches!(self.or_default(id), Value::Switch(true))
    }

    fn number(&self, id: Id) -> f32 {
        match self.or_default(id) {
            Value::Number(number) => number,
            _ => 0.0,
        }
    }

    fn choice(&self, id: Id) -> usize {
        match self.or_default(id) {
            Value::Choice(at) => at,
            _ => 0,
        }
    }

    fn notes(&self, id: Id) -> ScaleMask {
        match self.or_default(id) {
            Value::Notes(mask) => mask,
            _ => ScaleMask::CHROMATIC,
        }
    }

    fn one_of<T: Copy + Default>(&self, id: Id, all: &[T]) -> T {
        all.get(self.choice(id)).copied().unwrap_or_default()
    }
}
