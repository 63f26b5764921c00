//! The scorer of pitch tracks against the reference scorer's own answers
//! (`fixtures/pitch_score/generate.py`).
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

use autovoice::quality::pitch::{Estimate, Judge, Score, Truth, Voicing, best_lag_s, score};
use serde_json::Value;

fn numbers(value: &Value) -> Vec<f64> {
    let array = value.as_array().unwrap();
    array
        .iter()
        .map(|number| number.as_f64().unwrap())
        .collect()
}

fn truth(case: &Value) -> Truth {
    let voicing = numbers(&case["voiced"]);
    Truth {
        times_s: numbers(&case["times_s"]),
        f0_hz: numbers(&case["f0_hz"]),
        voicing: voicing
            .into_iter()
            .map(|voiced| match voiced {
                1.0 => Voicing::Voiced,
                0.0 => Voicing::Unvoiced,
                _ => Voicing::Unknown,
            })
            .collect(),
    }
}

/// Every figure by the reference's name for it.
fn figures(score: &Score) -> [(&'static str, f64); 16] {
    let some = |figure: Option<f64>| figure.unwrap();
    [
        ("frames_voiced", score.frames_voiced as f64),
        ("frames_unvoiced", score.frames_unvoiced as f64),
        ("rpa50", score.rpa50),
        ("rca50", score.rca50),
        ("rpa50_when_voiced", score.rpa50_when_voiced),
        ("rpa25", score.rpa25),
        ("rpa10", score.rpa10),
        ("rmse_hz", some(score.rmse_hz)),
        ("rmse_cents_fine", some(score.rmse_cents_fine)),
        ("median_abs_cents", some(score.median_abs_cents)),
        ("bias_cents", some(score.bias_cents)),
        ("octave_error_rate", score.octave_error_rate),
        ("gross_error_rate", score.gross_error_rate),
        ("voicing_recall", score.voicing_recall),
        ("voicing_false_alarm", score.voicing_false_alarm),
        ("overall_accuracy", score.overall_accuracy),
    ]
}

#[test]
fn figures_are_those_of_the_reference() {
    let cases: Value =
        serde_json::from_str(include_str!("fixtures/pitch_score/cases.json")).unwrap();
    for (index, case) in cases.as_array().unwrap().iter().enumerate() {
        let truth = truth(case);
        let estimate = Estimate {
            times_s: numbers(&case["said_times_s"]),
            f0_hz: numbers(&case["said_f0_hz"]),
            confidence: numbers(&case["said_confidence"]),
        };
        for (judge, expected) in case["scores"].as_object().unwrap() {
            let (threshold, guard_s) = judge.split_once(' ').unwrap();
            let got = score(
                &truth,
                &estimate,
                Judge {
                    threshold: threshold.parse().unwrap(),
                    guard_s: guard_s.parse().unwrap(),
                },
            );
            for (name, got) in figures(&got) {
                let expected = expected[name].as_f64().unwrap();
                assert!(
                    (got - expected).abs() < 1e-9,
                    "case {index}, {judge}, {name}: {got}, expected {expected}"
                );
            }
        }
        let lag_s = best_lag_s(&truth, &estimate, 0.04);
        let expected = case["best_lag_s"].as_f64().unwrap();
        assert!((lag_s - expected).abs() < 1e-9, "case {index}: {lag_s}");
    }
}
