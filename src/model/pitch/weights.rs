//! The weights that come with the program.

use std::sync::OnceLock;

use crate::nn::{Weights, WeightsError};

/// `models/pitch.safetensors`: ours, made by `autovoice train pitch`; see `models/README.md`.
static FILE: &[u8] = include_bytes!("../../../models/pitch.safetensors");

/// The weights of [`super::PitchNet`], read once. Allocates.
///
/// # Panics
/// If the program was built with a damaged file; a test reads it.
#[must_use]
pub fn embedded() -> &'static Weights {
    static WEIGHTS: OnceLock<Weights> = OnceLock::new();
    WEIGHTS.get_or_init(|| read(FILE).expect("the file built in was tested"))
}

/// Why bytes are not weights.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error("not a safetensors file: {0}")]
    Format(#[from] safetensors::SafeTensorError),
    #[error("tensor `{0}` is not of 32-bit floats")]
    Type(String),
    #[error(transparent)]
    Weights(#[from] WeightsError),
}

fn read(file: &[u8]) -> Result<Weights, ReadError> {
    let mut tensors = Vec::new();
    for (name, view) in safetensors::SafeTensors::deserialize(file)?.tensors() {
        if view.dtype() != safetensors::Dtype::F32 {
            return Err(ReadError::Type(name));
        }
        let values = view.data().chunks_exact(4);
        let values =
            values.map(|bytes| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]));
        tensors.push((name, view.shape().to_vec(), values.collect()));
    }
    Ok(Weights::new(tensors)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::pitch::{PitchNet, shapes};

    #[test]
    fn the_file_built_in_holds_this_network_and_nothing_else() {
        let weights = embedded();
        assert!(PitchNet::new(weights).is_ok());
        assert_eq!(weights.shapes().count(), shapes().len());
        for (name, shape) in shapes() {
            let values = weights.root().get(name, &shape).unwrap();
            assert!(
                values.iter().all(|w| w.is_finite() && w.abs() < 100.0),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_no_weights_is_refused() {
        for bytes in [&FILE[..0], &FILE[..100], &FILE[..FILE.len() - 1], b"<html>"] {
            assert!(read(bytes).is_err());
        }
    }
}
