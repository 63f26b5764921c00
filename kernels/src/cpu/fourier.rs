//! Short discrete Fourier transforms of sixteen signals side by side, two real signals at a time
//! as real and imaginary part (Cooley & Tukey, 1965; decimation in frequency there, in time back,
//! so that nothing is put in order between).

use super::vector::Lanes;

/// Cosine and sine of `2 pi n / 32`, for `n` up to 21, three times the most of a quarter.
const TURNS: [(f32, f32); 22] = [
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
    (-1.0, 0.0),
    (-0.980_785_25, -0.195_090_32),
    (-0.923_879_5, -0.382_683_43),
    (-0.831_469_6, -0.555_570_24),
    (-0.707_106_77, -0.707_106_77),
    (-0.555_570_24, -0.831_469_6),
];

/// Where bin `bin` of `N` lies after [`forward`]: its bits in reverse order.
#[inline(always)]
pub(super) const fn place<const N: usize>(bin: usize) -> usize {
    bin.reverse_bits() >> (usize::BITS - N.trailing_zeros())
}

/// `(x + i y)` times `cos - i sin` of `2 pi n / 32`.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
unsafe fn turned<V: Lanes>((x, y): (V, V), n: usize) -> (V, V) {
    // SAFETY: as the caller's.
    unsafe {
        match n {
            0 => (x, y),
            _ => {
                let (cos, sin) = TURNS[n];
                let (cos, sin) = (V::splat(cos), V::splat(sin));
                (sin.mul_add(y, x.mul(cos)), y.mul(cos).sub(sin.mul(x)))
            }
        }
    }
}

/// `(x + i y)` times `cos + i sin` of `2 pi n / 32`.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
unsafe fn turned_back<V: Lanes>((x, y): (V, V), n: usize) -> (V, V) {
    // SAFETY: as the caller's.
    let (y, x) = unsafe { turned((y, x), n) };
    (x, y)
}

/// Two steps of radix 2 in one, over groups of `4 * quarter`.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
unsafe fn apart<V: Lanes, const N: usize, const QUARTER: usize>(re: &mut [V; N], im: &mut [V; N]) {
    for j in 0..QUARTER {
        // Of a whole turn in 32 parts.
        let n = j * 8 / QUARTER;
        for a in (j..N).step_by(4 * QUARTER) {
            let (b, c, d) = (a + QUARTER, a + 2 * QUARTER, a + 3 * QUARTER);
            // SAFETY: as the caller's.
            unsafe {
                let even = (re[a].add(re[c]), im[a].add(im[c]));
                let odd = (re[a].sub(re[c]), im[a].sub(im[c]));
                let other_even = (re[b].add(re[d]), im[b].add(im[d]));
                let (x, y) = (re[b].sub(re[d]), im[b].sub(im[d]));
                (re[a], im[a]) = (even.0.add(other_even.0), even.1.add(other_even.1));
                let rest = (even.0.sub(other_even.0), even.1.sub(other_even.1));
                (re[b], im[b]) = turned(rest, 2 * n);
                // Times -i: y - ix.
                (re[c], im[c]) = turned((odd.0.add(y), odd.1.sub(x)), n);
                (re[d], im[d]) = turned((odd.0.sub(y), odd.1.add(x)), 3 * n);
            }
        }
    }
}

/// [`apart`] undone, but for a factor of 4.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
unsafe fn together<V: Lanes, const N: usize, const QUARTER: usize>(
    re: &mut [V; N],
    im: &mut [V; N],
) {
    for j in 0..QUARTER {
        let n = j * 8 / QUARTER;
        for a in (j..N).step_by(4 * QUARTER) {
            let (b, c, d) = (a + QUARTER, a + 2 * QUARTER, a + 3 * QUARTER);
            // SAFETY: as the caller's.
            unsafe {
                let rest = turned_back((re[b], im[b]), 2 * n);
                let even = (re[a].add(rest.0), im[a].add(rest.1));
                let other_even = (re[a].sub(rest.0), im[a].sub(rest.1));
                let third = turned_back((re[c], im[c]), n);
                let fourth = turned_back((re[d], im[d]), 3 * n);
                let odd = (third.0.add(fourth.0), third.1.add(fourth.1));
                // Times i.
                let (x, y) = (fourth.1.sub(third.1), third.0.sub(fourth.0));
                (re[a], im[a]) = (even.0.add(odd.0), even.1.add(odd.1));
                (re[c], im[c]) = (even.0.sub(odd.0), even.1.sub(odd.1));
                (re[b], im[b]) = (other_even.0.add(x), other_even.1.add(y));
                (re[d], im[d]) = (other_even.0.sub(x), other_even.1.sub(y));
            }
        }
    }
}

/// One step of radix 2 over neighbours, there or back.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
unsafe fn neighbours<V: Lanes, const N: usize>(re: &mut [V; N], im: &mut [V; N]) {
    for a in (0..N).step_by(2) {
        // SAFETY: as the caller's.
        unsafe {
            (re[a], re[a + 1]) = (re[a].add(re[a + 1]), re[a].sub(re[a + 1]));
            (im[a], im[a + 1]) = (im[a].add(im[a + 1]), im[a].sub(im[a + 1]));
        }
    }
}

/// The transform of `re + i im`, `N` being 16 or 32; bin `k` at [`place`] of `k`.
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
pub(super) unsafe fn forward<V: Lanes, const N: usize>(re: &mut [V; N], im: &mut [V; N]) {
    // SAFETY: as the caller's.
    unsafe {
        match N {
            16 => {
                apart::<V, N, 4>(re, im);
                apart::<V, N, 1>(re, im);
            }
            _ => {
                apart::<V, N, 8>(re, im);
                apart::<V, N, 2>(re, im);
                neighbours(re, im);
            }
        }
    }
}

/// `N` times the inverse of [`forward`].
///
/// # Safety
/// As [`Lanes`].
#[inline(always)]
pub(super) unsafe fn inverse<V: Lanes, const N: usize>(re: &mut [V; N], im: &mut [V; N]) {
    // SAFETY: as the caller's.
    unsafe {
        match N {
            16 => {
                together::<V, N, 1>(re, im);
                together::<V, N, 4>(re, im);
            }
            _ => {
                neighbours(re, im);
                together::<V, N, 2>(re, im);
                together::<V, N, 8>(re, im);
            }
        }
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
