//! The product of a few rows with a packed matrix: what all networks here are made of.
//!
//! Weights are packed once, in panels of sixteen outputs, so that the inner loop reads them in
//! order. A tile of rows by one panel is kept in registers (Goto & van de Geijn, "Anatomy of
//! high-performance matrix multiplication", 2008). Rows may overlap, and may come in runs that lie
//! apart, which makes a convolution of any dilation a product without copying anything.

use std::marker::PhantomData;
use std::sync::Arc;

use super::footprint::Footprint;
use super::half;
#[cfg(target_arch = "x86_64")]
use super::vector::{Avx2, Avx512};
use super::vector::{Form, Lanes, Plain, WIDTH};

/// Inputs worked on at a time: a panel of so many (16 KiB) stays in the first cache.
const DEPTH: usize = 256;
/// Rows worked on at a time: their share of inputs (96 KiB) stays in the second cache.
const HEIGHT: usize = 96;

/// Weights `[outs, ins]`, packed for [`matmul`]. A clone shares them.
#[derive(Clone, Debug)]
pub struct PackedMatrix {
    outs: usize,
    ins: usize,
    panels: Panels,
}

/// `[panel][input][16 outputs]`; outputs beyond `outs` are 0.
#[derive(Clone, Debug)]
enum Panels {
    Full(Arc<[f32]>),
    /// Half precision, of weights that are exactly that: half as much to read from memory.
    Half(Arc<[u16]>),
}

/// Matrices of fewer values stay in the cache: there is nothing to be gained by reading less.
const LARGE: usize = 1 << 15;

impl PackedMatrix {
    /// Packs `weights`, row-major `[outs, ins]`. Allocates.
    ///
    /// # Panics
    /// If `weights` does not hold `outs * ins` values.
    #[must_use]
    pub fn new(outs: usize, ins: usize, weights: &[f32]) -> Self {
        assert_eq!(weights.len(), outs * ins, "weights are [outs, ins]");
        let mut panels = vec![0.0; outs.div_ceil(WIDTH) * WIDTH * ins];
        for o in 0..outs {
            let panel = &mut panels[o / WIDTH * WIDTH * ins..];
            for i in 0..ins {
                panel[i * WIDTH + o % WIDTH] = weights[o * ins + i];
            }
        }
        let halves = match LARGE <= panels.len() {
            true => panels.iter().map(|x| half::exactly(*x)).collect(),
            false => None,
        };
        let panels = match halves {
            Some(halves) => Panels::Half(halves),
            None => Panels::Full(panels.into()),
        };
        Self { outs, ins, panels }
    }

    /// Bytes of memory that its weights take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match &self.panels {
            Panels::Full(panels) => size_of_val(&**panels),
            Panels::Half(panels) => size_of_val(&**panels),
        }
    }

    /// The same by precision.
    #[must_use]
    pub fn footprint(&self) -> Footprint {
        match &self.panels {
            Panels::Full(_) => Footprint {
                full: self.bytes(),
                half: 0,
            },
            Panels::Half(_) => Footprint {
                full: 0,
                half: self.bytes(),
            },
        }
    }

    fn right<'a, W>(&self, panels: &'a [W]) -> Right<'a, W> {
        Right {
            values: panels.as_ptr(),
            panel_step: WIDTH * self.ins,
            input_step: WIDTH,
            outs: self.outs,
            ins: self.ins,
            borrowed: PhantomData,
        }
    }

    /// Outputs, the rows of the matrix.
    #[must_use]
    pub fn outs(&self) -> usize {
        self.outs
    }

    /// Inputs, the columns of the matrix.
    #[must_use]
    pub fn ins(&self) -> usize {
        self.ins
    }
}

/// A matrix that changes too often to be packed: `[ins, outs]` in rows that are `stride` apart.
#[derive(Clone, Copy, Debug)]
pub struct Unpacked<'a> {
    /// The values, with room for whole panels of sixteen outputs in each row.
    pub values: &'a [f32],
    /// Outputs.
    pub outs: usize,
    /// Inputs.
    pub ins: usize,
    /// Values from one row to the next.
    pub stride: usize,
}

impl<'a> Unpacked<'a> {
    fn right(self) -> Right<'a, f32> {
        if let (Some(last), true) = (self.ins.checked_sub(1), 0 < self.outs) {
            let row = self.outs.next_multiple_of(WIDTH);
            assert!(
                last * self.stride + row <= self.values.len(),
                "the matrix is too short"
            );
        }
        Right {
            values: self.values.as_ptr(),
            panel_step: WIDTH,
            input_step: self.stride,
            outs: self.outs,
            ins: self.ins,
            borrowed: PhantomData,
        }
    }
}

/// The right side as the tiles see it: input `i` of panel `p` is sixteen floats at
/// `p * panel_step + i * input_step`.
#[derive(Clone, Copy)]
struct Right<'a, W> {
    values: *const W,
    panel_step: usize,
    input_step: usize,
    outs: usize,
    ins: usize,
    borrowed: PhantomData<&'a [W]>,
}

/// A weight as it lies in memory.
trait Weight: Copy {
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

impl Weight for u16 {
    #[inline(always)]
    unsafe fn load<V: Lanes>(from: *const Self) -> V {
        // SAFETY: as the caller's.
        unsafe { V::load_half(from) }
    }
}

/// What a product is added to.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// Nothing: what `y` held is lost.
    Zero,
    /// One value per output, the same in each row: what `y` held is lost.
    Bias(&'a [f32]),
    /// What `y` holds.
    Accumulate,
}

/// `y[r * outs + o] = start + sum over i of w[o, i] * x[r * stride + i]`, for `r < rows`.
///
/// Rows of `x` may overlap (`stride < ins`): a convolution over `[frames, channels]` with kernel
/// `k` and stride `s` is a product with `ins = k * channels` and `stride = s * channels`. Sums
/// run in another order on other CPUs and row counts: results differ by rounding.
///
/// AVX-512, AVX2 with FMA or plain code, chosen at run time. Real-time safe.
///
/// # Panics
/// If `x` is shorter than `(rows - 1) * stride + ins`, `y` than `rows * outs`, or a bias is not
/// `outs` long.
pub fn matmul(
    x: &[f32],
    stride: usize,
    rows: usize,
    w: &PackedMatrix,
    start: Start<'_>,
    y: &mut [f32],
) {
    matmul_into(Rows::joined(x, stride, rows, w.ins), w, start, y, w.outs);
}

/// [`matmul`] with a matrix that is not packed, into rows of `y` that are `y_stride` apart, at
/// least `outs`; what lies between them stays. Real-time safe.
///
/// # Panics
/// As [`matmul`], and if the matrix is shorter than it says, with its last row's outputs rounded
/// up to a multiple of sixteen.
pub fn matmul_unpacked(
    x: &[f32],
    stride: usize,
    rows: usize,
    w: Unpacked<'_>,
    start: Start<'_>,
    y: &mut [f32],
    y_stride: usize,
) {
    let x = Rows::joined(x, stride, rows, w.ins);
    run(Form::best(), x, w.right(), start, y, y_stride);
}

/// The left side of a product: `rows` rows, `stride` apart, each of `runs` runs of `run` inputs
/// that begin `apart` values from each other.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows<'a> {
    pub x: &'a [f32],
    pub stride: usize,
    pub rows: usize,
    pub runs: usize,
    pub run: usize,
    pub apart: usize,
}

impl<'a> Rows<'a> {
    /// Rows of one run.
    pub fn joined(x: &'a [f32], stride: usize, rows: usize, ins: usize) -> Self {
        Self {
            x,
            stride,
            rows,
            runs: 1,
            run: ins,
            apart: 0,
        }
    }
}

/// [`matmul`] into rows of `y` that are `y_stride` apart, at least `outs`; what lies between
/// them stays.
pub(super) fn matmul_into(
    x: Rows<'_>,
    w: &PackedMatrix,
    start: Start<'_>,
    y: &mut [f32],
    y_stride: usize,
) {
    run_packed(Form::best(), x, w, start, y, y_stride);
}

fn run_packed(
    form: Form,
    x: Rows<'_>,
    w: &PackedMatrix,
    start: Start<'_>,
    y: &mut [f32],
    y_stride: usize,
) {
    match &w.panels {
        Panels::Full(panels) => run(form, x, w.right(panels), start, y, y_stride),
        Panels::Half(panels) => run(form, x, w.right(panels), start, y, y_stride),
    }
}

fn run<W: Weight>(
    form: Form,
    x: Rows<'_>,
    w: Right<'_, W>,
    start: Start<'_>,
    y: &mut [f32],
    y_stride: usize,
) {
    if x.rows == 0 || w.outs == 0 {
        return;
    }
    let last = x.rows - 1;
    assert_eq!(x.runs * x.run, w.ins, "a row has an input for each column");
    let row = (x.runs - 1) * x.apart + x.run;
    assert!(last * x.stride + row <= x.x.len(), "x is too short");
    assert!(last * y_stride + w.outs <= y.len(), "y is too short");
    assert!(y_stride >= w.outs || last == 0, "rows of y do not overlap");
    if let Start::Bias(bias) = start {
        assert_eq!(bias.len(), w.outs, "one bias per output");
    }
    // SAFETY: lengths are checked above; `form` is one the CPU has.
    unsafe {
        match form {
            Form::Plain => blocks::<Plain, W, 4>(x, w, start, y, y_stride),
            #[cfg(target_arch = "x86_64")]
            Form::Avx2 => blocks_avx2(x, w, start, y, y_stride),
            #[cfg(target_arch = "x86_64")]
            Form::Avx512 => blocks_avx512(x, w, start, y, y_stride),
        }
    }
}

// 6 rows fill 12 of AVX2's 16 registers; 12 rows leave AVX-512 enough to hide its latency.

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn blocks_avx2<W: Weight>(
    x: Rows<'_>,
    w: Right<'_, W>,
    start: Start<'_>,
    y: &mut [f32],
    y_stride: usize,
) {
    // SAFETY: as the caller's.
    unsafe { blocks::<Avx2, W, 6>(x, w, start, y, y_stride) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn blocks_avx512<W: Weight>(
    x: Rows<'_>,
    w: Right<'_, W>,
    start: Start<'_>,
    y: &mut [f32],
    y_stride: usize,
) {
    // SAFETY: as the caller's.
    unsafe { blocks::<Avx512, W, 12>(x, w, start, y, y_stride) }
}

/// The whole product, block by block, in tiles of at most `TALL` rows.
///
/// # Safety
/// `x` and `y` have the lengths [`matmul`] asks for, and the CPU has the features of `V`.
#[inline(always)]
unsafe fn blocks<V: Lanes, W: Weight, const TALL: usize>(
    x: Rows<'_>,
    w: Right<'_, W>,
    start: Start<'_>,
    y: &mut [f32],
    y_stride: usize,
) {
    // With one tile of rows nothing is read twice, so that blocks would only cost. Otherwise a
    // block is several short runs or a part of a long one.
    let (group, piece) = match x.run {
        run if x.rows <= TALL => (x.runs, run),
        run if DEPTH < run => (1, DEPTH),
        run => ((DEPTH / run.max(1)).max(1), run),
    };
    let y = y.as_mut_ptr();
    for top in (0..x.rows).step_by(HEIGHT) {
        let bottom = (top + HEIGHT).min(x.rows);
        for first in (0..x.runs).step_by(group) {
            // A matrix without inputs still has a start.
            for from in (0..x.run.max(1)).step_by(piece.max(1)) {
                let start = match (first, from) {
                    (0, 0) => start,
                    _ => Start::Accumulate,
                };
                let run = piece.min(x.run - from);
                // Few rows wait for memory: each of their tiles fetches its share of the next panel.
                let tiles = (bottom - top).div_ceil(TALL);
                let lines = match x.rows < FEW && x.runs == 1 && FETCHED <= run {
                    true => run * WIDTH * size_of::<W>() / LINE,
                    false => 0,
                };
                let share = lines / tiles * LINE;
                for panel in 0..w.outs.div_ceil(WIDTH) {
                    let input = first * x.run + from;
                    let at = panel * w.panel_step + input * w.input_step;
                    let mut tile = Tile {
                        w: w.values.wrapping_add(at),
                        input_step: w.input_step,
                        runs: group.min(x.runs - first),
                        run,
                        apart: x.apart,
                        stride: x.stride,
                        y_stride,
                        first: panel * WIDTH,
                        outs: (w.outs - panel * WIDTH).min(WIDTH),
                        start,
                        next: w.values.wrapping_add(at + w.panel_step).cast(),
                        fetched: lines.div_ceil(tiles) * FETCHED / run.max(1),
                    };
                    let mut r = top;
                    while r < bottom {
                        let rows = (bottom - r).min(TALL);
                        // SAFETY: row `r + rows - 1` is within `x` and `y`.
                        unsafe {
                            let x = x.x.as_ptr().add(r * x.stride + first * x.apart + from);
                            let y = y.add(r * y_stride + tile.first);
                            match tile.fetched {
                                0 => tile.run::<V, false>(rows, x, y),
                                _ => tile.run::<V, true>(rows, x, y),
                            }
                        }
                        tile.next = tile.next.wrapping_add(share);
                        r += rows;
                    }
                }
            }
        }
    }
}

/// Inputs between two looks at what is to be fetched.
const FETCHED: usize = 16;
/// Bytes of a line of the cache.
const LINE: usize = 64;
/// Fewer rows than this wait for memory rather than for sums.
const FEW: usize = 40;

/// Brings what is at an address into the cache, where the address is one.
#[inline(always)]
fn fetch<T>(from: *const T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a fetch reads nothing; any address may be given.
    unsafe {
        std::arch::x86_64::_mm_prefetch::<{ std::arch::x86_64::_MM_HINT_T0 }>(from.cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = from;
}

/// Some inputs of one panel, for any rows.
#[derive(Clone, Copy)]
struct Tile<'a, W> {
    w: *const W,
    input_step: usize,
    /// Runs of inputs, `apart` from each other in `x` and side by side in `w`.
    runs: usize,
    run: usize,
    apart: usize,
    stride: usize,
    y_stride: usize,
    /// The first output, and how many there are, at most [`WIDTH`].
    first: usize,
    outs: usize,
    start: Start<'a>,
    /// What is to be fetched of the next panel, and lines of it for every [`FETCHED`] inputs.
    next: *const u8,
    fetched: usize,
}

impl<W: Weight> Tile<'_, W> {
    /// Few rows add up several inputs side by side, to hide the latency of the multiplication.
    #[inline(always)]
    unsafe fn run<V: Lanes, const FETCH: bool>(&self, rows: usize, x: *const f32, y: *mut f32) {
        // SAFETY: as the caller's.
        unsafe {
            match rows {
                12 => self.rows::<V, 12, 1, FETCH>(x, y),
                7..12 => {
                    self.rows::<V, 6, 1, FETCH>(x, y);
                    let (x, y) = (x.add(6 * self.stride), y.add(6 * self.y_stride));
                    self.run_few::<V, FETCH>(rows - 6, x, y);
                }
                rows => self.run_few::<V, FETCH>(rows, x, y),
            }
        }
    }

    #[inline(always)]
    unsafe fn run_few<V: Lanes, const FETCH: bool>(&self, rows: usize, x: *const f32, y: *mut f32) {
        // SAFETY: as the caller's.
        unsafe {
            match rows {
                1 => self.rows::<V, 1, 4, FETCH>(x, y),
                2 => self.rows::<V, 2, 2, FETCH>(x, y),
                3 => self.rows::<V, 3, 2, FETCH>(x, y),
                4 => self.rows::<V, 4, 1, FETCH>(x, y),
                5 => self.rows::<V, 5, 1, FETCH>(x, y),
                _ => self.rows::<V, 6, 1, FETCH>(x, y),
            }
        }
    }

    /// `R` rows, `SIDE` inputs at a time in sums of their own.
    #[inline(always)]
    unsafe fn rows<V: Lanes, const R: usize, const SIDE: usize, const FETCH: bool>(
        &self,
        x: *const f32,
        y: *mut f32,
    ) {
        // SAFETY: the caller vouches for `R` rows of `x` and `y`; a panel has every input.
        unsafe {
            let mut sums = [[V::splat(0.0); R]; SIDE];
            for run in 0..self.runs {
                let x = x.add(run * self.apart);
                let w = self.w.add(run * self.run * self.input_step);
                let whole = self.run - self.run % SIDE;
                let mut i = 0;
                while i < whole {
                    let mut end = whole;
                    if FETCH {
                        end = whole.min(i + FETCHED);
                        for line in 0..self.fetched {
                            let line = i / FETCHED * self.fetched + line;
                            fetch(self.next.wrapping_add(line * LINE));
                        }
                    }
                    while i < end {
                        for (side, sums) in sums.iter_mut().enumerate() {
                            let w = W::load::<V>(w.add((i + side) * self.input_step));
                            for (r, sum) in sums.iter_mut().enumerate() {
                                let x = V::splat(*x.add(r * self.stride + i + side));
                                *sum = w.mul_add(x, *sum);
                            }
                        }
                        i += SIDE;
                    }
                }
                while i < self.run {
                    let w = W::load::<V>(w.add(i * self.input_step));
                    for (r, sum) in sums[0].iter_mut().enumerate() {
                        *sum = w.mul_add(V::splat(*x.add(r * self.stride + i)), *sum);
                    }
                    i += 1;
                }
            }
            for r in 0..R {
                let mut sum = sums[0][r];
                for more in &sums[1..] {
                    sum = sum.add(more[r]);
                }
                self.finish(sum, y.add(r * self.y_stride));
            }
        }
    }

    /// Adds a row's sums to what they start from.
    #[inline(always)]
    unsafe fn finish<V: Lanes>(&self, sum: V, y: *mut f32) {
        // SAFETY: `y` has `outs` floats left; a bias is as long as the matrix has outputs.
        unsafe {
            if self.outs == WIDTH {
                let sum = match self.start {
                    Start::Zero => sum,
                    Start::Bias(bias) => sum.add(V::load(bias.as_ptr().add(self.first))),
                    Start::Accumulate => sum.add(V::load(y)),
                };
                sum.store(y);
                return;
            }
            let mut sums = [0f32; WIDTH];
            sum.store(sums.as_mut_ptr());
            for (o, sum) in sums[..self.outs].iter().enumerate() {
                let start = match self.start {
                    Start::Zero => 0.0,
                    Start::Bias(bias) => bias[self.first + o],
                    Start::Accumulate => *y.add(o),
                };
                *y.add(o) = start + sum;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::noise;
    use super::*;

    /// Runs every form on one shape and holds it against the definition in f64.
    fn check(rows: usize, ins: usize, outs: usize, stride: usize, gap: usize) {
        check_runs(rows, (1, ins, 0), outs, stride, gap);
    }

    /// The same with rows of runs: how many, how long, how far apart.
    fn check_runs(
        rows: usize,
        (runs, run_length, apart): (usize, usize, usize),
        outs: usize,
        stride: usize,
        gap: usize,
    ) {
        let ins = runs * run_length;
        let row = (runs - 1) * apart + run_length;
        let x = noise(rows.saturating_sub(1) * stride + row, 1);
        let weights = noise(outs * ins, 2);
        let bias = noise(outs, 3);
        let w = PackedMatrix::new(outs, ins, &weights);
        let y_stride = outs + gap;
        let held = noise(rows * y_stride, 4);
        let exact = |r: usize, o: usize| -> f64 {
            let at = |i: usize| r * stride + i / run_length * apart + i % run_length;
            let products = (0..ins).map(|i| f64::from(weights[o * ins + i]) * f64::from(x[at(i)]));
            products.sum()
        };
        // The same matrix as it lies in memory, with room for whole panels.
        let wide = outs.next_multiple_of(WIDTH) + 3;
        let mut transposed = vec![f32::NAN; ins * wide];
        for i in 0..ins {
            for o in 0..outs {
                transposed[i * wide + o] = weights[o * ins + i];
            }
        }
        let unpacked = Unpacked {
            values: &transposed,
            outs,
            ins,
            stride: wide,
        };
        for form in Form::all() {
            for start in [Start::Zero, Start::Bias(&bias), Start::Accumulate] {
                let mut y = match start {
                    Start::Accumulate => held.clone(),
                    _ => vec![f32::NAN; rows * y_stride],
                };
                let left = Rows {
                    x: &x,
                    stride,
                    rows,
                    runs,
                    run: run_length,
                    apart,
                };
                let mut other = y.clone();
                run_packed(form, left, &w, start, &mut y, y_stride);
                run(form, left, unpacked.right(), start, &mut other, y_stride);
                let bits = |y: &[f32]| y.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
                assert_eq!(bits(&y), bits(&other), "packed or not is the same");
                for (at, got) in y.iter().enumerate() {
                    let (r, o) = (at / y_stride, at % y_stride);
                    let before = match start {
                        Start::Accumulate => held[at],
                        _ => f32::NAN,
                    };
                    if o >= outs {
                        assert_eq!(got.to_bits(), before.to_bits(), "a gap was written to");
                        continue;
                    }
                    let want = exact(r, o)
                        + f64::from(match start {
                            Start::Zero => 0.0,
                            Start::Bias(bias) => bias[o],
                            Start::Accumulate => before,
                        });
                    let error = (f64::from(*got) - want).abs();
                    // Rounding grows with the square root of the number of terms.
                    let allowed = 1e-6 * (1.0 + ins as f64).sqrt();
                    assert!(
                        error <= allowed,
                        "{form:?} {rows}x{ins}x{outs} stride {stride} {start:?}: {got} for {want}"
                    );
                }
            }
        }
    }

    #[test]
    fn every_form_agrees_with_the_definition_at_every_shape() {
        for rows in (0..=14).chain([25, 97, 193]) {
            for (ins, outs) in [(1, 1), (3, 16), (5, 17), (64, 15), (7, 40), (0, 3), (2, 0)] {
                check(rows, ins, outs, ins, 0);
            }
        }
        for (rows, ins, outs) in [(1, 720, 64), (13, 257, 33), (100, 513, 31), (6, 1000, 16)] {
            check(rows, ins, outs, ins, 0);
        }
    }

    #[test]
    fn weights_of_half_precision_give_the_same_in_half_the_memory() {
        let (ins, outs) = (600, 70);
        let halved: Vec<f32> = noise(outs * ins, 2)
            .iter()
            .map(|x| (x * 512.0).round() / 512.0)
            .collect();
        let w = PackedMatrix::new(outs, ins, &halved);
        assert_eq!(w.bytes(), 2 * 80 * ins);
        let mut uneven = halved.clone();
        uneven[5] += 1e-6;
        assert_eq!(PackedMatrix::new(outs, ins, &uneven).bytes(), 4 * 80 * ins);
        let full = PackedMatrix {
            panels: Panels::Full(match &w.panels {
                Panels::Half(panels) => panels.iter().map(|x| half::to_f32(*x)).collect(),
                Panels::Full(panels) => panels.clone(),
            }),
            ..w.clone()
        };
        for form in Form::all() {
            for rows in [1, 2, 5, 6, 7, 13, 100] {
                let x = noise(rows * ins, 1);
                let [y, want] = [&w, &full].map(|w| {
                    let mut y = vec![f32::NAN; rows * outs];
                    let x = Rows::joined(&x, ins, rows, ins);
                    run_packed(form, x, w, Start::Zero, &mut y, outs);
                    y
                });
                assert_eq!(y, want, "{form:?}, {rows} rows");
            }
        }
    }

    #[test]
    fn rows_may_overlap_lie_apart_and_leave_gaps() {
        for (stride, gap) in [(1, 0), (4, 5), (12, 0), (17, 3), (0, 1)] {
            for rows in [1, 5, 13, 100] {
                check(rows, 12, 21, stride, gap);
            }
        }
    }

    #[test]
    fn rows_may_come_in_runs() {
        for (runs, run, apart) in [
            (3, 4, 20),
            (11, 5, 5),
            (3, 300, 310),
            (2, 40, 0),
            (9, 100, 7),
        ] {
            for rows in [1, 3, 6, 12, 13, 100] {
                check_runs(rows, (runs, run, apart), 21, 4, 2);
            }
        }
    }

    #[test]
    fn a_slice_that_is_too_short_is_refused() {
        let w = PackedMatrix::new(3, 4, &[0.0; 12]);
        let refused = |x: usize, y: usize, bias: usize| {
            std::panic::catch_unwind(|| {
                let bias = vec![0.0; bias];
                matmul(
                    &vec![0.0; x],
                    2,
                    3,
                    &w,
                    Start::Bias(&bias),
                    &mut vec![0.0; y],
                );
            })
            .is_err()
        };
        assert!(!refused(8, 9, 3));
        assert!(refused(7, 9, 3));
        assert!(refused(8, 8, 3));
        assert!(refused(8, 9, 2));
    }
}
