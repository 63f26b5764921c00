//! `autovoice models fetch contentvec` as a user runs it, with a server on this machine in place
//! of the hub. That a right file is taken is tested beside the code, which can name another hash.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod tones;

use std::process::Command;
use tones::desk::{Desk, Run};
use tones::hub::{Hub, Plan};

const SHA256: &str = "f54b40fd2802423a5643779c4861af1e9ee9c1564dc9d32f54f20b5ffba7db96";
const BYTES: usize = 189_507_909;

fn fetch(desk: &Desk, endpoint: &str) -> Run {
    let mut command: Command = desk.command();
    command
        .args(["models", "fetch", "contentvec"])
        .env("HF_ENDPOINT", endpoint);
    for proxy in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "HF_TOKEN"] {
        command.env_remove(proxy).env_remove(proxy.to_lowercase());
    }
    Run::of(command.output().unwrap())
}

#[test]
fn what_keeps_the_content_encoder_from_being_fetched_is_said() {
    let of = |status| Plan {
        status: Some(status),
        ..Plan::of(b"", SHA256)
    };
    let table: [(Plan, &str, &str); 5] = [
        (
            of(404),
            "expected hubert_base.pt in lj1995/VoiceConversionWebUI",
            "HF_ENDPOINT",
        ),
        (of(401), "refuses (401)", "unset HF_TOKEN"),
        (of(403), "refuses (403)", "models import contentvec FILE"),
        (
            Plan::of(b"short", SHA256),
            "of 189507909 bytes, found one of 5",
            "browser",
        ),
        (
            Plan::of(b"short", &"1".repeat(64)),
            "found 1111",
            "do not trust",
        ),
    ];
    for (plan, message, remedy) in table {
        let desk = Desk::new();
        let hub = Hub::new(plan);
        let run = fetch(&desk, &hub.endpoint()).expect(1);
        for words in [message, remedy] {
            assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
        }
        let path = "/lj1995/VoiceConversionWebUI/resolve/main/hubert_base.pt";
        assert!(hub.requests()[0].starts_with(path), "{:?}", hub.requests());
        // Nothing was downloaded.
        let downloads = |request: &&String| request.ends_with('-');
        assert_eq!(hub.requests().iter().filter(downloads).count(), 0);
    }
}

/// A file of the right size with other bytes, said to be the right one.
#[test]
fn a_file_with_another_hash_is_removed() {
    let desk = Desk::new();
    let hub = Hub::new(Plan::of(&vec![0; BYTES], SHA256));
    let run = fetch(&desk, &hub.endpoint()).expect(1);
    for words in [
        "expected hubert_base.pt with the sha256 f54b40fd",
        "do not trust",
    ] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    assert_eq!(desk.names("home/models"), [""; 0]);
}
