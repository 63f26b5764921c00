//! Portamento across pauses: a wanted pitch without steps where the voice is away briefly. Audio
//! thread: never allocates.

/// A pause longer than this ends the line; what comes after it starts anew.
const PAUSE_MS: f32 = 120.0;

/// Time in which the pitch after a pause is reached.
pub(super) const GLIDE_MS: f32 = 30.0;

/// The wanted pitch so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Glide {
    /// The last pitch given, as a logarithm to the base of 2.
    last: Option<f32>,
    pause_ms: f32,
    /// Octaves that were missing when the voice came back, and the time left to make them up.
    missing: f32,
    left_ms: f32,
}

impl Glide {
    /// Takes the pitch wanted now in Hz, none where unvoiced; gives the pitch to make in Hz, 0
    /// where there is none.
    pub(super) fn update(&mut self, wanted_hz: Option<f32>, elapsed_ms: f32) -> f32 {
        let Some(wanted_hz) = wanted_hz else {
            self.pause_ms += elapsed_ms;
            if PAUSE_MS < self.pause_ms {
                *self = Self::default();
            }
            return self.last.map_or(0.0, f32::exp2);
        };
        let wanted = wanted_hz.log2();
        match self.last {
            Some(last) if 0.0 < self.pause_ms => {
                (self.missing, self.left_ms) = (last - wanted, GLIDE_MS);
            }
            _ => self.left_ms = (self.left_ms - elapsed_ms).max(0.0),
        }
        self.pause_ms = 0.0;
        let now = wanted + self.missing * self.left_ms / GLIDE_MS;
        self.last = Some(now);
        if self.left_ms == 0.0 {
            wanted_hz
        } else {
            now.exp2()
        }
    }
}
