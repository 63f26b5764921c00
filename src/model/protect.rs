//! Consonants and breaths spared: where there is no pitch, converted features give way to those
//! that were sung. Any thread; no files.

/// The protection from which on nothing is protected.
pub const PROTECT_OFF: f32 = 0.5;

/// Draws the frames of `converted [frames, dim]` without pitch (0 Hz) back to `original`, the
/// features before retrieval: `protect * converted + (1 - protect) * original`. From
/// [`PROTECT_OFF`] on nothing changes. Real-time safe.
///
/// # Panics
/// If there are other numbers of frames than pitches.
pub fn protect(converted: &mut [f32], original: &[f32], pitch_hz: &[f32], protect: f32) {
    assert_eq!(converted.len(), original.len(), "as many features of each");
    if PROTECT_OFF <= protect || pitch_hz.is_empty() {
        return;
    }
    let dim = converted.len() / pitch_hz.len();
    assert_eq!(converted.len(), dim * pitch_hz.len(), "a pitch per frame");
    if dim == 0 {
        return;
    }
    let protect = protect.max(0.0);
    let frames = converted.chunks_exact_mut(dim);
    for ((converted, original), pitch_hz) in frames.zip(original.chunks_exact(dim)).zip(pitch_hz) {
        if 0.0 < *pitch_hz {
            continue;
        }
        for (converted, original) in converted.iter_mut().zip(original) {
            *converted = protect * *converted + (1.0 - protect) * original;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_without_pitch_are_drawn_back() {
        // Two values a frame; the second frame has no pitch.
        let (converted, original, pitch) = ([1.0, 2.0, 3.0, 4.0], [5.0; 4], [110.0, 0.0]);
        for (strength, expected) in [
            (0.0, [1.0, 2.0, 5.0, 5.0]),
            (0.25, [1.0, 2.0, 4.5, 4.75]),
            (0.5, converted),
            (0.9, converted),
            (-1.0, [1.0, 2.0, 5.0, 5.0]),
        ] {
            let mut got = converted;
            protect(&mut got, &original, &pitch, strength);
            assert_eq!(got, expected, "{strength}");
        }
        protect(&mut [], &[], &[], 0.1);
    }

    #[test]
    fn other_numbers_of_frames_are_refused() {
        for (original, pitches) in [(3, 2), (4, 3)] {
            let refused = std::panic::catch_unwind(|| {
                protect(
                    &mut [0.0; 4],
                    &vec![0.0; original],
                    &vec![0.0; pitches],
                    0.1,
                );
            });
            assert!(refused.is_err(), "{original}, {pitches}");
        }
    }
}
