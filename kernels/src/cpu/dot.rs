//! The inner product of two slices.

/// Sum of `a[i] * b[i]`, `i` below the shorter length. Sums run side by side, so the rounding
/// differs from that of a plain loop, and between CPUs, by a few units in the last place.
///
/// AVX2 with FMA where the CPU has them, chosen at run time. Real-time safe.
#[must_use]
pub fn dot(a: &[f32], b: &[f32]) -> f32 {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the CPU has both features.
        return unsafe { dot_avx2(a, b) };
    }
    lanes::<8>(a, b, |sum, x, y| sum + x * y)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn dot_avx2(a: &[f32], b: &[f32]) -> f32 {
    // Four registers of eight hide the latency of the fused multiplication.
    lanes::<32>(a, b, |sum, x, y| x.mul_add(y, sum))
}

/// The sum in `N` lanes, in a form that compilers keep in vector registers. Inlined, so that it
/// takes on the features of its caller.
#[inline(always)]
fn lanes<const N: usize>(a: &[f32], b: &[f32], add: impl Fn(f32, f32, f32) -> f32) -> f32 {
    let length = a.len().min(b.len());
    let (a, b) = (a[..length].chunks_exact(N), b[..length].chunks_exact(N));
    let rest = a.remainder().iter().zip(b.remainder());
    let rest = rest.fold(0.0, |sum, (x, y)| add(sum, *x, *y));
    let mut sums = [0f32; N];
    for (x, y) in a.zip(b) {
        for lane in 0..N {
            sums[lane] = add(sums[lane], x[lane], y[lane]);
        }
    }
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_agrees_with_the_definition_at_every_length() {
        let value = |i: usize| ((i * 7919 % 1000) as f32 - 500.0) / 500.0;
        for length in (0..200).chain([1000, 1023]) {
            let a: Vec<f32> = (0..length).map(value).collect();
            let b: Vec<f32> = (0..length + 3).map(|i| value(i + 13)).collect();
            let exact: f64 = a
                .iter()
                .zip(&b)
                .map(|(x, y)| f64::from(*x) * f64::from(*y))
                .sum();
            let plain = lanes::<8>(&a, &b, |sum, x, y| sum + x * y);
            for (form, got) in [("chosen", dot(&a, &b)), ("plain", plain)] {
                assert!(
                    (f64::from(got) - exact).abs() < 1e-4,
                    "{form}, {length}: {got} for {exact}"
                );
            }
        }
    }
}
