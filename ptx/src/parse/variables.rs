//! Variables and what they begin with.

use super::Refusal;
use super::lexer::Token;
use super::reader::Reader;
use super::syntax::{Home, Kind, Pointer, Variable};

impl<'a> Reader<'a> {
    /// The variables of one declaration, up to its semicolon.
    pub(super) fn variables(
        &mut self,
        home: Home,
        is_extern: bool,
        mut found: impl FnMut(Variable<'a>),
    ) -> Result<(), Refusal> {
        let mut variable = self.variable(home, is_extern)?;
        loop {
            let next = self.takes(',').then(|| Variable {
                bytes: Some(u32::from(variable.kind.bytes())),
                is_array: false,
                initial: None,
                pointers: Vec::new(),
                ..variable.clone()
            });
            found(variable);
            let Some(next) = next else {
                return self.expect(';');
            };
            variable = self.named_variable(next)?;
        }
    }

    /// One variable, from its alignment to its initialiser.
    pub(super) fn variable(
        &mut self,
        home: Home,
        is_extern: bool,
    ) -> Result<Variable<'a>, Refusal> {
        let line = self.line();
        let mut align = None;
        let mut lanes = 1;
        let kind = loop {
            let word = self.word("the kind of a variable")?;
            match word {
                ".align" => align = Some(self.count("an alignment")?),
                ".v2" => lanes = 2,
                ".v4" => lanes = 4,
                // What a pointer points to: of use to optimisers alone.
                ".ptr" | ".global" | ".const" | ".shared" | ".local" => {}
                _ => match word.strip_prefix('.').and_then(Kind::of) {
                    Some(kind) if kind != Kind::Pred => break kind,
                    _ => {
                        return Err(Refusal::new(
                            line,
                            format!("a variable of a kind that is not known, `{word}`"),
                        ));
                    }
                },
            }
            // `.param .u64 .ptr .align 4 name` has the kind first.
        };
        let mut pointee_align = 0;
        while let Some(Token::Word(word)) = self.peek() {
            match word {
                ".ptr" | ".global" | ".const" | ".shared" | ".local" => {
                    self.next();
                }
                ".align" => {
                    self.next();
                    pointee_align = self.count("an alignment")?;
                }
                _ => break,
            }
        }
        let bytes = u32::from(kind.bytes()) * lanes;
        let align = align.unwrap_or(bytes);
        for align in [align, pointee_align.max(1)] {
            if !align.is_power_of_two() || align > 1 << 12 {
                return Err(Refusal::new(
                    line,
                    format!("an alignment must be a power of two up to 4096, not {align}"),
                ));
            }
        }
        self.named_variable(Variable {
            line,
            home,
            name: "",
            align,
            bytes: Some(bytes),
            kind,
            is_array: lanes > 1,
            is_extern,
            initial: None,
            pointers: Vec::new(),
        })
    }

    /// The name, the size and the initialiser of a variable whose kind is known.
    fn named_variable(&mut self, mut variable: Variable<'a>) -> Result<Variable<'a>, Refusal> {
        variable.name = self.word("the name of a variable")?;
        let mut bytes = variable.bytes.map(u64::from);
        while self.takes('[') {
            variable.is_array = true;
            if self.takes(']') {
                bytes = None;
                continue;
            }
            let count = self.count("the size of an array")?;
            bytes = bytes.map(|bytes| bytes.saturating_mul(u64::from(count)));
            self.expect(']')?;
        }
        variable.bytes = match bytes {
            None => None,
            Some(bytes) => match u32::try_from(bytes) {
                Ok(bytes) => Some(bytes),
                Err(_) => {
                    return Err(Refusal::new(
                        variable.line,
                        format!("a variable of {bytes} bytes is too large"),
                    ));
                }
            },
        };
        if self.takes('=') {
            let mut initial = Vec::new();
            self.initial(&mut variable, &mut initial)?;
            let room = variable.bytes.get_or_insert(initial.len() as u32);
            if initial.len() > *room as usize {
                return Err(Refusal::new(
                    variable.line,
                    format!("{} bytes for a variable of {room}", initial.len()),
                ));
            }
            variable.initial = Some(initial);
        }
        if variable.bytes.is_none() && variable.home != Home::Shared {
            return Err(Refusal::new(
                variable.line,
                "only extern shared memory may be without a size",
            ));
        }
        Ok(variable)
    }

    fn initial(&mut self, variable: &mut Variable<'a>, bytes: &mut Vec<u8>) -> Result<(), Refusal> {
        if self.takes('{') {
            while !self.takes('}') {
                self.initial(variable, bytes)?;
                if !self.takes(',') {
                    return self.expect('}');
                }
            }
            return Ok(());
        }
        let is_negative = self.takes('-');
        let size = usize::from(variable.kind.bytes());
        let value = match self.next() {
            Some(Token::Integer(value)) if is_negative => value.wrapping_neg(),
            Some(Token::Integer(value)) => value,
            Some(Token::Single(bits)) => u64::from(bits),
            Some(Token::Double(bits)) => bits,
            Some(Token::Word(name)) => {
                self.pointer(name, variable, bytes.len())?;
                0
            }
            _ => return self.refuse("a value"),
        };
        bytes.extend_from_slice(&value.to_le_bytes()[..size]);
        Ok(())
    }

    /// `name`, `name+4` or `generic(name)+4`.
    fn pointer(
        &mut self,
        mut name: &'a str,
        variable: &mut Variable<'a>,
        offset: usize,
    ) -> Result<(), Refusal> {
        if name == "generic" && self.takes('(') {
            name = self.word("the name of a variable")?;
            self.expect(')')?;
        }
        if variable.kind.bytes() != 8 {
            return Err(Refusal::new(
                variable.line,
                "an address needs a variable of 64 bits",
            ));
        }
        let mut added = 0;
        if self.takes('+') {
            added = u64::from(self.count("an offset")?);
        }
        variable.pointers.push(Pointer {
            offset: offset as u32,
            name,
            added,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::reader::read;

    #[test]
    fn initialisers_are_bytes() {
        type Row = (&'static str, Option<u32>, Option<&'static [u8]>);
        let table: [Row; 7] = [
            (".global .align 4 .u32 a = 7;", Some(4), Some(&[7, 0, 0, 0])),
            (".global .s16 a = -2;", Some(2), Some(&[0xfe, 0xff])),
            (".const .align 4 .b8 a[8] = {1, 2};", Some(8), Some(&[1, 2])),
            (
                ".global .f32 a = 0f3F800000;",
                Some(4),
                Some(&[0, 0, 0x80, 0x3f]),
            ),
            (
                ".global .u16 a[2][2] = {{1, 2}, {3, 4}};",
                Some(8),
                Some(&[1, 0, 2, 0, 3, 0, 4, 0]),
            ),
            (".global .align 4 .b8 a[12];", Some(12), None),
            (".extern .shared .align 16 .b8 a[];", None, None),
        ];
        for (text, bytes, initial) in table {
            let read = read(text).unwrap();
            let variable = &read.variables[0];
            assert_eq!(variable.bytes, bytes, "{text}");
            assert_eq!(variable.initial.as_deref(), initial, "{text}");
        }
    }

    #[test]
    fn an_address_in_an_initialiser_is_kept_by_name() {
        let read = read(".global .u64 a[2] = {0, generic(b)+4};").unwrap();
        let pointers = &read.variables[0].pointers;
        assert_eq!((pointers[0].offset, pointers[0].name), (8, "b"));
        assert_eq!(pointers[0].added, 4);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for text in [
            ".const .b8 a[1] = {1, 2};",
            ".global .b8 a[];",
            ".global .align 3 .b8 a[4];",
            ".global .u32 a = b;",
            ".global .b8 a[4294967295][4];",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
