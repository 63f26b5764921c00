//! PTX read and run on a CPU: what tests hold GPU kernels against where there is no GPU.
//!
//! ```
//! use autovoice_ptx::{Argument, Grid, Memory, Module};
//!
//! let text = "
//!     .version 8.2
//!     .target sm_75
//!     .address_size 64
//!     .visible .entry twice(.param .u64 values) {
//!         .reg .f32 %f<2>;
//!         .reg .b32 %r<2>;
//!         .reg .b64 %rd<4>;
//!         ld.param.u64 %rd1, [values];
//!         cvta.to.global.u64 %rd2, %rd1;
//!         mov.u32 %r1, %tid.x;
//!         mul.wide.u32 %rd3, %r1, 4;
//!         add.s64 %rd2, %rd2, %rd3;
//!         ld.global.f32 %f1, [%rd2];
//!         add.f32 %f1, %f1, %f1;
//!         st.global.f32 [%rd2], %f1;
//!         ret;
//!     }";
//! let module = Module::parse(text)?;
//! let mut memory = Memory::new();
//! let values = memory.allocate_filled(&[1.0_f32, 2.5]);
//! let grid = Grid::new([1, 1, 1], [2, 1, 1]);
//! module.launch(&mut memory, "twice", &grid, &[Argument::Address(values)])?;
//! assert_eq!(memory.read::<f32>(values, 2)?, [2.0, 5.0]);
//!
//! // A third thread has no value.
//! let grid = Grid::new([1, 1, 1], [3, 1, 1]);
//! let error = module.launch(&mut memory, "twice", &grid, &[Argument::Address(values)]);
//! assert!(error.unwrap_err().to_string().contains("out of bounds"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Values are exact where PTX defines them; approximate instructions are computed in double
//! precision and rounded once. Beyond values it finds what a device would let pass now and then:
//! accesses out of bounds or misaligned, reads of what nobody wrote, races, barriers that some
//! threads never reach, lanes that do not meet, loops without an end.
//!
//! Threads run one by one, each until it must wait, in an order that the launch chooses
//! ([`Order`]). There are no warps in lockstep: code that relies on them is found.
//!
//! What is absent: textures, surfaces, clusters, recursion, indirect calls, and whatever else
//! [`Module::parse`] refuses. The memory of a device is weak; here it is in order, and races tell.

#![forbid(unsafe_code)]

mod arithmetic;
mod decode;
mod fault;
mod instruction;
mod memory;
mod module;
mod parse;
mod run;

pub use fault::{Cause, Fault, LaunchError, Place};
pub use memory::{Address, Memory, MemoryError, Value};
pub use module::{KernelInfo, Module, ParameterInfo};
pub use parse::ParseError;
pub use run::{Argument, Counts, Grid, Order};
