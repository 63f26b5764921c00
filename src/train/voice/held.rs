//! Stretches that are kept out of a training, to hear and to measure what it makes of words that it
//! has not learnt.

use super::clip::Clip;

/// The share of the material that is held out, one in so many frames.
const SHARE: usize = 20;
/// Nothing is held out of less than this: 30 s are little enough.
const LEAST: usize = 3_000;
/// Frames of a stretch: short enough to be listened to, long enough for some words.
const STRETCH: usize = 350;
/// The most stretches of one voice: two minutes of a long training say no more than half a one.
pub const MOST: usize = 8;
/// Frames between the places that are looked at for a stretch with much voice in it.
const STEP: usize = 50;
/// What is left of a clip before or after a stretch is of use from so many frames on.
const REST: usize = 50;

/// Takes about one in [`SHARE`] frames out of the clips, in stretches spread over all of them; none
/// of 30 s or less, and no more than so many stretches. The same clips give the same stretches.
pub fn hold_out(clips: &mut Vec<Clip>, most: usize) -> Vec<Clip> {
    let total: usize = clips.iter().map(Clip::frames).sum();
    if total <= LEAST {
        return Vec::new();
    }
    let count = (total / SHARE).div_ceil(STRETCH).clamp(1, most.max(1));
    let mut held = Vec::new();
    for part in 0..count {
        // Clips are cut as it goes on, so places are counted in what is left.
        let left: usize = clips.iter().map(Clip::frames).sum();
        let place = |n: usize| left * n / count;
        let Some((clip, first)) = best(clips, place(part)..place(part + 1)) else {
            continue;
        };
        let whole = clips.remove(clip);
        let end = (first + STRETCH).min(whole.frames());
        held.push(whole.cut(first..end));
        let rests = [0..first, end..whole.frames()];
        let rests = rests.into_iter().filter(|rest| REST <= rest.len());
        clips.splice(clip..clip, rests.map(|rest| whole.cut(rest)));
    }
    held
}

/// The clip and its frame with the most voice in the stretch that begins there, among those that
/// begin within these frames of all clips. `None` where there is no voice.
fn best(clips: &[Clip], within: std::ops::Range<usize>) -> Option<(usize, usize)> {
    let mut found = (0, None);
    let mut before = 0;
    for (n, clip) in clips.iter().enumerate() {
        let last = clip.frames().saturating_sub(STRETCH);
        for first in (0..=last).step_by(STEP) {
            if !within.contains(&(before + first)) {
                continue;
            }
            let stretch = clip.f0_hz[first..].iter().take(STRETCH);
            let voiced = stretch.filter(|hz| 0.0 < **hz).count();
            if found.0 < voiced {
                found = (voiced, Some((n, first)));
            }
        }
        before += clip.frames();
    }
    found.1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ddsp::features::BANDS as MELS;
    use crate::model::ddsp::grid::BANDS;

    /// Voiced in every second second; every frame is marked with its number from `from` on.
    fn clip(from: usize, frames: usize) -> Clip {
        let numbers = || (from..from + frames).map(|n| n as f32);
        Clip {
            mel: numbers().flat_map(|n| [n; MELS]).collect(),
            f0_hz: (from..from + frames)
                .map(|n| if n / 100 % 2 == 0 { 100.0 } else { 0.0 })
                .collect(),
            ln_power: numbers().flat_map(|n| [n; BANDS]).collect(),
            noise: vec![0.1; frames * BANDS],
            start_s: 0.01 * from as f64,
            ..Clip::default()
        }
    }

    fn numbers(clips: &[Clip]) -> Vec<usize> {
        let firsts = clips.iter().flat_map(|clip| clip.mel.chunks(MELS));
        firsts.map(|mel| mel[0] as usize).collect()
    }

    #[test]
    fn a_share_is_held_out_and_nothing_is_in_both() {
        // Frames of each clip; stretches, and frames of them.
        let table: [(&[usize], usize, usize); 5] = [
            (&[1_000, 2_000], 0, 0),
            (&[3_100], 1, 350),
            (&[300; 12], 1, 300),
            (&[9_000, 200, 9_000], 3, 1_050),
            (&[60_000], 8, 2_800),
        ];
        for (sizes, stretches, frames) in table {
            let mut from = 0;
            let mut clips: Vec<Clip> = sizes
                .iter()
                .map(|size| {
                    from += size;
                    clip(from - size, *size)
                })
                .collect();
            let held = hold_out(&mut clips, MOST);
            assert_eq!(held.len(), stretches, "{sizes:?}");
            let (out, left) = (numbers(&held), numbers(&clips));
            assert_eq!(out.len(), frames, "{sizes:?}");
            assert!(out.iter().all(|n| !left.contains(n)), "{sizes:?}");
            // But for rests too short to be of use, all is there.
            assert!(
                from <= out.len() + left.len() + 2 * REST * stretches,
                "{sizes:?}"
            );
            for clip in held.iter().chain(&clips) {
                let first = clip.mel[0];
                assert!((clip.start_s - 0.01 * f64::from(first)).abs() < 1e-6);
                assert_eq!(clip.ln_power.len(), clip.frames() * BANDS);
            }
            let voiced = held
                .iter()
                .flat_map(|clip| &clip.f0_hz)
                .filter(|hz| 0.0 < **hz);
            assert!(out.len() <= 2 * voiced.count(), "{sizes:?}");
        }
    }

    #[test]
    fn where_there_is_no_voice_nothing_is_held_out() {
        let mut clips = vec![clip(0, 4_000)];
        clips[0].f0_hz.fill(0.0);
        assert_eq!(hold_out(&mut clips, MOST), []);
        assert_eq!(clips.len(), 1);
    }
}
