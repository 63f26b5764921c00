//! Every kernel for cards against its definition or its twin for the CPU: on an emulator always, and on a
//! card where there is one (feature `gpu`). The emulator also finds races, reads of what nobody wrote and
//! whatever leaves its buffer.
//!
//! Sizes are odd, outputs hold what is no number beforehand, and what lies beside them must stay. With
//! `AUTOVOICE_REQUIRE_GPU` in the environment a test that finds no card fails.

mod activation;
mod attention;
mod attention_ring;
mod bigru;
mod conv1d;
mod conv2d;
mod elementwise;
mod fourier;
mod matmul;
mod matmul_ends;
mod norm;
mod pool;
mod recording;
mod recurrent;
mod resample;
mod running_norm;
mod separation;
mod signal;
mod streams;
mod support;
mod vocoder;
