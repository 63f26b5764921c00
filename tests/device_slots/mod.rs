//! Devices that keepers of tests open: an emulator that fails on command, and one that only counts; and
//! somebody who waits for neither.
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use autovoice::compute::{Meter, Metered, Obstacle, Opened, Opener};
use autovoice::engine::beside::{Beside, Job, Lost};
use autovoice_emulator::{Emulator, Tally};
use autovoice_kernels::gpu::{Argument, Device, GpuError, Grid, Kernel};
use std::time::Duration;

/// An emulator that all streams share, until it fails.
#[derive(Clone, Default)]
pub struct Card {
    emulator: Arc<Emulator>,
    pub is_lost: Arc<AtomicBool>,
}

impl Card {
    fn check(&self) -> Result<(), GpuError> {
        match self.is_lost.load(Ordering::Acquire) {
            false => Ok(()),
            true => Err(GpuError::Driver {
                what: "waiting for the card",
                reason: "the card has fallen off the bus".to_owned(),
            }),
        }
    }
}

impl Device for Card {
    type Buffer = <Emulator as Device>::Buffer;

    type Recording = <Emulator as Device>::Recording;

    fn allocate(&self, bytes: usize) -> Result<Self::Buffer, GpuError> {
        self.check()?;
        self.emulator.allocate(bytes)
    }

    fn upload(&self, bytes: &[u8], to: &Self::Buffer, at: usize) -> Result<(), GpuError> {
        self.check()?;
        self.emulator.upload(bytes, to, at)
    }

    fn download(&self, from: &Self::Buffer, at: usize, bytes: &mut [u8]) -> Result<(), GpuError> {
        self.check()?;
        self.emulator.download(from, at, bytes)
    }

    fn launch(
        &self,
        kernel: Kernel,
        grid: Grid,
        arguments: &[Argument<'_, Self::Buffer>],
    ) -> Result<(), GpuError> {
        self.check()?;
        self.emulator.launch(kernel, grid, arguments)
    }

    fn synchronize(&self) -> Result<(), GpuError> {
        self.check()?;
        self.emulator.synchronize()
    }

    fn record(
        &self,
        work: &mut dyn FnMut() -> Result<(), GpuError>,
    ) -> Result<Self::Recording, GpuError> {
        self.check()?;
        self.emulator.record(work)
    }

    fn replay(&self, recording: &Self::Recording) -> Result<(), GpuError> {
        self.check()?;
        self.emulator.replay(recording)
    }

    fn multiprocessors(&self) -> usize {
        self.emulator.multiprocessors()
    }
}

/// Somebody who does at once what there is to wait for.
pub struct AtOnce<J>(pub Option<J>);

impl<J: Job> Beside<J> for AtOnce<J> {
    fn start(&mut self, mut job: J) -> Result<(), Lost> {
        job.run();
        self.0 = Some(job);
        Ok(())
    }

    fn finish(&mut self) -> Result<J, Lost> {
        self.0.take().ok_or(Lost)
    }

    fn finish_within(&mut self, _limit: Duration) -> Result<Option<J>, Lost> {
        self.finish().map(Some)
    }
}

/// Opens a card, or says that it is lost.
#[derive(Clone)]
pub struct Slot {
    pub card: Card,
    meter: Arc<Meter>,
    pub forgotten: Arc<AtomicUsize>,
}

impl Default for Slot {
    fn default() -> Self {
        Self {
            card: Card::default(),
            meter: Meter::new(usize::MAX),
            forgotten: Arc::default(),
        }
    }
}

impl Opener for Slot {
    type Device = Metered<Card>;

    fn open(&self) -> Result<Opened<Metered<Card>>, Obstacle> {
        let card = self.card.clone();
        card.check()
            .map_err(|error| autovoice::compute::obstacle(&error))?;
        Ok(Opened {
            device: Metered::new(card, self.meter.clone(), None),
            name: "an emulator".to_owned(),
            meter: self.meter.clone(),
        })
    }

    fn forget(&self) {
        self.forgotten.fetch_add(1, Ordering::AcqRel);
    }

    fn choices(&self) -> u64 {
        0
    }
}

/// Opens devices that only count.
pub struct Counted {
    pub meter: Arc<Meter>,
    pub choices: Arc<AtomicU64>,
}

impl Opener for Counted {
    type Device = Metered<Tally>;

    fn open(&self) -> Result<Opened<Metered<Tally>>, Obstacle> {
        Ok(Opened {
            device: Metered::new(Tally::new(14), self.meter.clone(), None),
            name: "a tally".to_owned(),
            meter: self.meter.clone(),
        })
    }

    fn forget(&self) {}

    fn choices(&self) -> u64 {
        self.choices.load(Ordering::Acquire)
    }
}
