//! Products in every form against the definition.

use autovoice_kernels::gpu::{
    Activation, Array, Device, Form, GpuError, Input, Matrix, Output, Plan, Precision, matmul,
    matmul_as,
};

use crate::support::{Target, array, close, halved, is_unwritten, noise};

autovoice_emulator::twins! {
    along_full along_half tiles_full tiles_half sums_in_stretches
    rows_may_overlap_and_leave_gaps chosen_forms what_does_not_fit_is_refused
}

/// Rows, inputs, outputs.
type Shape = (usize, usize, usize);

/// Rounding grows with the square root of the number of terms. Matrix units drop digits when they align
/// what they add, so that theirs is a few times that of `f32`.
fn tolerance(form: Form, ins: usize) -> f64 {
    let unit = match form {
        Form::Half8 | Form::Half32 => 4e-6,
        _ => 1e-6,
    };
    unit * (1.0 + (ins as f64).sqrt())
}

/// What goes in and the weights as a form sees them.
fn seen(form: Form, precision: Precision, x: &[f32], w: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let halves = |values: &[f32]| values.iter().map(|x| halved(*x)).collect();
    let x = match form {
        Form::Half8 | Form::Half32 => halves(x),
        _ => x.to_vec(),
    };
    let w = match precision {
        Precision::Half => halves(w),
        Precision::Full => w.to_vec(),
    };
    (x, w)
}

fn check<D: Device>(
    device: &D,
    form: Form,
    precision: Precision,
    splits: usize,
    (rows, ins, outs): Shape,
    (stride, gap): (usize, usize),
) {
    let what =
        format!("{form:?} {precision:?} / {splits}, {rows} x {ins} x {outs}, {stride} + {gap}");
    let x = noise((rows - 1) * stride + ins, 1);
    let (w, bias) = (noise(outs * ins, 2), noise(outs, 3));
    let matrix = Matrix::new(device, (outs, ins), &w, Some(&bias), precision).unwrap();
    let plan = Plan { form, splits };
    let y_stride = outs + gap;
    let y = Target::new(device, (rows - 1) * y_stride + outs);
    let work = Array::zeros(device, matrix.work_for(plan, rows)).unwrap();
    let x_there = array(device, &x);
    let input = Input {
        x: x_there.all(),
        stride,
        rows,
        slope: 1.0,
    };
    let output = Output {
        y: y.slice(),
        stride: y_stride,
        activation: Activation::None,
        add: None,
    };
    matmul_as(device, plan, &matrix, input, output, work.all()).unwrap();
    let got = y.read(device);
    let (x, w) = seen(form, precision, &x, &w);
    for (at, got) in got.iter().enumerate() {
        let (r, o) = (at / y_stride, at % y_stride);
        if outs <= o {
            assert!(is_unwritten(*got), "{what}: a gap was written to");
            continue;
        }
        let products = (0..ins).map(|i| f64::from(w[o * ins + i]) * f64::from(x[r * stride + i]));
        let want = products.sum::<f64>() + f64::from(bias[o]);
        close(
            &[*got],
            [want],
            tolerance(form, ins),
            &format!("{what}, {r}, {o}"),
        );
    }
}

const ALONG: [Shape; 7] = [
    (1, 1, 1),
    (3, 5, 4),
    (4, 128, 3),
    (1, 769, 6),
    (5, 513, 9),
    (8, 36, 17),
    (2, 31, 130),
];

const TILES: [Shape; 8] = [
    (1, 1, 1),
    (8, 32, 64),
    (9, 33, 65),
    (16, 16, 64),
    (17, 71, 3),
    (33, 8, 67),
    (64, 36, 64),
    (65, 20, 70),
];

fn along_full<D: Device>(device: &D) {
    whole(
        device,
        [Form::Along4, Form::Along8],
        Precision::Full,
        &ALONG,
    );
}

fn along_half<D: Device>(device: &D) {
    whole(
        device,
        [Form::Along4, Form::Along8],
        Precision::Half,
        &ALONG,
    );
}

fn tiles_full<D: Device>(device: &D) {
    whole(
        device,
        [Form::Full16, Form::Full64],
        Precision::Full,
        &TILES,
    );
}

fn tiles_half<D: Device>(device: &D) {
    whole(device, [Form::Half8, Form::Half32], Precision::Half, &TILES);
}

/// Sums that are not cut, of rows that follow each other.
fn whole<D: Device>(device: &D, forms: [Form; 2], precision: Precision, shapes: &[Shape]) {
    for form in forms {
        for (rows, ins, outs) in shapes.iter().copied() {
            check(device, form, precision, 1, (rows, ins, outs), (ins, 0));
        }
    }
}

/// With more of them than there are steps, too.
fn sums_in_stretches<D: Device>(device: &D) {
    for splits in [2, 3, 8] {
        for (form, precision) in [
            (Form::Full16, Precision::Full),
            (Form::Full64, Precision::Full),
            (Form::Half8, Precision::Half),
            (Form::Half32, Precision::Half),
        ] {
            for (rows, ins, outs) in [(10, 131, 70), (3, 17, 2)] {
                check(device, form, precision, splits, (rows, ins, outs), (ins, 3));
            }
        }
    }
}

fn rows_may_overlap_and_leave_gaps<D: Device>(device: &D) {
    for (form, precision) in [
        (Form::Along4, Precision::Full),
        (Form::Along4, Precision::Half),
        (Form::Along8, Precision::Full),
        (Form::Along8, Precision::Half),
        (Form::Full16, Precision::Full),
        (Form::Half8, Precision::Half),
    ] {
        for placed in [(1, 0), (4, 5), (0, 1), (37, 2)] {
            check(device, form, precision, 1, (6, 36, 5), placed);
        }
    }
}

/// As whoever uses them has them done: with the work memory that is said to be enough for any number of
/// rows.
fn chosen_forms<D: Device>(device: &D) {
    let (ins, outs) = (600, 70);
    let w = noise(outs * ins, 2);
    for precision in [Precision::Full, Precision::Half] {
        let matrix = Matrix::new(device, (outs, ins), &w, None, precision).unwrap();
        let work = Array::zeros(device, matrix.work_len(device, 20)).unwrap();
        for rows in [1, 9, 20] {
            let x = noise(rows * ins, 1);
            let y = Target::new(device, rows * outs);
            let x_there = array(device, &x);
            let input = Input {
                x: x_there.all(),
                stride: ins,
                rows,
                slope: 1.0,
            };
            let output = Output {
                y: y.slice(),
                stride: outs,
                activation: Activation::None,
                add: None,
            };
            matmul(device, &matrix, input, output, work.all()).unwrap();
            let form = matrix.plan(device, rows).form;
            let (x, w) = seen(form, precision, &x, &w);
            let want = (0..rows * outs).map(|n| {
                let (x, w) = (&x[n / outs * ins..][..ins], &w[n % outs * ins..][..ins]);
                let products = x.iter().zip(w).map(|(x, w)| f64::from(*x) * f64::from(*w));
                products.sum::<f64>()
            });
            close(
                &y.read(device),
                want,
                tolerance(form, ins),
                &format!("{form:?}, {rows} rows"),
            );
        }
    }
}

fn what_does_not_fit_is_refused<D: Device>(device: &D) {
    let (rows, ins, outs) = (10, 300, 70);
    let weights = noise(outs * ins, 2);
    let made = |weights: &[f32], bias: Option<&[f32]>| {
        Matrix::new(device, (outs, ins), weights, bias, Precision::Full).map(|_| ())
    };
    assert!(matches!(
        made(&weights[1..], None),
        Err(GpuError::Short { .. })
    ));
    assert!(matches!(
        made(&weights, Some(&weights)),
        Err(GpuError::Size { .. })
    ));
    let matrix = Matrix::new(device, (outs, ins), &weights, None, Precision::Full).unwrap();
    let values = array(device, &vec![0.0; rows * ins]);
    let (form, splits) = (Form::Full16, 2);
    // Lengths of x, y and work, and whether they do.
    let work = 2 * rows * outs;
    for (x, y, work, fits) in [
        (rows * ins, rows * outs, work, true),
        (rows * ins - 1, rows * outs, work, false),
        (rows * ins, rows * outs - 1, work, false),
        (rows * ins, rows * outs, work - 1, false),
    ] {
        let part = |len: usize| array(device, &vec![0.0; len]);
        let (y, work) = (part(y), part(work));
        let input = Input {
            x: values.all().first(x).unwrap(),
            stride: ins,
            rows,
            slope: 1.0,
        };
        let output = Output {
            y: y.all(),
            stride: outs,
            activation: Activation::None,
            add: None,
        };
        let plan = Plan { form, splits };
        let done = matmul_as(device, plan, &matrix, input, output, work.all());
        assert_eq!(done.is_ok(), fits, "{done:?}");
        let other = Plan {
            form: Form::Half8,
            splits: 1,
        };
        let done = matmul_as(device, other, &matrix, input, output, work.all());
        assert!(matches!(done, Err(GpuError::Size { .. })), "{done:?}");
    }
}
