//! Squared distances of a few rows to many vectors: the search for nearest neighbours.
//!
//! Differences are squared and added up as they are, not taken from norms and inner products:
//! that would lose the digits of near neighbours, which weigh most. Vectors are read where they
//! lie, once for all rows, so that those of a mapped file need no copy.

#[cfg(target_arch = "x86_64")]
use super::vector::{Avx2, Avx512};
use super::vector::{Form, Lanes, Plain, WIDTH};

/// `y[r * count + v] = sum over i of (x[r, i] - vectors[v, i])^2`, for row-major `x [rows, dim]`
/// and `vectors [count, dim]`. Sums run in another order on other CPUs and counts: results differ
/// by rounding.
///
/// AVX-512, AVX2 with FMA or plain code, chosen at run time. Real-time safe.
///
/// # Panics
/// If `dim` is 0, `x` or `vectors` hold no whole number of rows, or `y` not `rows * count` values.
pub fn squared_distances(x: &[f32], vectors: &[f32], dim: usize, y: &mut [f32]) {
    run(Form::best(), x, vectors, dim, y);
}

fn run(form: Form, x: &[f32], vectors: &[f32], dim: usize, y: &mut [f32]) {
    assert!(0 < dim, "rows have values");
    assert!(x.len().is_multiple_of(dim), "x has whole rows");
    assert!(
        vectors.len().is_multiple_of(dim),
        "vectors have whole rows, too"
    );
    let job = Job {
        rows: x.len() / dim,
        count: vectors.len() / dim,
        dim,
        x: x.as_ptr(),
        vectors: vectors.as_ptr(),
        y: y.as_mut_ptr(),
    };
    assert_eq!(
        Some(y.len()),
        job.rows.checked_mul(job.count),
        "one distance for each row and vector"
    );
    // SAFETY: lengths are checked above; `form` is one the CPU has.
    unsafe {
        match form {
            Form::Plain => job.all::<Plain, 2, 2>(),
            #[cfg(target_arch = "x86_64")]
            Form::Avx2 => all_avx2(job),
            #[cfg(target_arch = "x86_64")]
            Form::Avx512 => all_avx512(job),
        }
    }
}

// Two rows by two vectors fill AVX2's 16 registers, four by four those of AVX-512.

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn all_avx2(job: Job) {
    // SAFETY: as the caller's.
    unsafe { job.all::<Avx2, 2, 2>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn all_avx512(job: Job) {
    // SAFETY: as the caller's.
    unsafe { job.all::<Avx512, 4, 4>() }
}

/// What is to be done: `x [rows, dim]`, `vectors [count, dim]`, `y [rows, count]`.
#[derive(Clone, Copy)]
struct Job {
    rows: usize,
    count: usize,
    dim: usize,
    x: *const f32,
    vectors: *const f32,
    y: *mut f32,
}

impl Job {
    /// In tiles of `R` rows by `N` vectors. The rows stay in a cache while the vectors go by.
    ///
    /// # Safety
    /// The pointers reach as far as the sizes say, and the CPU has the features of `V`.
    #[inline(always)]
    unsafe fn all<V: Lanes, const R: usize, const N: usize>(self) {
        let mut v = 0;
        // SAFETY: `v + N` and `v + 1` are at most `count`.
        unsafe {
            while v + N <= self.count {
                self.column::<V, R, N>(v);
                v += N;
            }
            while v < self.count {
                self.column::<V, R, 1>(v);
                v += 1;
            }
        }
    }

    /// Every row to the `N` vectors from `v` on.
    #[inline(always)]
    unsafe fn column<V: Lanes, const R: usize, const N: usize>(self, v: usize) {
        let mut r = 0;
        // SAFETY: `r + R` and `r + 1` are at most `rows`.
        unsafe {
            while r + R <= self.rows {
                self.tile::<V, R, N>(r, v);
                r += R;
            }
            while r < self.rows {
                self.tile::<V, 1, N>(r, v);
                r += 1;
            }
        }
    }

    #[inline(always)]
    unsafe fn tile<V: Lanes, const R: usize, const N: usize>(self, r: usize, v: usize) {
        // SAFETY: the caller vouches for `R` rows from `r` and `N` vectors from `v` on, each of
        // `dim` values.
        unsafe {
            let x = self.x.add(r * self.dim);
            let vectors = self.vectors.add(v * self.dim);
            let mut sums = [[V::splat(0.0); N]; R];
            let whole = self.dim - self.dim % WIDTH;
            let mut i = 0;
            while i < whole {
                let mut there = [V::splat(0.0); N];
                for (n, there) in there.iter_mut().enumerate() {
                    *there = V::load(vectors.add(n * self.dim + i));
                }
                for (row, sums) in sums.iter_mut().enumerate() {
                    let here = V::load(x.add(row * self.dim + i));
                    for (sum, there) in sums.iter_mut().zip(there) {
                        let apart = here.sub(there);
                        *sum = apart.mul_add(apart, *sum);
                    }
                }
                i += WIDTH;
            }
            for (row, sums) in sums.iter().enumerate() {
                for (n, sum) in sums.iter().enumerate() {
                    let mut total = across(*sum);
                    for i in whole..self.dim {
                        let apart = *x.add(row * self.dim + i) - *vectors.add(n * self.dim + i);
                        total += apart * apart;
                    }
                    *self.y.add((r + row) * self.count + v + n) = total;
                }
            }
        }
    }
}

/// The sum of all lanes, by halves: that rounds least, and the compiler keeps it in registers.
///
/// # Safety
/// As for the methods of [`Lanes`].
#[inline(always)]
unsafe fn across<V: Lanes>(sums: V) -> f32 {
    let mut lanes = [0f32; WIDTH];
    // SAFETY: there is room for sixteen floats.
    unsafe { sums.store(lanes.as_mut_ptr()) };
    let eight: [f32; 8] = std::array::from_fn(|i| lanes[i] + lanes[i + 8]);
    let four: [f32; 4] = std::array::from_fn(|i| eight[i] + eight[i + 4]);
    (four[0] + four[2]) + (four[1] + four[3])
}

#[cfg(test)]
mod tests {
    use super::super::testing::noise;
    use super::*;

    #[test]
    fn every_form_agrees_with_the_definition_at_every_shape() {
        for rows in [0, 1, 2, 3, 4, 5, 9] {
            for count in [0, 1, 2, 3, 4, 6, 11] {
                for dim in [1, 15, 16, 17, 40, 256] {
                    let (x, vectors) = (noise(rows * dim, 1), noise(count * dim, 2));
                    for form in Form::all() {
                        let mut y = vec![f32::NAN; rows * count];
                        run(form, &x, &vectors, dim, &mut y);
                        for (at, got) in y.iter().enumerate() {
                            let here = &x[at / count * dim..][..dim];
                            let there = &vectors[at % count * dim..][..dim];
                            let squares = here.iter().zip(there);
                            let squares =
                                squares.map(|(a, b)| (f64::from(*a) - f64::from(*b)).powi(2));
                            let want: f64 = squares.sum();
                            assert!(
                                (f64::from(*got) - want).abs() <= 1e-6 * want,
                                "{form:?}, {rows} rows, {count} vectors of {dim}: {got} for {want}"
                            );
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn near_neighbours_keep_their_digits() {
        let far = vec![1000.0f32; 64];
        let near: Vec<f32> = far.iter().map(|x| x + 0.5).collect();
        let mut y = [0.0, 0.0];
        squared_distances(&far, &[&near[..], &far].concat(), 64, &mut y);
        assert_eq!(y, [16.0, 0.0]);
    }

    #[test]
    fn slices_of_other_lengths_are_refused() {
        let refused = |x: usize, vectors: usize, dim: usize, y: usize| {
            let (x, vectors, mut y) = (vec![0.0; x], vec![0.0; vectors], vec![0.0; y]);
            std::panic::catch_unwind(move || squared_distances(&x, &vectors, dim, &mut y)).is_err()
        };
        assert!(!refused(6, 9, 3, 6));
        for (x, vectors, dim, y) in [
            (5, 9, 3, 6),
            (6, 8, 3, 6),
            (6, 9, 3, 5),
            (6, 9, 3, 7),
            (0, 0, 0, 0),
        ] {
            assert!(refused(x, vectors, dim, y), "{x} {vectors} {dim} {y}");
        }
    }
}
