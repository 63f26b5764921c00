//! `autovoice convert`: what comes out is what went in, in the right place, and the report says so.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;

use serde_json::Value;
use std::fs;
use std::path::Path;
use tones::desk::Desk;
use tones::{fixture, read_float_wav, write_float_wav, write_integer_wav};

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
