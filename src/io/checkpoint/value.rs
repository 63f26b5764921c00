//! What a checkpoint holds: a tree of plain values and tensors. Any thread; no files.

use super::tensor::TensorRef;
use std::sync::Arc;

/// A value of a checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing.
    None,
    /// A truth value.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// Text.
    Str(Arc<str>),
    /// Raw bytes.
    Bytes(Arc<[u8]>),
    /// A list or a set.
    List(Vec<Value>),
    /// A tuple, or the shape of a tensor.
    Tuple(Vec<Value>),
    /// A dictionary.
    Dict(Dict),
    /// A tensor; [`super::Checkpoint::tensor`] reads it.
    Tensor(TensorRef),
    /// An object of a class that is not known here, or a class or function itself. Nothing of it
    /// was run; what it held is left out.
    Opaque {
        /// Its dotted name.
        class: Arc<str>,
    },
}

/// A dictionary in the order of the file. Where the file gives a text key twice, the last one
/// counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dict(pub(super) Vec<(Value, Value)>);

impl Dict {
    /// The value of a text key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.texts()
            .find_map(|(name, value)| (name == key).then_some(value))
    }

    /// All pairs.
    pub fn iter(&self) -> impl Iterator<Item = (&Value, &Value)> {
        self.0.iter().map(|(key, value)| (key, value))
    }

    /// The pairs whose key is text.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0
            .iter()
            .filter_map(|(key, value)| Some((key.as_str()?, value)))
    }

    /// How many pairs there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no pair.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Value {
    /// The value of a text key, where this is a dictionary.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_dict()?.get(key)
    }

    /// The dictionary, where this is one.
    #[must_use]
    pub fn as_dict(&self) -> Option<&Dict> {
        match self {
            Self::Dict(dict) => Some(dict),
            _ => None,
        }
    }

    /// The items, where this is a list or a tuple.
    #[must_use]
    pub fn as_items(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) | Self::Tuple(items) => Some(items),
            _ => None,
        }
    }

    /// The text, where this is one.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Str(text) => Some(text),
            _ => None,
        }
    }

    /// The whole number, where this is one; true is 1, as in Python.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Self::Int(number) => Some(*number),
            Self::Bool(truth) => Some(i64::from(*truth)),
            _ => None,
        }
    }

    /// The number, where this is one of any kind.
    #[must_use]
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Self::Float(number) => Some(*number),
            other => other.as_int().map(|number| number as f64),
        }
    }

    /// The tensor, where this is one.
    #[must_use]
    pub fn as_tensor(&self) -> Option<&TensorRef> {
        match self {
            Self::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// What this is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::None => "nothing",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "a whole number",
            Self::Float(_) => "a number",
            Self::Str(_) => "text",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Tuple(_) => "a tuple",
            Self::Dict(_) => "a dictionary",
            Self::Tensor(_) => "a tensor",
            Self::Opaque { .. } => "an object of an unknown class",
        }
    }

    /// Every tensor below this value with its dotted name, in the order of the file. List items
    /// are named by their number; keys that are neither text nor numbers are left out, with what
    /// is below them.
    pub(super) fn flatten(&self, name: &str, into: &mut Vec<(String, TensorRef)>) {
        let below = |part: &dyn std::fmt::Display| match name {
            "" => part.to_string(),
            _ => format!("{name}.{part}"),
        };
        match self {
            Self::Tensor(tensor) => into.push((name.to_owned(), tensor.clone())),
            Self::List(items) | Self::Tuple(items) => {
                for (at, item) in items.iter().enumerate() {
                    item.flatten(&below(&at), into);
                }
            }
            Self::Dict(dict) => {
                for (key, value) in dict.iter() {
                    match key {
                        Self::Str(text) => value.flatten(&below(text), into),
                        Self::Int(number) => value.flatten(&below(number), into),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
}
