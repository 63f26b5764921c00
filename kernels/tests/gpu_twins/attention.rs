//! Attention against the definition.

use autovoice_kernels::gpu::{Attention, Device, GpuError, Near, Rows, attend};

use crate::support::{Target, array, close, is_unwritten, noise};

autovoice_emulator::twins! { plain loud_ones with_relative_positions too_many_keys_are_refused }

struct Case {
    frames: usize,
    keys: usize,
    heads: usize,
    depth: usize,
    reach: usize,
    /// What queries and keys are multiplied with.
    loud: f32,
    /// Values between rows, of queries, of keys and of the result.
    gaps: [usize; 3],
}

fn check<D: Device>(device: &D, case: &Case) {
    let Case {
        frames,
        keys: count,
        heads,
        depth,
        reach,
        loud,
        gaps,
    } = *case;
    let what = format!("{frames} frames, {count} keys, {heads} x {depth}, reach {reach}");
    let width = heads * depth;
    let [q_stride, stride, y_stride] = gaps.map(|gap| width + gap);
    let louder = |values: Vec<f32>| -> Vec<f32> { values.iter().map(|x| loud * x).collect() };
    let queries = louder(noise(frames * q_stride, 1));
    let (keys, values) = (louder(noise(count * stride, 2)), noise(count * stride, 3));
    let (near_keys, near_values) = (noise(reach * depth, 4), noise(reach * depth, 5));
    let there = [&queries, &keys, &values, &near_keys, &near_values].map(|x| array(device, x));
    let y = Target::new(device, frames * y_stride);
    let attention = Attention {
        queries: Rows {
            values: there[0].all(),
            stride: q_stride,
        },
        keys: there[1].all(),
        values: there[2].all(),
        stride,
        frames,
        count,
        heads,
        depth,
        near: (reach > 0).then(|| Near {
            keys: there[3].all(),
            values: there[4].all(),
            reach,
        }),
    };
    let to = Rows {
        values: y.slice(),
        stride: y_stride,
    };
    attend(device, &attention, to).unwrap();
    let got = y.read(device);
    // Scores are as exact as they are large, and so are their exponentials.
    let tolerance = 3e-6 * f64::from((loud / HEARD).powi(2).max(1.0));
    for f in 0..frames {
        for head in 0..heads {
            // The place of a key among those that are near.
            let near = |k: usize| (k + reach / 2).checked_sub(f).filter(|n| *n < reach);
            let of = |all: &[f32], more: &[f32], k: usize, d: usize| {
                let own = f64::from(all[k * stride + head * depth + d]);
                own + near(k).map_or(0.0, |n| f64::from(more[n * depth + d]))
            };
            let scores: Vec<f64> = (0..count)
                .map(|k| {
                    let q = |d: usize| f64::from(queries[f * q_stride + head * depth + d]);
                    let products = (0..depth).map(|d| q(d) * of(&keys, &near_keys, k, d));
                    products.sum::<f64>() / (depth as f64).sqrt()
                })
                .collect();
            let most = scores.iter().copied().fold(f64::MIN, f64::max);
            let shares: Vec<f64> = scores.iter().map(|score| (score - most).exp()).collect();
            let total: f64 = shares.iter().sum();
            let want = (0..depth).map(|d| {
                let terms = shares.iter().enumerate();
                let sum: f64 = terms
                    .map(|(k, share)| share * of(&values, &near_values, k, d))
                    .sum();
                sum / total
            });
            let row = &got[f * y_stride + head * depth..][..depth];
            close(
                row,
                want,
                tolerance,
                &format!("{what}, frame {f}, head {head}"),
            );
        }
        let gap = &got[f * y_stride + width..][..y_stride - width];
        assert!(gap.iter().all(|x| is_unwritten(*x)), "{what}: a gap");
    }
}

/// So loud that some keys are heard and others are not.
const HEARD: f32 = 3.0;

/// Scores of which the exponential is no number of `f32`.
fn loud_ones<D: Device>(device: &D) {
    let case = Case {
        frames: 3,
        keys: 9,
        heads: 2,
        depth: 16,
        reach: 0,
        loud: 30.0,
        gaps: [0; 3],
    };
    check(device, &case);
}

fn plain<D: Device>(device: &D) {
    for (frames, keys, heads, depth) in
        [(1, 1, 1, 1), (3, 5, 2, 3), (2, 67, 3, 64), (1, 130, 1, 37)]
    {
        for gaps in [[0; 3], [1, 2, 3]] {
            let reach = 0;
            let case = Case {
                frames,
                keys,
                heads,
                depth,
                reach,
                loud: HEARD,
                gaps,
            };
            check(device, &case);
        }
    }
}

fn with_relative_positions<D: Device>(device: &D) {
    for (frames, heads, depth, reach) in
        [(1, 1, 5, 3), (13, 2, 6, 5), (7, 2, 96, 21), (30, 1, 4, 7)]
    {
        let case = Case {
            frames,
            keys: frames,
            heads,
            depth,
            reach,
            loud: HEARD,
            gaps: [0, 1, 0],
        };
        check(device, &case);
    }
}

fn too_many_keys_are_refused<D: Device>(device: &D) {
    let values = array(device, &[0.0; 4]);
    for count in [0, 13_000] {
        let rows = Rows {
            values: values.all(),
            stride: 0,
        };
        let attention = Attention {
            queries: rows,
            keys: values.all(),
            values: values.all(),
            stride: 0,
            frames: 1,
            count,
            heads: 1,
            depth: 1,
            near: None,
        };
        let refused = attend(device, &attention, rows);
        assert!(matches!(refused, Err(GpuError::Size { .. })), "{refused:?}");
    }
}
