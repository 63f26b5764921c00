//! Interprets pickles, protocols 0 to 5 (CPython's `Lib/pickletools.py` describes every opcode),
//! without running anything: what a pickle calls is looked up in an allow-list of operations on
//! plain data, and whatever is not on it becomes an opaque value that carries its name. Worker
//! threads and the command line only; opens no files itself.

mod calls;
mod heap;
mod input;
mod known;

use super::error::{CheckpointError, within};
use super::limits::Limits;
use super::read::Storage;
use super::value::Value;
use calls::Storages;
use heap::{Heap, Id, Node};
use input::Input;
use std::collections::HashMap;
use std::io::BufRead;
use std::sync::Arc;

/// Finds the storage of this name, which is to hold so many bytes.
pub(super) type FindStorage<'a> = dyn FnMut(&str, u64) -> Result<Storage, CheckpointError> + 'a;

/// What a pickle holds.
#[derive(Debug)]
pub(super) struct Unpickled {
    pub(super) root: Value,
    /// The whole number at the root where 64 bits do not hold it, the least byte first.
    pub(super) big_int: Option<Arc<[u8]>>,
    /// The storages its tensors are in, with their names.
    pub(super) storages: Vec<(String, Storage)>,
    /// Dotted names of classes and functions that are not known, in alphabetical order.
    pub(super) unknown: Vec<Arc<str>>,
    /// Bytes read, from the first opcode to the last.
    pub(super) bytes: u64,
}

/// Reads one pickle.
///
/// # Errors
/// [`CheckpointError`] when it is damaged, beyond the limits or refers to a missing storage.
pub(super) fn unpickle(
    input: impl BufRead,
    limits: &Limits,
    find: &mut FindStorage<'_>,
) -> Result<Unpickled, CheckpointError> {
    let mut machine = Machine {
        input: Input::new(input, limits.pickle_bytes),
        heap: Heap::new(limits),
        storages: Storages::new(find),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let root = machine.run()?;
    let big_int = match machine.heap.get(root) {
        Node::BigInt(bytes) => Some(Arc::clone(bytes)),
        _ => None,
    };
    Ok(Unpickled {
        root: machine.heap.tree(root)?,
        big_int,
        storages: machine.storages.into_list(),
        bytes: machine.input.position,
        unknown: machine.heap.unknown(),
    })
}

/// The stack machine a pickle is a program for.
struct Machine<'a, R> {
    input: Input<R>,
    heap: Heap<'a>,
    storages: Storages<'a>,
    stack: Vec<Id>,
    /// Heights of the stack at which a mark was set.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<R: BufRead> Machine<'_, R> {
    /// Runs until STOP and gives the object on top of the stack.
    fn run(&mut self) -> Result<Id, CheckpointError> {
        loop {
            let opcode = self.input.byte()?;
            if opcode == b'.' {
                return self.pop();
            }
            let done = self.step_constant(opcode)?
                || self.step_text(opcode)?
                || self.step_stack(opcode)?
                || self.step_container(opcode)?
                || self.step_global(opcode)?
                || self.step_object(opcode)?;
            if !done {
                return Err(self.damaged("a pickle opcode", &format!("the byte {opcode:#04x}")));
            }
        }
    }

    /// Numbers and other constants.
    fn step_constant(&mut self, opcode: u8) -> Result<bool, CheckpointError> {
        let node = match opcode {
            b'N' => Node::None,
            0x88 => Node::Bool(true),
            0x89 => Node::Bool(false),
            b'J' => Node::Int(i64::from(i32::from_le_bytes(self.input.array()?))),
            b'K' => Node::Int(i64::from(self.input.byte()?)),
            b'M' => Node::Int(i64::from(u16::from_le_bytes(self.input.array()?))),
            b'G' => Node::Float(f64::from_be_bytes(self.input.array()?)),
            0x8a => self.long(1)?,
            0x8b => self.long(4)?,
            b'I' | b'L' | b'F' => self.number_line(opcode)?,
            0x80 => {
                let protocol = self.input.byte()?;
                if 5 < protocol {
                    return Err(CheckpointError::Unsupported {
                        expected: "a pickle protocol up to 5",
                        found: protocol.to_string(),
                    });
                }
                return Ok(true);
            }
            // FRAME: how far to read ahead, which does not matter here.
            0x95 => {
                self.input.array::<8>()?;
                return Ok(true);
            }
            _ => return Ok(false),
        };
        self.push(node)?;
        Ok(true)
    }

    /// Text and bytes.
    fn step_text(&mut self, opcode: u8) -> Result<bool, CheckpointError> {
        let node = match opcode {
            b'X' => self.text(4)?,
            0x8c => self.text(1)?,
            0x8d => self.text(8)?,
            b'V' => {
                let line = self.input.line()?;
                Node::Str(raw_unicode(&line).into())
            }
            b'B' => self.bytes(4)?,
            b'C' => self.bytes(1)?,
            0x8e | 0x96 => self.bytes(8)?,
            // Strings of Python 2: text where they can be.
            b'T' => old_string(self.counted(4)?),
            b'U' => old_string(self.counted(1)?),
            b'S' => {
                let line = self.input.line()?;
                old_string(
                    unquoted(&line)
                        .ok_or_else(|| self.damaged("a quoted string", "a line without quotes"))?,
                )
            }
            _ => return Ok(false),
        };
        self.push(node)?;
        Ok(true)
    }

    /// The stack and the memo.
    fn step_stack(&mut self, opcode: u8) -> Result<bool, CheckpointError> {
        match opcode {
            b'(' => {
                within(
                    "marks",
                    self.marks.len() as u64 + 1,
                    self.heap.limits.objects as u64,
                )?;
                self.marks.push(self.stack.len());
            }
            b'0' => match self.marks.last() == Some(&self.stack.len()) {
                true => drop(self.marks.pop()),
                false => drop(self.pop()?),
            },
            b'1' => drop(self.pop_mark()?),
            b'2' => self.push_id(self.top()?)?,
            b'p' | b'q' | b'r' | 0x94 => {
                let key = match opcode {
                    b'p' => self.index_line()?,
                    b'q' => u32::from(self.input.byte()?),
                    b'r' => u32::from_le_bytes(self.input.array()?),
                    _ => self.memo.len() as u32,
                };
                let top = self.top()?;
                self.memo.insert(key, top);
                let limit = self.heap.limits.memo as u64;
                within(
                    "entries of the pickle's memo",
                    self.memo.len() as u64,
                    limit,
                )?;
            }
            b'g' | b'h' | b'j' => {
                let key = match opcode {
                    b'g' => self.index_line()?,
                    b'h' => u32::from(self.input.byte()?),
                    _ => u32::from_le_bytes(self.input.array()?),
                };
                match self.memo.get(&key) {
                    Some(id) => self.push_id(*id)?,
                    None => return Err(self.damaged("a memo entry", &format!("no entry {key}"))),
                }
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Lists, tuples, dictionaries and sets.
    fn step_container(&mut self, opcode: u8) -> Result<bool, CheckpointError> {
        match opcode {
            b']' | 0x8f => self.push(Node::List(Vec::new()))?,
            b'}' => self.push(Node::Dict(Vec::new()))?,
            b')' => self.push(Node::Tuple(Vec::new()))?,
            b'l' | 0x91 => {
                let items = self.pop_mark()?;
                self.push(Node::List(items))?;
            }
            b't' => {
                let items = self.pop_mark()?;
                self.push(Node::Tuple(items))?;
            }
            0x85..=0x87 => {
                let mut items = vec![0; usize::from(opcode - 0x84)];
                for item in items.iter_mut().rev() {
                    *item = self.pop()?;
                }
                self.push(Node::Tuple(items))?;
            }
            b'd' => {
                let items = self.pop_mark()?;
                self.push(Node::Dict(Vec::new()))?;
                self.store(&items)?;
            }
            b'a' => {
                let item = self.pop()?;
                self.append(&[item])?;
            }
            b'e' | 0x90 => {
                let items = self.pop_mark()?;
                self.append(&items)?;
            }
            b's' => {
                let value = self.pop()?;
                let key = self.pop()?;
                self.store(&[key, value])?;
            }
            b'u' => {
                let items = self.pop_mark()?;
                self.store(&items)?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Classes and functions.
    fn step_global(&mut self, opcode: u8) -> Result<bool, CheckpointError> {
        match opcode {
            b'c' => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                self.push_global(&module, &name)?;
            }
            0x93 => {
                let (name, module) = (self.pop()?, self.pop()?);
                match (self.heap.get(module), self.heap.get(name)) {
                    (Node::Str(module), Node::Str(name)) => {
                        let (module, name) = (Arc::clone(module), Arc::clone(name));
                        self.push_global(module.as_bytes(), name.as_bytes())?;
                    }
                    _ => return Err(self.damaged("the name of a class", "other objects")),
                }
            }
            0x82..=0x84 => {
                let code = match opcode {
                    0x82 => u32::from(self.input.byte()?),
                    0x83 => u32::from(u16::from_le_bytes(self.input.array()?)),
                    _ => u32::from_le_bytes(self.input.array()?),
                };
                self.push_global(b"copyreg", format!("extension_{code}").as_bytes())?;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Calls, and what is stored outside of the pickle.
    fn step_object(&mut self, opcode: u8) -> Result<bool, CheckpointError> {
        match opcode {
            // REDUCE and NEWOBJ are the same here: no class is more than its name.
            b'R' | 0x81 => {
                let (arguments, callee) = (self.pop()?, self.pop()?);
                self.call(callee, arguments)?;
            }
            0x92 => {
                let (_keywords, arguments, callee) = (self.pop()?, self.pop()?, self.pop()?);
                self.call(callee, arguments)?;
            }
            b'i' => {
                let (module, name) = (self.input.line()?, self.input.line()?);
                let arguments = self.pop_mark()?;
                self.push_global(&module, &name)?;
                let (callee, arguments) = (self.pop()?, self.heap.add(Node::Tuple(arguments))?);
                self.call(callee, arguments)?;
            }
            b'o' => {
                let mut items = self.pop_mark()?;
                if items.is_empty() {
                    return Err(self.damaged("a class to make an object of", "none"));
                }
                let callee = items.remove(0);
                let arguments = self.heap.add(Node::Tuple(items))?;
                self.call(callee, arguments)?;
            }
            b'b' => {
                let state = self.pop()?;
                let top = self.top()?;
                calls::build(&mut self.heap, top, state);
            }
            b'Q' => {
                let reference = self.pop()?;
                let id = self.storages.refer(&mut self.heap, reference)?;
                self.push_id(id)?;
            }
            // PERSID and buffers beside the pickle: torch writes neither.
            b'P' | 0x97 | 0x98 => {
                return Err(CheckpointError::Unsupported {
                    expected: "tensors in torch's storages",
                    found: "a reference to data outside of the pickle".to_owned(),
                });
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn push(&mut self, node: Node) -> Result<(), CheckpointError> {
        let id = self.heap.add(node)?;
        self.push_id(id)
    }

    fn push_id(&mut self, id: Id) -> Result<(), CheckpointError> {
        self.stack.push(id);
        let limit = self.heap.limits.objects as u64;
        within(
            "objects on the pickle's stack",
            self.stack.len() as u64,
            limit,
        )
    }

    /// Takes the top object; a mark below it stays.
    fn pop(&mut self) -> Result<Id, CheckpointError> {
        let floor = self.marks.last().copied().unwrap_or(0);
        match self.stack.pop() {
            Some(id) if floor <= self.stack.len() => Ok(id),
            _ => Err(self.damaged("an object on the stack", "none")),
        }
    }

    fn top(&self) -> Result<Id, CheckpointError> {
        let top = self.stack.last().copied();
        top.ok_or_else(|| self.damaged("an object on the stack", "none"))
    }

    /// Takes everything above the last mark, and the mark.
    fn pop_mark(&mut self) -> Result<Vec<Id>, CheckpointError> {
        match self.marks.pop() {
            Some(floor) if floor <= self.stack.len() => Ok(self.stack.split_off(floor)),
            _ => Err(self.damaged("a mark on the stack", "none")),
        }
    }

    fn push_global(&mut self, module: &[u8], name: &[u8]) -> Result<(), CheckpointError> {
        let text = String::from_utf8_lossy;
        let name = self.heap.name(&text(module), &text(name))?;
        if known::known(&name).is_none() {
            self.heap.note_unknown(&name);
        }
        self.push(Node::Global(name))
    }

    fn call(&mut self, callee: Id, arguments: Id) -> Result<(), CheckpointError> {
        let made = calls::call(&mut self.heap, callee, arguments)
            .map_err(|error| error.at(self.input.position))?;
        self.push_id(made)
    }

    /// Appends to the list on top; what is opaque takes everything and keeps nothing.
    fn append(&mut self, items: &[Id]) -> Result<(), CheckpointError> {
        let top = self.top()?;
        match self.heap.get_mut(top) {
            Node::List(list) => list.extend_from_slice(items),
            Node::Opaque(_) => {}
            _ => return Err(self.damaged("a list to append to", "another object")),
        }
        Ok(())
    }

    /// Stores keys and values in the dictionary on top.
    fn store(&mut self, items: &[Id]) -> Result<(), CheckpointError> {
        let top = self.top()?;
        let (pairs, rest) = items.as_chunks::<2>();
        match self.heap.get_mut(top) {
            _ if !rest.is_empty() => return Err(self.damaged("a value for each key", "none")),
            Node::Dict(dict) => dict.extend(pairs.iter().map(|[key, value]| (*key, *value))),
            Node::Opaque(_) => {}
            _ => return Err(self.damaged("a dictionary to store in", "another object")),
        }
        Ok(())
    }

    /// A length of so many bytes, little-endian, and as many bytes.
    fn counted(&mut self, width: usize) -> Result<Vec<u8>, CheckpointError> {
        let mut len = [0; 8];
        for byte in &mut len[..width] {
            *byte = self.input.byte()?;
        }
        self.input.bytes(u64::from_le_bytes(len))
    }

    fn text(&mut self, width: usize) -> Result<Node, CheckpointError> {
        // Python lets lone surrogates through; no name we look for has one.
        let bytes = self.counted(width)?;
        Ok(Node::Str(String::from_utf8_lossy(&bytes).into()))
    }

    fn bytes(&mut self, width: usize) -> Result<Node, CheckpointError> {
        Ok(Node::Bytes(self.counted(width)?.into()))
    }

    /// A whole number in two's complement.
    fn long(&mut self, width: usize) -> Result<Node, CheckpointError> {
        let bytes = self.counted(width)?;
        if 8 < bytes.len() {
            return Ok(Node::BigInt(bytes.into()));
        }
        let negative = bytes.last().is_some_and(|top| top & 0x80 != 0);
        let mut wide = if negative { [0xff; 8] } else { [0; 8] };
        wide[..bytes.len()].copy_from_slice(&bytes);
        Ok(Node::Int(i64::from_le_bytes(wide)))
    }

    /// Numbers as text: protocol 0.
    fn number_line(&mut self, opcode: u8) -> Result<Node, CheckpointError> {
        let line = self.input.line()?;
        let text = String::from_utf8_lossy(&line);
        let text = text.trim();
        let node = match (opcode, text) {
            (b'I', "00") => Some(Node::Bool(false)),
            (b'I', "01") => Some(Node::Bool(true)),
            (b'F', _) => text.parse().ok().map(Node::Float),
            _ => {
                let digits = text.trim_end_matches('L');
                let magnitude = digits.strip_prefix('-').unwrap_or(digits);
                let big = magnitude.bytes().all(|byte| byte.is_ascii_digit());
                match digits.parse() {
                    Ok(number) => Some(Node::Int(number)),
                    // Its value does not matter here, only that it is no error.
                    Err(_) if big && !magnitude.is_empty() => Some(Node::BigInt(Arc::new([]))),
                    Err(_) => None,
                }
            }
        };
        node.ok_or_else(|| self.damaged("a number", "a line that is none"))
    }

    /// An index of the memo as text.
    fn index_line(&mut self) -> Result<u32, CheckpointError> {
        let line = self.input.line()?;
        let index = std::str::from_utf8(&line)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        index.ok_or_else(|| self.damaged("the number of a memo entry", "a line that is none"))
    }

    fn damaged(&self, expected: &str, found: &str) -> CheckpointError {
        CheckpointError::damaged(
            format!("{expected} in the pickle"),
            format!("{found}, before byte {}", self.input.position),
        )
    }
}

/// A string of Python 2, which is text or bytes.
fn old_string(bytes: Vec<u8>) -> Node {
    match String::from_utf8(bytes) {
        Ok(text) => Node::Str(text.into()),
        Err(error) => Node::Bytes(error.into_bytes().into()),
    }
}

/// A string as Python prints it, without quotes and escapes.
fn unquoted(line: &[u8]) -> Option<Vec<u8>> {
    let line = line.trim_ascii();
    let inner = [b'\'', b'"'].iter().find_map(|quote| {
        let inner = line.strip_prefix(std::slice::from_ref(quote))?;
        inner.strip_suffix(std::slice::from_ref(quote))
    })?;
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.iter().copied();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        match rest.next()? {
            b'n' => bytes.push(b'\n'),
            b't' => bytes.push(b'\t'),
            b'r' => bytes.push(b'\r'),
            b'x' => {
                let digits = [rest.next()?, rest.next()?];
                let digits = std::str::from_utf8(&digits).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
            }
            other => bytes.push(other),
        }
    }
    Some(bytes)
}

/// Text of protocol 0: Latin-1 with `\uXXXX` and `\UXXXXXXXX` for the rest.
fn raw_unicode(line: &[u8]) -> String {
    let escape = |rest: &[u8], digits: usize| {
        let digits = std::str::from_utf8(rest.get(2..2 + digits)?).ok()?;
        char::from_u32(u32::from_str_radix(digits, 16).ok()?)
    };
    let mut text = String::with_capacity(line.len());
    let mut rest = line;
    while let Some((&byte, after)) = rest.split_first() {
        let digits = match rest {
            [b'\\', b'u', ..] => 4,
            [b'\\', b'U', ..] => 8,
            _ => 0,
        };
        match (digits, escape(rest, digits)) {
            (1.., Some(character)) => {
                text.push(character);
                rest = &rest[2 + digits..];
            }
            _ => {
                text.push(char::from(byte));
                rest = after;
            }
        }
    }
    text
}
