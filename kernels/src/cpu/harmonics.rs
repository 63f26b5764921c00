//! The sum of many harmonics of one tone: powers of the fundamental, each the last times the first,
//! in registers.

#[cfg(target_arch = "x86_64")]
use super::vector::{Avx2, Avx512};
use super::vector::{Form, Lanes, Plain, WIDTH};

/// The gain of one harmonic over a stretch: real and imaginary part at its beginning, then what
/// either changes by until its end.
pub type Glide = [f32; 4];

/// `y[n] += sum over k of the real part of (g[k] + n / N * c[k]) * (cos[n] + i sin[n])^(k + 1)`,
/// with `N` samples, `g` and `c` the two halves of `gains`. The error grows with the number of
/// harmonics, to about 5e-5 of the greatest amplitude with a thousand.
///
/// AVX-512, AVX2 with FMA or plain code, chosen at run time. Real-time safe.
///
/// # Panics
/// If `cos`, `sin` and `y` are not of one length.
pub fn harmonic_sum(cos: &[f32], sin: &[f32], gains: &[Glide], y: &mut [f32]) {
    run(Form::best(), cos, sin, gains, y);
}

fn run(form: Form, cos: &[f32], sin: &[f32], gains: &[Glide], y: &mut [f32]) {
    assert_eq!(cos.len(), y.len(), "one cosine per sample");
    assert_eq!(sin.len(), y.len(), "one sine per sample");
    let step = 1.0 / y.len() as f32;
    let parts = cos.chunks(WIDTH).zip(sin.chunks(WIDTH));
    for (part, ((cos, sin), y)) in parts.zip(y.chunks_mut(WIDTH)).enumerate() {
        let mut block = Block {
            cos: [0.0; WIDTH],
            sin: [0.0; WIDTH],
            share: std::array::from_fn(|n| step * (part * WIDTH + n) as f32),
            sum: [0.0; WIDTH],
        };
        block.cos[..y.len()].copy_from_slice(cos);
        block.sin[..y.len()].copy_from_slice(sin);
        // SAFETY: `form` is one the CPU has.
        unsafe {
            match form {
                Form::Plain => block.add::<Plain>(gains),
                #[cfg(target_arch = "x86_64")]
                Form::Avx2 => add_avx2(&mut block, gains),
                #[cfg(target_arch = "x86_64")]
                Form::Avx512 => add_avx512(&mut block, gains),
            }
        }
        y.iter_mut().zip(&block.sum).for_each(|(y, sum)| *y += sum);
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn add_avx2(block: &mut Block, gains: &[Glide]) {
    // SAFETY: as the caller's.
    unsafe { block.add::<Avx2>(gains) }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn add_avx512(block: &mut Block, gains: &[Glide]) {
    // SAFETY: as the caller's.
    unsafe { block.add::<Avx512>(gains) }
}

/// Sixteen samples.
struct Block {
    cos: [f32; WIDTH],
    sin: [f32; WIDTH],
    /// How far in the stretch each is, 0 to 1.
    share: [f32; WIDTH],
    sum: [f32; WIDTH],
}

impl Block {
    /// Fills `sum`.
    ///
    /// # Safety
    /// As [`Lanes`].
    #[inline(always)]
    unsafe fn add<V: Lanes>(&mut self, gains: &[Glide]) {
        // SAFETY: arrays hold sixteen floats; the rest is as the caller's.
        unsafe {
            let (cos, sin) = (V::load(self.cos.as_ptr()), V::load(self.sin.as_ptr()));
            let less_sin = V::splat(0.0).sub(sin);
            let (mut re, mut im) = (cos, sin);
            let (mut from, mut change) = (V::splat(0.0), V::splat(0.0));
            for [g_re, g_im, c_re, c_im] in gains {
                from = V::splat(*g_re).mul_add(re, from);
                from = V::splat(-*g_im).mul_add(im, from);
                change = V::splat(*c_re).mul_add(re, change);
                change = V::splat(-*c_im).mul_add(im, change);
                let next = cos.mul_add(re, less_sin.mul(im));
                im = cos.mul_add(im, sin.mul(re));
                re = next;
            }
            let share = V::load(self.share.as_ptr());
            share.mul_add(change, from).store(self.sum.as_mut_ptr());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::TAU;

    #[test]
    fn is_the_definition_in_every_form_and_at_every_length() {
        let value = |n: usize| ((n * 7919 + 13) % 1000) as f32 / 500.0 - 1.0;
        for (length, count) in [(480, 200), (480, 0), (1, 3), (37, 1), (480, 1_200)] {
            // A tone that glides.
            let turn = |n: usize| TAU * (0.0009 * n as f64 + 3e-7 * (n * n) as f64);
            let cos: Vec<f32> = (0..length).map(|n| turn(n).cos() as f32).collect();
            let sin: Vec<f32> = (0..length).map(|n| turn(n).sin() as f32).collect();
            let scale = 1.0 / (count.max(1) as f32).sqrt();
            let gains: Vec<Glide> = (0..count)
                .map(|k| std::array::from_fn(|part| scale * value(4 * k + part)))
                .collect();
            let before: Vec<f32> = (0..length).map(value).collect();
            for form in Form::all() {
                let mut y = before.clone();
                run(form, &cos, &sin, &gains, &mut y);
                for n in 0..length {
                    let share = n as f64 / length as f64;
                    let terms = gains.iter().enumerate().map(|(k, g)| {
                        let g = g.map(f64::from);
                        let (sin, cos) = ((k + 1) as f64 * turn(n)).sin_cos();
                        (g[0] + share * g[2]) * cos - (g[1] + share * g[3]) * sin
                    });
                    let want = f64::from(before[n]) + terms.sum::<f64>();
                    let error = (f64::from(y[n]) - want).abs();
                    assert!(error < 2e-4, "{form:?}, {length}, {count}, {n}: {error}");
                }
            }
        }
    }
}
