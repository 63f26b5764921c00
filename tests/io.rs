//! Audio files: what is written is read back, what is broken is refused with a reason, and
//! nothing is left behind.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;

use autovoice::io::{
    AudioReader, AudioWriter, BitDepth, Container, Damage, Existing, OutputSpec, ReadError,
    WriteError, Written,
};
use std::fs;
use std::path::{Path, PathBuf};
use tones::{Noise, fixture, names_in, signal, write_float_wav, write_integer_wav};

fn write(path: &Path, spec: OutputSpec, audio: &[Vec<f32>]) -> Result<Written, WriteError> {
    let mut writer = AudioWriter::create(path, spec, Existing::Keep)?;
    // Uneven blocks, so that block borders of file formats and of callers do not meet.
    let mut at = 0;
    for block in [1, 100, 5_000, 7].into_iter().cycle() {
        let end = (at + block).min(audio[0].len());
        let slices: Vec<&[f32]> = audio.iter().map(|channel| &channel[at..end]).collect();
        writer.write(&slices)?;
        at = end;
        if at == audio[0].len() {
            return writer.finish();
        }
    }
    unreachable!()
}

fn read_in_blocks(path: &Path, damage: Damage, block: usize) -> Result<Vec<Vec<f32>>, ReadError> {
    let mut reader = AudioReader::open(path, damage)?;
    let channels = reader.info().channels;
    let mut audio = vec![Vec::new(); channels];
    let mut buffer = vec![vec![0.0; block]; channels];
    loop {
        let mut slices: Vec<&mut [f32]> = buffer.iter_mut().map(Vec::as_mut_slice).collect();
        let read = reader.read(&mut slices)?;
        if read == 0 {
            return Ok(audio);
        }
        for (all, new) in audio.iter_mut().zip(&buffer) {
            all.extend_from_slice(&new[..read]);
        }
    }
}

fn read(path: &Path) -> Result<Vec<Vec<f32>>, ReadError> {
    read_in_blocks(path, Damage::Refuse, 1_000)
}

fn spec(container: Container, depth: BitDepth, rate_hz: u32, channels: usize) -> OutputSpec {
    OutputSpec {
        container,
        depth,
        rate_hz,
        channels,
    }
}

const KINDS: [(Container, BitDepth); 5] = [
    (Container::Wav, BitDepth::Int16),
    (Container::Wav, BitDepth::Int24),
    (Container::Wav, BitDepth::Float32),
    (Container::Flac, BitDepth::Int16),
    (Container::Flac, BitDepth::Int24),
];

#[test]
fn what_is_written_is_read_back_bit_for_bit() {
    let folder = tempfile::tempdir().unwrap();
    for (kind, (container, depth)) in KINDS.into_iter().enumerate() {
        for channels in [1, 2] {
            // Around the FLAC block of 4,096 and its shortest last block.
            for frames in [
                1, 2, 14, 15, 16, 31, 4_095, 4_096, 4_097, 4_111, 4_112, 20_000,
            ] {
                let audio = signal(channels, frames, u32::from(depth.bits()), frames as u64);
                let name = format!("{kind}-{channels}-{frames}.{}", container.extension());
                let path = folder.path().join(name);
                let spec = spec(container, depth, 44_100, channels);
                let written = write(&path, spec, &audio).unwrap();
                assert_eq!(written.frames, frames as u64);
                assert_eq!(written.clipped_samples, 0);
                assert_eq!(read(&path).unwrap(), audio, "{spec:?}, {frames} frames");
                let reader = AudioReader::open(&path, Damage::Refuse).unwrap();
                assert_eq!(reader.info().frames, Some(frames as u64), "{spec:?}");
                assert_eq!(reader.info().depth, Some(depth), "{spec:?}");
            }
        }
    }
}

#[test]
fn every_rate_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let audio = signal(2, 9_000, 16, 1);
    for rate_hz in [
        8_000, 11_025, 16_000, 22_050, 32_000, 37_801, 44_100, 48_000, 88_200, 96_000, 176_400,
        192_000,
    ] {
        for container in Container::ALL {
            let name = format!("{rate_hz}.{}", container.extension());
            let path = folder.path().join(name);
            write(&path, spec(container, BitDepth::Int16, rate_hz, 2), &audio).unwrap();
            let reader = AudioReader::open(&path, Damage::Refuse).unwrap();
            assert_eq!(reader.info().rate_hz, rate_hz, "{container:?}");
            assert_eq!(read(&path).unwrap(), audio, "{container:?} at {rate_hz}");
        }
    }
}

#[test]
fn blocks_of_any_size_give_the_same_samples() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.flac");
    let audio = signal(2, 10_000, 24, 5);
    write(
        &path,
        spec(Container::Flac, BitDepth::Int24, 48_000, 2),
        &audio,
    )
    .unwrap();
    for block in [1, 7, 4_096, 9_999, 10_000, 100_000] {
        let got = read_in_blocks(&path, Damage::Refuse, block).unwrap();
        assert!(got == audio, "block of {block}");
    }
}

#[test]
fn integers_clip_and_count_and_floats_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let audio = vec![vec![0.5, 1.0, -1.0, 1.5, -1.5, 1e30]];
    for (kind, (container, depth)) in KINDS.into_iter().enumerate() {
        let path = folder
            .path()
            .join(format!("{kind}.{}", container.extension()));
        let written = write(&path, spec(container, depth, 44_100, 1), &audio).unwrap();
        let got = read(&path).unwrap();
        if depth == BitDepth::Float32 {
            assert_eq!(written.clipped_samples, 0);
            assert_eq!(got, audio);
        } else {
            // 1.0 is one step above the highest integer; -1.0 is the lowest.
            assert_eq!(written.clipped_samples, 4, "{container:?} {depth:?}");
            let top = 1.0
                - 1.0 / f32::from(1u16 << 15) / if depth == BitDepth::Int24 { 256.0 } else { 1.0 };
            assert_eq!(got, [[0.5, top, -1.0, top, -1.0, top]]);
        }
    }
}

#[test]
fn integer_wavs_of_every_width_are_read() {
    let folder = tempfile::tempdir().unwrap();
    for (bits, samples, expected, depth) in [
        (8, vec![-128, 0, 64], vec![-1.0, 0.0, 0.5], BitDepth::Int16),
        (
            16,
            vec![-32_768, 0, 16_384],
            vec![-1.0, 0.0, 0.5],
            BitDepth::Int16,
        ),
        (
            24,
            vec![-8_388_608, 1, 4_194_304],
            vec![-1.0, 1.0 / 8_388_608.0, 0.5],
            BitDepth::Int24,
        ),
        (
            32,
            vec![i32::MIN, 0, 1 << 30],
            vec![-1.0, 0.0, 0.5],
            BitDepth::Float32,
        ),
    ] {
        let path = folder.path().join(format!("{bits}.wav"));
        write_integer_wav(&path, 48_000, bits, 1, &samples);
        let reader = AudioReader::open(&path, Damage::Refuse).unwrap();
        assert_eq!(reader.info().depth, Some(depth), "{bits} bits");
        assert_eq!(read(&path).unwrap(), [expected], "{bits} bits");
    }
}

#[test]
fn samples_that_are_no_numbers_are_cleaned_and_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("nan.wav");
    write_float_wav(
        &path,
        48_000,
        &[vec![0.25, f32::NAN, f32::INFINITY, -0.5, f32::NEG_INFINITY]],
    );
    let mut reader = AudioReader::open(&path, Damage::Refuse).unwrap();
    let mut block = [1.0; 5];
    assert_eq!(reader.read(&mut [&mut block]).unwrap(), 5);
    assert_eq!(block, [0.25, 0.0, 0.0, -0.5, 0.0]);
    assert_eq!(reader.non_finite_samples(), 3);
}

#[test]
fn samples_that_are_no_numbers_are_not_written() {
    let folder = tempfile::tempdir().unwrap();
    for (container, depth) in KINDS {
        let path = folder.path().join("out");
        let spec = spec(container, depth, 48_000, 1);
        let error = write(&path, spec, &[vec![0.0, 0.0, f32::NAN]]).unwrap_err();
        assert!(
            matches!(error, WriteError::NotFinite { frame: 2, .. }),
            "{error}"
        );
        assert_eq!(names_in(folder.path()), [""; 0], "{container:?}");
    }
}

#[test]
fn lossy_fixtures_keep_their_length_and_place() {
    let expected = tones::fixture_tone();
    for (name, channels, tolerance) in [
        ("tone_mono.mp3", 1, 0.06),
        ("tone_stereo.mp3", 2, 0.04),
        ("tone_stereo.ogg", 2, 0.03),
    ] {
        let audio = read(&fixture(name)).unwrap();
        assert_eq!(audio.len(), channels, "{name}");
        assert_eq!(audio[0].len(), expected.len(), "{name}");
        assert_eq!(tones::lag(&expected, &audio[0], 20), 0, "{name}");
        let worst = expected
            .iter()
            .zip(&audio[0])
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst < tolerance, "{name}: {worst}");
        let reader = AudioReader::open(&fixture(name), Damage::Refuse).unwrap();
        assert_eq!(reader.info().depth, None, "{name}");
        assert_eq!(reader.info().rate_hz, tones::FIXTURE_RATE_HZ);
    }
}

/// Bytes of the frame at the start of an MP3: up to the next that looks like its successor.
fn first_frame_bytes(mp3: &[u8]) -> usize {
    let starts = |window: &[u8]| window[0] == 0xff && window[1] == mp3[1] && window[3] == mp3[3];
    4 + mp3[4..].windows(4).position(starts).unwrap()
}

#[test]
fn an_mp3_without_its_encoders_tag_is_read_to_the_end() {
    // Its length can only be guessed, and the guess is far off for this one.
    let folder = tempfile::tempdir().unwrap();
    let expected = tones::fixture_tone();
    for name in ["tone_mono.mp3", "tone_stereo.mp3"] {
        let bytes = fs::read(fixture(name)).unwrap();
        let path = folder.path().join(name);
        fs::write(&path, &bytes[first_frame_bytes(&bytes)..]).unwrap();
        let audio = read(&path).unwrap();
        assert_eq!(audio[0].len() % 1_152, 0, "{name}: whole MPEG frames");
        // The delay of the encoder and of the decoder: LAME's usual 576 and 529.
        assert_eq!(tones::lag(&expected, &audio[0], 2_000), 576 + 529, "{name}");
        assert!(expected.len() + 1_105 <= audio[0].len(), "{name}");
    }
}

#[test]
fn tags_around_an_mp3_do_not_matter() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tagged.mp3");
    let mut bytes = b"ID3\x04\0\0\0\0\x07\x68".to_vec();
    bytes.resize(10 + 7 * 128 + 0x68, 0);
    bytes.extend(fs::read(fixture("tone_mono.mp3")).unwrap());
    bytes.extend(b"TAG");
    bytes.resize(bytes.len() + 125, 0);
    fs::write(&path, bytes).unwrap();
    assert!(read(&path).unwrap() == read(&fixture("tone_mono.mp3")).unwrap());
}

#[test]
fn shared_recordings_have_the_length_their_headers_state() {
    let Some(folder) = tones::shared("audio") else {
        return;
    };
    let mut files = 0;
    for name in names_in(&folder) {
        if !(name.ends_with(".wav") || name.ends_with(".flac")) {
            continue;
        }
        let path = folder.join(&name);
        let stated = AudioReader::open(&path, Damage::Refuse)
            .unwrap()
            .info()
            .frames;
        let audio = read(&path).unwrap();
        assert_eq!(stated, Some(audio[0].len() as u64), "{name}");
        files += 1;
    }
    assert!(
        files > 10,
        "only {files} recordings in {}",
        folder.display()
    );
}

/// A file for the tests below: a valid one of each kind that is read.
fn samples(folder: &Path) -> Vec<PathBuf> {
    let audio = signal(2, 12_000, 16, 3);
    let mut paths: Vec<PathBuf> = Container::ALL
        .into_iter()
        .map(|container| {
            let path = folder.join(format!("valid.{}", container.extension()));
            write(&path, spec(container, BitDepth::Int16, 44_100, 2), &audio).unwrap();
            path
        })
        .collect();
    for name in ["tone_mono.mp3", "tone_stereo.mp3", "tone_stereo.ogg"] {
        paths.push(fixture(name));
    }
    paths
}

#[test]
fn what_is_no_audio_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let six = folder.path().join("six.wav");
    write_integer_wav(&six, 48_000, 16, 6, &[0; 600]);
    let no_frames = folder.path().join("no_frames.wav");
    write_integer_wav(&no_frames, 48_000, 16, 1, &[]);
    for (path, expected) in [
        (folder.path().join("missing.wav"), "readable file"),
        (folder.path().to_owned(), "found something else"),
        (file("empty.wav", b""), "found an empty file"),
        (file("text.wav", b"dear diary, today I sang"), "found text"),
        (file("noise.wav", &[0x5a; 4_000]), "found text"),
        (file("zeros.wav", &[0; 4_000]), "found unknown binary data"),
        (
            file("picture.flac", b"\x89PNG\r\n\x1a\n0000000000"),
            "found a PNG image",
        ),
        (
            file("memo.m4a", b"\0\0\0\x20ftypM4A \0\0\0\0M4A mp42"),
            "found an MP4/M4A file",
        ),
        (
            file("riff.wav", b"RIFF\x04\0\0\0WAVE"),
            "found a RIFF file without",
        ),
        (
            file("short.flac", b"fLaC\0\0\0\x22"),
            "found a damaged FLAC",
        ),
        (fixture("tone_opus.ogg"), "found Opus audio"),
        (six, "expected 1 or 2 channels, found 6"),
        (no_frames, "found a file without a single frame"),
    ] {
        let error = read(&path).expect_err(&path.display().to_string());
        let text = error.to_string();
        assert!(text.contains(expected), "{}: {text}", path.display());
        assert!(
            text.contains("expected") && text.contains("found"),
            "{text}"
        );
        assert!(!error.remedy().is_empty());
    }
}

#[test]
#[cfg(unix)]
fn a_pipe_is_refused_without_waiting_for_it() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe.wav");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    assert!(matches!(read(&pipe), Err(ReadError::NotAFile)));
}

#[test]
fn truncated_files_are_refused_or_salvaged() {
    let folder = tempfile::tempdir().unwrap();
    let audio = signal(2, 12_000, 16, 3);
    let mp3 = fs::read(fixture("tone_stereo.mp3")).unwrap();
    let cut = folder.path().join("cut.mp3");
    fs::write(&cut, &mp3[..mp3.len() / 2]).unwrap();
    let error = read(&cut).unwrap_err();
    assert!(
        matches!(
            error,
            ReadError::Truncated {
                expected: 30_000,
                ..
            }
        ),
        "{error}"
    );

    for path in samples(folder.path()).into_iter().take(2) {
        let bytes = fs::read(&path).unwrap();
        let cut = folder.path().join("cut");
        fs::write(&cut, &bytes[..bytes.len() * 6 / 10]).unwrap();
        let error = read(&cut).unwrap_err();
        let ReadError::Truncated { expected, got } = error else {
            panic!("{}: {error}", path.display());
        };
        assert_eq!(expected, 12_000, "{}", path.display());
        assert!((2_000..9_000).contains(&got), "{}: {got}", path.display());
        let salvaged = read_in_blocks(&cut, Damage::Patch, 1_000).unwrap();
        assert!(salvaged[0].len() >= 4_000, "{}", path.display());
        for (all, kept) in audio.iter().zip(&salvaged) {
            let count = kept.len();
            assert!(kept[..count.min(4_000)] == all[..count.min(4_000)]);
        }
    }
}

#[test]
fn a_damaged_flac_is_refused_or_patched_in_place() {
    let folder = tempfile::tempdir().unwrap();
    let audio = signal(1, 40_000, 16, 8);
    let path = folder.path().join("a.flac");
    write(
        &path,
        spec(Container::Flac, BitDepth::Int16, 44_100, 1),
        &audio,
    )
    .unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 40].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    let error = read(&path).unwrap_err();
    assert!(matches!(error, ReadError::Damaged { .. }), "{error}");
    let patched = read_in_blocks(&path, Damage::Patch, 512).unwrap();
    assert_eq!(patched[0].len(), 40_000);
    // One block of 4,096 is lost or wrong, all others are where they were.
    let differing = (0..40_000)
        .filter(|&i| patched[0][i] != audio[0][i])
        .count();
    assert!((1..=2 * 4_096).contains(&differing), "{differing}");
    assert!(patched[0][30_000..] == audio[0][30_000..]);
}

#[test]
fn truncated_and_mutated_files_never_panic_and_stay_finite() {
    let folder = tempfile::tempdir().unwrap();
    let mut noise = Noise::new(11);
    let path = folder.path().join("broken");
    let mut errors = 0;
    let mut tries = 0;
    for valid in samples(folder.path()) {
        let bytes = fs::read(&valid).unwrap();
        for round in 0..120 {
            let mut broken = bytes.clone();
            match round % 3 {
                0 => broken.truncate(noise.below(bytes.len())),
                // The header decides most, so it gets its own share.
                1 => {
                    for _ in 0..1 + noise.below(4) {
                        let at = noise.below(bytes.len().min(200));
                        broken[at] = noise.next() as u8;
                    }
                }
                _ => {
                    for _ in 0..1 + noise.below(30) {
                        let at = noise.below(bytes.len());
                        broken[at] ^= 1 << noise.below(8);
                    }
                }
            }
            fs::write(&path, &broken).unwrap();
            for damage in [Damage::Refuse, Damage::Patch] {
                tries += 1;
                match read_in_blocks(&path, damage, 777) {
                    Ok(audio) => {
                        assert!(audio.iter().flatten().all(|sample| sample.is_finite()));
                    }
                    Err(error) => {
                        errors += 1;
                        assert!(error.to_string().contains("expected"), "{error}");
                    }
                }
            }
        }
    }
    assert!(errors > tries / 10, "{errors} of {tries} noticed");
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for (container, depth) in KINDS {
        let path = folder.path().join("out");
        let spec = spec(container, depth, 48_000, 1);
        let mut writer = AudioWriter::create(&path, spec, Existing::Keep).unwrap();
        writer.write(&[&[0.1; 10_000]]).unwrap();
        assert_eq!(names_in(folder.path()).len(), 1, "one temporary file");
        assert!(!path.exists());
        drop(writer);
        assert_eq!(names_in(folder.path()), [""; 0], "{container:?}");
    }
}

#[test]
fn existing_files_are_kept_or_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.wav");
    let spec = spec(Container::Wav, BitDepth::Int16, 48_000, 1);
    fs::write(&path, b"precious").unwrap();
    let error = write(&path, spec, &[vec![0.0]]).unwrap_err();
    assert!(matches!(error, WriteError::Exists), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"precious");

    // It may also turn up while we write.
    let late = folder.path().join("late.wav");
    let mut writer = AudioWriter::create(&late, spec, Existing::Keep).unwrap();
    writer.write(&[&[0.0]]).unwrap();
    fs::write(&late, b"precious").unwrap();
    assert!(matches!(writer.finish(), Err(WriteError::Exists)));
    assert_eq!(fs::read(&late).unwrap(), b"precious");

    let mut writer = AudioWriter::create(&path, spec, Existing::Replace).unwrap();
    writer.write(&[&[0.5]]).unwrap();
    assert_eq!(
        fs::read(&path).unwrap(),
        b"precious",
        "until it is complete"
    );
    writer.finish().unwrap();
    assert_eq!(read(&path).unwrap(), [[0.5]]);
    assert_eq!(names_in(folder.path()), ["a.wav", "late.wav"]);
}

#[test]
fn impossible_outputs_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let valid = spec(Container::Wav, BitDepth::Int16, 48_000, 1);
    let float_flac = spec(Container::Flac, BitDepth::Float32, 48_000, 1);
    let surround = OutputSpec {
        channels: 6,
        ..valid
    };
    let nowhere = folder.path().join("missing/a.wav");
    let fine = folder.path().join("a.wav");
    for (path, spec, expected) in [
        (&nowhere, valid, "writable place"),
        (&fine, float_flac, "16 or 24 bits"),
        (&fine, surround, "1 or 2 channels"),
    ] {
        let Err(error) = AudioWriter::create(path, spec, Existing::Keep) else {
            panic!("{spec:?}");
        };
        assert!(error.to_string().contains(expected), "{error}");
        assert!(!error.remedy().is_empty());
    }
    assert_eq!(names_in(folder.path()), [""; 0]);
}

#[test]
#[cfg(unix)]
fn outputs_get_ordinary_permissions() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let plain = folder.path().join("plain");
    fs::write(&plain, b"").unwrap();
    let path = folder.path().join("a.wav");
    write(
        &path,
        spec(Container::Wav, BitDepth::Int16, 48_000, 1),
        &[vec![0.0]],
    )
    .unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&plain));
}
