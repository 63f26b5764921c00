//! Values of a description, read as a stranger's.

use crate::preset::about::{MOST_LABEL, clean};
use crate::voice::VoiceError;
use toml::{Table, Value};

/// Most items of a list of sizes.
const MOST_ITEMS: usize = 64;

/// A table of sizes.
pub(super) struct Reader<'a>(pub &'a Table);

impl Reader<'_> {
    pub(super) fn size(&self, key: &str) -> Result<usize, VoiceError> {
        let found = self.0.get(key);
        found
            .and_then(size)
            .ok_or_else(|| wrong(format!("the number {key}"), shown(found)))
    }

    pub(super) fn number(&self, key: &str) -> Result<f32, VoiceError> {
        let found = self.0.get(key);
        let number = match found {
            Some(Value::Float(number)) => Some(*number as f32),
            Some(Value::Integer(number)) => Some(*number as f32),
            _ => None,
        };
        number.ok_or_else(|| wrong(format!("the number {key}"), shown(found)))
    }

    pub(super) fn text(&self, key: &str) -> Result<String, VoiceError> {
        let found = self.0.get(key);
        match found {
            // Longer than any hash, so that a longer one is seen to be none.
            Some(Value::String(text)) => Ok(clean(text, 2 * MOST_LABEL)),
            found => Err(wrong(format!("the text {key}"), shown(found))),
        }
    }

    pub(super) fn list(&self, key: &str) -> Result<Vec<usize>, VoiceError> {
        let found = self.0.get(key);
        found
            .and_then(list)
            .ok_or_else(|| wrong(format!("the list {key}"), shown(found)))
    }

    pub(super) fn lists(&self, key: &str) -> Result<Vec<Vec<usize>>, VoiceError> {
        let found = self.0.get(key);
        let items = found
            .and_then(Value::as_array)
            .filter(|items| items.len() <= MOST_ITEMS);
        items
            .and_then(|items| items.iter().map(list).collect())
            .ok_or_else(|| wrong(format!("the lists {key}"), shown(found)))
    }
}

fn size(value: &Value) -> Option<usize> {
    usize::try_from(value.as_integer()?).ok()
}

fn list(value: &Value) -> Option<Vec<usize>> {
    let items = value.as_array().filter(|items| items.len() <= MOST_ITEMS)?;
    items.iter().map(size).collect()
}

pub(super) fn wrong(expected: impl Into<String>, found: impl Into<String>) -> VoiceError {
    VoiceError::Description {
        expected: expected.into(),
        found: found.into(),
    }
}

/// What stands in a file, for a message.
pub(super) fn shown(value: Option<&Value>) -> String {
    match value {
        None => "nothing".to_owned(),
        Some(value) => clean(&value.to_string(), MOST_LABEL),
    }
}
