//! The built `autovoice` command as a user runs it: what it understands, refuses, and leaves behind.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;

use serde_json::Value;
use std::fs;
use std::process::Command;
use tones::desk::{Desk, Run};
use tones::{fixture, read_float_wav, write_integer_wav};

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
        (&["--tracker", "yin"], "tracker", Value::from("yin")),
        (&[], "tracker", Value::from("auto")),
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
        (
            &["--pitch", "3 st 20 ct"],
            "pitch_semitones",
            Value::from(3.2),
        ),
        (&["--output-db", "-inf"], "output_db", Value::from(-60.0)),
        (&["--mix", "0.5"], "mix", Value::from(0.5)),
        (&["--low-cut", "120"], "low_cut_hz", Value::from(120.0)),
        (&["--high-cut=3400"], "high_cut_hz", Value::from(3400.0)),
        (&[], "high_cut_hz", Value::from(20_000.0)),
        (&["--index-rate=0.7"], "index_rate", Value::from(0.7)),
        (&["--protect", "0.1"], "protect", Value::from(0.1)),
        (&["--rms-mix", "0"], "rms_mix", Value::from(0.0)),
        (&["--speaker", "7"], "speaker", Value::from(7)),
        (&["--hold-pitch"], "hold_pitch", Value::from(true)),
        (&[], "protect", Value::from(0.33)),
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
        ("--tracker ear", "possible values: auto, neural, yin"),
        ("--rate 500", "8000..=192000"),
        ("--bits 20", "possible values: 16"),
        ("--gate-db 3", "expected -100 to 0"),
        ("--low-cut 10", "expected 20 to 1000"),
        ("--high-cut 999", "expected 1000 to 20000"),
        ("--protect 0.6", "expected 0 to 0.5"),
        ("--speaker 109", "109 is not in 0..=108"),
        ("--nonsense", "unexpected argument"),
    ] {
        let run = desk
            .convert(&format!("in.wav -o out.wav {words}"))
            .expect(2);
        assert!(run.stderr.contains(expected), "{words}: {}", run.stderr);
        assert_eq!(desk.names("."), ["in.wav"], "{words}");
    }
    // With the app, no words open its window.
    if !cfg!(feature = "app") {
        desk.run(&[]).expect(2);
    }
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
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error_that_leaves_nothing() {
    let desk = Desk::new();
    desk.float("in.wav", 44_100, 2, 50_000);
    for output in ["out/a.wav", "out/a.flac"] {
        // No file may grow beyond 100 KiB; with the signal ignored, writing fails like on a full
        // disk.
        let run = Command::new("sh")
            .arg("-c")
            .arg("trap '' XFSZ && ulimit -f 200 && exec \"$0\" \"$@\"")
            .arg(env!("CARGO_BIN_EXE_autovoice"))
            .args(["convert", "in.wav", "-o", output])
            .current_dir(desk.0.path())
            .output()
            .unwrap();
        let run = Run::of(run).expect(1);
        assert!(run.stderr.contains("writable place"), "{}", run.stderr);
        assert_eq!(desk.names("out"), [""; 0], "{output}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let desk = Desk::new();
    desk.float("in.wav", 44_100, 1, 100);
    for words in [
        &["doctor"][..],
        &["doctor", "--json"],
        &["convert", "in.wav", "-o", "out.wav"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = desk.command().args(words).stdout(writer).output().unwrap();
        let run = Run::of(output).expect(0);
        assert_eq!(run.stderr, "");
    }
    assert!(desk.path("out.wav").is_file());
}

#[test]
#[cfg(target_os = "linux")]
fn a_long_file_is_converted_in_little_memory() {
    const FRAMES: u64 = 36_000_000;
    const PROGRAM: &str = env!("CARGO_BIN_EXE_autovoice");
    // Beside the program itself, of which most counts, too.
    const ROOM_KIB: u64 = 16 * 1024;
    // At once it would not fit, not even as the file stores it.
    const { assert!(FRAMES * 2 > 4 * ROOM_KIB * 1024) };
    let limit_kib = fs::metadata(PROGRAM).unwrap().len() / 1024 + ROOM_KIB;
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
        .arg(format!("ulimit -v {limit_kib} && exec \"$0\" \"$@\""))
        .arg(PROGRAM)
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

    for kind in ["INT", "TERM"] {
        let mut child = desk
            .command()
            .args(["convert", "short.wav", "long.wav", "-o", kind])
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
        // The shell's own `kill`: the program is missing on small systems.
        let kill = format!("kill -s {kind} {}", child.id());
        let killed = Command::new("sh").args(["-c", &kill]).status();
        assert!(killed.unwrap().success());
        let run = Run::of(child.wait_with_output().unwrap()).expect(130);
        assert!(run.stderr.contains("interrupted"), "{}", run.stderr);
        assert_eq!(desk.names(kind), ["short.wav"]);
    }
}

#[test]
fn the_bench_reports_speed_and_latency() {
    let desk = Desk::new();
    let run = desk
        .run(&["bench", "--seconds", "1", "--blocks", "64,100", "--json"])
        .expect(0);
    let report = run.json();
    assert!(!report["machine"]["cpu"].as_str().unwrap().is_empty());
    let rows = report["blocks"].as_array().unwrap();
    let sizes: Vec<u64> = rows
        .iter()
        .map(|row| row["block_frames"].as_u64().unwrap())
        .collect();
    assert_eq!(sizes, [64, 100]);
    for row in rows {
        let us = |name: &str| row[name].as_f64().unwrap();
        let times = ["p50_us", "p99_us", "p999_us", "max_us"].map(us);
        assert!(times.is_sorted() && 0.0 < times[0], "{times:?}");
        let share = us("p99_us") / us("period_us");
        assert!((us("p99_share") - share).abs() < 1e-9 * share, "{row}");
        assert_eq!(
            row["blocks"],
            48_000u64.div_ceil(row["block_frames"].as_u64().unwrap())
        );
    }
    let latency = report["latency"].as_array().unwrap();
    assert_eq!(latency.len(), 5 * 3, "every range at every rate");
    for row in latency {
        // The contract of the shift engine: 1.5 periods of the lowest pitch and 1 ms.
        let limit_ms = 1_500.0 / row["lowest_hz"].as_f64().unwrap() + 1.0;
        let total_ms = row["total_ms"].as_f64().unwrap();
        assert!(0.0 < total_ms && total_ms <= limit_ms, "{row}");
    }
    let run = desk.run(&["bench", "--seconds", "1"]).expect(0);
    assert!(run.stdout.contains("Soprano"), "{}", run.stdout);
    desk.run(&["bench", "--blocks", "0"]).expect(2);
}

#[test]
fn the_bench_measures_a_voice_of_our_own() {
    let desk = Desk::new();
    let command = ["bench", "--engine", "ddsp", "--seconds", "1"];
    let run = desk.run(&[&command[..], &["--json"]].concat()).expect(0);
    let report = run.json();
    let rows = report["rows"].as_array().expect("one row per kind");
    let voices: Vec<_> = rows.iter().map(|row| &row["voices"]).collect();
    assert_eq!(voices, [1, 4, 1]);
    for row in rows {
        assert_eq!(row["hops"], 100);
        let stages = row["stages_rtf"].as_object().expect("one number per stage");
        assert_eq!(stages.len(), 6);
        assert!(stages.values().all(|rtf| 0.0 < rtf.as_f64().unwrap_or(0.0)));
    }
    let total = |n: usize| report["latency"][n]["total_ms"].as_f64().expect("a number");
    assert!([0, 2, 4].map(total).iter().all(|ms| *ms <= 45.0));
    let run = desk.run(&command).expect(0);
    assert!(run.stdout.contains("synthesis") && run.stdout.contains("ahead  1"));
    desk.run(&["bench", "--engine", "ddsp", "--threads", "1"])
        .expect(2);
}

#[test]
fn the_bench_reports_how_well_trackers_track() {
    let desk = Desk::new();
    let command = ["bench", "--pitch", "--seconds", "1", "--rate", "16000"];
    let run = desk.run(&[&command, &["--tracker", "yin", "--json"][..]].concat());
    let json = run.expect(0).json();
    let cpu = json["machine"]["cpu"].as_str().unwrap();
    assert!(!cpu.is_empty());
    assert_eq!(json["trackers"].as_array().unwrap().len(), 1);
    let tracker = &json["trackers"][0];
    assert_eq!(tracker["tracker"], "yin");
    let figure = |name: &str| tracker[name].as_f64().unwrap();
    assert!(figure("lag_ms").abs() <= 2.5, "{tracker}");
    assert!(0.0 < figure("lookahead_ms") && figure("hop_ms") <= 10.0);
    assert!(figure("p50_us") <= figure("p99_us"), "{tracker}");
    let levels = tracker["levels"].as_array().unwrap();
    let snrs: Vec<_> = levels
        .iter()
        .map(|level| level["snr_db"].as_f64())
        .collect();
    assert_eq!(snrs, [None, Some(20.0), Some(10.0), Some(0.0)]);
    for level in levels {
        for name in ["rpa50", "voicing_recall", "voicing_false_alarm"] {
            assert!((0.0..=1.0).contains(&level[name].as_f64().unwrap()));
        }
    }
    assert!(0.95 < levels[0]["rpa50"].as_f64().unwrap(), "{tracker}");

    // One that is not there is no failure unless it was asked for.
    let run = desk.run(&[&command, &["--tracker", "rmvpe"][..]].concat());
    let run = run.expect(1);
    assert!(run.stderr.contains("models import rmvpe"), "{}", run.stderr);
    desk.run(&["bench", "--tracker", "yin"]).expect(2);
}

#[test]
fn the_doctor_names_each_problem_and_its_remedy() {
    let desk = Desk::new();
    let run = desk.run(&["doctor", "--json"]).expect(0);
    let report = run.json();
    assert_eq!(report["problems"], 0);
    let findings = report["findings"].as_array().unwrap();
    for finding in findings {
        assert_eq!(
            finding["remedy"].is_null(),
            finding["status"] == "ok",
            "{finding}"
        );
    }
    // A data folder that cannot be is a problem, and the exit code says so.
    fs::write(desk.path("file"), b"").unwrap();
    let mut command = desk.command();
    command
        .args(["doctor"])
        .env("AUTOVOICE_HOME", desk.path("file/home"));
    let run = Run::of(command.output().unwrap()).expect(1);
    let line = run
        .stdout
        .lines()
        .find(|line| line.starts_with("problem"))
        .unwrap();
    assert!(line.contains("home"), "{line}");
    assert!(run.stdout.contains("AUTOVOICE_HOME"), "{}", run.stdout);
}

#[test]
fn the_app_says_which_build_has_it() {
    if cfg!(feature = "app") {
        return;
    }
    for arguments in [&["app", "--backend", "jack"][..], &["devices"]] {
        let run = Desk::new().run(arguments).expect(2);
        assert!(run.stderr.contains("--features app"), "{}", run.stderr);
    }
}
