//! The images that RMVPE works on, on a device.

use autovoice_kernels::gpu::{Array, Device, GpuError, Image, image_len};

use crate::model::rmvpe::{BANDS, LEVELS, SEEN};
use crate::units::Frames;

/// See the module. Level `n` has images of a `2^n`th of the frames and bands, and `2^n` times the channels of
/// the first; the last is the bottom, with channels as many as the level above it.
pub(super) struct Memory<B> {
    channels: usize,
    spectra: Array<B, f32>,
    levels: Vec<Level<B>>,
    seen: Array<B, f32>,
    /// What the four pixels of each are that becomes them.
    four: Array<B, f32>,
}

struct Level<B> {
    /// What comes from the level above; of the first nothing.
    given: Array<B, f32>,
    /// What is done with it, and passed by on the way down.
    passed: Array<B, f32>,
    /// What comes from the level below, joined with what passed by.
    joined: Array<B, f32>,
    /// What is done with that.
    image: Array<B, f32>,
    /// Between two convolutions.
    other: Array<B, f32>,
}

impl<B> Memory<B> {
    /// For so many channels of the first level, and windows of at most so many spectra. Allocates.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        (channels, longest): (usize, Frames),
    ) -> Result<Self, GpuError> {
        let level = |n: usize| {
            let room = |is_needed: bool, channels: usize| {
                let len = image_len([longest >> n, BANDS >> n, channels]);
                Array::zeros(device, if is_needed { len } else { 0 })
            };
            let (own, is_bottom) = (channels << n, n == LEVELS);
            Ok(Level {
                given: room(0 < n, own / 2)?,
                passed: room(!is_bottom, own)?,
                joined: room(!is_bottom, 2 * own)?,
                image: room(true, own)?,
                other: room(true, own)?,
            })
        };
        let room = |channels: usize| Array::zeros(device, image_len([longest, BANDS, channels]));
        Ok(Self {
            channels,
            spectra: room(1)?,
            levels: (0..=LEVELS).map(level).collect::<Result<_, _>>()?,
            seen: room(SEEN)?,
            // The finest needs the most: a fourth of the pixels, and one behind each row.
            four: Array::zeros(device, longest / 2 * (BANDS / 2 + 1) * 4 * channels)?,
        })
    }

    /// An image of a level, with so many times its channels, over 2.
    fn of<'a>(
        &self,
        array: &'a Array<B, f32>,
        (level, frames): (usize, Frames),
        halves: usize,
    ) -> Result<Image<'a, B>, GpuError> {
        let channels = (self.channels << level) * halves / 2;
        Image::new(array.all(), [frames >> level, BANDS >> level, channels])
    }

    /// `[frames, BANDS, 1]`
    pub fn spectra(&self, frames: Frames) -> Result<Image<'_, B>, GpuError> {
        Image::new(self.spectra.all(), [frames, BANDS, 1])
    }

    /// What a level hears on the way down.
    pub fn given(&self, level: usize, frames: Frames) -> Result<Image<'_, B>, GpuError> {
        match level {
            0 => self.spectra(frames),
            _ => self.of(&self.levels[level].given, (level, frames), 1),
        }
    }

    /// What a level makes of it.
    pub fn passed(&self, level: usize, frames: Frames) -> Result<Image<'_, B>, GpuError> {
        self.of(&self.levels[level].passed, (level, frames), 2)
    }

    /// What a level hears on the way up.
    pub fn joined(&self, level: usize, frames: Frames) -> Result<Image<'_, B>, GpuError> {
        self.of(&self.levels[level].joined, (level, frames), 4)
    }

    /// What a level makes of it.
    pub fn image(&self, level: usize, frames: Frames) -> Result<Image<'_, B>, GpuError> {
        self.of(&self.levels[level].image, (level, frames), 2)
    }

    /// What lies between two convolutions of a level.
    pub fn other(&self, level: usize, frames: Frames) -> Result<Image<'_, B>, GpuError> {
        self.of(&self.levels[level].other, (level, frames), 2)
    }

    /// `[frames, BANDS, SEEN]`
    pub fn seen(&self, frames: Frames) -> Result<Image<'_, B>, GpuError> {
        Image::new(self.seen.all(), [frames, BANDS, SEEN])
    }

    /// Room for the four pixels of each.
    pub fn four(&self) -> &Array<B, f32> {
        &self.four
    }
}
