//! Neighbouring frames that are made one, against the definition.

use autovoice_kernels::gpu::{Device, pool_scaled};

use crate::support::{Target, array, close, noise};

autovoice_emulator::twins! { greater_of_two_scaled }

fn greater_of_two_scaled<D: Device>(device: &D) {
    for (frames, channels) in [(1, 1), (3, 7), (2, 128), (4, 131), (1, 300)] {
        let x = noise(2 * frames * channels, 1);
        // Of either sign: the greater may come of the smaller.
        let (scale, shift) = (noise(channels, 2), noise(channels, 3));
        let (x_there, y) = (array(device, &x), Target::new(device, frames * channels));
        let (scale_there, shift_there) = (array(device, &scale), array(device, &shift));
        let input = (x_there.all(), frames);
        pool_scaled(
            device,
            input,
            scale_there.all(),
            shift_there.all(),
            y.slice(),
        )
        .unwrap();
        let of = |f: usize, c: usize| {
            f64::from(scale[c]) * f64::from(x[f * channels + c]) + f64::from(shift[c])
        };
        let want = (0..frames * channels).map(|n| {
            let (f, c) = (n / channels, n % channels);
            of(2 * f, c).max(of(2 * f + 1, c))
        });
        let what = format!("{frames} x {channels}");
        close(&y.read(device), want, 2e-7, &what);
    }
    // What is no number is not hidden by what is one.
    let one = array(device, &[1.0]);
    for x in [[f32::NAN, 1.0], [1.0, f32::NAN]] {
        let (x, y) = (array(device, &x), Target::new(device, 1));
        pool_scaled(device, (x.all(), 1), one.all(), one.all(), y.slice()).unwrap();
        assert!(y.read(device)[0].is_nan());
    }
}
