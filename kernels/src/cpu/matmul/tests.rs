//! Products of every form and shape against the definition.

use super::super::half;
use super::super::testing::noise;
use super::super::vector::WIDTH;
use super::tile::run;
use super::*;

/// Runs every form on one shape and holds it against the definition in f64.
fn check(rows: usize, ins: usize, outs: usize, stride: usize, gap: usize) {
    check_runs(rows, (1, ins, 0), outs, stride, gap);
}

/// The same with rows of runs: how many, how long, how far apart.
fn check_runs(
    rows: usize,
    (runs, run_length, apart): (usize, usize, usize),
    outs: usize,
    stride: usize,
    gap: usize,
) {
    let ins = runs * run_length;
    let row = (runs - 1) * apart + run_length;
    let x = noise(rows.saturating_sub(1) * stride + row, 1);
    let weights = noise(outs * ins, 2);
    let bias = noise(outs, 3);
    let w = PackedMatrix::new(outs, ins, &weights);
    let y_stride = outs + gap;
    let held = noise(rows * y_stride, 4);
    let exact = |r: usize, o: usize| -> f64 {
        let at = |i: usize| r * stride + i / run_length * apart + i % run_length;
        let products = (0..ins).map(|i| f64::from(weights[o * ins + i]) * f64::from(x[at(i)]));
        products.sum()
    };
    // The same matrix as it lies in memory, with room for whole panels.
    let wide = outs.next_multiple_of(WIDTH) + 3;
    let mut transposed = vec![f32::NAN; ins * wide];
    for i in 0..ins {
        for o in 0..outs {
            transposed[i * wide + o] = weights[o * ins + i];
        }
    }
    let unpacked = Unpacked {
        values: &transposed,
        outs,
        ins,
        stride: wide,
    };
    for form in Form::all() {
        for start in [Start::Zero, Start::Bias(&bias), Start::Accumulate] {
            let mut y = match start {
                Start::Accumulate => held.clone(),
                _ => vec![f32::NAN; rows * y_stride],
            };
            let left = Rows {
                x: &x,
                stride,
                rows,
                runs,
                run: run_length,
                apart,
            };
            let mut other = y.clone();
            run_packed(form, left, &w, start, &mut y, y_stride);
            run(form, left, unpacked.right(), start, &mut other, y_stride);
            let bits = |y: &[f32]| y.iter().map(|y| y.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&y), bits(&other), "packed or not is the same");
            for (at, got) in y.iter().enumerate() {
                let (r, o) = (at / y_stride, at % y_stride);
                let before = match start {
                    Start::Accumulate => held[at],
                    _ => f32::NAN,
                };
                if o >= outs {
                    assert_eq!(got.to_bits(), before.to_bits(), "a gap was written to");
                    continue;
                }
                let want = exact(r, o)
                    + f64::from(match start {
                        Start::Zero => 0.0,
                        Start::Bias(bias) => bias[o],
                        Start::Accumulate => before,
                    });
                let error = (f64::from(*got) - want).abs();
                // Rounding grows with the square root of the number of terms.
                let allowed = 1e-6 * (1.0 + ins as f64).sqrt();
                assert!(
                    error <= allowed,
                    "{form:?} {rows}x{ins}x{outs} stride {stride} {start:?}: {got} for {want}"
                );
            }
        }
    }
}

#[test]
fn every_form_agrees_with_the_definition_at_every_shape() {
    for rows in (0..=14).chain([25, 97, 193]) {
        for (ins, outs) in [(1, 1), (3, 16), (5, 17), (64, 15), (7, 40), (0, 3), (2, 0)] {
            check(rows, ins, outs, ins, 0);
        }
    }
    for (rows, ins, outs) in [(1, 720, 64), (13, 257, 33), (100, 513, 31), (6, 1000, 16)] {
        check(rows, ins, outs, ins, 0);
    }
}

#[test]
fn weights_of_half_precision_give_the_same_in_half_the_memory() {
    let (ins, outs) = (600, 70);
    let halved: Vec<f32> = noise(outs * ins, 2)
        .iter()
        .map(|x| (x * 512.0).round() / 512.0)
        .collect();
    let w = PackedMatrix::new(outs, ins, &halved);
    assert_eq!(w.bytes(), 2 * 80 * ins);
    let mut uneven = halved.clone();
    uneven[5] += 1e-6;
    assert_eq!(PackedMatrix::new(outs, ins, &uneven).bytes(), 4 * 80 * ins);
    let full = PackedMatrix {
        panels: Panels::Full(match &w.panels {
            Panels::Half(panels) => panels.iter().map(|x| half::to_f32(*x)).collect(),
            Panels::Full(panels) => panels.clone(),
        }),
        ..w.clone()
    };
    for form in Form::all() {
        for rows in [1, 2, 5, 6, 7, 13, 100] {
            let x = noise(rows * ins, 1);
            let [y, want] = [&w, &full].map(|w| {
                let mut y = vec![f32::NAN; rows * outs];
                let x = Rows::joined(&x, ins, rows, ins);
                run_packed(form, x, w, Start::Zero, &mut y, outs);
                y
            });
            assert_eq!(y, want, "{form:?}, {rows} rows");
        }
    }
}

#[test]
fn rows_may_overlap_lie_apart_and_leave_gaps() {
    for (stride, gap) in [(1, 0), (4, 5), (12, 0), (17, 3), (0, 1)] {
        for rows in [1, 5, 13, 100] {
            check(rows, 12, 21, stride, gap);
        }
    }
}

#[test]
fn rows_may_come_in_runs() {
    for (runs, run, apart) in [
        (3, 4, 20),
        (11, 5, 5),
        (3, 300, 310),
        (2, 40, 0),
        (9, 100, 7),
    ] {
        for rows in [1, 3, 6, 12, 13, 100] {
            check_runs(rows, (runs, run, apart), 21, 4, 2);
        }
    }
}

#[test]
fn a_slice_that_is_too_short_is_refused() {
    let w = PackedMatrix::new(3, 4, &[0.0; 12]);
    let refused = |x: usize, y: usize, bias: usize| {
        std::panic::catch_unwind(|| {
            let bias = vec![0.0; bias];
            matmul(
                &vec![0.0; x],
                2,
                3,
                &w,
                Start::Bias(&bias),
                &mut vec![0.0; y],
            );
        })
        .is_err()
    };
    assert!(!refused(8, 9, 3));
    assert!(refused(7, 9, 3));
    assert!(refused(8, 8, 3));
    assert!(refused(8, 9, 2));
}
