//! Convolution over images, channels last, as products whose rows overlap.

use super::activation::{Activation, flat};
use super::array::Slice;
use super::device::{Argument, Device};
use super::error::GpuError;
use super::kernel::Kernel;
use super::matmul::{Input, Matrix, Output, Precision, Runs, exactly, product};

/// An image `[height, width, channels]` in a frame of zeros: each row is followed by a pixel, a row lies above
/// and a row below. What is above and before the first pixel is never written: the memory is to be zeros
/// there.
#[derive(Debug)]
pub struct Image<'a, B> {
    values: Slice<'a, B, f32>,
    height: usize,
    width: usize,
    channels: usize,
}

// Not derived: a buffer need not be what a reference to it is.
impl<B> Clone for Image<'_, B> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<B> Copy for Image<'_, B> {}

/// Values that an image takes, with its frame.
#[must_use]
pub fn image_len([height, width, channels]: [usize; 3]) -> usize {
    ((height + 2) * (width + 1) + 1) * channels
}

impl<'a, B> Image<'a, B> {
    /// At the beginning of `values`: height, width and channels.
    ///
    /// # Errors
    /// If these are too few.
    pub fn new(values: Slice<'a, B, f32>, shape: [usize; 3]) -> Result<Self, GpuError> {
        let [height, width, channels] = shape;
        Ok(Self {
            values: values.at_least("an image", image_len(shape))?,
            height,
            width,
            channels,
        })
    }

    /// The first pixel, and what follows it: a row is `(width + 1) * channels` values behind the last.
    ///
    /// # Errors
    /// None that [`Self::new`] lets through.
    pub fn first(&self) -> Result<Slice<'a, B, f32>, GpuError> {
        self.values.since((self.width + 2) * self.channels)
    }

    /// Itself, if it is of this shape.
    fn of(
        self,
        what: &'static str,
        [height, width, channels]: [usize; 3],
    ) -> Result<Self, GpuError> {
        let is = (self.height, self.width, self.channels) == (height, width, channels);
        match is {
            true => Ok(self),
            false => Err(GpuError::Size {
                what,
                expected: "the height, width and channels of what is computed",
                found: self.height * self.width * self.channels,
            }),
        }
    }

    /// From the first pixel to the last, with those between rows.
    fn pixels(&self) -> usize {
        (self.height * (self.width + 1)).saturating_sub(1)
    }

    fn frame<D: Device<Buffer = B>>(&self, device: &D) -> Result<(), GpuError> {
        let Self {
            height,
            width,
            channels,
            ..
        } = *self;
        let arguments = [
            self.first()?.place(),
            Argument::int(height)?,
            Argument::int(width)?,
            Argument::int(channels)?,
        ];
        let grid = flat((height + width + 1) * channels)?;
        device.launch(Kernel::ImageFrame, grid, &arguments)
    }
}

/// The weights of a convolution of 1 x 1 or 3 x 3 and stride 1, padded to the size of its input, with their
/// bias, on a device.
#[derive(Debug)]
pub struct Conv2d<B> {
    /// Pixels of the patch side by side, `[outs, kernel * kernel * ins]`.
    matrix: Matrix<B>,
    ins: usize,
    kernel: usize,
}

impl<B> Conv2d<B> {
    /// From `weights`, `[outs, ins, kernel, kernel]`, and `bias`, `[outs]`. Allocates.
    ///
    /// # Errors
    /// If the kernel is neither 1 nor 3, a slice is of another length, or there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        (ins, outs, kernel): (usize, usize, usize),
        weights: &[f32],
        bias: &[f32],
        precision: Precision,
    ) -> Result<Self, GpuError> {
        if kernel != 1 && kernel != 3 {
            return Err(GpuError::Size {
                what: "the kernel of a convolution over images",
                expected: "1 or 3",
                found: kernel,
            });
        }
        let patch = kernel * kernel;
        exactly("weights", weights.len(), outs * ins * patch)?;
        let row = patch * ins;
        let side_by_side: Vec<f32> = (0..outs * row)
            .map(|n| weights[(n / row * ins + n % ins) * patch + n % row / ins])
            .collect();
        let shape = (outs, row);
        Ok(Self {
            matrix: Matrix::new(device, shape, &side_by_side, Some(bias), precision)?,
            ins,
            kernel,
        })
    }

    /// Channels that come out.
    #[must_use]
    pub fn outs(&self) -> usize {
        self.matrix.outs()
    }

    /// Values of work memory that images of up to so many pixels, with those between rows, need.
    #[must_use]
    pub fn work_len<D: Device<Buffer = B>>(&self, device: &D, pixels: usize) -> usize {
        self.matrix.work_len(device, pixels)
    }
}

/// `y = activation(conv(x) + bias) + add`, all of one height and width. `add` may be `y`, `x` may not.
/// `work` is of any content, [`Conv2d::work_len`] values or more. A product, or two launches where sums are
/// cut, and a launch.
///
/// # Errors
/// If shapes do not fit, a slice is too short, or a launch fails.
pub fn conv2d<D: Device>(
    device: &D,
    conv: &Conv2d<D::Buffer>,
    x: Image<'_, D::Buffer>,
    (activation, add): (Activation, Option<Image<'_, D::Buffer>>),
    y: Image<'_, D::Buffer>,
    work: Slice<'_, D::Buffer, f32>,
) -> Result<(), GpuError> {
    let [height, width, outs] = [x.height, x.width, conv.outs()];
    let x = x.of("values that go in", [height, width, conv.ins])?;
    let y = y.of("values that come out", [height, width, outs])?;
    let add = add
        .map(|add| {
            add.of("values that are added", [height, width, outs])?
                .first()
        })
        .transpose()?;
    // Pixels of a patch that are neighbours are one run.
    let (from, run) = match conv.kernel {
        1 => (x.first()?, conv.ins),
        _ => (x.values, 3 * conv.ins),
    };
    let runs = Runs {
        run,
        apart: (width + 1) * conv.ins,
    };
    let input = Input {
        x: from,
        stride: conv.ins,
        rows: x.pixels(),
        slope: 1.0,
    };
    let output = Output {
        y: y.first()?,
        stride: outs,
        activation,
        add: add.map(|add| (add, outs)),
    };
    let plan = conv.matrix.plan(device, input.rows);
    product(
        device,
        plan,
        &conv.matrix,
        (input, runs),
        (output, None),
        work,
    )?;
    y.frame(device)
}

/// The weights of a transposed convolution of 3 x 3, stride 2, padding 1 and output padding 1, with their
/// bias, on a device: an image of twice the size.
#[derive(Debug)]
pub struct Doubling<B> {
    /// `[4 * outs, 4 * ins]`: from 2 x 2 pixels to as many, most of which do not see all.
    matrix: Matrix<B>,
    ins: usize,
}

impl<B> Doubling<B> {
    /// From `weights`, `[ins, outs, 3, 3]`, and `bias`, `[outs]`. Allocates.
    ///
    /// # Errors
    /// If a slice is of another length, or there is not enough memory.
    pub fn new<D: Device<Buffer = B>>(
        device: &D,
        (ins, outs): (usize, usize),
        weights: &[f32],
        bias: &[f32],
        precision: Precision,
    ) -> Result<Self, GpuError> {
        exactly("weights", weights.len(), ins * outs * 9)?;
        exactly("the bias", bias.len(), outs)?;
        // Output 2n sees input n through the middle tap; output 2n + 1 sees input n through the last and
        // input n + 1 through the first.
        let tap = |odd: usize, n: usize| match (odd, n) {
            (0, 0) => Some(1),
            (0, _) => None,
            _ => Some(2 - 2 * n),
        };
        let mut all = vec![0.0; 4 * outs * 4 * ins];
        for (n, w) in all.iter_mut().enumerate() {
            let (row, column) = (n / (4 * ins), n % (4 * ins));
            let ((parity, o), (pixel, i)) =
                ((row / outs, row % outs), (column / ins, column % ins));
            let taps = (tap(parity / 2, pixel / 2), tap(parity % 2, pixel % 2));
            if let (Some(a), Some(b)) = taps {
                *w = weights[((i * outs + o) * 3 + a) * 3 + b];
            }
        }
        let four = bias.repeat(4);
        Ok(Self {
            matrix: Matrix::new(device, (4 * outs, 4 * ins), &all, Some(&four), precision)?,
            ins,
        })
    }

    /// Channels that come out.
    #[must_use]
    pub fn outs(&self) -> usize {
        self.matrix.outs() / 4
    }

    /// Values of memory of any content that [`double`] needs for the pixels of its output.
    #[must_use]
    pub fn four_len(&self, [height, width]: [usize; 2]) -> usize {
        height * (width + 1) * self.matrix.outs()
    }

    /// Values of work memory that images of up to so many pixels, with those between rows, need.
    #[must_use]
    pub fn work_len<D: Device<Buffer = B>>(&self, device: &D, pixels: usize) -> usize {
        self.matrix.work_len(device, pixels)
    }
}

/// `y`, twice as high and wide as `x`: its first channels are `activation(doubled x + bias)`, and behind them
/// lie those of `passed`. `four` and `work` are of any content, [`Doubling::four_len`] and
/// [`Doubling::work_len`] values or more. A product, or two launches where sums are cut, and a launch.
///
/// # Errors
/// If shapes do not fit, a slice is too short, or a launch fails.
pub fn double<D: Device>(
    device: &D,
    doubling: &Doubling<D::Buffer>,
    (x, activation): (Image<'_, D::Buffer>, Activation),
    passed: Image<'_, D::Buffer>,
    y: Image<'_, D::Buffer>,
    (four, work): (Slice<'_, D::Buffer, f32>, Slice<'_, D::Buffer, f32>),
) -> Result<(), GpuError> {
    let [height, width, outs] = [x.height, x.width, doubling.outs()];
    let x = x.of("values that go in", [height, width, doubling.ins])?;
    let more = passed.channels;
    let passed = passed.of("values passed by", [2 * height, 2 * width, more])?;
    let shape = [2 * height, 2 * width, outs + more];
    let y = y.of("values that come out", shape)?;
    let runs = Runs {
        run: 2 * doubling.ins,
        apart: (width + 1) * doubling.ins,
    };
    let input = Input {
        x: x.first()?,
        stride: doubling.ins,
        rows: x.pixels(),
        slope: 1.0,
    };
    let output = Output {
        y: four,
        stride: 4 * outs,
        activation,
        add: None,
    };
    let plan = doubling.matrix.plan(device, input.rows);
    let matrix = &doubling.matrix;
    product(device, plan, matrix, (input, runs), (output, None), work)?;
    let arguments = [
        four.place(),
        Argument::int(height)?,
        Argument::int(width)?,
        Argument::int(outs)?,
        passed.first()?.place(),
        Argument::int(more)?,
        y.first()?.place(),
    ];
    let values = (2 * height + 1) * (2 * width + 1) * (outs + more);
    device.launch(Kernel::ImageJoin, flat(values)?, &arguments)
}

/// `y`, half as high and wide as `x`: the means of 2 x 2 pixels. One launch.
///
/// # Errors
/// If shapes do not fit, or the launch fails.
pub fn halve<D: Device>(
    device: &D,
    x: Image<'_, D::Buffer>,
    y: Image<'_, D::Buffer>,
) -> Result<(), GpuError> {
    let Image {
        height,
        width,
        channels,
        ..
    } = x;
    let y = y.of("values that come out", [height / 2, width / 2, channels])?;
    let arguments = [
        x.first()?.place(),
        Argument::int(height)?,
        Argument::int(width)?,
        Argument::int(channels)?,
        y.first()?.place(),
    ];
    let values = (height / 2 + 1) * (width / 2 + 1) * channels;
    device.launch(Kernel::ImageHalve, flat(values)?, &arguments)
}
