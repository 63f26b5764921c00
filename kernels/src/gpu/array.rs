//! Arrays on a device.

use std::marker::PhantomData;

use bytemuck::Pod;

use super::device::{Argument, Device};
use super::error::GpuError;

/// Values on a device, freed when it is dropped.
#[derive(Debug)]
pub struct Array<B, T> {
    buffer: B,
    len: usize,
    of: PhantomData<T>,
}

impl<B, T: Pod> Array<B, T> {
    /// A copy of `values`. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(device: &D, values: &[T]) -> Result<Self, GpuError> {
        // A buffer of no bytes is none that cards have.
        let buffer = device.allocate(size_of_val(values).max(1))?;
        device.upload(bytemuck::cast_slice(values), &buffer, 0)?;
        Ok(Self {
            buffer,
            len: values.len(),
            of: PhantomData,
        })
    }

    /// Values of all bits 0. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn zeros<D: Device<Buffer = B>>(device: &D, len: usize) -> Result<Self, GpuError> {
        Self::new(device, &vec![T::zeroed(); len])
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> Slice<'_, B, T> {
        Slice {
            buffer: &self.buffer,
            from: 0,
            len: self.len,
            of: PhantomData,
        }
    }
}

/// Some neighbours in an [`Array`].
#[derive(Debug)]
pub struct Slice<'a, B, T> {
    buffer: &'a B,
    from: usize,
    len: usize,
    of: PhantomData<T>,
}

// Not derived: a buffer need not be what a reference to it is.
impl<B, T> Clone for Slice<'_, B, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B, T> Copy for Slice<'_, B, T> {}

impl<'a, B, T: Pod> Slice<'a, B, T> {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Those from `from` on.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn since(self, from: usize) -> Result<Self, GpuError> {
        self.at_least("a slice", from)?;
        Ok(Self {
            from: self.from + from,
            len: self.len - from,
            ..self
        })
    }

    /// The first `len`.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn first(self, len: usize) -> Result<Self, GpuError> {
        self.at_least("a slice", len)?;
        Ok(Self { len, ..self })
    }

    /// Itself, if there are as many, and if kernels can count them.
    pub(super) fn at_least(self, what: &'static str, expected: usize) -> Result<Self, GpuError> {
        if i32::MAX as usize <= expected {
            return Err(GpuError::Size {
                what,
                expected: "less than 2147483647 values",
                found: expected,
            });
        }
        match expected <= self.len {
            true => Ok(self),
            false => Err(GpuError::Short {
                what,
                expected,
                found: self.len,
            }),
        }
    }

    /// Itself, if it begins where a kernel can read `values` of them at once: cards read no pairs or fours
    /// from elsewhere.
    pub(super) fn in_groups_of(self, what: &'static str, values: usize) -> Result<Self, GpuError> {
        match self.from.is_multiple_of(values) {
            true => Ok(self),
            false => Err(GpuError::Size {
                what,
                expected: "a beginning at a whole pair, or four, of values in its array",
                found: self.from,
            }),
        }
    }

    /// As a kernel takes it.
    pub(super) fn place(self) -> Argument<'a, B> {
        Argument::Place {
            buffer: self.buffer,
            at: self.from * size_of::<T>(),
        }
    }

    /// Copies `values` to its beginning.
    ///
    /// # Errors
    /// If there are more of them, or the device fails.
    pub fn upload<D: Device<Buffer = B>>(self, device: &D, values: &[T]) -> Result<(), GpuError> {
        self.at_least("what is copied to", values.len())?;
        let at = self.from * size_of::<T>();
        device.upload(bytemuck::cast_slice(values), self.buffer, at)
    }

    /// Copies its beginning to `values`, after all that was launched.
    ///
    /// # Errors
    /// If there are fewer, or the device fails.
    pub fn download<D: Device<Buffer = B>>(
        self,
        device: &D,
        values: &mut [T],
    ) -> Result<(), GpuError> {
        self.at_least("what is copied from", values.len())?;
        let at = self.from * size_of::<T>();
        device.download(self.buffer, at, bytemuck::cast_slice_mut(values))
    }
}

/// A slice that may be missing, as a kernel takes it.
pub(super) fn place_or_null<'a, B, T: Pod>(slice: Option<Slice<'a, B, T>>) -> Argument<'a, B> {
    slice.map_or(Argument::Null, Slice::place)
}
