//! Products with complex matrices, for convolution by spectra.

use std::marker::PhantomData;
use std::sync::Arc;

use super::super::large_pages::shared;
use super::super::vector::{Form, Lanes, WIDTH};
use super::right::{Fetched, Right, Weight};
use super::tile::run;
use super::{Rows, Start};

/// Bytes of weights that are worked on with all their products before the next: they stay in the
/// second cache.
const GROUP: usize = 128 << 10;
/// Weights from one input to the next: sixteen real parts, then sixteen imaginary ones.
const STEP: usize = 2 * WIDTH;

/// Complex matrices `[outs, ins]`, packed: `[matrix][panel][input][part][16 outputs]`. A clone
/// shares them.
#[derive(Clone, Debug)]
pub(in super::super) struct ComplexMatrices {
    outs: usize,
    ins: usize,
    values: Arc<[f32]>,
}

impl ComplexMatrices {
    /// `weight(o, i, [re, im])` gives the weight from input `i` to output `o` of every matrix.
    /// Allocates.
    ///
    /// # Panics
    /// If outputs do not come in sixteens.
    pub fn new(
        outs: usize,
        ins: usize,
        count: usize,
        weight: impl Fn(usize, usize, &mut [[f32; 2]]),
    ) -> Self {
        assert!(outs.is_multiple_of(WIDTH), "outputs come in sixteens");
        let mut values = vec![0.0; count * 2 * outs * ins];
        let mut one = vec![[0.0; 2]; count];
        for (panel, i, o) in places(outs, ins) {
            weight(panel * WIDTH + o, i, &mut one);
            let at = (panel * ins + i) * STEP + o;
            let matrices = values.chunks_exact_mut(2 * outs * ins);
            for (matrix, [re, im]) in matrices.zip(&one) {
                matrix[at] = *re;
                matrix[at + WIDTH] = *im;
            }
        }
        Self {
            outs,
            ins,
            values: shared(&values),
        }
    }

    /// Bytes of memory that the weights take.
    pub fn bytes(&self) -> usize {
        size_of_val(&*self.values)
    }

    /// Of matrix `n`: `re * x[0]`, `(im - re) * x[1]` and `(re + im) * x[2]`, each of so many rows
    /// that lie one behind the other. Real-time safe.
    ///
    /// # Panics
    /// If there is no such matrix or a slice is too short.
    pub fn three(&self, n: usize, x: [&[f32]; 3], rows: usize, y: [&mut [f32]; 3]) {
        let [y0, y1, y2] = y;
        for panels in self.groups() {
            self.part::<Real>(n, panels, (0, 3), x[0], rows, y0);
            self.part::<Difference>(n, panels, (1, 3), x[1], rows, y1);
            self.part::<Sum>(n, panels, (2, 3), x[2], rows, y2);
        }
    }

    /// Of matrix `n`: `re * x[0]` and `im * x[1]`, as [`Self::three`].
    ///
    /// # Panics
    /// As there.
    pub fn two(&self, n: usize, x: [&[f32]; 2], rows: usize, y: [&mut [f32]; 2]) {
        let [y0, y1] = y;
        for panels in self.groups() {
            self.part::<Real>(n, panels, (0, 2), x[0], rows, y0);
            self.part::<Imaginary>(n, panels, (1, 2), x[1], rows, y1);
        }
    }

    /// Panels that are worked on together: the first, and how many.
    fn groups(&self) -> impl Iterator<Item = (usize, usize)> + use<> {
        let all = self.outs / WIDTH;
        let some = (GROUP / (STEP * self.ins * size_of::<f32>()).max(1)).clamp(1, all.max(1));
        (0..all)
            .step_by(some)
            .map(move |first| (first, some.min(all - first)))
    }

    /// One product of some panels; of the panel behind each, a share is fetched.
    fn part<W: Part>(
        &self,
        n: usize,
        (first, panels): (usize, usize),
        (share, shares): (usize, usize),
        x: &[f32],
        rows: usize,
        y: &mut [f32],
    ) {
        let panel = STEP * self.ins;
        let from = (n * self.outs / WIDTH + first) * panel;
        let values = &self.values[from..from + panels * panel];
        let bytes = panel * size_of::<f32>() / shares;
        let right = Right {
            values: W::of(values),
            panel_step: panel,
            input_step: STEP,
            outs: panels * WIDTH,
            ins: self.ins,
            fetched: Fetched {
                from: share * bytes,
                bytes,
            },
            borrowed: PhantomData,
        };
        let x = Rows::joined(x, self.ins, rows, self.ins);
        let y = &mut y[first * WIDTH..];
        run(Form::best(), x, right, Start::Zero, y, self.outs);
    }
}

/// Every panel, input and output of a panel, as they lie in a matrix.
fn places(outs: usize, ins: usize) -> impl Iterator<Item = (usize, usize, usize)> {
    let panels = 0..outs / WIDTH;
    let inputs = panels.flat_map(move |panel| (0..ins).map(move |i| (panel, i)));
    inputs.flat_map(|(panel, i)| (0..WIDTH).map(move |o| (panel, i, o)))
}

/// What of a complex weight a product is with. Lies where the real part does.
trait Part: Weight {
    fn of(values: &[f32]) -> *const Self {
        values.as_ptr().cast()
    }
}

macro_rules! parts {
    ($($name:ident = |$re:ident, $im:ident| $value:expr;)*) => { $(
        #[derive(Clone, Copy)]
        #[repr(transparent)]
        struct $name(#[allow(dead_code, reason = "the lanes are loaded from its address")] f32);

        impl Weight for $name {
            #[inline(always)]
            unsafe fn load<V: Lanes>(from: *const Self) -> V {
                let from: *const f32 = from.cast();
                // SAFETY: as the caller's; the imaginary parts lie behind the real ones.
                unsafe {
                    let $re = V::load(from);
                    let $im = V::load(from.add(WIDTH));
                    $value
                }
            }
        }

        impl Part for $name {}
    )* };
}

parts! {
    Real = |re, _im| re;
    Imaginary = |_re, im| im;
    Difference = |re, im| im.sub(re);
    Sum = |re, im| re.add(im);
}
