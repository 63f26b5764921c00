//! A desk at which voices are made, between the dummy backend in virtual time and a hand, and tiny
//! weights to begin from.

#![allow(dead_code, reason = "each test binary uses its own part")]

use autovoice::app::backend::dummy::Dummy;
use autovoice::app::backend::{Backend, Backends, Choice};
use autovoice::app::new_voice::session::{Hand, Mic, Stage};
use autovoice::app::new_voice::{Desk, Places};
use autovoice::app::supervisor::{Command, Shared, Supervisor};
use autovoice::model::ddsp::{DdspConfig, DecoderConfig, EncoderConfig};
use autovoice::plugin::AutoVoiceParams;
use autovoice::plugin::voices::{Stock, Voices};
use autovoice::train::processor::Processor;
use autovoice::train::voice::{BasePlan, Perturbation, RATE, Source, train_base};
use std::f64::consts::TAU;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

const BLOCK: usize = 256;
const RATE_HZ: f64 = 48_000.0;

/// A folder of everything the user has.
pub struct Home(pub tempfile::TempDir);

impl Home {
    /// With a base of two buzzing speakers, or without one.
    pub fn new(with_base: bool) -> Self {
        let home = tempfile::tempdir().expect("a temporary folder");
        if with_base {
            make_base(home.path());
        }
        Self(home)
    }

    /// Puts files of the base's names where the user's own would be, that are none.
    pub fn spoil(&self) {
        let models = self.places().models.expect("named");
        std::fs::create_dir_all(&models).expect("writable");
        for file in ["base.safetensors", "content.safetensors"] {
            std::fs::write(models.join(file), b"no weights").expect("writable");
        }
    }

    pub fn places(&self) -> Places {
        let at = |name: &str| self.0.path().join(name);
        Places {
            recordings: at("recordings"),
            library: at("voices"),
            models: Some(at("models")),
        }
    }
}

fn make_base(home: &Path) {
    let (many, models) = (home.join("many"), home.join("models"));
    std::fs::create_dir_all(&models).expect("writable");
    for (name, f0_hz) in [("a", 120.0), ("b", 210.0)] {
        buzz(&many.join(format!("{name}-1.wav")), f0_hz, 3.0);
    }
    let dilations = vec![1, 2];
    let plan = BasePlan {
        source: Source {
            folders: vec![many],
            seconds: 100.0,
            speaker: None,
            only: None,
            labels: None,
        },
        output: models.join("base.safetensors"),
        encoder: models.join("content.safetensors"),
        config: DdspConfig {
            encoder: EncoderConfig {
                ahead: 1,
                width: 16,
                dilations: dilations.clone(),
                content: 8,
            },
            decoder: DecoderConfig {
                content: 8,
                embedding: 4,
                width: 16,
                dilations,
            },
        },
        steps: 2,
        at_most: None,
        start: None,
        seed: 1,
        resume: false,
        processor: Processor::Cpu,
        rate: RATE,
        bend: Perturbation::default(),
        hold_out: false,
        snapshots: false,
    };
    train_base(&plan, &AtomicBool::new(false), &mut |_| {}).expect("a base");
}

/// Writes a recording of a buzzing speaker with pauses.
pub fn buzz(path: &Path, f0_hz: f64, seconds: f64) {
    std::fs::create_dir_all(path.parent().expect("in a folder")).expect("writable");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 16_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut file = hound::WavWriter::create(path, spec).expect("writable");
    for i in 0..(seconds * 16e3) as u32 {
        let t = f64::from(i) / 16e3;
        let turns = t * f0_hz + 2.0 * (3.0 * t).sin();
        let partial = |k: i32| (TAU * f64::from(k) * turns).cos() / f64::from(k);
        let loud = if t % 1.5 < 1.1 { 5_000.0 } else { 3.0 };
        let x = loud * (1..20).map(partial).sum::<f64>() / 3.0;
        file.write_sample(x as i16).expect("room");
    }
    file.finalize().expect("room");
}

/// The desk, the devices, and the time.
pub struct Rig {
    pub desk: Desk,
    pub shared: Shared,
    pub dummy: Dummy,
    supervisor: Supervisor,
    now: Duration,
}

impl Rig {
    /// A desk at home, with trainings of so many steps, and a buzz at the microphone.
    pub fn open(home: &Home, steps: [u64; 2]) -> Self {
        let places = home.places();
        let models = places.models.clone().expect("named");
        let stock = Stock::new(Box::new(Voices::of(&places.library, &models)));
        let mut shared = Shared::default();
        shared.params = Arc::new(AutoVoiceParams::with_voices(Arc::new(stock)));
        let backends = Backends {
            dummy: Dummy::in_virtual_time(),
        };
        let dummy = backends.dummy.clone();
        let choice = Choice {
            backend: Backend::Dummy,
            input: Some("voice".to_owned()),
            buffer: Some(BLOCK as u32),
            ..Choice::default()
        };
        let takes = home.0.path().join("takes");
        let supervisor = Supervisor::new(backends, shared.clone(), Some(choice), takes);
        let desk = Desk::new(places).expect("a thread").with_steps(steps);
        let mut rig = Self {
            desk,
            shared,
            dummy,
            supervisor,
            now: Duration::ZERO,
        };
        rig.tick();
        rig
    }

    /// What somebody asks of the control thread at the bar.
    pub fn ask(&mut self, command: Command) {
        self.supervisor.obey(command, self.now);
    }

    /// One look of the window's and of the control thread.
    pub fn tick(&mut self) {
        for command in self.desk.tick(&self.shared, self.now.as_secs_f64()) {
            self.supervisor.obey(command, self.now);
        }
        self.supervisor.tick(self.now);
    }

    /// Lets somebody sing for a while.
    pub fn sing(&mut self, seconds: f64) {
        let until = self.now + Duration::from_secs_f64(seconds);
        while self.now < until {
            self.dummy.run(4);
            self.now += Duration::from_secs_f64(4.0 * BLOCK as f64 / RATE_HZ);
            self.tick();
        }
    }

    /// Waits for what threads bring about.
    pub fn until(&mut self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let patience = Instant::now() + Duration::from_secs(300);
        while !is_so(self) {
            let session = &self.desk.session;
            assert!(Instant::now() < patience, "not {what}, but {session:?}");
            // A training is served last: whoever looks too often takes its time.
            std::thread::sleep(Duration::from_millis(10));
            // The audio thread takes and gives back what is recorded with.
            self.dummy.run(1);
            self.tick();
        }
    }

    /// Names the voice, agrees, and begins.
    pub fn begin(&mut self, name: &str) {
        let form = &mut self.desk.session.form;
        form.name = name.to_owned();
        form.owner = "a buzz".to_owned();
        form.agrees = true;
        self.desk
            .hand(Hand::Begin("2026-11-26T16:00:00Z".to_owned()));
        self.until("begun", |rig| rig.desk.session.stage == Stage::Reading);
    }

    /// Reads so many sentences, each for so many seconds.
    pub fn read(&mut self, sentences: usize, seconds: f64) {
        self.desk.hand(Hand::Record);
        for n in 1..=sentences {
            self.sing(seconds);
            self.desk.hand(if n < sentences {
                Hand::Next
            } else {
                Hand::Stop
            });
            self.until("recorded", |rig| match &rig.desk.session.mic {
                Mic::Open(_) => n < sentences,
                Mic::Closing { .. } => false,
                Mic::Idle => n == sentences,
            });
        }
        self.until("looked at", |rig| {
            let mut read = rig.desk.session.sentences.iter().flatten();
            read.all(|sentence| sentence.found.is_some())
        });
    }
}
