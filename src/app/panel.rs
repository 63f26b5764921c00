//! The audio bar: devices, delay, push-to-talk, takes, and the line that says how it goes. GUI
//! thread; it asks the control thread and draws what that says.

use super::backend::{Backend, Choice, Device, Source};
use super::control::Handle;
use super::status::{State, Status};
use super::supervisor::Command;
use crate::units::{Frames, frames_to_ms};
use egui::{Color32, ComboBox, Event, Key, RichText, Sense, Ui, vec2};
use std::sync::atomic::Ordering;

/// Height of the bar in points.
pub const HEIGHT: f32 = 76.0;

/// Offered where a backend cannot tell.
const RATES_HZ: [u32; 5] = [44_100, 48_000, 88_200, 96_000, 192_000];

/// The bar's own state.
pub struct Panel {
    key: Key,
}

impl Panel {
    /// With a push-to-talk key by its name; an unknown one is the space bar.
    #[must_use]
    pub fn new(key: &str) -> Self {
        Self {
            key: Key::from_name(key).unwrap_or(Key::Space),
        }
    }

    /// Draws it and passes on what the hand did.
    pub fn show(&mut self, ui: &mut Ui, control: &Handle) {
        let status = control.shared.status();
        self.hear_key(ui, control);
        let fill = ui.visuals().panel_fill;
        ui.painter().rect_filled(ui.max_rect(), 0.0, fill);
        let margin = ui.max_rect().shrink2(vec2(12.0, 8.0));
        ui.scope_builder(egui::UiBuilder::new().max_rect(margin), |ui| {
            ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
            ui.horizontal(|ui| devices(ui, &status, control));
            ui.horizontal(|ui| {
                latency(ui, &status, control);
                self.switches(ui, control);
                takes(ui, &status, control);
                virtual_mic(ui, &status, control);
                state(ui, &status);
            });
        });
    }

    /// The key counts while no text is typed; no button may take it for a click.
    fn hear_key(&self, ui: &Ui, control: &Handle) {
        let switches = &control.shared.switches;
        if !switches.push_to_talk.load(Ordering::Relaxed) {
            return;
        }
        let ctx = ui.ctx();
        if ctx.egui_wants_keyboard_input() {
            return;
        }
        let toggles = switches.talk_toggles.load(Ordering::Relaxed);
        let mut talking = switches.talking.load(Ordering::Relaxed);
        ctx.input_mut(|input| {
            input.events.retain(|event| match event {
                Event::Key {
                    key,
                    pressed,
                    repeat,
                    ..
                } if *key == self.key => {
                    if !toggles {
                        talking = *pressed;
                    } else if *pressed && !repeat {
                        talking = !talking;
                    }
                    false
                }
                // The release would go to another window.
                Event::WindowFocused(false) if !toggles => {
                    talking = false;
                    true
                }
                Event::Text(text) if self.key == Key::Space && text == " " => false,
                _ => true,
            });
        });
        switches.talking.store(talking, Ordering::Relaxed);
    }

    fn switches(&self, ui: &mut Ui, control: &Handle) {
        let switches = &control.shared.switches;
        let mut monitor = switches.monitor.load(Ordering::Relaxed);
        if ui
            .toggle_value(&mut monitor, "Monitor")
            .on_hover_text("Whether the converted voice goes out")
            .clicked()
        {
            switches.monitor.store(monitor, Ordering::Relaxed);
        }
        let mut push_to_talk = switches.push_to_talk.load(Ordering::Relaxed);
        let hint = format!(
            "Be heard only while {} is down, or this is pressed; right-click to have it turn \
             talking on and off instead",
            self.key.name()
        );
        let talking = switches.talking.load(Ordering::Relaxed);
        let label = match (push_to_talk, talking) {
            (false, _) => "Push to talk".to_owned(),
            (true, false) => format!("Hold {}", self.key.name()),
            (true, true) => "On air".to_owned(),
        };
        let button = ui
            .toggle_value(&mut push_to_talk, label)
            .on_hover_text(hint);
        if button.clicked() {
            switches.push_to_talk.store(push_to_talk, Ordering::Relaxed);
            switches.talking.store(false, Ordering::Relaxed);
        }
        if button.secondary_clicked() {
            switches.talk_toggles.fetch_xor(true, Ordering::Relaxed);
        }
    }
}

/// A chooser; returns what was picked.
fn choose<T: Clone + PartialEq>(
    ui: &mut Ui,
    (name, hint): (&str, &str),
    width: f32,
    shown: &str,
    all: &[(T, String)],
    current: &T,
) -> Option<T> {
    let mut picked = None;
    let combo = ComboBox::from_id_salt(name)
        .width(width)
        .truncate()
        .selected_text(shown)
        .show_ui(ui, |ui| {
            for (value, label) in all {
                if ui.selectable_label(value == current, label).clicked() {
                    picked = Some(value.clone());
                }
            }
        });
    combo.response.on_hover_text(format!("{name}: {hint}"));
    picked
}

fn devices(ui: &mut Ui, status: &Status, control: &Handle) {
    let choice = &status.choice;
    let ask = |choice: Choice| control.ask(Command::Choose(choice));
    let backends: Vec<(Backend, String)> = Backend::ALL
        .into_iter()
        .map(|backend| {
            let is_there = status
                .offers
                .iter()
                .any(|(b, o)| *b == backend && o.is_ok());
            let label = backend.label();
            let label = match is_there {
                true => label.to_owned(),
                false => format!("{label} (not running)"),
            };
            (backend, label)
        })
        .collect();
    let hint = "what carries the sound";
    let shown = choice.backend.label();
    if let Some(backend) = choose(
        ui,
        ("Backend", hint),
        120.0,
        shown,
        &backends,
        &choice.backend,
    ) {
        ask(Choice {
            backend,
            source: choice.source,
            ..Choice::default()
        });
    }
    let offer = status.offer();
    let inputs = names(offer.map_or(&[], |offer| &offer.inputs));
    let shown = shown_device(&choice.input, &status.input);
    if let Some(input) = choose(
        ui,
        ("Input", "what is sung into"),
        170.0,
        shown,
        &inputs,
        &choice.input,
    ) {
        ask(Choice {
            input,
            ..choice.clone()
        });
    }
    let sources = sources();
    let shown = source_label(choice.source);
    let hint = "what of the input is converted";
    if let Some(source) = choose(
        ui,
        ("Channel", hint),
        76.0,
        &shown,
        &sources,
        &choice.source,
    ) {
        ask(Choice {
            source,
            ..choice.clone()
        });
    }
    let outputs = names(offer.map_or(&[], |offer| &offer.outputs));
    let shown = shown_device(&choice.output, &status.output);
    if let Some(output) = choose(
        ui,
        ("Output", "where it goes"),
        170.0,
        shown,
        &outputs,
        &choice.output,
    ) {
        ask(Choice {
            output,
            ..choice.clone()
        });
    }
    let rates = offer.map_or(&RATES_HZ[..], |offer| &offer.rates);
    let rates = numbers(rates, "Hz");
    let shown = status
        .format
        .map_or_else(|| "–".to_owned(), |f| format!("{} Hz", f.rate_hz));
    if let Some(rate_hz) = choose(
        ui,
        ("Rate", "of the devices"),
        84.0,
        &shown,
        &rates,
        &choice.rate_hz,
    ) {
        ask(Choice {
            rate_hz,
            ..choice.clone()
        });
    }
    let buffers = numbers(offer.map_or(&[], |offer| &offer.buffers), "frames");
    let shown = status
        .format
        .map_or_else(|| "–".to_owned(), |f| f.max_block.to_string());
    let hint = "frames per block: fewer are faster and harder on the computer";
    if let Some(buffer) = choose(ui, ("Buffer", hint), 64.0, &shown, &buffers, &choice.buffer) {
        ask(Choice {
            buffer,
            ..choice.clone()
        });
    }
    if ui
        .button("Rescan")
        .on_hover_text("Look for devices again")
        .clicked()
    {
        control.ask(Command::Refresh);
    }
}

fn names(devices: &[Device]) -> Vec<(Option<String>, String)> {
    let default = std::iter::once((None, "Default".to_owned()));
    let named = devices
        .iter()
        .map(|device| (Some(device.id.clone()), device.label.clone()));
    default.chain(named).collect()
}

fn shown_device<'a>(chosen: &'a Option<String>, connected: &'a str) -> &'a str {
    match (chosen, connected) {
        (Some(chosen), "") => chosen,
        (None, "") => "Default",
        (_, connected) => connected,
    }
}

fn numbers(all: &[u32], unit: &str) -> Vec<(Option<u32>, String)> {
    let default = std::iter::once((None, "Default".to_owned()));
    let named = all.iter().map(|n| (Some(*n), format!("{n} {unit}")));
    default.chain(named).collect()
}

fn sources() -> Vec<(Source, String)> {
    (0..8)
        .map(Source::Channel)
        .chain([Source::Stereo])
        .map(|source| (source, source_label(source)))
        .collect()
}

fn source_label(source: Source) -> String {
    match source {
        Source::Channel(channel) => format!("Ch {}", channel + 1),
        Source::Stereo => "Stereo".to_owned(),
    }
}

fn latency(ui: &mut Ui, status: &Status, control: &Handle) {
    let text = status
        .total_ms()
        .map_or_else(|| "– ms".to_owned(), |ms| format!("{ms:.1} ms"));
    // Of one width, so that nothing after it moves with the number.
    let label = egui::Label::new(RichText::new(text).strong()).halign(egui::Align::Min);
    let label = ui.add_sized(vec2(64.0, 24.0), label);
    if let Some(format) = status.format {
        label.on_hover_ui(|ui| {
            let parts = status.latency;
            let row = |ui: &mut Ui, name: &str, frames: Frames| {
                ui.label(name);
                ui.label(format!("{:.2} ms", frames_to_ms(frames, format.rate_hz)));
                ui.label(format!("{frames} frames"));
                ui.end_row();
            };
            egui::Grid::new("round trip").show(ui, |ui| {
                row(ui, "input device", parts.input);
                row(ui, "buffers between", parts.duplex);
                row(ui, "conversion", parts.engine);
                row(ui, "output device", parts.output);
                row(ui, "from mouth to ear", parts.total());
                if let Some(Ok(found)) = &status.measured {
                    row(ui, "measured, without conversion", found.frames);
                }
            });
        });
    }
    let button = egui::Button::new(if status.is_measuring {
        "Measuring"
    } else {
        "Measure"
    });
    let hint = "Plays noise and times its way back: connect the output to the input first";
    if ui
        .add_enabled(!status.is_measuring, button)
        .on_hover_text(hint)
        .clicked()
    {
        control.ask(Command::Measure);
    }
    if let (Some(Ok(found)), Some(format)) = (&status.measured, status.format) {
        let ms = frames_to_ms(found.frames, format.rate_hz);
        ui.label(RichText::new(format!("loop {ms:.1} ms")).small());
    }
}

fn takes(ui: &mut Ui, status: &Status, control: &Handle) {
    let is_recording = status.recording_s.is_some();
    let text = match status.recording_s {
        Some(seconds) => format!("Stop {}", clock(seconds)),
        None => "Record".to_owned(),
    };
    let color = match is_recording {
        true => ui.visuals().error_fg_color,
        false => ui.visuals().text_color(),
    };
    let hint = format!(
        "Records what is sung and what comes out, in step, to {}",
        status.takes_folder.display()
    );
    if ui
        .button(RichText::new(text).color(color))
        .on_hover_text(hint)
        .clicked()
    {
        control.ask(Command::Record(!is_recording));
    }
    ui.menu_button(format!("Takes ({})", status.takes.len()), |ui| {
        if status.takes.is_empty() {
            ui.label("None yet.");
        }
        for take in status.takes.iter().take(20) {
            for path in [&take.dry, &take.wet] {
                let name = path.file_name().map(|name| name.to_string_lossy());
                ui.label(format!(
                    "{}   {}",
                    name.unwrap_or_default(),
                    clock(take.seconds)
                ));
            }
            if let Some(failure) = &take.failure {
                ui.colored_label(ui.visuals().error_fg_color, failure);
            }
            ui.separator();
        }
        ui.label(RichText::new(status.takes_folder.display().to_string()).small());
    });
}

fn clock(seconds: f64) -> String {
    let seconds = seconds as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

fn virtual_mic(ui: &mut Ui, status: &Status, control: &Handle) {
    let mut is_on = status.virtual_mic;
    if ui
        .toggle_value(&mut is_on, "Virtual mic")
        .on_hover_text("A microphone with this voice that other programs can pick")
        .clicked()
    {
        control.ask(Command::VirtualMic(is_on));
    }
}

/// The dot and the line after it.
fn state(ui: &mut Ui, status: &Status) {
    let visuals = ui.visuals();
    let (error, warn, weak) = (
        visuals.error_fg_color,
        visuals.warn_fg_color,
        visuals.weak_text_color(),
    );
    let good = Color32::from_rgb(0x3d, 0xd1, 0xb0);
    let (color, text) = match (
        status.state,
        &status.problem,
        &status.measured,
        &status.notice,
    ) {
        (State::Starting, ..) => (weak, "opening".to_owned()),
        (State::Waiting, problem, ..) => (error, problem.clone().unwrap_or_default()),
        (State::Running, Some(problem), ..) => (warn, problem.clone()),
        (State::Running, None, Some(Err(why)), _) => (warn, why.clone()),
        (State::Running, None, _, Some(notice)) => (good, notice.clone()),
        (State::Running, None, ..) => (
            good,
            format!("{} xruns, {} dropouts", status.xruns, status.dropouts),
        ),
    };
    let (dot, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    ui.painter().circle_filled(dot.center(), 4.0, color);
    let label = egui::Label::new(RichText::new(&text).small().color(color)).truncate();
    ui.add(label).on_hover_text(text);
}
