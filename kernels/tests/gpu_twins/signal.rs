//! Tables, sources and sums of signals, against the definition or the CPU's.

use std::f64::consts::TAU;

use autovoice_kernels::cpu::{self, Glide};
use autovoice_kernels::gpu::{
    Activation, Array, Device, Embedding, GpuError, Source, embed, harmonic_sum, overlap_add,
};

use crate::support::{Target, array, close, close_to, noise};

autovoice_emulator::twins! { embeddings sources frames_that_overlap harmonics }

fn embeddings<D: Device>(device: &D) {
    for (entries, width) in [(1, 1), (5, 7), (3, 131)] {
        let table = noise(entries * width, 1);
        let embedding = Embedding::new(device, (entries, width), &table).unwrap();
        // The last is beyond the table.
        let index: Vec<u32> = (0..entries as u32).rev().chain([0, 1_000_000]).collect();
        let index_there = Array::new(device, &index).unwrap();
        let x = noise(index.len() * width, 2);
        for has_x in [true, false] {
            let y = Target::holding(device, &x);
            let before = has_x.then(|| y.slice());
            let end = (3.0, Activation::LeakyRelu(0.1));
            embed(
                device,
                &embedding,
                index_there.all(),
                before,
                end,
                y.slice(),
            )
            .unwrap();
            let want = (0..x.len()).map(|n| {
                let entry = (index[n / width] as usize).min(entries - 1);
                let before = if has_x { f64::from(x[n]) } else { 0.0 };
                let sum = 3.0 * (before + f64::from(table[entry * width + n % width]));
                sum.max(f64::from(0.1f32) * sum)
            });
            close(&y.read(device), want, 1e-6, &format!("{entries} x {width}"));
        }
    }
    let refused = Embedding::new(device, (0, 3), &[]);
    assert!(matches!(refused, Err(GpuError::Size { .. })));
}

/// By cycles added up sample by sample, over steps of several sizes, voiced and not, and anew after a
/// reset.
fn sources<D: Device>(device: &D) {
    let (rate_hz, hop) = (48_000, 300);
    let (gain, offset) = (1.3f32, -0.02f32);
    let pitch = [0.0, 440.0, 442.5, 0.0, 1_100.0, 98.7, 0.0];
    let deviates = noise(pitch.len() * hop, 1);
    let mut phase = 0f64;
    let want: Vec<f64> = (0..pitch.len() * hop)
        .map(|n| {
            let hz = f64::from(pitch[n / hop]);
            phase = (phase + hz / f64::from(rate_hz)).fract();
            let noise = f64::from(deviates[n]);
            let excitation = match 0.0 < hz {
                true => 0.1 * (TAU * phase).sin() + 0.003 * noise,
                false => 0.1 / 3.0 * noise,
            };
            (f64::from(gain) * excitation + f64::from(offset)).tanh()
        })
        .collect();
    let source = Source::new(device, (rate_hz, hop), (gain, offset)).unwrap();
    let noise_there = array(device, &deviates);
    for steps in [vec![7], vec![1, 2, 4]] {
        source.reset(device).unwrap();
        let y = Target::new(device, pitch.len() * hop);
        let mut at = 0;
        for frames in steps {
            let pitch_there = array(device, &pitch[at..][..frames]);
            let noise = noise_there.all().since(at * hop).unwrap();
            let to = y
                .slice()
                .since(at * hop)
                .unwrap()
                .first(frames * hop)
                .unwrap();
            source.step(device, pitch_there.all(), noise, to).unwrap();
            at += frames;
        }
        close(&y.read(device), want.iter().copied(), 1e-6, "a source");
    }
}

fn frames_that_overlap<D: Device>(device: &D) {
    for (count, length, hop, samples) in [
        (1, 1, 1, 1),
        (5, 16, 4, 32),
        (3, 10, 7, 24),
        (4, 3, 5, 18),
        (9, 64, 16, 300),
    ] {
        let frames = noise(count * length, 1);
        let carry = noise(samples, 2);
        let there = array(device, &frames);
        for has_carry in [true, false] {
            let y = Target::holding(device, &carry);
            let before = has_carry.then(|| y.slice());
            let shape = (count, length, hop);
            overlap_add(device, there.all(), shape, before, y.slice()).unwrap();
            let want = (0..samples).map(|n| {
                let terms = (0..count).filter_map(|f| {
                    let at = n.checked_sub(f * hop).filter(|at| *at < length)?;
                    Some(f64::from(frames[f * length + at]))
                });
                let before = if has_carry { f64::from(carry[n]) } else { 0.0 };
                before + terms.sum::<f64>()
            });
            close(
                &y.read(device),
                want,
                1e-6,
                &format!("{count} of {length}, hop {hop}"),
            );
        }
    }
}

fn harmonics<D: Device>(device: &D) {
    for (samples, count) in [(1, 3), (37, 1), (70, 64), (33, 65), (48, 300), (5, 0)] {
        let cycles: Vec<f32> = (0..samples)
            .map(|n| (0.0009 * n as f32 + 3e-7 * (n * n) as f32).fract())
            .collect();
        let scale = 1.0 / (count.max(1) as f32).sqrt();
        let gains: Vec<f32> = noise(4 * count, 1).iter().map(|g| scale * g).collect();
        let before = noise(samples, 2);
        let y = Target::holding(device, &before);
        let (cycles_there, gains_there) = (array(device, &cycles), array(device, &gains));
        harmonic_sum(device, cycles_there.all(), gains_there.all(), y.slice()).unwrap();
        let turns = cycles.iter().map(|turn| (TAU * f64::from(*turn)).sin_cos());
        let (sin, cos): (Vec<f32>, Vec<f32>) =
            turns.map(|(sin, cos)| (sin as f32, cos as f32)).unzip();
        let glides: Vec<Glide> = gains.as_chunks::<4>().0.to_vec();
        let mut want = before.clone();
        cpu::harmonic_sum(&cos, &sin, &glides, &mut want);
        // The twin's own error is the greater part.
        close_to(
            &y.read(device),
            &want,
            2e-4,
            &format!("{count} over {samples}"),
        );
        let exact = (0..samples).map(|n| {
            let share = n as f64 / samples as f64;
            let terms = glides.iter().enumerate().map(|(k, g)| {
                let g = g.map(f64::from);
                let (sin, cos) = (TAU * (k + 1) as f64 * f64::from(cycles[n])).sin_cos();
                (g[0] + share * g[2]) * cos - (g[1] + share * g[3]) * sin
            });
            f64::from(before[n]) + terms.sum::<f64>()
        });
        close(
            &y.read(device),
            exact,
            1e-5,
            &format!("{count} over {samples}"),
        );
    }
    let values = array(device, &[0.0; 8]);
    let (all, odd) = (values.all(), values.all().since(1).unwrap());
    let refused = harmonic_sum(device, all, odd, all);
    assert!(
        matches!(refused, Err(GpuError::Size { found: 1, .. })),
        "{refused:?}"
    );
}
