//! The control thread: opens streams, keeps them, opens them again, builds new paths, starts takes
//! and measurements, and says all of it in a [`Status`]. It may block; the audio thread never
//! waits for it. A test steps it by hand.

use super::backend::{Backend, Backends, Choice, Format, Health, Loss, Offer, OpenError, Stream};
use super::engine::{Ear, Engine, Order, Remote, Switches};
use super::loopback::Probe;
use super::record::{self, DryError, DryRecording, DryTake, Recording, Take};
use super::status::{DryStatus, RoundTripParts, State, Status};
use super::virtual_mic::{self, VirtualMic};
use crate::bridge::HostConfig;
use crate::plugin::audio::{Path, Setup};
use crate::plugin::params::Wanted;
use crate::plugin::{AutoVoiceParams, Feed};
use crate::units::Frames;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A stream that does not open is tried again after this.
const RETRY: Duration = Duration::from_millis(500);
/// A stream that does not call for this long is lost.
const SILENCE: Duration = Duration::from_millis(1_500);

/// A look for devices that has not ended by then is not waited for at the end.
const LOOKING: Duration = Duration::from_secs(3);

/// What can be asked of the app.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Other devices, rate or buffer.
    Choose(Choice),
    /// Look again for what there is.
    Refresh,
    /// Start or end a take.
    Record(bool),
    /// Record what is sung, alone and as it is, into this file, which must not be there.
    RecordDry(PathBuf),
    /// End that.
    EndDry,
    /// Measure the way around.
    Measure,
    /// Make or remove a microphone for other programs.
    VirtualMic(bool),
    /// Give what crashes left of takes their names.
    Recover,
}

/// What everything of the app shares.
#[derive(Clone, Default)]
pub struct Shared {
    /// Parameters, set by the window, read by the audio thread.
    pub params: Arc<AutoVoiceParams>,
    /// What the editor draws.
    pub feed: Arc<Feed>,
    /// What the bar switches.
    pub switches: Arc<Switches>,
    /// How loud the input is.
    pub ear: Arc<Ear>,
    status: Arc<Mutex<Status>>,
}

impl Shared {
    /// The newest status. Not for the audio thread.
    #[must_use]
    pub fn status(&self) -> Status {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Status> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a backend was found to offer.
type Looked = (Backend, Result<Offer, String>);

/// An open stream and what belongs to it.
struct Running {
    stream: Box<dyn Stream>,
    health: Arc<Health>,
    remote: Remote,
    /// What the path was built for, with how often voices had needed another.
    built_for: (Wanted, u64),
    engine_latency: Frames,
    cycles: u64,
    cycled_at: Duration,
    /// Counts already added to the totals.
    counted: (u64, u64),
}

/// The control thread's state.
pub struct Supervisor {
    backends: Backends,
    shared: Shared,
    choice: Choice,
    /// Backends to try in turn while the first one is looked for.
    candidates: Vec<Backend>,
    running: Option<Running>,
    /// What needs sound and was asked for before there was any.
    pending: Vec<Command>,
    retry_at: Duration,
    recording: Option<Recording>,
    dry: Option<DryRecording>,
    virtual_mic: Option<(VirtualMic, Option<String>)>,
    looked: (Sender<Looked>, Receiver<Looked>),
    looking: Vec<JoinHandle<()>>,
    /// What is to be told, until the next thing happens.
    status: Status,
}

impl Supervisor {
    /// Not running yet; the first [`Self::tick`] opens. Without a choice the first backend that
    /// opens is taken.
    #[must_use]
    pub fn new(
        backends: Backends,
        shared: Shared,
        choice: Option<Choice>,
        takes_folder: PathBuf,
    ) -> Self {
        let candidates = match choice {
            Some(_) => Vec::new(),
            None => vec![Backend::Jack, Backend::Pulse, Backend::Alsa],
        };
        let choice = choice.unwrap_or_default();
        let status = Status {
            choice: choice.clone(),
            takes_folder,
            ..Status::default()
        };
        Self {
            backends,
            shared,
            choice,
            candidates,
            running: None,
            pending: Vec::new(),
            retry_at: Duration::ZERO,
            recording: None,
            dry: None,
            virtual_mic: None,
            looked: channel(),
            looking: Vec::new(),
            status,
        }
    }

    /// The devices to open next time: those asked for, once they were there.
    #[must_use]
    pub fn remembered(&self, status: &Status) -> Option<Choice> {
        let output = match &self.virtual_mic {
            // That one is gone with us.
            Some((_, before)) => before.clone(),
            None => self.choice.output.clone(),
        };
        (status.state == State::Running).then(|| Choice {
            output,
            ..self.choice.clone()
        })
    }

    /// Does what is due; `now` is the time since the start. Called many times a second.
    pub fn tick(&mut self, now: Duration) {
        self.collect();
        self.watch(now);
        self.follow_params();
        if self.running.is_none() && self.retry_at <= now {
            self.open(now);
        }
        if self.running.is_some() {
            for command in std::mem::take(&mut self.pending) {
                self.obey(command, now);
            }
        }
        self.publish();
    }

    /// Does what was asked.
    pub fn obey(&mut self, command: Command, now: Duration) {
        let needs_sound = matches!(command, Command::Record(true) | Command::Measure);
        match command {
            early if needs_sound && self.status.opened == 0 => self.pending.push(early),
            Command::Choose(choice) => {
                self.candidates.clear();
                self.choose(choice, now);
            }
            Command::Refresh => self.look(&Backend::ALL),
            Command::Record(true) => self.start_take(),
            Command::Record(false) if self.dry.is_some() => {}
            Command::Record(false) => self.end_take(),
            Command::RecordDry(file) => self.start_dry(file),
            // Takes and these have one tap between them: this must not end a take.
            Command::EndDry if self.dry.is_some() => self.end_take(),
            Command::EndDry => {}
            Command::Measure => self.measure(),
            Command::VirtualMic(is_wanted) => self.set_virtual_mic(is_wanted, now),
            Command::Recover => self.recover(),
        }
        self.publish();
    }

    /// Ends the take and the stream, and waits for the files.
    pub fn close(&mut self) {
        self.stop();
        if let Some(recording) = self.recording.take()
            && let Some(take) = recording.wait()
        {
            self.file(take);
        }
        if let Some(dry) = self.dry.take() {
            self.status.dry = DryStatus::Done(dry.wait());
        }
        self.virtual_mic = None;
        // A program that ends while it speaks to JACK leaves shared memory behind, at which every
        // later client stops for seconds. A server that hangs is not waited for.
        let patience = Instant::now() + LOOKING;
        while self.looking.iter().any(|thread| !thread.is_finished()) && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.publish();
    }

    fn choose(&mut self, choice: Choice, now: Duration) {
        self.choice = choice;
        self.status.notice = None;
        self.stop();
        self.retry_at = now;
    }

    fn stop(&mut self) {
        // Dropping the engine drops the tap, which ends a take.
        self.running = None;
        self.shared.params.rack.disconnect();
        self.status.state = State::Starting;
        self.status.is_measuring = false;
    }

    fn open(&mut self, now: Duration) {
        let mut tried = self.candidates.clone();
        if tried.is_empty() {
            tried.push(self.choice.backend);
        }
        for backend in tried {
            let choice = Choice {
                backend,
                ..self.choice.clone()
            };
            match self.try_open(&choice, now) {
                Ok(running) => {
                    self.choice = choice;
                    self.candidates.clear();
                    self.running = Some(running);
                    self.status.problem = None;
                    self.status.measured = None;
                    self.status.state = State::Running;
                    self.status.opened += 1;
                    self.look(&[backend]);
                    return;
                }
                Err(error) => {
                    // With several to choose from, the last one's remedy would mislead.
                    let many = self.candidates.len() > 1;
                    self.status.problem = Some(match many {
                        true => "expected a sound system to run, found neither JACK, PipeWire, \
                                 PulseAudio nor an ALSA device; start one or connect an interface"
                            .to_owned(),
                        false => error.to_string(),
                    });
                }
            }
        }
        self.status.state = State::Waiting;
        self.retry_at = now + RETRY;
    }

    fn try_open(&self, choice: &Choice, now: Duration) -> Result<Running, OpenError> {
        let health = Health::new();
        let Shared {
            params,
            feed,
            switches,
            ear,
            ..
        } = &self.shared;
        let wanted = params.wanted();
        let mut made = None;
        let mut restarts = 0;
        let stream = self.backends.open(choice, &health, &mut |format| {
            let path = Box::new(Path::new(setup(format, wanted), feed, &params.rack)?);
            let latency = path.latency();
            restarts = path.restarts();
            let hand = (switches.clone(), ear.clone());
            let (engine, remote) = Engine::new(path, params.clone(), feed.clone(), hand);
            made = Some((remote, latency));
            Ok(Box::new(engine))
        })?;
        let (remote, engine_latency) =
            made.expect("a stream that opened has called for its engine");
        Ok(Running {
            stream,
            health,
            remote,
            built_for: (wanted, restarts),
            engine_latency,
            cycles: 0,
            cycled_at: now,
            counted: (0, 0),
        })
    }

    /// Takes what the audio thread is done with, and frees it here.
    fn collect(&mut self) {
        self.take_looked();
        while let Some(old) = self.running.as_mut().and_then(|r| r.remote.receive()) {
            if let Order::Probe(probe) = old {
                self.status.is_measuring = false;
                self.status.measured = Some(probe.result().map_err(|error| error.to_string()));
            }
        }
        let take = self.recording.as_mut().and_then(Recording::take_result);
        if let Some(take) = take {
            self.recording = None;
            self.file(take);
        }
        if let Some(done) = self.dry.as_mut().and_then(DryRecording::take_result) {
            self.dry = None;
            self.status.dry = DryStatus::Done(done);
        }
    }

    /// Sees whether the stream still runs as it was opened.
    fn watch(&mut self, now: Duration) {
        let Some(running) = &mut self.running else {
            return;
        };
        let cycles = running.health.cycles();
        if cycles != running.cycles {
            (running.cycles, running.cycled_at) = (cycles, now);
        }
        let (xruns, dropouts) = (running.health.xruns(), running.health.dropouts());
        self.status.xruns += xruns - running.counted.0;
        self.status.dropouts += dropouts - running.counted.1;
        running.counted = (xruns, dropouts);
        let is_silent = running.cycled_at + SILENCE < now;
        let lost = running.health.lost();
        if let Some(loss) = lost.or(is_silent.then_some(Loss::Silent)) {
            let (input, output) = running.stream.names();
            self.stop();
            self.status.state = State::Waiting;
            self.status.problem = Some(self.say_lost(loss, &input, &output));
            self.retry_at = now + RETRY;
        } else if running.health.differs_from(running.stream.format()) {
            // The device's rate rules: asking for the old one would turn it back.
            self.choice.rate_hz = None;
            self.choice.buffer = None;
            self.stop();
            self.retry_at = now;
            self.status.notice = Some("the device changed its rate or block; followed".to_owned());
        } else {
            self.status.problem = running.stream.tend();
        }
    }

    fn say_lost(&self, loss: Loss, input: &str, output: &str) -> String {
        let backend = self.choice.backend.label();
        match loss {
            Loss::Gone => format!(
                "expected {input} and {output} to stay, found one of them gone; connect it again \
                 and the sound returns, or choose another"
            ),
            Loss::Server | Loss::Silent => format!(
                "expected {backend} to go on, found it stopped; start it again and the sound \
                 returns, or choose another"
            ),
            Loss::Invalid => format!("expected {input} to go on, found it changed; opening again"),
        }
    }

    /// Builds a new path when what only that can change was changed.
    fn follow_params(&mut self) {
        let Shared { params, feed, .. } = &self.shared;
        let wanted = (params.wanted(), params.rack.restarts());
        let Some(running) = &mut self.running else {
            return;
        };
        if wanted == running.built_for {
            return;
        }
        let setup = setup(running.stream.format(), wanted.0);
        match Path::new(setup, feed, &params.rack) {
            Ok(path) => {
                let latency = path.latency();
                let wanted = (wanted.0, path.restarts());
                // A full ring means the last one is still being faded in: next time.
                if running.remote.send(Order::Path(Box::new(path))).is_ok() {
                    running.built_for = wanted;
                    running.engine_latency = latency;
                }
            }
            Err(error) => {
                running.built_for = wanted;
                self.status.notice = Some(error.to_string());
            }
        }
    }

    fn start_take(&mut self) {
        if self.recording.is_some() {
            return;
        }
        if self.dry.is_some() {
            let busy = "expected to record a take, found a sentence being recorded; end that first";
            self.status.notice = Some(busy.to_owned());
            return;
        }
        let Some(running) = &mut self.running else {
            self.status.notice = Some("expected sound to record, found none yet".to_owned());
            return;
        };
        let format = running.stream.format();
        let take = record::Format {
            rate_hz: format.rate_hz,
            channels: format.channels,
            latency: running.engine_latency,
        };
        match Recording::start(&self.status.takes_folder, &record::take_name(), &take) {
            Ok((recording, tap)) => {
                if running.remote.send(Order::Tap(Box::new(tap))).is_ok() {
                    self.status.notice = None;
                }
                self.recording = Some(recording);
            }
            Err(error) => self.status.notice = Some(error.to_string()),
        }
    }

    fn start_dry(&mut self, file: PathBuf) {
        if self.dry.is_some() {
            return;
        }
        let started = match &mut self.running {
            _ if self.recording.is_some() => Err(DryError::Busy),
            None => Err(DryError::NoSound),
            Some(running) => {
                let format = running.stream.format();
                let started = DryRecording::start(&file, format.rate_hz, format.channels);
                started.map(|(dry, tap)| {
                    // Where the ring is full the tap goes at once, and nothing is recorded.
                    let _ = running.remote.send(Order::Tap(Box::new(tap)));
                    dry
                })
            }
        };
        self.status.dry = match started {
            Ok(dry) => {
                self.dry = Some(dry);
                DryStatus::Recording(0.0)
            }
            Err(error) => DryStatus::Done(DryTake {
                file,
                seconds: 0.0,
                failure: Some(error.to_string()),
            }),
        };
    }

    fn end_take(&mut self) {
        if let Some(running) = &mut self.running {
            // If the ring is full the take goes on for a moment; asked again it ends.
            let _ = running.remote.send(Order::EndTap);
        }
    }

    /// Puts a finished take on the list.
    fn file(&mut self, take: Take) {
        self.status.notice = match (&take.failure, take.lost_frames) {
            (Some(failure), _) => Some(failure.clone()),
            (None, 0) => None,
            (None, lost) => Some(format!(
                "the disk was too slow for the take: {lost} frames are missing in both files"
            )),
        };
        self.status.takes.insert(0, take);
    }

    fn recover(&mut self) {
        // No folder, no leftovers.
        let found = record::recover(&self.status.takes_folder).unwrap_or_default();
        if !found.is_empty() {
            let count = found.len();
            self.status.notice = Some(format!("{count} unfinished take files were recovered"));
        }
    }

    fn measure(&mut self) {
        let Some(running) = &mut self.running else {
            self.status.measured = Some(Err("expected sound to flow, found none yet".to_owned()));
            return;
        };
        if self.status.is_measuring {
            return;
        }
        if running
            .remote
            .send(Order::Probe(Box::<Probe>::default()))
            .is_ok()
        {
            self.status.is_measuring = true;
            self.status.measured = None;
        }
    }

    fn set_virtual_mic(&mut self, is_wanted: bool, now: Duration) {
        match (is_wanted, self.virtual_mic.take()) {
            (true, None) => match VirtualMic::create() {
                Ok(mic) => {
                    let before = self.choice.output.clone();
                    self.virtual_mic = Some((mic, before));
                    let output = Some(virtual_mic::SINK.to_owned());
                    self.choose(
                        Choice {
                            output,
                            ..self.choice.clone()
                        },
                        now,
                    );
                    self.status.notice = Some(format!(
                        "pick \"{}\" as the microphone in the other program",
                        virtual_mic::MICROPHONE
                    ));
                }
                Err(error) => self.status.notice = Some(error.to_string()),
            },
            (false, Some((mic, before))) => {
                drop(mic);
                self.choose(
                    Choice {
                        output: before,
                        ..self.choice.clone()
                    },
                    now,
                );
            }
            (_, unchanged) => self.virtual_mic = unchanged,
        }
    }

    /// Looks for devices on a thread of its own: a server that hangs may keep who asks waiting, and
    /// the stream must not wait with it.
    fn look(&mut self, backends: &[Backend]) {
        let (tell, all, backends) = (
            self.looked.0.clone(),
            self.backends.clone(),
            backends.to_vec(),
        );
        let looking = move || {
            for backend in backends {
                let offer = all.offer(backend).map_err(|error| error.to_string());
                if tell.send((backend, offer)).is_err() {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("autovoice-look".to_owned());
        self.looking.retain(|thread| !thread.is_finished());
        // Without a thread the lists stay as they are.
        self.looking.extend(thread.spawn(looking).ok());
    }

    fn take_looked(&mut self) {
        for (backend, offer) in self.looked.1.try_iter() {
            let known = self.status.offers.iter_mut().find(|(b, _)| *b == backend);
            match known {
                Some((_, old)) => *old = offer,
                None => self.status.offers.push((backend, offer)),
            }
        }
    }

    fn publish(&mut self) {
        let status = &mut self.status;
        status.choice = self.choice.clone();
        if let Some(dry) = &self.dry {
            status.dry = DryStatus::Recording(dry.seconds());
        }
        status.recording_s = self.recording.as_ref().map(Recording::seconds);
        status.virtual_mic = self.virtual_mic.is_some();
        match &self.running {
            Some(running) => {
                let device = running.stream.latency();
                (status.input, status.output) = running.stream.names();
                status.format = Some(running.stream.format());
                status.blocks = running.health.cycles();
                status.latency = RoundTripParts {
                    input: device.input,
                    duplex: device.duplex,
                    engine: running.engine_latency,
                    output: device.output,
                };
            }
            None => {
                status.format = None;
                status.input.clear();
                status.output.clear();
            }
        }
        *self.shared.lock() = self.status.clone();
    }
}

fn setup(format: Format, wanted: Wanted) -> Setup {
    Setup {
        host: HostConfig {
            rate_hz: format.rate_hz,
            channels: format.channels,
            max_block: format.max_block,
            offline: false,
        },
        spread: format.channels < 2,
        wanted,
    }
}
