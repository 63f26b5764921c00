//! Small engines of seeded weights, one of every kind that runs on the worker, and one that keeps
//! what it says: what holds of the bridge with one holds with all.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::ddsp_nets;
use crate::rvc_nets;
use autovoice::engine::rvc::Reach;
use autovoice::engine::{Controls, Engine, EngineError, EngineSpec, Observation, Quality};
use autovoice::model::rvc::Version;

/// At which all of them run, in Hz.
pub const RATE_HZ: u32 = 48_000;

/// A kind of engine.
#[derive(Clone, Copy)]
pub struct Kind {
    pub name: &'static str,
    pub make: fn() -> Box<dyn Engine>,
}

/// One thread, so that every hop is done when a rig says so.
pub const RVC: Kind = Kind {
    name: "rvc",
    make: || {
        let live = Reach::of(Quality::Live).on(1);
        let config = rvc_nets::small(Version::V2, RATE_HZ, true);
        Box::new(rvc_nets::engine(live, &config))
    },
};

pub const DDSP: Kind = Kind {
    name: "ddsp",
    make: || Box::new(ddsp_nets::engine(&ddsp_nets::small(1), 1)),
};

pub const ALL: [Kind; 2] = [RVC, DDSP];

/// What is sung to them, and a little noise, by which every frame is known from every other.
pub fn song(frames: usize) -> Vec<f32> {
    let mut song = rvc_nets::sung(RATE_HZ, frames as f64 / f64::from(RATE_HZ), |t| {
        200.0 + 60.0 * (3.0 * t).sin()
    });
    for (n, x) in song.iter_mut().enumerate() {
        *x += 1e-3 * crate::support::noise(n as u64);
    }
    song
}

/// What an engine said: by the frame of the song that it belongs to.
pub type Said = Arc<Mutex<HashMap<u64, f32>>>;

/// An engine that keeps what it says.
pub struct Spy {
    engine: Box<dyn Engine>,
    /// Frames of the song by their own and the next two samples.
    frames: HashMap<[u32; 3], u64>,
    said: Said,
    /// Frames since it started anew, up to its lookahead: they belong to what was before.
    warming: usize,
}

impl Spy {
    /// Hears parts of this song and nothing else.
    pub fn boxed(engine: Box<dyn Engine>, song: &[f32]) -> (Box<dyn Engine>, Said) {
        let windows = song.windows(3).enumerate();
        let frames = windows.map(|(n, x)| ([x[0], x[1], x[2]].map(f32::to_bits), n as u64));
        let said = Said::default();
        let spy = Self {
            engine,
            frames: frames.collect(),
            said: said.clone(),
            warming: 0,
        };
        (Box::new(spy), said)
    }
}

impl Engine for Spy {
    fn spec(&self) -> EngineSpec {
        self.engine.spec()
    }

    fn reset(&mut self) {
        self.engine.reset();
        self.warming = self.spec().lookahead;
    }

    fn step(
        &mut self,
        input: &[&[f32]],
        output: &mut [&mut [f32]],
        controls: &Controls,
    ) -> Result<(), EngineError> {
        self.engine.step(input, output, controls)?;
        let [a, b, c, ..] = *input[0] else {
            panic!("a hop has three frames");
        };
        let Some(first) = self.frames.get(&[a, b, c].map(f32::to_bits)) else {
            // The silence of the warm-up.
            return Ok(());
        };
        let lookahead = self.spec().lookahead as u64;
        let mut said = self.said.lock().expect("nobody panics with it");
        for (n, y) in output[0].iter().enumerate().skip(self.warming) {
            said.insert(first + n as u64 - lookahead, *y);
        }
        self.warming = self.warming.saturating_sub(output[0].len());
        Ok(())
    }

    fn observe(&self) -> Observation {
        self.engine.observe()
    }
}
