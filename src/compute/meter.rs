//! A device whose memory is counted, and given up to a limit: what all voices of a process take is one
//! budget. Any thread.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use autovoice_kernels::gpu::{Argument, Device, GpuError, Grid, Kernel};

/// What may be taken, and what is.
#[derive(Debug)]
pub struct Meter {
    limit: usize,
    used: AtomicUsize,
}

impl Meter {
    /// Nothing is taken of so many bytes.
    #[must_use]
    pub fn new(limit: usize) -> Arc<Self> {
        let used = AtomicUsize::new(0);
        Arc::new(Self { limit, used })
    }

    /// Bytes that may be taken.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// Bytes that are.
    #[must_use]
    pub fn used(&self) -> usize {
        self.used.load(Ordering::Relaxed)
    }

    fn take(&self, bytes: usize) -> Result<(), GpuError> {
        let fits = |used: usize| used.checked_add(bytes).filter(|sum| *sum <= self.limit);
        let taken = self
            .used
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        match taken {
            Ok(_) => Ok(()),
            Err(used) => Err(GpuError::OutOfMemory {
                wanted: bytes,
                free: self.limit - used,
                total: self.limit,
            }),
        }
    }
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Metered<D> {
    device: D,
    meter: Arc<Meter>,
    /// What lives as long as anything on the device.
    _keeps: Option<Arc<dyn Any + Send + Sync>>,
}

impl<D> Metered<D> {
    /// A device by a meter, and what is to live as long.
    pub fn new(device: D, meter: Arc<Meter>, keeps: Option<Arc<dyn Any + Send + Sync>>) -> Self {
        Self {
            device,
            meter,
            _keeps: keeps,
        }
    }
}

/// Memory that counts until it is dropped.
#[derive(Debug)]
pub struct MeteredBuffer<B> {
    buffer: B,
    bytes: usize,
    meter: Arc<Meter>,
}

impl<B> Drop for MeteredBuffer<B> {
    fn drop(&mut self) {
        self.meter.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The most arguments of a kernel.
const ARGUMENTS: usize = 24;

impl<D: Device> Device for Metered<D> {
    type Buffer = MeteredBuffer<D::Buffer>;

    type Recording = D::Recording;

    fn allocate(&self, bytes: usize) -> Result<Self::Buffer, GpuError> {
        self.meter.take(bytes)?;
        let allocated = self.device.allocate(bytes);
        if allocated.is_err() {
            self.meter.used.fetch_sub(bytes, Ordering::Relaxed);
        }
        Ok(MeteredBuffer {
            buffer: allocated?,
            bytes,
            meter: self.meter.clone(),
        })
    }

    fn upload(&self, bytes: &[u8], to: &Self::Buffer, at: usize) -> Result<(), GpuError> {
        self.device.upload(bytes, &to.buffer, at)
    }

    fn download(&self, from: &Self::Buffer, at: usize, bytes: &mut [u8]) -> Result<(), GpuError> {
        self.device.download(&from.buffer, at, bytes)
    }

    fn launch(
        &self,
        kernel: Kernel,
        grid: Grid,
        arguments: &[Argument<'_, Self::Buffer>],
    ) -> Result<(), GpuError> {
        let mut inner = [const { Argument::Null }; ARGUMENTS];
        let Some(places) = inner.get_mut(..arguments.len()) else {
            return Err(GpuError::Size {
                what: "arguments of a kernel",
                expected: "at most 24",
                found: arguments.len(),
            });
        };
        for (place, argument) in places.iter_mut().zip(arguments) {
            *place = match *argument {
                Argument::Place { buffer, at } => Argument::Place {
                    buffer: &buffer.buffer,
                    at,
                },
                Argument::Null => Argument::Null,
                Argument::Int(n) => Argument::Int(n),
                Argument::Float(x) => Argument::Float(x),
                Argument::Double(x) => Argument::Double(x),
            };
        }
        self.device.launch(kernel, grid, &inner[..arguments.len()])
    }

    fn synchronize(&self) -> Result<(), GpuError> {
        self.device.synchronize()
    }

    fn record(
        &self,
        work: &mut dyn FnMut() -> Result<(), GpuError>,
    ) -> Result<Self::Recording, GpuError> {
        self.device.record(work)
    }

    fn replay(&self, recording: &Self::Recording) -> Result<(), GpuError> {
        self.device.replay(recording)
    }

    fn multiprocessors(&self) -> usize {
        self.device.multiprocessors()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use autovoice_emulator::Tally;

    #[test]
    fn what_is_taken_counts_until_it_is_given_back_and_no_more_is_given() {
        let meter = Meter::new(1_000);
        let device = Metered::new(Tally::new(1), meter.clone(), None);
        let other = Metered::new(Tally::new(1), meter.clone(), None);
        let first = device.allocate(600).unwrap();
        let second = other.allocate(400).unwrap();
        assert_eq!((meter.used(), meter.limit()), (1_000, 1_000));
        let full = device.allocate(1).unwrap_err();
        let expected = GpuError::OutOfMemory {
            wanted: 1,
            free: 0,
            total: 1_000,
        };
        assert_eq!(full, expected);
        drop(first);
        assert_eq!(meter.used(), 400);
        assert!(other.allocate(601).is_err());
        assert!(other.allocate(600).is_ok());
        drop(second);
        assert_eq!(meter.used(), 0);
    }
}
