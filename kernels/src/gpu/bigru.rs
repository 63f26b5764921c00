//! The gated recurrent unit over a window, in both directions at once (Cho et al., 2014, in the form of
//! PyTorch's `GRU`).

use super::activation::Activation;
use super::array::{Array, Slice};
use super::device::{Argument, Device, Grid};
use super::elementwise::Rows;
use super::error::GpuError;
use super::kernel::Kernel;
use super::matmul::{Input, Matrix, Output, Precision, exactly, matmul};

/// Cells of a block, as `CELLS` in `recurrent.cuh`, and its threads.
const CELLS: usize = 4;
const THREADS: u32 = 32 * CELLS as u32;

/// The weights of one direction. Gates stand in PyTorch's order: reset, update, new.
#[derive(Clone, Copy, Debug)]
pub struct Direction<'a> {
    /// `[3 * size, ins]`
    pub from_input: &'a [f32],
    /// `[3 * size, size]`
    pub from_state: &'a [f32],
    /// `[3 * size]`
    pub input_bias: &'a [f32],
    /// `[3 * size]`
    pub state_bias: &'a [f32],
}

/// The weights of one layer on a device.
#[derive(Debug)]
pub struct BiGru<B> {
    /// Of both directions, `[2 * 3 * size, ins]`.
    from_input: Matrix<B>,
    from_state: Array<B, f32>,
    state_bias: Array<B, f32>,
    size: usize,
}

impl<B> BiGru<B> {
    /// Of `ins` values and a state of `size`, forward and backward; the weights of the input are kept in a
    /// precision, those of the state as they are. Allocates.
    ///
    /// # Errors
    /// If a slice is of another length, or there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        (ins, size): (usize, usize),
        directions: [Direction<'_>; 2],
        precision: Precision,
    ) -> Result<Self, GpuError> {
        for direction in &directions {
            let state = direction.from_state.len();
            exactly("weights of the state", state, 3 * size * size)?;
            exactly(
                "the bias of the state",
                direction.state_bias.len(),
                3 * size,
            )?;
        }
        let both = |of: fn(&Direction<'_>) -> Vec<f32>| directions.iter().flat_map(of);
        let from_input: Vec<f32> = both(|d| d.from_input.to_vec()).collect();
        let input_bias: Vec<f32> = both(|d| d.input_bias.to_vec()).collect();
        let from_state: Vec<f32> = both(|d| d.from_state.to_vec()).collect();
        let state_bias: Vec<f32> = both(|d| d.state_bias.to_vec()).collect();
        let (shape, bias) = ((6 * size, ins), Some(&input_bias[..]));
        Ok(Self {
            from_input: Matrix::new(device, shape, &from_input, bias, precision)?,
            from_state: Array::new(device, &from_state)?,
            state_bias: Array::new(device, &state_bias)?,
            size,
        })
    }

    /// Values of a frame that comes out: of both directions.
    #[must_use]
    pub fn outs(&self) -> usize {
        2 * self.size
    }

    /// Values of a frame of gates.
    #[must_use]
    pub fn gates_len(&self) -> usize {
        6 * self.size
    }

    /// Values of work memory that windows of up to `most` frames need.
    #[must_use]
    pub fn work_len<D: Device<Buffer = B>>(&self, device: &D, most: usize) -> usize {
        self.from_input.work_len(device, most)
    }

    /// Over a window of `frames` frames: `x` of `ins` values each, `gates` memory of any content for
    /// [`Self::gates_len`] of each, `y` `[frames, 2 * size]`, forward, then backward. A product, and a launch
    /// for every frame.
    ///
    /// # Errors
    /// If a slice is too short, or a launch fails.
    pub fn window<D: Device<Buffer = B>>(
        &self,
        device: &D,
        (x, frames): (Rows<'_, B>, usize),
        gates: Slice<'_, B, f32>,
        y: Slice<'_, B, f32>,
        work: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let size = self.size;
        let y = y.at_least("y", frames * self.outs())?;
        let input = Input {
            x: x.values,
            stride: x.stride,
            rows: frames,
            slope: 1.0,
        };
        let output = Output {
            y: gates,
            stride: self.gates_len(),
            activation: Activation::None,
            add: None,
        };
        matmul(device, &self.from_input, input, output, work)?;
        let grid = Grid::new([size.div_ceil(CELLS), 2, 1], THREADS)?;
        for turn in 0..frames {
            let arguments = [
                gates.place(),
                self.from_state.all().place(),
                self.state_bias.all().place(),
                y.place(),
                Argument::int(size)?,
                Argument::int(frames)?,
                Argument::int(turn)?,
            ];
            device.launch(Kernel::BigruTurn, grid, &arguments)?;
        }
        Ok(())
    }
}
