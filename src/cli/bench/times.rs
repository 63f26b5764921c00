//! What hops of an engine cost: one figure for each question that a budget asks.

use super::quantile;

/// What hops cost.
pub(super) struct Times {
    pub(super) hops: usize,
    pub(super) hop_ms: f64,
    /// Seconds that pass per second of audio.
    pub(super) rtf: f64,
    /// Seconds that the processors work per second of audio, where the system tells.
    pub(super) cpu: Option<f64>,
    pub(super) p50_ms: f64,
    pub(super) p95_ms: f64,
    pub(super) p99_ms: f64,
    pub(super) max_ms: f64,
    /// Hops that took longer than they last.
    pub(super) late: usize,
}

impl Times {
    /// Of hops that last `hop_ms`, from what each of them took.
    pub(super) fn of(hop_ms: f64, mut times_ms: Vec<f64>) -> Self {
        times_ms.sort_by(f64::total_cmp);
        let hops = times_ms.len();
        Self {
            hops,
            hop_ms,
            rtf: times_ms.iter().sum::<f64>() / (hop_ms * hops as f64),
            cpu: None,
            p50_ms: quantile(&times_ms, 0.5),
            p95_ms: quantile(&times_ms, 0.95),
            p99_ms: quantile(&times_ms, 0.99),
            max_ms: quantile(&times_ms, 1.0),
            late: times_ms.iter().filter(|&&ms| hop_ms < ms).count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_are_late_that_take_longer_than_they_last() {
        let times = Times::of(100.0, vec![50.0, 150.0, 50.0, 100.0]);
        assert_eq!((times.late, times.max_ms, times.p50_ms), (1, 150.0, 50.0));
        assert!((times.rtf - 0.875).abs() < 1e-12);
    }
}
