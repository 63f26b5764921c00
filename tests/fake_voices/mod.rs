//! Voices that are gains and delays, and some that go wrong, in the place of a library.
#![allow(dead_code, reason = "each test binary uses its own part")]

use autovoice::engine::{Controls, Engine, EngineError, EngineSpec, Quality};
use autovoice::plugin::voices::{
    Imported, Listed, PerSetup, Rack, Shown, Stock, VoiceMaker, VoiceSetup, Warm,
};
use autovoice::preset::VoiceRef;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// What a voice does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Delays by its lookahead and multiplies by this.
    Gain(f32),
    /// Is one of our own, and built in: the same at every setup.
    Ours,
    /// Is loaded once [`Watch::open`] was called.
    Slow,
    /// Cannot be read.
    Damaged,
    /// Panics while it is read.
    PanicsInLoad,
    /// No engine can be built of it.
    NoEngine,
    /// Fails with its first step, which warms it up.
    FailsAtOnce,
    /// Fails with this step.
    FailsAt(usize),
    /// Panics with this step.
    PanicsAt(usize),
    /// Needs more lookahead than its spec says.
    Lies,
}

/// A voice of the fake library.
#[derive(Clone, Copy, Debug)]
pub struct Fake {
    pub name: &'static str,
    pub kind: Kind,
    pub rate_hz: u32,
    pub hop: usize,
    /// At quality live on one thread; each better one needs as much again, a second thread a hop.
    pub lookahead: usize,
}

/// A voice at 48 kHz that needs little.
pub const fn fake(name: &'static str, kind: Kind) -> Fake {
    Fake {
        name,
        kind,
        rate_hz: 48_000,
        hop: 480,
        lookahead: 4_800,
    }
}

impl Fake {
    pub fn spec(&self, setup: &VoiceSetup) -> EngineSpec {
        let setup = match self.kind {
            Kind::Ours => &VoiceSetup {
                quality: Quality::Live,
                threads: 1,
            },
            _ => setup,
        };
        let VoiceSetup { quality, threads } = *setup;
        EngineSpec {
            name: match self.kind {
                Kind::Ours => "ddsp",
                _ => "fake",
            },
            rate_hz: self.rate_hz,
            channels: 1,
            hop: self.hop,
            lookahead: self.lookahead * (1 + quality as usize) + self.hop * (threads - 1),
            budget: self.hop,
            realtime_safe: false,
        }
    }

    pub fn voice(&self) -> VoiceRef {
        let digits: String = self.name.bytes().map(|b| format!("{b:02x}")).collect();
        VoiceRef {
            name: self.name.to_owned(),
            sha256: Some(format!("{digits:0>64}")),
        }
    }
}

/// Counts a voice or an engine for as long as it is in memory.
struct Alive(Arc<AtomicUsize>);

impl Alive {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What tests see of a library from outside.
#[derive(Clone, Default)]
pub struct Watch {
    /// How often a voice was read.
    pub loads: Arc<AtomicUsize>,
    alive: Arc<AtomicUsize>,
    is_open: Arc<AtomicBool>,
}

impl Watch {
    pub fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }

    /// Voices and engines in memory.
    pub fn in_memory(&self) -> usize {
        self.alive.load(Ordering::SeqCst)
    }

    /// Lets slow voices load.
    pub fn open(&self) {
        self.is_open.store(true, Ordering::SeqCst);
    }
}

struct Library {
    voices: Mutex<Vec<Fake>>,
    loads: Arc<AtomicUsize>,
    is_open: Arc<AtomicBool>,
    alive: Arc<AtomicUsize>,
}

/// A stock of these voices.
pub fn stock(voices: &[Fake]) -> (Arc<Stock>, Watch) {
    let watch = Watch::default();
    let library = Library {
        voices: Mutex::new(voices.to_vec()),
        loads: watch.loads.clone(),
        is_open: watch.is_open.clone(),
        alive: watch.alive.clone(),
    };
    (Arc::new(Stock::new(Box::new(library))), watch)
}

impl Library {
    fn find(&self, voice: &VoiceRef) -> Result<Fake, String> {
        let voices = self.voices.lock().expect("no test panics here");
        let found = voices.iter().find(|fake| fake.voice().is(voice));
        found.copied().ok_or_else(|| {
            format!(
                "expected the voice \"{}\", found none; import it",
                voice.name
            )
        })
    }
}

impl VoiceMaker for Library {
    fn list(&self) -> Result<Vec<Listed>, String> {
        let voices = self.voices.lock().expect("no test panics here");
        let listed = voices.iter().map(|fake| Listed {
            voice: fake.voice(),
            speakers: 1,
            is_built_in: fake.kind == Kind::Ours,
            about: String::new(),
        });
        Ok(listed.collect())
    }

    fn holds(&self, voice: &VoiceRef) -> bool {
        self.find(voice).is_ok()
    }

    fn specs(&self, voice: &VoiceRef) -> Result<PerSetup<EngineSpec>, String> {
        let fake = self.find(voice)?;
        Ok(PerSetup::of(|setup| fake.spec(setup)))
    }

    fn load(&self, voice: &VoiceRef) -> Result<Arc<dyn Warm>, String> {
        self.loads.fetch_add(1, Ordering::SeqCst);
        let fake = self.find(voice)?;
        match fake.kind {
            Kind::Damaged => {
                return Err("expected a voice, found noise; import it again".to_owned());
            }
            Kind::PanicsInLoad => panic!("the fake voice panics while it is read"),
            Kind::Slow => {
                while !self.is_open.load(Ordering::SeqCst) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
            _ => {}
        }
        Ok(Arc::new(FakeWarm {
            fake,
            alive: Alive::new(&self.alive),
        }))
    }

    fn import(&self, file: &Path) -> Result<Imported, String> {
        let name = file.file_stem().and_then(|stem| stem.to_str());
        match (name, file.extension()) {
            (Some(name), Some(extension)) if extension == "pth" => {
                let new = fake(String::leak(name.to_owned()), Kind::Gain(0.25));
                self.voices.lock().expect("no test panics here").push(new);
                Ok(Imported {
                    voice: new.voice(),
                    notes: vec!["without an index".to_owned()],
                })
            }
            _ => Err("expected a voice file, found a text; choose a .pth".to_owned()),
        }
    }
}

struct FakeWarm {
    fake: Fake,
    alive: Alive,
}

impl Warm for FakeWarm {
    fn engine(&self, setup: &VoiceSetup) -> Result<Box<dyn Engine>, String> {
        let mut spec = self.fake.spec(setup);
        match self.fake.kind {
            Kind::NoEngine => return Err("expected memory, found none; close programs".to_owned()),
            Kind::Lies => spec.lookahead += 48_000,
            _ => {}
        }
        let mut engine = FakeEngine {
            spec,
            kind: self.fake.kind,
            past: VecDeque::with_capacity(spec.lookahead + 1),
            steps: 0,
            _alive: Alive::new(&self.alive.0),
        };
        engine.reset();
        Ok(Box::new(engine))
    }

    fn encoder(&self) -> Option<&str> {
        (self.fake.kind == Kind::Ours).then_some("ours")
    }
}

struct FakeEngine {
    spec: EngineSpec,
    kind: Kind,
    past: VecDeque<f32>,
    steps: usize,
    _alive: Alive,
}

impl Engine for FakeEngine {
    fn spec(&self) -> EngineSpec {
        self.spec
    }

    fn reset(&mut self) {
        self.past.clear();
        self.past.resize(self.spec.lookahead, 0.0);
    }

    fn step(
        &mut self,
        input: &[&[f32]],
        output: &mut [&mut [f32]],
        _: &Controls,
    ) -> Result<(), EngineError> {
        let step = self.steps;
        self.steps += 1;
        let failed = Err(EngineError::Step {
            engine: self.spec.name,
            reason: "the fake voice fails; load it again",
        });
        let gain = match self.kind {
            Kind::FailsAtOnce => return failed,
            Kind::FailsAt(at) if at <= step => return failed,
            Kind::PanicsAt(at) if at <= step => panic!("the fake voice panics at step {at}"),
            Kind::Gain(gain) => gain,
            _ => 0.5,
        };
        for (x, y) in input[0].iter().zip(output[0].iter_mut()) {
            self.past.push_back(*x);
            *y = gain
                * self
                    .past
                    .pop_front()
                    .expect("lookahead frames and one more");
        }
        Ok(())
    }
}

/// Waits for what other threads bring about; a minute is longer than any machine needs.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < patience, "{what} did not come about");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Waits until a rack is so.
pub fn until_shown(rack: &Rack, what: &str, is_so: impl Fn(&Shown) -> bool) {
    until(what, || is_so(&rack.shown()));
}
