//! Keepers on threads of their own. Loader threads start them; each ends with its engine.

use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use super::keeper::{Counter, Keeper, Maker};

/// A keeper looks this often for what came back, and whether its engine is gone.
const PERIOD: Duration = Duration::from_millis(200);
/// How long the first attempt is waited for. Kernels that a driver sees for the first time it compiles.
const FIRST: Duration = Duration::from_secs(30);

/// Starts a keeper, and waits until a voice is on the device, or it is known that none will be, or that
/// takes too long: it then comes later. Allocates.
///
/// # Errors
/// When the system gives no thread.
pub fn keep<M: Maker + 'static>(maker: M) -> std::io::Result<Counter<M::Task>> {
    let (mut keeper, counter) = Keeper::new(maker);
    let (tried, first) = sync_channel(1);
    let named = thread::Builder::new().name("autovoice-device".into());
    named.spawn(move || {
        let started = Instant::now();
        let mut tried = Some(tried);
        while let Some(due) = keeper.turn(started.elapsed()) {
            if let Some(tried) = tried.take() {
                // Nobody waits any more if it took too long.
                let _ = tried.try_send(());
            }
            let left = due.saturating_sub(started.elapsed());
            thread::sleep(left.min(PERIOD));
        }
    })?;
    if first.recv_timeout(FIRST).is_err() {
        counter.status().say(Some(format!(
            "expected the device to answer within {} s, found it silent; on the CPU until it does",
            FIRST.as_secs()
        )));
    }
    Ok(counter)
}
