//! Tensors: how a checkpoint describes them, and their values in memory. Any thread; reading is
//! in [`super::read`].

use super::error::{CheckpointError, within};
use super::limits::Limits;
use std::sync::Arc;

/// The most dimensions of a tensor.
const MAX_DIMS: usize = 16;

/// What the elements of a tensor are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DType {
    /// IEEE 754 half precision.
    F16,
    /// The upper half of an [`DType::F32`].
    Bf16,
    /// IEEE 754 single precision.
    F32,
    /// IEEE 754 double precision.
    F64,
    /// Signed, 64 bits.
    I64,
    /// Signed, 32 bits.
    I32,
    /// Signed, 16 bits.
    I16,
    /// Signed, 8 bits.
    I8,
    /// Unsigned, 8 bits.
    U8,
    /// A truth value in a byte.
    Bool,
}

impl DType {
    /// Bytes of one element.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::F64 | Self::I64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// The name safetensors gives it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::F16 => "F16",
            Self::Bf16 => "BF16",
            Self::F32 => "F32",
            Self::F64 => "F64",
            Self::I64 => "I64",
            Self::I32 => "I32",
            Self::I16 => "I16",
            Self::I8 => "I8",
            Self::U8 => "U8",
            Self::Bool => "BOOL",
        }
    }
}

/// A tensor of a checkpoint that has not been read: a view of one of its storages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TensorRef(Arc<View>);

/// Which elements of a storage make a tensor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct View {
    /// The storage, by its place in the checkpoint's list.
    pub(super) storage: usize,
    pub(super) dtype: DType,
    pub(super) shape: Vec<usize>,
    /// Elements from one index to the next, for each dimension.
    pub(super) strides: Vec<usize>,
    /// Element of the storage that is the first of the tensor.
    pub(super) offset: usize,
    /// Elements of the tensor.
    pub(super) len: usize,
    /// Elements of the storage from the first to the last that is used.
    pub(super) span: usize,
}

impl TensorRef {
    /// What its elements are.
    #[must_use]
    pub fn dtype(&self) -> DType {
        self.0.dtype
    }

    /// Its shape; empty for a single number.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    /// Elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len
    }

    /// Whether it has no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.len == 0
    }

    /// Bytes of its elements in memory.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.0.len as u64 * self.0.dtype.bytes() as u64
    }

    pub(super) fn view(&self) -> &View {
        &self.0
    }

    /// A view, checked against the storage it is in: `storage_len` elements.
    pub(super) fn new(
        place: Place<'_>,
        storage_len: usize,
        limits: &Limits,
    ) -> Result<Self, CheckpointError> {
        let Place { shape, strides, .. } = place;
        within("dimensions", shape.len() as u64, MAX_DIMS as u64)?;
        if shape.len() != strides.len() {
            return Err(CheckpointError::damaged(
                format!("{} strides for the shape {shape:?}", shape.len()),
                format!("{strides:?}"),
            ));
        }
        let outside = || {
            CheckpointError::damaged(
                format!("a tensor within its storage of {storage_len} elements"),
                format!(
                    "shape {shape:?}, strides {strides:?}, offset {}",
                    place.offset
                ),
            )
        };
        let len = shape.iter().try_fold(1usize, |a, &b| a.checked_mul(b));
        let len = len.ok_or_else(outside)?;
        let span = match len {
            0 => 0,
            _ => {
                let last = shape.iter().zip(strides).try_fold(0usize, |last, (n, by)| {
                    last.checked_add((n - 1).checked_mul(*by)?)
                });
                last.and_then(|last| last.checked_add(1))
                    .ok_or_else(outside)?
            }
        };
        let end = place.offset.checked_add(span).ok_or_else(outside)?;
        if storage_len < end {
            return Err(outside());
        }
        let element = place.dtype.bytes() as u64;
        let bytes = (len as u64).checked_mul(element).ok_or_else(outside)?;
        let stored = storage_len as u64 * element;
        let limit = limits.expanded_bytes.max(stored).min(limits.tensor_bytes);
        within("bytes in a tensor of this storage", bytes, limit)?;
        Ok(Self(Arc::new(View {
            storage: place.storage,
            dtype: place.dtype,
            shape: shape.to_vec(),
            strides: strides.to_vec(),
            offset: place.offset,
            len,
            span,
        })))
    }

    /// All of a storage from `offset` on, in rows.
    pub(super) fn contiguous(
        storage: usize,
        dtype: DType,
        shape: &[usize],
        storage_len: usize,
        limits: &Limits,
    ) -> Result<Self, CheckpointError> {
        let mut strides = vec![1usize; shape.len()];
        for at in (1..shape.len()).rev() {
            strides[at - 1] = strides[at].saturating_mul(shape[at].max(1));
        }
        let place = Place {
            storage,
            dtype,
            shape,
            strides: &strides,
            offset: 0,
        };
        Self::new(place, storage_len, limits)
    }
}

/// What a file says about a tensor.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) storage: usize,
    pub(super) dtype: DType,
    pub(super) shape: &'a [usize],
    pub(super) strides: &'a [usize],
    pub(super) offset: usize,
}

impl View {
    /// Whether the elements lie in the storage as they are wanted: rows, without gaps.
    pub(super) fn is_contiguous(&self) -> bool {
        let mut expected = 1;
        for (&n, &by) in self.shape.iter().zip(&self.strides).rev() {
            if n != 1 && by != expected {
                return self.len == 0;
            }
            expected *= n;
        }
        true
    }

    /// Takes the elements of the tensor, in rows, out of its span.
    pub(super) fn gather<T: Copy>(&self, span: &[T], into: &mut Vec<T>) {
        let Some((&inner, outer)) = self.shape.split_last() else {
            into.extend_from_slice(span);
            return;
        };
        if self.len == 0 {
            return;
        }
        let by = self.strides[outer.len()];
        let mut index = [0usize; MAX_DIMS];
        let mut start = 0;
        loop {
            into.extend((0..inner).map(|at| span[start + at * by]));
            // Counts up, the last of the outer dimensions first.
            let mut dim = outer.len();
            loop {
                let Some(next) = dim.checked_sub(1) else {
                    return;
                };
                dim = next;
                index[dim] += 1;
                start += self.strides[dim];
                if index[dim] < outer[dim] {
                    break;
                }
                start -= index[dim] * self.strides[dim];
                index[dim] = 0;
            }
        }
    }
}

/// A tensor in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its shape; empty for a single number.
    pub shape: Vec<usize>,
    /// Its elements, the last dimension fastest.
    pub data: TensorData,
}

/// The elements of a tensor. Half precision numbers are kept as their bits.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "as in DType")]
pub enum TensorData {
    F16(Vec<u16>),
    Bf16(Vec<u16>),
    F32(Vec<f32>),
    F64(Vec<f64>),
    I64(Vec<i64>),
    I32(Vec<i32>),
    I16(Vec<i16>),
    I8(Vec<i8>),
    U8(Vec<u8>),
    Bool(Vec<bool>),
}

impl Tensor {
    /// Its elements in single precision.
    #[must_use]
    pub fn to_f32(&self) -> Vec<f32> {
        match &self.data {
            TensorData::F16(bits) => bits.iter().map(|&bits| f16_to_f32(bits)).collect(),
            TensorData::Bf16(bits) => bits.iter().map(|&bits| bf16_to_f32(bits)).collect(),
            TensorData::F32(numbers) => numbers.clone(),
            TensorData::F64(numbers) => numbers.iter().map(|&n| n as f32).collect(),
            TensorData::I64(numbers) => numbers.iter().map(|&n| n as f32).collect(),
            TensorData::I32(numbers) => numbers.iter().map(|&n| n as f32).collect(),
            TensorData::I16(numbers) => numbers.iter().map(|&n| f32::from(n)).collect(),
            TensorData::I8(numbers) => numbers.iter().map(|&n| f32::from(n)).collect(),
            TensorData::U8(numbers) => numbers.iter().map(|&n| f32::from(n)).collect(),
            TensorData::Bool(truths) => truths.iter().map(|&t| f32::from(u8::from(t))).collect(),
        }
    }

    /// [`Tensor::to_f32`] without a copy where they already are.
    #[must_use]
    pub fn into_f32(self) -> Vec<f32> {
        match self.data {
            TensorData::F32(numbers) => numbers,
            _ => self.to_f32(),
        }
    }
}

impl TensorData {
    /// What the elements are.
    #[must_use]
    pub fn dtype(&self) -> DType {
        match self {
            Self::F16(_) => DType::F16,
            Self::Bf16(_) => DType::Bf16,
            Self::F32(_) => DType::F32,
            Self::F64(_) => DType::F64,
            Self::I64(_) => DType::I64,
            Self::I32(_) => DType::I32,
            Self::I16(_) => DType::I16,
            Self::I8(_) => DType::I8,
            Self::U8(_) => DType::U8,
            Self::Bool(_) => DType::Bool,
        }
    }

    /// Elements.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::F16(bits) | Self::Bf16(bits) => bits.len(),
            Self::F32(numbers) => numbers.len(),
            Self::F64(numbers) => numbers.len(),
            Self::I64(numbers) => numbers.len(),
            Self::I32(numbers) => numbers.len(),
            Self::I16(numbers) => numbers.len(),
            Self::I8(numbers) => numbers.len(),
            Self::U8(numbers) => numbers.len(),
            Self::Bool(truths) => truths.len(),
        }
    }

    /// Numbers in half precision, rounded to the nearest.
    #[must_use]
    pub fn halves(values: &[f32]) -> Self {
        Self::F16(values.iter().map(|x| f32_to_f16(*x)).collect())
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// IEEE 754 half precision; exact, since single precision holds all of it.
fn f16_to_f32(bits: u16) -> f32 {
    let sign = u32::from(bits & 0x8000) << 16;
    let exponent = u32::from(bits >> 10 & 0x1f);
    let fraction = u32::from(bits & 0x3ff);
    let magnitude = match exponent {
        // Subnormal: a multiple of 2^-24.
        0 => (fraction as f32 * (1.0 / 16_777_216.0)).to_bits(),
        0x1f => 0x7f80_0000 | fraction << 13,
        _ => (exponent + 112) << 23 | fraction << 13,
    };
    f32::from_bits(sign | magnitude)
}

/// The nearest half-precision number, the even one of two; beyond the largest it is infinite.
fn f32_to_f16(x: f32) -> u16 {
    let sign = (x.to_bits() >> 16) as u16 & 0x8000;
    let magnitude = x.to_bits() & 0x7fff_ffff;
    let half = match magnitude {
        // Not a number keeps a bit that says so.
        0x7f80_0001.. => 0x7e00,
        // 65,520 and up.
        0x477f_f000.. => 0x7c00,
        // Below 2^-14: a multiple of 2^-24.
        ..0x3880_0000 => (f32::from_bits(magnitude) * 16_777_216.0).round_ties_even() as u16,
        _ => {
            let even = magnitude >> 13 & 1;
            ((magnitude + 0xfff + even - (112 << 23)) >> 13) as u16
        }
    };
    sign | half
}

fn bf16_to_f32(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_precision_is_exact() {
        for (bits, expected) in [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x3c00, 1.0),
            (0xc000, -2.0),
            (0x3555, 0.333_251_95),
            (0x7bff, 65_504.0),
            (0x0001, 5.960_464_5e-8),
            (0x03ff, 6.097_555e-5),
            (0x0400, 6.103_515_6e-5),
            (0x7c00, f32::INFINITY),
            (0xfc00, f32::NEG_INFINITY),
        ] {
            assert_eq!(
                f16_to_f32(bits).to_bits(),
                f32::to_bits(expected),
                "{bits:04x}"
            );
        }
        assert!(f16_to_f32(0x7e00).is_nan() && f16_to_f32(f32_to_f16(f32::NAN)).is_nan());
        // Every finite step upwards is one.
        for bits in 0..0x7c00 {
            assert!(f16_to_f32(bits) < f16_to_f32(bits + 1), "{bits:04x}");
        }
        // And back, to the nearest; of two that are as near, to the even one.
        for bits in 0..=0x7c00 {
            assert_eq!(f32_to_f16(f16_to_f32(bits)), bits);
            assert_eq!(f32_to_f16(-f16_to_f32(bits)), bits | 0x8000);
        }
        for bits in 0..0x7bff {
            let (low, high) = (f16_to_f32(bits), f16_to_f32(bits + 1));
            let middle = low + 0.5 * (high - low);
            assert_eq!(f32_to_f16(middle), bits + (bits & 1), "{bits:04x}");
            assert_eq!(f32_to_f16(middle.next_down()), bits, "{bits:04x}");
            assert_eq!(f32_to_f16(middle.next_up()), bits + 1, "{bits:04x}");
        }
        assert_eq!(f32_to_f16(65_519.996), 0x7bff);
        assert_eq!(f32_to_f16(65_520.0), 0x7c00);
        assert_eq!(f32_to_f16(1e-30), 0);
        assert_eq!(bf16_to_f32(0x3f80), 1.0);
        assert_eq!(bf16_to_f32(0xc040), -3.0);
    }

    #[test]
    fn views_stay_within_their_storage() {
        let limits = Limits {
            expanded_bytes: 1_000,
            ..Limits::default()
        };
        for (shape, strides, offset, storage_len, fits) in [
            (&[2, 3][..], &[3, 1][..], 0, 6, true),
            (&[2, 3], &[3, 1], 1, 6, false),
            (&[3, 2], &[1, 3], 0, 6, true),
            (&[], &[], 5, 6, true),
            (&[], &[], 6, 6, false),
            (&[0, 9], &[9, 1], 6, 6, true),
            (&[0, 9], &[9, 1], 7, 6, false),
            (&[2], &[3, 1], 0, 6, false),
            (&[250], &[0], 0, 1, true),
            (&[251], &[0], 0, 1, false),
            (&[usize::MAX, 2], &[0, 0], 0, 6, false),
            (&[2, 2], &[usize::MAX, 1], 0, 6, false),
            (&[2], &[1], usize::MAX, 6, false),
            (&[1; 17], &[1; 17], 0, 6, false),
        ] {
            let place = Place {
                storage: 0,
                dtype: DType::F32,
                shape,
                strides,
                offset,
            };
            let made = TensorRef::new(place, storage_len, &limits);
            assert_eq!(made.is_ok(), fits, "{shape:?} {strides:?} {offset}");
        }
    }

    #[test]
    fn strides_are_followed() {
        let storage: Vec<usize> = (0..24).collect();
        for (shape, strides, offset, expected) in [
            (&[2, 3][..], &[3, 1][..], 0, vec![0, 1, 2, 3, 4, 5]),
            (&[3, 2], &[1, 3], 0, vec![0, 3, 1, 4, 2, 5]),
            (&[2, 2], &[0, 1], 4, vec![4, 5, 4, 5]),
            (&[2, 1, 2], &[12, 7, 2], 1, vec![1, 3, 13, 15]),
            (&[2, 2, 2], &[1, 8, 2], 3, vec![3, 5, 11, 13, 4, 6, 12, 14]),
            (&[], &[], 7, vec![7]),
            (&[3, 0], &[1, 1], 7, vec![]),
        ] {
            let place = Place {
                storage: 0,
                dtype: DType::F32,
                shape,
                strides,
                offset,
            };
            let tensor = TensorRef::new(place, 24, &Limits::default()).expect("fits");
            let view = tensor.view();
            let mut got = Vec::new();
            view.gather(&storage[offset..offset + view.span], &mut got);
            assert_eq!(got, expected, "{shape:?} {strides:?}");
            if view.is_contiguous() {
                assert_eq!(got, storage[offset..offset + view.len]);
            }
        }
    }
}
