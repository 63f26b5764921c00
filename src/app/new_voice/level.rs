//! How loud the input is, and what to do about it while somebody reads. Pure: peaks and times in.

/// The meter falls by so many dB in a second.
const FALL_DB: f32 = 24.0;
/// Advice is about the loudest of the last so many seconds.
const HEARD_S: f64 = 2.5;
/// Peaks of a voice that is well recorded lie between these, in dB of full scale.
pub const GOOD_DB: (f32, f32) = (-24.0, -3.0);
/// The lowest that the meter shows.
pub const LOWEST_DB: f32 = -60.0;
/// Peaks from here on are likely to be cut off.
const CLIPPED_DB: f32 = -0.3;

/// What is to be done about the level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Nothing comes in.
    Nothing,
    /// Too quiet.
    Quiet,
    /// All is well.
    Good,
    /// Close to being cut off.
    Loud,
    /// Cut off.
    Clipped,
}

impl Advice {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Nothing => "Nothing is heard: check the microphone and the input above.",
            Self::Quiet => "Quiet: come closer to the microphone, or turn up its gain.",
            Self::Good => "The level is good.",
            Self::Loud => "Loud: turn the gain down a little.",
            Self::Clipped => "Too loud, the peaks are cut off: turn the gain down.",
        }
    }
}

/// A meter.
#[derive(Clone, Debug)]
pub struct Meter {
    shown_db: f32,
    loudest: (f32, f64),
    time_s: f64,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            shown_db: LOWEST_DB,
            loudest: (LOWEST_DB, f64::NEG_INFINITY),
            time_s: 0.0,
        }
    }
}

impl Meter {
    /// Takes in the highest peak since the last call, full scale being 1.
    pub fn hear(&mut self, peak: f32, time_s: f64) {
        let db = (20.0 * peak.max(1e-6).log10()).max(LOWEST_DB);
        let passed = (time_s - self.time_s).max(0.0) as f32;
        self.shown_db = (self.shown_db - FALL_DB * passed).max(db);
        if self.loudest.0 <= db || self.loudest.1 + HEARD_S < time_s {
            self.loudest = (db, time_s);
        }
        self.time_s = time_s;
    }

    /// What to draw, in dB of full scale.
    #[must_use]
    pub fn shown_db(&self) -> f32 {
        self.shown_db
    }

    /// What to say.
    #[must_use]
    pub fn advice(&self) -> Advice {
        match self.loudest.0 {
            db if CLIPPED_DB <= db => Advice::Clipped,
            db if GOOD_DB.1 < db => Advice::Loud,
            db if GOOD_DB.0 <= db => Advice::Good,
            db if -50.0 < db => Advice::Quiet,
            _ => Advice::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_follows_the_loudest_of_late() {
        for (peak, wanted) in [
            (0.0, Advice::Nothing),
            (0.02, Advice::Quiet),
            (0.1, Advice::Good),
            (0.6, Advice::Good),
            (0.9, Advice::Loud),
            (1.2, Advice::Clipped),
        ] {
            let mut meter = Meter::default();
            meter.hear(peak, 1.0);
            assert_eq!(meter.advice(), wanted, "{peak}");
            // A pause for breath changes nothing, a long silence does.
            meter.hear(0.0, 2.0);
            assert_eq!(meter.advice(), wanted, "{peak}");
            meter.hear(0.0, 5.0);
            assert_eq!(meter.advice(), Advice::Nothing);
        }
    }

    #[test]
    fn the_meter_rises_at_once_and_falls_slowly() {
        let mut meter = Meter::default();
        meter.hear(1.0, 0.0);
        assert!(meter.shown_db().abs() < 1e-3);
        meter.hear(0.0, 0.5);
        assert!((meter.shown_db() + 12.0).abs() < 1e-3);
        meter.hear(0.0, 50.0);
        assert_eq!(meter.shown_db(), LOWEST_DB);
    }
}
