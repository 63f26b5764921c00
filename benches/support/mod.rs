//! What every bench needs: the machine's name, and percentiles of many short times.
#![allow(dead_code, reason = "each bench uses its own part")]

use std::time::{Duration, Instant};

/// The CPU's name and how many of it there are.
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let name = std::fs::read_to_string("/proc/cpuinfo")
        .ok()
        .and_then(|info| {
            let line = info.lines().find(|line| line.starts_with("model name"))?;
            Some(line.split(':').nth(1)?.trim().to_owned())
        });
    let name = name.unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    format!("{name}, {cores} cores")
}

/// Times of many calls, as shares of a period.
pub struct Shares(Vec<f64>);

impl Shares {
    /// Calls `f` so many times, after a tenth as many calls that are not counted.
    pub fn measure(calls: usize, period: Duration, mut f: impl FnMut()) -> Self {
        (0..calls / 10).for_each(|_| f());
        let mut shares: Vec<f64> = (0..calls)
            .map(|_| {
                let began = Instant::now();
                f();
                began.elapsed().as_secs_f64() / period.as_secs_f64()
            })
            .collect();
        shares.sort_by(f64::total_cmp);
        Self(shares)
    }

    /// The mean share.
    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    fn quantile(&self, q: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * q) as usize]
    }

    /// Mean, p50, p95, p99 and maximum in milliseconds, as columns of a table.
    pub fn times_ms(&self, period: Duration) -> String {
        let mean = self.mean();
        let quantiles = [0.5, 0.95, 0.99, 1.0].map(|q| self.quantile(q));
        let values = std::iter::once(mean).chain(quantiles);
        let columns = values.map(|share| format!("{:8.3}", share * period.as_secs_f64() * 1e3));
        columns.collect::<Vec<_>>().join(" | ")
    }

    /// Mean, p50, p99, p99.9 and maximum in per cent, as columns of a table.
    pub fn columns(&self) -> String {
        let mean = self.mean();
        let values = [
            mean,
            self.quantile(0.5),
            self.quantile(0.99),
            self.quantile(0.999),
            self.quantile(1.0),
        ];
        values
            .map(|share| format!("{:8.3}", 100.0 * share))
            .join(" | ")
    }
}
