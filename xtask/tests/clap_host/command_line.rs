//! The plugin and the command line are two ways to one sound.

use std::process::Command;

use xtask::measure::residual_db;
use xtask::paths::{self, Products};
use xtask::wav;

use crate::support::{assert_clean, bundle, instance, set_all, skip};

/// Parameters reach the plugin as 32-bit shares of their range, which rounds them.
const SAME_DB: f64 = -100.0;

/// One setting: in the plugin's words and in the command line's.
type BothWays<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str]);

#[test]
fn both_ways_sound_the_same() {
    let Some(bundle) = bundle() else { return };
    let binary = Products::under(&paths::target().unwrap()).binary;
    if !binary.exists() {
        let place = binary.display();
        return skip(&format!(
            "no command line at {place}; build it with `cargo xtask bundle`"
        ));
    }
    let recording = paths::root().join("demo/singing.wav");
    let sung = wav::read(&recording).unwrap();
    let table: [BothWays; 2] = [
        (
            &[("pitch", "-3 st 50 ct"), ("formant", "+2 st")],
            &["--pitch=-3.5", "--formant=2"],
        ),
        (
            &[
                ("correct", "on"),
                ("key", "F#"),
                ("scale", "major"),
                ("retune_ms", "80"),
                ("mix", "60 %"),
            ],
            &["--key", "F# major", "--retune", "80", "--mix", "0.6"],
        ),
    ];
    for (settings, arguments) in table {
        let mut plugin = instance(&bundle, (1, 1));
        set_all(&mut plugin, settings);
        let mut audio = plugin.activate(f64::from(sung.rate_hz), 480).unwrap();
        let latency = plugin.latency_frames();
        let mut input = sung.channels.clone();
        input[0].extend(std::iter::repeat_n(0.0, latency));
        let by_plugin = audio.render(&input, || 480, &[]).unwrap();
        plugin.deactivate(audio);
        assert_clean(&plugin);

        let name = format!("autovoice-both-ways-{}.wav", std::process::id());
        let converted = std::env::temp_dir().join(name);
        let ran = Command::new(&binary)
            .args(["convert", "--force", "--quiet", "--bits", "32f"])
            .args(arguments)
            .arg(&recording)
            .arg("-o")
            .arg(&converted)
            .status();
        assert!(ran.unwrap().success(), "{arguments:?}");
        let by_command = wav::read(&converted).unwrap();
        std::fs::remove_file(&converted).unwrap();
        assert_eq!(by_command.frames(), sung.frames());
        assert_eq!(by_command.rate_hz, sung.rate_hz);
        let difference = residual_db(&by_command.channels[0], &by_plugin[0][latency..], 0);
        assert!(
            difference < SAME_DB,
            "{settings:?}: {difference:.1} dB apart"
        );
        // And it is not the same because nothing was done.
        let unchanged = residual_db(&sung.channels[0], &by_command.channels[0], 0);
        assert!(unchanged > -40.0, "{settings:?} changed nothing");
    }
}
