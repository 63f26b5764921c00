//! Normalisation by running statistics against the definition.

use autovoice_kernels::gpu::{Activation, Device, GpuError, Pieces, RunningNorm};

use crate::support::{Target, array, close, noise};

autovoice_emulator::twins! { a_stream_is_normalised_by_what_it_heard too_many_pieces_are_refused }

const MEMORY: f64 = 40.0;

/// What is known of each channel.
#[derive(Clone)]
struct Known {
    weight: f64,
    means: Vec<f64>,
    squares: Vec<f64>,
}

impl Known {
    fn new(channels: usize) -> Self {
        Self {
            weight: 0.0,
            means: vec![0.0; channels],
            squares: vec![0.0; channels],
        }
    }

    fn hear(&mut self, x: &[f32]) {
        let channels = self.means.len();
        let frames = x.len() / channels;
        let mean = |f: &dyn Fn(f64) -> f64| -> Vec<f64> {
            let of = |c: usize| x.iter().skip(c).step_by(channels);
            let sums = (0..channels).map(|c| of(c).map(|x| f(f64::from(*x))).sum::<f64>());
            sums.map(|sum| sum / frames as f64).collect()
        };
        let (means, squares) = (mean(&|x| x), mean(&|x| x * x));
        let energy: f64 = squares.iter().sum();
        let usual: f64 = self.squares.iter().sum();
        let counts = match usual > 0.0 {
            true => (energy / usual).min(1.0),
            false => f64::from(u8::from(energy > 0.0)),
        };
        let more = frames as f64 * counts;
        self.weight = (self.weight + more).min(MEMORY.max(more));
        if self.weight > 0.0 {
            let share = more / self.weight;
            for (kept, new) in [(&mut self.means, means), (&mut self.squares, squares)] {
                let pairs = kept.iter_mut().zip(new);
                pairs.for_each(|(kept, new)| *kept += share * (new - *kept));
            }
        }
    }

    fn normalised(&self, x: f32, c: usize) -> f64 {
        let variance = (self.squares[c] - self.means[c].powi(2)).max(0.0);
        (f64::from(x) - self.means[c]) / (variance + 1e-5).sqrt()
    }
}

fn a_stream_is_normalised_by_what_it_heard<D: Device>(device: &D) {
    for channels in [1, 7, 33, 600] {
        let (scale, shift) = (noise(channels, 2), noise(channels, 3));
        let norm = RunningNorm::new(device, (&scale, &shift), MEMORY).unwrap();
        let moments = norm.moments(device, 4).unwrap();
        let mut known = Known::new(channels);
        // Frames, those of the first piece and of the others, and how loud they are: silence first, then
        // quiet ones, a loud beginning, and a step of one piece that is longer than what is remembered.
        for (turn, (frames, first, each, loud)) in [
            (5, 5, 1, 0.0),
            (9, 2, 3, 0.1),
            (1, 0, 1, 1.0),
            (23, 7, 16, 1.0),
            (12, 4, 4, 0.2),
            (70, 70, 9, 0.8),
            (3, 1, 1, 0.0),
        ]
        .into_iter()
        .enumerate()
        {
            if turn == 5 {
                moments.reset(device).unwrap();
                known = Known::new(channels);
            }
            let x = noise(frames * channels, 10 + turn as u32);
            let x: Vec<f32> = x.iter().map(|x| loud * (0.5 + x)).collect();
            let y = Target::holding(device, &x);
            let pieces = Pieces {
                frames,
                first,
                each,
            };
            let activation = Activation::LeakyRelu(0.5);
            let from = (y.slice(), pieces);
            norm.apply(device, &moments, from, activation, y.slice())
                .unwrap();
            let mut want = Vec::new();
            let (head, tail) = x.split_at(first * channels);
            for piece in std::iter::once(head).chain(tail.chunks(each * channels)) {
                if !piece.is_empty() {
                    known.hear(piece);
                }
                want.extend(piece.iter().enumerate().map(|(n, x)| {
                    let c = n % channels;
                    let value = known.normalised(*x, c) * f64::from(scale[c]);
                    let value = value + f64::from(shift[c]);
                    if value < 0.0 { 0.5 * value } else { value }
                }));
            }
            let what = format!("{channels} channels, turn {turn}");
            close(&y.read(device), want, 2e-5, &what);
        }
    }
}

fn too_many_pieces_are_refused<D: Device>(device: &D) {
    let norm = RunningNorm::new(device, (&[1.0], &[0.0]), MEMORY).unwrap();
    let moments = norm.moments(device, 2).unwrap();
    let x = array(device, &[1.0; 8]);
    for (frames, first, each, found) in [(8, 2, 2, 4), (5, 1, 2, 3), (8, 2, 0, 7)] {
        let pieces = Pieces {
            frames,
            first,
            each,
        };
        let from = (x.all(), pieces);
        let refused = norm.apply(device, &moments, from, Activation::None, x.all());
        let Err(GpuError::Size { found: count, .. }) = refused else {
            panic!("{refused:?}");
        };
        assert_eq!(count, found);
    }
    let other = RunningNorm::new(device, (&[1.0, 2.0], &[0.0]), MEMORY);
    assert!(other.is_err(), "a shift for each scale");
}
