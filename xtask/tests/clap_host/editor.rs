//! The window: opened into a parent as a DAW does, painted, closed, again and again.
//! Needs an X display; `cargo xtask test` starts one without a screen.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use xtask::clap_host::{EditorSize, Plugin};
use xtask::desktop::Desktop;
use xtask::measure::tone;

use crate::support::{RATE_HZ, assert_clean, bundle, instance, skip};

/// How long the plugin's window thread may take for what is asked of it.
const PATIENCE: Duration = Duration::from_secs(20);
/// A window with text, knobs and meters has far more; a blank one has one or two.
const FEWEST_COLOURS: usize = 8;

/// The display; where there is none the test is skipped, loudly.
fn desktop() -> Option<Desktop> {
    let desktop = Desktop::open();
    if desktop.is_none() {
        skip("no X display; run `cargo xtask test`, or start Xvfb and set DISPLAY");
    }
    desktop
}

/// The window lives on a thread of the plugin's: this waits for what that thread does, by asking
/// until it is so.
fn wait_for(
    plugin: &mut Plugin,
    what: &str,
    mut is_so: impl FnMut() -> Result<bool>,
) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        plugin.idle();
        // An error may be a window that is just coming or going.
        if is_so().unwrap_or(false) {
            return Ok(());
        }
        ensure!(
            Instant::now() < deadline,
            "{what} did not happen in {PATIENCE:?}"
        );
        // Leaves the processor to the window's thread between two questions.
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

fn open_paint_close(desktop: &Desktop, plugin: &mut Plugin) -> Result<()> {
    let mut parent = 0;
    let size = plugin.open_editor(|size| {
        parent = desktop.window(0, size)?;
        Ok(parent)
    })?;
    ensure!(
        size.width >= 200 && size.height >= 100,
        "{size:?} is no editor"
    );
    wait_for(plugin, "opening", || {
        Ok(desktop.children(parent)?.len() == 1)
    })?;
    let child = desktop.children(parent)?;
    let child = *child.first().context("the window is gone")?;
    wait_for(plugin, "painting", || {
        Ok(desktop.picture(child)?.colours() >= FEWEST_COLOURS)
    })?;
    plugin.close_editor()?;
    wait_for(plugin, "closing", || {
        Ok(desktop.children(parent)?.is_empty())
    })?;
    desktop.close(parent)
}

#[test]
fn the_editor_opens_paints_and_closes_many_times() {
    let Some(bundle) = bundle() else { return };
    let Some(desktop) = desktop() else {
        return;
    };
    let mut plugin = instance(&bundle, (2, 2));
    assert!(plugin.has_x11_editor());
    for round in 0..5 {
        open_paint_close(&desktop, &mut plugin)
            .with_context(|| format!("round {round}"))
            .unwrap();
    }
    assert_clean(&plugin);
}

#[test]
fn the_editor_opens_while_audio_runs() {
    let Some(bundle) = bundle() else { return };
    let Some(desktop) = desktop() else {
        return;
    };
    let mut plugin = instance(&bundle, (2, 2));
    let mut audio = plugin.activate(RATE_HZ, 64).unwrap();
    let input = vec![tone(RATE_HZ, 220.0, 0.4, 480); 2];
    let closed = std::sync::atomic::AtomicBool::new(false);
    let audio = std::thread::scope(|scope| {
        let audio_thread = scope.spawn(|| {
            while !closed.load(std::sync::atomic::Ordering::SeqCst) {
                audio.render(&input, || 64, &[]).unwrap();
            }
            audio
        });
        let result = open_paint_close(&desktop, &mut plugin);
        closed.store(true, std::sync::atomic::Ordering::SeqCst);
        let audio = audio_thread.join().unwrap();
        result.unwrap();
        audio
    });
    plugin.deactivate(audio);
    assert_clean(&plugin);
}

#[test]
fn two_editors_are_open_at_once() {
    let Some(bundle) = bundle() else { return };
    let Some(desktop) = desktop() else {
        return;
    };
    let mut plugins = [instance(&bundle, (2, 2)), instance(&bundle, (1, 1))];
    let mut parents = [0; 2];
    let mut left = 0;
    for (plugin, parent) in plugins.iter_mut().zip(&mut parents) {
        let opened = plugin.open_editor(|size| {
            *parent = desktop.window(left, size)?;
            left += i16::try_from(size.width)?;
            Ok(*parent)
        });
        opened.unwrap();
    }
    for (plugin, parent) in plugins.iter_mut().zip(parents) {
        let painted = || {
            let children = desktop.children(parent)?;
            let child = children.first().context("no window yet")?;
            Ok(desktop.picture(*child)?.colours() >= FEWEST_COLOURS)
        };
        wait_for(plugin, "painting", painted).unwrap();
    }
    for plugin in &mut plugins {
        plugin.close_editor().unwrap();
        assert_clean(plugin);
    }
}

#[test]
fn the_editor_is_resized_and_remembers_it() {
    let Some(bundle) = bundle() else { return };
    let Some(desktop) = desktop() else { return };
    let Some(home) = std::env::var_os("AUTOVOICE_HOME").map(PathBuf::from) else {
        skip("AUTOVOICE_HOME is not set: the window would be remembered among your own settings");
        return;
    };
    let file = home.join("settings/editor.toml");
    let mut plugin = instance(&bundle, (2, 2));
    let mut parent = 0;
    plugin
        .open_editor(|size| {
            parent = desktop.window(0, size)?;
            Ok(parent)
        })
        .unwrap();
    let child = || desktop.children(parent)?.first().copied().context("none");
    wait_for(&mut plugin, "painting", || {
        Ok(desktop.picture(child()?)?.colours() >= FEWEST_COLOURS)
    })
    .unwrap();
    let tiny = EditorSize {
        width: 100,
        height: 100,
    };
    let least = plugin.resize_editor(tiny).unwrap();
    assert!(400 < least.width && 250 < least.height, "{least:?}");
    let wanted = EditorSize {
        width: 1301,
        height: 803,
    };
    assert_eq!(plugin.resize_editor(wanted).unwrap(), wanted);
    wait_for(&mut plugin, "resizing", || {
        Ok(desktop.size(child()?)? == wanted)
    })
    .unwrap();
    wait_for(&mut plugin, "remembering", || {
        Ok(std::fs::read_to_string(&file)?.contains("studio = [1301.0, 803.0]"))
    })
    .unwrap();
    plugin.close_editor().unwrap();
    assert_clean(&plugin);

    let mut other = instance(&bundle, (1, 1));
    let opened = other.open_editor(|size| desktop.window(0, size)).unwrap();
    other.close_editor().unwrap();
    std::fs::remove_file(&file).unwrap();
    assert_eq!(
        opened, wanted,
        "another instance opens as this one was left"
    );
}
