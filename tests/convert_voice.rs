//! `autovoice convert --voice`: another voice sings, in its place and for as long, in memory that
//! does not grow, and what goes wrong leaves no half file.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod rvc_nets;
mod singers;
mod tones;
mod voice_files;

use autovoice::bridge::{HostConfig, Processor, Settings, meters};
use autovoice::engine::Engine as _;
use autovoice::engine::rvc::Reach;
use autovoice::engine::shift::ShiftEngine;
use autovoice::pitch::VoiceRange;
use rvc_nets::{more_of, sung};
use singers::{NAME, brittle, checkpoint, config, furnish, write_encoder};
use std::fs;
use tones::desk::Desk;
use tones::torch::save;
use tones::{Noise, read_float_wav, write_float_wav};

const RATE_HZ: u32 = 48_000;

/// How long 200 and 290 Hz take turns, in milliseconds.
const TURN_MS: usize = 600;

fn in_turn(rate_hz: u32) -> Vec<f32> {
    sung(rate_hz, 3.1, |t| {
        [200.0, 290.0][(t * 1e3) as usize / TURN_MS % 2]
    })
}

/// A desk with a voice in the library, and something to sing.
fn desk() -> Desk {
    let desk = Desk::new();
    furnish(&desk.path("home"));
    write_float_wav(&desk.path("in.wav"), RATE_HZ, &[in_turn(RATE_HZ)]);
    desk
}

/// How far the pitch of a turn lies above the other just before its end, and that of the next just
/// after: in decibels, the mean over all turns.
fn around_the_changes(signal: &[f32], rate_hz: u32) -> [f64; 2] {
    let ms = rate_hz as usize / 1_000;
    let changes = 1..=4;
    [-65, 15].map(|from_ms: isize| {
        let levels = changes.clone().map(|turn: usize| {
            let from = ((turn * TURN_MS) as isize + from_ms) as usize * ms;
            let [old, new] = [[290.0, 200.0], [200.0, 290.0]][turn % 2];
            match from_ms < 0 {
                true => more_of(signal, rate_hz, from, old, new),
                false => more_of(signal, rate_hz, from, new, old),
            }
        });
        levels.sum::<f64>() / 4.0
    })
}

#[test]
fn it_sings_in_its_place_and_for_as_long() {
    let desk = desk();
    let stereo = in_turn(44_100);
    write_float_wav(&desk.path("stereo.wav"), 44_100, &[stereo.clone(), stereo]);
    for (input, options) in [
        ("in.wav", ""),
        ("in.wav", "--quality live"),
        ("in.wav", "--quality studio"),
        ("stereo.wav", ""),
        ("stereo.wav", "--quality balanced"),
    ] {
        let run = desk
            .convert(&format!(
                "{input} -o out.wav -f --json --voice {NAME} {options}"
            ))
            .expect(0);
        let (before_hz, before) = read_float_wav(&desk.path(input));
        let (rate_hz, got) = read_float_wav(&desk.path("out.wav"));
        let case = format!("{input} {options}");
        assert_eq!(
            (rate_hz, got.len(), got[0].len()),
            (before_hz, before.len(), before[0].len()),
            "{case}"
        );
        assert_eq!(run.json()["files"][0]["frames"], before[0].len(), "{case}");
        let [before_db, after_db] = around_the_changes(&got[0], rate_hz);
        assert!(
            before_db > 1.5 && after_db > 1.5 && before_db + after_db > 6.0,
            "{case}: {before_db} dB, {after_db} dB"
        );
        assert!(got.iter().all(|channel| channel == &got[0]), "{case}");
        // Another voice, from the first frame on.
        let likeness: f64 = (0..4_800)
            .map(|n| f64::from((got[0][n] - before[0][n]).abs()))
            .sum();
        assert!(likeness > 48.0, "{case}: {likeness}");
    }
    // The dry voice stays where it is.
    desk.convert(&format!("in.wav -o out.wav -f --voice {NAME} --mix 0"))
        .expect(0);
    assert!(read_float_wav(&desk.path("out.wav")) == read_float_wav(&desk.path("in.wav")));
}

#[test]
fn a_seed_is_the_same_sound_alone_and_among_others() {
    let desk = desk();
    desk.float("a.wav", RATE_HZ, 1, 30_000);
    let convert = |words: &str| desk.convert(&format!("{words} --voice {NAME}")).expect(0);
    convert("in.wav -o one.wav");
    convert("a.wav in.wav -o batch");
    convert("in.wav -o alone.wav --threads 1");
    convert("in.wav -o seven.wav --seed 7");
    convert("in.wav -o seven_again.wav --seed 7");
    let read = |name: &str| fs::read(desk.path(name)).unwrap();
    assert!(read("one.wav") == read("batch/in.wav"));
    assert!(read("one.wav") == read("alone.wav"), "on one thread");
    assert!(read("seven.wav") == read("seven_again.wav"));
    assert!(read("one.wav") != read("seven.wav"));
}

#[test]
fn what_is_set_is_heard() {
    let desk = desk();
    let convert = |options: &str| {
        desk.convert(&format!(
            "in.wav -o out.wav -f --quality live --voice {NAME} {options}"
        ))
        .expect(0);
        read_float_wav(&desk.path("out.wav")).1.remove(0)
    };
    let plain = convert("");
    for options in [
        "--speaker 2",
        "--rms-mix 0",
        "--hold-pitch",
        "--formant 3",
        "--pitch 5",
    ] {
        assert_ne!(convert(options), plain, "{options}");
    }
    // This voice has no index: nothing is drawn to it.
    assert_eq!(convert("--index-rate 1 --protect 0 --exact-index"), plain);
}

#[test]
fn the_report_names_the_voice_and_what_it_took() {
    let desk = desk();
    let words = format!(
        "in.wav -o out.wav -f --voice {} --seed 3",
        NAME.to_uppercase()
    );
    let run = desk.convert(&format!("{words} --json")).expect(0);
    let report = run.json();
    let voice = &report["voice"];
    for (key, expected) in [
        ("name", NAME.into()),
        ("engine", "rvc".into()),
        ("version", "v2".into()),
        ("rate_hz", RATE_HZ.into()),
        ("quality", "offline".into()),
        ("threads", 2.into()),
        ("seed", 3.into()),
        ("index", false.into()),
        ("exact_index", false.into()),
    ] {
        let expected: serde_json::Value = expected;
        assert_eq!(voice[key], expected, "{key}");
    }
    assert_eq!(voice["sha256"].as_str().unwrap().len(), 64);
    assert_eq!(report["settings"]["engine"], "rvc");
    let spec = Reach::OFFLINE.spec(&config());
    let latency = &report["files"][0]["latency"];
    assert_eq!(latency["hop_frames"], spec.hop);
    assert_eq!(latency["budget_frames"], spec.hop);
    assert_eq!(latency["lookahead_frames"], spec.lookahead);
    let run = desk.convert(&words).expect(0);
    for expected in ["Ada (rvc, offline), latency ", "hop 2000", "lookahead "] {
        assert!(run.stdout.contains(expected), "{expected}: {}", run.stdout);
    }
    // Without a voice there is none.
    let run = desk.convert("in.wav -o out.wav -f --json").expect(0);
    assert_eq!(run.json()["voice"], serde_json::Value::Null);
    assert_eq!(run.json()["settings"]["engine"], "shift");
}

#[test]
fn a_file_is_used_without_being_imported() {
    let desk = desk();
    desk.convert(&format!("in.wav -o by_name.wav --voice {NAME}"))
        .expect(0);
    fs::write(desk.path("Bert.pth"), save(&checkpoint(&config()))).unwrap();
    desk.run(&["voices", "export", NAME, "-o", "shared.avvoice"])
        .expect(0);
    let want = fs::read(desk.path("by_name.wav")).unwrap();
    for (voice, name) in [("Bert.pth", "Bert"), ("shared.avvoice", NAME)] {
        let run = desk
            .convert(&format!("in.wav -o out.wav -f --json --voice {voice}"))
            .expect(0);
        assert_eq!(run.json()["voice"]["name"], name);
        assert!(fs::read(desk.path("out.wav")).unwrap() == want, "{voice}");
    }
    assert_eq!(desk.names("home/voices"), ["ada"]);
}

#[test]
fn a_preset_brings_its_voice() {
    let desk = desk();
    let preset = |name: &str, voice: &str| {
        let text = format!(
            "format = 1\nname = \"{name}\"\n[voice]\nname = \"{voice}\"\n[parameters]\npitch = 3.0\n"
        );
        fs::write(desk.path(&format!("{name}.toml")), text).unwrap();
    };
    preset("here", "ada");
    preset("gone", "Zoe");
    let convert = |words: &str| {
        desk.convert(&format!("in.wav -o out.wav -f --json {words}"))
            .expect(0)
    };
    let run = convert("--preset here.toml");
    assert_eq!(run.json()["voice"]["name"], NAME);
    assert_eq!(run.json()["settings"]["pitch_semitones"], 3.0);
    assert_eq!(run.stderr, "");
    let run = convert("--preset gone.toml");
    assert_eq!(run.json()["voice"], serde_json::Value::Null);
    assert!(run.stderr.contains("Zoe"), "{}", run.stderr);
    let run = convert(&format!("--preset gone.toml --voice {NAME}"));
    assert_eq!(run.json()["voice"]["name"], NAME);
    assert_eq!(run.stderr, "", "its own voice is not needed");
}

#[test]
fn what_goes_wrong_is_said_and_leaves_no_half_file() {
    let desk = desk();
    let library = || desk.names("home/voices");
    fs::write(desk.path("Brittle.pth"), save(&brittle())).unwrap();
    fs::write(desk.path("page.pth"), "<!DOCTYPE html><html></html>").unwrap();
    let up = sung(RATE_HZ, 8.0, |t| if t < 5.0 { 150.0 } else { 500.0 });
    write_float_wav(&desk.path("low.wav"), RATE_HZ, &[up[..4 * 48_000].to_vec()]);
    write_float_wav(&desk.path("up.wav"), RATE_HZ, &[up]);
    for (words, code, message, remedy) in [
        (
            "in.wav --voice Bob",
            1,
            "found none called \"Bob\"",
            "autovoice voices list",
        ),
        (
            "in.wav --voice Ad",
            1,
            "found none called \"Ad\"",
            "did you mean \"Ada\"?",
        ),
        ("in.wav --voice page.pth", 1, "page.pth: ", "try: "),
        (
            "in.wav --voice gone.pth",
            1,
            "found none called \"gone.pth\"",
            "try: ",
        ),
        (
            "in.wav --voice Ada --tracker yin",
            2,
            "--tracker",
            "leave out --tracker",
        ),
        ("in.wav --voice Ada --quality best", 2, "best", "offline"),
        ("in.wav --voice Ada --threads 3", 2, "3", "1..=2"),
        ("in.wav --voice Ada --speaker 109", 2, "109", "0..=108"),
        (
            "up.wav --voice Brittle.pth",
            1,
            "up.wav: expected the voice \"Brittle\"",
            "import the voice",
        ),
        (
            "up.wav --voice Brittle.pth --quality live",
            1,
            "no number",
            "import the voice",
        ),
    ] {
        let run = desk.convert(&format!("{words} -o out.wav")).expect(code);
        assert!(run.stderr.contains(message), "{words}: {}", run.stderr);
        assert!(run.stderr.contains(remedy), "{words}: {}", run.stderr);
        let left = desk.names(".");
        let expected = [
            "Brittle.pth",
            "home",
            "in.wav",
            "low.wav",
            "page.pth",
            "up.wav",
        ];
        assert_eq!(left, expected, "{words}");
        assert_eq!(library(), ["ada"]);
    }
    // It is the pitch that it fails at.
    desk.convert("low.wav -o out.wav --voice Brittle.pth")
        .expect(0);
    // One file that fails does not stop the others, and a program is told which.
    let run = desk
        .convert("low.wav up.wav in.wav -o out --json --voice Brittle.pth")
        .expect(1);
    let files = run.json()["files"].clone();
    let ok: Vec<bool> = (0..3).map(|n| files[n]["ok"].as_bool().unwrap()).collect();
    assert_eq!(ok, [true, false, true]);
    assert_eq!(desk.names("out"), ["in.wav", "low.wav"]);
}

#[test]
fn without_an_encoder_the_command_that_gets_it_is_named() {
    let desk = desk();
    fs::remove_dir_all(desk.path("home/models")).unwrap();
    let run = desk
        .convert(&format!("in.wav -o out.wav --voice {NAME}"))
        .expect(1);
    assert!(run.stderr.contains("voice \"Ada\": "), "{}", run.stderr);
    assert!(
        run.stderr.contains("autovoice models fetch contentvec"),
        "{}",
        run.stderr
    );
    assert!(!desk.path("out.wav").exists());
    write_encoder(&desk.path("home"));
    desk.convert(&format!("in.wav -o out.wav --voice {NAME}"))
        .expect(0);
}

#[test]
fn blocks_are_not_heard() {
    let input = sung(RATE_HZ, 5.0, |t| 180.0 + 40.0 * t);
    let render = |longest: usize, mut next: Box<dyn FnMut() -> usize>| {
        let host = HostConfig {
            rate_hz: RATE_HZ,
            channels: 1,
            max_block: longest,
            offline: true,
        };
        let direct = ShiftEngine::new(RATE_HZ, 1, VoiceRange::Low).unwrap();
        let engine = rvc_nets::engine(Reach::OFFLINE, &config());
        let (mut path, worker, mut voices) =
            Processor::with_worker(host, Box::new(direct), &[engine.spec()], meters().0);
        path.run_inline(worker);
        voices.install(1, Box::new(engine)).unwrap();
        let latency = path.latency().total();
        let mut audio = input.clone();
        audio.resize(input.len() + latency, 0.0);
        let mut rest = &mut audio[..];
        while !rest.is_empty() {
            let (block, later) = rest.split_at_mut(next().min(rest.len()));
            let settings = Settings {
                slot: 1,
                ..Settings::default()
            };
            path.process(&mut [block], &settings);
            rest = later;
        }
        assert_eq!(path.dropouts(), Default::default());
        audio.split_off(latency)
    };
    let want = render(1_024, Box::new(|| 1_024));
    assert!(want[24_000..].iter().any(|x| x.abs() > 0.01), "it sings");
    let mut random = Noise::new(5);
    for (longest, next) in [
        (64, Box::new(|| 64usize) as Box<dyn FnMut() -> usize>),
        (48_000, Box::new(|| 48_000)),
        (3_000, Box::new(move || 1 + random.below(3_000))),
    ] {
        let got = render(longest, next);
        let differs = got.iter().zip(&want).position(|(a, b)| a != b);
        assert_eq!(differs, None, "blocks of up to {longest}");
    }
}

/// The most memory a conversion of so many seconds held, in KiB.
#[cfg(target_os = "linux")]
fn peak_kib(desk: &Desk, seconds: usize) -> u64 {
    let second: Vec<f32> = sung(RATE_HZ, 1.0, |_| 200.0);
    write_float_wav(&desk.path("long.wav"), RATE_HZ, &[second.repeat(seconds)]);
    let mut command = desk.command();
    command.args([
        "convert", "long.wav", "-o", "out.wav", "-f", "-q", "--voice", NAME,
    ]);
    let mut child = command.spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    let ended = loop {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find(|line| line.starts_with("VmHWM:"));
        let words = line.and_then(|line| line.split_whitespace().nth(1));
        peak = words.map_or(peak, |kib| peak.max(kib.parse().unwrap()));
        if let Some(ended) = child.try_wait().unwrap() {
            break ended;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    assert!(ended.success());
    peak
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_file() {
    let desk = desk();
    let (short, long) = (peak_kib(&desk, 20), peak_kib(&desk, 140));
    // Two minutes more are 23 MB of samples.
    assert!(
        0 < short && long < short + 4_096,
        "{short} KiB, then {long} KiB"
    );
}
