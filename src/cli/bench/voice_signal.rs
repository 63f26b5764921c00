//! A synthetic singer for the bench: notes with vibrato, a consonant and a rest between them, so
//! that every branch of an engine is taken. The same samples on every machine.

/// Notes of the song in semitones above its lowest.
const SONG: [f32; 8] = [0.0, 4.0, 7.0, 12.0, 11.0, 7.0, 5.0, 2.0];
/// Length of a note, a consonant and a rest in seconds.
const NOTE_S: f32 = 0.7;
const CONSONANT_S: f32 = 0.1;
const REST_S: f32 = 0.1;
const HARMONICS: usize = 10;

/// The singer.
pub(super) struct Voice {
    rate_hz: f32,
    lowest_hz: f32,
    frame: u64,
    phase: f32,
    noise: u32,
}

impl Voice {
    /// Sings a fifth above the lowest note of a range and up.
    pub(super) fn new(rate_hz: u32, lowest_hz: f32) -> Self {
        Self {
            rate_hz: rate_hz as f32,
            lowest_hz: lowest_hz * 1.5,
            frame: 0,
            phase: 0.0,
            noise: 1,
        }
    }

    /// The next sample, below full scale.
    pub(super) fn next(&mut self) -> f32 {
        let length_s = NOTE_S + CONSONANT_S + REST_S;
        let cycle = (length_s * self.rate_hz) as u64;
        let note = SONG[(self.frame / cycle) as usize % SONG.len()];
        let t = (self.frame % cycle) as f32 / self.rate_hz;
        self.frame += 1;
        self.noise = self
            .noise
            .wrapping_mul(1_664_525)
            .wrapping_add(1_013_904_223);
        if NOTE_S + CONSONANT_S <= t {
            return 0.0;
        }
        if NOTE_S <= t {
            return 0.1 * (self.noise as i32 as f32 / 2_147_483_648.0);
        }
        let vibrato = 0.3 * (std::f32::consts::TAU * 5.5 * t).sin();
        let hz = self.lowest_hz * ((note + vibrato) / 12.0).exp2();
        self.phase = (self.phase + hz / self.rate_hz).fract();
        let edge = (t / 0.02).min((NOTE_S - t) / 0.02).min(1.0);
        let tone: f32 = (1..=HARMONICS)
            .filter(|&k| hz * (k as f32) < 0.4 * self.rate_hz)
            .map(|k| (std::f32::consts::TAU * (self.phase * k as f32).fract()).sin() / k as f32)
            .sum();
        0.3 * edge * tone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_singer_stays_below_full_scale_and_sounds() {
        let mut voice = Voice::new(48_000, 80.0);
        let samples: Vec<f32> = (0..48_000 * 8).map(|_| voice.next()).collect();
        assert!(samples.iter().all(|sample| sample.abs() < 0.9));
        let silent = samples.iter().filter(|&&sample| sample == 0.0).count();
        assert!((30_000..60_000).contains(&silent), "{silent}");
    }
}
