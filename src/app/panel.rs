//! The audio bar: devices, delay, push-to-talk, takes, and the line that says how it goes. GUI
//! thread; it asks the control thread and draws what that says.

use super::backend::{Backend, Choice, Device, Source};
use super::control::Handle;
use super::status::{State, Status};
use super::supervisor::Command;
use crate::editor::theme;
use crate::units::{Frames, frames_to_ms};
use egui::{ComboBox, Event, Key, RichText, Sense, Ui, vec2};
use std::sync::atomic::Ordering;

/// Height of the bar in points.
pub const HEIGHT: f32 = 68.0;
/// What the first row needs at full width; in a narrower window its choosers are narrower, too.
const ROW_WIDTH: f32 = 800.0;
const NARROWEST: f32 = 0.55;

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

    /// Draws it and passes on what the hand did. `making`: what is said of a voice in the making,
    /// and whether its page is open; the answer is whether that button was pressed.
    pub fn show(&mut self, ui: &mut Ui, control: &Handle, making: Option<(String, bool)>) -> bool {
        let mut is_turned = false;
        let status = control.shared.status();
        self.hear_key(ui, control);
        let fill = theme::of(ui).background;
        ui.painter().rect_filled(ui.max_rect(), 0.0, fill);
        let margin = ui.max_rect().shrink2(vec2(12.0, 8.0));
        ui.scope_builder(egui::UiBuilder::new().max_rect(margin), |ui| {
            ui.spacing_mut().item_spacing = vec2(6.0, 6.0);
            ui.horizontal(|ui| {
                devices(ui, &status, control);
                format(ui, &status, control);
            });
            ui.horizontal(|ui| {
                latency(ui, &status, control);
                self.switches(ui, control);
                takes(ui, &status, control);
                virtual_mic(ui, &status, control);
                if let Some((text, is_open)) = making {
                    is_turned = ui
                        .selectable_label(is_open, text)
                        .on_hover_text("Makes a voice of recordings; trained in the background")
                        .clicked();
                }
                state(ui, &status);
            });
        });
        is_turned
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

/// One of the choosers of the bar.
struct Chooser<'a, T> {
    name: &'a str,
    hint: &'a str,
    width: f32,
    /// What is shown while it is closed: what runs, which may be other than what was chosen.
    shown: &'a str,
    all: Vec<(T, String)>,
    current: &'a T,
}

impl<T: Clone + PartialEq> Chooser<'_, T> {
    /// Draws it; what was picked, if anything.
    fn show(self, ui: &mut Ui) -> Option<T> {
        let mut picked = None;
        let share = ui.ctx().content_rect().width() / ROW_WIDTH;
        let combo = ComboBox::from_id_salt(self.name)
            .width(self.width * share.clamp(NARROWEST, 1.0))
            .truncate()
            .selected_text(self.shown)
            .show_ui(ui, |ui| {
                for (value, label) in &self.all {
                    let response = ui.selectable_label(value == self.current, label);
                    if response.clicked() {
                        picked = Some(value.clone());
                    }
                }
            });
        let hint = format!("{}: {}", self.name, self.hint);
        combo.response.on_hover_text(hint);
        picked
    }
}

/// What carries the sound, from where, and where to.
fn devices(ui: &mut Ui, status: &Status, control: &Handle) {
    let choice = &status.choice;
    let ask = |choice: Choice| control.ask(Command::Choose(choice));
    let offer = status.offer();
    let backend = Chooser {
        name: "Backend",
        hint: "what carries the sound",
        width: 120.0,
        shown: choice.backend.label(),
        all: backends(status),
        current: &choice.backend,
    };
    if let Some(backend) = backend.show(ui) {
        let source = choice.source;
        ask(Choice {
            backend,
            source,
            ..Choice::default()
        });
    }
    let input = Chooser {
        name: "Input",
        hint: "what is sung into",
        width: 170.0,
        shown: shown_device(&choice.input, &status.input),
        all: names(offer.map_or(&[], |offer| &offer.inputs)),
        current: &choice.input,
    };
    if let Some(input) = input.show(ui) {
        ask(Choice {
            input,
            ..choice.clone()
        });
    }
    let source = Chooser {
        name: "Channel",
        hint: "what of the input is converted",
        width: 76.0,
        shown: &source_label(choice.source),
        all: sources(),
        current: &choice.source,
    };
    if let Some(source) = source.show(ui) {
        ask(Choice {
            source,
            ..choice.clone()
        });
    }
    let output = Chooser {
        name: "Output",
        hint: "where it goes",
        width: 170.0,
        shown: shown_device(&choice.output, &status.output),
        all: names(offer.map_or(&[], |offer| &offer.outputs)),
        current: &choice.output,
    };
    if let Some(output) = output.show(ui) {
        ask(Choice {
            output,
            ..choice.clone()
        });
    }
}

/// How the devices run.
fn format(ui: &mut Ui, status: &Status, control: &Handle) {
    let choice = &status.choice;
    let ask = |choice: Choice| control.ask(Command::Choose(choice));
    let offer = status.offer();
    let unknown = || "–".to_owned();
    let rate = Chooser {
        name: "Rate",
        hint: "of the devices",
        width: 84.0,
        shown: &status
            .format
            .map_or_else(unknown, |format| format!("{} Hz", format.rate_hz)),
        all: numbers(offer.map_or(&RATES_HZ[..], |offer| &offer.rates), "Hz"),
        current: &choice.rate_hz,
    };
    if let Some(rate_hz) = rate.show(ui) {
        ask(Choice {
            rate_hz,
            ..choice.clone()
        });
    }
    let buffer = Chooser {
        name: "Buffer",
        hint: "frames per block: fewer are faster and harder on the computer",
        width: 64.0,
        shown: &status
            .format
            .map_or_else(unknown, |format| format.max_block.to_string()),
        all: numbers(offer.map_or(&[], |offer| &offer.buffers), "frames"),
        current: &choice.buffer,
    };
    if let Some(buffer) = buffer.show(ui) {
        ask(Choice {
            buffer,
            ..choice.clone()
        });
    }
    let rescan = ui.button("Rescan").on_hover_text("Look for devices again");
    if rescan.clicked() {
        control.ask(Command::Refresh);
    }
}

/// Every backend, those that do not run with a word about it.
fn backends(status: &Status) -> Vec<(Backend, String)> {
    let label = |backend: Backend| {
        let mut offers = status.offers.iter();
        let runs = offers.any(|(other, offer)| *other == backend && offer.is_ok());
        let label = backend.label();
        match runs {
            true => label.to_owned(),
            false => format!("{label} (not running)"),
        }
    };
    Backend::ALL.map(|backend| (backend, label(backend))).into()
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
        .map_or_else(|| "–".to_owned(), |ms| format!("{ms:.1} ms"));
    let how = match status.measured {
        Some(Ok(_)) => "measured",
        _ => "round trip",
    };
    let how = RichText::new(how).small().color(theme::of(ui).dim);
    ui.add_sized(vec2(54.0, 24.0), egui::Label::new(how));
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
                row(ui, "from mouth to ear, as reported", parts.total());
                if let Some(Ok(found)) = &status.measured {
                    row(ui, "without conversion, measured", found.frames);
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
}

fn takes(ui: &mut Ui, status: &Status, control: &Handle) {
    let is_recording = status.recording_s.is_some();
    let text = match status.recording_s {
        Some(seconds) => format!("Stop {}", clock(seconds)),
        None => "Record".to_owned(),
    };
    let color = match is_recording {
        true => theme::of(ui).danger,
        false => theme::of(ui).text,
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
                ui.colored_label(theme::of(ui).danger, failure);
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
    let colors = theme::of(ui);
    let measured = status.measured.as_ref();
    let (color, text) = match (status.state, &status.problem) {
        (State::Starting, _) => (colors.dim, "opening".to_owned()),
        (State::Waiting, problem) => (colors.danger, problem.clone().unwrap_or_default()),
        (State::Running, Some(problem)) => (colors.sung, problem.clone()),
        (State::Running, None) => match (measured, &status.notice) {
            (Some(Err(why)), _) => (colors.sung, why.clone()),
            (_, Some(notice)) => (colors.accent, notice.clone()),
            (_, None) => (
                colors.accent,
                format!("{} xruns, {} dropouts", status.xruns, status.dropouts),
            ),
        },
    };
    let (dot, _) = ui.allocate_exact_size(vec2(10.0, 10.0), Sense::hover());
    ui.painter().circle_filled(dot.center(), 4.0, color);
    let label = egui::Label::new(RichText::new(&text).small().color(color)).truncate();
    ui.add(label).on_hover_text(text);
}
