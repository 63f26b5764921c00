//! What the synthesizers say: sentences of our own, some in each language. The files are in the
//! program, so that every run says the same. Read only.

use std::fmt::Write as _;
use std::ops::Range;

use sha2::{Digest as _, Sha256};

/// Sentences that are kept for tests: no voice of the corpus ever says them.
const HELD_OUT: Range<usize> = 97..100;

/// A language, with sentences in it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Language {
    /// 206 sentences, varied in their sounds.
    English,
    /// 25 sentences, as in those below.
    Italian,
    /// Written as ISO 8859-2 for festival.
    Czech,
    /// Written as ISO 8859-1 for festival.
    Finnish,
    /// Written as ISO 8859-1 for festival.
    Catalan,
}

const ALL: [Language; 5] = [
    Language::English,
    Language::Italian,
    Language::Czech,
    Language::Finnish,
    Language::Catalan,
];

/// Letters of Czech, and what they are in ISO 8859-2.
const LETTERS: &str = "ÁČĎÉĚÍŇÓŘŠŤÚŮÝŽáčďéěíňóřšťúůýž";
const LATIN_2: [u8; 30] = *b"\
    \xc1\xc8\xcf\xc9\xcc\xcd\xd2\xd3\xd8\xa9\xab\xda\xd9\xdd\xae\
    \xe1\xe8\xef\xe9\xec\xed\xf2\xf3\xf8\xb9\xbb\xfa\xf9\xfd\xbe";

impl Language {
    fn text(self) -> &'static str {
        match self {
            Self::English => include_str!("english.txt"),
            Self::Italian => include_str!("italian.txt"),
            Self::Czech => include_str!("czech.txt"),
            Self::Finnish => include_str!("finnish.txt"),
            Self::Catalan => include_str!("catalan.txt"),
        }
    }

    /// The sentences to be said, with their numbers.
    pub fn sentences(self) -> impl Iterator<Item = (usize, &'static str)> {
        let lines = self.text().lines().enumerate();
        lines.filter(move |(n, _)| !self.holds_out(*n))
    }

    /// The sentences that are kept for tests, with their numbers: English ones alone.
    pub fn held_out(self) -> impl Iterator<Item = (usize, &'static str)> {
        let lines = self.text().lines().enumerate();
        lines.filter(move |(n, _)| self.holds_out(*n))
    }

    fn holds_out(self, sentence: usize) -> bool {
        self == Self::English && HELD_OUT.contains(&sentence)
    }

    /// A text in the encoding that festival's voice of this language reads. `None` where that has
    /// no such letter.
    pub fn encode(self, text: &str) -> Option<Vec<u8>> {
        let byte = |c: char| match self {
            _ if c.is_ascii() => u8::try_from(c).ok(),
            Self::English => None,
            Self::Czech => LETTERS
                .chars()
                .zip(LATIN_2)
                .find(|pair| pair.0 == c)
                .map(|pair| pair.1),
            // The first 256 of Unicode are ISO 8859-1.
            Self::Italian | Self::Finnish | Self::Catalan => u8::try_from(u32::from(c)).ok(),
        };
        text.chars().map(byte).collect()
    }
}

/// Tells one set of sentences from another: the first digits of the hash of them all.
pub fn version() -> String {
    let mut hasher = Sha256::new();
    for language in ALL {
        hasher.update(language.text());
    }
    hexadecimal(&hasher.finalize()[..8])
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

fn hexadecimal(bytes: &[u8]) -> String {
    let mut digits = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        // Writing to a string does not fail.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::corpus::phones::{ARPABET, Set, labels};
    use std::collections::{BTreeMap, BTreeSet};
    use std::process::Command;

    #[test]
    fn sentences_are_many_and_different_and_can_be_written() {
        let least = |language| match language {
            Language::English => 200,
            _ => 25,
        };
        let mut seen = BTreeSet::new();
        for language in ALL {
            let lines: Vec<&str> = language.text().lines().collect();
            assert!(least(language) <= lines.len(), "{language:?}");
            for line in lines {
                let words = line.to_lowercase();
                let words: String = words.chars().filter(|c| c.is_alphanumeric()).collect();
                assert!(seen.insert(words), "twice: {line}");
                assert!(language.encode(line).is_some(), "{language:?}: {line}");
                assert_eq!(line.trim(), line);
                // What a script of festival's could take for something else.
                assert!(!line.contains(['"', '\\']), "{line}");
                assert!((20..90).contains(&line.len()), "{line}");
            }
        }
    }

    #[test]
    fn the_sentences_that_weights_were_trained_on_stay_where_they_are() {
        // 97 to 99 are for tests, whoever trains.
        let text: String = include_str!("english.txt")
            .split_inclusive('\n')
            .take(100)
            .collect();
        let known = "753225cb7d75caaff0729dcfd49b95eb6ec9bee8aa963631dfe872deafc54799";
        assert_eq!(sha256(text.as_bytes()), known);
        let numbers: Vec<usize> = Language::English.sentences().map(|(n, _)| n).collect();
        assert!(numbers.starts_with(&(0..97).collect::<Vec<_>>()));
        assert_eq!(numbers[97], 100);
        assert_eq!(Language::Czech.sentences().count(), 25);
    }

    #[test]
    fn letters_are_written_as_festival_reads_them() {
        let table: [(Language, &str, Option<&[u8]>); 5] = [
            (Language::Czech, "běž", Some(b"b\xec\xbe")),
            (Language::Finnish, "yö", Some(b"y\xf6")),
            (Language::Italian, "più", Some(b"pi\xf9")),
            (Language::Italian, "ž", None),
            (Language::English, "é", None),
        ];
        for (language, text, wanted) in table {
            assert_eq!(language.encode(text).as_deref(), wanted, "{text}");
        }
    }

    /// Needs flite, which says what is said.
    #[test]
    fn every_phone_occurs_often() {
        const OFTEN: usize = 30;
        if !crate::step::succeeds("flite -lv") {
            eprintln!("SKIPPED: no flite here to say which phones the sentences have");
            return;
        }
        let all: Vec<&str> = Language::English
            .sentences()
            .map(|(_, text)| text)
            .collect();
        let said = Command::new("flite")
            .args(["-voice", "kal", "-ps", "-o", "none", "-t", &all.join(" ")])
            .output()
            .unwrap();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        for phone in String::from_utf8_lossy(&said.stdout).split_whitespace() {
            let segment = [(phone.to_owned(), 0.1)];
            for (name, ..) in labels(Set::English, &segment, 0.1).unwrap() {
                *counts.entry(name).or_default() += 1;
            }
        }
        for phone in ARPABET {
            let count = counts.get(phone).copied().unwrap_or(0);
            assert!(OFTEN <= count, "{phone}: {count}");
        }
    }
}
