//! Flushing denormal numbers to zero for the current thread.

/// While alive, the current thread's SSE (x86-64) or FP (aarch64) unit treats denormals as zero.
///
/// A decaying filter or reverb tail falls into denormals, which cost a hundred times a normal
/// operation on many CPUs. The previous mode is restored on drop, so a host's own setting
/// survives. On other architectures it does nothing. Real-time safe.
#[derive(Debug)]
pub struct FlushDenormals {
    previous: u64,
    // The control register belongs to the thread: the guard must not leave it.
    _thread_bound: std::marker::PhantomData<*const ()>,
}

impl FlushDenormals {
    /// Sets flush-to-zero and denormals-are-zero.
    #[must_use = "the mode ends when the guard is dropped"]
    pub fn new() -> Self {
        let previous = arch::read();
        arch::write(previous | arch::FLUSH);
        Self {
            previous,
            _thread_bound: std::marker::PhantomData,
        }
    }
}

impl Default for FlushDenormals {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for FlushDenormals {
    fn drop(&mut self) {
        arch::write(self.previous);
    }
}

#[cfg(target_arch = "x86_64")]
mod arch {
    use std::arch::asm;

    /// FTZ (bit 15) and DAZ (bit 6) of MXCSR; Intel SDM vol. 1, 10.2.3.
    pub const FLUSH: u64 = (1 << 15) | (1 << 6);

    pub fn read() -> u64 {
        let mut mxcsr = 0u32;
        // SAFETY: SSE is part of x86-64; stores four bytes into `mxcsr`.
        unsafe { asm!("stmxcsr [{}]", in(reg) &mut mxcsr, options(nostack, preserves_flags)) };
        u64::from(mxcsr)
    }

    pub fn write(value: u64) {
        let mxcsr = value as u32;
        // SAFETY: the value was read from MXCSR, with at most FTZ and DAZ added; both exist on
        // every x86-64, so no reserved bit is set.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &mxcsr, options(nostack, preserves_flags)) };
    }
}

#[cfg(target_arch = "aarch64")]
mod arch {
    use std::arch::asm;

    /// FZ (bit 24) of FPCR; Arm ARM, C5.2.8.
    pub const FLUSH: u64 = 1 << 24;

    pub fn read() -> u64 {
        let fpcr: u64;
        // SAFETY: reading FPCR has no side effect.
        unsafe { asm!("mrs {}, fpcr", out(reg) fpcr, options(nomem, nostack)) };
        fpcr
    }

    pub fn write(value: u64) {
        // SAFETY: the value was read from FPCR, with at most FZ added.
        unsafe { asm!("msr fpcr, {}", in(reg) value, options(nomem, nostack)) };
    }
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
mod arch {
    pub const FLUSH: u64 = 0;

    pub fn read() -> u64 {
        0
    }

    pub fn write(_: u64) {}
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;
    use std::hint::black_box;

    #[test]
    fn flushes_while_alive_and_restores_on_drop() {
        let halve = || black_box(f32::MIN_POSITIVE) * black_box(0.5);
        assert!(halve() > 0.0, "denormals are on by default");
        {
            let _guard = FlushDenormals::new();
            assert_eq!(halve(), 0.0);
        }
        assert!(halve() > 0.0, "the previous mode is back");
    }
}
