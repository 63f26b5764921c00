//! Arithmetic of half precision and bfloat16, held against a table of all values.

#[allow(dead_code, reason = "shared by tests that need parts of it")]
mod support;

use support::{Random, evaluate};

/// The finite values of a format above zero, in order, with their bits.
fn values(mantissa_bits: u32, least_exponent: i32, infinity: u64) -> Vec<f64> {
    let steps = 1_u64 << mantissa_bits;
    (0..infinity)
        .map(|bits| {
            let (field, fraction) = (bits / steps, bits % steps);
            let step = f64::from(least_exponent - mantissa_bits as i32).exp2();
            match field {
                0 => fraction as f64 * step,
                _ => (steps + fraction) as f64 * step * ((field - 1) as f64).exp2(),
            }
        })
        .collect()
}

/// A format by its values.
struct Table {
    values: Vec<f64>,
}

impl Table {
    fn half() -> Self {
        Self {
            values: values(10, -14, 0x7c00),
        }
    }

    fn brain() -> Self {
        Self {
            values: values(7, -126, 0x7f80),
        }
    }

    fn value(&self, bits: u64) -> f64 {
        let magnitude = self.values[(bits & 0x7fff) as usize];
        if bits >> 15 == 1 {
            -magnitude
        } else {
            magnitude
        }
    }

    /// The nearest, of two the even one, found by looking.
    fn nearest(&self, value: f64) -> u64 {
        let sign = if value.is_sign_negative() { 0x8000 } else { 0 };
        let magnitude = value.abs();
        let above = self.values.partition_point(|&found| found < magnitude);
        let last = self.values.len() - 1;
        if above > last {
            let step = self.values[last] - self.values[last - 1];
            let is_infinite = magnitude >= self.values[last] + step / 2.0;
            return sign | (last as u64 + u64::from(is_infinite));
        }
        if self.values[above] == magnitude {
            return sign | above as u64;
        }
        let below = above - 1;
        let (low, high) = (
            magnitude - self.values[below],
            self.values[above] - magnitude,
        );
        let is_up = high < low || (high == low && below % 2 == 1);
        sign | if is_up { above } else { below } as u64
    }
}

#[test]
fn results_are_exact_and_rounded_once() {
    for (kind, table) in [("f16", Table::half()), ("bf16", Table::brain())] {
        let mut random = Random(11);
        let limit = table.values.len() as u64;
        let rows: Vec<[u64; 3]> = (0..20_000)
            .map(|_| {
                // Near to each other in size, so that sums are exact in double precision.
                let middle = random.next() % limit;
                [0; 3].map(|_| {
                    let near = middle + random.next() % 2048;
                    near.saturating_sub(1024).min(limit - 1) | (random.next() % 2) << 15
                })
            })
            .collect();
        type Truth = fn(f64, f64, f64) -> (f64, f64);
        let operations: [(&str, Truth); 5] = [
            ("add.rn.KIND %h, %ah, %bh;", |a, b, _| (a + b, 0.0)),
            ("sub.rn.KIND %h, %ah, %bh;", |a, b, _| (a - b, 0.0)),
            ("mul.rn.KIND %h, %ah, %bh;", |a, b, _| (a * b, 0.0)),
            ("fma.rn.KIND %h, %ah, %bh, %ch;", |a, b, c| (a * b, c)),
            ("neg.KIND %h, %ah;", |a, _, _| (-a, 0.0)),
        ];
        let mut checked = 0;
        for (code, truth) in operations {
            let code = code.replace("KIND", kind);
            for (row, found) in rows.iter().zip(evaluate(&code, "%h", &rows)) {
                let [a, b, c] = row.map(|bits| table.value(bits));
                let (product, sum) = truth(a, b, c);
                let exact = product + sum;
                let is_exact = exact - product == sum && exact - sum == product;
                if is_exact && exact != 0.0 {
                    checked += 1;
                    assert_eq!(found, table.nearest(exact), "{code} {a:e} {b:e} {c:e}");
                }
            }
        }
        assert!(checked > 80_000, "{checked}");
    }
}

#[test]
fn pairs_are_two_of_one() {
    let mut random = Random(2);
    for kind in ["f16", "bf16"] {
        let rows: Vec<[u64; 3]> = (0..2000)
            .map(|_| [0; 3].map(|_| random.next() & 0xffff_ffff))
            .collect();
        for (operation, operands) in [
            ("add", "%A, %B"),
            ("sub", "%A, %B"),
            ("mul", "%A, %B"),
            ("fma.rn", "%A, %B, %C"),
            ("min", "%A, %B"),
            ("max.NaN", "%A, %B"),
            ("neg", "%A"),
            ("abs", "%A"),
        ] {
            let pair = operands.to_lowercase();
            let pair = evaluate(&format!("{operation}.{kind}x2 %r, {pair};"), "%r", &rows);
            let one = operands.to_lowercase().replace(',', "h,") + "h";
            let one = format!("{operation}.{kind} %h, {one};");
            let low = evaluate(&one, "%h", &rows);
            let upper: Vec<[u64; 3]> = rows
                .iter()
                .map(|row| row.map(|value| value >> 16))
                .collect();
            let high = evaluate(&one, "%h", &upper);
            for ((pair, low), high) in pair.into_iter().zip(low).zip(high) {
                assert_eq!(pair, high << 16 | low, "{one}");
            }
        }
    }
}

#[test]
fn ends_of_the_range_are_as_ptx_has_them() {
    let table: [(&str, &str, [u64; 3], u64); 16] = [
        ("add.f16 %h, %ah, %bh;", "%h", [0x7bff, 0x7bff, 0], 0x7c00),
        ("add.f16 %h, %ah, %bh;", "%h", [0x7c00, 0xfc00, 0], 0x7fff),
        ("add.f16 %h, %ah, %bh;", "%h", [0x0001, 0x0001, 0], 0x0002),
        (
            "add.ftz.f16 %h, %ah, %bh;",
            "%h",
            [0x0001, 0x3c00, 0],
            0x3c00,
        ),
        ("mul.ftz.f16 %h, %ah, %bh;", "%h", [0x0400, 0x3800, 0], 0),
        ("mul.f16 %h, %ah, %bh;", "%h", [0x0400, 0x3800, 0], 0x0200),
        (
            "add.sat.f16 %h, %ah, %bh;",
            "%h",
            [0x3c00, 0x3c00, 0],
            0x3c00,
        ),
        (
            "fma.rn.sat.f16 %h, %ah, %bh, %ch;",
            "%h",
            [0xbc00, 0x3c00, 0],
            0,
        ),
        ("min.f16 %h, %ah, %bh;", "%h", [0x7e00, 0x3c00, 0], 0x3c00),
        (
            "min.NaN.f16 %h, %ah, %bh;",
            "%h",
            [0x7e00, 0x3c00, 0],
            0x7fff,
        ),
        ("setp.lt.f16 %p, %ah, %bh;", "%p", [0xbc00, 0x3c00, 0], 1),
        ("setp.lt.bf16 %p, %ah, %bh;", "%p", [0x3f80, 0xbf80, 0], 0),
        ("setp.neu.f16 %p, %ah, %bh;", "%p", [0x7e00, 0x7e00, 0], 1),
        ("ex2.approx.f16 %h, %ah;", "%h", [0x3c00, 0, 0], 0x4000),
        (
            "tanh.approx.f16x2 %r, %a;",
            "%r",
            [0x7c00_0000, 0, 0],
            0x3c00_0000,
        ),
        (
            "tanh.approx.f32 %r, %a;",
            "%r",
            [0x7f80_0000, 0, 0],
            0x3f80_0000,
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
