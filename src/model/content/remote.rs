//! A content encoder that hears somewhere else: on a device, or what stands for one.

use autovoice_kernels::gpu::GpuError;

/// Front and body as one stream, built for steps of as many whole hops, and for frames to look at behind
/// those decided on.
pub trait RemoteEncoder: Send {
    /// Forgets the past.
    ///
    /// # Errors
    /// If the device fails.
    fn reset(&mut self) -> Result<(), GpuError>;

    /// Takes samples of 16 kHz, a hop at most, from before those that are to be decided on, and decides on
    /// nothing.
    ///
    /// # Errors
    /// If the device fails.
    fn lead(&mut self, wave: &[f32]) -> Result<(), GpuError>;

    /// Takes the next samples, and decides on as many frames as they complete. Gives these and those looked
    /// at in `content`, `[decided + ahead, outs]`.
    ///
    /// # Errors
    /// If slices do not fit each other, or the device fails.
    fn step(&mut self, wave: &[f32], content: &mut [f32]) -> Result<(), GpuError>;
}
