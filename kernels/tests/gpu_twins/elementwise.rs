//! What is done to each value, against the definition.

use autovoice_kernels::gpu::{
    Array, Device, Rows, combine, draw, log_at_least, mask_rows, multiply, scale_shift, shift_rows,
};

use crate::support::{Target, array, close, is_unwritten, noise};

autovoice_emulator::twins! { combined multiplied scaled_and_shifted masked shifted drawn logarithms }

const SIZES: [(usize, usize); 5] = [(1, 1), (1, 300), (5, 7), (3, 128), (4, 131)];

fn rows<B>(values: autovoice_kernels::gpu::Slice<'_, B, f32>, stride: usize) -> Rows<'_, B> {
    Rows { values, stride }
}

fn combined<D: Device>(device: &D) {
    for (count, width) in SIZES {
        for (a_gap, b_gap, y_gap) in [(0, 0, 0), (3, 1, 2)] {
            let [a_stride, b_stride, y_stride] = [a_gap, b_gap, y_gap].map(|gap| width + gap);
            let (a, b) = (noise(count * a_stride, 1), noise(count * b_stride, 2));
            let (a_there, b_there) = (array(device, &a), array(device, &b));
            for has_b in [true, false] {
                let y = Target::new(device, count * y_stride);
                let b_rows = has_b.then(|| (rows(b_there.all(), b_stride), -0.5));
                let a_rows = (rows(a_there.all(), a_stride), 2.0);
                let y_rows = rows(y.slice(), y_stride);
                combine(device, (count, width), a_rows, b_rows, y_rows).unwrap();
                for (at, got) in y.read(device).iter().enumerate() {
                    let (r, c) = (at / y_stride, at % y_stride);
                    if width <= c {
                        assert!(is_unwritten(*got));
                        continue;
                    }
                    let b = if has_b { b[r * b_stride + c] } else { 0.0 };
                    let want = 2.0 * f64::from(a[r * a_stride + c]) - 0.5 * f64::from(b);
                    close(
                        &[*got],
                        [want],
                        3e-7,
                        &format!("{count} x {width}, {r}, {c}"),
                    );
                }
            }
        }
    }
    // In place: a running sum.
    let y = Target::holding(device, &[1.0, 2.0, 3.0]);
    let itself = rows(y.slice(), 3);
    combine(device, (1, 3), (itself, 1.0), Some((itself, 1.0)), itself).unwrap();
    assert_eq!(y.read(device), [2.0, 4.0, 6.0]);
}

fn multiplied<D: Device>(device: &D) {
    for (count, width) in SIZES {
        let stride = width + 1;
        let (a, b) = (noise(count * width, 1), noise(count * stride, 2));
        let b_there = array(device, &b);
        let y = Target::holding(device, &a);
        let itself = rows(y.slice(), width);
        let size = (count, width);
        multiply(device, size, itself, rows(b_there.all(), stride), itself).unwrap();
        let want = (0..count * width).map(|n| f64::from(a[n] * b[n / width * stride + n % width]));
        close(&y.read(device), want, 0.0, &format!("{count} x {width}"));
    }
}

fn scaled_and_shifted<D: Device>(device: &D) {
    for (count, width) in SIZES {
        let (x, scale, shift) = (noise(count * width, 1), noise(width, 2), noise(width, 3));
        let (x_there, scale_there) = (array(device, &x), array(device, &scale));
        let shift_there = array(device, &shift);
        let y = Target::new(device, count * width);
        let input = (x_there.all(), count);
        scale_shift(
            device,
            input,
            scale_there.all(),
            shift_there.all(),
            y.slice(),
        )
        .unwrap();
        let want = (0..count * width).map(|n| {
            let c = n % width;
            f64::from(scale[c]) * f64::from(x[n]) + f64::from(shift[c])
        });
        close(&y.read(device), want, 2e-7, &format!("{count} x {width}"));
    }
}

/// Begins, ends, and both in one piece.
fn masked<D: Device>(device: &D) {
    let (count, width) = (6, 131);
    for (at, end, times) in [(-2, 100, 1), (8, 11, 1), (-1, 2, 3), (0, 6, 1), (50, 20, 1)] {
        let y = Target::holding(device, &vec![1.0; count * width]);
        let place = Array::new(device, &[at, end]).unwrap();
        mask_rows(device, (y.slice(), count, width), (place.all(), times)).unwrap();
        let want = (0..count * width).map(|n| {
            let frame = at * times as i64 + (n / width) as i64;
            f64::from(u8::from((0..end * times as i64).contains(&frame)))
        });
        close(
            &y.read(device),
            want,
            0.0,
            &format!("from {at}, end {end}, {times}"),
        );
    }
}

/// By less than is kept, where both stretches overlap, and by more.
fn shifted<D: Device>(device: &D) {
    for (width, kept, by) in [
        (1, 1, 1),
        (131, 3, 1),
        (5, 30, 7),
        (7, 2, 9),
        (3, 17, 8),
        (4, 5, 0),
    ] {
        let x = noise((kept + by) * width, 1);
        let y = Target::holding(device, &x);
        shift_rows(device, (y.slice(), width), (kept, by)).unwrap();
        let (rows, more) = (&x[by * width..], &x[kept * width..]);
        let want = rows.iter().chain(more).map(|x| f64::from(*x));
        close(
            &y.read(device),
            want,
            0.0,
            &format!("{kept} of {width}, by {by}"),
        );
    }
}

fn drawn<D: Device>(device: &D) {
    for (count, width) in SIZES {
        let (stats, deviates) = (noise(count * 2 * width, 1), noise(count * width, 2));
        let (stats_there, noise_there) = (array(device, &stats), array(device, &deviates));
        let z = Target::new(device, count * width);
        let size = (count, width);
        let noise = (noise_there.all(), 0.66666);
        draw(device, size, stats_there.all(), noise, z.slice()).unwrap();
        let want = (0..count * width).map(|n| {
            let from = n / width * 2 * width + n % width;
            let (mean, log) = (f64::from(stats[from]), f64::from(stats[from + width]));
            mean + log.exp() * f64::from(deviates[n]) * f64::from(0.66666f32)
        });
        close(&z.read(device), want, 6e-7, &format!("{count} x {width}"));
    }
}

fn logarithms<D: Device>(device: &D) {
    let x = [0.0, 1e-7, 1e-5, 0.3, 1.0, 20.0, 1e30, f32::MIN_POSITIVE];
    let x_there = array(device, &x);
    let y = Target::new(device, x.len());
    log_at_least(device, x_there.all(), 1e-5, y.slice()).unwrap();
    let want = x.iter().map(|x| f64::from(x.max(1e-5)).ln());
    close(&y.read(device), want, 8e-6, "logarithms");
}
