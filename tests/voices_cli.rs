//! `autovoice voices` as a user runs it.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;
mod voice_files;

use std::fs;
use tones::desk::{Desk, Run};
use tones::torch::{Py, save};
use voice_files::{small, voice, write_voice};

const VOICES: &str = "home/voices";

fn voices(desk: &Desk, words: &[&str]) -> Run {
    desk.run(&[&["voices"], words].concat())
}

#[test]
fn voices_are_imported_listed_shown_shared_and_removed() {
    let desk = Desk::new();
    // The user's own: others are built in.
    let listed = |desk: &Desk| {
        let mut list = voices(desk, &["list", "--json"]).expect(0).json();
        let voices = list["voices"].as_array_mut().unwrap();
        voices.retain(|voice| voice["built_in"] == false);
        list
    };
    let line_of = |text: &str, name: &str| -> String {
        let line = text.lines().find(|line| line.starts_with(name));
        line.expect(text).to_owned()
    };
    assert_eq!(listed(&desk)["voices"], serde_json::json!([]));
    assert!(!desk.path("home").exists(), "looking makes no folder");

    write_voice(&desk.path("Anna.pth"), &small());
    let run = voices(&desk, &["import", "Anna.pth", "--licence", "CC0-1.0"]).expect(0);
    assert!(run.stdout.starts_with("Anna: "), "{}", run.stdout);
    assert!(
        run.stdout.contains("rvc v2, 48 kHz, sings, 3 speakers"),
        "{}",
        run.stdout
    );
    assert_eq!(run.stderr, "");
    let anna = listed(&desk)["voices"][0].clone();
    let sha256 = anna["sha256"].as_str().unwrap();
    for (key, expected) in [
        ("name", "Anna"),
        ("engine", "rvc"),
        ("version", "v2"),
        ("licence", "CC0-1.0"),
        ("info", "300epoch"),
        ("source", "Anna.pth"),
    ] {
        assert_eq!(anna[key], expected, "{key}");
    }
    assert_eq!(
        (&anna["rate_hz"], &anna["pitch"]),
        (&48_000.into(), &true.into())
    );
    assert_eq!(anna["index"], serde_json::Value::Null);
    assert!(anna["imported"].as_str().unwrap().ends_with('Z'));

    let text = voices(&desk, &["list"]).expect(0).stdout;
    let line = line_of(&text, "Anna ");
    assert!(line.contains("  rvc v2, 48 kHz"), "{text}");
    let text = voices(&desk, &["info", "anna"]).expect(0).stdout;
    for expected in ["Anna\n", sha256, "300epoch", "CC0-1.0"] {
        assert!(text.contains(expected), "{expected}: {text}");
    }
    assert_eq!(
        voices(&desk, &["info", "Anna", "--json"]).expect(0).json(),
        anna
    );

    // Out, away, and in again.
    voices(&desk, &["export", "Anna", "-o", "a.avvoice"]).expect(0);
    let run = voices(&desk, &["export", "Anna", "-o", "a.avvoice"]).expect(1);
    assert!(run.stderr.contains("--force"), "{}", run.stderr);
    let run = voices(&desk, &["remove", "ANNA"]).expect(0);
    assert_eq!(run.stdout, "removed Anna\n");
    assert_eq!(desk.names(VOICES), [""; 0]);
    let run = voices(&desk, &["import", "a.avvoice", "--name", "Bert", "--json"]).expect(0);
    assert_eq!(run.json()["name"], "Bert");
    assert_eq!(run.json()["sha256"], anna["sha256"]);
    assert_eq!(run.json()["notices"], serde_json::json!([]));

    // What is damaged is told of, and the rest is listed.
    fs::create_dir(desk.path(VOICES).join("broken")).unwrap();
    let run = voices(&desk, &["list"]).expect(0);
    line_of(&run.stdout, "Bert ");
    assert!(run.stderr.contains("no file voice.toml"), "{}", run.stderr);
    let damaged = listed(&desk)["damaged"][0]["error"]["message"].clone();
    assert!(damaged.as_str().unwrap().contains("voice.toml"));
}

#[test]
fn what_cannot_be_done_is_said_with_a_remedy() {
    let desk = Desk::new();
    write_voice(&desk.path("Anna.pth"), &small());
    voices(&desk, &["import", "Anna.pth"]).expect(0);
    fs::write(desk.path("page.pth"), "<!DOCTYPE html><html></html>").unwrap();
    let mut training = voice(&small());
    let weights = training.remove("weight").unwrap();
    let training = Py::dict([("model", weights), ("iteration", Py::Int(1))]);
    fs::write(desk.path("G_2333333.pth"), save(&training)).unwrap();
    fs::create_dir(desk.path("empty")).unwrap();
    for (words, message, remedy) in [
        (
            &["import", "Anna.pth"][..],
            "found a voice called \"Anna\"",
            "--force",
        ),
        (
            &["import", "none.pth"],
            "none.pth: expected a readable file",
            "path",
        ),
        (
            &["import", "page.pth"],
            "page.pth: expected a torch or safetensors checkpoint, found a web page",
            "browser",
        ),
        (
            &["import", "G_2333333.pth"],
            "the generator (G_*.pth)",
            "assets/weights",
        ),
        (
            &["import", "empty"],
            "expected a voice (.pth) in it, found none",
            ".pth",
        ),
        (
            &["import", "Anna.pth", "--name", " "],
            "expected a name",
            "--name",
        ),
        (
            &["import", "Anna.pth", "--name", "B", "--image", "page.pth"],
            "PNG, JPEG or WebP",
            "PNG",
        ),
        (
            &["info", "Ann"],
            "none called \"Ann\"",
            "did you mean \"Anna\"?",
        ),
        (&["remove", "Bert"], "none called \"Bert\"", "voices list"),
        (
            &["export", "Anna", "-o", "no/folder/a.avvoice"],
            "expected a writable place",
            "folder",
        ),
    ] {
        let run = voices(&desk, words).expect(1);
        for expected in [message, remedy, "try: "] {
            assert!(run.stderr.contains(expected), "{expected}: {}", run.stderr);
        }
        assert_eq!(desk.names(VOICES), ["anna"], "{words:?}");
    }
    voices(&desk, &["import", "Anna.pth", "--force"]).expect(0);
    voices(&desk, &["import", "Anna.pth", "--index", "x", "--no-index"]).expect(2);
    voices(&desk, &["import"]).expect(2);
}
