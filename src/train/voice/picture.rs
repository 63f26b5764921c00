//! Sounds and pictures of them as a page holds them: in itself, as data of its own. A player or a
//! picture loads nothing.

use data_encoding::BASE64;

use crate::dsp::stft::Spectrum;
use crate::io::WriteError;

/// The rate of the sounds, in Hz.
pub const RATE_HZ: u32 = 16_000;

/// Window and step of a picture's spectra: 32 ms and 10 ms.
const WINDOW: usize = 512;
const STEP: usize = 160;
/// Rows of a picture: bins up to 8 kHz, two in each.
const ROWS: usize = WINDOW / 4;
/// How far below the loudest a picture reaches, in dB.
const RANGE_DB: f32 = 70.0;
/// From quiet to loud.
const SHADES: [[f32; 3]; 5] = [
    [8.0, 8.0, 24.0],
    [58.0, 24.0, 110.0],
    [176.0, 52.0, 96.0],
    [240.0, 140.0, 50.0],
    [255.0, 245.0, 200.0],
];

/// A sound as a WAV of 16 bits, one channel at [`RATE_HZ`], in an address that holds all of it.
pub fn wav(signal: &[f32]) -> String {
    let (rate, size) = (RATE_HZ, 2 * signal.len() as u32);
    let mut bytes = Vec::with_capacity(44 + 2 * signal.len());
    bytes.extend(b"RIFF");
    bytes.extend((36 + size).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16u32.to_le_bytes());
    // PCM, one channel.
    bytes.extend([1, 0, 1, 0]);
    bytes.extend(rate.to_le_bytes());
    bytes.extend((2 * rate).to_le_bytes());
    bytes.extend([2, 0, 16, 0]);
    bytes.extend(b"data");
    bytes.extend(size.to_le_bytes());
    for x in signal {
        let whole = (32_767.0 * x.clamp(-1.0, 1.0)).round() as i16;
        bytes.extend(whole.to_le_bytes());
    }
    format!("data:audio/wav;base64,{}", BASE64.encode(&bytes))
}

/// The spectrogram of a sound at [`RATE_HZ`] as a PNG, in an address that holds all of it.
///
/// # Errors
/// If it cannot be encoded.
pub fn spectrogram(signal: &[f32]) -> Result<String, WriteError> {
    let mut padded = vec![0.0; WINDOW / 2];
    padded.extend(signal);
    padded.resize(padded.len() + WINDOW / 2, 0.0);
    let (mut spectrum, mut bins) = (Spectrum::new(WINDOW), vec![0.0; WINDOW / 2 + 1]);
    let mut columns: Vec<[f32; ROWS]> = Vec::new();
    for frame in padded.windows(WINDOW).step_by(STEP) {
        spectrum.magnitudes(frame, &mut bins);
        let db = |n: usize| 20.0 * bins[2 * n].max(bins[2 * n + 1]).max(1e-6).log10();
        columns.push(std::array::from_fn(db));
    }
    let loudest = columns.iter().flatten().copied().fold(-60.0, f32::max);
    let mut pixels = Vec::with_capacity(3 * ROWS * columns.len());
    for row in (0..ROWS).rev() {
        for column in &columns {
            pixels.extend(shade(1.0 + (column[row] - loudest) / RANGE_DB));
        }
    }
    let mut png = Vec::new();
    let failed = |error: png::EncodingError| WriteError::Encoder(error.to_string());
    let mut encoder = png::Encoder::new(&mut png, columns.len() as u32, ROWS as u32);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(failed)?;
    writer.write_image_data(&pixels).map_err(failed)?;
    writer.finish().map_err(failed)?;
    Ok(format!("data:image/png;base64,{}", BASE64.encode(&png)))
}

/// The colour of a level, 0 (quiet) to 1.
fn shade(level: f32) -> [u8; 3] {
    let at = level.clamp(0.0, 1.0) * (SHADES.len() - 1) as f32;
    let below = (at as usize).min(SHADES.len() - 2);
    let share = at - below as f32;
    let (a, b) = (SHADES[below], SHADES[below + 1]);
    std::array::from_fn(|n| (a[n] + share * (b[n] - a[n])) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sine(hz: f32) -> Vec<f32> {
        let turn = std::f32::consts::TAU * hz / RATE_HZ as f32;
        (0..8_000).map(|n| 0.5 * (turn * n as f32).sin()).collect()
    }

    fn bytes(address: &str, kind: &str) -> Vec<u8> {
        let data = address.strip_prefix(kind).unwrap();
        BASE64.decode(data.as_bytes()).unwrap()
    }

    #[test]
    fn a_sound_is_a_wav_that_others_read() {
        let mut signal = sine(440.0);
        signal[7] = 3.0;
        let bytes = bytes(&wav(&signal), "data:audio/wav;base64,");
        let mut reader = hound::WavReader::new(&bytes[..]).unwrap();
        let spec = reader.spec();
        assert_eq!((spec.channels, spec.sample_rate), (1, RATE_HZ));
        let found: Vec<i16> = reader.samples().map(Result::unwrap).collect();
        assert_eq!((found.len(), found[7]), (8_000, 32_767));
        assert!((f32::from(found[100]) / 32_767.0 - signal[100]).abs() < 1e-4);
    }

    #[test]
    fn a_picture_is_bright_where_the_sound_is() {
        let bytes = bytes(
            &spectrogram(&sine(2_000.0)).unwrap(),
            "data:image/png;base64,",
        );
        let decoder = png::Decoder::new(std::io::Cursor::new(bytes));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (51, ROWS as u32));
        let bright = |row: usize| u32::from(pixels[3 * (row * 51 + 25)]);
        // 2 kHz is a quarter of the way up.
        let brightest = (0..ROWS).max_by_key(|row| bright(*row)).unwrap();
        assert!(brightest.abs_diff(3 * ROWS / 4) <= 1, "{brightest}");
        assert!(bright(ROWS / 4) < 60);
        assert!(spectrogram(&[]).is_ok());
    }
}
