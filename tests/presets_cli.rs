//! `autovoice presets` and `convert --preset` as a user runs them.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;

use serde_json::Value;
use std::fs;
use tones::desk::{Desk, Run};
use tones::names_in;

const MINE: &str = "format = 1\nname = \"My Low\"\nauthor = \"Ada\"\ntags = [\"low\"]\n\
                    [parameters]\npitch = -3.5\nmix = 0.5\nlimiter = true\nrange = \"high\"\n";

fn desk() -> Desk {
    let desk = Desk::new();
    fs::write(desk.path("mine.toml"), MINE).unwrap();
    desk.float("in.wav", 44_100, 1, 4_000);
    desk
}

fn names(run: &Run) -> Vec<String> {
    let presets = run.json()["presets"].as_array().unwrap().clone();
    let name = |preset: &Value| preset["name"].as_str().unwrap().to_owned();
    presets.iter().map(name).collect()
}

#[test]
fn presets_come_are_listed_and_go() {
    let desk = desk();
    let shipped = names(&desk.run(&["presets", "list", "--json"]).expect(0)).len();
    let run = desk.run(&["presets", "import", "mine.toml"]).expect(0);
    assert!(run.stdout.starts_with("My Low: "), "{}", run.stdout);
    assert_eq!(names_in(&desk.path("home/presets")), ["my-low.toml"]);

    let run = desk.run(&["presets", "import", "mine.toml"]).expect(1);
    assert!(run.stderr.contains("--force"), "{}", run.stderr);
    desk.run(&["presets", "import", "mine.toml", "--force"])
        .expect(0);
    desk.run(&["presets", "import", "mine.toml", "--name", "Other"])
        .expect(0);
    assert_eq!(
        names_in(&desk.path("home/presets")),
        ["my-low.toml", "other.toml"]
    );
    desk.run(&["presets", "import", "mine.toml", "--name", " "])
        .expect(2);

    let listed = |words: &[&str]| {
        let command = [&["presets", "list", "--json"], words].concat();
        names(&desk.run(&command).expect(0))
    };
    assert_eq!(listed(&[]).len(), shipped + 2);
    assert_eq!(listed(&["--search", "ada MY"]), ["My Low"]);
    assert_eq!(
        listed(&["--search", "ada", "--tag", "low"]),
        ["My Low", "Other"]
    );
    assert_eq!(listed(&["--search", "no such words"]), [""; 0]);
    let run = desk.run(&["presets", "list", "--tag", "lo-fi"]).expect(0);
    assert!(
        run.stdout.contains("Telephone") && !run.stdout.contains("Giant"),
        "{}",
        run.stdout
    );

    desk.run(&["presets", "remove", "other"]).expect(0);
    let run = desk.run(&["presets", "remove", "Telephone"]).expect(1);
    assert!(run.stderr.contains("came with AutoVoice"), "{}", run.stderr);
    assert_eq!(names_in(&desk.path("home/presets")), ["my-low.toml"]);
}

#[test]
fn presets_are_shown_and_shared() {
    let desk = desk();
    desk.run(&["presets", "import", "mine.toml"]).expect(0);
    let shown = desk.run(&["presets", "show", "my low"]).expect(0).stdout;
    assert!(shown.contains("pitch = -3.5\n"), "{shown}");
    let code = desk.run(&["presets", "code", "My Low"]).expect(0).stdout;
    assert!(code.starts_with("AV1:") && code.len() < 400, "{code}");
    assert_eq!(
        desk.run(&["presets", "show", code.trim()]).expect(0).stdout,
        shown
    );

    desk.run(&["presets", "export", "My Low", "-o", "out.toml"])
        .expect(0);
    let run = desk
        .run(&["presets", "export", "My Low", "-o", "out.toml"])
        .expect(1);
    assert!(
        run.stderr.contains("out.toml") && run.stderr.contains("--force"),
        "{}",
        run.stderr
    );
    desk.run(&["presets", "export", "My Low", "-o", "out.toml", "-f"])
        .expect(0);
    assert_eq!(
        desk.run(&["presets", "show", "out.toml"]).expect(0).stdout,
        shown
    );

    // To another one's home, by code, as a chat shows it.
    let other = Desk::new();
    let quoted = format!("`{}`", code.trim());
    other.run(&["presets", "import", &quoted]).expect(0);
    assert_eq!(
        other.run(&["presets", "show", "My Low"]).expect(0).stdout,
        shown
    );
    let cut = &code[..code.len() - 5];
    let run = other.run(&["presets", "import", cut]).expect(1);
    assert!(run.stderr.contains("incomplete"), "{}", run.stderr);
}

#[test]
fn what_is_no_preset_is_told_of_and_changes_nothing() {
    let desk = desk();
    fs::write(desk.path("song.toml"), "title = \"x\"\n").unwrap();
    for (words, expected) in [
        (
            &["import", "none.toml"][..],
            "none.toml: expected a readable file",
        ),
        (
            &["import", "song.toml"],
            "song.toml: expected an AutoVoice preset",
        ),
        (&["import", "in.wav"], "in.wav: expected text"),
        (&["import", "."], "expected a file"),
        (&["import", "AV1:nonsense"], "incomplete"),
        (&["import", "AV9:AAAA"], "a newer AutoVoice"),
        (&["show", "nobody"], "none called \"nobody\""),
        (&["code", "telep"], "did you mean \"Telephone\"?"),
        (&["export", "nobody", "-o", "x.toml"], "none called"),
        (&["remove", "nobody"], "none called"),
    ] {
        let run = desk.run(&[&["presets"], words].concat()).expect(1);
        assert!(run.stderr.contains(expected), "{words:?}: {}", run.stderr);
        assert!(run.stderr.contains("try: "), "{words:?}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{words:?}");
    }
    assert_eq!(desk.names("."), ["in.wav", "mine.toml", "song.toml"]);

    // A damaged file of yours hides neither itself nor the others.
    fs::create_dir_all(desk.path("home/presets")).unwrap();
    fs::write(desk.path("home/presets/bad.toml"), "format = ").unwrap();
    let run = desk.run(&["presets", "list"]).expect(0);
    assert!(
        run.stderr.contains("bad.toml: expected a preset in TOML"),
        "{}",
        run.stderr
    );
    assert!(run.stdout.contains("Telephone"));
    let run = desk.run(&["presets", "list", "--json"]).expect(0);
    assert_eq!(run.json()["damaged"].as_array().unwrap().len(), 1);
}

#[test]
fn files_are_converted_with_presets() {
    let desk = desk();
    desk.run(&["presets", "import", "mine.toml"]).expect(0);
    let code = desk.run(&["presets", "code", "My Low"]).expect(0).stdout;
    let convert = |preset: &str, words: &[&str]| {
        let command = [
            "convert", "in.wav", "-o", "out.wav", "-f", "--json", "--preset", preset,
        ];
        desk.run(&[&command, words].concat()).expect(0)
    };
    for (preset, source) in [
        ("my low", "user"),
        ("mine.toml", "file"),
        (code.trim(), "code"),
    ] {
        let report = convert(preset, &[]).json();
        assert_eq!(report["preset"]["name"], "My Low");
        assert_eq!(report["preset"]["source"], source);
        assert_eq!(report["settings"]["pitch_semitones"], -3.5);
        assert_eq!(report["settings"]["range"], "High");
    }
    for (words, field, expected) in [
        (&[][..], "mix", Value::from(0.5)),
        (&["--mix", "0.8"], "mix", Value::from(0.8)),
        (&["--mix", "0.8"], "pitch_semitones", Value::from(-3.5)),
        (&["--pitch", "0"], "pitch_semitones", Value::from(0.0)),
        (&["--range", "low"], "range", Value::from("Low")),
        (&[], "limiter", Value::from(true)),
        (&["--limiter=off"], "limiter", Value::from(false)),
        (
            &["--key", "C", "--retune", "5"],
            "retune_ms",
            Value::from(5.0),
        ),
        (&[], "correct", Value::from(false)),
    ] {
        let report = convert("My Low", words).json();
        assert_eq!(report["settings"][field], expected, "{words:?}: {field}");
    }
    let report = convert("hard tune", &["--retune", "20", "--scale-notes", "C,G"]).json();
    assert_eq!(report["preset"]["source"], "factory");
    assert_eq!(report["settings"]["retune_ms"], 20.0);
    assert_eq!(report["settings"]["scale_notes"], "C G");

    let run = desk.convert("in.wav -o new.wav --preset nobody").expect(1);
    assert!(run.stderr.contains("none called"), "{}", run.stderr);
    let run = desk
        .convert("in.wav -o new.wav --preset Telephone --retune 5")
        .expect(2);
    assert!(
        run.stderr.contains("required by --retune"),
        "{}",
        run.stderr
    );
    assert!(!desk.path("new.wav").exists());
}

#[test]
fn what_is_to_be_known_of_a_preset_is_said() {
    let desk = desk();
    let text = "format = 2\nname = \"Odd\"\n[voice]\nname = \"Anna\"\n\
                [parameters]\npitch = 99\nreverb = 1\n";
    fs::write(desk.path("odd.toml"), text).unwrap();
    let command = [
        "convert", "in.wav", "-o", "out.wav", "--json", "--preset", "odd.toml",
    ];
    let run = desk.run(&command).expect(0);
    let report = run.json();
    assert_eq!(report["settings"]["pitch_semitones"], 24.0);
    let notices = report["preset"]["notices"].as_array().unwrap();
    for (notice, expected) in notices.iter().zip([
        "newer AutoVoice (format 2)",
        "clamped to its range: pitch",
        "unknown and ignored: reverb",
        "the voice \"Anna\" is not here; the rest is applied",
    ]) {
        assert!(notice.as_str().unwrap().contains(expected), "{notice}");
        assert!(run.stderr.contains(expected), "{}", run.stderr);
    }
    assert_eq!(notices.len(), 4);
    let report = desk
        .run(&["convert", "in.wav", "-o", "plain.wav", "--json"])
        .expect(0);
    assert_eq!(report.json()["preset"], Value::Null);
}
