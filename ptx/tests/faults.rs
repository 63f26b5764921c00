//! Everything that a kernel must not do, and next to it what it may.

use autovoice_ptx::{
    Address, Argument, Cause, Counts, Grid, LaunchError, Memory, MemoryError, Module, Order,
};

const ORDERS: [Order; 3] = [Order::Forward, Order::Backward, Order::Shuffled(7)];

/// A kernel around some code. `%x` is an address of 64 floats that are written, `%y` of 64 that
/// are not, `%t` the thread's number over all blocks, `%l` its number in the block, and `%xt`,
/// `%yt` the addresses of the thread's own floats. `s` are 64 floats of shared memory, `m` of
/// local memory.
fn text(code: &str) -> String {
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

fn grid(blocks: u32, threads: u32) -> Grid {
    let mut grid = Grid::new([blocks, 1, 1], [threads, 1, 1]);
    grid.step_limit = 10_000;
    grid
}

fn launch(code: &str, grid: &Grid) -> Result<Counts, LaunchError> {
    let text = text(code);
    let module = Module::parse(&text).unwrap_or_else(|error| panic!("{error}\n{code}"));
    let mut memory = Memory::new();
    let x = memory.allocate_filled(&[2.0_f32; 64]);
    let y = memory.allocate(4 * 64);
    module.launch(&mut memory, "k", grid, &[x, y].map(Argument::Address))
}

/// Checks that `wrong` is found and `right` passes, in every order.
fn check(
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

#[test]
fn accesses_out_of_bounds() {
    let is_found = |cause: &Cause| matches!(cause, Cause::OutOfBounds { .. });
    let table = [
        (
            "ld.global.f32 %f1, [%x+256];",
            "ld.global.f32 %f1, [%x+252];",
        ),
        ("ld.global.f32 %f1, [%x+-4];", "ld.global.f32 %f1, [%x+0];"),
        (
            "ld.global.v4.f32 {%f1, %f2, %f3, _}, [%x+256];",
            "ld.global.v4.f32 {%f1, %f2, %f3, _}, [%x+240];",
        ),
        ("st.global.u8 [%y+256], %t;", "st.global.u8 [%y+255], %t;"),
        (
            "mov.u64 %d1, 0; ld.global.f32 %f1, [%d1];",
            "mov.u64 %d1, %x; ld.global.f32 %f1, [%d1];",
        ),
        ("ld.f32 %f1, [%x+1073741824];", "ld.f32 %f1, [%x+128];"),
        ("st.shared.f32 [s+256], %f0;", "st.shared.f32 [s+252], %f0;"),
        // From one variable one cannot come to the other.
        (
            "st.shared.f32 [s+320], %f0;",
            "st.shared.f32 [other+64], %f0;",
        ),
        ("st.shared.f32 [0], %f0;", "st.shared.f32 [s], %f0;"),
        ("st.local.f32 [m+16], %f0;", "st.local.f32 [m+12], %f0;"),
        ("ld.param.u64 %d1, [px+16];", "ld.param.u64 %d1, [px+8];"),
        // A generic address is none of shared memory, and the other way around.
        (
            "cvta.shared.u64 %d1, s; ld.global.f32 %f1, [%d1];",
            "cvta.shared.u64 %d1, s; st.f32 [%d1], %f0; ld.f32 %f1, [%d1];",
        ),
        (
            "cvta.to.shared.u64 %d1, %x; ld.shared.f32 %f1, [%d1];",
            "cvta.shared.u64 %d1, s; cvta.to.shared.u64 %d1, %d1; st.shared.f32 [%d1], %f0;",
        ),
        (
            "cvta.local.u64 %d1, m; st.f32 [%d1+16], %f0;",
            "cvta.local.u64 %d1, m; st.f32 [%d1+4], %f0;",
        ),
        (
            "atom.global.add.f32 %f1, [%x+256], %f0;",
            "atom.global.add.f32 %f1, [%x], %f0;",
        ),
        (
            "mov.u32 %s1, s; cp.async.ca.shared.global [%s1], [%x+256], 4;",
            "mov.u32 %s1, s; cp.async.ca.shared.global [%s1], [%x], 4;",
        ),
    ];
    for (wrong, right) in table {
        check((1, 1), wrong, right, is_found);
    }
}

#[test]
fn accesses_that_are_misaligned() {
    let is_found = |cause: &Cause| matches!(cause, Cause::Misaligned { .. });
    let table = [
        ("ld.global.f32 %f1, [%x+2];", "ld.global.f32 %f1, [%x+4];"),
        (
            "ld.global.v2.f32 {%f1, %f2}, [%x+4];",
            "ld.global.v2.f32 {%f1, %f2}, [%x+8];",
        ),
        ("st.global.u16 [%y+1], %t;", "st.global.u16 [%y+2], %t;"),
        // Aligned to 4 bytes, as it says, and no better.
        (
            "st.shared.v2.f32 [s], {%f0, %f0};",
            "st.shared.v2.f32 [other], {%f0, %f0};",
        ),
        ("st.local.u16 [m+3], %t;", "st.local.u16 [m+2], %t;"),
        (
            "atom.shared.add.u32 %r2, [s+2], 1;",
            "st.shared.u32 [s], 0; atom.shared.add.u32 %r2, [s], 1;",
        ),
        ("ld.param.u64 %d1, [px+4];", "ld.param.u32 %r2, [px+4];"),
    ];
    for (wrong, right) in table {
        check((1, 1), wrong, right, is_found);
    }
}

#[test]
fn reads_of_what_nobody_wrote() {
    let is_found = |cause: &Cause| matches!(cause, Cause::Unwritten { .. });
    let table = [
        (
            "ld.global.f32 %f1, [%yt];",
            "st.global.f32 [%yt], %f0; ld.global.f32 %f1, [%yt];",
        ),
        (
            "st.global.u16 [%yt], %t; ld.global.u32 %r2, [%yt];",
            "st.global.u16 [%yt], %t; st.global.u16 [%yt+2], %t; ld.global.u32 %r2, [%yt];",
        ),
        (
            "atom.global.add.u32 %r2, [%yt], 1;",
            "atom.global.add.u32 %r2, [%xt], 1;",
        ),
        (
            "ld.shared.f32 %f1, [%s0];",
            "st.shared.f32 [%s0], %f0; ld.shared.f32 %f1, [%s0];",
        ),
        (
            "ld.local.f32 %f1, [m+4];",
            "st.local.f32 [m+4], %f0; ld.local.f32 %f1, [m+4];",
        ),
        (
            "add.u64 %d1, %yt, 0; cp.async.ca.shared.global [%s0], [%d1], 4;",
            "cp.async.ca.shared.global [%s0], [%xt], 4;",
        ),
    ];
    for (wrong, right) in table {
        check((1, 4), wrong, right, is_found);
    }
    // Shared and local memory of the next block hold nothing of the last.
    let code = "setp.eq.u32 %p1, %r0, 0; @%p1 st.shared.f32 [%s0], %f0; ld.shared.f32 %f1, [%s0];";
    assert!(matches!(
        launch(code, &grid(2, 1)).unwrap_err().cause(),
        Some(Cause::Unwritten { .. })
    ));
    let code = "setp.eq.u32 %p1, %r0, 0; @%p1 st.local.f32 [m], %f0; ld.local.f32 %f1, [m];";
    assert!(matches!(
        launch(code, &grid(2, 1)).unwrap_err().cause(),
        Some(Cause::Unwritten { .. })
    ));
}

#[test]
fn races_within_a_block() {
    let is_found = |cause: &Cause| matches!(cause, Cause::Race { .. });
    let neighbour = "xor.b32 %s1, %l, 1; mov.u32 %s2, s; mad.lo.u32 %s1, %s1, 4, %s2;";
    let table = [
        // All write one place.
        ("st.shared.f32 [s], %f0;".to_owned(), "st.shared.f32 [%s0], %f0;".to_owned()),
        // Of one another they read what they wrote, after a barrier alone.
        (
            format!("st.shared.f32 [%s0], %f0; bar.sync 0; {neighbour} ld.shared.f32 %f1, [%s1]; st.shared.f32 [%s0], %f1;"),
            format!("st.shared.f32 [%s0], %f0; bar.sync 0; {neighbour} ld.shared.f32 %f1, [%s1]; bar.sync 0; st.shared.f32 [%s0], %f1;"),
        ),
        // A warp orders its own lanes, not those of others.
        (
            "st.shared.f32 [%s0], %f0; bar.warp.sync -1; mov.u32 %s1, 63; sub.u32 %s1, %s1, %l; mov.u32 %s2, s; mad.lo.u32 %s1, %s1, 4, %s2; st.shared.f32 [%s1], %f0;".to_owned(),
            format!("st.shared.f32 [%s0], %f0; bar.warp.sync -1; {neighbour} ld.shared.f32 %f1, [%s1]; bar.warp.sync -1; st.shared.f32 [%s0], %f1;"),
        ),
        // Bytes are places of their own.
        (
            "mov.u32 %s1, s; shr.u32 %s2, %l, 1; add.u32 %s1, %s1, %s2; st.shared.u8 [%s1], %l;".to_owned(),
            "mov.u32 %s1, s; add.u32 %s1, %s1, %l; st.shared.u8 [%s1], %l;".to_owned(),
        ),
        // Plain and atomic.
        (
            "setp.eq.u32 %p1, %l, 0; @%p1 st.shared.u32 [s], 0; @!%p1 red.shared.max.u32 [s], 1;".to_owned(),
            "setp.eq.u32 %p1, %l, 0; @%p1 st.shared.u32 [s], 0; bar.sync 0; red.shared.max.u32 [s], 1; bar.sync 0; ld.shared.u32 %r2, [s];".to_owned(),
        ),
        // In global memory, too.
        (
            "st.global.f32 [%y], %f0;".to_owned(),
            "setp.eq.u32 %p1, %l, 0; @%p1 st.global.f32 [%y], %f0; bar.sync 0; ld.global.f32 %f1, [%y]; bar.sync 0; setp.eq.u32 %p1, %l, 5; @%p1 st.global.f32 [%y], %f0;".to_owned(),
        ),
        // Many read, and one of another warp writes.
        (
            "ld.global.f32 %f1, [%x]; setp.eq.u32 %p1, %l, 40; @%p1 st.global.f32 [%x], %f0;".to_owned(),
            "ld.global.f32 %f1, [%x]; bar.sync 0; setp.eq.u32 %p1, %l, 40; @%p1 st.global.f32 [%x], %f0;".to_owned(),
        ),
        // Copies write when they land.
        (
            format!("cp.async.ca.shared.global [%s0], [%xt], 4; cp.async.wait_all; {neighbour} ld.shared.f32 %f1, [%s1];"),
            format!("cp.async.ca.shared.global [%s0], [%xt], 4; cp.async.wait_all; bar.sync 0; {neighbour} ld.shared.f32 %f1, [%s1];"),
        ),
    ];
    for (wrong, right) in table {
        // A thread that reads before the other wrote finds nothing there.
        check((1, 64), &wrong, &right, |cause| {
            is_found(cause)
                || (wrong.contains("xor")
                    && matches!(cause, Cause::Unwritten { .. } | Cause::UnderWay { .. }))
                || (wrong.contains("red") && matches!(cause, Cause::Unwritten { .. }))
        });
    }
}

#[test]
fn races_between_blocks() {
    let is_found = |cause: &Cause| matches!(cause, Cause::Race { .. });
    let table = [
        ("st.global.f32 [%y], %f0;", "st.global.f32 [%yt], %f0;"),
        (
            "ld.global.f32 %f1, [%x]; setp.eq.u32 %p1, %r0, 1; @%p1 st.global.f32 [%x], %f0;",
            "ld.global.f32 %f1, [%x]; st.global.f32 [%yt], %f1;",
        ),
        // A barrier orders no other block.
        (
            "ld.global.f32 %f1, [%x+4]; bar.sync 0; st.global.f32 [%xt], %f0;",
            "bar.sync 0; red.global.add.f32 [%x], %f0;",
        ),
        (
            "red.global.add.f32 [%x], %f0; ld.global.f32 %f1, [%x];",
            "red.global.add.f32 [%x], %f0; ld.volatile.global.f32 %f1, [%x];",
        ),
        (
            "atom.global.exch.b32 %r2, [%x], 0; st.global.f32 [%x], %f0;",
            "atom.global.exch.b32 %r2, [%x], 0; st.relaxed.gpu.global.f32 [%x], %f0;",
        ),
    ];
    for (wrong, right) in table {
        check((3, 2), wrong, right, is_found);
    }
}

#[test]
fn a_place_told_with_a_fence_is_ordered() {
    // Thread 0 of a block writes a value, then counts; the block that counts last reads them all.
    let with = |before: &str, after: &str| {
        format!(
            "setp.ne.u32 %p0, %l, 0; @%p0 exit; mul.wide.u32 %d1, %r0, 4; add.u64 %d1, %y, %d1;\n\
             st.global.f32 [%d1], %f0; {before} atom.global.add.u32 %r2, [%x], 1; {after}\n\
             setp.ne.u32 %p1, %r2, 1073741826; @%p1 exit;\n\
             ld.global.f32 %f1, [%y]; ld.global.f32 %f2, [%y+4]; ld.global.f32 %f3, [%y+8];"
        )
    };
    let right = with("membar.gl;", "fence.acq_rel.gpu;");
    for (before, after) in [
        ("", ""),
        ("membar.gl;", ""),
        ("", "membar.gl;"),
        ("membar.cta;", "membar.cta;"),
    ] {
        check((3, 2), &with(before, after), &right, |cause| {
            matches!(cause, Cause::Race { .. })
        });
    }
}

#[test]
fn barriers_that_some_never_reach() {
    let is_found = |cause: &Cause| matches!(cause, Cause::Barrier { .. });
    let table = [
        (
            "setp.eq.u32 %p1, %l, 3; @%p1 exit; bar.sync 0;",
            "bar.sync 0; setp.eq.u32 %p1, %l, 3; @%p1 exit;",
        ),
        (
            "setp.lt.u32 %p1, %l, 32; @%p1 bar.sync 0; @!%p1 bar.sync 1;",
            "setp.lt.u32 %p1, %l, 32; @%p1 bar.sync 0; @!%p1 bar.sync 0;",
        ),
        // Threads of a warp at different instructions.
        (
            "setp.lt.u32 %p1, %l, 3; @%p1 bar.sync 0; @!%p1 bar.sync 0;",
            "setp.lt.u32 %p1, %l, 3; @%p1 barrier.sync 0; @!%p1 barrier.sync 0;",
        ),
        (
            "setp.lt.u32 %p1, %l, 32; @%p1 bar.sync 1, 64;",
            "setp.lt.u32 %p1, %l, 32; @%p1 bar.sync 1, 32;",
        ),
        (
            "setp.lt.u32 %p1, %l, 32; @%p1 bar.sync 1, 32; @!%p1 bar.sync 1, 64;",
            "setp.lt.u32 %p1, %l, 32; @%p1 bar.sync 1, 32; @!%p1 bar.sync 2, 32;",
        ),
    ];
    for (wrong, right) in table {
        check((1, 64), wrong, right, is_found);
    }
    check((1, 64), "bar.sync 16;", "bar.sync 15;", |cause| {
        matches!(cause, Cause::Operand { .. })
    });
    check((1, 64), "bar.sync 0, 20;", "bar.sync 0, 64;", |cause| {
        matches!(cause, Cause::Operand { .. })
    });
}

#[test]
fn a_part_of_a_block_is_ordered_by_its_own_barrier() {
    // The first warp writes and arrives; the second waits and reads.
    let with = |first: &str, second: &str| {
        format!(
            "setp.lt.u32 %p1, %l, 32; @%p1 bra $first;\n\
             {second} mov.u32 %s1, s; and.b32 %s2, %l, 31; mad.lo.u32 %s1, %s2, 4, %s1; ld.shared.f32 %f1, [%s1]; ret;\n\
             $first: st.shared.f32 [%s0], %f0; {first}"
        )
    };
    let right = with("bar.arrive 1, 64;", "bar.sync 1, 64;");
    let wrong = with(
        "bar.arrive 1, 64; st.shared.f32 [%s0], %f0;",
        "bar.sync 1, 64;",
    );
    check((1, 64), &wrong, &right, |cause| {
        matches!(cause, Cause::Race { .. })
    });
    let also_right = with(
        "bar.sync 1, 64; bar.sync 2, 32;",
        "bar.sync 1, 64; bar.sync 3, 32;",
    );
    check((1, 64), &wrong, &also_right, |cause| {
        matches!(cause, Cause::Race { .. })
    });
}

#[test]
fn lanes_that_do_not_meet() {
    let is_found = |cause: &Cause| matches!(cause, Cause::Warp { .. });
    let table = [
        // Not in its own mask.
        ("bar.warp.sync 14;", "bar.warp.sync 15;"),
        // Masks that differ.
        (
            "setp.eq.u32 %p1, %l, 0; selp.b32 %r2, 3, 15, %p1; bar.warp.sync %r2;",
            "setp.lt.u32 %p1, %l, 2; selp.b32 %r2, 3, 12, %p1; bar.warp.sync %r2;",
        ),
        // Some lanes go elsewhere.
        (
            "setp.eq.u32 %p1, %l, 0; @%p1 bar.sync 0; @!%p1 bar.warp.sync 15; @!%p1 bar.sync 0;",
            "setp.eq.u32 %p1, %l, 0; @!%p1 bar.warp.sync 14; bar.sync 0;",
        ),
        // Another instruction.
        (
            "setp.eq.u32 %p1, %l, 0; @%p1 vote.sync.any.pred %p2, %p1, 15; @!%p1 bar.warp.sync 15;",
            "setp.eq.u32 %p1, %l, 0; @%p1 bar.warp.sync 15; @!%p1 bar.warp.sync 15;",
        ),
        (
            "setp.eq.u32 %p1, %l, 0; @%p1 shfl.sync.idx.b32 %r2, %l, 0, 31, 15; @!%p1 shfl.sync.down.b32 %r2, %l, 0, 31, 15;",
            "shfl.sync.idx.b32 %r2, %l, 0, 31, 15;",
        ),
    ];
    for (wrong, right) in table {
        check((1, 4), wrong, right, is_found);
    }
    // Who has ended need not come, but has no value to give.
    check(
        (1, 4),
        "setp.eq.u32 %p1, %l, 3; @%p1 exit; shfl.sync.idx.b32 %r2, %l, 3, 31, 15;",
        "setp.eq.u32 %p1, %l, 3; @%p1 exit; shfl.sync.idx.b32 %r2, %l, 2, 31, 15;",
        |cause| matches!(cause, Cause::AbsentLane { lane: 3 }),
    );
}

#[test]
fn loops_without_an_end() {
    check(
        (1, 2),
        "$again: add.u32 %r2, %r2, 1; bra $again;",
        "mov.u32 %r2, 0; $again: add.u32 %r2, %r2, 1; setp.lt.u32 %p1, %r2, 2000; @%p1 bra $again;",
        |cause| matches!(cause, Cause::Endless { steps: 10_000 }),
    );
    // A thread that waits for what another writes is given turns enough, but no more.
    let code = "setp.eq.u32 %p1, %l, 1; @%p1 st.volatile.global.u32 [%x], 7; @%p1 ret;\n\
                $again: ld.volatile.global.u32 %r2, [%x]; setp.ne.u32 %p2, %r2, 7; @%p2 bra $again;";
    let mut grid = grid(1, 2);
    grid.step_limit = 1_000_000;
    launch(code, &grid).unwrap();
    let error = launch(&code.replace("u32 [%x], 7", "u32 [%x], 6"), &grid).unwrap_err();
    assert!(
        matches!(error.cause(), Some(Cause::Endless { .. })),
        "{error}"
    );
}

#[test]
fn what_else_must_not_be() {
    check(
        (1, 1),
        "trap;",
        "setp.ne.u32 %p1, %l, 0; @%p1 trap;",
        |cause| *cause == Cause::Trap,
    );
    let is_found = |cause: &Cause| matches!(cause, Cause::ReadOnly { .. });
    check(
        (1, 1),
        "mov.u64 %d1, fixed; st.global.f32 [%d1], %f0;",
        "mov.u64 %d1, fixed; ld.const.f32 %f1, [%d1];",
        is_found,
    );
    check(
        (1, 1),
        "mov.u64 %d1, px; cvta.param.u64 %d1, %d1; st.u32 [%d1], %t;",
        "mov.u64 %d1, px; cvta.param.u64 %d1, %d1; ld.u32 %r2, [%d1];",
        is_found,
    );
    let is_operand = |cause: &Cause| matches!(cause, Cause::Operand { .. });
    check(
        (1, 1),
        "mov.u32 %r2, 5; cp.async.ca.shared.global [%s0], [%xt], 4, %r2;",
        "mov.u32 %r2, 2; cp.async.ca.shared.global [%s0], [%xt], 4, %r2;",
        is_operand,
    );
    check(
        (1, 1),
        "cvta.local.u64 %d1, m; st.u32 [%d1], %t; atom.add.u32 %r2, [%d1], 1;",
        "atom.add.u32 %r2, [%x], 1;",
        is_operand,
    );
    let is_under_way = |cause: &Cause| matches!(cause, Cause::UnderWay { .. });
    let copies = "cp.async.ca.shared.global [%s0], [%xt], 4; cp.async.commit_group; cp.async.ca.shared.global [%s0+8], [%xt], 4; cp.async.commit_group;";
    check(
        (1, 1),
        &format!("{copies} cp.async.wait_group 1; ld.shared.f32 %f1, [%s0+8];"),
        &format!("{copies} cp.async.wait_group 1; ld.shared.f32 %f1, [%s0];"),
        is_under_way,
    );
    check(
        (1, 1),
        &format!("{copies} ld.shared.f32 %f1, [%s0];"),
        &format!("{copies} cp.async.wait_all; ld.shared.f32 %f1, [%s0+8];"),
        is_under_way,
    );
}

#[test]
fn memory_that_was_freed() {
    let module = Module::parse(&text("ld.global.f32 %f1, [%xt];")).unwrap();
    let mut memory = Memory::new();
    let x = memory.allocate_filled(&[1.0_f32; 4]);
    let y = memory.allocate(4);
    let arguments = [x, y].map(Argument::Address);
    module
        .launch(&mut memory, "k", &grid(1, 4), &arguments)
        .unwrap();
    memory.free(x).unwrap();
    let error = module
        .launch(&mut memory, "k", &grid(1, 4), &arguments)
        .unwrap_err();
    assert!(
        matches!(error.cause(), Some(Cause::Freed { .. })),
        "{error}"
    );
    assert!(matches!(memory.free(x), Err(MemoryError::Freed { .. })));
    assert!(matches!(
        memory.read::<u8>(x, 1),
        Err(MemoryError::Freed { .. })
    ));
    // What is allocated next lies elsewhere.
    assert_ne!(memory.allocate(16), x);
}

#[test]
fn the_host_reads_what_was_written_alone() {
    let mut memory = Memory::new();
    let x = memory.allocate(8);
    assert!(matches!(
        memory.read::<u32>(x, 1),
        Err(MemoryError::Unwritten { offset: 0, .. })
    ));
    memory.write(x.plus(4), &[3_u32]).unwrap();
    assert_eq!(memory.read::<u32>(x.plus(4), 1).unwrap(), [3]);
    assert!(matches!(
        memory.read::<u8>(x, 8),
        Err(MemoryError::Unwritten { .. })
    ));
    memory.poison(x.plus(5), 1).unwrap();
    let found = memory.read::<u32>(x.plus(4), 1);
    assert!(matches!(
        found,
        Err(MemoryError::Unwritten { offset: 5, .. })
    ));
    for (address, bytes) in [
        (x.plus(8), 1),
        (x, 9),
        (Address(0), 1),
        (Address(u64::MAX), 1),
    ] {
        assert!(matches!(
            memory.read::<u8>(address, bytes),
            Err(MemoryError::Outside { .. })
        ));
    }
    assert_eq!(memory.read::<u8>(x.plus(8), 0).unwrap(), []);
}

#[test]
fn a_fault_says_where_it_is() {
    let error = launch(
        "@%p0 bra $over; $over: ld.global.f32 %f1, [%yt];",
        &grid(2, 3),
    )
    .unwrap_err();
    let LaunchError::Fault(fault) = &error else {
        panic!("{error}");
    };
    assert_eq!((fault.block, fault.thread), ([0, 0, 0], [0, 0, 0]));
    assert_eq!(fault.kernel, "k");
    let line = text("ld.global.f32 %f1, [%yt];").lines().count() - 2;
    assert_eq!(fault.place.line as usize, line);
    assert!(
        error.to_string().contains("ld.global.f32 %f1, [%yt]"),
        "{error}"
    );
    assert!(
        error.to_string().contains("byte 0 of allocation 1"),
        "{error}"
    );
    let code = "setp.eq.u32 %p1, %t, 5; @%p1 ld.global.f32 %f1, [%x+256];";
    let error = launch(code, &grid(2, 3)).unwrap_err().to_string();
    for part in [
        "block (1, 0, 0)",
        "thread (2, 0, 0)",
        "byte 256 of allocation 0 of 256 bytes",
    ] {
        assert!(error.contains(part), "{error}");
    }
    let race = launch("st.shared.f32 [s], %f0;", &grid(1, 2))
        .unwrap_err()
        .to_string();
    for part in [
        "shared variable `s`",
        "a write by thread (0, 0, 0)",
        "st.shared.f32 [s]",
    ] {
        assert!(race.contains(part), "{race}");
    }
}
