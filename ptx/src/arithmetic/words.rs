//! The words of an opcode, taken one by one: what nobody takes is not known, and refused.

use super::rounding::Rounding;
use crate::parse::syntax::Kind;

/// `fma.rn.ftz.f32`: a name and its modifiers.
pub(crate) struct Words<'a> {
    pub name: &'a str,
    rest: Vec<&'a str>,
}

impl<'a> Words<'a> {
    pub(crate) fn of(opcode: &'a str) -> Self {
        let mut words = opcode.split('.');
        let name = words.next().unwrap_or("");
        Self {
            name,
            rest: words.collect(),
        }
    }

    /// Takes a modifier wherever it stands.
    pub(crate) fn take(&mut self, word: &str) -> bool {
        let place = self.rest.iter().position(|&found| found == word);
        if let Some(place) = place {
            self.rest.remove(place);
        }
        place.is_some()
    }

    /// Takes the one of several modifiers that is there.
    pub(crate) fn take_one<T: Copy>(&mut self, choices: &[(&str, T)]) -> Option<T> {
        choices
            .iter()
            .find_map(|&(word, choice)| self.take(word).then_some(choice))
    }

    /// The kind the opcode ends with, which stays.
    pub(crate) fn last_kind(&self) -> Option<Kind> {
        self.rest.last().and_then(|word| Kind::of(word))
    }

    /// Takes the kind that stands last.
    pub(crate) fn take_kind(&mut self) -> Result<Kind, String> {
        let kind = self.last_kind();
        self.rest.pop();
        kind.ok_or_else(|| format!("`{}` does not end with a kind of values", self.name))
    }

    /// Takes a mode of rounding to a value.
    pub(crate) fn take_rounding(&mut self) -> Option<Rounding> {
        self.take_one(&[
            ("rn", Rounding::Nearest),
            ("rz", Rounding::Zero),
            ("rm", Rounding::Down),
            ("rp", Rounding::Up),
            ("rna", Rounding::NearestAway),
        ])
    }

    /// Takes a mode of rounding to a whole number.
    pub(crate) fn take_whole_rounding(&mut self) -> Option<Rounding> {
        self.take_one(&[
            ("rni", Rounding::Nearest),
            ("rzi", Rounding::Zero),
            ("rmi", Rounding::Down),
            ("rpi", Rounding::Up),
        ])
    }

    /// Refuses modifiers that are there, whatever they are.
    pub(crate) fn refuse_words<T>(&self) -> Result<T, String> {
        let words = self.rest.join(".");
        Err(format!("`{}.{words}` is not known here", self.name))
    }

    /// Refuses modifiers that nobody took.
    pub(crate) fn finish(&self) -> Result<(), String> {
        match self.rest.first() {
            None => Ok(()),
            Some(word) => Err(format!(
                "`{}` with the modifier `.{word}` is not supported here",
                self.name
            )),
        }
    }

    /// A refusal of a kind.
    pub(crate) fn refuse<T>(&self, kind: Kind) -> Result<T, String> {
        let kind = format!("{kind:?}").to_lowercase();
        Err(format!(
            "`{}` of `.{kind}` is not supported here",
            self.name
        ))
    }
}
