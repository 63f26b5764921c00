//! A product in tiles that stay in registers, block by block.

#[cfg(target_arch = "x86_64")]
use super::super::vector::{Avx2, Avx512};
use super::super::vector::{Form, Lanes, Plain, WIDTH};
use super::right::{Right, Weight};
use super::{Rows, Start};

/// Inputs worked on at a time: a panel of so many (16 KiB) stays in the first cache.
const DEPTH: usize = 256;
/// Rows worked on at a time: their share of inputs (96 KiB) stays in the second cache.
const HEIGHT: usize = 96;

/// [`super::matmul`] with any right side, into rows of `y` that are `y_stride` apart.
///
/// # Panics
/// As there.
pub(super) fn run<W: Weight>(
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
                    true => w.fetched.bytes / LINE * run / w.ins,
                    false => 0,
                };
                let share = lines / tiles * LINE;
                for panel in 0..w.outs.div_ceil(WIDTH) {
                    let input = first * x.run + from;
                    let at = panel * w.panel_step + input * w.input_step;
                    let next = w.values.wrapping_add(at + w.panel_step);
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
                        next: next.wrapping_byte_add(w.fetched.from).cast(),
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
