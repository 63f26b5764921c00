//! What the tests share.

use autovoice_kernels::gpu::{Array, Device, Slice};

/// Seeded noise in -1..1.
pub fn noise(count: usize, seed: u32) -> Vec<f32> {
    let mut state = seed;
    (0..count)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / (1 << 23) as f32 - 1.0
        })
        .collect()
}

/// The nearest number of half precision, of one that it has room for.
pub fn halved(x: f32) -> f32 {
    let exponent = x.abs().log2().floor().max(-14.0);
    let unit = (exponent - 10.0).exp2();
    (x / unit).round_ties_even() * unit
}

/// A number that is none, by which values are known that nobody wrote.
const UNWRITTEN: u32 = 0x7fc0_beef;
/// Values beside an output that must stay: whole fours, so that it begins where one would.
const BESIDE: usize = 32;

/// Where a kernel writes to.
pub struct Target<B> {
    array: Array<B, f32>,
    len: usize,
}

impl<B> Target<B> {
    /// Of values that nobody wrote.
    pub fn new<D: Device<Buffer = B>>(device: &D, len: usize) -> Self {
        Self::holding(device, &vec![f32::from_bits(UNWRITTEN); len])
    }

    /// Of values that are to be replaced or added to.
    pub fn holding<D: Device<Buffer = B>>(device: &D, values: &[f32]) -> Self {
        let beside = [f32::from_bits(UNWRITTEN); BESIDE];
        let all = [&beside, values, &beside].concat();
        Self {
            array: Array::new(device, &all).unwrap(),
            len: values.len(),
        }
    }

    pub fn slice(&self) -> Slice<'_, B, f32> {
        let rest = self.array.all().since(BESIDE).unwrap();
        rest.first(self.len).unwrap()
    }

    /// What it holds, after a look at what lies beside it.
    pub fn read<D: Device<Buffer = B>>(&self, device: &D) -> Vec<f32> {
        let mut all = vec![0.0; self.len + 2 * BESIDE];
        self.array.all().download(device, &mut all).unwrap();
        let (values, after) = all[BESIDE..].split_at(self.len);
        for (n, beside) in all[..BESIDE].iter().chain(after).enumerate() {
            assert!(
                is_unwritten(*beside),
                "value {n} beside the output was written"
            );
        }
        values.to_vec()
    }
}

/// Whether nobody wrote a value.
pub fn is_unwritten(value: f32) -> bool {
    value.to_bits() == UNWRITTEN
}

pub fn array<D: Device>(device: &D, values: &[f32]) -> Array<D::Buffer, f32> {
    Array::new(device, values).unwrap()
}

/// Holds values against what they are to be, to an absolute tolerance.
pub fn close(got: &[f32], want: impl IntoIterator<Item = f64>, tolerance: f64, what: &str) {
    let want: Vec<f64> = want.into_iter().collect();
    assert_eq!(got.len(), want.len(), "{what}");
    for (at, (got, want)) in got.iter().zip(&want).enumerate() {
        let error = (f64::from(*got) - want).abs();
        assert!(error <= tolerance, "{what}, value {at}: {got} for {want}");
    }
}

/// [`close`] for values of the CPU's twin.
pub fn close_to(got: &[f32], want: &[f32], tolerance: f64, what: &str) {
    close(got, want.iter().map(|x| f64::from(*x)), tolerance, what);
}
