//! Convolutions over images and what lies between them against the definitions.

use autovoice_kernels::gpu::{
    Activation, Array, Conv2d, Device, Doubling, GpuError, Image, Precision, conv2d, double, halve,
    image_len,
};

use crate::support::{close, halved, noise};

autovoice_emulator::twins! {
    images_are_convolved images_are_doubled_and_joined images_are_halved what_does_not_fit_is_refused
}

type Shape = [usize; 3];

/// An image on a device, its frame zeros where nobody writes, and what is no number everywhere else.
struct There<B> {
    memory: Array<B, f32>,
    shape: Shape,
}

impl<B> There<B> {
    fn new<D: Device<Buffer = B>>(device: &D, shape: Shape) -> Self {
        let [_, width, channels] = shape;
        let mut values = vec![f32::NAN; image_len(shape)];
        values[..(width + 2) * channels].fill(0.0);
        Self {
            memory: Array::new(device, &values).unwrap(),
            shape,
        }
    }

    /// That holds `[height, width, channels]`.
    fn holding<D: Device<Buffer = B>>(device: &D, shape: Shape, x: &[f32]) -> Self {
        let [_, width, channels] = shape;
        let mut values = vec![0.0; image_len(shape)];
        let rows = values[(width + 2) * channels..].chunks_mut((width + 1) * channels);
        for (row, x) in rows.zip(x.chunks(width * channels)) {
            row[..x.len()].copy_from_slice(x);
        }
        Self {
            memory: Array::new(device, &values).unwrap(),
            shape,
        }
    }

    fn image(&self) -> Image<'_, B> {
        Image::new(self.memory.all(), self.shape).unwrap()
    }

    /// What it holds, after a look at the frame, of which the last pixel is nobody's.
    fn read<D: Device<Buffer = B>>(&self, device: &D) -> Vec<f32> {
        let [height, width, channels] = self.shape;
        let mut all = vec![f32::NAN; self.memory.len()];
        self.memory.all().download(device, &mut all).unwrap();
        let (above, rest) = all.split_at((width + 2) * channels);
        let mut frame = above.to_vec();
        let mut values = Vec::new();
        for (t, row) in rest.chunks_exact((width + 1) * channels).enumerate() {
            let (pixels, behind) = row.split_at(if t < height { width * channels } else { 0 });
            values.extend_from_slice(pixels);
            frame.extend_from_slice(behind);
        }
        assert!(frame.iter().all(|x| *x == 0.0), "a frame: {frame:?}");
        values
    }
}

fn value(x: &[f32], [height, width, channels]: Shape, (t, f, i): (isize, isize, usize)) -> f64 {
    let inside = (0..height as isize).contains(&t) && (0..width as isize).contains(&f);
    if !inside {
        return 0.0;
    }
    f64::from(x[(t as usize * width + f as usize) * channels + i])
}

fn images_are_convolved<D: Device>(device: &D) {
    for (ins, outs, kernel, [height, width], precision) in [
        (1, 5, 3, [4, 6], Precision::Full),
        (3, 17, 3, [11, 13], Precision::Full),
        (12, 9, 3, [6, 5], Precision::Full),
        (5, 4, 1, [3, 1], Precision::Full),
        (2, 3, 3, [1, 2], Precision::Full),
        (4, 20, 3, [6, 7], Precision::Half),
    ] {
        let what = format!("{ins} to {outs}, {kernel} x {kernel}, {height} x {width}");
        let (mut w, bias) = (noise(outs * ins * kernel * kernel, 2), noise(outs, 3));
        let mut x = noise(height * width * ins, 1);
        if precision == Precision::Half {
            w.iter_mut().chain(&mut x).for_each(|x| *x = halved(*x));
        }
        let conv = Conv2d::new(device, (ins, outs, kernel), &w, &bias, precision).unwrap();
        let pixels = height * (width + 1);
        let work = Array::zeros(device, conv.work_len(device, pixels)).unwrap();
        let shape = [height, width, ins];
        let from = There::holding(device, shape, &x);
        let added = noise(height * width * outs, 4);
        for is_added in [false, true] {
            // Added to itself, in place.
            let to = match is_added {
                true => There::holding(device, [height, width, outs], &added),
                false => There::new(device, [height, width, outs]),
            };
            let ends = (Activation::Relu, is_added.then(|| to.image()));
            conv2d(device, &conv, from.image(), ends, to.image(), work.all()).unwrap();
            let want = (0..height * width * outs).map(|n| {
                let (t, f, o) = (n / outs / width, n / outs % width, n % outs);
                let products = (0..kernel * kernel * ins).map(|m| {
                    let (a, b, i) = (m / kernel % kernel, m % kernel, m / kernel / kernel);
                    let row = (t + a) as isize - (kernel / 2) as isize;
                    let column = (f + b) as isize - (kernel / 2) as isize;
                    value(&x, shape, (row, column, i)) * f64::from(w[o * kernel * kernel * ins + m])
                });
                let sum = f64::from(bias[o]) + products.sum::<f64>();
                sum.max(0.0) + if is_added { f64::from(added[n]) } else { 0.0 }
            });
            close(&to.read(device), want, 1e-5, &what);
        }
    }
}

fn images_are_doubled_and_joined<D: Device>(device: &D) {
    for (ins, outs, more, [height, width], precision) in [
        (1, 5, 2, [4, 6], Precision::Full),
        (7, 17, 3, [5, 3], Precision::Full),
        (3, 2, 1, [1, 1], Precision::Full),
        (4, 6, 6, [3, 4], Precision::Half),
    ] {
        let what = format!("{ins} to {outs}, {height} x {width}");
        let (mut w, bias) = (noise(ins * outs * 9, 2), noise(outs, 3));
        let mut x = noise(height * width * ins, 1);
        if precision == Precision::Half {
            w.iter_mut().chain(&mut x).for_each(|x| *x = halved(*x));
        }
        let doubling = Doubling::new(device, (ins, outs), &w, &bias, precision).unwrap();
        let pixels = height * (width + 1);
        let work = Array::zeros(device, doubling.work_len(device, pixels)).unwrap();
        let four = Array::zeros(device, doubling.four_len([height, width])).unwrap();
        let from = There::holding(device, [height, width, ins], &x);
        let passed = noise(4 * height * width * more, 4);
        let by = There::holding(device, [2 * height, 2 * width, more], &passed);
        let to = There::new(device, [2 * height, 2 * width, outs + more]);
        let (given, memory) = ((from.image(), Activation::Relu), (four.all(), work.all()));
        double(device, &doubling, given, by.image(), to.image(), memory).unwrap();
        // Every input spreads over the 3 x 3 outputs around twice its place.
        let mut sums = vec![0f64; 4 * height * width * outs];
        for n in 0..height * width * 9 {
            let (pixel, a, c) = (n / 9, n / 3 % 3, n % 3);
            let (row, column) = (2 * (pixel / width) + a, 2 * (pixel % width) + c);
            if row == 0 || column == 0 || row > 2 * height || column > 2 * width {
                continue;
            }
            let at = ((row - 1) * 2 * width + column - 1) * outs;
            for m in 0..ins * outs {
                let (i, o) = (m / outs, m % outs);
                let weight = w[((i * outs + o) * 3 + a) * 3 + c];
                sums[at + o] += f64::from(x[pixel * ins + i]) * f64::from(weight);
            }
        }
        let want = (0..4 * height * width * (outs + more)).map(|n| {
            let (pixel, c) = (n / (outs + more), n % (outs + more));
            match c.checked_sub(outs) {
                None => (sums[pixel * outs + c] + f64::from(bias[c])).max(0.0),
                Some(c) => f64::from(passed[pixel * more + c]),
            }
        });
        close(&to.read(device), want, 1e-5, &what);
    }
}

fn images_are_halved<D: Device>(device: &D) {
    for shape in [[2, 2, 1], [4, 6, 5], [5, 7, 3], [2, 64, 33]] {
        let [height, width, channels] = shape;
        let x = noise(height * width * channels, 1);
        let from = There::holding(device, shape, &x);
        let [rows, columns] = [height / 2, width / 2];
        let to = There::new(device, [rows, columns, channels]);
        halve(device, from.image(), to.image()).unwrap();
        let want = (0..rows * columns * channels).map(|n| {
            let (pixel, c) = (n / channels, n % channels);
            let (t, f) = (2 * (pixel / columns), 2 * (pixel % columns));
            let four = [(0, 0), (0, 1), (1, 0), (1, 1)].map(|(a, b)| {
                let place = ((t + a) as isize, (f + b) as isize, c);
                value(&x, shape, place)
            });
            four.iter().sum::<f64>() / 4.0
        });
        close(&to.read(device), want, 1e-6, &format!("{shape:?}"));
    }
}

fn what_does_not_fit_is_refused<D: Device>(device: &D) {
    let made = |kernel| {
        Conv2d::new(
            device,
            (1, 2, kernel),
            &[0.0; 18],
            &[0.0; 2],
            Precision::Full,
        )
    };
    for kernel in [0, 2, 5] {
        let refused = made(kernel).err();
        assert!(
            matches!(refused, Some(GpuError::Size { .. })),
            "{refused:?}"
        );
    }
    let conv = made(3).unwrap();
    let images = [[2, 3, 1], [2, 3, 2], [3, 2, 2]].map(|shape| There::new(device, shape));
    let [one, two, other] = [images[0].image(), images[1].image(), images[2].image()];
    let work = images[0].memory.all();
    for (x, add, y) in [(two, None, two), (one, None, other), (one, Some(one), two)] {
        let ends = (Activation::None, add);
        let refused = conv2d(device, &conv, x, ends, y, work);
        assert!(matches!(refused, Err(GpuError::Size { .. })), "{refused:?}");
    }
    assert!(halve(device, two, one).is_err(), "not half of it");
    let short = images[0].memory.all();
    assert!(Image::new(short, [3, 3, 1]).is_err(), "too few values");
}
