//! `cargo xtask screenshots`: every view of the editor, dark and light, at its usual size and at
//! twice that, while the demo recording plays through it; and the desktop app with a buzz for a
//! voice. All go to `target/screenshots`, those
//! that the README shows to `docs/images` as well.
//!
//! The look of a window is in a file of the user's folder, which a process reads where its
//! environment says: each picture is taken by a process of its own.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use xtask::clap_host::{Audio, Bundle, Plugin};
use xtask::desktop::{Desktop, Picture};
use xtask::display::Display;
use xtask::paths;
use xtask::wav;

use crate::{bundle, packages, step};

/// The chores by which this program calls itself.
pub const SHOOT: &str = "shoot";
/// The same for the desktop app.
pub const SHOOT_APP: &str = "shoot-app";

const RECORDING: &str = "demo/singing.wav";
const IMAGES: &str = "docs/images";
const HOME: &str = "AUTOVOICE_HOME";
/// The README shows these.
const SHOWN: [&str; 4] = [
    "studio-dark-1x",
    "presets-light-1x",
    "stage-dark-1x",
    "app-dark-1x",
];
/// How long the recording plays: the pitch lane then is full.
const PLAYED: Duration = Duration::from_millis(6_500);
/// What is set while the pictures are taken.
const SETTINGS: [(&str, &str); 8] = [
    ("range", "High"),
    ("correct", "on"),
    ("key", "C#"),
    ("scale", "minor"),
    ("retune_ms", "40"),
    ("humanize", "50"),
    ("low_cut_hz", "90"),
    ("limiter", "on"),
];

/// One picture: its name, and the document of the window's look.
struct Shot {
    name: String,
    look: String,
    /// What the desktop app is called with; `None` for the plugin.
    app: Option<&'static [&'static str]>,
}

impl Shot {
    fn chore(&self) -> &'static str {
        match self.app {
            Some(_) => SHOOT_APP,
            None => SHOOT,
        }
    }
}

fn shots() -> Vec<Shot> {
    let mut shots = Vec::new();
    let plain: &[&str] = &[];
    for (view, scene, presets, app) in [
        ("studio", "studio", false, None),
        ("presets", "studio", true, None),
        ("stage", "stage", false, None),
        ("app", "studio", false, Some(plain)),
        ("app-stage", "stage", false, Some(plain)),
        ("app-new-voice", "studio", false, Some(&["--new-voice"])),
    ] {
        for (colours, dark) in [("dark", true), ("light", false)] {
            for scale in [1, 2] {
                shots.push(Shot {
                    name: format!("{view}-{colours}-{scale}x"),
                    look: format!(
                        "dark = {dark}\nscale = {scale}.0\nscene = \"{scene}\"\n\
                         presets = {presets}\n"
                    ),
                    app,
                });
            }
        }
    }
    shots
}

pub fn run() -> Result<()> {
    let mut steps = step::Steps::new(4);
    steps.next("Looking for missing system packages");
    packages::ensure(packages::TEST)?;
    steps.next("Building the plugin");
    let products = bundle::build()?;
    steps.next("Building the desktop app");
    let build = "cargo build --release --package autovoice --features app";
    step::run(&mut step::command(build))?;
    steps.next("Taking the pictures");
    let display = Display::open()?;
    let folder = paths::target()?.join("screenshots");
    std::fs::create_dir_all(&folder)?;
    std::fs::create_dir_all(IMAGES)?;
    for shot in shots() {
        let home = folder.join("home");
        std::fs::create_dir_all(home.join("settings"))?;
        std::fs::write(home.join("settings/editor.toml"), &shot.look)?;
        let file = folder.join(format!("{}.png", shot.name));
        let mut shoot = Command::new(std::env::current_exe()?);
        let subject = match shot.app {
            Some(_) => &products.binary,
            None => &products.clap,
        };
        shoot.arg(shot.chore()).arg(subject).arg(&file);
        shoot.args(shot.app.unwrap_or_default());
        shoot.env(HOME, &home).envs(display.environment());
        step::run(&mut shoot)?;
        if SHOWN.contains(&shot.name.as_str()) {
            std::fs::copy(&file, Path::new(IMAGES).join(format!("{}.png", shot.name)))?;
        }
        std::fs::remove_dir_all(&home)?;
    }
    steps.done();
    println!("\nThe pictures are in {} and {IMAGES}.", folder.display());
    Ok(())
}

/// Takes one picture of the plugin at `clap`, in this process's environment.
pub fn shoot(clap: &str, file: &str) -> Result<()> {
    ensure!(
        std::env::var_os(HOME).is_some(),
        "expected {HOME} to be set: the window's look is read from there"
    );
    let desktop = Desktop::open().context("expected an X display, found none")?;
    let plugin = singer(Path::new(clap))?;
    let picture = while_it_sings(plugin, |plugin| {
        let mut parent = 0;
        plugin.open_editor(|size| {
            parent = desktop.window(0, size)?;
            Ok(parent)
        })?;
        let deadline = Instant::now() + PLAYED;
        while Instant::now() < deadline {
            plugin.idle();
            std::thread::sleep(Duration::from_millis(10));
        }
        let child = *desktop.children(parent)?.first().context("no window")?;
        let picture = desktop.picture(child)?;
        plugin.close_editor()?;
        Ok(picture)
    })?;
    write_png(Path::new(file), &picture)?;
    println!("    {file} ({} x {})", picture.width, picture.height);
    Ok(())
}

/// Takes one picture of the desktop app, in this process's environment.
pub fn shoot_app(program: &str, file: &str, flags: &[&str]) -> Result<()> {
    let desktop = Desktop::open().context("expected an X display, found none")?;
    let before = desktop.children(desktop.root())?;
    let mut command = Command::new(program);
    command.args(["app", "--backend", "dummy", "--input", "voice", "--forget"]);
    command.args(flags);
    for (id, text) in SETTINGS {
        command.args(["--set", &format!("{id}={text}")]);
    }
    let mut app = command.spawn().context("the app did not start")?;
    std::thread::sleep(PLAYED);
    // Without a window manager, a program's window is a child of the screen.
    let picture = desktop.children(desktop.root()).and_then(|now| {
        let new = now.iter().filter(|window| !before.contains(window));
        let pictures = new.filter_map(|window| desktop.picture(*window).ok());
        pictures
            .max_by_key(|picture| picture.rgb.len())
            .context("the app has no window")
    });
    // It is over whether or not the app still runs.
    let _ = app.kill();
    app.wait()?;
    let picture = picture?;
    write_png(Path::new(file), &picture)?;
    println!("    {file} ({} x {})", picture.width, picture.height);
    Ok(())
}

/// An instance with the settings of the pictures.
pub fn singer(clap: &Path) -> Result<Plugin> {
    let mut plugin = Bundle::open(clap)?.instance()?;
    plugin.select_channels(2, 2)?;
    for (id, text) in SETTINGS {
        plugin.set(id, text)?;
    }
    Ok(plugin)
}

/// Plays the demo recording through the plugin, over and over, as fast as it was sung, while
/// something else is done with it.
pub fn while_it_sings<T>(
    mut plugin: Plugin,
    act: impl FnOnce(&mut Plugin) -> Result<T>,
) -> Result<T> {
    let recording = wav::read(Path::new(RECORDING))?;
    let rate_hz = recording.rate_hz as usize;
    let block = rate_hz / 100;
    let mut audio = plugin.activate(rate_hz as f64, block)?;
    let is_over = AtomicBool::new(false);
    let (acted, played) = std::thread::scope(|scope| {
        let playing = scope.spawn(|| {
            let played = play(&mut audio, &recording.channels[0], block, &is_over);
            (audio, played)
        });
        let acted = act(&mut plugin);
        is_over.store(true, Ordering::SeqCst);
        let Ok((audio, played)) = playing.join() else {
            bail!("the audio thread panicked");
        };
        plugin.deactivate(audio);
        Ok((acted, played))
    })?;
    played?;
    acted
}

/// Hundred blocks make a second.
fn play(audio: &mut Audio, recording: &[f32], block: usize, is_over: &AtomicBool) -> Result<()> {
    let started = Instant::now();
    for (at, samples) in recording.chunks_exact(block).cycle().enumerate() {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        audio.render(&[samples.to_vec(), samples.to_vec()], || block, &[])?;
        let due = Duration::from_millis(10 * (at as u64 + 1));
        std::thread::sleep(due.saturating_sub(started.elapsed()));
    }
    Ok(())
}

fn write_png(path: &Path, picture: &Picture) -> Result<()> {
    let file = std::io::BufWriter::new(std::fs::File::create(path)?);
    let mut encoder = png::Encoder::new(file, picture.width, picture.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::High);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(&picture.rgb)?;
    writer.finish()?;
    Ok(())
}
