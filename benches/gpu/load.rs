//! What a hop takes while something else keeps the card busy, as a game does.

use std::error::Error;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use autovoice_kernels::gpu::{
    Activation, Array, Cuda, Device, GpuError, Input, Matrix, Output, Precision, Urgency, matmul,
};

use crate::rvc::{Chain, noise};

/// Frames of 10 ms in a hop.
const FRAMES: usize = 2;
const HOPS: usize = 500;
/// Rows, inputs and outputs of a product that fills the card for some milliseconds.
const LARGE: usize = 4_096;
/// The argument by which the program is the load itself.
pub const LOAD: &str = "--load";

/// Keeps a card busy until it is told not to, or is killed.
pub fn keep_busy(device: &Cuda, stop: &AtomicBool) -> Result<(), GpuError> {
    let values = noise(LARGE * LARGE, 1);
    let w = Matrix::new(device, (LARGE, LARGE), &values, None, Precision::Full)?;
    let x = Array::new(device, &values)?;
    let y = Array::<_, f32>::zeros(device, LARGE * LARGE)?;
    let work = Array::zeros(device, w.work_len(device, 1).max(1))?;
    while !stop.load(Ordering::Relaxed) {
        // Two are under way at a time, so that the card never waits.
        for _ in 0..2 {
            let input = Input {
                x: x.all(),
                stride: LARGE,
                rows: LARGE,
                slope: 1.0,
            };
            let output = Output {
                y: y.all(),
                stride: LARGE,
                activation: Activation::None,
                add: None,
            };
            matmul(device, &w, input, output, work.all())?;
        }
        device.synchronize()?;
    }
    Ok(())
}

/// Hops one every 20 ms, as they come live: what they took, in order, and how many of them were not done
/// when the next was due.
fn hops(urgency: Urgency) -> Result<(Vec<Duration>, usize), Box<dyn Error>> {
    let device = Cuda::open_for(0, urgency)?;
    let mut chain = Chain::new(&device, FRAMES, Precision::Full)?;
    (0..5).try_for_each(|_| chain.hop(&device))?;
    let period = Duration::from_millis(10 * FRAMES as u64);
    let (mut next, mut late, mut times) = (Instant::now(), 0, Vec::new());
    for _ in 0..HOPS {
        let began = Instant::now();
        chain.hop(&device)?;
        times.push(began.elapsed());
        next += period;
        match next.checked_duration_since(Instant::now()) {
            Some(rest) => std::thread::sleep(rest),
            None => {
                late += 1;
                next = Instant::now();
            }
        }
    }
    times.sort();
    Ok((times, late))
}

/// Measures alone, beside a load in the same program, and beside one in another.
pub fn run() -> Result<(), Box<dyn Error>> {
    println!(
        "A hop of 20 ms (text encoder, flow, generator; f32) beside products that fill the card;"
    );
    println!("milliseconds, and hops of {HOPS}, one every 20 ms, that were late.\n");
    println!("| load | stream | p50 | p95 | p99 | most | late |");
    println!("|---|---|---|---|---|---|---|");
    let row = |load: &str, urgency: Urgency| -> Result<(), Box<dyn Error>> {
        let (times, late) = hops(urgency)?;
        let at = |q: f64| times[((times.len() - 1) as f64 * q) as usize].as_secs_f64() * 1e3;
        let columns = [0.5, 0.95, 0.99, 1.0].map(|q| format!("{:.3}", at(q)));
        println!(
            "| {load} | {urgency:?} | {} | {late} |",
            columns.join(" | ")
        );
        Ok(())
    };
    row("none", Urgency::Sound)?;
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let busy = scope.spawn(|| keep_busy(&Cuda::open_for(0, Urgency::Other)?, &stop));
        std::thread::sleep(Duration::from_secs(1));
        let done =
            row("same program", Urgency::Sound).and_then(|()| row("same program", Urgency::Other));
        stop.store(true, Ordering::Relaxed);
        busy.join().map_err(|_| "the load panicked")??;
        done
    })?;
    let mut other = Load::start()?;
    std::thread::sleep(Duration::from_secs(2));
    let done = row("another program", Urgency::Sound)
        .and_then(|()| row("another program", Urgency::Other));
    other.0.kill()?;
    done?;
    println!();
    Ok(())
}

/// This program as a load, gone when it is dropped.
struct Load(Child);

impl Load {
    fn start() -> std::io::Result<Self> {
        let program = std::env::current_exe()?;
        Command::new(program)
            .arg(LOAD)
            .stdin(Stdio::null())
            .spawn()
            .map(Self)
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
