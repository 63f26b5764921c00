//! Looks at what a base makes of recordings that it does not learn from: where it gets worse there
//! while it gets better elsewhere, it only remembers.

use std::time::Duration;

use candle_core::Device;

use super::TrainError;
use super::batch::{Batch, Tensors};
use super::clip::Clip;
use super::drive::Event;
use super::lessons::Lessons;
use super::perturb::Perturbation;
use super::steps::Run;

/// Stretches that are held out of a base.
pub const STRETCHES: usize = 60;
/// Batches that are made of them.
const BATCHES: u64 = 4;
/// The time between two looks.
pub const EVERY: Duration = Duration::from_secs(30);

/// Batches of what is held out, the same each time.
pub struct Looks(Vec<Tensors>);

impl Looks {
    /// Of these clips, for a device.
    ///
    /// # Errors
    /// If memory is short.
    pub fn new(held: &[Clip], device: &Device) -> Result<Self, TrainError> {
        if held.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let lessons = Lessons::alone(held);
        let batch = |step| Batch::draw(&lessons, &Perturbation::default(), 0, step).tensors(device);
        let batches = (0..BATCHES)
            .map(batch)
            .collect::<candle_core::Result<_>>()?;
        Ok(Self(batches))
    }

    /// Tells what the networks make of them; nothing where nothing is held out.
    ///
    /// # Errors
    /// If memory is short.
    pub fn tell(&self, run: &Run, report: &mut dyn FnMut(Event)) -> Result<(), TrainError> {
        if !self.0.is_empty() {
            let losses = run.judged(&self.0)?;
            report(Event::Held {
                step: run.step,
                losses,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::train::voice::tests::{clips, small_run};

    #[test]
    fn what_is_held_out_is_judged_and_nothing_is_learnt_of_it() {
        let run = small_run(&[""]);
        let tell = |held: &[Clip]| {
            let mut told = Vec::new();
            let looks = Looks::new(held, &Device::Cpu).unwrap();
            for _ in 0..2 {
                looks
                    .tell(&run, &mut |event| match event {
                        Event::Held { losses, .. } => told.push(losses),
                        _ => panic!("{event:?}"),
                    })
                    .unwrap();
            }
            told
        };
        let before = run.kept().unwrap();
        let told = tell(&clips());
        assert!(told.len() == 2 && told[0] == told[1]);
        assert!(0.0 < told[0].envelope_db && 0.0 < told[0].phones);
        assert!(run.kept().unwrap() == before && run.history.is_empty());
        assert!(tell(&[]).is_empty());
    }
}
