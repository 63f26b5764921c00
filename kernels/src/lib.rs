//! Compute kernels: the one place for SIMD, FFI and `unsafe`. Each operation documents one
//! contract; `cpu/` holds its portable form and the forms chosen at run time, `gpu/` that for NVIDIA
//! cards.
//!
//! What is in `cpu/` is real-time safe throughout: no allocation, lock or system call after the first
//! call, which reads the CPU's features once. What is in `gpu/` calls a driver, and is for threads that
//! may wait.

pub mod cpu;
pub mod gpu;
