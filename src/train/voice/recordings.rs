//! Recordings as training takes them: read, looked at, and cut where nobody speaks. Files that
//! cannot be read are named and left out.

use std::path::{Path, PathBuf};

use crate::io::{AudioReader, Damage};

/// Endings of the files that are read.
const ENDINGS: [&str; 4] = ["wav", "flac", "ogg", "mp3"];
/// Pauses longer than this are cut out, but for so much at both ends, in seconds.
const PAUSE_S: f64 = 0.6;
const KEPT_S: f64 = 0.2;
/// Shorter stretches of speech are left out, in seconds.
const SHORTEST_S: f64 = 0.4;
/// Rates that are taken, in Hz.
const RATES_HZ: std::ops::RangeInclusive<u32> = 16_000..=192_000;
/// The longest file, in seconds: all of it is in memory while it is looked at.
const LONGEST_S: f64 = 3_600.0;
/// Speech stands out from the background at least so far where all is well, in dB.
const CLEAR_DB: f64 = 30.0;
/// Speech whose louder tenth is below this is too quiet, in dB of full scale.
const QUIET_DB: f64 = -46.0;
/// Share of clipped samples that is heard.
const CLIPPED: f64 = 1e-4;
/// Samples at least so large may have been cut off.
const FULL_SCALE: f32 = 0.98;

/// A recording, one channel.
#[derive(Clone, Debug)]
pub struct Recording {
    /// Rate in Hz.
    pub rate_hz: u32,
    /// Samples; full scale is 1.
    pub signal: Vec<f32>,
}

/// A stretch of speech: its first frame and the one after its last.
pub type Stretch = std::ops::Range<usize>;

/// What was found in a recording.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// Where somebody speaks.
    pub speech: Vec<Stretch>,
    /// How far speech stands out from the background, in dB.
    pub clear_db: f64,
    /// Level of the louder tenth, in dB of full scale.
    pub level_db: f64,
    /// Share of samples that are cut off.
    pub clipped: f64,
}

/// Something of a recording that should be better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Peaks are cut off.
    Clipped,
    /// Noise or reverberation lies close below the voice.
    Noisy,
    /// The voice is so quiet that the converter's noise is near.
    Quiet,
    /// There is no voice.
    Silent,
}

impl Findings {
    /// What should be better, the worst first.
    #[must_use]
    pub fn flaws(&self) -> Vec<Flaw> {
        if self.speech.is_empty() {
            return vec![Flaw::Silent];
        }
        let all = [
            (Flaw::Clipped, CLIPPED < self.clipped),
            (Flaw::Quiet, self.level_db < QUIET_DB),
            (Flaw::Noisy, self.clear_db < CLEAR_DB),
        ];
        let found = all.into_iter().filter(|(_, is_so)| *is_so);
        found.map(|(flaw, _)| flaw).collect()
    }
}

/// Audio files in and below folders, in the order of their names.
pub fn audio_files(folders: &[PathBuf]) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for folder in folders {
        collect(folder, 8, &mut files);
    }
    files.sort();
    files.dedup();
    files
}

fn collect(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.filter_map(Result::ok).map(|entry| entry.path()) {
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or("");
        if path.is_dir() && 0 < depth {
            collect(&path, depth - 1, files);
        } else if ENDINGS.contains(&ending.to_ascii_lowercase().as_str()) {
            files.push(path);
        }
    }
}

/// Who speaks, where nothing else says it: the file's name before its first `-`.
pub fn speaker(path: &Path) -> String {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    stem.split('-').next().unwrap_or_default().to_owned()
}

impl Recording {
    /// Reads a file; two channels become their mean.
    ///
    /// # Errors
    /// What is wrong with it and what to do, in words.
    pub fn read(path: &Path) -> Result<Self, String> {
        let wrong = |error: crate::io::ReadError| format!("{error}; {}", error.remedy());
        let mut reader = AudioReader::open(path, Damage::Patch).map_err(wrong)?;
        let (rate_hz, count) = (reader.info().rate_hz, reader.info().channels);
        if !RATES_HZ.contains(&rate_hz) {
            return Err(format!(
                "expected a rate of {} to {} Hz, found {rate_hz} Hz; record at 44100 or 48000 Hz",
                RATES_HZ.start(),
                RATES_HZ.end()
            ));
        }
        let most = (LONGEST_S * f64::from(rate_hz)) as usize;
        let mut block = vec![vec![0.0; 1 << 14]; count];
        let mut signal: Vec<f32> = Vec::new();
        while signal.len() < most {
            let mut slices: Vec<&mut [f32]> = block.iter_mut().map(Vec::as_mut_slice).collect();
            let frames = reader.read(&mut slices).map_err(wrong)?;
            if frames == 0 {
                break;
            }
            let mean = |n: usize| block.iter().map(|x| x[n]).sum::<f32>() / count as f32;
            signal.extend(
                (0..frames)
                    .map(mean)
                    .map(|x| if x.is_finite() { x } else { 0.0 }),
            );
        }
        Ok(Self { rate_hz, signal })
    }

    /// Where somebody speaks, and how well that is recorded.
    #[must_use]
    pub fn look(&self) -> Findings {
        let hop = (self.rate_hz / 100).max(1) as usize;
        let levels: Vec<f64> = self.signal.chunks(hop).map(level_db).collect();
        let mut sorted = levels.clone();
        sorted.sort_by(f64::total_cmp);
        let quantile = |share: f64| sorted.get((share * sorted.len() as f64) as usize).copied();
        let (Some(quiet), Some(loud)) = (quantile(0.05), quantile(0.9)) else {
            return Findings::default();
        };
        // A recording without pauses has no background to compare with.
        let threshold = (loud - 45.0).max((quiet + 8.0).min(loud - 20.0));
        let speaks: Vec<bool> = levels.iter().map(|level| threshold <= *level).collect();
        let speech = stretches(&speaks).into_iter();
        let end = self.signal.len();
        let speech = speech
            .map(|s| s.start * hop..(s.end * hop).min(end))
            .collect();
        let run = |window: &[f32]| {
            let x = window[1];
            FULL_SCALE <= x.abs() && (x == window[0] || x == window[2])
        };
        let clipped = self.signal.windows(3).filter(|window| run(window)).count();
        Findings {
            speech,
            clear_db: loud - quiet.max(loud - 90.0),
            level_db: loud,
            clipped: clipped as f64 / end.max(1) as f64,
        }
    }
}

fn level_db(frame: &[f32]) -> f64 {
    let squares: f64 = frame.iter().map(|x| f64::from(x * x)).sum();
    10.0 * (squares / frame.len().max(1) as f64 + 1e-12).log10()
}

/// Stretches of speech in hops of 10 ms: pauses that are long are cut out.
fn stretches(speaks: &[bool]) -> Vec<Stretch> {
    let (pause, kept) = ((100.0 * PAUSE_S) as usize, (100.0 * KEPT_S) as usize);
    let mut found: Vec<Stretch> = Vec::new();
    for (hop, _) in speaks.iter().enumerate().filter(|(_, speaks)| **speaks) {
        match found.last_mut() {
            Some(last) if hop < last.end + pause => last.end = hop + 1,
            _ => found.push(hop..hop + 1),
        }
    }
    found.retain(|s| (100.0 * SHORTEST_S) as usize <= s.len());
    for s in &mut found {
        *s = s.start.saturating_sub(kept)..(s.end + kept).min(speaks.len());
    }
    found
}

/// What to do about recordings, in words: nothing where all is well.
pub fn advice(all: &[(PathBuf, Findings)], speech_s: f64) -> Vec<String> {
    let named = |flaw: Flaw| {
        let bad: Vec<&Path> = all
            .iter()
            .filter(|(_, found)| found.flaws().contains(&flaw))
            .map(|(path, _)| path.as_path())
            .collect();
        bad.first().map(|first| {
            let name = first.file_name().unwrap_or_default().to_string_lossy();
            match bad.len() {
                1 => name.into_owned(),
                n => format!("{name} and {} more", n - 1),
            }
        })
    };
    let mut advice = Vec::new();
    if let Some(files) = named(Flaw::Clipped) {
        advice.push(format!(
            "{files}: the signal is cut off at its peaks; record it again at a lower gain"
        ));
    }
    if let Some(files) = named(Flaw::Noisy) {
        advice.push(format!(
            "{files}: noise or reverberation lies less than {CLEAR_DB} dB below the voice; \
             record in a quiet, furnished room, close to the microphone"
        ));
    }
    if let Some(files) = named(Flaw::Quiet) {
        advice.push(format!(
            "{files}: the voice is very quiet; come closer to the microphone or turn up its gain"
        ));
    }
    if let Some(files) = named(Flaw::Silent) {
        advice.push(format!(
            "{files}: no voice was found; check what was recorded"
        ));
    }
    if speech_s < 60.0 {
        advice.push(format!(
            "{speech_s:.0} s of voice is little: from one minute on it gets good, \
             three to ten minutes are best"
        ));
    }
    advice
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Noise of so many dB, each for so many seconds, at 16 kHz.
    fn recording(parts: &[(f64, f64)]) -> Recording {
        let mut random = crate::train::random::Random::new(2);
        let mut signal = Vec::new();
        for (db, seconds) in parts {
            let gain = 10f32.powf(*db as f32 / 20.0);
            signal.extend((0..(seconds * 16_000.0) as usize).map(|_| gain * random.white()));
        }
        Recording {
            rate_hz: 16_000,
            signal,
        }
    }

    #[test]
    fn it_is_cut_where_nobody_speaks() {
        let (loud, quiet) = (-20.0, -70.0);
        type Pairs<'a> = &'a [(f64, f64)];
        let table: [(Pairs, Pairs); 4] = [
            (&[(loud, 2.0)], &[(0.0, 2.0)]),
            (&[(quiet, 1.0), (loud, 2.0), (quiet, 1.0)], &[(0.8, 3.2)]),
            // A short pause stays, a long one does not.
            (&[(loud, 2.0), (quiet, 0.4), (loud, 1.0)], &[(0.0, 3.4)]),
            (
                &[(loud, 2.0), (quiet, 1.0), (loud, 1.0)],
                &[(0.0, 2.2), (2.8, 4.0)],
            ),
        ];
        for (parts, wanted) in table {
            let found = recording(parts).look().speech;
            let found: Vec<(f64, f64)> = found
                .iter()
                .map(|s| (s.start as f64 / 16e3, s.end as f64 / 16e3))
                .collect();
            assert_eq!(found.len(), wanted.len(), "{parts:?}: {found:?}");
            for (found, wanted) in found.iter().zip(wanted) {
                let far = (found.0 - wanted.0).abs() + (found.1 - wanted.1).abs();
                assert!(far < 0.03, "{parts:?}: {found:?}");
            }
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_to_do() {
        let good = recording(&[(-20.0, 3.0), (-70.0, 1.0)]);
        let noisy = recording(&[(-20.0, 3.0), (-40.0, 1.0)]);
        let silent = recording(&[]);
        let quiet = recording(&[(-55.0, 3.0), (-95.0, 1.0)]);
        let mut clipped = good.clone();
        clipped
            .signal
            .iter_mut()
            .for_each(|x| *x = (20.0 * *x).clamp(-1.0, 1.0));
        for (recording, seconds, wanted) in [
            (&good, 100.0, ""),
            (&good, 10.0, "10 s of voice is little"),
            (&noisy, 100.0, "quiet, furnished room"),
            (&silent, 100.0, "no voice was found"),
            (&quiet, 100.0, "turn up its gain"),
            (&clipped, 100.0, "lower gain"),
        ] {
            let advice = advice(&[(PathBuf::from("a.wav"), recording.look())], seconds);
            assert_eq!(advice.len(), usize::from(!wanted.is_empty()), "{advice:?}");
            assert!(
                advice.iter().all(|line| line.contains(wanted)),
                "{advice:?}"
            );
        }
        assert_eq!(speaker(Path::new("x/103-1240-0000.ogg")), "103");
    }

    #[test]
    fn unreadable_files_say_why() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        std::fs::write(&path, b"nothing of the kind").unwrap();
        let error = Recording::read(&path).unwrap_err();
        assert!(error.contains("expected WAV"), "{error}");
        assert_eq!(audio_files(&[folder.path().to_owned()]), [path]);
    }
}
