//! `autovoice` without a command, `autovoice app` and `autovoice devices`: a flag for everything
//! the window can do. Main thread.

use super::backend::{Backend, Backends, Choice, Source};
use super::control::{Control, Handle, Memory};
use super::host::Host;
use super::settings::{self, Settings};
use super::status::{State, Status};
use super::supervisor::{Command, Shared};
use super::window::{self, Closing};
use crate::io::folders;
use crate::plugin::presets::take_in;
use crate::preset::Library;
use clap::Parser;
use serde_json::json;
use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The main thread looks this often whether it is time to end.
const PERIOD: Duration = Duration::from_millis(50);
/// Without a window, how it goes is printed this often, and whenever it changes.
const REPORT: Duration = Duration::from_secs(10);
/// How long `--measure-latency` waits for sound and the answer.
const MEASURE: Duration = Duration::from_secs(15);

#[derive(Parser)]
#[command(name = "autovoice", disable_help_subcommand = true)]
enum Arguments {
    /// Sing through it live; opens a window
    App(Box<AppArgs>),
    /// List what the app can sing through: backends, devices, rates, buffers
    Devices(DevicesArgs),
}

#[derive(clap::Args)]
struct DevicesArgs {
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
}

#[derive(clap::Args, Default)]
struct AppArgs {
    /// What carries the sound: jack, pulse, alsa or dummy [default: the first that runs]
    #[arg(long, value_name = "NAME", value_parser = backend)]
    backend: Option<Backend>,
    /// What is sung into, as `autovoice devices` names it; "" connects nothing (JACK)
    #[arg(long, value_name = "DEVICE")]
    input: Option<String>,
    /// Where it goes, as `autovoice devices` names it; "" connects nothing (JACK)
    #[arg(long, value_name = "DEVICE")]
    output: Option<String>,
    /// Sample rate in Hz
    #[arg(long, value_name = "HZ", value_parser = clap::value_parser!(u32).range(8_000..=192_000))]
    rate: Option<u32>,
    /// Frames per block
    #[arg(long, value_name = "FRAMES", value_parser = clap::value_parser!(u32).range(8..=8_192))]
    buffer: Option<u32>,
    /// What of the input is converted: a channel's number, or "stereo" [default: 1]
    #[arg(long, value_name = "N", value_parser = source)]
    channel: Option<Source>,
    /// Starts with a preset: its name, a code or a file
    #[arg(long, value_name = "PRESET", allow_hyphen_values = true)]
    preset: Option<String>,
    /// Sets a parameter, for instance --set pitch="+3 st"; may be repeated
    #[arg(long = "set", value_name = "ID=VALUE")]
    set: Vec<String>,
    /// Keeps the converted voice from going out
    #[arg(long)]
    no_monitor: bool,
    /// Is heard only while the key is down
    #[arg(long)]
    push_to_talk: bool,
    /// The key for that [default: Space]
    #[arg(long, value_name = "KEY", value_parser = key)]
    talk_key: Option<String>,
    /// The key turns talking on and off, instead of being held
    #[arg(long)]
    talk_toggles: bool,
    /// Records from the start into this folder
    #[arg(long, value_name = "FOLDER")]
    record: Option<PathBuf>,
    /// Makes a microphone that other programs can pick
    #[arg(long)]
    virtual_mic: bool,
    /// Measures the way from output to input, which must be connected
    #[arg(long)]
    measure_latency: bool,
    /// Opens the page on which a voice is made of recordings
    #[arg(long, conflicts_with = "no_window")]
    new_voice: bool,
    /// Runs without a window until Ctrl-C
    #[arg(long)]
    no_window: bool,
    /// Ends after this time
    #[arg(long, value_name = "S", value_parser = seconds)]
    seconds: Option<f64>,
    /// Neither reads nor writes the settings and the sound of the last run
    #[arg(long)]
    forget: bool,
}

fn backend(id: &str) -> Result<Backend, String> {
    Backend::from_id(id).ok_or_else(|| {
        let ids: Vec<&str> = Backend::ALL.iter().map(|backend| backend.id()).collect();
        format!("expected one of {}", ids.join(", "))
    })
}

fn source(text: &str) -> Result<Source, String> {
    let number = text.parse::<usize>().ok().filter(|n| (1..=64).contains(n));
    match number {
        Some(number) => Ok(Source::Channel(number - 1)),
        None if text.eq_ignore_ascii_case("stereo") => Ok(Source::Stereo),
        None => Err("expected a channel from 1 to 64, or \"stereo\"".to_owned()),
    }
}

fn key(name: &str) -> Result<String, String> {
    let key = egui::Key::from_name(name);
    key.map(|key| key.name().to_owned())
        .ok_or_else(|| "expected the name of a key: Space, F1, T, Enter".to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok();
    let seconds = seconds.filter(|s| (0.0..=1e7).contains(s));
    seconds.ok_or_else(|| "expected seconds, 0 to 10000000".to_owned())
}

/// Runs the app if these arguments, the first being the program's name, ask for it.
#[must_use]
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let command = arguments.get(1);
    if command.is_none() {
        return Some(run_app(&AppArgs::default()));
    }
    if !command.is_some_and(|command| command == "app" || command == "devices") {
        return None;
    }
    Some(match Arguments::try_parse_from(arguments) {
        Ok(Arguments::App(arguments)) => run_app(&arguments),
        Ok(Arguments::Devices(arguments)) => list_devices(arguments.json),
        Err(error) => {
            let _ = error.print();
            ExitCode::from(if error.use_stderr() { 2 } else { 0 })
        }
    })
}

/// A line for people; whoever reads it may have gone, which is no reason to end.
fn say(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

fn complain(line: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}

fn list_devices(as_json: bool) -> ExitCode {
    let backends = Backends::default();
    let offers = Backend::ALL.map(|backend| (backend, backends.offer(backend)));
    if as_json {
        let all = offers.map(|(backend, offer)| {
            let label = backend.label();
            match offer {
                Ok(offer) => json!({
                    "backend": backend.id(), "label": label, "available": true,
                    "inputs": offer.inputs, "outputs": offer.outputs,
                    "rates": offer.rates, "buffers": offer.buffers,
                }),
                Err(error) => json!({
                    "backend": backend.id(), "label": label, "available": false,
                    "reason": error.to_string(),
                }),
            }
        });
        say(json!(all));
        return ExitCode::SUCCESS;
    }
    for (backend, offer) in offers {
        say(format_args!("{} ({})", backend.id(), backend.label()));
        let offer = match offer {
            Ok(offer) => offer,
            Err(error) => {
                say(format_args!("  not available: {error}"));
                continue;
            }
        };
        for (way, devices) in [("input", &offer.inputs), ("output", &offer.outputs)] {
            for device in devices {
                let channels = match device.channels {
                    0 => String::new(),
                    n => format!(", {n} channels"),
                };
                say(format_args!(
                    "  {way:<7} {:?} ({}{channels})",
                    device.id, device.label
                ));
            }
            if devices.is_empty() {
                say(format_args!("  {way:<7} none"));
            }
        }
        say(format_args!("  rates   {:?} Hz", offer.rates));
        say(format_args!("  buffers {:?} frames", offer.buffers));
    }
    ExitCode::SUCCESS
}

fn run_app(arguments: &AppArgs) -> ExitCode {
    match start(arguments) {
        Ok(code) => code,
        Err(error) => {
            complain(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Sets a preset, and says what is to be known of it.
fn set_preset(wanted: &str, host: &Host) -> Result<(), String> {
    let library = Library::of_user().unwrap_or_else(|_| Library::factory());
    let (preset, mut notices, _) = library
        .choose(wanted)
        .map_err(|error| format!("{error}; {}", error.remedy()))?;
    let resolved = take_in(&preset, host.rack(), host.slot());
    notices.extend(resolved.notices);
    host.set_values(&resolved.values);
    for notice in notices {
        complain(format_args!("note: {}: {notice}", preset.about.name));
    }
    Ok(())
}

fn start(arguments: &AppArgs) -> Result<ExitCode, String> {
    let memory = match arguments.forget {
        true => Memory::default(),
        false => Memory {
            settings: settings::file(),
            sound: settings::file().map(|file| file.with_file_name("app-sound.json")),
        },
    };
    let (mut settings, notice) = match &memory.settings {
        Some(file) => Settings::load(file),
        None => (Settings::default(), None),
    };
    notice.iter().for_each(complain);
    let shared = Shared::default();
    let host = Host::new(shared.params.clone());
    if let Some(Err(error)) = memory.sound.as_deref().map(|file| host.load(file)) {
        complain(error);
    }
    if let Some(wanted) = &arguments.preset {
        set_preset(wanted, &host)?;
    }
    for assignment in &arguments.set {
        let pair = assignment.split_once('=');
        let (id, value) = pair.ok_or_else(|| {
            format!("expected --set ID=VALUE, found \"{assignment}\"; for instance pitch=3")
        })?;
        host.set_text(id.trim(), value.trim())?;
    }
    apply(arguments, &mut settings);
    let switches = &shared.switches;
    switches.monitor.store(settings.monitor, Ordering::Relaxed);
    switches
        .push_to_talk
        .store(settings.push_to_talk, Ordering::Relaxed);
    switches
        .talk_toggles
        .store(settings.talk_toggles, Ordering::Relaxed);
    let takes = takes_folder(arguments, &settings)?;
    let quit = Arc::<AtomicBool>::default();
    let on_signal = quit.clone();
    // Without a handler Ctrl-C ends the program at once; a take then keeps its last full second.
    let _ = ctrlc::set_handler(move || on_signal.store(true, Ordering::Relaxed));
    let closing = Closing {
        quit,
        at: arguments
            .seconds
            .map(|seconds| Instant::now() + Duration::from_secs_f64(seconds)),
    };
    let talk_key = settings.talk_key.clone();
    let control = Control::start(Backends::default(), shared, settings, takes, memory)
        .map_err(|error| format!("expected a thread, found: {error}"))?;
    let handle = control.handle.clone();
    if arguments.virtual_mic {
        handle.ask(Command::VirtualMic(true));
    }
    if arguments.record.is_some() {
        handle.ask(Command::Record(true));
    }
    if arguments.measure_latency {
        handle.ask(Command::Measure);
    }
    if arguments.no_window {
        return Ok(match arguments.measure_latency {
            true => measure(&handle, &closing),
            false => without_window(control, &closing),
        });
    }
    let closed = window::run(handle, &talk_key, closing, arguments.new_voice);
    drop(control);
    closed.map(|()| ExitCode::SUCCESS).map_err(|error| {
        format!(
            "expected a display with OpenGL, found: {error}; on a machine without one: \
             autovoice app --no-window"
        )
    })
}

/// Flags win over what is remembered.
fn apply(arguments: &AppArgs, settings: &mut Settings) {
    let AppArgs {
        backend,
        input,
        output,
        rate,
        buffer,
        channel,
        ..
    } = arguments;
    let says_something = backend.is_some()
        || input.is_some()
        || output.is_some()
        || rate.is_some()
        || buffer.is_some()
        || channel.is_some();
    if says_something {
        let before = settings.audio.take().unwrap_or_default();
        // Devices of one backend mean nothing to another.
        let before = match backend {
            Some(backend) if *backend != before.backend => Choice {
                backend: *backend,
                ..Choice::default()
            },
            _ => before,
        };
        settings.audio = Some(Choice {
            backend: before.backend,
            input: input.clone().or(before.input),
            output: output.clone().or(before.output),
            rate_hz: rate.or(before.rate_hz),
            buffer: buffer.or(before.buffer),
            source: channel.unwrap_or(before.source),
        });
    }
    settings.monitor &= !arguments.no_monitor;
    settings.push_to_talk |= arguments.push_to_talk;
    settings.talk_toggles |= arguments.talk_toggles;
    if let Some(key) = &arguments.talk_key {
        settings.talk_key.clone_from(key);
    }
}

fn takes_folder(arguments: &AppArgs, settings: &Settings) -> Result<PathBuf, String> {
    let chosen = arguments.record.clone().or(settings.takes_folder.clone());
    match chosen {
        Some(folder) => Ok(folder),
        None => Ok(folders::home()
            .map_err(|error| format!("{error}; or name a folder with --record FOLDER"))?
            .join("takes")),
    }
}

/// Runs until Ctrl-C and prints how it goes.
fn without_window(mut control: Control, closing: &Closing) -> ExitCode {
    let shared = control.handle.shared.clone();
    let mut reported: Option<(Instant, State, Option<String>)> = None;
    while !closing.is_due() {
        std::thread::sleep(PERIOD);
        let status = shared.status();
        let is_news = reported.as_ref().is_none_or(|(at, state, notice)| {
            *state != status.state || *notice != status.notice || at.elapsed() > REPORT
        });
        if is_news && status.state != State::Starting {
            say(status.line());
            status.notice.iter().for_each(say);
            reported = Some((Instant::now(), status.state, status.notice));
        }
    }
    control.close();
    let status = shared.status();
    let mut code = ExitCode::SUCCESS;
    for take in &status.takes {
        say(format_args!(
            "{:.1} s: {}",
            take.seconds,
            take.dry.display()
        ));
        say(format_args!(
            "{:.1} s: {}",
            take.seconds,
            take.wet.display()
        ));
        if let Some(failure) = &take.failure {
            complain(failure);
            code = ExitCode::FAILURE;
        }
    }
    code
}

fn measure(handle: &Handle, closing: &Closing) -> ExitCode {
    let until = Instant::now() + MEASURE;
    let mut status = Status::default();
    while Instant::now() < until && !closing.is_due() && status.measured.is_none() {
        std::thread::sleep(PERIOD);
        status = handle.shared.status();
    }
    say(status.line());
    match (&status.measured, status.format) {
        (Some(Ok(found)), Some(format)) => {
            let ms = 1e3 * found.frames as f64 / f64::from(format.rate_hz);
            say(format_args!(
                "measured {} frames ({ms:.2} ms) from output to input, {:.0} times above chance; \
                 reported {} frames; with the conversion {} frames",
                found.frames,
                found.certainty,
                status.latency.without_engine(),
                found.frames + status.latency.engine,
            ));
            ExitCode::SUCCESS
        }
        (Some(Err(error)), _) => {
            complain(format_args!("error: {error}"));
            ExitCode::FAILURE
        }
        _ => {
            complain("error: expected an answer, found none in time; is there sound?");
            ExitCode::FAILURE
        }
    }
}
