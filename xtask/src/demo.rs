//! `cargo xtask demo`: the demo recording through the bundled plugin, in a host inside this
//! process, and through the command line. Both must sound the same; what is printed was measured.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use xtask::clap_host::{Bundle, Plugin};
use xtask::measure::{PitchError, delay_frames, noise, pitch_error, pitch_track, residual_db};
use xtask::paths::{self, Products};
use xtask::wav::{self, Clip};

use crate::{bundle, packages, step};

const RECORDING: &str = "demo/singing.wav";
/// A block a singer would work with.
const BLOCK: usize = 64;
/// The voice of the recording never goes below 160 Hz; knowing that makes the delay shorter.
const RANGE: &str = "High";
/// What plugin and command line may differ by: parameters reach the plugin as 32-bit shares of
/// their range, which rounds them.
const SAME_DB: f64 = -100.0;
/// What a voice may differ by in pitch and level.
const ALIKE_CENTS: f64 = 5.0;
const ALIKE_DB: f64 = 0.5;

/// One setting of the voice, in the words of the plugin and of the command line.
struct Take {
    name: &'static str,
    what: &'static str,
    /// A voice of the library.
    voice: Option<&'static str>,
    plugin: &'static [(&'static str, &'static str)],
    command: &'static [&'static str],
    target: Target,
}

/// Where the pitch should be.
enum Target {
    /// This many semitones from what was sung.
    Semitones(f64),
    /// On the nearest of these pitch classes, 0 for C.
    Scale(&'static [u8]),
}

const TAKES: [Take; 4] = [
    Take {
        name: "pitch-up-4",
        what: "4 semitones higher, same formants",
        voice: None,
        plugin: &[("pitch", "+4 st")],
        command: &["--pitch", "4"],
        target: Target::Semitones(4.0),
    },
    Take {
        name: "formant-down-4",
        what: "formants 4 semitones lower, same pitch",
        voice: None,
        plugin: &[("formant", "-4 st")],
        command: &["--formant", "-4"],
        target: Target::Semitones(0.0),
    },
    Take {
        name: "tuned-c-sharp-minor",
        what: "every note drawn to C# minor at once",
        voice: None,
        plugin: &[
            ("correct", "on"),
            ("key", "C#"),
            ("scale", "minor"),
            ("retune_ms", "0"),
        ],
        command: &["--key", "C# minor", "--retune", "0"],
        target: Target::Scale(&[1, 3, 4, 6, 8, 9, 11]),
    },
    Take {
        name: "another-voice",
        what: "a voice that ships with the program, an octave lower",
        voice: Some("Rolf"),
        plugin: &[("pitch", "-12 st")],
        command: &["--voice", "Rolf", "--pitch", "-12"],
        target: Target::Semitones(-12.0),
    },
];

impl Target {
    fn hz(&self, sung_hz: f64) -> f64 {
        match self {
            Self::Semitones(semitones) => sung_hz * (semitones / 12.0).exp2(),
            Self::Scale(classes) => {
                let note = 69.0 + 12.0 * (sung_hz / 440.0).log2();
                let nearest = (0..128u8)
                    .filter(|note| classes.contains(&(note % 12)))
                    .map(f64::from)
                    .min_by(|a, b| (a - note).abs().total_cmp(&(b - note).abs()));
                440.0 * ((nearest.unwrap_or(note) - 69.0) / 12.0).exp2()
            }
        }
    }
}

pub fn run() -> Result<()> {
    let mut steps = step::Steps::new(4);
    steps.next("Looking for missing system packages");
    packages::ensure(packages::BUILD)?;

    steps.next("Building the plugin and the command line");
    let products = bundle::build()?;

    steps.next("Measuring the latency of the plugin");
    let recording = wav::read(Path::new(RECORDING))?;
    let plugin = Bundle::open(&products.clap)?;
    measure_latency(&plugin, recording.rate_hz)?;

    steps.next("Converting the demo recording");
    let folder = paths::target()?.join("demo");
    std::fs::create_dir_all(&folder)?;
    wav::write(&folder.join("original.wav"), &recording)?;
    println!(
        "    {RECORDING}: {:.1} s of singing at {} Hz; blocks of {BLOCK} frames, range {RANGE}",
        recording.seconds(),
        recording.rate_hz
    );
    let stage = Stage {
        plugin,
        products: &products,
        recording: &recording,
        sung: pitch_track(&recording.channels[0], f64::from(recording.rate_hz)),
        folder,
    };
    for take in &TAKES {
        stage.perform(take)?;
    }
    steps.done();
    println!("\nDone in {}. Listen to:", step::clock(steps.elapsed()));
    println!("  {}", stage.folder.display());
    println!("    original.wav");
    for take in &TAKES {
        println!(
            "    {0}.plugin.wav, {0}.command-line.wav   {1}",
            take.name, take.what
        );
    }
    what_next(&products);
    Ok(())
}

fn instance(plugin: &Bundle, settings: &[(&str, &str)]) -> Result<Plugin> {
    let mut instance = plugin.instance()?;
    instance.select_channels(1, 1)?;
    instance.set("range", RANGE)?;
    for (id, text) in settings {
        instance.set(id, text)?;
    }
    Ok(instance)
}

/// The delay reported, held against the one found in noise that passed unchanged.
fn measure_latency(plugin: &Bundle, rate_hz: u32) -> Result<()> {
    let mut instance = instance(plugin, &[])?;
    let input = noise(1, rate_hz as usize / 2);
    let mut audio = instance.activate(f64::from(rate_hz), BLOCK)?;
    let output = audio.render(std::slice::from_ref(&input), || BLOCK, &[])?;
    instance.deactivate(audio);
    let reported = instance.latency_frames();
    let measured = delay_frames(&input, &output[0], 2 * reported + 1024);
    let ms = |frames: usize| frames as f64 * 1e3 / f64::from(rate_hz);
    println!("    reported  {reported} frames, {:.2} ms", ms(reported));
    println!("    measured  {measured} frames, {:.2} ms", ms(measured));
    println!(
        "    unchanged settings against the delayed input: {}",
        decibels(residual_db(&input, &output[0], measured))
    );
    ensure!(
        reported == measured,
        "the plugin reports another delay than it has"
    );
    Ok(())
}

/// What every take needs.
struct Stage<'a> {
    plugin: Bundle,
    products: &'a Products,
    recording: &'a Clip,
    sung: Vec<f64>,
    folder: PathBuf,
}

impl Stage<'_> {
    fn perform(&self, take: &Take) -> Result<()> {
        println!("\n    {}: {}", take.name, take.what);
        let (by_plugin, plugin_seconds) = self.through_plugin(take)?;
        let (by_command, command_seconds) = self.through_command_line(take)?;
        let speed = |seconds: f64| self.recording.seconds() / seconds;
        println!(
            "      speed        plugin {:.0} x real time, command line {:.0} x with start and files",
            speed(plugin_seconds),
            speed(command_seconds)
        );
        self.report_pitch(take, &by_plugin)?;
        ensure!(
            by_plugin.channels.len() == by_command.channels.len()
                && by_plugin.frames() == by_command.frames()
                && by_plugin.rate_hz == by_command.rate_hz,
            "expected the recording's shape from the command line, got {} channels of {} frames",
            by_command.channels.len(),
            by_command.frames()
        );
        let pair = (&by_command.channels[0][..], &by_plugin.channels[0][..]);
        let alike = match take.voice {
            None => {
                let difference = residual_db(pair.0, pair.1, 0);
                println!("      plugin and command line  {}", decibels(difference));
                difference < SAME_DB
            }
            // The phases of its harmonics depend on where its hops lie, which is elsewhere in a file.
            Some(_) => {
                let [command, plugin] = [pair.0, pair.1].map(|signal| {
                    let squares = signal.iter().map(|x| f64::from(x * x)).sum::<f64>();
                    let level_db = 10.0 * (squares / signal.len() as f64).log10();
                    (pitch_track(signal, f64::from(by_plugin.rate_hz)), level_db)
                });
                let error = pitch_error(&command.0, &plugin.0, |hz| hz);
                let error = error.context("no frame is voiced in both results")?;
                let louder_db = plugin.1 - command.1;
                println!(
                    "      plugin and command line  {}; {louder_db:+.2} dB",
                    cents(error)
                );
                error.median_cents < ALIKE_CENTS && louder_db.abs() < ALIKE_DB
            }
        };
        ensure!(alike, "plugin and command line sound different");
        Ok(())
    }

    fn through_plugin(&self, take: &Take) -> Result<(Clip, f64)> {
        let rate_hz = self.recording.rate_hz;
        let mut instance = instance(&self.plugin, take.plugin)?;
        if let Some(voice) = take.voice {
            instance.put_voice(voice)?;
            // A voice sings on another thread, which a bounce waits for.
            instance.set_offline(true)?;
            for (id, text) in take.plugin {
                instance.set(id, text)?;
            }
        }
        let mut audio = instance.activate(f64::from(rate_hz), BLOCK)?;
        let latency = instance.latency_frames();
        // A host's delay compensation: feed on for the latency, then drop it in front.
        let mut input = self.recording.channels.clone();
        input[0].extend(std::iter::repeat_n(0.0, latency));
        let started = Instant::now();
        let output = audio.render(&input, || BLOCK, &[])?;
        let seconds = started.elapsed().as_secs_f64();
        instance.deactivate(audio);
        let clip = Clip {
            rate_hz,
            channels: output.into_iter().map(|c| c[latency..].to_vec()).collect(),
        };
        wav::write(
            &self.folder.join(format!("{}.plugin.wav", take.name)),
            &clip,
        )?;
        Ok((clip, seconds))
    }

    fn through_command_line(&self, take: &Take) -> Result<(Clip, f64)> {
        let output = self.folder.join(format!("{}.command-line.wav", take.name));
        let mut command = Command::new(&self.products.binary);
        command
            .args([
                "convert", RECORDING, "--force", "--bits", "32f", "--range", RANGE,
            ])
            .args(take.command)
            .arg("-o")
            .arg(&output);
        let started = Instant::now();
        let ran = command.output().context("the command line did not start")?;
        let seconds = started.elapsed().as_secs_f64();
        ensure!(
            ran.status.success(),
            "the command line failed with {}:\n{}",
            ran.status,
            String::from_utf8_lossy(&ran.stderr)
        );
        Ok((wav::read(&output)?, seconds))
    }

    fn report_pitch(&self, take: &Take, clip: &Clip) -> Result<()> {
        let heard = pitch_track(&clip.channels[0], f64::from(clip.rate_hz));
        let no_voice = "no frame is voiced in both recording and result";
        if let Target::Scale(_) = take.target {
            // Sung and heard are each held against the note nearest to them.
            let before = self.off_target(take, &self.sung).context(no_voice)?;
            let after = self.off_target(take, &heard).context(no_voice)?;
            println!("      from a note  as sung: {}", cents(before));
            println!("                   tuned:   {}", cents(after));
        } else {
            let error = pitch_error(&self.sung, &heard, |hz| take.target.hz(hz));
            println!("      pitch error  {}", cents(error.context(no_voice)?));
        }
        Ok(())
    }

    fn off_target(&self, take: &Take, track: &[f64]) -> Option<PitchError> {
        let targets: Vec<f64> = track
            .iter()
            .map(|&hz| if hz > 0.0 { take.target.hz(hz) } else { 0.0 })
            .collect();
        pitch_error(&targets, track, |hz| hz)
    }
}

fn cents(error: PitchError) -> String {
    format!(
        "median {:.1} cents, {:.1} % within 50 cents ({} frames of 10 ms)",
        error.median_cents,
        100.0 * error.within_50,
        error.frames
    )
}

fn decibels(difference: f64) -> String {
    if difference < -390.0 {
        "the same to the last bit".to_owned()
    } else {
        format!("differ by {difference:.1} dB at most")
    }
}

fn what_next(products: &Products) {
    let (clap, vst3) = (products.clap.display(), products.vst3.display());
    println!("\nNext, to sing through it in a DAW (for this user only):");
    println!("  mkdir -p ~/.clap ~/.vst3");
    println!("  cp {clap} ~/.clap/");
    println!("  cp -r {vst3} ~/.vst3/     # keep the name: some hosts load no renamed bundle");
    println!("then let the DAW rescan and put AutoVoice on a voice track.");
    println!("\nYour own recordings:");
    println!("  {} convert --help", products.binary.display());
}
