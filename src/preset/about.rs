//! What people read of a preset. Texts of strangers: bounded, on one line, and free of what would
//! make a screen show something else than what is there.

/// Most characters of a preset's or a voice's name.
pub const MOST_NAME: usize = 64;
/// Most characters of an author, a licence or a version.
pub const MOST_LABEL: usize = 64;
/// Most tags of a preset.
pub const MOST_TAGS: usize = 16;
/// Most characters of a tag.
pub const MOST_TAG: usize = 24;
/// Most characters of a comment.
pub const MOST_COMMENT: usize = 1_000;

/// What people read of a preset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// 1..=64 characters.
    pub name: String,
    /// Who made it, at most 64 characters; empty where nobody says.
    pub author: String,
    /// At most 16 of at most 24 characters, in lower case, no two alike.
    pub tags: Vec<String>,
    /// At most 1,000 characters.
    pub comment: String,
    /// How it may be used, at most 64 characters: an SPDX expression such as "CC0-1.0".
    pub licence: String,
    /// Which edition of the preset it is, at most 64 characters.
    pub version: String,
}

impl About {
    /// What somebody wrote, as it is kept; tags are parted by commas.
    #[must_use]
    pub fn written(name: &str, author: &str, tags: &str, comment: &str) -> Self {
        Self {
            name: clean(name, MOST_NAME),
            author: clean(author, MOST_LABEL),
            tags: clean_tags(tags.split(',')).0,
            comment: clean(comment, MOST_COMMENT),
            ..Self::default()
        }
    }

    /// A name as it is kept, if anything is left of it.
    #[must_use]
    pub fn name_of(text: &str) -> Option<String> {
        Some(clean(text, MOST_NAME)).filter(|name| !name.is_empty())
    }

    /// The same within its bounds, as it will be read again.
    #[must_use]
    pub fn cleaned(&self) -> Self {
        Self {
            name: clean(&self.name, MOST_NAME),
            author: clean(&self.author, MOST_LABEL),
            tags: clean_tags(self.tags.iter().map(String::as_str)).0,
            comment: clean(&self.comment, MOST_COMMENT),
            licence: clean(&self.licence, MOST_LABEL),
            version: clean(&self.version, MOST_LABEL),
        }
    }
}

/// The voice a preset was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoiceRef {
    /// Its name, 1..=64 characters.
    pub name: String,
    /// The SHA-256 of its file, 64 hexadecimal digits in lower case, if it is known.
    pub sha256: Option<String>,
}

impl VoiceRef {
    /// What somebody wrote, within its bounds: a hash that is none is left out, and without a name
    /// it is no voice.
    #[must_use]
    pub fn written(name: &str, sha256: Option<&str>) -> Option<Self> {
        let name = clean(name, MOST_NAME);
        let sha256 = sha256.map(str::to_ascii_lowercase);
        (!name.is_empty()).then(|| Self {
            name,
            sha256: sha256.filter(|hash| is_sha256(hash)),
        })
    }

    /// Whether both mean the same voice: by hash where both have one, else by name.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        match (&self.sha256, &other.sha256) {
            (Some(this), Some(that)) => this == that,
            _ => self.name == other.name,
        }
    }
}

/// Whether a text is a SHA-256 in hexadecimal digits.
#[must_use]
pub fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit())
}

/// A text as it may be shown: on one line, its blanks single, at most so many characters of it.
#[must_use]
pub fn clean(text: &str, most: usize) -> String {
    let mut cleaned = String::new();
    let mut length = 0;
    let mut is_blank_due = false;
    for c in text.chars() {
        if c.is_whitespace() {
            is_blank_due = 0 < length;
        } else if !is_hidden(c) {
            let needed = 1 + usize::from(is_blank_due);
            if most < length + needed {
                break;
            }
            if std::mem::take(&mut is_blank_due) {
                cleaned.push(' ');
            }
            cleaned.push(c);
            length += needed;
        }
    }
    cleaned
}

/// Tags as they are kept, and whether any was left out or cut.
#[must_use]
pub fn clean_tags<'a>(tags: impl IntoIterator<Item = &'a str>) -> (Vec<String>, bool) {
    let mut cleaned: Vec<String> = Vec::new();
    let mut is_cut = false;
    for tag in tags {
        let lower = clean(tag, usize::MAX).to_lowercase();
        let tag = clean(&lower, MOST_TAG);
        is_cut |= tag != lower;
        if tag.is_empty() || cleaned.contains(&tag) {
            continue;
        }
        if cleaned.len() == MOST_TAGS {
            return (cleaned, true);
        }
        cleaned.push(tag);
    }
    (cleaned, is_cut)
}

/// Characters that are not seen but move, hide or reverse what is: control characters,
/// directional overrides (Unicode UAX #9), zero-width ones and language tags. The joiners stay:
/// scripts and emoji need them.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{061c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_what_they_look_like() {
        for (text, most, expected) in [
            ("Hard Tune", 64, "Hard Tune"),
            ("  Größe \t\n 7 ", 64, "Größe 7"),
            ("a\u{202e}b\u{2066}c\u{0}\u{1b}[31m", 64, "abc[31m"),
            ("\u{feff}\u{200b}", 64, ""),
            ("wink 👩\u{200d}🎤", 64, "wink 👩\u{200d}🎤"),
            ("abc def", 3, "abc"),
            ("abc def", 4, "abc"),
            ("abc def", 5, "abc d"),
            ("äöü", 2, "äö"),
            ("line\u{2028}line", 64, "line line"),
            ("x", 0, ""),
        ] {
            assert_eq!(clean(text, most), expected, "{text:?}");
            assert_eq!(clean(expected, most), expected, "clean stays clean");
        }
    }

    #[test]
    fn tags_are_few_short_and_unlike() {
        let long = "x".repeat(30);
        let (tags, is_cut) = clean_tags(["Robot", "robot ", "", "two  words", &long]);
        assert_eq!(tags, ["robot", "two words", &long[..MOST_TAG]]);
        assert!(is_cut);
        let many: Vec<String> = (0..40).map(|i| i.to_string()).collect();
        let (tags, is_cut) = clean_tags(many.iter().map(String::as_str));
        assert_eq!((tags.len(), is_cut), (MOST_TAGS, true));
        assert_eq!(clean_tags(["a", "A"]), (vec!["a".to_owned()], false));
    }
}
