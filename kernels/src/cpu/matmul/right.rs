//! The right side of a product: weights as they lie in memory.

use std::marker::PhantomData;

use super::super::vector::{Lanes, WIDTH};

/// The right side as the tiles see it: input `i` of panel `p` is sixteen weights at
/// `p * panel_step + i * input_step`.
#[derive(Clone, Copy)]
pub(in super::super) struct Right<'a, W> {
    pub values: *const W,
    pub panel_step: usize,
    pub input_step: usize,
    pub outs: usize,
    pub ins: usize,
    /// What is fetched of the next panel while one is worked on.
    pub fetched: Fetched,
    pub borrowed: PhantomData<&'a [W]>,
}

/// A stretch of a panel, in bytes.
#[derive(Clone, Copy)]
pub(in super::super) struct Fetched {
    pub from: usize,
    pub bytes: usize,
}

impl<'a, W: Weight> Right<'a, W> {
    /// Of panels that lie one behind the other: `[panel][input][16]`.
    ///
    /// # Panics
    /// If there are fewer weights.
    pub fn packed(panels: &'a [W], outs: usize, ins: usize) -> Self {
        assert!(
            outs.div_ceil(WIDTH) * WIDTH * ins <= panels.len(),
            "there is a panel for each sixteen outputs"
        );
        Self {
            values: panels.as_ptr(),
            panel_step: WIDTH * ins,
            input_step: WIDTH,
            outs,
            ins,
            fetched: Fetched {
                from: 0,
                bytes: WIDTH * ins * size_of::<W>(),
            },
            borrowed: PhantomData,
        }
    }
}

/// A weight as it lies in memory.
pub(in super::super) trait Weight: Copy {
    /// Sixteen of them.
    ///
    /// # Safety
    /// As [`Lanes::load`].
    unsafe fn load<V: Lanes>(from: *const Self) -> V;
}

impl Weight for f32 {
    #[inline(always)]
    unsafe fn load<V: Lanes>(from: *const Self) -> V {
        // SAFETY: as the caller's.
        unsafe { V::load(from) }
    }
}

/// Of half precision.
impl Weight for u16 {
    #[inline(always)]
    unsafe fn load<V: Lanes>(from: *const Self) -> V {
        // SAFETY: as the caller's.
        unsafe { V::load_half(from) }
    }
}
