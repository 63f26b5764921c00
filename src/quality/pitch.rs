//! How good a pitch track is: the measures of melody extraction (Poliner et al., 2007), as the
//! field's papers report them, and a search for the delay that a tracker did not declare.

use crate::pitch::track::contour::{Contour, Point};

/// Cents within which a pitch is right.
const RIGHT_CENTS: f64 = 50.0;
/// Neighbours further apart are not interpolated between, in cents.
const LEAP_CENTS: f64 = 300.0;
/// Lags tried are this far apart, in seconds.
const LAG_STEP_S: f64 = 0.002_5;

/// What is known of one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Voicing {
    /// A voice.
    Voiced,
    /// None.
    Unvoiced,
    /// Nobody knows: not scored.
    Unknown,
}

/// What was sung: instants in order with their pitch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Truth {
    /// Seconds.
    pub times_s: Vec<f64>,
    /// Hz; read where voiced.
    pub f0_hz: Vec<f64>,
    /// One for each instant.
    pub voicing: Vec<Voicing>,
}

/// What a tracker said: instants in order, not those of the truth.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Estimate {
    /// Seconds.
    pub times_s: Vec<f64>,
    /// Hz; 0 for no pitch.
    pub f0_hz: Vec<f64>,
    /// From a threshold on, a voice.
    pub confidence: Vec<f64>,
}

impl Estimate {
    /// Adds a point at the end.
    pub fn push(&mut self, point: &Point) {
        self.times_s.push(point.time_s);
        self.f0_hz.push(f64::from(point.f0_hz));
        self.confidence.push(f64::from(point.confidence));
    }
}

/// How an estimate is judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judge {
    /// The confidence from which on an instant of the estimate is voiced.
    pub threshold: f64,
    /// Seconds around each change of voicing that are not scored.
    pub guard_s: f64,
}

impl Default for Judge {
    fn default() -> Self {
        Self {
            threshold: f64::from(Contour::VOICED),
            guard_s: 0.02,
        }
    }
}

/// How good an estimate is. Shares are 0..=1. "Both voiced": where truth and estimate are.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    /// Instants scored.
    pub frames_voiced: usize,
    /// Instants scored.
    pub frames_unvoiced: usize,
    /// Raw pitch accuracy: share of the voiced instants whose pitch, whatever the confidence, is
    /// within 50 cents.
    pub rpa50: f64,
    /// Within 25 cents.
    pub rpa25: f64,
    /// Within 10 cents.
    pub rpa10: f64,
    /// Raw chroma accuracy: as `rpa50`, octaves forgiven.
    pub rca50: f64,
    /// As `rpa50`, where both are voiced.
    pub rpa50_when_voiced: f64,
    /// Root of the mean square error in Hz, where both are voiced; none without such an instant.
    pub rmse_hz: Option<f64>,
    /// The same in cents, errors of 200 cents and more left out.
    pub rmse_cents_fine: Option<f64>,
    /// Median of the error's size in cents, where both are voiced.
    pub median_abs_cents: Option<f64>,
    /// Median error in cents, where both are voiced.
    pub bias_cents: Option<f64>,
    /// Share of errors of one or more octaves, where both are voiced.
    pub octave_error_rate: f64,
    /// Share of errors of more than a fifth of the frequency, where both are voiced.
    pub gross_error_rate: f64,
    /// Share of the voiced instants said to be voiced.
    pub voicing_recall: f64,
    /// Share of the unvoiced instants said to be voiced.
    pub voicing_false_alarm: f64,
    /// Share of all instants where voicing and, if voiced, pitch are right.
    pub overall_accuracy: f64,
}

/// Scores an estimate.
#[must_use]
pub fn score(truth: &Truth, estimate: &Estimate, judge: Judge) -> Score {
    score_later(truth, estimate, 0.0, judge)
}

/// By how many seconds an estimate is late, within +-`span_s`: the lag at which most pitches are
/// right, the median error deciding between equals.
#[must_use]
pub fn best_lag_s(truth: &Truth, estimate: &Estimate, span_s: f64) -> f64 {
    let judge = Judge {
        threshold: 0.0,
        guard_s: 0.0,
    };
    let steps = (2.0 * span_s / LAG_STEP_S).round() as usize;
    let mut best = (-1.0, 0.0);
    for step in 0..=steps {
        let lag_s = step as f64 * LAG_STEP_S - span_s;
        let score = score_later(truth, estimate, lag_s, judge);
        let merit = score.rpa50 - 1e-4 * score.median_abs_cents.unwrap_or(100.0);
        if best.0 < merit {
            best = (merit, lag_s);
        }
    }
    best.1
}

/// One scored instant.
struct Instant {
    voiced: bool,
    said_voiced: bool,
    truth_hz: f64,
    said_hz: f64,
    /// Error, and with octaves taken off; infinite without a pitch or a voice.
    cents: f64,
    folded: f64,
}

/// Scores an estimate taken to be late by `lag_s`.
fn score_later(truth: &Truth, estimate: &Estimate, lag_s: f64, judge: Judge) -> Score {
    let hop_s = hop_s(&estimate.times_s);
    let instants: Vec<Instant> = scored(truth, judge.guard_s)
        .map(|i| {
            let (said_hz, confidence) = at(estimate, hop_s, truth.times_s[i] + lag_s);
            let voiced = truth.voicing[i] == Voicing::Voiced;
            let cents = match voiced && 0.0 < said_hz {
                true => 1_200.0 * (said_hz / truth.f0_hz[i]).log2(),
                false => f64::INFINITY,
            };
            let folded = match cents.is_finite() {
                true => cents - 1_200.0 * (cents / 1_200.0).round_ties_even(),
                false => f64::INFINITY,
            };
            Instant {
                voiced,
                said_voiced: 0.0 < said_hz && judge.threshold <= confidence,
                truth_hz: truth.f0_hz[i],
                said_hz,
                cents,
                folded,
            }
        })
        .collect();
    summary(&instants)
}

fn summary(instants: &[Instant]) -> Score {
    let voiced: Vec<&Instant> = instants.iter().filter(|i| i.voiced).collect();
    let unvoiced: Vec<&Instant> = instants.iter().filter(|i| !i.voiced).collect();
    let both: Vec<&Instant> = voiced.iter().filter(|i| i.said_voiced).copied().collect();
    let within = |cents: f64| move |i: &Instant| i.cents.abs() <= cents;
    let errors = |keep: fn(f64) -> bool| {
        let errors = both.iter().map(|i| i.cents);
        errors.filter(|&cents| keep(cents)).collect::<Vec<_>>()
    };
    let hz: Vec<f64> = both.iter().map(|i| i.said_hz - i.truth_hz).collect();
    let right = |i: &Instant| match i.voiced {
        true => i.said_voiced && i.cents.abs() <= RIGHT_CENTS,
        false => !i.said_voiced,
    };
    Score {
        frames_voiced: voiced.len(),
        frames_unvoiced: unvoiced.len(),
        rpa50: share(&voiced, within(RIGHT_CENTS)),
        rpa25: share(&voiced, within(25.0)),
        rpa10: share(&voiced, within(10.0)),
        rca50: share(&voiced, |i| i.folded.abs() <= RIGHT_CENTS),
        rpa50_when_voiced: share(&both, within(RIGHT_CENTS)),
        rmse_hz: rms(&hz),
        rmse_cents_fine: rms(&errors(|cents| cents.abs() < 200.0)),
        median_abs_cents: median(both.iter().map(|i| i.cents.abs()).collect()),
        bias_cents: median(errors(|_| true)),
        octave_error_rate: share(&both, |i| {
            600.0 < i.cents.abs() && i.folded.abs() <= RIGHT_CENTS
        }),
        gross_error_rate: share(&both, |i| 0.2 < (i.said_hz / i.truth_hz - 1.0).abs()),
        voicing_recall: share(&voiced, |i| i.said_voiced),
        voicing_false_alarm: share(&unvoiced, |i| i.said_voiced),
        overall_accuracy: share(&instants.iter().collect::<Vec<_>>(), right),
    }
}

/// The instants that count: known, and not within the guard of a change.
fn scored(truth: &Truth, guard_s: f64) -> impl Iterator<Item = usize> {
    let mut edges = Vec::new();
    if 0.0 < guard_s {
        for (times, voicing) in truth.times_s.windows(2).zip(truth.voicing.windows(2)) {
            if voicing[0] != voicing[1] {
                edges.push(0.5 * (times[0] + times[1]));
            }
        }
    }
    (0..truth.times_s.len()).filter(move |&i| {
        let time_s = truth.times_s[i];
        // Edges come in order: only the neighbours can be near.
        let next = edges.partition_point(|&edge| edge < time_s);
        let near = edges[next.saturating_sub(1)..].iter().take(2);
        truth.voicing[i] != Voicing::Unknown
            && near
                .map(|edge| (time_s - edge).abs())
                .all(|off| guard_s < off)
    })
}

/// Pitch and confidence of an estimate at an instant: between two neighbours that are no leap
/// apart, else of the nearer one; none beyond its ends.
fn at(estimate: &Estimate, hop_s: f64, time_s: f64) -> (f64, f64) {
    let (times, f0, confidence) = (&estimate.times_s, &estimate.f0_hz, &estimate.confidence);
    let last = match times.len() {
        0 => return (0.0, 0.0),
        1 => return (f0[0].max(0.0), confidence[0]),
        count => count - 1,
    };
    if time_s < times[0] - hop_s || times[last] + hop_s < time_s {
        return (0.0, 0.0);
    }
    let r = times.partition_point(|&t| t < time_s).clamp(1, last);
    let l = r - 1;
    let mix = ((time_s - times[l]) / (times[r] - times[l]).max(1e-9)).clamp(0.0, 1.0);
    let (a, b) = (f0[l].max(0.0), f0[r].max(0.0));
    let smooth = 0.0 < a && 0.0 < b && (1_200.0 * (a / b).log2()).abs() < LEAP_CENTS;
    let hz = if smooth {
        ((1.0 - mix) * a.ln() + mix * b.ln()).exp()
    } else if mix < 0.5 {
        a
    } else {
        b
    };
    (hz, (1.0 - mix) * confidence[l] + mix * confidence[r])
}

/// The usual distance of two instants.
fn hop_s(times_s: &[f64]) -> f64 {
    let steps = times_s.windows(2).map(|pair| pair[1] - pair[0]);
    median(steps.collect()).unwrap_or(0.0)
}

fn share(of: &[&Instant], holds: impl Fn(&Instant) -> bool) -> f64 {
    of.iter().filter(|i| holds(i)).count() as f64 / of.len().max(1) as f64
}

fn rms(values: &[f64]) -> Option<f64> {
    let sum: f64 = values.iter().map(|value| value * value).sum();
    (!values.is_empty()).then(|| (sum / values.len() as f64).sqrt())
}

/// The middle value, or the mean of the two.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.len() % 2, values.get(middle)) {
        (0, Some(upper)) => Some(0.5 * (values[middle - 1] + upper)),
        (_, found) => found.copied(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A truth with an instant every 10 ms.
    fn truth(instants: &[(Voicing, f64)]) -> Truth {
        Truth {
            times_s: (0..instants.len()).map(|i| 0.01 * i as f64).collect(),
            f0_hz: instants.iter().map(|instant| instant.1).collect(),
            voicing: instants.iter().map(|instant| instant.0).collect(),
        }
    }

    /// An estimate on the same instants, each pitch so many cents off 200 Hz.
    fn estimate(points: &[(f64, f64)]) -> Estimate {
        Estimate {
            times_s: (0..points.len()).map(|i| 0.01 * i as f64).collect(),
            f0_hz: points
                .iter()
                .map(|p| 200.0 * (p.0 / 1_200.0).exp2())
                .collect(),
            confidence: points.iter().map(|point| point.1).collect(),
        }
    }

    const NO_GUARD: Judge = Judge {
        threshold: 0.5,
        guard_s: 0.0,
    };

    #[test]
    fn hand_made_cases_score_what_they_must() {
        use Voicing::{Unknown, Unvoiced, Voiced};
        let voices = truth(&[
            (Voiced, 200.0),
            (Voiced, 200.0),
            (Voiced, 200.0),
            (Voiced, 200.0),
            (Unvoiced, 0.0),
            (Unvoiced, 0.0),
            (Unknown, 200.0),
        ]);
        // Right, 30 cents off, an octave down, right but not believed; a false alarm, a rest.
        let said = estimate(&[
            (0.0, 0.9),
            (30.0, 0.9),
            (-1_205.0, 0.9),
            (5.0, 0.3),
            (0.0, 0.8),
            (0.0, 0.1),
            (700.0, 0.9),
        ]);
        let got = score(&voices, &said, NO_GUARD);
        assert_eq!((got.frames_voiced, got.frames_unvoiced), (4, 2));
        for (name, got, expected) in [
            ("rpa50", got.rpa50, 0.75),
            ("rpa25", got.rpa25, 0.5),
            ("rpa10", got.rpa10, 0.5),
            ("rca50", got.rca50, 1.0),
            ("when voiced", got.rpa50_when_voiced, 2.0 / 3.0),
            ("octaves", got.octave_error_rate, 1.0 / 3.0),
            ("gross", got.gross_error_rate, 1.0 / 3.0),
            ("recall", got.voicing_recall, 0.75),
            ("false alarm", got.voicing_false_alarm, 0.5),
            ("overall", got.overall_accuracy, 0.5),
            ("median", got.median_abs_cents.unwrap(), 30.0),
            ("bias", got.bias_cents.unwrap(), 0.0),
            ("fine", got.rmse_cents_fine.unwrap(), 450.0f64.sqrt()),
        ] {
            assert!((got - expected).abs() < 1e-9, "{name}: {got}");
        }
    }

    #[test]
    fn nothing_said_and_nothing_sung_are_no_numbers_gone_wrong() {
        let sung = truth(&[(Voicing::Voiced, 200.0); 10]);
        let rest = truth(&[(Voicing::Unvoiced, 0.0); 10]);
        let silent = Estimate::default();
        let got = score(&sung, &silent, NO_GUARD);
        assert_eq!(
            (got.rpa50, got.voicing_recall, got.rmse_hz),
            (0.0, 0.0, None)
        );
        let got = score(&rest, &silent, NO_GUARD);
        assert_eq!((got.overall_accuracy, got.voicing_false_alarm), (1.0, 0.0));
        assert_eq!(
            score(&Truth::default(), &silent, NO_GUARD),
            Score::default()
        );
    }

    #[test]
    fn the_guard_leaves_out_what_is_near_a_change() {
        use Voicing::{Unvoiced, Voiced};
        let voices = truth(&[[(Unvoiced, 0.0); 10], [(Voiced, 200.0); 10]].concat());
        let said = estimate(&[(0.0, 0.9); 20]);
        for (guard_s, expected) in [(0.0, 10), (0.004, 10), (0.006, 9), (0.02, 8), (1.0, 0)] {
            let judge = Judge {
                guard_s,
                ..NO_GUARD
            };
            let got = score(&voices, &said, judge);
            assert_eq!(got.frames_voiced, expected, "{guard_s}");
            assert_eq!(got.frames_unvoiced, expected, "{guard_s}");
        }
    }

    #[test]
    fn a_late_estimate_is_found_out() {
        // A vibrato: at another lag its pitch is off.
        let hz = |t: f64| 200.0 * (0.08 * (std::f64::consts::TAU * 5.0 * t).sin()).exp2();
        let sung = Truth {
            times_s: (0..400).map(|i| 0.005 * f64::from(i)).collect(),
            f0_hz: (0..400).map(|i| hz(0.005 * f64::from(i))).collect(),
            voicing: vec![Voicing::Voiced; 400],
        };
        for late_s in [-0.02, 0.0, 0.0125, 0.03] {
            let times_s: Vec<f64> = (-60..1_400).map(|i| 0.001_5 * f64::from(i)).collect();
            let said = Estimate {
                f0_hz: times_s.iter().map(|t| hz(t - late_s)).collect(),
                confidence: vec![1.0; times_s.len()],
                times_s,
            };
            let got = best_lag_s(&sung, &said, 0.04);
            assert!((got - late_s).abs() < 1e-9, "{late_s}: {got}");
        }
    }
}
