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
    let shared = (count + 5 * depth) * size_of::<f32>();
    if count == 0 || SHARED_BYTES - DECLARED_BYTES < shared {
        return Err(GpuError::Size {
            what: "keys",
            expected: "1 to about 12,000",
            found: count,
        });
    }
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
        shared_bytes: shared as u32,
        ..Grid::new([frames, heads, 1], 128)?
    };
    device.launch(Kernel::Attention, grid, &arguments)
}
