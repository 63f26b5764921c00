//! Short discrete Fourier transforms of sixteen signals side by side, two real signals at a time
//! as real and imaginary part (Cooley & Tukey, 1965; decimation in frequency there, in time back,
//! so that nothing is put in order between).

use super::vector::Lanes;

/// Cosine and sine of `2 pi n / 32`, for `n` below 16.
const TURNS: [(f32, f32); 16] = [
    (1.0, 0.0),
    (0.980_785_25, 0.195_090_32),
    (0.923_879_5, 0.382_683_43),
    (0.831_469_6, 0.555_570_24),
    (0.707_106_77, 0.707_106_77),
    (0.555_570_24, 0.831_469_6),
    (0.382_683_43, 0.923_879_5),
    (0.195_090_32, 0.980_785_25),
    (0.0, 1.0),
    (-0.195_090_32, 0.980_785_25),
    (-0.382_683_43, 0.923_879_5),
    (-0.555_570_24, 0.831_469_6),
    (-0.707_106_77, 0.707_106_77),
    (-0.831_469_6, 0.555_570_24),
    (-0.923_879_5, 0.382_683_43),
    (-0.980_785_25, 0.195_090_32),
];

/// Where bin `bin` of `N` lies after [`forward`]: its bits in reverse order.
#[inline(always)]
pub(super) const fn place<const N: usize>(bin: usize) -> usize {
    bin.reverse_bits() >> (usize::BITS - N.trailing_zeros())
}

/// The transform of `re + i im`, `N` being 16 or 32; bin `k` at [`place`] of `k`.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
pub(super) unsafe fn forward<V: Lanes, const N: usize>(re: &mut [V; N], im: &mut [V; N]) {
    let mut half = N / 2;
    while 1 <= half {
        for j in 0..half {
            let (cos, sin) = TURNS[j * 16 / half];
            // SAFETY: as the caller's.
            unsafe {
                let (cos, sin) = (V::splat(cos), V::splat(sin));
                for a in (j..N).step_by(2 * half) {
                    let b = a + half;
                    let (x, y) = (re[a].sub(re[b]), im[a].sub(im[b]));
                    re[a] = re[a].add(re[b]);
                    im[a] = im[a].add(im[b]);
                    // Times cos - i sin.
                    (re[b], im[b]) = match j {
                        0 => (x, y),
                        _ => (sin.mul_add(y, x.mul(cos)), y.mul(cos).sub(sin.mul(x))),
                    };
                }
            }
        }
        half /= 2;
    }
}

/// `N` times the inverse of [`forward`].
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
pub(super) unsafe fn inverse<V: Lanes, const N: usize>(re: &mut [V; N], im: &mut [V; N]) {
    let mut half = 1;
    while half < N {
        for j in 0..half {
            let (cos, sin) = TURNS[j * 16 / half];
            // SAFETY: as the caller's.
            unsafe {
                let (cos, sin) = (V::splat(cos), V::splat(sin));
                for a in (j..N).step_by(2 * half) {
                    let b = a + half;
                    // Times cos + i sin.
                    let (x, y) = match j {
                        0 => (re[b], im[b]),
                        _ => (
                            re[b].mul(cos).sub(sin.mul(im[b])),
                            sin.mul_add(re[b], im[b].mul(cos)),
                        ),
                    };
                    (re[b], im[b]) = (re[a].sub(x), im[a].sub(y));
                    (re[a], im[a]) = (re[a].add(x), im[a].add(y));
                }
            }
        }
        half *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::super::vector::Plain;
    use super::*;

    fn value(lanes: Plain) -> f32 {
        let mut out = [0f32; 16];
        // SAFETY: the plain form runs anywhere.
        unsafe { lanes.store(out.as_mut_ptr()) };
        out[3]
    }

    fn check<const N: usize>() {
        let x = |n: usize| ((n * 37 + 11) % 23) as f32 / 23.0 - 0.4;
        let y = |n: usize| ((n * 53 + 5) % 29) as f32 / 29.0 - 0.6;
        // SAFETY: the plain form runs anywhere.
        unsafe {
            let mut re: [Plain; N] = std::array::from_fn(|n| Plain::splat(x(n)));
            let mut im: [Plain; N] = std::array::from_fn(|n| Plain::splat(y(n)));
            forward(&mut re, &mut im);
            for bin in 0..N {
                let mut want = (0f64, 0f64);
                for n in 0..N {
                    let turn = -std::f64::consts::TAU * (bin * n) as f64 / N as f64;
                    let (x, y) = (f64::from(x(n)), f64::from(y(n)));
                    want.0 += x * turn.cos() - y * turn.sin();
                    want.1 += x * turn.sin() + y * turn.cos();
                }
                let at = place::<N>(bin);
                assert!(
                    (f64::from(value(re[at])) - want.0).abs() < 5e-6,
                    "bin {bin}"
                );
                assert!(
                    (f64::from(value(im[at])) - want.1).abs() < 5e-6,
                    "bin {bin}"
                );
            }
            inverse(&mut re, &mut im);
            for n in 0..N {
                assert!((value(re[n]) / N as f32 - x(n)).abs() < 1e-6);
                assert!((value(im[n]) / N as f32 - y(n)).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn is_the_definition_there_and_back() {
        check::<16>();
        check::<32>();
    }
}
