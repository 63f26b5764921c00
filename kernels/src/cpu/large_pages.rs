//! Memory for weights, in large pages where the system has them: a network reads all of its
//! weights with every step, and looking up where each 4 KiB of them lie costs a twentieth of it.

use std::sync::Arc;

/// A copy of `values` to be shared. Allocates.
pub(super) fn shared<T: Copy>(values: &[T]) -> Arc<[T]> {
    let mut copy = Arc::new_uninit_slice(values.len());
    let places = Arc::get_mut(&mut copy).expect("nobody else has it yet");
    // Before anything is written there: that is when pages come into being.
    advise(places.as_ptr().cast(), size_of_val(places));
    for (place, value) in places.iter_mut().zip(values) {
        place.write(*value);
    }
    // SAFETY: every place was written to.
    unsafe { copy.assume_init() }
}

/// Asks for large pages. What the system makes of it shows in the speed alone.
#[cfg(target_os = "linux")]
fn advise(from: *const u8, bytes: usize) {
    /// Of a large page on x86-64 and most others.
    const LARGE: usize = 2 << 20;
    const PAGE: usize = 4 << 10;
    if bytes < LARGE / 8 {
        return;
    }
    // To whole pages: what else lies there may as well have large ones.
    let skipped = from.addr() % PAGE;
    let from = from.wrapping_sub(skipped).cast_mut().cast();
    // SAFETY: advice of this kind changes nothing that a program can see; a range that is not
    // the program's is refused.
    unsafe {
        libc::madvise(
            from,
            (skipped + bytes).next_multiple_of(PAGE),
            libc::MADV_HUGEPAGE,
        );
    }
}

#[cfg(not(target_os = "linux"))]
fn advise(_: *const u8, _: usize) {}
