//! The tracker on signals with known pitch.

use super::{PitchFrame, PitchTracker, Yin};
use crate::pitch::VoiceRange;

/// A pulse-like voice: falling harmonics in phase up to 4 kHz.
fn voice(rate_hz: u32, seconds: f64, pitch_hz: impl Fn(f64) -> f64) -> Vec<f32> {
    let rate = f64::from(rate_hz);
    let mut phase = 0.0f64;
    (0..(seconds * rate) as usize)
        .map(|i| {
            let hz = pitch_hz(i as f64 / rate);
            phase += hz / rate;
            let highest = (4_000.0f64.min(0.45 * rate) / hz) as u32;
            let sum: f64 = (1..=highest.max(1))
                .map(|k| (std::f64::consts::TAU * f64::from(k) * phase).cos() / f64::from(k))
                .sum();
            (0.2 * sum) as f32
        })
        .collect()
}

fn noise(frames: usize) -> impl Iterator<Item = f32> {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    (0..frames).map(move |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32
    })
}

fn follow(rate_hz: u32, range: VoiceRange, signal: &[f32]) -> Vec<PitchFrame> {
    let mut tracker = Yin::new(rate_hz, range.lowest_hz());
    signal.iter().filter_map(|x| tracker.push(*x)).collect()
}

#[test]
fn steady_pitch_is_found_within_a_cent_in_every_range_and_at_every_rate() {
    for rate_hz in [8_000, 16_000, 44_100, 48_000, 96_000, 192_000] {
        for range in VoiceRange::ALL {
            for octaves in [0.02, 0.7, 1.4, 2.2] {
                let hz = f64::from(range.lowest_hz()) * f64::exp2(octaves);
                let frames = follow(rate_hz, range, &voice(rate_hz, 0.25, |_| hz));
                // At low rates a short period is a handful of frames.
                let most = if rate_hz < 20_000 { 8.0 } else { 1.0 };
                for frame in &frames[frames.len() / 2..] {
                    assert!(frame.voiced, "{hz} Hz at {rate_hz}");
                    let cents = 1200.0 * (hz / f64::from(frame.f0_hz)).log2();
                    assert!(cents.abs() < most, "{hz} Hz at {rate_hz}: {cents} ct");
                }
            }
        }
    }
}

#[test]
fn every_pitch_from_50_to_1500_hz_is_found_in_the_lowest_range() {
    for rate_hz in [16_000, 44_100, 48_000] {
        for hz in [50.5, 81.0, 173.0, 391.0, 822.0, 1_240.0, 1_480.0] {
            let mut tracker = Yin::new(rate_hz, 50.0);
            let signal = voice(rate_hz, 0.4, |_| hz);
            let frames: Vec<_> = signal.iter().filter_map(|x| tracker.push(*x)).collect();
            // 1,500 Hz at 16 kHz is a period of eleven frames.
            for frame in &frames[frames.len() / 2..] {
                assert!(frame.voiced, "{hz} Hz at {rate_hz}");
                let cents = 1200.0 * (hz / f64::from(frame.f0_hz)).log2();
                assert!(cents.abs() < 8.0, "{hz} Hz at {rate_hz}: {cents} ct");
            }
        }
    }
}

#[test]
fn the_delay_is_one_and_a_half_periods_of_50_hz_at_most() {
    for rate_hz in [8_000, 16_000, 44_100, 48_000, 192_000] {
        let delay = Yin::new(rate_hz, 50.0).lookahead() as f64 / f64::from(rate_hz);
        assert!(delay <= 1.5 / 50.0, "{rate_hz}: {delay} s");
    }
}

#[test]
fn confidence_says_what_is_voiced() {
    let rate_hz = 48_000;
    let clean = voice(rate_hz, 2.0, |t| 150.0 * (0.3 * t).exp2());
    let noisy: Vec<f32> = clean
        .iter()
        .zip(noise(clean.len()))
        .enumerate()
        .map(|(i, (x, n))| {
            if i / 12_000 % 2 == 0 {
                x + 0.1 * n
            } else {
                0.1 * n
            }
        })
        .collect();
    let threshold = Yin::new(rate_hz, 80.0).threshold();
    let frames = follow(rate_hz, VoiceRange::Low, &noisy);
    for frame in &frames {
        assert_eq!(frame.voiced, threshold <= frame.confidence, "{frame:?}");
        assert!((0.0..=1.0).contains(&frame.confidence));
    }
    let voiced = frames.iter().filter(|frame| frame.voiced).count();
    assert!((0.45..0.55).contains(&(voiced as f64 / frames.len() as f64)));
}

#[test]
fn what_is_no_signal_does_not_stay() {
    let mut tracker = Yin::new(48_000, 80.0);
    for broken in [f32::NAN, f32::INFINITY, f32::MAX, -1e30] {
        tracker.push(broken);
    }
    let signal = voice(48_000, 0.3, |_| 150.0);
    let frames: Vec<_> = signal.iter().filter_map(|x| tracker.push(*x)).collect();
    let last = frames.last().expect("frames");
    assert!(last.voiced && (last.f0_hz - 150.0).abs() < 0.2, "{last:?}");
}

#[test]
fn a_clear_voice_is_believed_wherever_it_goes() {
    // From a clear octave to another, and on in steps that no glide would make.
    let rate_hz = 48_000;
    let notes = [200.0, 400.0, 100.0, 300.0, 90.0];
    let frames = follow(
        rate_hz,
        VoiceRange::Low,
        &voice(rate_hz, 1.0, |t| notes[((5.0 * t) as usize).min(4)]),
    );
    for frame in &frames {
        let since = frame.at / f64::from(rate_hz) % 0.2;
        let wanted = notes[((5.0 * frame.at / f64::from(rate_hz)) as usize).min(4)];
        let cents = 1200.0 * (wanted / f64::from(frame.f0_hz)).log2();
        assert!(
            !(0.045..0.17).contains(&since) || frame.voiced && cents.abs() < 10.0,
            "{wanted} Hz after {since} s: {frame:?}"
        );
    }
}

#[test]
fn a_glide_is_followed_at_the_instant_it_claims() {
    let rate_hz = 48_000;
    let pitch = |t: f64| 120.0 * f64::exp2(1.5 * t);
    let frames = follow(rate_hz, VoiceRange::Low, &voice(rate_hz, 1.0, pitch));
    for frame in frames.iter().skip(60) {
        let wanted = pitch(frame.f0_at / f64::from(rate_hz));
        let cents = 1200.0 * (wanted / f64::from(frame.f0_hz)).log2();
        assert!(cents.abs() < 5.0, "{wanted} Hz: {cents} ct");
    }
}

#[test]
fn there_is_no_octave_error_at_10_db_of_noise() {
    let rate_hz = 48_000;
    for (range, hz) in [
        (VoiceRange::Low, 90.0),
        (VoiceRange::Low, 400.0),
        (VoiceRange::High, 700.0),
    ] {
        let clean = voice(rate_hz, 2.0, |t| hz * (0.03 * (30.0 * t).sin()).exp2());
        let power = clean.iter().map(|x| x * x).sum::<f32>() / clean.len() as f32;
        // Uniform noise has a third of its peak as mean square.
        let gain = (0.1 * power * 3.0).sqrt();
        let noisy: Vec<f32> = clean
            .iter()
            .zip(noise(clean.len()))
            .map(|(x, n)| x + gain * n)
            .collect();
        let frames = follow(rate_hz, range, &noisy);
        let voiced: Vec<_> = frames.iter().skip(40).filter(|f| f.voiced).collect();
        assert!(0.95 * (frames.len() - 40) as f64 <= voiced.len() as f64);
        for frame in voiced {
            let cents = 1200.0 * (hz / f64::from(frame.f0_hz)).log2();
            assert!(cents.abs() < 100.0, "{hz} Hz: {cents} ct");
        }
    }
}

#[test]
fn noise_and_silence_have_no_voice() {
    for rate_hz in [16_000, 48_000] {
        for range in VoiceRange::ALL {
            let hiss: Vec<f32> = noise(3 * rate_hz as usize).collect();
            let frames = follow(rate_hz, range, &hiss);
            let voiced = frames.iter().filter(|f| f.voiced).count();
            assert!(
                voiced * 20 < frames.len(),
                "{range:?} at {rate_hz}: {voiced}"
            );
        }
    }
    let frames = follow(48_000, VoiceRange::Low, &[0.0; 48_000]);
    assert!(
        frames
            .iter()
            .all(|f| !f.voiced && f.f0_hz.is_finite() && 0.0 < f.f0_hz)
    );
}

#[test]
fn instants_are_in_order_equally_spaced_and_as_late_as_it_says() {
    for (rate_hz, range) in [
        (48_000, VoiceRange::Low),
        (44_100, VoiceRange::Soprano),
        (8_000, VoiceRange::Bass),
    ] {
        let mut tracker = Yin::new(rate_hz, range.lowest_hz());
        let delay = tracker.lookahead() as f64;
        let mut last: Option<(f64, f64)> = None;
        for (i, x) in voice(rate_hz, 0.5, |_| 200.0).iter().enumerate() {
            let Some(frame) = tracker.push(*x) else {
                continue;
            };
            assert!(i as f64 - delay <= frame.at && frame.at <= i as f64);
            if let Some((at, spacing)) = last {
                let now = frame.at - at;
                assert!(0.0 < now);
                assert!(spacing == 0.0 || (now - spacing).abs() < 1e-6);
                last = Some((frame.at, now));
            } else {
                last = Some((frame.at, 0.0));
            }
        }
        assert!(last.is_some());
    }
}

#[test]
fn after_a_reset_it_is_as_new() {
    let signal = voice(48_000, 0.3, |_| 150.0);
    let mut tracker = Yin::new(48_000, 80.0);
    let mut once = Vec::new();
    for pass in 0..2 {
        let frames: Vec<_> = signal.iter().filter_map(|x| tracker.push(*x)).collect();
        if pass == 1 {
            assert!(frames == once);
        }
        once = frames;
        tracker.reset();
    }
}
