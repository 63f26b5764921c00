//! Whole numbers, bits and comparisons, one instruction at a time.

#[allow(dead_code, reason = "shared by tests that need parts of it")]
mod support;

use support::{Random, evaluate};

const MINUS_1: u64 = 0xffff_ffff;

#[test]
fn instructions_give_what_ptx_defines() {
    let low = 0x8000_0000_u64;
    let wide_low = 1_u64 << 63;
    let table: [(&str, &str, [u64; 3], u64); 92] = [
        ("add.s32 %r, %a, %b;", "%r", [MINUS_1, 2, 0], 1),
        ("add.s64 %d, %ad, %bd;", "%d", [u64::MAX, 2, 0], 1),
        ("add.u16 %h, %ah, %bh;", "%h", [0xffff, 2, 0], 1),
        (
            "add.sat.s32 %r, %a, %b;",
            "%r",
            [0x7fff_ffff, 1, 0],
            0x7fff_ffff,
        ),
        ("sub.sat.s32 %r, %a, %b;", "%r", [low, 1, 0], low),
        ("sub.s32 %r, %a, %b;", "%r", [1, 3, 0], 0xffff_fffe),
        ("mul.lo.s32 %r, %a, %b;", "%r", [MINUS_1, 7, 0], 0xffff_fff9),
        (
            "mul.hi.u32 %r, %a, %b;",
            "%r",
            [MINUS_1, MINUS_1, 0],
            0xffff_fffe,
        ),
        ("mul.hi.s32 %r, %a, %b;", "%r", [MINUS_1, MINUS_1, 0], 0),
        ("mul.hi.s32 %r, %a, %b;", "%r", [low, low, 0], 0x4000_0000),
        (
            "mul.hi.u64 %d, %ad, %bd;",
            "%d",
            [u64::MAX, u64::MAX, 0],
            u64::MAX - 1,
        ),
        ("mul.hi.s64 %d, %ad, %bd;", "%d", [u64::MAX, 5, 0], u64::MAX),
        (
            "mul.wide.s32 %d, %a, %b;",
            "%d",
            [MINUS_1, 7, 0],
            (-7_i64) as u64,
        ),
        (
            "mul.wide.u32 %d, %a, %b;",
            "%d",
            [MINUS_1, 7, 0],
            0x6_ffff_fff9,
        ),
        (
            "mul.wide.s16 %r, %ah, %bh;",
            "%r",
            [0xffff, 7, 0],
            0xffff_fff9,
        ),
        ("mul.wide.u16 %r, %ah, %bh;", "%r", [0xffff, 7, 0], 0x6_fff9),
        ("mad.lo.s32 %r, %a, %b, %c;", "%r", [3, MINUS_1, 5], 2),
        (
            "mad.hi.s32 %r, %a, %b, %c;",
            "%r",
            [low, low, 5],
            0x4000_0005,
        ),
        (
            "mad.wide.s32 %d, %a, %b, %cd;",
            "%d",
            [MINUS_1, 7, 5],
            (-2_i64) as u64,
        ),
        (
            "mul24.lo.s32 %r, %a, %b;",
            "%r",
            [0xff_ffff, 3, 0],
            0xffff_fffd,
        ),
        (
            "mul24.hi.u32 %r, %a, %b;",
            "%r",
            [0xff_ffff, 0xff_ffff, 0],
            0xffff_fe00,
        ),
        (
            "mad24.lo.u32 %r, %a, %b, %c;",
            "%r",
            [0x0100_0003, 3, 4],
            13,
        ),
        (
            "div.s32 %r, %a, %b;",
            "%r",
            [0xffff_fff9, 2, 0],
            0xffff_fffd,
        ),
        (
            "div.u32 %r, %a, %b;",
            "%r",
            [0xffff_fff9, 2, 0],
            0x7fff_fffc,
        ),
        ("div.u32 %r, %a, %b;", "%r", [3, 0, 0], MINUS_1),
        ("div.s32 %r, %a, %b;", "%r", [low, MINUS_1, 0], low),
        ("rem.s32 %r, %a, %b;", "%r", [0xffff_fff9, 2, 0], MINUS_1),
        (
            "rem.u64 %d, %ad, %bd;",
            "%d",
            [1 << 40, 1000, 0],
            (1_u64 << 40) % 1000,
        ),
        ("abs.s32 %r, %a;", "%r", [0xffff_fff9, 0, 0], 7),
        ("abs.s32 %r, %a;", "%r", [low, 0, 0], low),
        ("neg.s64 %d, %ad;", "%d", [5, 0, 0], (-5_i64) as u64),
        ("min.s32 %r, %a, %b;", "%r", [MINUS_1, 3, 0], MINUS_1),
        ("min.u32 %r, %a, %b;", "%r", [MINUS_1, 3, 0], 3),
        ("max.s16 %h, %ah, %bh;", "%h", [0xffff, 3, 0], 3),
        ("sad.s32 %r, %a, %b, %c;", "%r", [MINUS_1, 3, 10], 14),
        (
            "dp4a.s32.u32 %r, %a, %b, %c;",
            "%r",
            [0xff02_0304, 0x0102_03ff, 5],
            5 - 1 + 4 + 9 + 1020,
        ),
        (
            "dp4a.u32.u32 %r, %a, %b, %c;",
            "%r",
            [0xff02_0304, 0x0102_03ff, 5],
            1293,
        ),
        ("and.b32 %r, %a, %b;", "%r", [0b1100, 0b1010, 0], 0b1000),
        ("or.b64 %d, %ad, %bd;", "%d", [wide_low, 1, 0], wide_low | 1),
        ("xor.b16 %h, %ah, %bh;", "%h", [0b1100, 0b1010, 0], 0b0110),
        ("not.b32 %r, %a;", "%r", [1, 0, 0], 0xffff_fffe),
        ("not.b16 %h, %ah;", "%h", [1, 0, 0], 0xfffe),
        ("cnot.b32 %r, %a;", "%r", [0, 0, 0], 1),
        ("cnot.b32 %r, %a;", "%r", [9, 0, 0], 0),
        ("and.pred %p, %ap, %bp;", "%p", [1, 0, 0], 0),
        ("xor.pred %p, %ap, %bp;", "%p", [1, 0, 0], 1),
        ("not.pred %p, %ap;", "%p", [1, 0, 0], 0),
        ("shl.b32 %r, %a, %b;", "%r", [3, 31, 0], low),
        ("shl.b32 %r, %a, %b;", "%r", [3, 32, 0], 0),
        ("shl.b16 %h, %ah, %b;", "%h", [3, 15, 0], 0x8000),
        ("shr.u32 %r, %a, %b;", "%r", [low, 31, 0], 1),
        ("shr.s32 %r, %a, %b;", "%r", [low, 31, 0], MINUS_1),
        ("shr.s32 %r, %a, %b;", "%r", [low, 100, 0], MINUS_1),
        ("shr.s16 %h, %ah, %b;", "%h", [0x8000, 3, 0], 0xf000),
        ("shr.u64 %d, %ad, %b;", "%d", [wide_low, 63, 0], 1),
        ("shr.u64 %d, %ad, %b;", "%d", [wide_low, 64, 0], 0),
        (
            "shf.l.wrap.b32 %r, %a, %b, %c;",
            "%r",
            [0xf000_0000, 1, 36],
            0x1f,
        ),
        (
            "shf.l.clamp.b32 %r, %a, %b, %c;",
            "%r",
            [0xf000_0001, 1, 36],
            0xf000_0001,
        ),
        (
            "shf.r.wrap.b32 %r, %a, %b, %c;",
            "%r",
            [0xf0, 1, 4],
            0x1000_000f,
        ),
        ("shf.r.clamp.b32 %r, %a, %b, %c;", "%r", [0xf0, 7, 40], 7),
        (
            "prmt.b32 %r, %a, %b, %c;",
            "%r",
            [0x3322_1100, 0x7766_5544, 0x7410],
            0x7744_1100,
        ),
        (
            "prmt.b32 %r, %a, %b, %c;",
            "%r",
            [0x80ff, 0, 0x9998],
            0xffff_ffff,
        ),
        (
            "prmt.b32.f4e %r, %a, %b, %c;",
            "%r",
            [0x3322_1100, 0x7766_5544, 1],
            0x4433_2211,
        ),
        (
            "prmt.b32.rc8 %r, %a, %b, %c;",
            "%r",
            [0x3322_1100, 0, 2],
            0x2222_2222,
        ),
        (
            "prmt.b32.rc16 %r, %a, %b, %c;",
            "%r",
            [0x3322_1100, 0, 1],
            0x3322_3322,
        ),
        ("bfe.u32 %r, %a, %b, %c;", "%r", [0xabcd_1234, 8, 8], 0x12),
        (
            "bfe.s32 %r, %a, %b, %c;",
            "%r",
            [0x0000_8000, 8, 8],
            0xffff_ff80,
        ),
        (
            "bfe.s32 %r, %a, %b, %c;",
            "%r",
            [0x8000_0000, 28, 8],
            0xffff_fff8,
        ),
        ("bfe.u32 %r, %a, %b, %c;", "%r", [0x8000_0000, 28, 8], 8),
        ("bfe.s32 %r, %a, %b, %c;", "%r", [low, 40, 8], MINUS_1),
        ("bfe.u64 %d, %ad, %b, %c;", "%d", [wide_low, 60, 4], 8),
        (
            "bfi.b32 %r, %a, %b, 8, 4;",
            "%r",
            [0xff, MINUS_1 - 0xf00, 0],
            MINUS_1,
        ),
        (
            "bfi.b32 %r, %a, %b, %c, 8;",
            "%r",
            [0x12, 0, 28],
            0x2000_0000,
        ),
        (
            "bfi.b64 %d, %ad, %bd, 32, 32;",
            "%d",
            [7, 9, 0],
            7 << 32 | 9,
        ),
        ("popc.b32 %r, %a;", "%r", [0xf0f0, 0, 0], 8),
        ("popc.b64 %r, %ad;", "%r", [u64::MAX, 0, 0], 64),
        ("clz.b32 %r, %a;", "%r", [0x100, 0, 0], 23),
        ("clz.b64 %r, %ad;", "%r", [0, 0, 0], 64),
        ("brev.b32 %r, %a;", "%r", [1, 0, 0], low),
        ("bfind.u32 %r, %a;", "%r", [0x100, 0, 0], 8),
        ("bfind.s32 %r, %a;", "%r", [0xffff_fffe, 0, 0], 0),
        ("bfind.s32 %r, %a;", "%r", [MINUS_1, 0, 0], MINUS_1),
        ("bfind.shiftamt.u32 %r, %a;", "%r", [0x100, 0, 0], 23),
        (
            "lop3.b32 %r, %a, %b, %c, 0xE8;",
            "%r",
            [0b1111_0000, 0b1100_1100, 0b1010_1010],
            0xe8,
        ),
        (
            "lop3.b32 %r, %a, %b, %c, 0x96;",
            "%r",
            [0b1111_0000, 0b1100_1100, 0b1010_1010],
            0x96,
        ),
        ("selp.b32 %r, %a, %b, %cp;", "%r", [3, 4, 1], 3),
        ("slct.b32.s32 %r, %a, %b, %c;", "%r", [3, 4, MINUS_1], 4),
        ("set.lt.u32.s32 %r, %a, %b;", "%r", [MINUS_1, 0, 0], MINUS_1),
        (
            "set.lt.f32.s32 %r, %a, %b;",
            "%r",
            [MINUS_1, 0, 0],
            0x3f80_0000,
        ),
        (
            "mov.b64 {%s0, %s1}, %ad; mov.b64 %d, {%s1, %s0};",
            "%d",
            [1 << 32 | 2, 0, 0],
            2 << 32 | 1,
        ),
        (
            "mov.b32 {%g0, _}, %a; mov.b32 %r, {%bh, %g0};",
            "%r",
            [0x1111_2222, 0x3333, 0],
            0x2222_3333,
        ),
        (
            "setp.lt.s32 %p|%q0, %a, %b; @%q0 mov.u32 %s0, 1; selp.b32 %r, 2, 1, %p;",
            "%r",
            [5, 3, 0],
            1,
        ),
    ];
    for (code, result, row, expected) in table {
        let found = evaluate(code, result, &[row])[0];
        assert_eq!(
            found, expected,
            "{code} {row:x?}: {found:#x}, not {expected:#x}"
        );
    }
}

#[test]
fn whole_numbers_are_those_of_rust() {
    let mut random = Random(5);
    let rows: Vec<[u64; 3]> = (0..500)
        .map(|i| [0; 3].map(|_| random.next() >> (i % 7 * 9)))
        .collect();
    type Truth = fn(u64, u64, u64) -> u64;
    let table: [(&str, &str, Truth); 10] = [
        ("mul.hi.u32 %r, %a, %b;", "%r", |a, b, _| {
            (u64::from(a as u32) * u64::from(b as u32)) >> 32
        }),
        ("mul.hi.s32 %r, %a, %b;", "%r", |a, b, _| {
            u64::from(((i64::from(a as i32) * i64::from(b as i32)) >> 32) as u32)
        }),
        ("mul.hi.u64 %d, %ad, %bd;", "%d", |a, b, _| {
            ((u128::from(a) * u128::from(b)) >> 64) as u64
        }),
        ("mul.hi.s64 %d, %ad, %bd;", "%d", |a, b, _| {
            ((i128::from(a as i64) * i128::from(b as i64)) >> 64) as u64
        }),
        ("mad.lo.s64 %d, %ad, %bd, %cd;", "%d", |a, b, c| {
            a.wrapping_mul(b).wrapping_add(c)
        }),
        ("div.s64 %d, %ad, %bd;", "%d", |a, b, _| {
            (a as i64).wrapping_div(b as i64) as u64
        }),
        ("rem.u64 %d, %ad, %bd;", "%d", |a, b, _| a % b),
        ("shf.l.wrap.b32 %r, %a, %b, %c;", "%r", |a, b, c| {
            let both = b << 32 | a & 0xffff_ffff;
            both << (c % 32) >> 32
        }),
        ("setp.lt.s64 %p, %ad, %bd;", "%p", |a, b, _| {
            u64::from((a as i64) < b as i64)
        }),
        ("setp.hi.u32 %p, %a, %b;", "%p", |a, b, _| {
            u64::from(a as u32 > b as u32)
        }),
    ];
    for (code, result, truth) in table {
        let found = evaluate(code, result, &rows);
        for (row, found) in rows.iter().zip(found) {
            assert_eq!(found, truth(row[0], row[1], row[2]), "{code} {row:x?}");
        }
    }
}

#[test]
fn comparisons_are_joined_with_a_third() {
    let operators = [
        ("eq", [false, true, false]),
        ("ne", [true, false, true]),
        ("lt", [true, false, false]),
        ("le", [true, true, false]),
        ("gt", [false, false, true]),
        ("ge", [false, true, true]),
    ];
    for (operator, expected) in operators {
        for (place, &holds) in expected.iter().enumerate() {
            for third in [0, 1] {
                let row = [place as u64, 1, third];
                for (join, joined) in [
                    ("and", u64::from(holds) & third),
                    ("or", u64::from(holds) | third),
                    ("xor", u64::from(holds) ^ third),
                ] {
                    let code = format!("setp.{operator}.{join}.s32 %p, %a, %b, %cp;");
                    assert_eq!(evaluate(&code, "%p", &[row]), [joined], "{code}");
                    let code = format!("setp.{operator}.{join}.u64 %q0|%p, %ad, %bd, %cp;");
                    let opposite = match join {
                        "and" => u64::from(!holds) & third,
                        "or" => u64::from(!holds) | third,
                        _ => u64::from(!holds) ^ third,
                    };
                    assert_eq!(evaluate(&code, "%p", &[row]), [opposite], "{code}");
                    let code = format!("setp.{operator}.{join}.s32 %p, %a, %b, !%cp;");
                    let negated = match join {
                        "and" => u64::from(holds) & (1 - third),
                        "or" => u64::from(holds) | (1 - third),
                        _ => u64::from(holds) ^ (1 - third),
                    };
                    assert_eq!(evaluate(&code, "%p", &[row]), [negated], "{code}");
                }
            }
        }
    }
}
