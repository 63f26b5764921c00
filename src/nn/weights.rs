//! Weights by name, as they come out of a checkpoint, with the shapes checked where they are
//! used. Any thread; allocates.

use std::collections::HashMap;

/// What is wrong with weights.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WeightsError {
    /// A tensor the network needs is not there.
    #[error(
        "no tensor `{name}`, expected one of shape {expected:?}: is it another network's file?"
    )]
    Missing {
        /// Full name.
        name: String,
        /// The shape it should have.
        expected: Vec<usize>,
    },
    /// A tensor is of another shape than the network's configuration says.
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}: is it of another size?")]
    Shape {
        /// Full name.
        name: String,
        /// The shape it should have.
        expected: Vec<usize>,
        /// The shape it has.
        found: Vec<usize>,
    },
    /// A tensor has more or fewer values than its shape says.
    #[error("tensor `{name}` of shape {shape:?} comes with {found} values: the file is damaged")]
    Length {
        /// Full name.
        name: String,
        /// The shape it claims.
        shape: Vec<usize>,
        /// Values found.
        found: usize,
    },
}

#[derive(Clone, Debug)]
struct Tensor {
    shape: Vec<usize>,
    data: Vec<f32>,
}

/// A map from name to tensor.
#[derive(Clone, Debug, Default)]
pub struct Weights {
    tensors: HashMap<String, Tensor>,
}

impl Weights {
    /// From names, shapes and values, row-major. Of two tensors of one name the later is kept.
    ///
    /// # Errors
    /// [`WeightsError::Length`] if values and shape disagree.
    pub fn new(
        tensors: impl IntoIterator<Item = (String, Vec<usize>, Vec<f32>)>,
    ) -> Result<Self, WeightsError> {
        let mut weights = Self::default();
        for (name, shape, data) in tensors {
            if shape.iter().product::<usize>() != data.len() {
                let found = data.len();
                return Err(WeightsError::Length { name, shape, found });
            }
            weights.tensors.insert(name, Tensor { shape, data });
        }
        Ok(weights)
    }

    /// All of them, under their full names.
    #[must_use]
    pub fn root(&self) -> Scope<'_> {
        Scope {
            weights: self,
            prefix: String::new(),
        }
    }

    /// Names and shapes, in no order.
    pub fn shapes(&self) -> impl Iterator<Item = (&str, &[usize])> {
        let tensors = self.tensors.iter();
        tensors.map(|(name, tensor)| (name.as_str(), tensor.shape.as_slice()))
    }
}

/// The weights below one prefix: what one layer sees. Scopes mirror the tree of the checkpoint.
#[derive(Clone, Debug)]
pub struct Scope<'a> {
    weights: &'a Weights,
    prefix: String,
}

impl<'a> Scope<'a> {
    /// The part called `name`.
    #[must_use]
    pub fn part(&self, name: impl std::fmt::Display) -> Scope<'a> {
        Scope {
            weights: self.weights,
            prefix: format!("{}{name}.", self.prefix),
        }
    }

    /// The tensor `name` of this part.
    ///
    /// # Errors
    /// If it is missing or of another shape.
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<&'a [f32], WeightsError> {
        let name = format!("{}{name}", self.prefix);
        match self.weights.tensors.get(&name) {
            Some(tensor) if tensor.shape == shape => Ok(&tensor.data),
            Some(tensor) => Err(WeightsError::Shape {
                name,
                expected: shape.to_vec(),
                found: tensor.shape.clone(),
            }),
            None => Err(WeightsError::Missing {
                name,
                expected: shape.to_vec(),
            }),
        }
    }

    /// The shape of the tensor `name` of this part, where there is one.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&'a [usize]> {
        let name = format!("{}{name}", self.prefix);
        let tensor = self.weights.tensors.get(&name)?;
        Some(&tensor.shape)
    }

    /// Whether there is a tensor `name` in this part.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        let name = format!("{}{name}", self.prefix);
        self.weights.tensors.contains_key(&name)
    }

    /// A tensor that may be missing: zeros then, as with layers built without bias.
    ///
    /// # Errors
    /// If it is of another shape.
    pub fn get_or_zeros(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
        if self.has(name) {
            return Ok(self.get(name, shape)?.to_vec());
        }
        Ok(vec![0.0; shape.iter().product()])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some() -> Weights {
        let tensors = [
            ("a.b.weight", vec![2, 3], vec![1.0; 6]),
            ("c", vec![], vec![4.0]),
        ];
        Weights::new(tensors.map(|(name, shape, data)| (name.to_owned(), shape, data))).unwrap()
    }

    #[test]
    fn a_scope_finds_its_own() {
        let weights = some();
        let layer = weights.root().part("a").part("b");
        assert_eq!(layer.get("weight", &[2, 3]).unwrap(), [1.0; 6]);
        assert_eq!(weights.root().get("c", &[]).unwrap(), [4.0]);
        assert!(layer.has("weight") && !layer.has("bias"));
        assert_eq!(layer.get_or_zeros("bias", &[2]).unwrap(), [0.0; 2]);
        assert!(layer.get_or_zeros("weight", &[2]).is_err());
    }

    #[test]
    fn errors_name_tensor_expectation_and_finding() {
        let weights = some();
        let layer = weights.root().part("a.b");
        let table = [
            (
                layer.get("weight", &[3, 2]).unwrap_err(),
                "`a.b.weight` has shape [2, 3], expected [3, 2]",
            ),
            (
                layer.get("bias", &[3]).unwrap_err(),
                "no tensor `a.b.bias`, expected one of shape [3]",
            ),
            (
                Weights::new([("x".to_owned(), vec![2, 2], vec![0.0; 3])]).unwrap_err(),
                "`x` of shape [2, 2] comes with 3 values",
            ),
        ];
        for (error, expected) in table {
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
}
