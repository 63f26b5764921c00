//! How many voices one card carries.

use std::error::Error;
use std::sync::Barrier;
use std::time::{Duration, Instant};

use autovoice_kernels::gpu::{Cuda, Device, Precision};

use crate::rvc::Chain;

/// Frames of 10 ms in a hop.
const FRAMES: usize = 2;
const HOPS: u32 = 200;

/// Measures ever more instances, each with a thread and a stream of its own and a hop every 20 ms.
pub fn run(device: &Cuda) -> Result<(), Box<dyn Error>> {
    println!(
        "Instances that each have a hop of 20 ms every 20 ms (text encoder, flow, generator; f16);"
    );
    println!("milliseconds of a hop, and hops that were not done when the next began.\n");
    println!("| instances | p50 | p99 | most | late |");
    println!("|---|---|---|---|---|");
    let first = Chain::new(device, FRAMES, Precision::Half)?;
    for count in [1, 2, 4, 8, 16, 24, 32] {
        device.synchronize()?;
        let streams = (0..count).map(|_| {
            let stream = device.another_stream()?;
            let chain = first.another(&stream)?;
            Ok((stream, chain))
        });
        let streams = streams.collect::<Result<Vec<_>, Box<dyn Error>>>()?;
        let barrier = &Barrier::new(count);
        let all = std::thread::scope(|scope| {
            let running = streams.into_iter().map(|(stream, chain)| {
                scope.spawn(move || {
                    let times = paced(&stream, chain, barrier);
                    times.map_err(|e| e.to_string())
                })
            });
            let running: Vec<_> = running.collect();
            let times = running
                .into_iter()
                .map(|one| one.join().map_err(|_| "panicked")?);
            times.collect::<Result<Vec<_>, String>>()
        })?;
        let mut times = all.concat();
        times.sort();
        let at = |q: f64| times[((times.len() - 1) as f64 * q) as usize].as_secs_f64() * 1e3;
        let period = Duration::from_millis(10 * FRAMES as u64);
        let late = times.iter().filter(|time| period < **time).count();
        println!(
            "| {count} | {:.2} | {:.2} | {:.2} | {late} |",
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
    println!();
    Ok(())
}

/// From when each hop could begin to when it is done.
fn paced(
    stream: &Cuda,
    mut chain: Chain,
    barrier: &Barrier,
) -> Result<Vec<Duration>, Box<dyn Error>> {
    // Recorded before anybody counts.
    let warm = (0..5).try_for_each(|_| chain.hop(stream));
    barrier.wait();
    warm?;
    let began = Instant::now();
    let mut times = Vec::new();
    for n in 1..=HOPS {
        let due = began + n * Duration::from_millis(10 * FRAMES as u64);
        if let Some(rest) = due.checked_duration_since(Instant::now()) {
            std::thread::sleep(rest);
        }
        chain.hop(stream)?;
        times.push(due.elapsed());
    }
    Ok(times)
}
