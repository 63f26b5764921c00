//! A host removes the last instance and unloads the plugin while the thread that ran its audio
//! lives on. A test program of its own: any other test would keep the library loaded.

#![allow(clippy::unwrap_used)] // helpers outside `#[test]` functions are test code too

#[allow(dead_code)] // made for many test programs
#[path = "clap_host/support.rs"]
mod support;

use std::sync::mpsc::channel;

use support::{RATE_HZ, assert_clean, bundle, instance};
use xtask::measure::noise;

/// A crash here is one of the whole DAW, at a time when AutoVoice is no longer in the project.
#[test]
fn an_audio_thread_may_outlive_the_plugin() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (2, 2));
    let mut audio = plugin.activate(RATE_HZ, 64).unwrap();
    let (give_back, take_back) = channel();
    let (unloaded, wait_for_unloading) = channel();
    let audio_thread = std::thread::spawn(move || {
        audio.render(&vec![noise(1, 4_800); 2], || 64, &[]).unwrap();
        give_back.send(audio).unwrap();
        wait_for_unloading.recv().unwrap();
    });
    plugin.deactivate(take_back.recv().unwrap());
    assert_clean(&plugin);
    drop(plugin);
    drop(bundle);
    unloaded.send(()).unwrap();
    audio_thread.join().unwrap();
}
