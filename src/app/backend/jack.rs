//! JACK, spoken to directly: one client with its ports, connected to what was chosen. PipeWire
//! serves the same library. `process` runs on JACK's audio thread: it copies and calls, nothing
//! else. The library is looked for at run time, so the program starts without it.

use super::{
    Backend, Callback, Choice, Device, DeviceLatency, Format, Health, Loss, MakeCallback, Note,
    Offer, OpenError, Source, Stream,
};
use crate::app::virtual_mic;
use crate::units::Frames;
use jack::{
    AsyncClient, AudioIn, AudioOut, Client, ClientOptions, ClientStatus, Control, LatencyType,
    MidiIn, NotificationHandler, Port, PortFlags, ProcessHandler, ProcessScope,
};
use std::cell::Cell;
use std::sync::{Arc, OnceLock};

const AUDIO: &str = "32 bit float mono audio";
const MOST_NOTES: usize = 256;
const BUFFERS: [u32; 8] = [16, 32, 64, 128, 256, 512, 1024, 2048];
const REMEDY: &str = "start JACK (for instance jackd -d alsa -r 48000 -p 128) or PipeWire, or \
                      choose another backend";

/// Whether the library that answers for JACK is PipeWire's. Known once JACK was tried.
#[must_use]
pub fn is_pipewire() -> bool {
    static FOUND: OnceLock<bool> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return *found;
    }
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let Some(line) = maps.lines().find(|line| line.contains("libjack")) else {
        return false;
    };
    *FOUND.get_or_init(|| line.contains("pipewire"))
}

/// Whether a server may be there: jackd's socket or PipeWire's. Asking the library instead would
/// open its database, and one that a killed program left in disorder makes it wait for 18 seconds.
fn may_run() -> bool {
    if !cfg!(target_os = "linux") {
        return true;
    }
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let server = variable("JACK_DEFAULT_SERVER").unwrap_or_else(|| "default".to_owned());
    let prefix = format!("jack_{server}_");
    let is_jackd = ["/dev/shm", "/tmp"].into_iter().any(|folder| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let mut names = entries.map(|entry| entry.file_name());
        names.any(|name| name.to_string_lossy().starts_with(&prefix))
    });
    let runtime = variable("PIPEWIRE_RUNTIME_DIR").or_else(|| variable("XDG_RUNTIME_DIR"));
    let is_pipewire = runtime.is_some_and(|folder| {
        let socket = variable("PIPEWIRE_REMOTE").unwrap_or_else(|| "pipewire-0".to_owned());
        std::path::Path::new(&folder).join(socket).exists()
    });
    is_jackd || is_pipewire
}

fn connect(name: &str) -> Result<Client, OpenError> {
    if !may_run() {
        return Err(OpenError::Unavailable {
            backend: Backend::Jack,
            found: "no server".to_owned(),
            remedy: REMEDY,
        });
    }
    let options = ClientOptions::NO_START_SERVER;
    let opened = Client::new(name, options).map_err(|error| {
        let (found, remedy) = match error {
            jack::Error::LibraryError(_) => (
                "no libjack".to_owned(),
                "sudo apt install pipewire-jack (or jackd2), or choose another backend",
            ),
            jack::Error::ClientError(_) => ("no server".to_owned(), REMEDY),
            other => (other.to_string(), REMEDY),
        };
        OpenError::Unavailable {
            backend: Backend::Jack,
            found,
            remedy,
        }
    });
    opened.map(|(client, _)| client)
}

/// What JACK offers.
///
/// # Errors
/// [`OpenError::Unavailable`] when no server runs.
pub fn offer() -> Result<Offer, OpenError> {
    let client = connect("autovoice-look")?;
    Ok(Offer {
        backend: Backend::Jack,
        inputs: devices(&client, PortFlags::IS_OUTPUT),
        outputs: devices(&client, PortFlags::IS_INPUT),
        rates: vec![client.sample_rate()],
        buffers: BUFFERS.to_vec(),
    })
}

/// Clients with audio ports of this kind, those with hardware behind them first.
fn devices(client: &Client, flags: PortFlags) -> Vec<Device> {
    let mut found: Vec<Device> = Vec::new();
    let physical = client.ports(None, Some(AUDIO), flags | PortFlags::IS_PHYSICAL);
    let all = client.ports(None, Some(AUDIO), flags);
    for port in physical
        .iter()
        .chain(all.iter().filter(|p| !physical.contains(p)))
    {
        let Some((owner, _)) = port.rsplit_once(':') else {
            continue;
        };
        if owner.starts_with("autovoice-") || owner.starts_with("AutoVoice") {
            continue;
        }
        match found.iter_mut().find(|device| device.id == owner) {
            Some(device) => device.channels += 1,
            None => found.push(Device {
                id: owner.to_owned(),
                label: owner.to_owned(),
                channels: 1,
            }),
        }
    }
    found
}

/// The ports of a client, or of that one port.
fn ports_of(client: &Client, flags: PortFlags, name: &str) -> Vec<String> {
    let ports = client.ports(None, Some(AUDIO), flags);
    let belongs = |port: &String| {
        port == name
            || port
                .rsplit_once(':')
                .is_some_and(|(owner, _)| owner == name)
    };
    ports.into_iter().filter(belongs).collect()
}

/// Opens a client and connects it.
///
/// # Errors
/// [`OpenError`] when no server runs or a port cannot be made. A device that is missing is none:
/// [`Stream::tend`] says so and connects it when it is there.
pub(super) fn open(
    choice: &Choice,
    health: &Arc<Health>,
    make: MakeCallback<'_>,
) -> Result<Box<dyn Stream>, OpenError> {
    let client = connect("AutoVoice")?;
    if let Some(buffer) = choice.buffer
        && buffer != client.buffer_size()
    {
        // A server may refuse; then its own length is shown.
        let _ = client.set_buffer_size(buffer);
    }
    let format = Format {
        rate_hz: client.sample_rate(),
        max_block: client.buffer_size() as Frames,
        channels: choice.source.channels(),
    };
    let refused = |error: jack::Error| OpenError::Refused {
        way: "client",
        name: "AutoVoice".to_owned(),
        found: error.to_string(),
        remedy: "look at the server's messages",
    };
    let in_names: &[&str] = match choice.source {
        Source::Channel(_) => &["input"],
        Source::Stereo => &["input_left", "input_right"],
    };
    let inputs: Result<Vec<_>, _> = in_names
        .iter()
        .map(|name| client.register_port(name, AudioIn::default()))
        .collect();
    let outputs: Result<Vec<_>, _> = ["output_left", "output_right"]
        .iter()
        .map(|name| client.register_port(name, AudioOut::default()))
        .collect();
    let (inputs, outputs) = (inputs.map_err(refused)?, outputs.map_err(refused)?);
    let midi = client.register_port("midi_in", MidiIn::default());
    let ends = Ends {
        inputs: inputs.iter().map(Port::clone_unowned).collect(),
        outputs: outputs.iter().map(Port::clone_unowned).collect(),
    };
    let process = Process {
        inputs,
        outputs,
        midi: midi.map_err(refused)?,
        callback: make(format)?,
        health: health.clone(),
        notes: Vec::with_capacity(MOST_NOTES),
    };
    let notices = Notices(health.clone());
    let client = client.activate_async(notices, process).map_err(refused)?;
    let mut stream = JackStream {
        health: health.clone(),
        latency: Cell::default(),
        client,
        format,
        ends,
        choice: choice.clone(),
        was_there: [Vec::new(), Vec::new()],
    };
    stream.tend();
    Ok(Box::new(stream))
}

struct Process {
    inputs: Vec<Port<AudioIn>>,
    outputs: Vec<Port<AudioOut>>,
    midi: Port<MidiIn>,
    callback: Box<dyn Callback>,
    health: Arc<Health>,
    notes: Vec<Note>,
}

impl ProcessHandler for Process {
    fn process(&mut self, _: &Client, scope: &ProcessScope) -> Control {
        self.notes.clear();
        for event in self.midi.iter(scope).take(MOST_NOTES) {
            self.notes.extend(note(event.time as Frames, event.bytes));
        }
        let [left, right] = &mut self.outputs[..] else {
            return Control::Continue;
        };
        let (left, right) = (left.as_mut_slice(scope), right.as_mut_slice(scope));
        for (input, output) in self.inputs.iter().zip([&mut *left, &mut *right]) {
            output.copy_from_slice(input.as_slice(scope));
        }
        self.callback.process([left, right], &self.notes);
        self.health.beat();
        Control::Continue
    }

    fn buffer_size(&mut self, _: &Client, size: jack::Frames) -> Control {
        self.health.announce_block(size);
        Control::Continue
    }
}

/// What a MIDI message says about keys. Real-time safe.
fn note(at: Frames, bytes: &[u8]) -> Option<Note> {
    let key = |key: u8| Some(key & 0x7f);
    match *bytes {
        [status, number, velocity] if status & 0xf0 == 0x90 => Some(Note {
            at,
            key: key(number),
            down: velocity > 0,
        }),
        [status, number, _] if status & 0xf0 == 0x80 => Some(Note {
            at,
            key: key(number),
            down: false,
        }),
        // All sound off, all notes off.
        [status, 120 | 123, _] if status & 0xf0 == 0xb0 => Some(Note {
            at,
            key: None,
            down: false,
        }),
        _ => None,
    }
}

/// The server's news. A server that hangs makes no such call: that is seen by its silence.
struct Notices(Arc<Health>);

#[allow(unsafe_code, reason = "JACK declares the method for its end so")]
impl NotificationHandler for Notices {
    // SAFETY: it may be called as from a signal: it stores one atomic. From then on no call may go
    // to the client but the one that closes it, for its memory is the server's.
    unsafe fn shutdown(&mut self, _: ClientStatus, _: &str) {
        self.0.lose(Loss::Server);
    }

    fn sample_rate(&mut self, _: &Client, rate_hz: jack::Frames) -> Control {
        self.0.announce_rate(rate_hz);
        Control::Continue
    }

    fn xrun(&mut self, _: &Client) -> Control {
        self.0.note_xrun();
        Control::Continue
    }
}

struct Ends {
    inputs: Vec<Port<jack::Unowned>>,
    outputs: Vec<Port<jack::Unowned>>,
}

struct JackStream {
    health: Arc<Health>,
    /// As last looked.
    latency: Cell<DeviceLatency>,
    client: AsyncClient<Notices, Process>,
    format: Format,
    ends: Ends,
    choice: Choice,
    /// The ports the choice stood for when last looked, inputs and outputs.
    was_there: [Vec<String>; 2],
}

impl JackStream {
    /// The ports a choice stands for, `None` being the hardware's.
    fn chosen(&self, flags: PortFlags, name: Option<&str>) -> Vec<String> {
        let client = self.client.as_client();
        match name {
            Some("") => Vec::new(),
            Some(name) => ports_of(client, flags, name),
            // Our own virtual microphone counts as hardware.
            None => client
                .ports(None, Some(AUDIO), flags | PortFlags::IS_PHYSICAL)
                .into_iter()
                .filter(|port| !virtual_mic::is_ours(port))
                .collect(),
        }
    }

    fn connect_inputs(&self, from: &[String]) {
        for (at, port) in self.ends.inputs.iter().enumerate() {
            let Some(source) = from.get(self.choice.source.pick(at, from.len())) else {
                return;
            };
            if let Ok(name) = port.name() {
                // It may be connected already, or be gone again.
                let _ = self.client.as_client().connect_ports_by_name(source, &name);
            }
        }
    }

    fn connect_outputs(&self, to: &[String]) {
        for (at, target) in to.iter().take(2).enumerate() {
            if let Some(Ok(name)) = self.ends.outputs.get(at).map(Port::name) {
                let _ = self.client.as_client().connect_ports_by_name(&name, target);
            }
        }
    }
}

impl Stream for JackStream {
    fn format(&self) -> Format {
        self.format
    }

    fn latency(&self) -> DeviceLatency {
        if self.health.lost().is_some() {
            return self.latency.get();
        }
        let longest = |ports: &[Port<jack::Unowned>], mode: fn() -> LatencyType| {
            let latencies = ports.iter().map(|port| port.get_latency_range(mode()).1);
            latencies.max().unwrap_or(0) as Frames
        };
        let latency = DeviceLatency {
            input: longest(&self.ends.inputs, || LatencyType::Capture),
            duplex: 0,
            output: longest(&self.ends.outputs, || LatencyType::Playback),
        };
        self.latency.set(latency);
        latency
    }

    fn names(&self) -> (String, String) {
        let name = |chosen: &Option<String>, there: &[String]| match chosen {
            Some(name) => name.clone(),
            None => there
                .first()
                .and_then(|port| port.rsplit_once(':'))
                .map_or_else(|| "nothing".to_owned(), |(owner, _)| owner.to_owned()),
        };
        let [inputs, outputs] = &self.was_there;
        (
            name(&self.choice.input, inputs),
            name(&self.choice.output, outputs),
        )
    }

    /// Connects what has come since it was last looked, and only that: what people disconnect in a
    /// patchbay stays so.
    fn tend(&mut self) -> Option<String> {
        if self.health.lost().is_some() {
            return None;
        }
        let inputs = self.chosen(PortFlags::IS_OUTPUT, self.choice.input.as_deref());
        let outputs = self.chosen(PortFlags::IS_INPUT, self.choice.output.as_deref());
        if inputs != self.was_there[0] {
            self.connect_inputs(&inputs);
        }
        if outputs != self.was_there[1] {
            self.connect_outputs(&outputs);
        }
        let missing = [
            ("input", &self.choice.input, inputs.is_empty()),
            ("output", &self.choice.output, outputs.is_empty()),
        ]
        .into_iter()
        .filter(|(.., is_missing)| *is_missing)
        .find_map(|(way, name, _)| {
            let name = name.as_deref().filter(|name| !name.is_empty())?;
            Some(format!(
                "expected the {way} \"{name}\", found no such JACK client; it is connected as \
                 soon as it is there, or choose another"
            ))
        });
        self.was_there = [inputs, outputs];
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_from_midi() {
        let note_of = |key, down| Some(Note { at: 3, key, down });
        for (bytes, expected) in [
            (&[0x90, 60, 100][..], note_of(Some(60), true)),
            (&[0x9f, 60, 0], note_of(Some(60), false)),
            (&[0x80, 61, 64], note_of(Some(61), false)),
            (&[0xb0, 123, 0], note_of(None, false)),
            (&[0xb0, 7, 100], None),
            (&[0xf8], None),
            (&[], None),
        ] {
            assert_eq!(note(3, bytes), expected, "{bytes:?}");
        }
    }
}
