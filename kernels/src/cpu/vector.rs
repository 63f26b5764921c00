//! Sixteen floats side by side, in the registers of each instruction set. Kernels are written
//! once over [`Lanes`] and compiled once per form; a form is chosen at run time.

/// Floats in one [`Lanes`].
pub(super) const WIDTH: usize = 16;

/// Sixteen floats.
///
/// # Safety
/// Every method may be called only where the CPU has the features of the form, and is inlined
/// into a function that enables them; otherwise it is slow, not wrong.
pub(super) trait Lanes: Copy {
    /// Sixteen times `x`.
    unsafe fn splat(x: f32) -> Self;
    /// Sixteen floats from an address of any alignment.
    unsafe fn load(from: *const f32) -> Self;
    /// Sixteen floats of half precision (IEEE 754 binary16) from an address of any alignment.
    unsafe fn load_half(from: *const u16) -> Self;
    /// Sixteen floats to an address of any alignment.
    unsafe fn store(self, to: *mut f32);
    /// `self * x + sum`; rounded once where the form has a fused operation.
    unsafe fn mul_add(self, x: Self, sum: Self) -> Self;
    /// Lane by lane.
    unsafe fn add(self, other: Self) -> Self;
    /// Lane by lane.
    unsafe fn sub(self, other: Self) -> Self;
    /// Lane by lane.
    unsafe fn mul(self, other: Self) -> Self;
    /// The greater, lane by lane; `other` where `self` is no number.
    unsafe fn max(self, other: Self) -> Self;
}

/// Which form the CPU can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Any CPU.
    Plain,
    /// x86-64 with AVX2, FMA and F16C.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// x86-64 with AVX-512F.
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The name of the instructions that the kernels use on this CPU.
#[must_use]
pub fn instructions() -> &'static str {
    match Form::best() {
        Form::Plain => "plain",
        #[cfg(target_arch = "x86_64")]
        Form::Avx2 => "AVX2",
        #[cfg(target_arch = "x86_64")]
        Form::Avx512 => "AVX-512",
    }
}

impl Form {
    /// The fastest this CPU has. Real-time safe: the features are read once and kept.
    pub(super) fn best() -> Self {
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") {
                return Self::Avx512;
            }
            if has_avx2() {
                return Self::Avx2;
            }
        }
        Self::Plain
    }

    /// Every form this CPU can run.
    #[cfg(test)]
    pub(super) fn all() -> Vec<Self> {
        let mut all = vec![Self::Plain];
        #[cfg(target_arch = "x86_64")]
        {
            if has_avx2() {
                all.push(Self::Avx2);
            }
            if is_x86_feature_detected!("avx512f") {
                all.push(Self::Avx512);
            }
        }
        all
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("fma")
        && is_x86_feature_detected!("f16c")
}

/// Does `work`, compiled for the features of `form`: loops without branches become vector code.
///
/// `form` is one the CPU can run, as [`Form::best`] gives it.
#[inline(always)]
pub(super) fn on(form: Form, work: impl FnOnce()) {
    match form {
        Form::Plain => work(),
        // SAFETY: the CPU has the form's features.
        #[cfg(target_arch = "x86_64")]
        Form::Avx2 => unsafe { on_avx2(work) },
        // SAFETY: the CPU has the form's features.
        #[cfg(target_arch = "x86_64")]
        Form::Avx512 => unsafe { on_avx512(work) },
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma,f16c")]
fn on_avx2(work: impl FnOnce()) {
    work();
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn on_avx512(work: impl FnOnce()) {
    work();
}

/// For any CPU: what the compiler makes of arrays.
#[derive(Clone, Copy)]
pub(super) struct Plain([f32; WIDTH]);

impl Lanes for Plain {
    #[inline(always)]
    unsafe fn splat(x: f32) -> Self {
        Self([x; WIDTH])
    }

    #[inline(always)]
    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller vouches for sixteen floats; arrays of floats may be read unaligned.
        Self(unsafe { from.cast::<[f32; WIDTH]>().read_unaligned() })
    }

    #[inline(always)]
    unsafe fn load_half(from: *const u16) -> Self {
        // SAFETY: the caller vouches for sixteen values.
        let halves = unsafe { from.cast::<[u16; WIDTH]>().read_unaligned() };
        Self(halves.map(super::half::to_f32))
    }

    #[inline(always)]
    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as for `load`.
        unsafe { to.cast::<[f32; WIDTH]>().write_unaligned(self.0) }
    }

    #[inline(always)]
    unsafe fn mul_add(self, x: Self, sum: Self) -> Self {
        // Not fused: without the instruction that would be a library call per float.
        Self(std::array::from_fn(|i| self.0[i] * x.0[i] + sum.0[i]))
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]))
    }

    #[inline(always)]
    unsafe fn sub(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] - other.0[i]))
    }

    #[inline(always)]
    unsafe fn mul(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] * other.0[i]))
    }

    #[inline(always)]
    unsafe fn max(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| {
            if self.0[i] > other.0[i] {
                self.0[i]
            } else {
                other.0[i]
            }
        }))
    }
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{Avx2, Avx512};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use super::Lanes;
    use std::arch::x86_64::*;

    /// Two registers of AVX2.
    #[derive(Clone, Copy)]
    pub struct Avx2(__m256, __m256);

    // SAFETY of every block: the contract of the trait is that of the intrinsics.
    impl Lanes for Avx2 {
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            // SAFETY: AVX2 is there.
            let x = unsafe { _mm256_set1_ps(x) };
            Self(x, x)
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: AVX2 is there; the caller vouches for sixteen floats.
            unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
        }

        #[inline(always)]
        unsafe fn load_half(from: *const u16) -> Self {
            // SAFETY: F16C is there; the caller vouches for sixteen values.
            unsafe {
                Self(
                    _mm256_cvtph_ps(_mm_loadu_si128(from.cast())),
                    _mm256_cvtph_ps(_mm_loadu_si128(from.add(8).cast())),
                )
            }
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: AVX2 is there; the caller vouches for sixteen floats.
            unsafe {
                _mm256_storeu_ps(to, self.0);
                _mm256_storeu_ps(to.add(8), self.1);
            }
        }

        #[inline(always)]
        unsafe fn mul_add(self, x: Self, sum: Self) -> Self {
            // SAFETY: AVX2 and FMA are there.
            unsafe {
                Self(
                    _mm256_fmadd_ps(self.0, x.0, sum.0),
                    _mm256_fmadd_ps(self.1, x.1, sum.1),
                )
            }
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: AVX2 is there.
            unsafe {
                Self(
                    _mm256_add_ps(self.0, other.0),
                    _mm256_add_ps(self.1, other.1),
                )
            }
        }

        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            // SAFETY: AVX2 is there.
            unsafe {
                Self(
                    _mm256_sub_ps(self.0, other.0),
                    _mm256_sub_ps(self.1, other.1),
                )
            }
        }

        #[inline(always)]
        unsafe fn mul(self, other: Self) -> Self {
            // SAFETY: AVX2 is there.
            unsafe {
                Self(
                    _mm256_mul_ps(self.0, other.0),
                    _mm256_mul_ps(self.1, other.1),
                )
            }
        }

        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            // SAFETY: AVX2 is there.
            unsafe {
                Self(
                    _mm256_max_ps(self.0, other.0),
                    _mm256_max_ps(self.1, other.1),
                )
            }
        }
    }

    /// One register of AVX-512.
    #[derive(Clone, Copy)]
    pub struct Avx512(__m512);

    impl Lanes for Avx512 {
        #[inline(always)]
        unsafe fn splat(x: f32) -> Self {
            // SAFETY: AVX-512F is there.
            Self(unsafe { _mm512_set1_ps(x) })
        }

        #[inline(always)]
        unsafe fn load(from: *const f32) -> Self {
            // SAFETY: AVX-512F is there; the caller vouches for sixteen floats.
            Self(unsafe { _mm512_loadu_ps(from) })
        }

        #[inline(always)]
        unsafe fn load_half(from: *const u16) -> Self {
            // SAFETY: AVX-512F is there; the caller vouches for sixteen values.
            Self(unsafe { _mm512_cvtph_ps(_mm256_loadu_si256(from.cast())) })
        }

        #[inline(always)]
        unsafe fn store(self, to: *mut f32) {
            // SAFETY: AVX-512F is there; the caller vouches for sixteen floats.
            unsafe { _mm512_storeu_ps(to, self.0) }
        }

        #[inline(always)]
        unsafe fn mul_add(self, x: Self, sum: Self) -> Self {
            // SAFETY: AVX-512F is there.
            Self(unsafe { _mm512_fmadd_ps(self.0, x.0, sum.0) })
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: AVX-512F is there.
            Self(unsafe { _mm512_add_ps(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn sub(self, other: Self) -> Self {
            // SAFETY: AVX-512F is there.
            Self(unsafe { _mm512_sub_ps(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn mul(self, other: Self) -> Self {
            // SAFETY: AVX-512F is there.
            Self(unsafe { _mm512_mul_ps(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn max(self, other: Self) -> Self {
            // SAFETY: AVX-512F is there.
            Self(unsafe { _mm512_max_ps(self.0, other.0) })
        }
    }
}
