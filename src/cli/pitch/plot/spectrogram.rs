//! A spectrogram on a logarithmic frequency axis, taken in as the audio comes. However long the
//! audio, it has no more columns than a picture can show: when there are too many, neighbours
//! are averaged.

use super::thin::Thinned;
use crate::units::Frames;
use realfft::num_complex::Complex;
use realfft::{RealFftPlanner, RealToComplex};
use std::sync::Arc;

/// Frequencies of the axis in Hz.
pub(super) const AXIS_HZ: (f64, f64) = (40.0, 8_000.0);
/// Seconds of the window: harmonics of 60 Hz are told apart, syllables just so.
const WINDOW_S: f64 = 0.08;
/// Seconds from column to column at first.
const HOP_S: f64 = 0.01;
/// Transform length over window length, at least: smooth curves instead of steps.
const PADDING: usize = 3;

/// Where on the axis a frequency lies, 0 at its bottom, 1 at its top.
pub(super) fn axis_share(hz: f64) -> f64 {
    (hz / AXIS_HZ.0).ln() / (AXIS_HZ.1 / AXIS_HZ.0).ln()
}

/// The frequency at a share of the axis.
fn axis_hz(share: f64) -> f64 {
    AXIS_HZ.0 * (AXIS_HZ.1 / AXIS_HZ.0).powf(share)
}

/// Takes audio in; gives powers by time and frequency.
pub(super) struct Spectrogram {
    fft: Arc<dyn RealToComplex<f32>>,
    window: Vec<f32>,
    // The newest window's length of audio at its end, zeros of before the signal first.
    audio: Vec<f32>,
    /// Audio frames per column, and the exact time owed to it.
    hop: f64,
    heard: u64,
    next_column: u64,
    rows: Vec<(f64, f64)>,
    scratch: Scratch,
    columns: Thinned<Vec<f32>>,
}

struct Scratch {
    input: Vec<f32>,
    spectrum: Vec<Complex<f32>>,
    /// Power up to each bin's lower edge.
    sums: Vec<f64>,
}

impl Spectrogram {
    /// So many rows from the lowest frequency up, and at most so many columns.
    pub(super) fn new(rate_hz: u32, rows: usize, most_columns: usize) -> Self {
        let rate = f64::from(rate_hz);
        let window_frames = ((WINDOW_S * rate).round() as usize).max(16);
        let length = (PADDING * window_frames).next_power_of_two();
        let fft = RealFftPlanner::new().plan_fft_forward(length);
        let window = (0..window_frames)
            .map(|i| {
                let phase = std::f64::consts::TAU * (i as f64 + 0.5) / window_frames as f64;
                (0.5 - 0.5 * phase.cos()) as f32
            })
            .collect();
        let bin = |hz: f64| hz * length as f64 / rate + 0.5;
        let edges = |row: usize| {
            let low = axis_hz(row as f64 / rows as f64);
            let high = axis_hz((row + 1) as f64 / rows as f64);
            (bin(low), bin(high))
        };
        Self {
            scratch: Scratch {
                input: fft.make_input_vec(),
                spectrum: fft.make_output_vec(),
                sums: Vec::new(),
            },
            fft,
            window,
            audio: vec![0.0; window_frames],
            hop: HOP_S * rate,
            heard: 0,
            next_column: 0,
            rows: (0..rows).map(edges).collect(),
            columns: Thinned::new(most_columns, |a, b| {
                a.iter().zip(b).map(|(a, b)| a + b).collect()
            }),
        }
    }

    /// Takes audio in.
    pub(super) fn hear(&mut self, mono: &[f32]) {
        let mut left = mono;
        while !left.is_empty() {
            // A column is due once half a window has come in after its instant.
            let due = self.next_column as f64 * self.hop + 0.5 * self.window.len() as f64;
            let wanted = (due.round() as u64).saturating_sub(self.heard);
            let count = usize::try_from(wanted)
                .unwrap_or(usize::MAX)
                .min(left.len());
            self.shift_in(&left[..count]);
            left = &left[count..];
            if wanted as Frames == count {
                self.transform();
                self.next_column += 1;
            }
        }
    }

    /// Ends the audio: its columns, and how many seconds lie between them.
    pub(super) fn finish(mut self) -> (Vec<Vec<f32>>, f64) {
        let silence = vec![0.0; self.window.len() / 2];
        self.hear(&silence);
        let (mut columns, stride) = self.columns.finish();
        let powers = columns.iter_mut().flatten();
        powers.for_each(|power| *power /= stride as f32);
        (columns, HOP_S * stride as f64)
    }

    fn shift_in(&mut self, audio: &[f32]) {
        self.heard += audio.len() as u64;
        let kept = self.audio.len();
        let new = &audio[audio.len().saturating_sub(kept)..];
        self.audio.copy_within(new.len().., 0);
        self.audio[kept - new.len()..].copy_from_slice(new);
    }

    fn transform(&mut self) {
        let Scratch {
            input,
            spectrum,
            sums,
        } = &mut self.scratch;
        input.fill(0.0);
        for ((to, x), w) in input.iter_mut().zip(&self.audio).zip(&self.window) {
            *to = x * w;
        }
        self.fft
            .process(input, spectrum)
            .expect("both buffers have the transform's length");
        let scale = (2.0 / self.window.iter().sum::<f32>()).powi(2);
        let mut sum = 0.0;
        sums.clear();
        sums.push(sum);
        sums.extend(spectrum.iter().map(|bin| {
            sum += f64::from(scale * bin.norm_sqr());
            sum
        }));
        let up_to = |edge: f64| {
            let whole = (edge.floor() as usize).min(sums.len() - 1);
            let next = (whole + 1).min(sums.len() - 1);
            sums[whole] + (edge - edge.floor()) * (sums[next] - sums[whole])
        };
        let column = self.rows.iter().map(|&(low, high)| {
            // Between the bins a row sees their mean, over many bins it sees what they add up to.
            ((up_to(high) - up_to(low)) / (high - low).min(1.0)) as f32
        });
        let column = column.collect();
        self.columns.push(column);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_where_and_when_it_sounds() {
        for rate_hz in [8_000, 44_100, 48_000] {
            for hz in [60.0, 440.0, 3_000.0] {
                let mut spectrogram = Spectrogram::new(rate_hz, 300, 1_000);
                let rate = f64::from(rate_hz);
                let audio: Vec<f32> = (0..rate_hz)
                    .map(|i| f64::from(i) / rate)
                    .map(|t| {
                        let on = if t < 0.5 { 0.0 } else { 0.5 };
                        (on * (std::f64::consts::TAU * hz * t).sin()) as f32
                    })
                    .collect();
                audio.chunks(777).for_each(|chunk| spectrogram.hear(chunk));
                let (columns, seconds) = spectrogram.finish();
                assert_eq!((columns.len() / 100, seconds), (1, 0.01));
                let energy = |column: &[f32]| column.iter().sum::<f32>();
                let loud = energy(&columns[80]);
                assert!(energy(&columns[44]) < 1e-6 * loud);
                assert!(energy(&columns[56]) > 0.8 * loud);
                let rows = columns[75].iter().enumerate();
                let peak = rows.max_by(|a, b| a.1.total_cmp(b.1)).map(|(row, _)| row);
                let expected = axis_share(hz) * 300.0 - 0.5;
                let got = peak.expect("there are rows") as f64;
                assert!((got - expected).abs() < 4.0, "{hz} Hz: {got}, {expected}");
            }
        }
    }
}
