//! Accesses to memory that must not be, and next to them those that may.

#[allow(dead_code, reason = "shared by tests that need parts of it")]
mod support;

use autovoice_ptx::{Address, Argument, Cause, Memory, MemoryError, Module};
use support::faults::{check, grid, launch, text};

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
