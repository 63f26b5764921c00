//! `autovoice convert --voice` with a voice of our own: it sings in its place and for as long, the
//! same every time, and needs no model of others.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod ddsp_nets;
mod ddsp_voices;
mod rvc_nets;
mod tones;

use autovoice::engine::ddsp::DdspEngine;
use ddsp_voices::{write_encoder, write_voice};
use rvc_nets::{more_of, sung};
use std::fs;
use tones::desk::Desk;
use tones::{read_float_wav, write_float_wav};

const RATE_HZ: u32 = 48_000;

fn turning(rate_hz: u32) -> Vec<f32> {
    sung(rate_hz, 2.1, |t| if t < 1.0 { 200.0 } else { 290.0 })
}

/// A desk with a voice in the library, and something to sing.
fn desk() -> Desk {
    let desk = Desk::new();
    let encoder = write_encoder(&desk.path("home/models"));
    write_voice(&desk.path("olga.safetensors"), "Olga", &encoder, 2);
    desk.run(&["voices", "import", "olga.safetensors"])
        .expect(0);
    write_float_wav(&desk.path("in.wav"), RATE_HZ, &[turning(RATE_HZ)]);
    desk
}

#[test]
fn it_sings_in_its_place_and_for_as_long() {
    let desk = desk();
    let stereo = turning(44_100);
    write_float_wav(&desk.path("stereo.wav"), 44_100, &[stereo.clone(), stereo]);
    for input in ["in.wav", "stereo.wav"] {
        let run = desk
            .convert(&format!("{input} -o out.wav -f --json --voice olga"))
            .expect(0);
        let (before_hz, before) = read_float_wav(&desk.path(input));
        let (rate_hz, got) = read_float_wav(&desk.path("out.wav"));
        assert_eq!(
            (rate_hz, got.len(), got[0].len()),
            (before_hz, before.len(), before[0].len()),
            "{input}"
        );
        assert_eq!(run.json()["files"][0]["frames"], before[0].len(), "{input}");
        let (change, near) = (rate_hz as usize, rate_hz as usize / 10);
        let early = more_of(&got[0], rate_hz, change - near, 200.0, 290.0);
        let late = more_of(&got[0], rate_hz, change + near / 2, 290.0, 200.0);
        assert!(
            10.0 < early && 10.0 < late,
            "{input}: {early} dB, {late} dB"
        );
        assert!(got.iter().all(|channel| channel == &got[0]), "{input}");
    }
    desk.convert("in.wav -o out.wav -f --voice Olga --mix 0")
        .expect(0);
    assert!(read_float_wav(&desk.path("out.wav")) == read_float_wav(&desk.path("in.wav")));
}

#[test]
fn what_is_set_is_heard_and_what_it_has_not_is_ignored() {
    let desk = desk();
    let convert = |options: &str| {
        desk.convert(&format!("in.wav -o out.wav -f --voice Olga {options}"))
            .expect(0);
        read_float_wav(&desk.path("out.wav")).1.remove(0)
    };
    let plain = convert("");
    for options in ["--formant 3", "--pitch 5", "--rms-mix 0", "--seed 7"] {
        assert_ne!(convert(options), plain, "{options}");
    }
    let ignored = "--quality live --threads 1 --index-rate 1 --protect 0 --speaker 3 --exact-index";
    assert_eq!(convert(ignored), plain);
}

#[test]
fn the_report_and_a_preset_name_the_voice() {
    let desk = desk();
    let preset =
        "format = 1\nname = \"with\"\n[voice]\nname = \"Olga\"\n[parameters]\npitch = 3.0\n";
    fs::write(desk.path("with.toml"), preset).unwrap();
    let run = desk
        .convert("in.wav -o out.wav --json --preset with.toml")
        .expect(0);
    assert_eq!(run.stderr, "");
    let report = run.json();
    let null = serde_json::Value::Null;
    for (key, expected) in [
        ("name", "Olga".into()),
        ("engine", "ddsp".into()),
        ("rate_hz", RATE_HZ.into()),
        ("threads", 1.into()),
        ("version", null.clone()),
        ("quality", null.clone()),
        ("exact_index", null),
    ] {
        let expected: serde_json::Value = expected;
        assert_eq!(report["voice"][key], expected, "{key}");
    }
    assert_eq!(report["settings"]["engine"], "ddsp");
    assert_eq!(report["settings"]["pitch_semitones"], 3.0);
    let spec = DdspEngine::spec_of(1);
    let latency = &report["files"][0]["latency"];
    assert_eq!(latency["hop_frames"], spec.hop);
    assert_eq!(latency["lookahead_frames"], spec.lookahead);
    let run = desk.convert("in.wav -o out.wav -f --voice Olga").expect(0);
    let line = "Olga (ddsp), latency ";
    assert!(run.stdout.contains(line), "{}", run.stdout);
}

#[test]
fn a_preset_morphs_its_voices() {
    let desk = desk();
    let encoder = write_encoder(&desk.path("home/models"));
    write_voice(&desk.path("bo.safetensors"), "Bo", &encoder, 5);
    desk.run(&["voices", "import", "bo.safetensors"]).expect(0);
    let convert = |options: &str| {
        let run = desk
            .convert(&format!("in.wav -o out.wav -f {options}"))
            .expect(0);
        (fs::read(desk.path("out.wav")).unwrap(), run.stderr)
    };
    let (olga, _) = convert("--voice Olga");
    let (bo, _) = convert("--voice Bo");
    for (x, other, expected) in [
        ("0.0", "Bo", Some(&olga)),
        ("1.0", "Bo", Some(&bo)),
        ("0.5", "Bo", None),
        ("1.0", "Gone", Some(&olga)),
    ] {
        let preset = format!(
            "format = 1\nname = \"both\"\n[voice]\nname = \"Olga\"\n[corners]\n\
             a.name = \"Olga\"\nb.name = \"{other}\"\n[parameters]\nmorph = true\n\
             morph_x = {x}\nmorph_y = 1.0\n"
        );
        fs::write(desk.path("both.toml"), preset).unwrap();
        let (got, said) = convert("--preset both.toml");
        match expected {
            Some(expected) => assert!(&got == expected, "{x} {other}"),
            None => assert!(got != olga && got != bo),
        }
        let note = "\"Gone\" is left out of the morph: it is not here";
        assert_eq!(said.contains(note), other == "Gone", "{said}");
    }
    // Who names another voice hears that one alone.
    assert!(convert("--preset both.toml --voice Bo").0 == bo);
}

#[test]
fn a_file_is_used_without_being_imported() {
    let desk = desk();
    desk.convert("in.wav -o name.wav --voice Olga").expect(0);
    desk.convert("in.wav -o file.wav --voice olga.safetensors")
        .expect(0);
    let read = |name: &str| fs::read(desk.path(name)).unwrap();
    assert!(read("name.wav") == read("file.wav"));
}

#[test]
fn a_voice_for_another_encoder_is_refused_with_what_to_do() {
    let desk = desk();
    write_voice(&desk.path("x.safetensors"), "Zoe", &"5e".repeat(32), 1);
    let run = desk
        .convert("in.wav -o out.wav --voice x.safetensors")
        .expect(1);
    for part in [
        "voice \"Zoe\": expected the content encoder that the voice was trained with",
        "autovoice train voice",
        "content.safetensors",
    ] {
        assert!(run.stderr.contains(part), "{part}: {}", run.stderr);
    }
    assert!(!desk.path("out.wav").exists());
}

#[test]
fn the_voices_that_ship_are_there_at_first_start_and_sing() {
    let desk = Desk::new();
    let list = desk.run(&["voices", "list", "--json"]).expect(0).json();
    let names: Vec<&str> = list["voices"]
        .as_array()
        .unwrap()
        .iter()
        .map(|voice| voice["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Clara", "Kuno", "Rolf", "Selma"]);
    let info = desk.run(&["voices", "info", "Clara"]).expect(0).stdout;
    assert!(info.contains("Hz in the mean"), "{info}");

    // A room at -75 dB of full scale after somebody sang.
    let mut input = turning(RATE_HZ);
    let sung = input.len();
    let mut state = 1u32;
    input.extend((0..RATE_HZ).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        3.1e-4 * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0)
    }));
    write_float_wav(&desk.path("in.wav"), RATE_HZ, &[input]);
    let level_db = |signal: &[f32]| {
        let squares: f64 = signal.iter().map(|x| f64::from(x * x)).sum();
        10.0 * (squares / signal.len() as f64 + 1e-20).log10()
    };
    let mut sounds: Vec<Vec<f32>> = Vec::new();
    for name in names {
        desk.convert(&format!("in.wav -o {name}.wav --voice {name}"))
            .expect(0);
        let (_, got) = read_float_wav(&desk.path(&format!("{name}.wav")));
        let got = &got[0];
        let change = RATE_HZ as usize;
        let early = more_of(got, RATE_HZ, change - 4_800, 200.0, 290.0);
        let late = more_of(got, RATE_HZ, change + 2_400, 290.0, 200.0);
        assert!(10.0 < early && 10.0 < late, "{name}: {early} dB, {late} dB");
        let loud = level_db(&got[24_000..sung]);
        assert!((-45.0..-5.0).contains(&loud), "{name}: {loud} dB");
        let silent = level_db(&got[sung + 4_800..]);
        assert!(silent < -60.0, "{name}: {silent} dB");
        for other in &sounds {
            let apart: Vec<f32> = got.iter().zip(other).map(|(a, b)| a - b).collect();
            assert!(loud - 20.0 < level_db(&apart), "{name} is like another");
        }
        sounds.push(got.clone());
    }
}
