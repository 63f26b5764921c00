//! The pitch network on a device: the twin of [`super::PitchNet`], one instant at a step. Any thread that may
//! wait.
//!
//! Convolutions are products with windows that overlap, as on the CPU. A grid lies in the state with rows of
//! zeros on either side, which are never written, and with the grids of the instants before it. What follows
//! the last layers, a few hundred values, is for the CPU.

use std::sync::Arc;

use autovoice_kernels::gpu::{
    Activation, Array, Device, GpuError, Gru, Input, Matrix, Output, Precision, Rows, Slice,
    activate, combine, matmul,
};

use super::features::{BINS, CHANNELS};
use super::{
    CONTEXT, Ending, Estimate, FIRST_KERNEL, KERNEL, PAD, PAST, PAST_KERNEL, ROWS, SQUEEZED, WIDTH,
};
use crate::nn::device::{DeviceError, Layout, Line, Recorded, State, exactly};
use crate::nn::{Scope, Weights};

/// Values that come back: what the grid says of each candidate, the same with the context, and the context.
const SAID: usize = 2 * BINS + CONTEXT;

/// The network and the state of one stream. Streams made by [`Self::another`] share its weights.
pub struct PitchNet<D: Device> {
    layers: Arc<Layers<D::Buffer>>,
    state: State<D::Buffer>,
    rooms: Rooms<D::Buffer>,
    recorded: Recorded<D::Recording>,
    said: Vec<f32>,
    ending: Ending,
}

/// What all streams share.
struct Layers<B> {
    first: Matrix<B>,
    grids: [Layer<B>; 2],
    squeeze: Matrix<B>,
    dense: Matrix<B>,
    gru: Gru<B>,
    salience: Matrix<B>,
    expected: Matrix<B>,
    /// For another stream's [`Ending`].
    weights: Arc<Weights>,
    work_len: usize,
}

/// A convolution over the present and an earlier instant, added to its input.
struct Layer<B> {
    now: Matrix<B>,
    before: Matrix<B>,
    /// What it hears, `[ROWS, WIDTH]` an instant.
    grid: Line,
    /// How many instants ago the earlier one is.
    instants: usize,
}

/// Memory of a step.
struct Rooms<B> {
    /// Features, with as many rows of zeros on either side as the first convolution covers.
    input: Array<B, f32>,
    /// What the last layer gives, `[BINS, WIDTH]`.
    last: Array<B, f32>,
    /// Inside a layer, `[BINS, WIDTH]`.
    seen: Array<B, f32>,
    squeezed: Array<B, f32>,
    reduced: Array<B, f32>,
    gates: Array<B, f32>,
    /// The context of this instant; that of the last is in `said`.
    context: Array<B, f32>,
    /// `[SAID]`
    said: Array<B, f32>,
    work: Array<B, f32>,
}

/// Rows of zeros on either side of the features.
const INPUT_PAD: usize = FIRST_KERNEL / 2;

impl<D: Device> PitchNet<D> {
    /// From weights of [`super::shapes`], kept in a precision. Allocates.
    ///
    /// # Errors
    /// If the weights do not fit, or there is not enough memory.
    pub fn new(
        device: &D,
        precision: Precision,
        weights: &Arc<Weights>,
    ) -> Result<Self, DeviceError> {
        let mut layout = Layout::new(1);
        let layers = Layers::new(device, (&mut layout, precision), weights)?;
        let state = State::new(device, layout)?;
        Self::of(device, Arc::new(layers), state)
    }

    /// Another stream with the same weights, at its beginning. Allocates.
    ///
    /// # Errors
    /// If there is not enough memory.
    pub fn another(&self, device: &D) -> Result<Self, DeviceError> {
        let state = self.state.another(device)?;
        Self::of(device, self.layers.clone(), state)
    }

    fn of(
        device: &D,
        layers: Arc<Layers<D::Buffer>>,
        state: State<D::Buffer>,
    ) -> Result<Self, DeviceError> {
        Ok(Self {
            ending: Ending::new(&layers.weights.root())?,
            rooms: Rooms::new(device, &layers)?,
            recorded: Recorded::default(),
            said: vec![0.0; SAID],
            state,
            layers,
        })
    }

    /// Forgets the past.
    ///
    /// # Errors
    /// If the device fails.
    pub fn reset(&mut self, device: &D) -> Result<(), GpuError> {
        self.said.fill(0.0);
        self.rooms.said.all().upload(device, &self.said)?;
        self.state.reset(device)
    }

    /// What the next instant holds, from its features, `[BINS, CHANNELS]`. A copy to the device, launches that
    /// are always the same, and a copy back.
    ///
    /// # Errors
    /// If there are more or fewer features, or the device fails.
    pub fn step(&mut self, device: &D, features: &[f32]) -> Result<Estimate, GpuError> {
        exactly("features of an instant", features.len(), BINS * CHANNELS)?;
        let (layers, state, rooms) = (&self.layers, &self.state, &self.rooms);
        let inner = rooms.input.all().since(INPUT_PAD * CHANNELS)?;
        inner.upload(device, features)?;
        self.recorded
            .run(device, 0, &mut || layers.run(device, state, rooms))?;
        rooms.said.all().download(device, &mut self.said)?;
        let (by_grid, rest) = self.said.split_at_mut(BINS);
        let (logits, context) = rest.split_at_mut(BINS);
        self.ending.context().copy_from_slice(context);
        Ok(self.ending.conclude(by_grid, logits))
    }

    /// How likely each candidate is, if there is a voice: `[BINS]`, from the last step.
    #[must_use]
    pub fn posteriorgram(&self) -> &[f32] {
        &self.said[BINS..2 * BINS]
    }
}

/// Where a product goes, one row behind the other.
fn into<B>(y: Slice<'_, B, f32>, stride: usize, activation: Activation) -> Output<'_, B> {
    Output {
        y,
        stride,
        activation,
        add: None,
    }
}

/// Rows that overlap where a convolution covers several.
fn along<B>(x: Slice<'_, B, f32>, stride: usize, rows: usize) -> Input<'_, B> {
    Input {
        x,
        stride,
        rows,
        slope: 1.0,
    }
}

impl<B> Layers<B> {
    fn new<D: Device<Buffer = B>>(
        device: &D,
        (layout, precision): (&mut Layout, Precision),
        weights: &Arc<Weights>,
    ) -> Result<Self, DeviceError> {
        let all = weights.root();
        let matrix = |part: &Scope, name: &str, (outs, ins), has_bias: bool| {
            let values = part.get(name, &[outs, ins])?;
            let bias = match has_bias {
                true => Some(part.get("bias", &[outs])?),
                false => None,
            };
            let made = Matrix::new(device, (outs, ins), values, bias, precision)?;
            Ok::<_, DeviceError>(made)
        };
        let mut layer = |name: &str, instants: usize| {
            let part = all.part(name);
            Ok::<_, DeviceError>(Layer {
                now: matrix(&part, "weight", (WIDTH, KERNEL * WIDTH), false)?,
                before: matrix(&part, "past", (WIDTH, PAST_KERNEL * WIDTH), true)?,
                grid: layout.line(ROWS * WIDTH, 1, instants),
                instants,
            })
        };
        let [before, long_before] = PAST;
        let grids = [layer("conv2", before)?, layer("conv3", long_before)?];
        let first = (WIDTH, FIRST_KERNEL * CHANNELS);
        let first = matrix(&all.part("conv1"), "weight", first, true)?;
        let squeeze = matrix(&all.part("squeeze"), "weight", (SQUEEZED, WIDTH), true)?;
        let dense = (CONTEXT, BINS * SQUEEZED);
        let dense = matrix(&all.part("dense"), "weight", dense, true)?;
        let salience = matrix(&all.part("salience"), "weight", (1, WIDTH), false)?;
        let expected = matrix(&all.part("context"), "weight", (BINS, CONTEXT), true)?;
        let part = all.part("gru");
        let get = |name: &str, shape: &[usize]| part.get(name, shape);
        let gru = Gru::new(
            device,
            (CONTEXT, CONTEXT),
            get("weight_ih_l0", &[3 * CONTEXT, CONTEXT])?,
            get("weight_hh_l0", &[3 * CONTEXT, CONTEXT])?,
            get("bias_ih_l0", &[3 * CONTEXT])?,
            get("bias_hh_l0", &[3 * CONTEXT])?,
        )?;
        let [one, other] = &grids;
        let of_grids = [&first, &one.now, &one.before, &other.now, &other.before];
        let of_grids = of_grids.into_iter().chain([&squeeze, &salience]);
        let of_grids = of_grids.map(|matrix| matrix.work_len(device, BINS));
        let of_one = [&dense, &expected].map(|matrix| matrix.work_len(device, 1));
        let works = of_grids.chain(of_one);
        let works = works.chain([gru.layer().work_len(device, 1)]);
        Ok(Self {
            work_len: works.fold(0, usize::max),
            first,
            squeeze,
            dense,
            gru,
            salience,
            expected,
            grids,
            weights: weights.clone(),
        })
    }

    /// From the features in memory to what is said: a launch for each product, two more for each layer over
    /// the grid, one for a step of the context and one that keeps it, and one for the past of the grids.
    fn run<D: Device<Buffer = B>>(
        &self,
        device: &D,
        state: &State<B>,
        rooms: &Rooms<B>,
    ) -> Result<(), GpuError> {
        let (work, none, relu) = (rooms.work.all(), Activation::None, Activation::Relu);
        let [one, other] = &self.grids;
        let inner = |layer: &Layer<B>| state.newest(layer.grid)?.since(PAD * WIDTH);
        let features = along(rooms.input.all(), CHANNELS, BINS);
        let to = into(inner(one)?, WIDTH, relu);
        matmul(device, &self.first, features, to, work)?;
        one.run(device, (state, rooms), inner(other)?)?;
        let last = rooms.last.all();
        other.run(device, (state, rooms), last)?;

        let (squeezed, reduced) = (rooms.squeezed.all(), rooms.reduced.all());
        let (grid, to) = (along(last, WIDTH, BINS), into(squeezed, SQUEEZED, relu));
        matmul(device, &self.squeeze, grid, to, work)?;
        let seen = along(squeezed, BINS * SQUEEZED, 1);
        matmul(
            device,
            &self.dense,
            seen,
            into(reduced, CONTEXT, relu),
            work,
        )?;
        let (gates, context) = (rooms.gates.all(), rooms.context.all());
        let gru = self.gru.layer();
        gru.project(device, (reduced, 1), gates, work)?;
        let by_grid = rooms.said.all();
        let (logits, kept) = (by_grid.since(BINS)?, by_grid.since(2 * BINS)?);
        self.gru.step(device, gates, kept, context)?;
        activate(device, none, context, kept)?;

        matmul(device, &self.salience, grid, into(by_grid, 1, none), work)?;
        let to = Output {
            add: Some((by_grid, BINS)),
            ..into(logits, BINS, none)
        };
        let context = along(context, CONTEXT, 1);
        matmul(device, &self.expected, context, to, work)?;
        state.advance(device, 1)
    }
}

impl<B> Layer<B> {
    /// From its grid to `y`, `[BINS, WIDTH]`: four launches.
    fn run<D: Device<Buffer = B>>(
        &self,
        device: &D,
        (state, rooms): (&State<B>, &Rooms<B>),
        y: Slice<'_, B, f32>,
    ) -> Result<(), GpuError> {
        let (seen, work) = (rooms.seen.all(), rooms.work.all());
        let first = |kernel: usize| (PAD - kernel / 2) * WIDTH;
        let past = state.since(self.grid, self.instants)?;
        let past = along(past.since(first(PAST_KERNEL))?, WIDTH, BINS);
        let to = into(seen, WIDTH, Activation::None);
        matmul(device, &self.before, past, to, work)?;
        let grid = state.newest(self.grid)?;
        let to = Output {
            add: Some((seen, WIDTH)),
            ..to
        };
        let now = along(grid.since(first(KERNEL))?, WIDTH, BINS);
        matmul(device, &self.now, now, to, work)?;
        activate(device, Activation::Relu, seen, seen)?;
        let rows = |values| Rows {
            values,
            stride: WIDTH,
        };
        let (x, seen) = (rows(grid.since(PAD * WIDTH)?), rows(seen));
        combine(device, (BINS, WIDTH), (x, 1.0), Some((seen, 1.0)), rows(y))
    }
}

impl<B> Rooms<B> {
    fn new<D: Device<Buffer = B>>(device: &D, layers: &Layers<B>) -> Result<Self, GpuError> {
        let room = |len: usize| Array::zeros(device, len);
        Ok(Self {
            input: room((BINS + 2 * INPUT_PAD) * CHANNELS)?,
            last: room(BINS * WIDTH)?,
            seen: room(BINS * WIDTH)?,
            squeezed: room(BINS * SQUEEZED)?,
            reduced: room(CONTEXT)?,
            gates: room(layers.gru.layer().gates_len())?,
            context: room(CONTEXT)?,
            said: room(SAID)?,
            work: room(layers.work_len)?,
        })
    }
}
