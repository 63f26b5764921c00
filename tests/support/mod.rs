//! Engines and a clock for testing the bridge: everything is stepped by hand, nothing sleeps.
#![allow(dead_code, reason = "each test uses its part")]

use std::collections::VecDeque;

use autovoice::bridge::{
    HostConfig, MetersOut, Processor, Progress, Settings, Voices, Worker, meters,
};
use autovoice::engine::{Controls, Engine, EngineError, EngineSpec};

/// What a [`TestEngine`] does instead of its work.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Behaviour {
    /// Delays by its lookahead and multiplies by this.
    Gain(f32),
    /// Gain 1 until this step, counted from 0, which panics.
    PanicAt(usize),
    /// Gain 1 until this step, counted from 0, which fails.
    FailAt(usize),
    /// Gain 1 until this reset, counted from 0, which panics.
    PanicAtReset(usize),
    /// Does not even say what it is.
    PanicInSpec,
    /// Puts out what is not a number.
    Nan,
}

/// An engine that delays by exactly its declared lookahead.
pub struct TestEngine {
    spec: EngineSpec,
    behaviour: Behaviour,
    past: Vec<VecDeque<f32>>,
    steps: usize,
    resets: usize,
}

impl TestEngine {
    pub fn boxed(spec: EngineSpec, behaviour: Behaviour) -> Box<dyn Engine> {
        let mut engine = Self {
            spec,
            behaviour,
            // Cloning a deque would not keep its capacity.
            past: (0..spec.channels)
                .map(|_| VecDeque::with_capacity(spec.lookahead + 1))
                .collect(),
            steps: 0,
            resets: 0,
        };
        engine.forget();
        Box::new(engine)
    }

    fn forget(&mut self) {
        for past in &mut self.past {
            past.clear();
            past.resize(self.spec.lookahead, 0.0);
        }
    }
}

impl Engine for TestEngine {
    fn spec(&self) -> EngineSpec {
        assert_ne!(self.behaviour, Behaviour::PanicInSpec, "as it was told");
        self.spec
    }

    fn reset(&mut self) {
        let reset = self.resets;
        self.resets += 1;
        if matches!(self.behaviour, Behaviour::PanicAtReset(at) if at <= reset) {
            panic!("the test engine panics at reset {reset}");
        }
        self.forget();
    }

    fn step(
        &mut self,
        input: &[&[f32]],
        output: &mut [&mut [f32]],
        _: &Controls,
    ) -> Result<(), EngineError> {
        let step = self.steps;
        self.steps += 1;
        let gain = match self.behaviour {
            Behaviour::Gain(gain) => gain,
            Behaviour::PanicAt(at) if at <= step => panic!("the test engine panics at step {at}"),
            Behaviour::FailAt(at) if at <= step => {
                return Err(EngineError::Step {
                    engine: self.spec.name,
                    reason: "the test engine fails",
                });
            }
            Behaviour::Nan => f32::NAN,
            Behaviour::PanicAt(_)
            | Behaviour::FailAt(_)
            | Behaviour::PanicAtReset(_)
            | Behaviour::PanicInSpec => 1.0,
        };
        for ((past, x), y) in self.past.iter_mut().zip(input).zip(output) {
            for (x, y) in x.iter().zip(y.iter_mut()) {
                past.push_back(*x);
                *y = gain * past.pop_front().expect("lookahead frames and one more");
            }
        }
        Ok(())
    }
}

/// A spec for the worker.
pub fn worker_spec(rate_hz: u32, channels: usize, hop: usize, lookahead: usize) -> EngineSpec {
    EngineSpec {
        name: "test",
        rate_hz,
        channels,
        hop,
        lookahead,
        budget: hop,
        realtime_safe: false,
    }
}

/// An engine for the audio thread.
pub fn direct(host: &HostConfig, lookahead: usize, behaviour: Behaviour) -> Box<dyn Engine> {
    let spec = EngineSpec {
        name: "direct",
        rate_hz: host.rate_hz,
        channels: host.channels,
        hop: 1,
        lookahead,
        budget: 1,
        realtime_safe: true,
    };
    TestEngine::boxed(spec, behaviour)
}

pub fn host(rate_hz: u32, channels: usize, max_block: usize) -> HostConfig {
    HostConfig {
        rate_hz,
        channels,
        max_block,
        offline: false,
    }
}

/// A processor with a worker that takes virtual time, and one voice in slot 1.
pub struct Rig {
    pub host: HostConfig,
    pub processor: Processor,
    pub voices: Voices,
    pub meters: MetersOut,
    worker: Option<Worker>,
    spec: EngineSpec,
    /// Virtual time and everything measured by it, in host frames.
    time: u64,
    busy_until: f64,
    hops_done: u64,
    /// When each hop that is not done yet was complete.
    waiting: VecDeque<f64>,
    /// Host frames that one hop costs.
    pub cost: f64,
    /// While true, the worker does not run.
    pub stalled: bool,
}

impl Rig {
    /// With `behaviour` in slot 1 and an engine of gain `direct_gain` on the audio thread.
    pub fn new(host: HostConfig, spec: EngineSpec, behaviour: Behaviour, direct_gain: f32) -> Self {
        Self::of(host, TestEngine::boxed(spec, behaviour), direct_gain)
    }

    /// With this engine in slot 1.
    pub fn of(host: HostConfig, engine: Box<dyn Engine>, direct_gain: f32) -> Self {
        let spec = engine.spec();
        let (meters_in, meters_out) = meters();
        let direct = direct(&host, 0, Behaviour::Gain(direct_gain));
        let (processor, worker, mut voices) =
            Processor::with_worker(host, direct, &[spec], meters_in);
        voices
            .install(1, engine)
            .expect("the voice fits, its latency was reserved");
        let mut rig = Self {
            host,
            processor,
            voices,
            meters: meters_out,
            worker: Some(worker),
            spec,
            time: 0,
            busy_until: 0.0,
            hops_done: 0,
            // Of any stall: what memory a test counts is not to be the rig's.
            waiting: VecDeque::with_capacity(4_096),
            cost: 0.0,
            stalled: false,
        };
        rig.drain();
        rig
    }

    /// Frames of the delay.
    pub fn delay(&self) -> usize {
        self.processor.latency().total()
    }

    /// Length of a hop in host frames.
    pub fn hop(&self) -> usize {
        self.processor.latency().hop
    }

    /// One host callback, then the worker's time until the next one of `next` frames.
    pub fn process(&mut self, audio: &mut [&mut [f32]], settings: &Settings, next: usize) {
        let frames = audio[0].len() as u64;
        self.processor.process(audio, settings);
        self.time += frames;
        if self.stalled {
            self.busy_until = self.busy_until.max((self.time + next as u64) as f64);
        } else if self.cost == 0.0 {
            self.drain();
        } else {
            self.work_until((self.time + next as u64) as f64);
        }
    }

    /// Runs the worker until it has nothing to do.
    pub fn drain(&mut self) {
        if let Some(worker) = &mut self.worker {
            while worker.run_hop() != Progress::Idle {}
        }
    }

    /// Ends the worker, as if its thread had died.
    pub fn kill_worker(&mut self) {
        self.worker = None;
    }

    /// Runs the hops that are complete, each taking its cost, as far as they end by `until`.
    fn work_until(&mut self, until: f64) {
        let Some(worker) = &mut self.worker else {
            return;
        };
        let (host, engine) = (u64::from(self.host.rate_hz), u64::from(self.spec.rate_hz));
        let complete = (self.time * engine).div_ceil(host) / self.spec.hop as u64;
        let known = self.hops_done + self.waiting.len() as u64;
        self.waiting
            .extend((known..complete).map(|_| self.time as f64));
        while let Some(arrived) = self.waiting.front() {
            let end = self.busy_until.max(*arrived) + self.cost;
            if until < end {
                return;
            }
            worker.run_hop();
            self.waiting.pop_front();
            self.hops_done += 1;
            self.busy_until = end;
        }
        worker.run_hop();
    }
}

/// Settings that hear slot 1.
pub fn voice() -> Settings {
    Settings {
        slot: 1,
        ..Settings::default()
    }
}

/// A test signal: noise in -1..1 that depends on the frame alone.
pub fn noise(frame: u64) -> f32 {
    let mut x = frame.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((x >> 40) as f32) / (1u64 << 23) as f32 - 1.0
}

/// Block sizes that vary from 0-free 1 to `max`, the same for the same seed.
pub fn random_blocks(max: usize, seed: u64) -> impl Iterator<Item = usize> {
    (0..).map(move |i| 1 + ((noise(i ^ seed) + 1.0) * 0.5 * max as f32) as usize % max)
}
