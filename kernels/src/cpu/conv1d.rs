//! Convolution over frames, channels last, as products with packed matrices.
//!
//! Without state and without padding: the caller lays out the frames it needs. A stream keeps the
//! last `span - stride` frames in front of the next.

use super::footprint::Footprint;
use super::matmul::{PackedMatrix, Rows, Start, matmul_into};
use super::vector::{Form, on};

/// The shape of a convolution over frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv1dShape {
    /// Channels that go in.
    pub ins: usize,
    /// Channels that come out.
    pub outs: usize,
    /// Taps.
    pub kernel: usize,
    /// Input frames from one output frame to the next.
    pub stride: usize,
    /// Input frames from one tap to the next.
    pub dilation: usize,
    /// Groups of channels that do not see each other; divides `ins` and `outs`.
    pub groups: usize,
}

impl Conv1dShape {
    /// The plain convolution: stride, dilation and groups of 1.
    #[must_use]
    pub fn new(ins: usize, outs: usize, kernel: usize) -> Self {
        Self {
            ins,
            outs,
            kernel,
            stride: 1,
            dilation: 1,
            groups: 1,
        }
    }

    /// Input frames that one output frame sees.
    #[must_use]
    pub fn span(&self) -> usize {
        (self.kernel - 1) * self.dilation + 1
    }

    /// Output frames that `frames` input frames give.
    #[must_use]
    pub fn frames_out(&self, frames: usize) -> usize {
        match frames.checked_sub(self.span()) {
            Some(more) => more / self.stride + 1,
            None => 0,
        }
    }

    /// Input frames that `frames` output frames take.
    #[must_use]
    pub fn frames_in(&self, frames: usize) -> usize {
        match frames {
            0 => 0,
            _ => (frames - 1) * self.stride + self.span(),
        }
    }
}

/// The weights of a convolution, packed for [`conv1d`].
#[derive(Clone, Debug)]
pub struct PackedConv1d {
    shape: Conv1dShape,
    taps: Taps,
}

#[derive(Clone, Debug)]
enum Taps {
    /// `[group]`, all taps of each side by side: `[outs / groups, kernel * ins / groups]`.
    Groups(Vec<PackedMatrix>),
    /// One channel per group: `[tap][channel]`.
    Depthwise(Vec<f32>),
}

impl PackedConv1d {
    /// Packs `weights`, `[outs, ins / groups, kernel]`. Allocates.
    ///
    /// # Panics
    /// If a size is 0, `groups` does not divide the channels, or `weights` is of another length.
    #[must_use]
    pub fn new(shape: Conv1dShape, weights: &[f32]) -> Self {
        let Conv1dShape {
            ins,
            outs,
            kernel,
            stride,
            dilation,
            groups,
        } = shape;
        let sizes = [ins, outs, kernel, stride, dilation, groups];
        assert!(!sizes.contains(&0), "no size is 0");
        assert!(
            ins.is_multiple_of(groups) && outs.is_multiple_of(groups),
            "groups divide the channels"
        );
        let (group_ins, group_outs) = (ins / groups, outs / groups);
        assert_eq!(
            weights.len(),
            outs * group_ins * kernel,
            "weights are [outs, ins / groups, kernel]"
        );
        let at = |o: usize, i: usize, tap: usize| weights[(o * group_ins + i) * kernel + tap];
        let taps = if group_ins == 1 && group_outs == 1 {
            Taps::Depthwise(
                (0..kernel * outs)
                    .map(|n| at(n % outs, 0, n / outs))
                    .collect(),
            )
        } else {
            let matrices = (0..groups).map(|group| {
                let row = kernel * group_ins;
                let one = (0..group_outs * row).map(|n| {
                    let (o, tap, i) = (n / row, n % row / group_ins, n % group_ins);
                    at(group * group_outs + o, i, tap)
                });
                PackedMatrix::new(group_outs, row, &one.collect::<Vec<_>>())
            });
            Taps::Groups(matrices.collect())
        };
        Self { shape, taps }
    }

    /// What its weights take.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        match &self.taps {
            Taps::Groups(matrices) => matrices.iter().map(PackedMatrix::footprint).sum(),
            Taps::Depthwise(taps) => Footprint {
                full: size_of_val(&**taps),
                half: 0,
            },
        }
    }

    /// Its shape.
    #[must_use]
    pub fn shape(&self) -> Conv1dShape {
        self.shape
    }
}

/// `y[f, o] = start + sum over tap, i of w[o, i, tap] * x[f * stride + tap * dilation, i]` for
/// `f < frames`, `i` in the group of `o`. `x` is `[frames_in(frames), ins]` or longer, `y`
/// `[frames, outs]`; nothing is padded.
///
/// Real-time safe.
///
/// # Panics
/// If `x` or `y` is too short, or a bias not `outs` long.
pub fn conv1d(x: &[f32], frames: usize, w: &PackedConv1d, start: Start<'_>, y: &mut [f32]) {
    let shape = w.shape;
    if frames == 0 {
        return;
    }
    assert!(
        shape.frames_in(frames) * shape.ins <= x.len(),
        "x is too short"
    );
    assert!(frames * shape.outs <= y.len(), "y is too short");
    if let Start::Bias(bias) = start {
        assert_eq!(bias.len(), shape.outs, "one bias per output");
    }
    let stride = shape.stride * shape.ins;
    match &w.taps {
        Taps::Groups(matrices) => {
            let (ins, outs) = (shape.ins / shape.groups, shape.outs / shape.groups);
            for (group, matrix) in matrices.iter().enumerate() {
                let rows = Rows {
                    x: &x[group * ins..],
                    stride,
                    rows: frames,
                    runs: shape.kernel,
                    run: ins,
                    apart: shape.dilation * shape.ins,
                };
                // Taps that are neighbours are one row.
                let rows = match rows.apart == ins {
                    true => Rows::joined(rows.x, stride, frames, matrix.ins()),
                    false => rows,
                };
                let start = match start {
                    Start::Bias(bias) => Start::Bias(&bias[group * outs..][..outs]),
                    other => other,
                };
                matmul_into(rows, matrix, start, &mut y[group * outs..], shape.outs);
            }
        }
        Taps::Depthwise(taps) => depthwise(x, frames, &shape, taps, start, y),
    }
}

fn depthwise(
    x: &[f32],
    frames: usize,
    shape: &Conv1dShape,
    taps: &[f32],
    start: Start<'_>,
    y: &mut [f32],
) {
    let channels = shape.outs;
    on(Form::best(), move || {
        for (f, y) in y.chunks_exact_mut(channels).take(frames).enumerate() {
            match start {
                Start::Zero => y.fill(0.0),
                Start::Bias(bias) => y.copy_from_slice(bias),
                Start::Accumulate => {}
            }
            for (tap, w) in taps.chunks_exact(channels).enumerate() {
                let x = &x[(f * shape.stride + tap * shape.dilation) * channels..][..channels];
                for ((y, w), x) in y.iter_mut().zip(w).zip(x) {
                    *y += w * x;
                }
            }
        }
    });
}
