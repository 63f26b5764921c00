//! What is read aloud to make a voice. Pure: a text in the program.

/// The sentences, in the order in which they are shown.
pub fn sentences() -> impl Iterator<Item = &'static str> {
    let lines = include_str!("script.txt").lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}

/// How many there are.
#[must_use]
pub fn count() -> usize {
    sentences().count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    #[test]
    fn sentences_are_short_different_and_for_reading_aloud() {
        assert!((40..=60).contains(&count()));
        let different: BTreeSet<&str> = sentences().collect();
        assert_eq!(different.len(), count());
        for sentence in sentences() {
            // At about 15 characters a second: two to six seconds.
            assert!((30..=90).contains(&sentence.len()), "{sentence}");
            let readable = |c: char| c.is_ascii_alphabetic() || " ,.?!-".contains(c);
            assert!(sentence.chars().all(readable), "{sentence}");
            assert!(sentence.ends_with(['.', '?', '!']), "{sentence}");
        }
    }

    #[test]
    fn together_they_have_the_sounds_of_the_language() {
        let all: String = sentences().collect::<Vec<_>>().join(" ").to_lowercase();
        let mut letters = BTreeMap::new();
        for letter in all.chars().filter(char::is_ascii_alphabetic) {
            *letters.entry(letter).or_insert(0) += 1;
        }
        assert_eq!(letters.len(), 26);
        // Spellings of sounds that are rare.
        for part in [
            "th", "sh", "ch", "zh|sure", "oi|oy", "ng", "wh", "qu", "j", "ow",
        ] {
            let count: usize = part.split('|').map(|part| all.matches(part).count()).sum();
            assert!(2 <= count, "{part}: {count}");
        }
    }
}
