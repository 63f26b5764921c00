//! The built `autovoice` command, run as a user runs it.

mod tones;

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tones::{fixture, names_in, read_float_wav, signal, write_float_wav, write_integer_wav};

/// A folder to work in and the command that runs there.
struct Desk(tempfile::TempDir);

struct Run {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Run {
    fn of(output: Output) -> Self {
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn expect(self, code: i32) -> Self {
        let Self { stdout, stderr, .. } = &self;
        assert_eq!(self.code, Some(code), "stdout: {stdout}\nstderr: {stderr}");
        self
    }

    #[track_caller]
    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).expect(&self.stdout)
    }
}

impl Desk {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_autovoice"));
        command
            .current_dir(self.0.path())
            .env("AUTOVOICE_HOME", self.path("home"));
        command
    }

    fn run(&self, arguments: &[&str]) -> Run {
        Run::of(self.command().args(arguments).output().unwrap())
    }

    /// `convert` with these words, parted by blanks.
    fn convert(&self, words: &str) -> Run {
        let words: Vec<&str> = words.split_whitespace().collect();
        self.run(&[&["convert"], words.as_slice()].concat())
    }

    fn float(&self, name: &str, rate_hz: u32, channels: usize, frames: usize) -> Vec<Vec<f32>> {
        let audio = signal(channels, frames, 24, frames as u64);
        write_float_wav(&self.path(name), rate_hz, &audio);
        audio
    }

    fn names(&self, folder: &str) -> Vec<String> {
        names_in(&self.path(folder))
    }
}

#[test]
fn the_dry_voice_comes_out_bit_for_bit() {
    let desk = Desk::new();
    for (rate_hz, channels) in [(44_100, 1), (48_000, 2), (96_000, 1), (8_000, 2)] {
        for frames in [1, 2, 100, 1_023, 1_024, 1_025, 30_000] {
            let audio = desk.float("in.wav", rate_hz, channels, frames);
            for range in ["bass", "low", "soprano"] {
                desk.convert(&format!(
                    "in.wav -o out.wav -f --mix 0 --pitch 5 --range {range}"
                ))
                .expect(0);
                let (rate_out_hz, got) = read_float_wav(&desk.path("out.wav"));
                assert_eq!(rate_out_hz, rate_hz);
                assert!(
                    got == audio,
                    "{frames} frames, {channels} at {rate_hz} Hz, {range}"
                );
            }
        }
    }
}

#[test]
fn a_neutral_conversion_is_the_input() {
    let desk = Desk::new();
    let audio = desk.float("in.wav", 48_000, 2, 20_000);
    desk.convert("in.wav -o out.wav").expect(0);
    let (_, got) = read_float_wav(&desk.path("out.wav"));
    assert_eq!(got[0].len(), 20_000);
    for (a, b) in audio.iter().flatten().zip(got.iter().flatten()) {
        assert!((a - b).abs() < 1e-5, "{a} became {b}");
    }
}

#[test]
fn every_conversion_keeps_the_length() {
    let desk = Desk::new();
    for frames in [1, 777, 20_000] {
        desk.float("in.wav", 44_100, 1, frames);
        for voice in [
            "--pitch 12 --formant -4",
            "--pitch -12 --key C#m --retune 0 --amount 0.5 --humanize 0.3 --tuning 432",
            "--formant=-6 --limiter --gate-db -60 --input-db -6 --output-db=+6",
        ] {
            let run = desk
                .convert(&format!("in.wav -o out.wav -f --json {voice}"))
                .expect(0);
            let (_, got) = read_float_wav(&desk.path("out.wav"));
            assert_eq!(got[0].len(), frames, "{voice}");
            assert!(got[0].iter().all(|sample| sample.is_finite()));
            assert_eq!(run.json()["files"][0]["frames"], frames);
        }
    }
}

#[test]
fn another_rate_keeps_length_and_place() {
    let desk = Desk::new();
    for (from_hz, to_hz) in [
        (44_100, 48_000),
        (48_000, 44_100),
        (48_000, 16_000),
        (22_050, 96_000),
    ] {
        let tone = |rate_hz: u32, frame: usize| {
            let t = frame as f64 / f64::from(rate_hz);
            (0.5 * (std::f64::consts::TAU * 440.0 * t).sin()) as f32
        };
        let frames = 20_000;
        let audio: Vec<f32> = (0..frames).map(|frame| tone(from_hz, frame)).collect();
        write_float_wav(&desk.path("in.wav"), from_hz, &[audio.clone(), audio]);
        desk.convert(&format!("in.wav -o out.wav -f --mix 0 --rate {to_hz}"))
            .expect(0);
        let (rate_hz, got) = read_float_wav(&desk.path("out.wav"));
        let expected = (frames as u64 * u64::from(to_hz)).div_ceil(u64::from(from_hz));
        assert_eq!(
            (rate_hz, got.len(), got[0].len() as u64),
            (to_hz, 2, expected)
        );
        // Away from the ends, where the filter sees silence beside the tone.
        let inner = 500..got[0].len() - 500;
        let worst = inner
            .map(|frame| (got[1][frame] - tone(to_hz, frame)).abs())
            .fold(0.0, f32::max);
        assert!(worst < 1e-3, "{from_hz} to {to_hz}: {worst}");
    }
}

#[test]
fn numbers_and_texts_are_understood() {
    let desk = Desk::new();
    desk.float("in.wav", 44_100, 1, 10);
    for (words, field, expected) in [
        (&["--pitch", "-5"][..], "pitch_semitones", Value::from(-5.0)),
        (&["--pitch=-5"], "pitch_semitones", Value::from(-5.0)),
        (
            &["--pitch", "+3 st 50 ct"],
            "pitch_semitones",
            Value::from(3.5),
        ),
        (
            &["--pitch", "-3 st 50 ct"],
            "pitch_semitones",
            Value::from(-3.5),
        ),
        (&["--formant", "-2"], "formant_semitones", Value::from(-2.0)),
        (&["--formant=+2"], "formant_semitones", Value::from(2.0)),
        (&["--range", "Soprano"], "range", Value::from("Soprano")),
        (
            &["--key", "A minor pentatonic"],
            "scale_notes",
            Value::from("C D E G A"),
        ),
        (&["--key", "chromatic"], "correct", Value::from(true)),
        (
            &["--scale-notes", "C,Eb,G"],
            "scale_notes",
            Value::from("C D# G"),
        ),
        (
            &["--scale-notes", "100000000001"],
            "scale_notes",
            Value::from("C B"),
        ),
        (&["--mix", "0.5"], "mix", Value::from(0.5)),
        (&[], "correct", Value::from(false)),
    ] {
        let command = ["convert", "in.wav", "-o", "out.wav", "-f", "--json"];
        let run = desk.run(&[&command, words].concat()).expect(0);
        assert_eq!(run.json()["settings"][field], expected, "{words:?}");
    }
}

#[test]
fn senseless_options_are_refused_before_anything_is_done() {
    let desk = Desk::new();
    desk.float("in.wav", 44_100, 1, 10);
    for (words, expected) in [
        ("--pitch 25", "expected -24 to 24, got 25"),
        ("--pitch high", "expected semitones"),
        ("--pitch --formant 2", "got \"--formant\""),
        ("--formant -13", "expected -12 to 12"),
        ("--key H", "expected a key and a scale"),
        ("--scale-notes H", "expected notes"),
        ("--key C --scale-notes C", "cannot be used with"),
        ("--retune 10", "required"),
        ("--key C --retune 500", "expected 0 to 400"),
        ("--key C --tuning 300", "expected 400 to 480"),
        ("--mix nan", "expected 0 to 1"),
        ("--range alto", "possible values: bass"),
        ("--rate 500", "8000..=192000"),
        ("--bits 20", "possible values: 16"),
        ("--gate-db 3", "expected -100 to 0"),
        ("--nonsense", "unexpected argument"),
    ] {
        let run = desk
            .convert(&format!("in.wav -o out.wav {words}"))
            .expect(2);
        assert!(run.stderr.contains(expected), "{words}: {}", run.stderr);
        assert_eq!(desk.names("."), ["in.wav"], "{words}");
    }
    desk.run(&[]).expect(2);
    desk.run(&["convert"]).expect(2);
    desk.run(&["sing"]).expect(2);
    let run = desk.run(&["--version"]).expect(0);
    assert_eq!(
        run.stdout.trim(),
        concat!("autovoice ", env!("CARGO_PKG_VERSION"))
    );
    let run = desk.run(&["convert", "--help"]).expect(0);
    assert!(run.stdout.contains("Exit codes"));
}

#[test]
fn formats_follow_the_name_and_the_input() {
    let desk = Desk::new();
    desk.float("float.wav", 44_100, 2, 5_000);
    write_integer_wav(&desk.path("16.wav"), 48_000, 16, 1, &[100; 5_000]);
    write_integer_wav(&desk.path("24.wav"), 48_000, 24, 1, &[100; 5_000]);
    let mp3 = fixture("tone_stereo.mp3").display().to_string();
    let ogg = fixture("tone_stereo.ogg").display().to_string();
    for (input, output, options, container, bits, frames) in [
        ("float.wav", "a.wav", "", "wav", "32f", 5_000),
        ("float.wav", "a.flac", "", "flac", "24", 5_000),
        ("float.wav", "a.flac", "--bits 32f", "flac", "24", 5_000),
        ("float.wav", "a.FLAC", "--bits 16", "flac", "16", 5_000),
        ("16.wav", "a.wav", "", "wav", "16", 5_000),
        ("16.wav", "a.flac", "", "flac", "16", 5_000),
        ("24.wav", "a.wav", "", "wav", "24", 5_000),
        ("24.wav", "a.wav", "--bits 32f", "wav", "32f", 5_000),
        (&mp3, "a.wav", "", "wav", "24", tones::FIXTURE_FRAMES),
        (&ogg, "a.flac", "", "flac", "24", tones::FIXTURE_FRAMES),
    ] {
        let run = desk
            .convert(&format!("{input} -o {output} -f --json {options}"))
            .expect(0);
        let file = &run.json()["files"][0];
        assert_eq!(file["container"], container, "{input} {output}");
        assert_eq!(file["bits"], bits, "{input} {output} {options}");
        assert_eq!(file["frames"], frames, "{input} {output}");
        let bytes = fs::read(desk.path(output)).unwrap();
        let mark: &[u8] = if container == "wav" { b"RIFF" } else { b"fLaC" };
        assert!(bytes.starts_with(mark), "{output}");
    }
    // What went in as 16 bits comes out as the same 16 bits.
    desk.convert("16.wav -o a.wav -f --mix 0").expect(0);
    let mut reader = hound::WavReader::open(desk.path("a.wav")).unwrap();
    assert!(reader.samples::<i32>().all(|sample| sample.unwrap() == 100));
}

#[test]
fn the_report_says_what_happened() {
    let desk = Desk::new();
    write_float_wav(
        &desk.path("in.wav"),
        48_000,
        &[vec![0.0, 0.5, -2.0, f32::NAN, 0.0, 0.25]],
    );
    let words = "in.wav -o out.wav --mix 0 --bits 16 --range high";
    let run = desk.convert(&format!("{words} --json")).expect(0);
    let report = run.json();
    let file = &report["files"][0];
    assert_eq!(report["converted"], 1);
    assert_eq!(report["failed"], 0);
    assert_eq!(file["ok"], true);
    assert_eq!(file["input"], "in.wav");
    assert_eq!(file["output"], "out.wav");
    assert_eq!(
        (&file["rate_hz"], &file["channels"]),
        (&Value::from(48_000), &Value::from(1))
    );
    assert_eq!(file["seconds"], 6.0 / 48_000.0);
    assert_eq!(file["peak_in"], 2.0);
    assert_eq!(file["peak_out"], 2.0);
    assert_eq!(file["clipped_samples"], 1);
    assert_eq!(file["non_finite_samples"], 1);
    assert!(file["x_real_time"].as_f64().unwrap() > 0.0);
    let latency = &file["latency"];
    let part = |name: &str| latency[name].as_u64().unwrap();
    let parts = ["misfit", "hop", "budget", "lookahead", "resampling"];
    let sum: u64 = parts
        .iter()
        .map(|name| part(&format!("{name}_frames")))
        .sum();
    assert_eq!(sum, part("total_frames"));
    // High: 1.5 periods of 160 Hz and 1 ms.
    let total_ms = latency["total_ms"].as_f64().unwrap();
    assert!((1.0..=10.4).contains(&total_ms), "{total_ms}");

    let run = desk.convert(&format!("{words} -f")).expect(0);
    assert!(run.stdout.contains("in.wav -> out.wav"), "{}", run.stdout);
    assert!(run.stdout.contains("1 samples clipped"), "{}", run.stdout);
    let run = desk.convert(&format!("{words} -f -q")).expect(0);
    assert_eq!((run.stdout, run.stderr), (String::new(), String::new()));
}

#[test]
fn existing_outputs_are_replaced_by_force_only() {
    let desk = Desk::new();
    desk.float("in.wav", 44_100, 1, 100);
    fs::write(desk.path("out.wav"), b"precious").unwrap();
    let run = desk.convert("in.wav -o out.wav").expect(1);
    assert!(run.stderr.contains("--force"), "{}", run.stderr);
    assert_eq!(fs::read(desk.path("out.wav")).unwrap(), b"precious");
    desk.convert("in.wav -o out.wav --force").expect(0);
    assert_eq!(read_float_wav(&desk.path("out.wav")).1[0].len(), 100);
    assert_eq!(desk.names("."), ["in.wav", "out.wav"]);
}

#[test]
fn an_input_is_never_overwritten() {
    let desk = Desk::new();
    desk.float("a.wav", 44_100, 1, 100);
    desk.float("b.wav", 44_100, 1, 100);
    let before = fs::read(desk.path("a.wav")).unwrap();
    let mut cases = vec![
        "a.wav -o a.wav",
        "a.wav -o ./a.wav",
        "a.wav b.wav -o .",
        ". -o .",
    ];
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("a.wav", desk.path("link.wav")).unwrap();
        fs::hard_link(desk.path("a.wav"), desk.path("hard.wav")).unwrap();
        cases.extend(["a.wav -o link.wav", "a.wav -o hard.wav"]);
    }
    for words in cases {
        let run = desk.convert(&format!("{words} --force")).expect(2);
        assert!(
            run.stderr.contains("apart from the inputs"),
            "{words}: {}",
            run.stderr
        );
        assert_eq!(fs::read(desk.path("a.wav")).unwrap(), before, "{words}");
    }
}

#[test]
fn several_files_go_into_a_folder() {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("takes/deep")).unwrap();
    for name in ["b.wav", "a.wav", ".hidden.wav", "deep/c.wav"] {
        desk.float(&format!("takes/{name}"), 44_100, 1, 50);
    }
    fs::write(desk.path("takes/notes.txt"), b"not audio").unwrap();
    fs::copy(fixture("tone_mono.mp3"), desk.path("takes/d.mp3")).unwrap();
    for (number, (words, expected)) in [
        ("takes/a.wav takes/b.wav", &["a.wav", "b.wav"][..]),
        ("takes", &["a.wav", "b.wav", "d.wav"]),
        ("takes/*.wav", &["a.wav", "b.wav"]),
        ("takes/**/*.wav", &["a.wav", "b.wav", "c.wav"]),
        ("takes/[a]*", &["a.wav"]),
        ("takes --recursive", &["a.wav", "b.wav", "d.wav", "deep"]),
        ("takes --format flac", &["a.flac", "b.flac", "d.flac"]),
        (
            "takes/a.wav takes/a.wav takes",
            &["a.wav", "b.wav", "d.wav"],
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let out = format!("out/{number}");
        desk.convert(&format!("{words} -o {out}")).expect(0);
        assert_eq!(desk.names(&out), expected, "{words}");
    }
    assert_eq!(desk.names("out/5/deep"), ["c.wav"]);
    // One file alone, into a folder: one that is there, and one that a slash makes.
    desk.convert("takes/a.wav -o out").expect(0);
    assert!(desk.path("out/a.wav").is_file());
    desk.convert("takes/a.wav -o new/").expect(0);
    assert_eq!(desk.names("new"), ["a.wav"]);
}

#[test]
fn requests_without_a_place_are_refused() {
    let desk = Desk::new();
    fs::create_dir_all(desk.path("x")).unwrap();
    fs::create_dir_all(desk.path("empty")).unwrap();
    for name in ["a.wav", "x/a.wav", "b.flac.wav"] {
        desk.float(name, 44_100, 1, 50);
    }
    fs::copy(fixture("tone_mono.mp3"), desk.path("a.mp3")).unwrap();
    for (words, code, expected) in [
        ("a.wav x/a.wav -o out", 2, "a name of its own"),
        ("a.wav a.mp3 -o out", 2, "a name of its own"),
        ("a.wav x/a.wav -o out.wav", 2, "expected a folder"),
        ("x -o out.flac", 2, "expected a folder"),
        ("a.wav -o out.mp3", 2, "named *.wav or *.flac"),
        ("a.wav -o out", 2, "named *.wav or *.flac"),
        ("a.wav -o out.wav --format flac", 2, "one output format"),
        ("[ -o out", 2, "expected a pattern"),
        ("missing.wav -o out.wav", 1, "found nothing at missing.wav"),
        ("*.aiff -o out", 1, "match *.aiff"),
        ("empty -o out", 1, "expected audio files in empty"),
    ] {
        let run = desk.convert(words).expect(code);
        assert!(run.stderr.contains(expected), "{words}: {}", run.stderr);
        assert!(run.stderr.contains("try: "), "{words}: {}", run.stderr);
        assert!(!desk.path("out").exists(), "{words}");
    }
    let run = desk.convert("empty -o out").expect(1);
    assert!(run.stderr.contains("--recursive"), "{}", run.stderr);
}

#[test]
fn a_broken_file_does_not_stop_the_others() {
    let desk = Desk::new();
    fs::create_dir(desk.path("in")).unwrap();
    desk.float("in/a.wav", 44_100, 1, 50_000);
    desk.float("in/c.wav", 44_100, 1, 100);
    fs::write(desk.path("in/b.wav"), b"dear diary").unwrap();
    let whole = fs::read(desk.path("in/a.wav")).unwrap();
    fs::write(desk.path("in/a2.wav"), &whole[..whole.len() / 2]).unwrap();
    write_integer_wav(&desk.path("in/six.wav"), 48_000, 16, 6, &[0; 60]);
    write_integer_wav(&desk.path("in/slow.wav"), 4_000, 16, 1, &[0; 60]);

    let run = desk.convert("in -o out --json").expect(1);
    let report = run.json();
    assert_eq!(
        (&report["converted"], &report["failed"]),
        (&Value::from(2), &Value::from(4))
    );
    let files = report["files"].as_array().unwrap();
    for (index, input, expected) in [
        (0, "in/a.wav", None),
        (1, "in/a2.wav", Some("cut short")),
        (2, "in/b.wav", Some("found text")),
        (3, "in/c.wav", None),
        (4, "in/six.wav", Some("1 or 2 channels, found 6")),
        (5, "in/slow.wav", Some("got 4000 Hz")),
    ] {
        let file = &files[index];
        assert_eq!(file["input"], input);
        assert_eq!(file["ok"], expected.is_none(), "{input}");
        if let Some(expected) = expected {
            let message = file["error"]["message"].as_str().unwrap();
            assert!(message.contains(expected), "{input}: {message}");
            assert!(!file["error"]["remedy"].as_str().unwrap().is_empty());
            assert!(run.stderr.contains(message));
        }
    }
    // Nothing half done is left, under any name.
    assert_eq!(desk.names("out"), ["a.wav", "c.wav"]);

    let run = desk
        .convert("in/a2.wav -o salvaged.wav --salvage --json")
        .expect(0);
    let frames = run.json()["files"][0]["frames"].as_u64().unwrap();
    assert!((20_000..=25_000).contains(&frames), "{frames}");
}

#[test]
fn a_place_that_may_not_be_written_is_an_error() {
    let desk = Desk::new();
    desk.float("in.wav", 44_100, 1, 10);
    fs::write(desk.path("file"), b"").unwrap();
    let run = desk.convert("in.wav -o file/out.wav").expect(1);
    assert!(
        run.stderr.contains("expected a folder at file"),
        "{}",
        run.stderr
    );
}

#[test]
fn the_same_input_gives_the_same_output() {
    let desk = Desk::new();
    desk.float("a.wav", 44_100, 2, 30_000);
    desk.float("b.wav", 48_000, 1, 30_000);
    let voice = "--pitch 4 --formant -2 --key C --retune 20";
    desk.convert(&format!("a.wav -o one.wav {voice}")).expect(0);
    desk.convert(&format!("b.wav a.wav -o batch {voice}"))
        .expect(0);
    let one = fs::read(desk.path("one.wav")).unwrap();
    assert!(one == fs::read(desk.path("batch/a.wav")).unwrap());
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_file_is_converted_in_little_memory() {
    const FRAMES: u64 = 24_000_000;
    const LIMIT_KIB: u64 = 64 * 1024;
    // In memory at once, as floats, it would not fit.
    const { assert!(FRAMES * 4 > LIMIT_KIB * 1024) };
    let desk = Desk::new();
    // The header of a long file, and a hole for its samples.
    let empty = desk.path("empty.wav");
    write_integer_wav(&empty, 48_000, 16, 1, &[]);
    let mut header = fs::read(&empty).unwrap();
    let data_bytes = (FRAMES * 2) as u32;
    let at = header.len() - 4;
    header[at..].copy_from_slice(&data_bytes.to_le_bytes());
    header[4..8].copy_from_slice(&(36 + data_bytes).to_le_bytes());
    fs::write(desk.path("long.wav"), &header).unwrap();
    let file = fs::File::options()
        .write(true)
        .open(desk.path("long.wav"))
        .unwrap();
    file.set_len(header.len() as u64 + u64::from(data_bytes))
        .unwrap();

    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit -v {LIMIT_KIB} && exec \"$0\" \"$@\""))
        .arg(env!("CARGO_BIN_EXE_autovoice"))
        .args(["convert", "long.wav", "-o", "long.flac", "--json"])
        .current_dir(desk.0.path())
        // Each arena of glibc's malloc would reserve as much as the limit.
        .env("MALLOC_ARENA_MAX", "1")
        .output()
        .unwrap();
    let run = Run::of(output).expect(0);
    assert_eq!(run.json()["files"][0]["frames"], FRAMES);
}

#[test]
#[cfg(unix)]
fn an_interrupted_conversion_leaves_nothing() {
    use std::io::Read as _;
    use std::process::Stdio;
    let desk = Desk::new();
    // A pipe that is never written to the end would be simpler, but inputs are files: one so long
    // that the signal always comes first.
    write_integer_wav(&desk.path("empty.wav"), 48_000, 16, 1, &[]);
    let mut header = fs::read(desk.path("empty.wav")).unwrap();
    let at = header.len() - 4;
    header[at..].copy_from_slice(&2_000_000_000u32.to_le_bytes());
    header[4..8].copy_from_slice(&2_000_000_036u32.to_le_bytes());
    fs::write(desk.path("long.wav"), &header).unwrap();
    let file = fs::File::options()
        .write(true)
        .open(desk.path("long.wav"))
        .unwrap();
    file.set_len(2_000_000_044).unwrap();
    desk.float("short.wav", 48_000, 1, 10);
    fs::create_dir(desk.path("out")).unwrap();

    let mut child = desk
        .command()
        .args(["convert", "short.wav", "long.wav", "-o", "out"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The line about the first file says that the second is next.
    let mut first = [0; 1];
    child
        .stdout
        .as_mut()
        .unwrap()
        .read_exact(&mut first)
        .unwrap();
    let signal = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(signal.success());
    let run = Run::of(child.wait_with_output().unwrap()).expect(130);
    assert!(run.stderr.contains("interrupted"), "{}", run.stderr);
    assert_eq!(desk.names("out"), ["short.wav"]);
}

#[test]
fn real_recordings_are_converted() {
    let Some(audio) = tones::shared("audio") else {
        return;
    };
    let desk = Desk::new();
    let recording = |name: &str| audio.join(name).display().to_string();
    let inputs = [
        recording("jfk_44k.flac"),
        recording("vctk_p225_003.wav"),
        recording("sms_singing_female_44k.wav"),
    ];
    let command = [
        "convert",
        "-o",
        "out",
        "--pitch",
        "4",
        "--formant",
        "-2",
        "--json",
    ];
    let mut words = command.to_vec();
    words.extend(inputs.iter().map(String::as_str));
    let run = desk.run(&words).expect(0);
    for (file, input) in run.json()["files"].as_array().unwrap().iter().zip(&inputs) {
        assert_eq!(file["input"], input.as_str());
        assert_eq!(file["frames"], file["input_frames"]);
        assert!(file["peak_out"].as_f64().unwrap() > 0.05, "{input}");
    }
    assert!(Path::new(&desk.path("out/jfk_44k.flac")).is_file());
}
