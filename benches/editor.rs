//! What the open editor costs the processor: milliseconds per frame of 60 Hz for laying it out and
//! cutting it into triangles, on one core, while a voice moves everything that can move. Painting
//! is the graphics card's. A closed editor has no thread and no timer: nothing is left to measure.
//!
//! `cargo bench --bench editor --features editor`

#[path = "../tests/editor_stage/mod.rs"]
mod editor_stage;
mod support;

use std::time::{Duration, Instant};

use autovoice::bridge::{Meters, MetersIn};
use autovoice::editor::{Scene, WindowSettings};
use autovoice::engine::Observation;
use editor_stage::Stage;
use support::{Shares, machine};

const FRAME: Duration = Duration::from_micros(16_667);
const FRAMES: usize = 3_000;

/// Meters of a voice that glides and pulses.
fn sing(meters: &mut MetersIn, frame: usize) {
    let phase = frame as f32 * 0.05;
    let peak = 0.5 + 0.4 * phase.sin();
    meters.write(Meters {
        input_peak: [peak; 2],
        output_peak: [peak * 0.8; 2],
        observation: Observation {
            sung_hz: 220.0 * (0.3 * phase.sin()).exp2(),
            target_hz: 247.0 * (0.3 * phase.sin()).exp2(),
            note_hz: 220.0,
            voicing: 0.5 + 0.5 * (phase * 0.7).sin(),
        },
        load: 0.05,
        rate_hz: 48_000,
        engine: "shift",
        ..Meters::default()
    });
}

fn row(name: &str, window: WindowSettings) {
    let mut stage = Stage::looking(window);
    // Nobody reads this screen out.
    stage.ctx.disable_accesskit();
    let mut meters = stage.feed.connect(stage.params.wanted());
    let mut frame = 0;
    let mut triangles = 0;
    let shares = Shares::measure(FRAMES, FRAME, || {
        sing(&mut meters, frame);
        frame += 1;
        stage.frame(vec![]);
        let shapes = std::mem::take(&mut stage.shapes);
        let meshes = stage.ctx.tessellate(shapes, 1.0);
        triangles = meshes.len();
    });
    assert!(triangles > 0, "something is drawn");
    println!("| {name:16} | {} |", shares.times_ms(FRAME));
}

fn main() {
    println!("{}; ms per frame of 16.667 ms\n", machine());
    println!("| view             |     mean |      p50 |      p95 |      p99 |      max |");
    println!("|------------------|----------|----------|----------|----------|----------|");
    let studio = WindowSettings::default();
    row("studio", studio);
    let presets = true;
    row("studio, presets", WindowSettings { presets, ..studio });
    let scene = Scene::Stage;
    row("stage", WindowSettings { scene, ..studio });
    let began = Instant::now();
    drop(Stage::open());
    let ms = began.elapsed().as_secs_f64() * 1e3;
    println!("\nbuilding it and its first two frames: {ms:.1} ms (presets read, fonts made)");
}
