//! Normalisations against the definition.

use autovoice_kernels::gpu::{Device, GpuError, group_norm, layer_norm};

use crate::support::{Target, array, close, noise};

autovoice_emulator::twins! { layers groups }

const EPSILON: f64 = 1e-5;

/// Far from 0, where sums of squares would lose their digits.
fn far(count: usize) -> Vec<f32> {
    noise(count, 1).iter().map(|x| 20.0 + x).collect()
}

/// Mean and deviation.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let variance = values.map(|x| (x - mean).powi(2)).sum::<f64>() / count;
    (mean, (variance + EPSILON).sqrt())
}

fn layers<D: Device>(device: &D) {
    for (frames, channels) in [(1, 1), (3, 7), (2, 128), (5, 192), (1, 769)] {
        let x = far(frames * channels);
        let (scale, shift) = (noise(channels, 2), noise(channels, 3));
        let (scale_there, shift_there) = (array(device, &scale), array(device, &shift));
        // In place and not.
        for is_in_place in [false, true] {
            let x_there = array(device, &x);
            let y = match is_in_place {
                true => Target::holding(device, &x),
                false => Target::new(device, x.len()),
            };
            let from = if is_in_place {
                y.slice()
            } else {
                x_there.all()
            };
            let weights = (scale_there.all(), shift_there.all());
            layer_norm(device, (from, frames), weights.0, weights.1, y.slice()).unwrap();
            let want = (0..frames * channels).map(|n| {
                let (f, c) = (n / channels, n % channels);
                let frame = &x[f * channels..][..channels];
                let (mean, deviation) = moments(frame.iter().map(|x| f64::from(*x)));
                (f64::from(x[n]) - mean) / deviation * f64::from(scale[c]) + f64::from(shift[c])
            });
            close(
                &y.read(device),
                want,
                2e-5,
                &format!("{frames} x {channels}"),
            );
        }
    }
}

fn groups<D: Device>(device: &D) {
    for (frames, channels, groups) in [(1, 2, 1), (7, 6, 3), (67, 5, 5), (13, 40, 2)] {
        let x = far(frames * channels);
        let (scale, shift) = (noise(channels, 2), noise(channels, 3));
        let (scale_there, shift_there) = (array(device, &scale), array(device, &shift));
        let y = Target::holding(device, &x);
        let weights = (scale_there.all(), shift_there.all());
        let from = (y.slice(), frames, groups);
        group_norm(device, from, weights.0, weights.1, y.slice()).unwrap();
        let size = channels / groups;
        let want = (0..frames * channels).map(|n| {
            let c = n % channels;
            let first = c / size * size;
            let group = (0..frames).flat_map(|f| &x[f * channels + first..][..size]);
            let (mean, deviation) = moments(group.map(|x| f64::from(*x)));
            (f64::from(x[n]) - mean) / deviation * f64::from(scale[c]) + f64::from(shift[c])
        });
        close(
            &y.read(device),
            want,
            2e-5,
            &format!("{frames} x {channels} / {groups}"),
        );
    }
    let values = array(device, &[0.0; 6]);
    let all = values.all();
    let refused = group_norm(device, (all, 1, 4), all, all, all);
    assert!(
        matches!(refused, Err(GpuError::Size { found: 4, .. })),
        "{refused:?}"
    );
}
