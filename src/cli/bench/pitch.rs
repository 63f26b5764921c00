//! What pitch trackers cost, how long they delay, and how well they track voices of exactly known
//! pitch.

use super::{BenchArgs, quantile};
use crate::cli::failure::Failure;
use crate::cli::tracker::Source;
use crate::engine::Place;
use crate::pitch::track::contour::Contour;
use crate::pitch::{PitchTracker, TrackerKind, VoiceRange};
use crate::quality::pitch::{Estimate, Judge, Score, best_lag_s, score};
use crate::quality::voices::{Signal, VOICES};
use crate::units::{Frames, frames_to_ms};
use std::time::Instant;

/// Decibels of noise below the voice; none, and down to as loud.
const LEVELS_DB: [Option<f64>; 4] = [None, Some(20.0), Some(10.0), Some(0.0)];
/// Lags searched, in seconds to either side.
const LAG_SPAN_S: f64 = 0.04;
/// Audio that warms the caches up before anything is timed.
const WARM_UP_S: f64 = 0.5;
/// The least share of clean pitches a tracker that works has right.
const WORKS: f64 = 0.5;

/// A tracker and what was measured of it.
pub(super) type Tracked = (TrackerKind, Result<Measured, Failure>);

/// How good and how dear a tracker is.
pub(super) struct Measured {
    /// Where its network ran, and what happened to the device.
    pub(super) place: Place,
    /// What it declares.
    pub(super) lookahead_ms: f64,
    /// By how much its times are late all the same: the median over the voices.
    pub(super) lag_ms: f64,
    pub(super) hop_ms: f64,
    /// Seconds of work per second of audio.
    pub(super) rtf: f64,
    /// Work per hop.
    pub(super) p50_us: f64,
    pub(super) p95_us: f64,
    pub(super) p99_us: f64,
    pub(super) max_us: f64,
    pub(super) levels: Vec<Level>,
}

/// How good a tracker is under noise: means over the voices.
pub(super) struct Level {
    pub(super) snr_db: Option<f64>,
    pub(super) rpa50: f64,
    pub(super) rpa25: f64,
    pub(super) recall: f64,
    pub(super) false_alarm: f64,
    pub(super) overall: f64,
    pub(super) octaves: f64,
    pub(super) median_cents: f64,
}

/// Measures the trackers asked for, or all there are.
pub(super) fn figures(arguments: &BenchArgs) -> Result<Vec<Tracked>, Failure> {
    let kinds = match arguments.tracker.is_empty() {
        true => &TrackerKind::ALL[..],
        false => &arguments.tracker,
    };
    let rate_hz = arguments.rate;
    let sung: Vec<Vec<Signal>> = LEVELS_DB
        .iter()
        .map(|snr_db| VOICES.iter().map(|v| v.sing(rate_hz, *snr_db)).collect())
        .collect();
    let tracked: Vec<Tracked> = kinds
        .iter()
        .map(|&kind| (kind, measure(kind, arguments, &sung)))
        .collect();
    // Where one was asked for by name, that it could not be had is no result.
    let failure = tracked
        .iter()
        .find_map(|(_, outcome)| outcome.as_ref().err());
    match failure {
        Some(failure) if !arguments.tracker.is_empty() => Err(failure.clone()),
        _ => Ok(tracked),
    }
}

fn measure(
    kind: TrackerKind,
    arguments: &BenchArgs,
    sung: &[Vec<Signal>],
) -> Result<Measured, Failure> {
    let rate_hz = arguments.rate;
    let source = Source::new(kind);
    let mut tracker = source.build(rate_hz, VoiceRange::Bass.lowest_hz())?;
    let mut levels = Vec::new();
    let mut lags = Vec::new();
    for (&snr_db, signals) in LEVELS_DB.iter().zip(sung) {
        let mut scores = Vec::new();
        for signal in signals {
            let estimate;
            (tracker, estimate) = listen(tracker, rate_hz, signal);
            if snr_db.is_none() {
                lags.push(best_lag_s(&signal.truth, &estimate, LAG_SPAN_S));
            }
            scores.push(score(&signal.truth, &estimate, Judge::default()));
        }
        levels.push(level(snr_db, &scores));
    }
    // A tracker that did nothing would be fast.
    if levels[0].rpa50 < WORKS {
        return Err(Failure::work(
            format!(
                "expected {} to track the bench's voices, it had {:.0} % of them right",
                kind.name(),
                100.0 * levels[0].rpa50
            ),
            "this is a fault in AutoVoice: please report it",
        ));
    }
    lags.sort_by(f64::total_cmp);
    let clean = || sung[0].iter().flat_map(|signal| &signal.samples).copied();
    let hop = hop_frames(&mut *tracker, clean());
    let frames = u64::from(arguments.seconds) * u64::from(rate_hz);
    let mut times_us = time(&mut *tracker, clean().cycle(), rate_hz, hop, frames);
    let hop_us = hop as f64 * 1e6 / f64::from(rate_hz);
    let rtf = times_us.iter().sum::<f64>() / (hop_us * times_us.len() as f64);
    times_us.sort_by(f64::total_cmp);
    Ok(Measured {
        place: source.place(),
        lookahead_ms: frames_to_ms(tracker.lookahead(), rate_hz),
        lag_ms: 1e3 * quantile(&lags, 0.5),
        hop_ms: frames_to_ms(hop, rate_hz),
        rtf,
        p50_us: quantile(&times_us, 0.5),
        p95_us: quantile(&times_us, 0.95),
        p99_us: quantile(&times_us, 0.99),
        max_us: quantile(&times_us, 1.0),
        levels,
    })
}

/// What a tracker says of a signal; it comes back.
fn listen(
    tracker: Box<dyn PitchTracker>,
    rate_hz: u32,
    signal: &Signal,
) -> (Box<dyn PitchTracker>, Estimate) {
    let mut contour = Contour::new(tracker, rate_hz);
    let mut estimate = Estimate::default();
    for point in signal.samples.iter().filter_map(|&x| contour.push(x)) {
        estimate.push(&point);
    }
    let tracker = contour.finish(|point| estimate.push(&point));
    (tracker, estimate)
}

fn level(snr_db: Option<f64>, scores: &[Score]) -> Level {
    let mean = |figure: fn(&Score) -> f64| {
        scores.iter().map(figure).sum::<f64>() / scores.len().max(1) as f64
    };
    Level {
        snr_db,
        rpa50: mean(|s| s.rpa50),
        rpa25: mean(|s| s.rpa25),
        recall: mean(|s| s.voicing_recall),
        false_alarm: mean(|s| s.voicing_false_alarm),
        overall: mean(|s| s.overall_accuracy),
        octaves: mean(|s| s.octave_error_rate),
        median_cents: mean(|s| s.median_abs_cents.unwrap_or(0.0)),
    }
}

/// Frames from one pitch to the next.
fn hop_frames(tracker: &mut dyn PitchTracker, samples: impl Iterator<Item = f32>) -> Frames {
    tracker.reset();
    let mut given = samples
        .enumerate()
        .filter_map(|(at, x)| tracker.push(x).map(|_| at));
    // The first may come early or late.
    let (second, third) = (given.nth(1), given.next());
    third.unwrap_or(1) - second.unwrap_or(0)
}

/// Microseconds of work on every hop.
fn time(
    tracker: &mut dyn PitchTracker,
    mut samples: impl Iterator<Item = f32>,
    rate_hz: u32,
    hop: Frames,
    frames: u64,
) -> Vec<f64> {
    tracker.reset();
    let warm_up = (WARM_UP_S * f64::from(rate_hz) / hop as f64).ceil() as usize;
    let count = (frames as usize).div_ceil(hop);
    let mut block = vec![0f32; hop];
    let mut times_us = Vec::with_capacity(count);
    let mut heard = 0.0;
    for index in 0..warm_up + count {
        block.fill_with(|| samples.next().unwrap_or(0.0));
        let started = Instant::now();
        for &sample in &block {
            if let Some(frame) = tracker.push(sample) {
                heard += frame.f0_hz;
            }
        }
        let elapsed = started.elapsed();
        if warm_up <= index {
            times_us.push(elapsed.as_secs_f64() * 1e6);
        }
    }
    // Looked at, so that the work is not left out.
    std::hint::black_box(heard);
    times_us
}
