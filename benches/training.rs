//! What a training in the app does to the one who sings meanwhile: the app's own control thread,
//! desk and audio path, a shipped voice, blocks by the clock, first without and then with a voice
//! being made of recordings in the background.
//!
//! `cargo bench --features app,train --bench training -- FOLDER [SECONDS]`

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use autovoice::app::backend::dummy::Dummy;
use autovoice::app::backend::{Backend, Backends, Choice};
use autovoice::app::new_voice::session::{Hand, Origin, Stage};
use autovoice::app::new_voice::{Desk, Places};
use autovoice::app::supervisor::{Shared, Supervisor};
use autovoice::bridge::Dropouts;
use autovoice::plugin::AutoVoiceParams;
use autovoice::plugin::params::ParamRef;
use autovoice::plugin::voices::{SlotState, Stock, Voices};
use autovoice::voice::Starters;
use nice_plug::params::InternalParamMut as _;
use nice_plug::prelude::Param as _;
use support::machine;

const VOICE: &str = "Rolf";
const RATE_HZ: u32 = 48_000;
const BLOCK: u32 = 64;
/// How often window and control thread look.
const LOOK: Duration = Duration::from_millis(15);

/// What the device saw since it was last asked.
#[derive(Clone, Copy, Default)]
struct Blocks {
    run: usize,
    /// Those for which the system woke the thread when the next was due: whatever the app does.
    late: usize,
    longest: Duration,
}

/// An app with a voice in its first slot, and one who makes another.
struct App {
    desk: Desk,
    shared: Shared,
    supervisor: Supervisor,
    dummy: Dummy,
    began: Instant,
}

impl App {
    fn open(home: &std::path::Path) -> Self {
        let places = Places {
            recordings: home.join("recordings"),
            library: home.join("voices"),
            models: Some(home.join("models")),
        };
        let stock = Voices::of(&places.library, &home.join("models")).with(Starters::shipped());
        let mut shared = Shared::default();
        let stock = Arc::new(Stock::new(Box::new(stock)));
        shared.params = Arc::new(AutoVoiceParams::with_voices(stock));
        let backends = Backends {
            dummy: Dummy::in_virtual_time(),
        };
        let dummy = backends.dummy.clone();
        let choice = Choice {
            backend: Backend::Dummy,
            input: Some("voice".to_owned()),
            rate_hz: Some(RATE_HZ),
            buffer: Some(BLOCK),
            ..Choice::default()
        };
        let takes = home.join("takes");
        Self {
            supervisor: Supervisor::new(backends, shared.clone(), Some(choice), takes),
            desk: Desk::new(places).expect("a thread"),
            shared,
            dummy,
            began: Instant::now(),
        }
    }

    fn look(&mut self) {
        let now = self.began.elapsed();
        for command in self.desk.tick(&self.shared, now.as_secs_f64()) {
            self.supervisor.obey(command, now);
        }
        self.supervisor.tick(now);
    }

    fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let patience = Instant::now() + Duration::from_secs(300);
        while !is_so(self) {
            assert!(Instant::now() < patience, "not {what} within five minutes");
            std::thread::sleep(LOOK);
            self.look();
        }
    }

    /// Puts the voice into the first slot and turns to it.
    fn sing_as(&mut self, name: &str) {
        let params = self.shared.params.clone();
        let rack = &params.rack;
        rack.list();
        self.until("listed", |_| {
            rack.shown()
                .listed
                .iter()
                .any(|listed| listed.voice.name == name)
        });
        let shown = rack.shown();
        let voice = shown.listed.iter().find(|listed| listed.voice.name == name);
        rack.put(1, voice.map(|listed| listed.voice.clone()));
        self.until("loaded", |_| {
            rack.shown().slots[0].state == SlotState::Ready
        });
        let all = params.all();
        let slot = all
            .iter()
            .find(|(id, _)| *id == "slot")
            .map(|found| found.1);
        turn_to_first(slot.expect("there"));
        self.until("heard", |app| app.shared.feed.newest().slot == 1);
    }

    /// Makes a voice of a folder of recordings; returns when it learns.
    fn train(&mut self, folder: &str) {
        let form = &mut self.desk.session.form;
        form.name = "Another".to_owned();
        form.owner = "whoever recorded it".to_owned();
        form.agrees = true;
        form.from = Origin::Folder;
        form.folder = folder.to_owned();
        self.desk
            .hand(Hand::Begin("2026-01-01T00:00:00Z".to_owned()));
        self.until("begun", |app| app.desk.session.stage == Stage::Reading);
        self.desk.hand(Hand::Train(60.0));
        self.until("learning", |app| {
            let progress = &app.desk.session.progress;
            progress.stage == Some(1) && 1 < progress.steps.0
        });
    }

    /// Sings for so long and prints a line about it.
    fn row(&mut self, name: &str, seconds: u64, device: &Device) {
        device.take();
        let before = self.shared.feed.newest().dropouts;
        let steps = self.steps();
        let until = Instant::now() + Duration::from_secs(seconds);
        let mut load = 0f32;
        while Instant::now() < until {
            std::thread::sleep(LOOK);
            self.look();
            load = load.max(self.shared.feed.newest().worker_load);
        }
        let (blocks, meters) = (device.take(), self.shared.feed.newest());
        assert_eq!(meters.slot, 1, "the voice was lost");
        let Dropouts {
            count,
            missed_frames,
            ..
        } = meters.dropouts;
        let missed_ms = (missed_frames - before.missed_frames) as f64 * 1e3 / f64::from(RATE_HZ);
        println!(
            "| {name:10} | {:6} | {:10} | {:11.3} | {:8} | {missed_ms:10.1} | {:8.1} | {:5} |",
            blocks.run,
            blocks.late,
            blocks.longest.as_secs_f64() * 1e3,
            count - before.count,
            100.0 * load,
            self.steps() - steps,
        );
    }

    fn steps(&self) -> u64 {
        let progress = &self.desk.session.progress;
        progress.steps.0
    }
}

#[allow(
    unsafe_code,
    reason = "the framework keeps it for hosts, and this is one"
)]
fn turn_to_first(slot: ParamRef<'_>) {
    let ParamRef::Int(slot) = slot else {
        panic!("the slot is a number")
    };
    // SAFETY: marked unsafe so that only hosts use it; nothing is required of the value.
    unsafe { slot._internal_set_normalized_value(slot.preview_normalized(1)) };
}

/// First come, first served, as sound servers have it, where the system allows it.
#[cfg(unix)]
fn urgent() {
    use thread_priority::unix::{
        RealtimeThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
        thread_native_id,
    };

    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::Fifo);
    let priority = thread_priority::ThreadPriorityValue::try_from(80u8).expect("below 100");
    let priority = thread_priority::ThreadPriority::Crossplatform(priority);
    let _ = set_thread_priority_and_policy(thread_native_id(), priority, policy);
}

/// The same.
#[cfg(not(unix))]
fn urgent() {
    let _ = thread_priority::set_current_thread_priority(thread_priority::ThreadPriority::Max);
}

/// A thread that asks for a block whenever one is due, with the priority that a sound server gives.
struct Device {
    seen: Arc<std::sync::Mutex<Blocks>>,
    stop: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Device {
    fn start(dummy: Dummy) -> Self {
        let seen = Arc::<std::sync::Mutex<Blocks>>::default();
        let stop = Arc::<AtomicBool>::default();
        let (count, stopped) = (seen.clone(), stop.clone());
        let thread = std::thread::spawn(move || {
            urgent();
            let period = Duration::from_secs_f64(f64::from(BLOCK) / f64::from(RATE_HZ));
            let mut due = Instant::now();
            while !stopped.load(Ordering::Relaxed) {
                due += period;
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                let woken = Instant::now();
                dummy.run(1);
                let ended = Instant::now();
                let mut seen = count.lock().expect("nobody panics with it");
                seen.run += 1;
                seen.late += usize::from(due + period < woken);
                seen.longest = seen.longest.max(ended - woken);
                // A sound card does not run after what is lost.
                due = due.max(ended - period);
            }
        });
        Self {
            seen,
            stop,
            thread: Some(thread),
        }
    }

    fn take(&self) -> Blocks {
        std::mem::take(&mut self.seen.lock().expect("nobody panics with it"))
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().map(std::thread::JoinHandle::join);
    }
}

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    let Some(folder) = words.first() else {
        println!(
            "expected a folder of recordings of one voice to train with, found none: nothing was measured"
        );
        return;
    };
    let seconds = words.get(1).and_then(|s| s.parse().ok()).unwrap_or(60);
    let home = tempfile::tempdir().expect("a temporary folder");
    let mut app = App::open(home.path());
    app.look();
    let device = Device::start(app.dummy.clone());
    app.sing_as(VOICE);
    let meters = app.shared.feed.newest();
    println!(
        "{}; {VOICE}, {RATE_HZ} Hz, blocks of {BLOCK}, {seconds} s per row; worker with real-time \
         priority: {}",
        machine(),
        meters.realtime_priority.unwrap_or(false)
    );
    println!(
        "| beside     | blocks | woken late | longest, ms | dropouts | missed, ms | worker % | steps |"
    );
    println!(
        "|------------|--------|------------|-------------|----------|------------|----------|-------|"
    );
    app.row("nothing", seconds, &device);
    app.train(folder);
    app.row("a training", seconds, &device);
    app.desk.hand(Hand::Pause);
}
