//! What is seen of a training: a bar with the losses on stderr, and lines on stdout of what stays.

use crate::cli::out::{complain, say};
use crate::train::voice::{Event, Losses};
use indicatif::{ProgressBar, ProgressStyle};

/// Steps between lines where there is no terminal to draw on.
const SAID_EVERY: u64 = 50;

/// Watches one training.
pub(super) struct Watch {
    bar: ProgressBar,
    said: u64,
}

impl Watch {
    pub(super) fn new(quiet: bool) -> Self {
        let bar = match quiet {
            true => ProgressBar::hidden(),
            false => ProgressBar::no_length(),
        };
        let template = "{prefix} [{bar:24}] {pos}/{len} {eta} left  {msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self { bar, said: 0 }
    }

    pub(super) fn event(&mut self, event: Event) {
        match event {
            Event::Prepared { files, total } => {
                self.bar.set_prefix("recordings");
                self.bar.set_length(total as u64);
                self.bar.set_position(files as u64);
            }
            Event::Ready {
                seconds,
                speakers,
                advice,
            } => self.bar.suspend(|| {
                let of = match speakers {
                    1 => "one speaker".to_owned(),
                    count => format!("{count} speakers"),
                };
                say(format_args!("{seconds:.0} s of speech of {of}"));
                for line in advice {
                    complain(format_args!("  note: {line}"));
                }
            }),
            Event::Others { seconds } => self.bar.suspend(|| {
                say(format_args!("{seconds:.0} s of it as others say the same"));
            }),
            Event::Stage { name, step } => {
                self.bar.reset();
                self.bar.set_prefix(name);
                self.bar.set_position(step);
                self.said = step;
                if 0 < step {
                    self.bar
                        .suspend(|| say(format_args!("{name}: going on at step {step}")));
                }
            }
            Event::Step {
                step,
                steps,
                losses,
                speed,
            } => {
                let line = line(losses, speed);
                self.bar.set_length(steps);
                self.bar.set_position(step);
                self.bar.set_message(line.clone());
                if self.bar.is_hidden() && (self.said + SAID_EVERY <= step || step == steps) {
                    self.said = step;
                    say(format_args!("step {step:5} of {steps}  {line}"));
                }
            }
            Event::Held { step, losses } => self.bar.suspend(|| {
                let Losses {
                    envelope_db,
                    noise,
                    phones,
                    ..
                } = losses;
                say(format_args!(
                    "step {step:5}  held out: envelope {envelope_db:.2} dB  noise {noise:.3}  \
                     phones {phones:.2}"
                ));
            }),
            Event::Balanced {
                before_db,
                after_db,
            } => self.bar.suspend(|| {
                say(format_args!(
                    "mean spectra were {before_db:.1} dB from those of the recordings, and are \
                     {after_db:.1} dB now"
                ));
            }),
            Event::Trouble(what) => {
                self.bar
                    .suspend(|| complain(format_args!("  note: {what}")));
            }
            Event::Saved(path) => {
                self.bar
                    .suspend(|| say(format_args!("kept in {}", path.display())));
            }
        }
    }

    pub(super) fn end(self) {
        self.bar.finish_and_clear();
    }
}

fn line(losses: Losses, speed: f64) -> String {
    let Losses {
        envelope_db,
        noise,
        phones,
        content,
        consistency,
        critic,
    } = losses;
    // What is not looked at is not told.
    let told = |name: &str, value: f64| match 0.0 < value {
        true => format!("{name} {value:.2}  "),
        false => String::new(),
    };
    let [consistency, critic] = [told("consistency", consistency), told("critic", critic)];
    format!(
        "envelope {envelope_db:.2} dB  noise {noise:.3}  phones {phones:.2}  \
         content {content:.1}  {consistency}{critic}{speed:.0} x real time"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_are_in_one_line() {
        let losses = Losses {
            envelope_db: 4.321,
            noise: 0.1234,
            phones: 2.0,
            consistency: 0.0,
            content: 12.34,
            critic: 0.0,
        };
        let wanted = "envelope 4.32 dB  noise 0.123  phones 2.00  content 12.3  41 x real time";
        assert_eq!(line(losses, 41.2), wanted);
        let judged = Losses {
            critic: 1.5,
            ..losses
        };
        assert!(line(judged, 41.2).contains("  critic 1.50  41 x"));
    }
}
