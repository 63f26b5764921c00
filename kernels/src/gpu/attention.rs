//! Attention of frames to keys (Vaswani et al., 2017), plain or with relative positions (Shaw,
//! Uszkoreit & Vaswani, 2018).

use super::array::Slice;
use super::device::{Argument, Device, Grid};
use super::elementwise::Rows;
use super::error::GpuError;
use super::kernel::Kernel;

/// Shared memory that every card gives a block.
const SHARED_BYTES: usize = 48 * 1024;
/// What the kernel declares of it.
const DECLARED_BYTES: usize = 16;

/// What attends to what. Heads lie side by side in every row.
#[derive(Debug)]
pub struct Attention<'a, B> {
    /// `[frames, heads * depth]`
    pub queries: Rows<'a, B>,
    /// `[keys, heads * depth]`
    pub keys: Slice<'a, B, f32>,
    /// As the keys.
    pub values: Slice<'a, B, f32>,
    /// Values from one key to the next, and from one value to the next.
    pub stride: usize,
    /// Frames that attend.
    pub frames: usize,
    /// Keys they attend to, at least 1. Without relative positions their order is of no meaning.
    pub count: usize,
    /// Heads.
    pub heads: usize,
    /// Values of a head.
    pub depth: usize,
    /// Relative positions, for which frame `f` is that of key `f`.
    pub near: Option<Near<'a, B>>,
}

/// What is added to keys and values that are near a frame.
#[derive(Debug)]
pub struct Near<'a, B> {
    /// `[reach, depth]`, the same for all heads: entry `n` is for the key `n - reach / 2` frames later.
    pub keys: Slice<'a, B, f32>,
    /// As the keys.
    pub values: Slice<'a, B, f32>,
    /// Relative positions.
    pub reach: usize,
}

/// What attends to what in a stream: its newest frames to each other, and to the last of those before, whose
/// keys and values lie in rings. Heads lie side by side in every row.
#[derive(Debug)]
pub struct RingAttention<'a, B> {
    /// `[frames, 3 * heads * depth]`: of each of the newest frames query, key and value.
    pub projected: Slice<'a, B, f32>,
    /// The newest frames.
    pub frames: usize,
    /// The number of the first of them, on the device, so that a recorded list of launches holds for every
    /// step.
    pub at: Slice<'a, B, i64>,
    /// `[ring, heads * depth]`, frame `n` at `n % ring`; those of the newest are put there.
    pub keys: Slice<'a, B, f32>,
    /// As the keys.
    pub values: Slice<'a, B, f32>,
    /// Frames that a ring holds, which are all that is seen: no fewer than the newest.
    pub ring: usize,
    /// Heads.
    pub heads: usize,
    /// Values of a head.
    pub depth: usize,
}

/// Shared memory for a number of keys.
fn shared_bytes(keys: usize, depth: usize) -> Result<u32, GpuError> {
    let bytes = (keys + 5 * depth) * size_of::<f32>();
    match 0 < keys && bytes <= SHARED_BYTES - DECLARED_BYTES {
        true => Ok(bytes as u32),
        false => Err(GpuError::Size {
            what: "keys",
            expected: "1 to about 12,000",
            found: keys,
        }),
    }
}

/// `y[f]`, `[frames, heads * depth]`: of each head the mean of the values, weighted by the softmax of
/// the products of query and keys over the square root of `depth`.
///
/// # Errors
/// If a slice is too short, there are no keys or more than a block has room for, or the launch fails.
pub fn attend<D: Device>(
    device: &D,
    attention: &Attention<'_, D::Buffer>,
    y: Rows<'_, D::Buffer>,
) -> Result<(), GpuError> {
    let Attention {
        queries,
        keys,
        values,
        stride,
        frames,
        count,
        heads,
        depth,
        ref near,
    } = *attention;
    let Some(last) = frames.checked_sub(1) else {
        return Ok(());
    };
    let shared_bytes = shared_bytes(count, depth)?;
    let width = heads * depth;
    let seen = (count - 1) * stride + width;
    let queries_seen = last * queries.stride + width;
    let (near_keys, near_values, reach) = match near {
        None => (Argument::Null, Argument::Null, 0),
        Some(near) => (
            near.keys.at_least("near keys", near.reach * depth)?.place(),
            near.values
                .at_least("near values", near.reach * depth)?
                .place(),
            near.reach,
        ),
    };
    let arguments = [
        queries.values.at_least("queries", queries_seen)?.place(),
        Argument::int(queries.stride)?,
        keys.at_least("keys", seen)?.place(),
        values.at_least("values", seen)?.place(),
        Argument::int(stride)?,
        Argument::int(count)?,
        Argument::int(depth)?,
        Argument::Float(1.0 / (depth as f32).sqrt()),
        near_keys,
        near_values,
        Argument::int(reach)?,
        y.values.at_least("y", last * y.stride + width)?.place(),
        Argument::int(y.stride)?,
    ];
    let grid = Grid {
        shared_bytes,
        ..Grid::new([frames, heads, 1], 128)?
    };
    device.launch(Kernel::Attention, grid, &arguments)
}

/// [`attend`] in a stream, without relative positions: every one of the newest frames sees all of them, and
/// as many before as there is room for in the rings beside them. One launch.
///
/// # Errors
/// If a slice is too short, the rings hold fewer than the newest frames or more than a block has room for,
/// or the launch fails.
pub fn attend_ring<D: Device>(
    device: &D,
    attention: &RingAttention<'_, D::Buffer>,
    y: Rows<'_, D::Buffer>,
) -> Result<(), GpuError> {
    let RingAttention {
        projected,
        frames,
        at,
        keys,
        values,
        ring,
        heads,
        depth,
    } = *attention;
    let Some(last) = frames.checked_sub(1) else {
        return Ok(());
    };
    if ring < frames {
        return Err(GpuError::Size {
            what: "frames of a step",
            expected: "no more than the rings of keys and values hold",
            found: frames,
        });
    }
    let shared_bytes = shared_bytes(ring, depth)?;
    let width = heads * depth;
    let arguments = [
        projected.at_least("x", frames * 3 * width)?.place(),
        Argument::int(frames)?,
        keys.at_least("keys", ring * width)?.place(),
        values.at_least("values", ring * width)?.place(),
        Argument::int(ring)?,
        at.at_least("at", 1)?.place(),
        Argument::int(depth)?,
        Argument::Float(1.0 / (depth as f32).sqrt()),
        y.values.at_least("y", last * y.stride + width)?.place(),
        Argument::int(y.stride)?,
    ];
    let grid = Grid {
        shared_bytes,
        ..Grid::new([frames, heads, 1], 128)?
    };
    device.launch(Kernel::AttentionRing, grid, &arguments)
}
