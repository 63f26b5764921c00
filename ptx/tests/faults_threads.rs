//! Threads that wait for ever or run for ever, and where a fault says it is.

#[allow(dead_code, reason = "shared by tests that need parts of it")]
mod support;

use autovoice_ptx::{Cause, LaunchError};
use support::faults::{check, grid, launch, text};

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
