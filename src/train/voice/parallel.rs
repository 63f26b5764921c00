//! Sentences that several people have said. A network that hears one of them and is told what
//! another sounded like learns to convert, not only to repeat.
//!
//! Nobody speaks as fast as somebody else, so it is found first which frame of one recording is
//! which of the other: the way through both along which they differ least (Sakoe & Chiba, "Dynamic
//! programming algorithm optimization for spoken word recognition", 1978). What is compared is what
//! an encoder hears in them: cepstra of two people who say the same differ hardly less than those of
//! two who do not, and nothing would show where somebody has said something else.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use candle_core::{Device, Result, Tensor};

use super::clip::Clip;
use super::network::Network;
use crate::model::ddsp::features::BANDS as MELS;
use crate::train::ops::{shared, values};

/// A frame that the other has not said, or said otherwise.
pub const NOWHERE: u32 = u32::MAX;
/// Frames over which the difference is averaged before it is judged: a syllable.
const SYLLABLE: usize = 20;
/// Where content is farther apart than this on average, something else is said, or the way is lost:
/// 1 less the cosine, which is .3 for the same words and .55 along the best way through others.
const SAME: f32 = 0.42;
/// Fewer frames in common teach nothing.
const LEAST: usize = 50;

/// What somebody else has said as a clip says it.
#[derive(Clone, Debug, PartialEq)]
pub struct Other {
    /// Which of the others' clips.
    pub clip: usize,
    /// For each frame of the clip the frame of the other's, or [`NOWHERE`].
    pub frames: Vec<u32>,
}

/// For each clip what others have said as it does.
#[derive(Clone, Debug, Default)]
pub struct Parallel(Vec<Vec<Other>>);

/// The clips of one recording, in their order.
type Recordings<'a> = BTreeMap<&'a Path, Vec<usize>>;

fn recordings(clips: &[Clip]) -> Recordings<'_> {
    let mut found = Recordings::new();
    for (n, clip) in clips.iter().enumerate() {
        found.entry(&clip.file).or_default().push(n);
    }
    for numbers in found.values_mut() {
        numbers.sort_by(|a, b| clips[*a].start_s.total_cmp(&clips[*b].start_s));
    }
    found
}

impl Parallel {
    /// What of `others` says the same as some of `clips`, by what is said in each file. Both may
    /// be the same clips: nobody is their own other.
    ///
    /// # Errors
    /// If memory is short.
    pub fn find(
        clips: &[Clip],
        others: &[Clip],
        texts: &BTreeMap<PathBuf, String>,
        network: &Network,
    ) -> Result<Self> {
        let theirs = recordings(others);
        let mut by_text: BTreeMap<&str, Vec<&[usize]>> = BTreeMap::new();
        for (file, numbers) in &theirs {
            if let Some(text) = texts.get(*file) {
                by_text.entry(text).or_default().push(numbers);
            }
        }
        let (mut jobs, mut wanted) = (Vec::new(), BTreeMap::new());
        for (file, ours) in recordings(clips) {
            let same = texts.get(file).and_then(|text| by_text.get(text.as_str()));
            for theirs in same.into_iter().flatten() {
                if clips[ours[0]].speaker != others[theirs[0]].speaker {
                    jobs.push((ours.clone(), *theirs));
                    for (clips, numbers) in [(clips, ours.as_slice()), (others, theirs)] {
                        let file = clips[numbers[0]].file.as_path();
                        wanted.entry(file).or_insert((clips, numbers.to_vec()));
                    }
                }
            }
        }
        let heard = shared(wanted.into_iter().collect(), |(file, (clips, numbers))| {
            contents(clips, &numbers, network).map(|contents| (file, contents))
        });
        let heard: BTreeMap<&Path, Contents> = heard.into_iter().collect::<Result<_>>()?;
        let pairs = shared(jobs, |(a, b)| {
            let of = |clip: &Clip| &heard[clip.file.as_path()];
            let way = warp(of(&clips[a[0]]), of(&others[b[0]]));
            pair((clips, &a), (others, b), way)
        });
        let mut found = Self(vec![Vec::new(); clips.len()]);
        for (clip, other) in pairs.into_iter().flatten() {
            found.0[clip].push(other);
        }
        Ok(found)
    }

    /// What others have said as this clip does.
    pub fn of(&self, clip: usize) -> &[Other] {
        self.0.get(clip).map_or(&[], Vec::as_slice)
    }

    /// Frames of clips that somebody else has said, too; each counts once for each of them.
    pub fn frames(&self) -> usize {
        let said = |other: &Other| other.frames.iter().filter(|n| **n != NOWHERE).count();
        self.0.iter().flatten().map(said).sum()
    }
}

/// A frame of a recording: which clip, and which of its frames.
fn places(clips: &[Clip], numbers: &[usize]) -> Vec<(usize, u32)> {
    let of = |n: &usize| {
        let n = *n;
        (0..clips[n].frames() as u32).map(move |frame| (n, frame))
    };
    numbers.iter().flat_map(of).collect()
}

/// What two recordings have in common, by clips of the first, along a way through both.
fn pair(
    (clips, ours): (&[Clip], &[usize]),
    (others, theirs): (&[Clip], &[usize]),
    way: Vec<u32>,
) -> Vec<(usize, Other)> {
    let (a, b) = (places(clips, ours), places(others, theirs));
    let mut found: BTreeMap<(usize, usize), Vec<u32>> = BTreeMap::new();
    for ((clip, frame), there) in a.into_iter().zip(way) {
        let Some((other, at)) = b.get(there as usize) else {
            continue;
        };
        let frames = found
            .entry((clip, *other))
            .or_insert_with(|| vec![NOWHERE; clips[clip].frames()]);
        frames[frame as usize] = *at;
    }
    found
        .into_iter()
        .filter(|(_, frames)| LEAST <= frames.iter().filter(|n| **n != NOWHERE).count())
        .map(|((clip, other), frames)| {
            (
                clip,
                Other {
                    clip: other,
                    frames,
                },
            )
        })
        .collect()
}

/// What is heard in each frame of a recording, less the mean, of length 1.
struct Contents {
    width: usize,
    rows: Vec<f32>,
}

/// What is heard in one recording.
fn contents(clips: &[Clip], numbers: &[usize], network: &Network) -> Result<Contents> {
    let (mut rows, mut width) = (Vec::new(), 1);
    for n in numbers {
        let clip = &clips[*n];
        let mel = Tensor::from_slice(&clip.mel, (1, clip.frames(), MELS), &Device::Cpu)?;
        let content = network.encode(&mel)?;
        width = content.dim(2)?;
        rows.extend(values(&content)?);
    }
    let mut found = Contents { width, rows };
    let count = found.len().max(1) as f32;
    for k in 0..width {
        let mean = found.rows.iter().skip(k).step_by(width).sum::<f32>() / count;
        found
            .rows
            .iter_mut()
            .skip(k)
            .step_by(width)
            .for_each(|x| *x -= mean);
    }
    for row in found.rows.chunks_exact_mut(width) {
        let length = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
        row.iter_mut().for_each(|x| *x /= length);
    }
    Ok(found)
}

impl Contents {
    fn len(&self) -> usize {
        self.rows.len() / self.width
    }

    fn row(&self, n: usize) -> &[f32] {
        &self.rows[n * self.width..][..self.width]
    }
}

/// 1 less the cosine of the angle between them. Sums go on side by side: this is what aligning takes
/// its time for.
fn far(a: &[f32], b: &[f32]) -> f32 {
    let (a, rest_a) = a.as_chunks::<8>();
    let (b, rest_b) = b.as_chunks::<8>();
    let mut sums = [0.0; 8];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f32 = rest_a.iter().zip(rest_b).map(|(a, b)| a * b).sum();
    1.0 - (sums.iter().sum::<f32>() + rest)
}

/// For each frame of `a` the frame of `b` that says the same, or [`NOWHERE`]; it never goes back.
fn warp(a: &Contents, b: &Contents) -> Vec<u32> {
    if a.len() == 0 || b.len() == 0 {
        return vec![NOWHERE; a.len()];
    }
    // Where the best way to each pair of frames comes from: both, the one of `a`, the one of `b`.
    let mut from = vec![0u8; a.len() * b.len()];
    let mut last = vec![f32::INFINITY; b.len() + 1];
    let mut next = last.clone();
    last[0] = 0.0;
    for (i, from) in from.chunks_exact_mut(b.len()).enumerate() {
        let x = a.row(i);
        next[0] = f32::INFINITY;
        for j in 0..b.len() {
            let here = far(x, b.row(j));
            // A step along both is as long as two along one.
            let ways = [last[j] + 2.0 * here, last[j + 1] + here, next[j] + here];
            let (mut best, mut way) = (ways[0], 0);
            for (n, cost) in ways.into_iter().enumerate().skip(1) {
                if cost < best {
                    (best, way) = (cost, n as u8);
                }
            }
            (next[j + 1], from[j]) = (best, way);
        }
        std::mem::swap(&mut last, &mut next);
        // Only the first pair begins at no cost.
        last[0] = f32::INFINITY;
    }
    // Back from the end: first and last partner of each frame.
    let mut partners = vec![(u32::MAX, 0u32); a.len()];
    let (mut i, mut j) = (a.len() - 1, b.len() - 1);
    loop {
        let (first, last) = &mut partners[i];
        (*first, *last) = ((*first).min(j as u32), (*last).max(j as u32));
        match from[i * b.len() + j] {
            0 if i == 0 || j == 0 => break,
            0 => (i, j) = (i - 1, j - 1),
            1 => i -= 1,
            _ => j -= 1,
        }
    }
    let middle = partners
        .iter()
        .map(|(first, last)| u32::midpoint(*first, *last));
    let middle: Vec<u32> = middle.collect();
    let costs: Vec<f32> = (0..a.len())
        .zip(&middle)
        .map(|(i, j)| far(a.row(i), b.row(*j as usize)))
        .collect();
    let judged = middle.iter().enumerate().map(|(i, j)| {
        let around = i.saturating_sub(SYLLABLE / 2)..(i + SYLLABLE / 2).min(costs.len());
        let mean = costs[around.clone()].iter().sum::<f32>() / around.len().max(1) as f32;
        if mean <= SAME { *j } else { NOWHERE }
    });
    judged.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::random::Random;

    /// Rows of length 1 that have nothing to do with each other.
    fn contents(random: &mut Random, count: usize) -> Contents {
        let width = 12;
        let mut rows: Vec<f32> = (0..count * width).map(|_| random.normal() as f32).collect();
        for row in rows.chunks_exact_mut(width) {
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            row.iter_mut().for_each(|x| *x /= length);
        }
        Contents { width, rows }
    }

    /// The same at other times, not quite.
    fn said_again(random: &mut Random, of: &Contents, frames: &[usize]) -> Contents {
        let mut rows: Vec<f32> = frames.iter().flat_map(|n| of.row(*n)).copied().collect();
        for row in rows.chunks_exact_mut(of.width) {
            row.iter_mut()
                .for_each(|x| *x += 0.1 * random.normal() as f32);
            let length = row.iter().map(|x| x * x).sum::<f32>().sqrt();
            row.iter_mut().for_each(|x| *x /= length);
        }
        Contents {
            width: of.width,
            rows,
        }
    }

    #[test]
    fn the_way_is_found_at_another_speed() {
        let mut random = Random::new(5);
        let a = contents(&mut random, 200);
        // Twice as slow, then as fast.
        let frames: Vec<usize> = (0..120).map(|n| n / 2).chain(60..200).collect();
        let b = said_again(&mut random, &a, &frames);
        for (n, there) in warp(&b, &a).into_iter().enumerate() {
            assert!(there.abs_diff(frames[n] as u32) <= 1, "{n}: {there}");
        }
        for (n, there) in warp(&a, &b).into_iter().enumerate() {
            assert!(frames[there as usize].abs_diff(n) <= 1, "{n}: {there}");
        }
    }

    #[test]
    fn where_something_else_is_said_there_is_no_way() {
        let mut random = Random::new(6);
        let a = contents(&mut random, 300);
        let mut b = said_again(&mut random, &a, &(0..300).collect::<Vec<_>>());
        let other = contents(&mut random, 100);
        b.rows[100 * a.width..200 * a.width].copy_from_slice(&other.rows);
        let way = warp(&a, &b);
        // The mean over a syllable blurs the ends.
        for (n, there) in way.iter().enumerate() {
            let same = !(90..210).contains(&n);
            match same {
                true => assert!(there.abs_diff(n as u32) <= 1, "{n}: {there}"),
                false if (110..190).contains(&n) => assert_eq!(*there, NOWHERE, "{n}"),
                false => {}
            }
        }
        let nothing = Contents {
            width: a.width,
            rows: Vec::new(),
        };
        assert!(warp(&nothing, &a).is_empty());
        assert_eq!(warp(&a, &nothing), vec![NOWHERE; 300]);
    }

    #[test]
    fn frames_are_found_in_the_clips_that_have_them() {
        let clip = |file: &str, start_s, frames| Clip {
            f0_hz: vec![0.0; frames],
            file: file.into(),
            start_s,
            ..Clip::default()
        };
        // One recording in two clips, out of order, and one whole.
        let ours = [clip("a", 2.0, 60), clip("a", 0.0, 70)];
        let theirs = [clip("b", 0.0, 130)];
        assert_eq!(recordings(&ours)[Path::new("a")], [1, 0]);
        let way: Vec<u32> = (0..130).map(|n| if n < 30 { NOWHERE } else { n }).collect();
        let found = pair((&ours, &[1, 0]), (&theirs, &[0]), way.clone());
        // Of the first clip too little is left.
        assert_eq!(found.len(), 1);
        let (clip, other) = &found[0];
        assert_eq!((*clip, other.clip), (0, 0));
        assert_eq!(other.frames, (70..130).collect::<Vec<u32>>());
        // And the other way round: the frames of each count from its own beginning.
        let found = pair((&theirs, &[0]), (&ours, &[1, 0]), way);
        let (_, other) = found.iter().find(|(_, other)| other.clip == 0).unwrap();
        assert_eq!(other.frames[..70], [NOWHERE; 70]);
        assert_eq!(other.frames[70..], (0..60).collect::<Vec<u32>>()[..]);
    }
}
