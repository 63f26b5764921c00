//! Values that the host puts into memory and takes out of it.

/// A number as memory holds it: little endian.
pub trait Value: Copy {
    /// Bytes of one.
    const BYTES: usize;

    /// The bytes of some.
    fn bytes_of(values: &[Self]) -> Vec<u8>;

    /// The values of some bytes; what is left over is left out.
    fn values_of(bytes: &[u8]) -> Vec<Self>;
}

macro_rules! values {
    ($($kind:ident),*) => {$(
        impl Value for $kind {
            const BYTES: usize = size_of::<$kind>();

            fn bytes_of(values: &[Self]) -> Vec<u8> {
                values.iter().flat_map(|value| value.to_le_bytes()).collect()
            }

            fn values_of(bytes: &[u8]) -> Vec<Self> {
                let (values, _) = bytes.as_chunks();
                values.iter().map(|&bytes| $kind::from_le_bytes(bytes)).collect()
            }
        }
    )*};
}

values!(u8, i8, u16, i16, u32, i32, u64, i64, f32, f64);
