//! The control thread itself: runs the [`Supervisor`], takes [`Command`]s, and keeps settings and
//! sound for the next run.

use super::backend::Backends;
use super::host::Host;
use super::settings::Settings;
use super::supervisor::{Command, Shared, Supervisor};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the supervisor looks.
const PERIOD: Duration = Duration::from_millis(25);
/// How often changes are written down.
const SAVE_PERIOD: Duration = Duration::from_secs(2);

/// Where things are remembered; `None` forgets.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The settings' file.
    pub settings: Option<PathBuf>,
    /// The parameters' file.
    pub sound: Option<PathBuf>,
}

/// What the window holds of the control thread.
#[derive(Clone)]
pub struct Handle {
    /// What is shared with it.
    pub shared: Shared,
    commands: Sender<Command>,
}

impl Handle {
    /// Asks for something; the answer is in the status.
    pub fn ask(&self, command: Command) {
        // Without the thread there is nobody to answer, and the status says what was last.
        let _ = self.commands.send(command);
    }
}

/// The running control thread; dropping it ends takes and closes the stream.
pub struct Control {
    /// For the window and for flags.
    pub handle: Handle,
    quit: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// Starts it.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(
        backends: Backends,
        shared: Shared,
        settings: Settings,
        takes_folder: PathBuf,
        memory: Memory,
    ) -> std::io::Result<Self> {
        let (commands, received) = channel();
        let keeper = Keeper {
            host: Host::new(shared.params.clone()),
            saved_sound: String::new(),
            settings: settings.clone(),
            is_saved: false,
            memory,
        };
        let (for_thread, quit) = (shared.clone(), Arc::<AtomicBool>::default());
        let is_over = quit.clone();
        let thread = std::thread::Builder::new()
            .name("autovoice-control".to_owned())
            .spawn(move || {
                let supervisor =
                    Supervisor::new(backends, for_thread.clone(), settings.audio, takes_folder);
                run(supervisor, &received, keeper, (&for_thread, &is_over));
            })?;
        Ok(Self {
            handle: Handle { shared, commands },
            quit,
            thread: Some(thread),
        })
    }

    /// Ends everything and waits for it.
    pub fn close(&mut self) {
        self.quit.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // A panic in it has been reported on stderr already.
            let _ = thread.join();
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.close();
    }
}

fn run(
    mut supervisor: Supervisor,
    commands: &Receiver<Command>,
    mut keeper: Keeper,
    (shared, quit): (&Shared, &AtomicBool),
) {
    let start = Instant::now();
    let mut saved_at = Duration::ZERO;
    supervisor.obey(Command::Recover, Duration::ZERO);
    supervisor.tick(Duration::ZERO);
    supervisor.obey(Command::Refresh, start.elapsed());
    while !quit.load(Ordering::Relaxed) {
        if let Ok(command) = commands.recv_timeout(PERIOD) {
            supervisor.obey(command, start.elapsed());
        }
        let now = start.elapsed();
        supervisor.tick(now);
        if saved_at + SAVE_PERIOD < now {
            saved_at = now;
            keeper.keep(&supervisor, shared);
        }
    }
    keeper.keep(&supervisor, shared);
    supervisor.close();
}

/// Writes down what changed.
struct Keeper {
    host: Host,
    memory: Memory,
    settings: Settings,
    is_saved: bool,
    saved_sound: String,
}

impl Keeper {
    fn keep(&mut self, supervisor: &Supervisor, shared: &Shared) {
        let switches = &shared.switches;
        let status = shared.status();
        let audio = supervisor
            .remembered(&status)
            .or(self.settings.audio.clone());
        let settings = Settings {
            monitor: switches.monitor.load(Ordering::Relaxed),
            push_to_talk: switches.push_to_talk.load(Ordering::Relaxed),
            talk_toggles: switches.talk_toggles.load(Ordering::Relaxed),
            audio,
            ..self.settings.clone()
        };
        let is_news = !self.is_saved || settings != self.settings;
        if let (true, Some(path)) = (is_news, &self.memory.settings) {
            // What cannot be written is tried again; the sound matters more than a message.
            self.is_saved = settings.save(path).is_ok();
        }
        self.settings = settings;
        let sound = self.host.text();
        if let Some(path) = &self.memory.sound
            && sound != self.saved_sound
            && self.host.save(path).is_ok()
        {
            self.saved_sound = sound;
        }
    }
}
