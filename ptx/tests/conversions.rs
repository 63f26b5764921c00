//! `cvt`: exhaustive over 16 bits, and against the standard library elsewhere.

#[allow(dead_code, reason = "shared by tests that need parts of it")]
mod support;

use support::{Random, evaluate, kernel};

/// A value of half precision or bfloat16, by its fields alone.
fn value(bits: u64, exponent_bits: i32, mantissa_bits: i32) -> f64 {
    let field = (bits as i32 >> mantissa_bits) & ((1 << exponent_bits) - 1);
    let mantissa = f64::from(bits as i32 & ((1 << mantissa_bits) - 1));
    let bias = (1 << (exponent_bits - 1)) - 1;
    let step = f64::from(mantissa_bits).exp2().recip();
    let magnitude = if field == (1 << exponent_bits) - 1 {
        if mantissa == 0.0 {
            f64::INFINITY
        } else {
            f64::NAN
        }
    } else if field == 0 {
        mantissa * step * f64::from(1 - bias).exp2()
    } else {
        (1.0 + mantissa * step) * f64::from(field - bias).exp2()
    };
    if bits >> 15 & 1 == 1 {
        -magnitude
    } else {
        magnitude
    }
}

fn half(bits: u64) -> f64 {
    value(bits, 5, 10)
}

fn brain(bits: u64) -> f64 {
    value(bits, 8, 7)
}

#[test]
fn every_value_of_16_bits_goes_to_single_and_back() {
    let rows: Vec<[u64; 3]> = (0..0x1_0000).map(|bits| [bits, 0, 0]).collect();
    type Truth = fn(u64) -> f64;
    let table: [(&str, &str, Truth); 2] = [("f16", "rn", half), ("bf16", "rz", brain)];
    for (kind, rounding, truth) in table {
        let wide = evaluate(&format!("cvt.f32.{kind} %r, %ah;"), "%r", &rows);
        let back = format!("cvt.f32.{kind} %s0, %ah; cvt.{rounding}.{kind}.f32 %h, %s0;");
        let back = evaluate(&back, "%h", &rows);
        for (bits, (wide, back)) in (0..0x1_0000).zip(wide.into_iter().zip(back)) {
            let expected = truth(bits);
            if expected.is_nan() {
                assert_eq!((wide, back), (0x7fff_ffff, 0x7fff), "{kind} {bits:#x}");
                continue;
            }
            assert_eq!(
                wide,
                u64::from((expected as f32).to_bits()),
                "{kind} {bits:#x}"
            );
            assert_eq!(back, bits, "{kind} {bits:#x}");
        }
    }
}

#[test]
fn single_goes_to_the_nearest_half_or_the_one_asked_for() {
    // All finite halves above zero, and what lies between them.
    let mut random = Random(3);
    let mut rows = Vec::new();
    for bits in 0..0x7bff {
        let (low, high) = (half(bits) as f32, half(bits + 1) as f32);
        let middle = (low + high) / 2.0;
        let share = (random.next() % 1000) as f32 / 1000.0;
        for between in [
            middle,
            middle.next_up(),
            middle.next_down(),
            low + (high - low) * share,
        ] {
            rows.push([u64::from(between.to_bits()), bits, 0]);
        }
    }
    for (rounding, negated) in [
        ("rn", false),
        ("rz", false),
        ("rm", false),
        ("rp", false),
        ("rn", true),
    ] {
        let code = if negated {
            format!("neg.f32 %a, %a; cvt.{rounding}.f16.f32 %h, %a; xor.b16 %h, %h, 0x8000;")
        } else {
            format!("cvt.{rounding}.f16.f32 %h, %a;")
        };
        for (row, found) in rows.iter().zip(evaluate(&code, "%h", &rows)) {
            let value = f64::from(f32::from_bits(row[0] as u32));
            let (low, high) = (half(row[1]), half(row[1] + 1));
            let expected = match rounding {
                _ if value == low => row[1],
                _ if value == high => row[1] + 1,
                "rn" if value - low == high - value => row[1] + (row[1] & 1),
                "rn" => row[1] + u64::from(value - low > high - value),
                "rp" => row[1] + 1,
                _ => row[1],
            };
            assert_eq!(found, expected, "{code} {value:e}");
        }
    }
}

#[test]
fn conversions_give_what_ptx_defines() {
    let single = |value: f32| u64::from(value.to_bits());
    let table: [(&str, &str, u64, u64); 54] = [
        ("cvt.rni.s32.f32 %r, %a;", "%r", single(2.5), 2),
        ("cvt.rni.s32.f32 %r, %a;", "%r", single(3.5), 4),
        ("cvt.rzi.s32.f32 %r, %a;", "%r", single(-2.9), 0xffff_fffe),
        ("cvt.rmi.s32.f32 %r, %a;", "%r", single(-2.1), 0xffff_fffd),
        ("cvt.rpi.s32.f32 %r, %a;", "%r", single(2.1), 3),
        ("cvt.rzi.s32.f32 %r, %a;", "%r", single(3e9), 0x7fff_ffff),
        ("cvt.rzi.s32.f32 %r, %a;", "%r", single(-3e9), 0x8000_0000),
        ("cvt.rzi.u32.f32 %r, %a;", "%r", single(3e9), 3_000_000_000),
        ("cvt.rzi.u32.f32 %r, %a;", "%r", single(-1.5), 0),
        ("cvt.rzi.s32.f32 %r, %a;", "%r", 0x7fc0_0000, 0),
        ("cvt.rzi.u8.f32 %r, %a;", "%r", single(300.0), 255),
        ("cvt.rzi.s8.f32 %r, %a;", "%r", single(-300.0), 0xffff_ff80),
        (
            "cvt.rzi.s64.f32 %d, %a;",
            "%d",
            single(-1e12),
            (-999_999_995_904_i64) as u64,
        ),
        ("cvt.rpi.ftz.s32.f32 %r, %a;", "%r", 1, 0),
        ("cvt.rpi.s32.f32 %r, %a;", "%r", 1, 1),
        ("cvt.rni.f32.f32 %r, %a;", "%r", single(-0.4), 0x8000_0000),
        ("cvt.rmi.f32.f32 %r, %a;", "%r", single(-0.4), single(-1.0)),
        ("cvt.rpi.f32.f32 %r, %a;", "%r", single(0.4), single(1.0)),
        ("cvt.rzi.f32.f32 %r, %a;", "%r", single(-7.9), single(-7.0)),
        ("cvt.sat.f32.f32 %r, %a;", "%r", single(1.5), single(1.0)),
        ("cvt.sat.f32.f32 %r, %a;", "%r", 0x7fc0_0000, 0),
        ("cvt.rn.f32.s32 %r, %a;", "%r", 0xffff_ffff, single(-1.0)),
        (
            "cvt.rn.f32.u32 %r, %a;",
            "%r",
            0xffff_ffff,
            single(4_294_967_296.0),
        ),
        (
            "cvt.rz.f32.u32 %r, %a;",
            "%r",
            0xffff_ffff,
            single(4_294_967_040.0),
        ),
        (
            "cvt.rn.f32.s32 %r, %a;",
            "%r",
            16_777_217,
            single(16_777_216.0),
        ),
        (
            "cvt.rp.f32.s32 %r, %a;",
            "%r",
            16_777_217,
            single(16_777_218.0),
        ),
        (
            "cvt.rn.f32.u64 %r, %ad;",
            "%r",
            (1 << 63) + (1 << 39) + 1,
            0x5f00_0001,
        ),
        ("cvt.rn.f32.s64 %r, %ad;", "%r", u64::MAX, single(-1.0)),
        (
            "cvt.rn.f64.u64 %d, %ad;",
            "%d",
            u64::MAX,
            (u64::MAX as f64).to_bits(),
        ),
        (
            "cvt.rz.f64.u64 %d, %ad;",
            "%d",
            u64::MAX,
            (u64::MAX as f64).to_bits() - 1,
        ),
        ("cvt.rn.f16.s32 %h, %a;", "%h", 2049, 0x6800),
        ("cvt.rn.f16.s32 %h, %a;", "%h", 2051, 0x6802),
        ("cvt.rn.f16.s32 %h, %a;", "%h", 0xffff_ffff, 0xbc00),
        ("cvt.rzi.s16.f16 %h, %ah;", "%h", 0xc300, 0xfffd),
        (
            "cvt.rn.f32.f64 %r, %ad;",
            "%r",
            0x3ff0_0000_1000_0001,
            single(1.0) + 1,
        ),
        (
            "cvt.rz.f32.f64 %r, %ad;",
            "%r",
            0x3ff0_0000_1fff_ffff,
            single(1.0),
        ),
        (
            "cvt.f64.f32 %d, %a;",
            "%d",
            single(0.1),
            f64::from(0.1_f32).to_bits(),
        ),
        ("cvt.ftz.f64.f32 %d, %a;", "%d", 1, 0),
        ("cvt.rn.ftz.f32.f64 %r, %ad;", "%r", 1e-40_f64.to_bits(), 0),
        (
            "cvt.rn.f32.f64 %r, %ad;",
            "%r",
            1e-40_f64.to_bits(),
            single(1e-40),
        ),
        ("cvt.rn.bf16.f32 %h, %a;", "%h", 0x3f80_8000, 0x3f80),
        ("cvt.rn.bf16.f32 %h, %a;", "%h", 0x3f81_8000, 0x3f82),
        ("cvt.rna.tf32.f32 %r, %a;", "%r", 0x3f80_1000, 0x3f80_2000),
        ("cvt.rna.tf32.f32 %r, %a;", "%r", 0x3f80_0fff, 0x3f80_0000),
        (
            "cvt.rn.f16x2.f32 %r, %a, %b;",
            "%r",
            single(1.0),
            0x3c00_0000,
        ),
        (
            "cvt.rn.bf16x2.f32 %r, %a, %b;",
            "%r",
            single(1.0),
            0x3f80_0000,
        ),
        ("cvt.s32.s8 %r, %a;", "%r", 0x80, 0xffff_ff80),
        ("cvt.u32.u8 %r, %a;", "%r", 0x1ff, 0xff),
        (
            "cvt.s64.s32 %d, %a;",
            "%d",
            0x8000_0000,
            0xffff_ffff_8000_0000,
        ),
        ("cvt.u64.u32 %d, %a;", "%d", 0x8000_0000, 0x8000_0000),
        ("cvt.s16.s8 %h, %ah;", "%h", 0x80, 0xff80),
        ("cvt.s8.s32 %r, %a;", "%r", 0x180, 0xffff_ff80),
        ("cvt.sat.u8.s32 %r, %a;", "%r", 0x180, 0xff),
        ("cvt.sat.s16.s32 %h, %a;", "%h", 0xfff0_0000, 0x8000),
    ];
    for (code, result, input, expected) in table {
        let found = evaluate(code, result, &[[input, 0, 0]])[0];
        assert_eq!(
            found, expected,
            "{code} {input:#x}: {found:#x}, not {expected:#x}"
        );
    }
}

#[test]
fn a_conversion_without_its_rounding_is_refused() {
    for code in [
        "cvt.f32.s32 %r, %a;",
        "cvt.s32.f32 %r, %a;",
        "cvt.f16.f32 %h, %a;",
        "cvt.f32.f64 %r, %ad;",
        "cvt.tf32.f32 %r, %a;",
        "cvt.rn.f16x2.f16x2 %r, %a;",
        "cvt.b32.f32 %r, %a;",
    ] {
        let refused = autovoice_ptx::Module::parse(&kernel(code, "%r"));
        assert!(refused.is_err(), "{code}");
    }
}
