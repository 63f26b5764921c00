//! Compute kernels: the one place for SIMD, FFI and `unsafe`. Each operation documents one
//! contract; `cpu/` holds its portable form and the forms chosen at run time.
//!
//! Real-time safe throughout: no allocation, lock or system call after the first call, which
//! reads the CPU's features once.

pub mod cpu;
