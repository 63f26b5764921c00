//! Text to tokens.

use super::Refusal;

/// One token. Opcodes and directives are words with their dots.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    Word(&'a str),
    Integer(u64),
    /// `0f` and `0d`: bits.
    Single(u32),
    Double(u64),
    /// Written with a point or an exponent.
    Decimal(f64),
    Text(&'a str),
    Mark(char),
}

/// A token and its line, counted from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Placed<'a> {
    pub token: Token<'a>,
    pub line: u32,
}

/// All tokens of a text; comments are left out.
pub(crate) fn tokens(text: &str) -> Result<Vec<Placed<'_>>, Refusal> {
    let mut lexer = Lexer {
        text,
        at: 0,
        line: 1,
    };
    let mut tokens = Vec::new();
    loop {
        lexer.skip_space()?;
        let Some(first) = lexer.rest().chars().next() else {
            return Ok(tokens);
        };
        let line = lexer.line;
        let token = lexer.token(first)?;
        tokens.push(Placed { token, line });
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: u32,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// Takes what fits from here.
    fn take(&mut self, fits: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !fits(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn skip_space(&mut self) -> Result<(), Refusal> {
        loop {
            let space = self.take(char::is_whitespace);
            self.line += lines_in(space);
            let rest = self.rest();
            if rest.starts_with("//") {
                self.take(|c| c != '\n');
            } else if rest.starts_with("/*") {
                let end = rest
                    .find("*/")
                    .ok_or_else(|| self.refuse("a comment without an end"))?;
                self.line += lines_in(&rest[..end]);
                self.at += end + 2;
            } else {
                return Ok(());
            }
        }
    }

    fn token(&mut self, first: char) -> Result<Token<'a>, Refusal> {
        if first.is_ascii_digit() {
            return self.number();
        }
        if is_word(first) {
            return Ok(Token::Word(self.word()));
        }
        if first == '"' {
            self.at += 1;
            let text = self.take(|c| c != '"' && c != '\n');
            if !self.rest().starts_with('"') {
                return Err(self.refuse("a text without an end"));
            }
            self.at += 1;
            return Ok(Token::Text(text));
        }
        if "{}()[]<>,;:=|+-@!".contains(first) {
            self.at += 1;
            return Ok(Token::Mark(first));
        }
        Err(self.refuse(&format!("a character that is not of PTX, {first:?}")))
    }

    /// A word; `::` is in it where more follows, as in `.shared::cta`.
    fn word(&mut self) -> &'a str {
        let start = self.at;
        loop {
            self.take(is_word);
            let rest = self.rest();
            let goes_on = rest
                .strip_prefix("::")
                .is_some_and(|rest| rest.starts_with(is_word));
            if !goes_on {
                return &self.text[start..self.at];
            }
            self.at += 2;
        }
    }

    fn number(&mut self) -> Result<Token<'a>, Refusal> {
        let word = self.take(|c| c.is_ascii_alphanumeric());
        let refuse = |lexer: &Self| lexer.refuse(&format!("a number that cannot be read, {word}"));
        let prefix = word.get(..2).unwrap_or("").to_ascii_lowercase();
        if prefix == "0f" && word.len() == 10 {
            let bits = u32::from_str_radix(&word[2..], 16).map_err(|_| refuse(self))?;
            return Ok(Token::Single(bits));
        }
        if prefix == "0d" && word.len() == 18 {
            let bits = u64::from_str_radix(&word[2..], 16).map_err(|_| refuse(self))?;
            return Ok(Token::Double(bits));
        }
        if self.rest().starts_with('.') && word.bytes().all(|b| b.is_ascii_digit()) {
            return self.decimal(word.len());
        }
        let digits = word.trim_end_matches(['U', 'u']);
        let (digits, radix) = match prefix.as_str() {
            "0x" => (&digits[2..], 16),
            "0b" => (&digits[2..], 2),
            _ if digits.len() > 1 && digits.starts_with('0') => (&digits[1..], 8),
            _ => (digits, 10),
        };
        u64::from_str_radix(digits, radix)
            .map(Token::Integer)
            .map_err(|_| refuse(self))
    }

    /// The rest of a number with a point, of which `digits` are read.
    fn decimal(&mut self, digits: usize) -> Result<Token<'a>, Refusal> {
        let start = self.at - digits;
        self.at += 1;
        let tail = self.take(|c| c.is_ascii_alphanumeric());
        if tail.ends_with(['e', 'E']) && self.rest().starts_with(['+', '-']) {
            self.at += 1;
            self.take(|c| c.is_ascii_digit());
        }
        let number = &self.text[start..self.at];
        number
            .parse()
            .map(Token::Decimal)
            .map_err(|_| self.refuse(&format!("a number that cannot be read, {number}")))
    }

    fn refuse(&self, reason: &str) -> Refusal {
        Refusal::new(self.line, reason)
    }
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_$%.".contains(c)
}

fn lines_in(text: &str) -> u32 {
    text.bytes().map(|b| u32::from(b == b'\n')).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_what_is_written() {
        let table = [
            ("ld.global.v4.f32", Token::Word("ld.global.v4.f32")),
            ("%tid.x", Token::Word("%tid.x")),
            ("ld.shared::cta.u32", Token::Word("ld.shared::cta.u32")),
            ("$L__BB0_2", Token::Word("$L__BB0_2")),
            ("0f3F800000", Token::Single(0x3f80_0000)),
            ("0d3FF0000000000000", Token::Double(0x3ff0_0000_0000_0000)),
            ("0x1F", Token::Integer(31)),
            ("0b101", Token::Integer(5)),
            ("017", Token::Integer(15)),
            ("0", Token::Integer(0)),
            ("12U", Token::Integer(12)),
            ("1.5", Token::Decimal(1.5)),
            ("2.5e-3", Token::Decimal(0.0025)),
            ("\"nounroll\"", Token::Text("nounroll")),
            ("/* a\nb */ +", Token::Mark('+')),
        ];
        for (text, token) in table {
            let found = tokens(text).unwrap();
            assert_eq!(found.len(), 1, "{text}");
            assert_eq!(found[0].token, token, "{text}");
        }
    }

    #[test]
    fn a_label_is_a_word_and_a_colon() {
        let found = tokens("// one\n$L:\n\tret;").unwrap();
        let lines: Vec<u32> = found.iter().map(|placed| placed.line).collect();
        assert_eq!(lines, [2, 2, 3, 3]);
        assert_eq!(found[1].token, Token::Mark(':'));
    }

    #[test]
    fn what_is_no_token_is_refused_with_its_line() {
        for text in ["\n#", "\n/* ", "\n\"a\n\"", "\n12q", "\n0x"] {
            assert_eq!(tokens(text).unwrap_err().line, 2, "{text:?}");
        }
    }
}
