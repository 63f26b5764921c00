//! Tokens to syntax: directives, functions and statements.

use super::Refusal;
use super::lexer::{Placed, Token, tokens};
use super::syntax::{Function, Home, Text, ThreadBound, named};

/// Reads a whole module.
pub(crate) fn read(text: &str) -> Result<Text<'_>, Refusal> {
    let mut reader = Reader {
        tokens: tokens(text)?,
        at: 0,
    };
    let mut read = Text::default();
    while reader.peek().is_some() {
        reader.directive(&mut read)?;
    }
    Ok(read)
}

/// Tokens, and how far they are read.
pub(super) struct Reader<'a> {
    tokens: Vec<Placed<'a>>,
    at: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn peek(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).map(|placed| placed.token)
    }

    /// The token after the next.
    pub(super) fn peek_after(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at + 1).map(|placed| placed.token)
    }

    /// Goes back to the token that was taken last.
    pub(super) fn back(&mut self) {
        self.at -= 1;
    }

    /// The line of the next token, or of the last one.
    pub(super) fn line(&self) -> u32 {
        let last = self.tokens.len().saturating_sub(1);
        self.tokens
            .get(self.at.min(last))
            .map_or(1, |placed| placed.line)
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        let token = self.peek();
        self.at += 1;
        token
    }

    pub(super) fn refuse<T>(&self, expected: &str) -> Result<T, Refusal> {
        let found = named(self.peek());
        Err(Refusal::new(
            self.line(),
            format!("expected {expected}, found {found}"),
        ))
    }

    /// Takes a mark if it is next.
    pub(super) fn takes(&mut self, mark: char) -> bool {
        let is_next = self.peek() == Some(Token::Mark(mark));
        self.at += usize::from(is_next);
        is_next
    }

    pub(super) fn expect(&mut self, mark: char) -> Result<(), Refusal> {
        if self.takes(mark) {
            return Ok(());
        }
        self.refuse(&format!("`{mark}`"))
    }

    pub(super) fn word(&mut self, expected: &str) -> Result<&'a str, Refusal> {
        match self.peek() {
            Some(Token::Word(word)) => {
                self.at += 1;
                Ok(word)
            }
            _ => self.refuse(expected),
        }
    }

    pub(super) fn count(&mut self, expected: &str) -> Result<u32, Refusal> {
        match self.peek() {
            Some(Token::Integer(value)) if u32::try_from(value).is_ok() => {
                self.at += 1;
                Ok(value as u32)
            }
            _ => self.refuse(expected),
        }
    }

    fn directive(&mut self, read: &mut Text<'a>) -> Result<(), Refusal> {
        let line = self.line();
        let mut is_extern = false;
        loop {
            let word = self.word("a directive")?;
            match word {
                ".visible" | ".weak" | ".common" => {}
                ".extern" => is_extern = true,
                ".version" => return self.version(),
                ".target" => {
                    self.word("a target")?;
                    while self.takes(',') {
                        self.word("a target")?;
                    }
                    return Ok(());
                }
                ".address_size" => {
                    let bits = self.count("64")?;
                    if bits != 64 {
                        return Err(Refusal::new(line, "addresses must be of 64 bits"));
                    }
                    return Ok(());
                }
                ".file" => return self.skip_file(),
                ".section" => return self.skip_section(),
                ".entry" | ".func" => {
                    let function = self.function(line, word == ".entry")?;
                    read.functions.push(function);
                    return Ok(());
                }
                _ => {
                    let home = match word {
                        ".global" => Home::Global,
                        ".const" => Home::Constant,
                        ".shared" => Home::Shared,
                        _ => {
                            return Err(Refusal::new(
                                line,
                                format!("a directive that is not known, `{word}`"),
                            ));
                        }
                    };
                    let variables = &mut read.variables;
                    return self.variables(home, is_extern, |variable| variables.push(variable));
                }
            }
        }
    }

    fn version(&mut self) -> Result<(), Refusal> {
        match self.peek() {
            Some(Token::Decimal(version)) if (6.0..10.0).contains(&version) => {
                self.at += 1;
                Ok(())
            }
            _ => self.refuse("a version from 6.0 to 9.9"),
        }
    }

    /// Files and sections are for debuggers alone.
    fn skip_file(&mut self) -> Result<(), Refusal> {
        self.count("the number of a file")?;
        match self.next() {
            Some(Token::Text(_)) => {}
            _ => return self.refuse("the name of a file"),
        }
        while self.takes(',') {
            self.next();
        }
        Ok(())
    }

    fn skip_section(&mut self) -> Result<(), Refusal> {
        self.word("the name of a section")?;
        self.expect('{')?;
        while !self.takes('}') {
            if self.next().is_none() {
                return self.refuse("`}` at the end of a section");
            }
        }
        Ok(())
    }

    fn function(&mut self, line: u32, is_kernel: bool) -> Result<Function<'a>, Refusal> {
        let mut returned = Vec::new();
        if self.takes('(') {
            self.parameters(&mut returned)?;
        }
        let name = self.word("the name of a function")?;
        let mut parameters = Vec::new();
        if self.takes('(') {
            self.parameters(&mut parameters)?;
        }
        let mut threads = None;
        let body = loop {
            if self.takes(';') {
                break None;
            }
            if self.takes('{') {
                break Some(self.body()?);
            }
            match self.word("`{`, `;` or a bound of the kernel")? {
                ".noreturn" => {}
                ".maxntid" => {
                    let [x, y, z] = self.three()?;
                    let most = u64::from(x) * u64::from(y) * u64::from(z);
                    threads = Some(ThreadBound::AtMost(most.min(1024) as u32));
                }
                ".reqntid" => threads = Some(ThreadBound::Exactly(self.three()?)),
                ".minnctapersm" | ".maxnctapersm" | ".maxnreg" => {
                    self.count("a number")?;
                }
                word => {
                    return Err(Refusal::new(
                        line,
                        format!("a bound of kernels that is not known, `{word}`"),
                    ));
                }
            }
        };
        Ok(Function {
            line,
            name,
            is_kernel,
            returned,
            parameters,
            body,
            threads,
        })
    }

    fn parameters(&mut self, into: &mut Vec<super::syntax::Variable<'a>>) -> Result<(), Refusal> {
        while !self.takes(')') {
            if self.word("`.param`")? != ".param" {
                self.at -= 1;
                return self.refuse("`.param`");
            }
            let variable = self.variable(Home::Parameter, false)?;
            into.push(variable);
            if !self.takes(',') {
                self.expect(')')?;
                return Ok(());
            }
        }
        Ok(())
    }

    /// Up to three counts; those that are not said are 1.
    fn three(&mut self) -> Result<[u32; 3], Refusal> {
        let mut counts = [self.count("a count of threads")?, 1, 1];
        for count in &mut counts[1..] {
            if self.takes(',') {
                *count = self.count("a count of threads")?;
            }
        }
        Ok(counts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_finished_is_refused() {
        let table = [
            (".entry k(", "`.param`"),
            (".entry k() {", "an instruction, a label or `}`"),
            (".entry k() { ret }", "an operand"),
            (".entry k() { mov.u32 %r1, ; }", "an operand"),
            (".address_size 32", "addresses must be of 64 bits"),
            (".version 99.0", "a version"),
            (".texref t;", "not known, `.texref`"),
        ];
        for (text, expected) in table {
            let refusal = read(text).unwrap_err();
            assert!(
                refusal.reason.contains(expected),
                "{text}: {}",
                refusal.reason
            );
        }
    }
}
