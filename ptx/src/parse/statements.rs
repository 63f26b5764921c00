//! The body of a function: registers, variables, labels and instructions.

use super::Refusal;
use super::lexer::Token;
use super::reader::Reader;
use super::syntax::{Home, Item, Kind, Operand, Statement};

impl<'a> Reader<'a> {
    /// What follows `{`, up to its `}`.
    pub(super) fn body(&mut self) -> Result<Vec<Item<'a>>, Refusal> {
        let mut items = Vec::new();
        let mut depth = 0;
        loop {
            let line = self.line();
            match self.peek() {
                Some(Token::Mark('{')) => {
                    self.next();
                    depth += 1;
                    items.push(Item::Open);
                }
                Some(Token::Mark('}')) => {
                    self.next();
                    if depth == 0 {
                        return Ok(items);
                    }
                    depth -= 1;
                    items.push(Item::Close);
                }
                // An empty statement.
                Some(Token::Mark(';')) => {
                    self.next();
                }
                Some(Token::Mark('@')) => items.push(Item::Statement(self.statement(line)?)),
                Some(Token::Word(word)) if word.starts_with('.') => {
                    self.next();
                    self.inner_directive(line, word, &mut items)?;
                }
                Some(Token::Word(word)) => {
                    let follows = self.peek_after();
                    if follows == Some(Token::Mark(':')) {
                        self.next();
                        self.next();
                        items.push(Item::Label(line, word));
                    } else {
                        items.push(Item::Statement(self.statement(line)?));
                    }
                }
                _ => return self.refuse("an instruction, a label or `}`"),
            }
        }
    }

    fn inner_directive(
        &mut self,
        line: u32,
        word: &str,
        items: &mut Vec<Item<'a>>,
    ) -> Result<(), Refusal> {
        let home = match word {
            ".reg" => return self.registers(line, items),
            ".pragma" => {
                while !self.takes(';') {
                    match self.next() {
                        Some(Token::Text(_) | Token::Mark(',')) => {}
                        _ => return self.refuse("the text of a pragma"),
                    }
                }
                return Ok(());
            }
            ".loc" => return self.skip_place(),
            ".local" => Home::Local,
            ".shared" => Home::Shared,
            ".param" => Home::Parameter,
            ".global" => Home::Global,
            ".const" => Home::Constant,
            _ => {
                return Err(Refusal::new(
                    line,
                    format!("a directive that is not known, `{word}`"),
                ));
            }
        };
        self.variables(home, false, |variable| items.push(Item::Variable(variable)))
    }

    /// `.loc`: where in the source an instruction comes from.
    fn skip_place(&mut self) -> Result<(), Refusal> {
        for _ in 0..3 {
            self.count("a number")?;
        }
        if !self.takes(',') {
            return Ok(());
        }
        self.word("`function_name`")?;
        self.word("a label")?;
        if self.takes('+') {
            self.count("a number")?;
        }
        self.expect(',')?;
        self.word("`inlined_at`")?;
        for _ in 0..3 {
            self.count("a number")?;
        }
        Ok(())
    }

    fn registers(&mut self, line: u32, items: &mut Vec<Item<'a>>) -> Result<(), Refusal> {
        let word = self.word("the kind of a register")?;
        let kind = match word.strip_prefix('.').and_then(Kind::of) {
            Some(kind) => kind,
            None => {
                return Err(Refusal::new(
                    line,
                    format!("registers of a kind that is not known, `{word}`"),
                ));
            }
        };
        loop {
            let name = self.word("the name of a register")?;
            let mut count = None;
            if self.takes('<') {
                count = Some(self.count("a count of registers")?);
                self.expect('>')?;
            }
            items.push(Item::Registers {
                line,
                kind,
                name,
                count,
            });
            if !self.takes(',') {
                return self.expect(';');
            }
        }
    }

    fn statement(&mut self, line: u32) -> Result<Statement<'a>, Refusal> {
        let mut guard = None;
        if self.takes('@') {
            let is_negated = self.takes('!');
            guard = Some((self.word("a predicate")?, is_negated));
        }
        let opcode = self.word("an instruction")?;
        let mut operands = Vec::new();
        if !self.takes(';') {
            operands.push(self.operand()?);
            while self.takes(',') {
                operands.push(self.operand()?);
            }
            self.expect(';')?;
        }
        Ok(Statement {
            line,
            guard,
            opcode,
            operands,
        })
    }

    fn operand(&mut self) -> Result<Operand<'a>, Refusal> {
        if self.takes('[') {
            return self.address();
        }
        if self.takes('{') {
            let mut parts = Vec::new();
            loop {
                parts.push(self.operand()?);
                if self.takes('}') {
                    return Ok(Operand::Vector(parts));
                }
                self.expect(',')?;
            }
        }
        if self.takes('(') {
            let mut names = Vec::new();
            while !self.takes(')') {
                names.push(self.word("the name of a parameter")?);
                self.takes(',');
            }
            return Ok(Operand::Group(names));
        }
        if self.takes('!') {
            return Ok(Operand::Not(self.word("a predicate")?));
        }
        let is_negative = self.takes('-');
        let operand = match self.next() {
            Some(Token::Integer(value)) if is_negative => Operand::Integer(value.wrapping_neg()),
            Some(Token::Decimal(value)) if is_negative => Operand::Decimal(-value),
            Some(Token::Integer(value)) => Operand::Integer(value),
            Some(Token::Decimal(value)) => Operand::Decimal(value),
            Some(Token::Single(bits)) if !is_negative => Operand::Single(bits),
            Some(Token::Double(bits)) if !is_negative => Operand::Double(bits),
            Some(Token::Word(word)) if !is_negative => {
                if self.takes('|') {
                    Operand::Two(word, self.word("a second destination")?)
                } else if matches!(self.peek(), Some(Token::Mark('+' | '-'))) {
                    Operand::Sum(word, self.offset()?)
                } else {
                    Operand::Name(word)
                }
            }
            _ => {
                self.back();
                return self.refuse("an operand");
            }
        };
        Ok(operand)
    }

    /// What follows `[`.
    fn address(&mut self) -> Result<Operand<'a>, Refusal> {
        let base = match self.peek() {
            Some(Token::Word(word)) => {
                self.next();
                Some(word)
            }
            _ => None,
        };
        let is_alone = self.peek() == Some(Token::Mark(']'));
        let offset = match base {
            Some(_) if is_alone => 0,
            _ => self.offset()?,
        };
        self.expect(']')?;
        Ok(Operand::Address(base, offset))
    }

    /// `+4`, `-4`, `+-4` or `4`.
    fn offset(&mut self) -> Result<i64, Refusal> {
        self.takes('+');
        let is_negative = self.takes('-');
        match self.next() {
            Some(Token::Integer(value)) if i64::try_from(value).is_ok() => {
                let value = value as i64;
                Ok(if is_negative { -value } else { value })
            }
            _ => {
                self.back();
                self.refuse("an offset")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::reader::read;
    use super::*;

    #[test]
    fn a_statement_has_guard_opcode_and_operands() {
        let text = ".entry k() { @!%p1 shfl.sync.down.b32 %r1|%p2, {%r2, _}, [%rd1+-4], -1; }";
        let read = read(text).unwrap();
        let body = read.functions[0].body.as_ref().unwrap();
        let Item::Statement(statement) = &body[0] else {
            panic!("{body:?}");
        };
        assert_eq!(statement.guard, Some(("%p1", true)));
        assert_eq!(statement.opcode, "shfl.sync.down.b32");
        let operands = &statement.operands;
        assert!(matches!(operands[0], Operand::Two("%r1", "%p2")));
        assert!(matches!(&operands[1], Operand::Vector(parts) if parts.len() == 2));
        assert!(matches!(operands[2], Operand::Address(Some("%rd1"), -4)));
        assert!(matches!(operands[3], Operand::Integer(u64::MAX)));
    }
}
