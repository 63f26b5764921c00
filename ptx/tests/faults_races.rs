//! Races, and next to them what is ordered.

#[allow(dead_code, reason = "shared by tests that need parts of it")]
mod support;

use autovoice_ptx::Cause;
use support::faults::check;

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
