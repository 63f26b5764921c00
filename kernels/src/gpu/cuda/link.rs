//! PTX as an image of machine code that can be kept, by the driver's linker.

use std::ffi::CStr;
use std::ptr::null_mut;

use cudarc::driver::DriverError;
use cudarc::driver::sys::{self, CUjitInputType, CUlinkState, CUresult};

/// A linker, which goes with what it made.
struct Linker(CUlinkState);

impl Drop for Linker {
    fn drop(&mut self) {
        // SAFETY: made by `cuLinkCreate` and destroyed here only. What fails here leaves memory behind, of
        // which nobody can make anything.
        let _ = unsafe { sys::cuLinkDestroy(self.0) };
    }
}

/// The image that the driver makes of PTX for the card of the thread's context.
pub(super) fn linked(ptx: &CStr) -> Result<Vec<u8>, DriverError> {
    let mut state = null_mut();
    // SAFETY: without options nothing is read; one handle is written to the place given.
    unsafe { sys::cuLinkCreate_v2(0, null_mut(), null_mut(), &raw mut state) }.result()?;
    let linker = Linker(state);
    let text = ptx.to_bytes_with_nul();
    // SAFETY: so many bytes of text, which end with 0, are read, and a name that ends with 0; none is
    // written, whatever the pointer's type says; there are no options.
    unsafe {
        sys::cuLinkAddData_v2(
            linker.0,
            CUjitInputType::CU_JIT_INPUT_PTX,
            text.as_ptr().cast_mut().cast(),
            text.len(),
            c"kernels.ptx".as_ptr(),
            0,
            null_mut(),
            null_mut(),
        )
    }
    .result()?;
    let (mut image, mut bytes) = (null_mut(), 0);
    // SAFETY: writes a pointer and a size to the places given.
    unsafe { sys::cuLinkComplete(linker.0, &raw mut image, &raw mut bytes) }.result()?;
    if image.is_null() {
        return Err(DriverError(CUresult::CUDA_ERROR_INVALID_IMAGE));
    }
    // SAFETY: so many bytes of the linker's, which lives until they are copied.
    Ok(unsafe { std::slice::from_raw_parts(image.cast::<u8>(), bytes) }.to_vec())
}
