//! What the synthesis of our voices makes of a recording without any network: the most that a voice
//! can reach, which is what voices are measured against.

use std::path::Path;

use super::TrainError;
use super::clip::{bandwidth, clip};
use super::recordings::Recording;
use super::sample::sung;
use crate::dsp::envelope::{BANDS, measured_hz};
use crate::model::ddsp::OUTS;

/// A share of noise this close to none or all is as good as that: the logit of it is finite.
const LEAST_SHARE: f32 = 1e-6;

/// Analyses a recording into pitch, power and noise as training does, and gives what the synthesis
/// makes of them, at 48 kHz and as loud as the recording is. Allocates.
///
/// # Errors
/// [`TrainError::Recording`] if it cannot be read, [`TrainError::NoPitch`] if there is no voice in it.
pub fn copy(path: &Path) -> Result<Vec<f32>, TrainError> {
    let recording = Recording::read(path).map_err(TrainError::Recording)?;
    let clip = clip(&recording.signal, recording.rate_hz);
    if clip.f0_hz.iter().all(|hz| *hz <= 0.0) {
        return Err(TrainError::NoPitch);
    }
    let limit_hz = measured_hz(recording.rate_hz);
    let limit_hz = bandwidth(std::iter::once(&clip)).map_or(limit_hz, |hz| hz.min(limit_hz));
    let mut spectra = Vec::with_capacity(clip.frames() * OUTS);
    let rows = clip.ln_power.chunks_exact(BANDS);
    for (ln_power, noise) in rows.zip(clip.noise.chunks_exact(BANDS)) {
        spectra.extend_from_slice(ln_power);
        spectra.extend(noise.iter().map(|share| {
            let share = share.clamp(LEAST_SHARE, 1.0 - LEAST_SHARE);
            (share / (1.0 - share)).ln()
        }));
    }
    let mut sound = sung(&spectra, &clip.f0_hz, limit_hz as f32);
    let gain = rms(&recording.signal) / rms(&sound).max(1e-12);
    sound.iter_mut().for_each(|x| *x *= gain as f32);
    Ok(sound)
}

fn rms(signal: &[f32]) -> f64 {
    let power: f64 = signal.iter().map(|x| f64::from(*x).powi(2)).sum();
    (power / signal.len().max(1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::voice::tests::recordings;

    #[test]
    fn a_copy_is_as_loud_as_long_and_at_the_pitch_of_the_recording() {
        let home = tempfile::tempdir().unwrap();
        recordings(home.path(), &[("a", 150.0)]);
        let path = std::fs::read_dir(home.path()).unwrap().next().unwrap();
        let path = path.unwrap().path();
        let recording = Recording::read(&path).unwrap();
        let made = copy(&path).unwrap();
        let seconds = recording.signal.len() as f64 / f64::from(recording.rate_hz);
        assert!((made.len() as f64 / 48e3 - seconds).abs() < 0.02);
        let ratio = rms(&made) / rms(&recording.signal);
        assert!((ratio - 1.0).abs() < 1e-3, "{ratio}");
        let heard = [
            clip(&recording.signal, recording.rate_hz),
            clip(&made, 48_000),
        ];
        let pitches = heard[0].f0_hz.iter().zip(&heard[1].f0_hz);
        let both: Vec<f32> = pitches
            .filter(|(a, b)| 0.0 < **a && 0.0 < **b)
            .map(|(a, b)| 1_200.0 * (b / a).log2().abs())
            .collect();
        let sung = heard[0].f0_hz.iter().filter(|hz| 0.0 < **hz).count();
        assert!(
            sung * 9 / 10 < both.len() && 20 < sung,
            "{} {sung}",
            both.len()
        );
        let off = both.iter().filter(|cents| 20.0 < **cents).count();
        assert!(off * 20 < both.len(), "{off} of {}", both.len());
    }

    #[test]
    fn where_nobody_sings_there_is_no_copy() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("a.wav");
        assert!(matches!(copy(&path), Err(TrainError::Recording(_))));
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 16_000,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let mut file = hound::WavWriter::create(&path, spec).unwrap();
        (0..16_000).for_each(|_| file.write_sample(0i16).unwrap());
        file.finalize().unwrap();
        assert!(matches!(copy(&path), Err(TrainError::NoPitch)));
    }
}
