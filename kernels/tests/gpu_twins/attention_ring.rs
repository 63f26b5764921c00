//! Attention of a stream against the definition over all that it heard.

use autovoice_kernels::gpu::{Array, Device, RingAttention, Rows, attend_ring};

use crate::support::{Target, array, close, is_unwritten, noise};

autovoice_emulator::twins! { a_stream_sees_its_past what_does_not_fit_is_refused }

/// So loud that some keys are heard and others are not.
const LOUD: f32 = 3.0;

/// Frames and those decided on, of steps one after the other: the rings fill, and go round.
const STEPS: [(usize, usize); 9] = [
    (2, 1),
    (1, 0),
    (3, 2),
    (4, 4),
    (4, 3),
    (4, 3),
    (3, 3),
    (4, 1),
    (4, 4),
];

fn a_stream_sees_its_past<D: Device>(device: &D) {
    for (ring, heads, depth, gap) in [(4, 1, 1, 0), (7, 3, 5, 2), (16, 2, 33, 0), (96, 1, 8, 1)] {
        let what = format!("a ring of {ring}, {heads} x {depth}");
        let width = heads * depth;
        let rings = [(); 2].map(|()| array(device, &vec![f32::NAN; ring * width]));
        // The same rings, frame n at n % ring; none where there is nothing yet.
        let mut held: Vec<Option<(Vec<f32>, Vec<f32>)>> = vec![None; ring];
        let mut now = 0;
        for (turn, (frames, decided)) in STEPS.into_iter().enumerate() {
            let mut x = noise(frames * 3 * width, 10 + turn as u32);
            for row in x.chunks_exact_mut(3 * width) {
                row[..2 * width].iter_mut().for_each(|x| *x *= LOUD);
            }
            let x_there = array(device, &x);
            let at = Array::new(device, &[now as i64]).unwrap();
            let stride = width + gap;
            let y = Target::new(device, (frames - 1) * stride + width);
            let attention = RingAttention {
                projected: x_there.all(),
                frames,
                at: at.all(),
                keys: rings[0].all(),
                values: rings[1].all(),
                ring,
                heads,
                depth,
            };
            let to = Rows {
                values: y.slice(),
                stride,
            };
            attend_ring(device, &attention, to).unwrap();
            for (n, row) in x.chunks_exact(3 * width).enumerate() {
                let (key, value) = row[width..].split_at(width);
                held[(now + n) % ring] = Some((key.to_vec(), value.to_vec()));
            }
            let got = y.read(device);
            for (f, row) in x.chunks_exact(3 * width).enumerate() {
                let want = mean(&held, &row[..width], depth);
                let got = &got[f * stride..];
                close(&got[..width], want, 3e-6, &format!("{what}, turn {turn}"));
                let gap = got[width..].iter().take(gap);
                assert!(gap.into_iter().all(|x| is_unwritten(*x)), "{what}: a gap");
            }
            now += decided;
        }
    }
}

/// Of each head the mean of all values there are, weighted for a query.
fn mean(held: &[Option<(Vec<f32>, Vec<f32>)>], query: &[f32], depth: usize) -> Vec<f64> {
    let all: Vec<&(Vec<f32>, Vec<f32>)> = held.iter().flatten().collect();
    let heads = query.chunks_exact(depth).enumerate();
    heads
        .flat_map(|(head, query)| {
            let of = |values: &[f32], d: usize| f64::from(values[head * depth + d]);
            let scores = all.iter().map(|(key, _)| {
                let products = (0..depth).map(|d| f64::from(query[d]) * of(key, d));
                products.sum::<f64>() / (depth as f64).sqrt()
            });
            let shares: Vec<f64> = scores.map(f64::exp).collect();
            let total: f64 = shares.iter().sum();
            let mean = |d: usize| {
                let values = all.iter().map(|(_, value)| of(value, d));
                let sum = shares
                    .iter()
                    .zip(values)
                    .map(|(share, value)| share * value);
                sum.sum::<f64>() / total
            };
            (0..depth).map(mean).collect::<Vec<f64>>()
        })
        .collect()
}

fn what_does_not_fit_is_refused<D: Device>(device: &D) {
    let values = array(device, &[0.0; 12]);
    let at = Array::new(device, &[0]).unwrap();
    for (frames, ring, expected) in [
        (2, 1, "no more than the rings"),
        (1, 13_000, "1 to about 12,000"),
        (5, 5, "x: expected at least 15"),
        (4, 13, "keys: expected at least 13"),
    ] {
        let attention = RingAttention {
            projected: values.all(),
            frames,
            at: at.all(),
            keys: values.all(),
            values: values.all(),
            ring,
            heads: 1,
            depth: 1,
        };
        let to = Rows {
            values: values.all(),
            stride: 1,
        };
        let refused = attend_ring(device, &attention, to).unwrap_err().to_string();
        assert!(refused.contains(expected), "{expected}: {refused}");
    }
}
