//! Text to syntax: tokens, directives and statements, with the line each of them is on. What they
//! mean is `decode`'s business.

pub(crate) mod lexer;
pub(crate) mod reader;
mod statements;
pub(crate) mod syntax;
mod variables;

use thiserror::Error;

/// Text that is no PTX, or PTX that cannot be run here.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("line {line}: {reason}: `{text}`")]
pub struct ParseError {
    /// Counted from 1.
    pub line: u32,
    /// The line, without the space around it.
    pub text: String,
    /// What was expected, and what was found.
    pub reason: String,
}

/// A reason, and the line it is on; the text is put in where it is known.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub line: u32,
    pub reason: String,
}

impl Refusal {
    pub(crate) fn new(line: u32, reason: impl Into<String>) -> Self {
        Self {
            line,
            reason: reason.into(),
        }
    }

    pub(crate) fn in_text(self, lines: &[String]) -> ParseError {
        let text = (self.line as usize)
            .checked_sub(1)
            .and_then(|index| lines.get(index))
            .map_or(String::new(), |line| line.trim().to_owned());
        ParseError {
            line: self.line,
            text,
            reason: self.reason,
        }
    }
}
