//! What is kept on devices: the voice and the content encoder of RVC's engines, and the networks of trackers.

use autovoice_kernels::gpu::{GpuError, Precision};

use crate::compute::Movable;
use crate::engine::away::{Task, Tracking};
use crate::engine::rvc::{Hearing, Reach, Singing};
use crate::model::PITCH_BINS;
use crate::model::content::{self, ContentConfig, DeviceListener, HOP, Output};
use crate::model::crepe::{Capacity, DeviceCrepe, WINDOW};
use crate::model::rmvpe::{BANDS, DeviceRmvpe, RmvpeConfig};
use crate::model::rvc::{DeviceSynthesizer, RvcConfig, Spans};
use crate::model::salience::OnDevice;
use crate::nn::Weights;
use crate::nn::device::DeviceError;
use crate::units::Frames;

/// Networks that streams on a device are made of, and the task that an engine has of such a stream.
pub trait Kind: Send + Sync + 'static {
    /// What it is called.
    const NAME: &'static str;

    /// What an engine gives, and what comes of it.
    type Task: Task;

    /// How far an engine looks, where that is not always the same.
    type Reach: Copy + Send;

    /// What the networks are built for.
    type Sizes: Copy + PartialEq + Send;

    /// The networks, with the state of one stream.
    type Stream<D: Movable>: Send;

    /// For an engine that looks so far.
    fn sizes(&self, reach: Self::Reach) -> Self::Sizes;

    /// From weights, kept in a precision. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit, or there is not enough memory.
    fn build<D: Movable>(
        &self,
        device: D,
        sizes: (Self::Sizes, Precision),
        weights: &Weights,
    ) -> Result<Self::Stream<D>, DeviceError>;

    /// Another stream with the same weights, by another stream of the same device. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    fn another<D: Movable>(
        stream: &Self::Stream<D>,
        device: D,
    ) -> Result<Self::Stream<D>, GpuError>;

    /// What an engine that looks so far has of a stream.
    fn task<D: Movable>(&self, stream: Self::Stream<D>, reach: Self::Reach) -> Self::Task;
}

/// Text encoder, flow and generator of a voice of these sizes.
pub struct VoiceKind(pub RvcConfig);

impl Kind for VoiceKind {
    const NAME: &'static str = "the voice";

    type Task = Singing;

    type Reach = Reach;

    type Sizes = Spans;

    type Stream<D: Movable> = DeviceSynthesizer<D>;

    fn sizes(&self, reach: Reach) -> Spans {
        reach.device_spans(&self.0)
    }

    fn build<D: Movable>(
        &self,
        device: D,
        (spans, precision): (Spans, Precision),
        weights: &Weights,
    ) -> Result<DeviceSynthesizer<D>, DeviceError> {
        DeviceSynthesizer::new(device, &self.0, spans, precision, &weights.root())
    }

    fn another<D: Movable>(
        stream: &DeviceSynthesizer<D>,
        device: D,
    ) -> Result<DeviceSynthesizer<D>, GpuError> {
        stream.another(device)
    }

    fn task<D: Movable>(&self, stream: DeviceSynthesizer<D>, reach: Reach) -> Singing {
        Singing::new(Box::new(stream), reach, &self.0)
    }
}

/// A content encoder of these sizes, and what is taken from it.
pub struct ContentKind(pub ContentConfig, pub Output);

impl Kind for ContentKind {
    const NAME: &'static str = "the content encoder";

    type Task = Hearing;

    type Reach = Reach;

    type Sizes = content::Hearing;

    type Stream<D: Movable> = DeviceListener<D>;

    fn sizes(&self, reach: Reach) -> content::Hearing {
        content::Hearing {
            output: self.1,
            samples: reach.hop * HOP,
            ahead: reach.ahead,
            past: reach.past,
        }
    }

    fn build<D: Movable>(
        &self,
        device: D,
        sizes: (content::Hearing, Precision),
        weights: &Weights,
    ) -> Result<DeviceListener<D>, DeviceError> {
        DeviceListener::new(device, &self.0, sizes, &weights.root())
    }

    fn another<D: Movable>(
        stream: &DeviceListener<D>,
        device: D,
    ) -> Result<DeviceListener<D>, GpuError> {
        stream.another(device)
    }

    fn task<D: Movable>(&self, stream: DeviceListener<D>, reach: Reach) -> Hearing {
        let outs = stream.outs();
        Hearing::new(Box::new(stream), reach, outs)
    }
}

/// CREPE of a capacity.
pub struct CrepeKind(pub Capacity);

impl Kind for CrepeKind {
    const NAME: &'static str = "CREPE";

    type Task = Tracking;

    type Reach = ();

    type Sizes = ();

    type Stream<D: Movable> = OnDevice<D, DeviceCrepe<D>>;

    fn sizes(&self, (): ()) {}

    fn build<D: Movable>(
        &self,
        device: D,
        ((), precision): ((), Precision),
        weights: &Weights,
    ) -> Result<Self::Stream<D>, DeviceError> {
        let network = DeviceCrepe::new(&device, self.0, precision, &weights.root())?;
        // Other streams, which share the weights, wait for nothing of this one.
        device.synchronize()?;
        Ok(OnDevice { device, network })
    }

    fn another<D: Movable>(
        stream: &Self::Stream<D>,
        device: D,
    ) -> Result<Self::Stream<D>, GpuError> {
        let network = stream.network.another(&device)?;
        Ok(OnDevice { device, network })
    }

    fn task<D: Movable>(&self, stream: Self::Stream<D>, (): ()) -> Tracking {
        Tracking::new(Box::new(stream), (WINDOW, PITCH_BINS))
    }
}

/// RMVPE of these sizes, for windows of at most so many spectra.
pub struct RmvpeKind(pub RmvpeConfig, pub Frames);

impl Kind for RmvpeKind {
    const NAME: &'static str = "RMVPE";

    type Task = Tracking;

    type Reach = ();

    type Sizes = ();

    type Stream<D: Movable> = OnDevice<D, DeviceRmvpe<D>>;

    fn sizes(&self, (): ()) {}

    fn build<D: Movable>(
        &self,
        device: D,
        ((), precision): ((), Precision),
        weights: &Weights,
    ) -> Result<Self::Stream<D>, DeviceError> {
        let sizes = (self.1, precision);
        let network = DeviceRmvpe::new(&device, self.0, sizes, &weights.root())?;
        device.synchronize()?;
        Ok(OnDevice { device, network })
    }

    fn another<D: Movable>(
        stream: &Self::Stream<D>,
        device: D,
    ) -> Result<Self::Stream<D>, GpuError> {
        let network = stream.network.another(&device)?;
        Ok(OnDevice { device, network })
    }

    fn task<D: Movable>(&self, stream: Self::Stream<D>, (): ()) -> Tracking {
        let longest = stream.network.longest();
        Tracking::new(Box::new(stream), (longest * BANDS, longest * PITCH_BINS))
    }
}
