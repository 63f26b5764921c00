//! How far a training is and how long it still takes. Pure: events and times in.

use crate::train::voice::{Event, VOICE_STAGES};
use std::time::Duration;

/// Points of the curve at most; then every second one goes.
const POINTS: usize = 240;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Recordings read, of how many.
    pub files: (usize, usize),
    /// Seconds of speech found, once all are read.
    pub speech_s: Option<f64>,
    /// What to do about the recordings.
    pub advice: Vec<String>,
    /// Which stage runs, from 0; `None` before the first.
    pub stage: Option<usize>,
    /// Steps done in this stage, of how many.
    pub steps: (u64, u64),
    /// Seconds left, once it can be told.
    pub left_s: Option<f64>,
    /// Mean error of the envelope in dB, over the second stage.
    pub curve: Vec<f32>,
    /// Points of the curve that are left out between two, and how many were since the last.
    thinned: (u32, u32),
    /// When and at which step this stage was first seen.
    begun: (f64, u64),
}

/// How long the stages are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lengths {
    /// Steps of each.
    pub steps: [u64; 2],
    /// The time that the second may take.
    pub at_most: Option<Duration>,
}

impl Progress {
    /// Takes in what happened at a time in seconds.
    pub fn hear(&mut self, event: Event, now_s: f64, lengths: &Lengths) {
        match event {
            Event::Prepared { files, total } => self.files = (files, total),
            Event::Ready {
                seconds, advice, ..
            } => {
                self.speech_s = Some(seconds);
                self.advice = advice;
            }
            Event::Stage { name, step } => {
                // A run that goes on may begin with the second.
                let stage = VOICE_STAGES.iter().position(|known| *known == name);
                let stage = stage.unwrap_or(0);
                self.stage = Some(stage);
                self.steps = (step, lengths.steps[stage]);
                self.begun = (now_s, step);
            }
            Event::Step {
                step,
                steps,
                losses,
                ..
            } => {
                self.steps = (step, steps);
                self.left_s = self.left(now_s, lengths);
                if self.stage == Some(1) {
                    self.draw(losses.envelope_db as f32);
                }
            }
            Event::Others { .. }
            | Event::Held { .. }
            | Event::Balanced { .. }
            | Event::Saved(_) => {}
            Event::Trouble(what) => {
                // It comes again every few minutes.
                if !self.advice.contains(&what) {
                    self.advice.push(what);
                }
            }
        }
    }

    /// The share that is done, 0 to 1. The first stage and the recordings are a small part.
    #[must_use]
    pub fn share(&self) -> f32 {
        let of = |(done, all): (f64, f64)| (done / all.max(1.0)).clamp(0.0, 1.0);
        let files = of((self.files.0 as f64, self.files.1 as f64));
        let steps = of((self.steps.0 as f64, self.steps.1 as f64));
        (match self.stage {
            None => 0.1 * files,
            Some(0) => 0.1 + 0.1 * steps,
            Some(_) => 0.2 + 0.8 * steps,
        }) as f32
    }

    fn left(&self, now_s: f64, lengths: &Lengths) -> Option<f64> {
        let (begun_s, first) = self.begun;
        let (step, steps) = self.steps;
        let done = step.checked_sub(first).filter(|done| 0 < *done)?;
        let each_s = (now_s - begun_s) / done as f64;
        let here = each_s * steps.saturating_sub(step) as f64;
        let later = match (self.stage, lengths.at_most) {
            (Some(0), Some(at_most)) => at_most.as_secs_f64(),
            (Some(0), None) => each_s * lengths.steps[1] as f64,
            _ => 0.0,
        };
        Some(here + later)
    }

    fn draw(&mut self, value: f32) {
        let (left_out, since) = self.thinned;
        if since < left_out {
            self.thinned.1 += 1;
            return;
        }
        self.thinned.1 = 0;
        self.curve.push(value);
        if self.curve.len() == POINTS {
            let mut at = 0;
            self.curve.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.thinned.0 = 2 * left_out + 1;
        }
    }
}

/// A time that is left, in words.
#[must_use]
pub fn left_words(left_s: Option<f64>) -> String {
    match left_s {
        None => "working out how long it takes".to_owned(),
        Some(left) if left < 60.0 => "less than a minute left".to_owned(),
        Some(left) if left < 90.0 => "about a minute left".to_owned(),
        Some(left) => format!("about {:.0} minutes left", left / 60.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::voice::Losses;

    const LENGTHS: Lengths = Lengths {
        steps: [60, 400],
        at_most: None,
    };

    fn step(step: u64, steps: u64) -> Event {
        Event::Step {
            step,
            steps,
            losses: Losses {
                envelope_db: 100.0 - step as f64,
                ..Losses::default()
            },
            speed: 1.0,
        }
    }

    fn stage(number: usize, step: u64) -> Event {
        let name = VOICE_STAGES[number];
        Event::Stage { name, step }
    }

    #[test]
    fn the_time_left_is_of_all_that_is_left() {
        let mut progress = Progress::default();
        progress.hear(Event::Prepared { files: 4, total: 8 }, 1.0, &LENGTHS);
        assert!((progress.share() - 0.05).abs() < 1e-6);
        progress.hear(stage(0, 0), 2.0, &LENGTHS);
        assert_eq!(progress.left_s, None);
        progress.hear(step(30, 60), 17.0, &LENGTHS);
        // Half a second each: 30 and 400 to go.
        assert_eq!(progress.left_s, Some(215.0));
        assert!((progress.share() - 0.15).abs() < 1e-6);
        progress.hear(stage(1, 100), 40.0, &LENGTHS);
        progress.hear(step(200, 400), 140.0, &LENGTHS);
        // A second each, whatever was done before it went on.
        assert_eq!(progress.left_s, Some(200.0));
        assert!((progress.share() - 0.6).abs() < 1e-6);
        assert_eq!(progress.curve, [-100.0]);
    }

    #[test]
    fn a_limit_is_what_is_left_of_the_second_stage() {
        let lengths = Lengths {
            at_most: Some(Duration::from_secs(600)),
            ..LENGTHS
        };
        let mut progress = Progress::default();
        progress.hear(stage(0, 0), 0.0, &lengths);
        progress.hear(step(30, 60), 15.0, &lengths);
        assert_eq!(progress.left_s, Some(615.0));
        for (left, words) in [
            (None, "working out"),
            (Some(5.0), "less than"),
            (Some(70.0), "about a minute"),
            (Some(615.0), "about 10 minutes"),
        ] {
            assert!(left_words(left).contains(words), "{left:?}");
        }
    }

    #[test]
    fn a_long_curve_is_thinned_and_keeps_its_ends() {
        let mut progress = Progress::default();
        progress.hear(stage(1, 0), 0.0, &LENGTHS);
        for n in 0..5_000 {
            progress.hear(step(n, 5_000), n as f64, &LENGTHS);
        }
        let curve = &progress.curve;
        assert!(
            (POINTS / 2..POINTS).contains(&curve.len()),
            "{}",
            curve.len()
        );
        assert_eq!(curve[0], 100.0);
        assert!(curve.windows(2).all(|pair| pair[1] < pair[0]));
        assert!(curve[curve.len() - 1] < -4_800.0);
    }
}
