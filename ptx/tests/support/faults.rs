//! Code that does what it must not, in a kernel around it, and next to it code that does not.

use autovoice_ptx::{Argument, Cause, Counts, Grid, LaunchError, Memory, Module, Order};

pub const ORDERS: [Order; 3] = [Order::Forward, Order::Backward, Order::Shuffled(7)];

/// A kernel around some code. `%x` is an address of 64 floats that are written, `%y` of 64 that
/// are not, `%t` the thread's number over all blocks, `%l` its number in the block, and `%xt`,
/// `%yt` the addresses of the thread's own floats. `s` are 64 floats of shared memory, `m` of
/// local memory.
pub fn text(code: &str) -> String {
    format!(
        ".version 8.2\n.target sm_80\n.address_size 64\n.const .f32 fixed = 0f3F800000;\n\
         .visible .entry k(.param .u64 px, .param .u64 py) {{\n\
         .shared .align 4 .b8 s[256];\n.shared .align 16 .b8 other[256];\n\
         .local .align 4 .b8 m[16];\n\
         .reg .b64 %x, %y, %xt, %yt, %d<4>; .reg .b32 %r<4>, %t, %l, %s<3>; .reg .f32 %f<4>;\n\
         .reg .pred %p<4>;\n\
         ld.param.u64 %x, [px]; ld.param.u64 %y, [py];\n\
         mov.u32 %l, %tid.x; mov.u32 %r0, %ctaid.x; mov.u32 %r1, %ntid.x;\n\
         mad.lo.u32 %t, %r0, %r1, %l; mul.wide.u32 %d0, %t, 4;\n\
         add.u64 %xt, %x, %d0; add.u64 %yt, %y, %d0;\n\
         mov.u32 %s0, s; mad.lo.u32 %s0, %l, 4, %s0; mov.f32 %f0, 0f3F800000;\n\
         {code}\n\
         ret;\n}}"
    )
}

pub fn grid(blocks: u32, threads: u32) -> Grid {
    let mut grid = Grid::new([blocks, 1, 1], [threads, 1, 1]);
    grid.step_limit = 10_000;
    grid
}

pub fn launch(code: &str, grid: &Grid) -> Result<Counts, LaunchError> {
    let text = text(code);
    let module = Module::parse(&text).unwrap_or_else(|error| panic!("{error}\n{code}"));
    let mut memory = Memory::new();
    let x = memory.allocate_filled(&[2.0_f32; 64]);
    let y = memory.allocate(4 * 64);
    module.launch(&mut memory, "k", grid, &[x, y].map(Argument::Address))
}

/// Checks that `wrong` is found and `right` passes, in every order.
pub fn check(
    (blocks, threads): (u32, u32),
    wrong: &str,
    right: &str,
    is_found: impl Fn(&Cause) -> bool,
) {
    for order in ORDERS {
        let mut grid = grid(blocks, threads);
        grid.order = order;
        let error = launch(wrong, &grid).expect_err(wrong);
        let is_found = error.cause().is_some_and(&is_found);
        assert!(is_found, "{wrong}: {error}");
        if let Err(error) = launch(right, &grid) {
            panic!("{right}: {error}");
        }
    }
}
