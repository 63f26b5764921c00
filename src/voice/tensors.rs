//! The tensors of a voice's file, held against those that its network needs. Worker threads and the
//! command line only: reading them allocates and waits for disks.

use crate::io::checkpoint::{Checkpoint, CheckpointError, DType, Tensor, TensorData, TensorRef};
use crate::preset::about::{MOST_NAME, clean};
use std::collections::HashMap;

/// A tensor's name and shape.
pub type Named = (String, Vec<usize>);

/// Tensors that are not those of the network.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TensorsError {
    /// The file is no checkpoint, is damaged, or asks for too much.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// A tensor is not there.
    #[error("expected the tensor {name} of shape {expected:?}, found none")]
    Missing {
        /// Its name.
        name: String,
        /// The shape its config gives it.
        expected: Vec<usize>,
    },
    /// A tensor is of another shape.
    #[error("expected the tensor {name} of shape {expected:?}, found {found:?}")]
    Shape {
        /// Its name.
        name: String,
        /// The shape its config gives it.
        expected: Vec<usize>,
        /// The shape it has.
        found: Vec<usize>,
    },
    /// A tensor holds whole numbers.
    #[error("expected floating-point numbers in the tensor {name}, found {found}")]
    NoFloats {
        /// Its name.
        name: String,
        /// What it holds.
        found: &'static str,
    },
    /// A tensor that a network of these sizes has not.
    #[error("expected no tensor beyond those of its config, found {name}")]
    Surplus {
        /// Its name.
        name: String,
    },
    /// A tensor holds what is no number.
    #[error("expected numbers in the tensor {name}, found NaN or infinity")]
    NotFinite {
        /// Its name.
        name: String,
    },
}

/// The tensors that a network needs, in its order, out of those that are there.
///
/// # Errors
/// [`TensorsError::Missing`], [`TensorsError::Shape`], [`TensorsError::NoFloats`], and
/// [`TensorsError::Surplus`] where there are more: the network would then be another one.
pub fn pick(
    needed: Vec<Named>,
    mut found: HashMap<String, TensorRef>,
) -> Result<Vec<(String, TensorRef)>, TensorsError> {
    let mut picked = Vec::new();
    for (name, expected) in needed {
        let Some(tensor) = found.remove(&name) else {
            return Err(TensorsError::Missing { name, expected });
        };
        if tensor.shape() != expected {
            let found = tensor.shape().to_vec();
            return Err(TensorsError::Shape {
                name,
                expected,
                found,
            });
        }
        match tensor.dtype() {
            DType::F16 | DType::Bf16 | DType::F32 | DType::F64 => picked.push((name, tensor)),
            other => {
                let found = other.name();
                return Err(TensorsError::NoFloats { name, found });
            }
        }
    }
    match found.into_keys().min() {
        None => Ok(picked),
        Some(name) => Err(TensorsError::Surplus {
            name: clean(&name, MOST_NAME),
        }),
    }
}

/// Reads the elements of a voice's tensors.
///
/// # Errors
/// [`TensorsError::Checkpoint`] when the file is damaged or memory is short,
/// [`TensorsError::NotFinite`] when a training that went wrong left something else than numbers.
pub fn read_tensors(
    checkpoint: &Checkpoint,
    tensors: &[(String, TensorRef)],
) -> Result<Vec<(String, Tensor)>, TensorsError> {
    let mut read = Vec::with_capacity(tensors.len());
    for (name, tensor) in tensors {
        let tensor = checkpoint.tensor(tensor)?;
        if !is_finite(&tensor.data) {
            return Err(TensorsError::NotFinite { name: name.clone() });
        }
        read.push((name.clone(), tensor));
    }
    Ok(read)
}

fn is_finite(data: &TensorData) -> bool {
    match data {
        // All ones in the exponent.
        TensorData::F16(bits) => bits.iter().all(|bits| bits & 0x7c00 != 0x7c00),
        TensorData::Bf16(bits) => bits.iter().all(|bits| bits & 0x7f80 != 0x7f80),
        TensorData::F32(numbers) => numbers.iter().all(|number| number.is_finite()),
        // What single precision cannot hold would become infinite later.
        TensorData::F64(numbers) => numbers.iter().all(|number| (*number as f32).is_finite()),
        _ => true,
    }
}
