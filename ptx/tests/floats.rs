//! Single and double precision: roundings, subnormal numbers, what is no number.

#[allow(dead_code, reason = "shared by tests that need parts of it")]
mod support;

use support::{Random, evaluate};

const NAN: u64 = 0x7fff_ffff;
/// The least normal number and the largest subnormal one.
const LEAST: u64 = 0x0080_0000;
const SUBNORMAL: u64 = 0x007f_ffff;

fn bits(value: f32) -> u64 {
    u64::from(value.to_bits())
}

#[test]
fn instructions_give_what_ptx_defines() {
    let (one, infinity) = (bits(1.0), bits(f32::INFINITY));
    let minus = 0x8000_0000_u64;
    let tiny = bits(f32::from_bits(1));
    let table: [(&str, [u64; 3], u64); 52] = [
        ("add.f32 %r, %a, %b;", [one, tiny, 0], one),
        ("add.rp.f32 %r, %a, %b;", [one, tiny, 0], one + 1),
        ("add.rm.f32 %r, %a, %b;", [one, minus | tiny, 0], one - 1),
        ("add.rz.f32 %r, %a, %b;", [one, minus | tiny, 0], one - 1),
        (
            "sub.rz.f32 %r, %a, %b;",
            [minus | one, minus | tiny, 0],
            minus | (one - 1),
        ),
        ("add.rm.f32 %r, %a, %b;", [one, minus | one, 0], minus),
        ("add.rp.f32 %r, %a, %b;", [one, minus | one, 0], 0),
        ("add.f32 %r, %a, %b;", [infinity, minus | infinity, 0], NAN),
        (
            "add.rz.f32 %r, %a, %b;",
            [0x7f7f_ffff, 0x7f7f_ffff, 0],
            0x7f7f_ffff,
        ),
        (
            "add.f32 %r, %a, %b;",
            [0x7f7f_ffff, 0x7f7f_ffff, 0],
            infinity,
        ),
        (
            "add.f32 %r, %a, %b;",
            [SUBNORMAL, SUBNORMAL, 0],
            0x00ff_fffe,
        ),
        ("add.ftz.f32 %r, %a, %b;", [SUBNORMAL, one, 0], one),
        ("sub.ftz.f32 %r, %a, %b;", [LEAST + 1, LEAST, 0], 0),
        ("mul.f32 %r, %a, %b;", [LEAST, bits(0.5), 0], 0x0040_0000),
        (
            "mul.ftz.f32 %r, %a, %b;",
            [minus | LEAST, bits(0.5), 0],
            minus,
        ),
        ("mul.rp.f32 %r, %a, %b;", [tiny, tiny, 0], tiny),
        ("mul.sat.f32 %r, %a, %b;", [bits(3.0), bits(3.0), 0], one),
        ("mul.sat.f32 %r, %a, %b;", [bits(-3.0), bits(3.0), 0], 0),
        ("mul.sat.f32 %r, %a, %b;", [infinity, 0, 0], 0),
        ("fma.rn.sat.f32 %r, %a, %b, %c;", [one, one, one], one),
        ("fma.rn.ftz.f32 %r, %a, %b, %c;", [one, SUBNORMAL, 0], 0),
        (
            "fma.rn.f32 %r, %a, %b, %c;",
            [one + 1, one - 1, minus | one],
            0x337f_fffe,
        ),
        ("fma.rz.f32 %r, %a, %b, %c;", [one, one, tiny], one),
        ("fma.rp.f32 %r, %a, %b, %c;", [one, one, tiny], one + 1),
        ("fma.rn.f32 %r, %a, %b, %c;", [0, infinity, one], NAN),
        ("div.rn.f32 %r, %a, %b;", [one, bits(3.0), 0], 0x3eaa_aaab),
        ("div.rz.f32 %r, %a, %b;", [one, bits(3.0), 0], 0x3eaa_aaaa),
        (
            "div.rp.f32 %r, %a, %b;",
            [one, bits(-3.0), 0],
            minus | 0x3eaa_aaaa,
        ),
        (
            "div.rm.f32 %r, %a, %b;",
            [one, bits(-3.0), 0],
            minus | 0x3eaa_aaab,
        ),
        ("div.rn.f32 %r, %a, %b;", [one, 0, 0], infinity),
        (
            "div.approx.f32 %r, %a, %b;",
            [one, bits(4.0), 0],
            bits(0.25),
        ),
        (
            "div.approx.f32 %r, %a, %b;",
            [0x7f00_0000, 0x7f00_0000, 0],
            0,
        ),
        (
            "div.full.f32 %r, %a, %b;",
            [0x7f00_0000, 0x7f00_0000, 0],
            one,
        ),
        ("rcp.rn.f32 %r, %a;", [bits(3.0), 0, 0], 0x3eaa_aaab),
        ("rcp.approx.ftz.f32 %r, %a;", [SUBNORMAL, 0, 0], infinity),
        ("sqrt.rn.f32 %r, %a;", [bits(2.0), 0, 0], 0x3fb5_04f3),
        ("sqrt.rp.f32 %r, %a;", [bits(2.0), 0, 0], 0x3fb5_04f4),
        ("sqrt.rz.f32 %r, %a;", [bits(4.0), 0, 0], bits(2.0)),
        ("sqrt.approx.f32 %r, %a;", [bits(-1.0), 0, 0], NAN),
        ("rsqrt.approx.f32 %r, %a;", [bits(4.0), 0, 0], bits(0.5)),
        ("ex2.approx.ftz.f32 %r, %a;", [bits(-1.0), 0, 0], bits(0.5)),
        ("lg2.approx.f32 %r, %a;", [bits(8.0), 0, 0], bits(3.0)),
        ("min.f32 %r, %a, %b;", [0x7fc0_0000, one, 0], one),
        ("min.NaN.f32 %r, %a, %b;", [0x7fc0_0000, one, 0], NAN),
        ("min.f32 %r, %a, %b;", [0, minus, 0], minus),
        ("max.f32 %r, %a, %b;", [minus, 0, 0], 0),
        ("abs.ftz.f32 %r, %a;", [minus | SUBNORMAL, 0, 0], 0),
        ("neg.f32 %r, %a;", [one, 0, 0], minus | one),
        ("copysign.f32 %r, %a, %b;", [minus, one, 0], minus | one),
        ("slct.f32.f32 %r, %a, %b, %c;", [one, 0, minus], one),
        ("mul.f32 %r, %a, 0f40000000;", [one, 0, 0], bits(2.0)),
        ("mul.f32 %r, %a, 2.5;", [one, 0, 0], bits(2.5)),
    ];
    for (code, row, expected) in table {
        let found = evaluate(code, "%r", &[row])[0];
        assert_eq!(
            found, expected,
            "{code} {row:x?}: {found:#x}, not {expected:#x}"
        );
    }
}

#[test]
fn comparisons_know_what_is_no_number() {
    let (one, two, nan) = (bits(1.0), bits(2.0), 0x7fc0_0000);
    // For 1 and 2, 1 and 1, 2 and 1, 1 and what is no number.
    let table = [
        ("eq", [0, 1, 0, 0]),
        ("ne", [1, 0, 1, 0]),
        ("lt", [1, 0, 0, 0]),
        ("le", [1, 1, 0, 0]),
        ("gt", [0, 0, 1, 0]),
        ("ge", [0, 1, 1, 0]),
        ("equ", [0, 1, 0, 1]),
        ("neu", [1, 0, 1, 1]),
        ("ltu", [1, 0, 0, 1]),
        ("leu", [1, 1, 0, 1]),
        ("gtu", [0, 0, 1, 1]),
        ("geu", [0, 1, 1, 1]),
        ("num", [1, 1, 1, 0]),
        ("nan", [0, 0, 0, 1]),
    ];
    let rows = [[one, two, 0], [one, one, 0], [two, one, 0], [one, nan, 0]];
    for (operator, expected) in table {
        let code = format!("setp.{operator}.f32 %p, %a, %b;");
        assert_eq!(evaluate(&code, "%p", &rows), expected, "{operator}");
    }
    let flushed = evaluate("setp.eq.ftz.f32 %p, %a, %b;", "%p", &[[SUBNORMAL, 0, 0]]);
    assert_eq!(flushed, [1]);
    let sorts = [
        ("finite", [1, 1, 0, 0]),
        ("infinite", [0, 0, 1, 0]),
        ("number", [1, 1, 1, 0]),
        ("notanumber", [0, 0, 0, 1]),
        ("normal", [1, 0, 0, 0]),
        ("subnormal", [0, 1, 0, 0]),
    ];
    let rows = [one, SUBNORMAL, bits(f32::INFINITY), nan].map(|value| [value, 0, 0]);
    for (sort, expected) in sorts {
        let code = format!("testp.{sort}.f32 %p, %a;");
        assert_eq!(evaluate(&code, "%p", &rows), expected, "{sort}");
    }
}

/// A value of double precision to single, by the standard library and one step.
fn directed(value: f64, rounding: &str) -> f32 {
    let nearest = value as f32;
    let found = f64::from(nearest);
    let is_down = rounding == "rm" || (rounding == "rz" && value > 0.0);
    let is_up = rounding == "rp" || (rounding == "rz" && value < 0.0);
    if is_down && found > value {
        nearest.next_down()
    } else if is_up && found < value {
        nearest.next_up()
    } else {
        nearest
    }
}

/// Numbers with few bits, so that products and sums are exact in double precision.
fn short(random: &mut Random) -> f32 {
    let bits = random.next();
    let mantissa = (bits % 4096) as f32 - 2048.0;
    mantissa * 2.0_f32.powi((bits >> 20 & 0xfff) as i32 % 12 - 6)
}

#[test]
fn every_rounding_is_the_exact_value_rounded_once() {
    let mut random = Random(1);
    let rows: Vec<[f32; 3]> = (0..2000)
        .map(|_| [0; 3].map(|_| short(&mut random)))
        .collect();
    let slots: Vec<[u64; 3]> = rows.iter().map(|row| row.map(bits)).collect();
    for rounding in ["rn", "rz", "rm", "rp"] {
        // `c` is made small, so that there is something to round.
        let small = 2.0_f64.powi(-16);
        let code = format!("mul.f32 %s0, %c, 0f37800000; fma.{rounding}.f32 %r, %a, %b, %s0;");
        let mut checked = 0;
        for (row, found) in rows.iter().zip(evaluate(&code, "%r", &slots)) {
            let [a, b, c] = row.map(f64::from);
            let exact = a * b + c * small;
            // Where no bit falls below the last of double precision.
            let is_exact = exact - a * b == c * small && exact - c * small == a * b;
            if is_exact && exact != 0.0 {
                checked += 1;
                let expected = bits(directed(exact, rounding));
                assert_eq!(found, expected, "{code} {row:?}");
            }
        }
        assert!(checked > 1500, "{checked}");
        let code = format!("add.{rounding}.f32 %r, %a, %b;");
        for (row, found) in rows.iter().zip(evaluate(&code, "%r", &slots)) {
            let exact = f64::from(row[0]) + f64::from(row[1]);
            if exact != 0.0 {
                assert_eq!(found, bits(directed(exact, rounding)), "{code} {row:?}");
            }
        }
        let code = format!("mul.{rounding}.f32 %s0, %a, %b; mul.{rounding}.f32 %r, %s0, %s0;");
        for (row, found) in rows.iter().zip(evaluate(&code, "%r", &slots)) {
            let product = directed(f64::from(row[0]) * f64::from(row[1]), rounding);
            let exact = f64::from(product) * f64::from(product);
            if exact != 0.0 {
                assert_eq!(found, bits(directed(exact, rounding)), "{code} {row:?}");
            }
        }
    }
}

#[test]
fn a_fused_sum_is_the_exact_one_where_double_precision_is_not() {
    // 1 + 2^-24 + 2^-80: beyond the middle of two neighbours by what double precision loses.
    let half_step = bits(f32::from_bits(0x3380_0000));
    let beyond = bits(2.0_f32.powi(-80));
    let code = "fma.rn.f32 %r, %a, %b, %c;";
    let above = [
        bits(1.0 + 2.0_f32.powi(-12)),
        bits(1.0 + 2.0_f32.powi(-12)),
        beyond,
    ];
    // (1 + 2^-12)^2 = 1 + 2^-11 + 2^-24 is a tie, which the third breaks.
    let one_and = bits(1.0 + 2.0_f32.powi(-11));
    assert_eq!(evaluate(code, "%r", &[above]), [one_and + 1]);
    let below = [above[0], above[1], 0x8000_0000 | beyond];
    assert_eq!(evaluate(code, "%r", &[below]), [one_and]);
    assert_eq!(
        evaluate("add.f32 %r, %a, %b;", "%r", &[[bits(1.0), half_step, 0]]),
        [bits(1.0)]
    );
}

#[test]
fn double_precision_is_that_of_rust() {
    let mut random = Random(9);
    let rows: Vec<[f64; 3]> = (0..300)
        .map(|_| [0; 3].map(|_| (random.next() as i64) as f64 / 1e17))
        .collect();
    let slots: Vec<[u64; 3]> = rows.iter().map(|row| row.map(f64::to_bits)).collect();
    type Truth = fn([f64; 3]) -> f64;
    let table: [(&str, Truth); 11] = [
        ("add.f64 %d, %ad, %bd;", |[a, b, _]| a + b),
        ("sub.f64 %d, %ad, %bd;", |[a, b, _]| a - b),
        ("mul.rn.f64 %d, %ad, %bd;", |[a, b, _]| a * b),
        ("fma.rn.f64 %d, %ad, %bd, %cd;", |[a, b, c]| a.mul_add(b, c)),
        ("div.rn.f64 %d, %ad, %bd;", |[a, b, _]| a / b),
        ("min.f64 %d, %ad, %bd;", |[a, b, _]| a.min(b)),
        ("max.f64 %d, %ad, %bd;", |[a, b, _]| a.max(b)),
        ("abs.f64 %d, %ad; sqrt.rn.f64 %d, %d;", |[a, _, _]| {
            a.abs().sqrt()
        }),
        ("neg.f64 %d, %ad;", |[a, _, _]| -a),
        ("rcp.rn.f64 %d, %ad;", |[a, _, _]| 1.0 / a),
        ("copysign.f64 %d, %ad, %bd;", |[a, b, _]| b.copysign(a)),
    ];
    for (code, truth) in table {
        for (row, found) in rows.iter().zip(evaluate(code, "%d", &slots)) {
            assert_eq!(f64::from_bits(found), truth(*row), "{code} {row:?}");
        }
    }
    for row in &slots[..50] {
        let code = "rcp.approx.ftz.f64 %d, %ad;";
        let found = f64::from_bits(evaluate(code, "%d", &[*row])[0]);
        let expected = 1.0 / f64::from_bits(row[0]);
        assert!((found / expected - 1.0).abs() < 1e-5, "{found} {expected}");
    }
}
