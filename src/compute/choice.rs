//! Which device is asked for, in words. Any thread.

use std::fmt;
use std::str::FromStr;

/// The environment variable that says on which device networks run, where nobody else does.
pub const VARIABLE: &str = "AUTOVOICE_DEVICE";

/// What is asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The best card, or the CPU where there is none.
    #[default]
    Auto,
    /// The CPU.
    Cpu,
    /// A card; the best where no number is given.
    Cuda(Option<usize>),
}

/// It is none of the words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected auto, cpu, cuda or cuda:N with the number of a card, found \"{0}\"")]
pub struct ChoiceError(String);

impl FromStr for Choice {
    type Err = ChoiceError;

    fn from_str(text: &str) -> Result<Self, ChoiceError> {
        let word = text.trim().to_ascii_lowercase();
        let error = || ChoiceError(text.to_owned());
        match word.as_str() {
            "auto" => Ok(Self::Auto),
            "cpu" => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(None)),
            _ => {
                let number = word.strip_prefix("cuda:").ok_or_else(error)?;
                let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
                let number = is_number.then(|| number.parse().ok()).flatten();
                Ok(Self::Cuda(Some(number.ok_or_else(error)?)))
            }
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Cpu => f.write_str("cpu"),
            Self::Cuda(None) => f.write_str("cuda"),
            Self::Cuda(Some(number)) => write!(f, "cuda:{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_written() {
        for (text, choice) in [
            ("auto", Choice::Auto),
            ("cpu", Choice::Cpu),
            ("cuda", Choice::Cuda(None)),
            ("cuda:0", Choice::Cuda(Some(0))),
            ("cuda:12", Choice::Cuda(Some(12))),
        ] {
            assert_eq!(text.parse(), Ok(choice));
            assert_eq!(choice.to_string(), text);
            assert_eq!(text.to_uppercase().parse(), Ok(choice));
        }
        for text in [
            "",
            "gpu",
            "cuda:",
            "cuda:-1",
            "cuda:+1",
            "cuda:x",
            "cuda0",
            "cuda:99999999999999999999",
        ] {
            let error = text.parse::<Choice>().unwrap_err().to_string();
            assert!(error.contains(&format!("found \"{text}\"")), "{error}");
        }
    }
}
