//! One kernel and the functions it calls, statement by statement.

use std::collections::HashMap;

use super::names::{Binding, Scope, Slots};
use super::program::Program;
use super::reach::reached;
use crate::instruction::{Instruction, Operation, Slot, TRUE};
use crate::memory::layout::{LOCAL_SHIFT, Layout, SHARED_SHIFT};
use crate::parse::Refusal;
use crate::parse::syntax::{Function, Item, Operand, Statement, Text, Variable};

/// Where a function is and what it is passed.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub start: u32,
    pub number: u32,
    /// Where it keeps the instruction to go back to.
    pub returns: Slot,
    /// Variables of local memory.
    pub parameters: Vec<u32>,
    pub returned: Vec<u32>,
    /// Its own variables of local memory.
    pub locals: Vec<u32>,
}

/// A program in the making.
pub(super) struct Builder<'a> {
    text: &'a Text<'a>,
    pub scopes: Vec<Scope<'a>>,
    pub slots: Slots,
    pub shared: Layout,
    pub local: Layout,
    /// The function that statements are of; `None` is the kernel.
    pub current: Option<&'a str>,
    pub entries: HashMap<&'a str, Entry>,
    code: Vec<Instruction>,
    lines: Vec<u32>,
    /// The shared memory that has its size from the launch.
    pub dynamic: Option<u32>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(text: &'a Text<'a>, names: Scope<'a>) -> Self {
        Self {
            text,
            scopes: vec![names],
            slots: Slots::new(),
            shared: Layout::new(SHARED_SHIFT),
            local: Layout::new(LOCAL_SHIFT),
            current: None,
            entries: HashMap::new(),
            code: Vec::new(),
            lines: Vec::new(),
            dynamic: None,
        }
    }

    /// Makes the program of a kernel. `shared` is the shared memory of the module.
    pub(super) fn kernel(
        mut self,
        kernel: &'a Function<'a>,
        shared: &[&'a Variable<'a>],
    ) -> Result<Program, Refusal> {
        let functions = reached(self.text, kernel)?;
        self.module_shared(kernel, &functions, shared)?;
        // One instruction per statement, and one that ends each function.
        let mut start = statements(kernel) + 1;
        for function in &functions {
            let entry = self.entry(function, start)?;
            start += statements(function) + 1;
            self.entries.insert(function.name, entry);
        }
        let (parameters, parameter_bytes) = self.parameters(kernel)?;
        self.function(kernel, Operation::Exit)?;
        for function in functions {
            self.scopes.push(Scope::default());
            let entry = self.entries[function.name].clone();
            let variables = function.parameters.iter().zip(&entry.parameters);
            let returned = function.returned.iter().zip(&entry.returned);
            for (variable, &local) in variables.chain(returned) {
                self.bind(variable.line, variable.name, Binding::Local(local))?;
            }
            self.current = Some(function.name);
            self.function(function, Operation::Return(entry.returns))?;
            self.scopes.pop();
        }
        let mut entries: Vec<Entry> = self.entries.into_values().collect();
        entries.sort_unstable_by_key(|entry| entry.number);
        let locals = entries.into_iter().map(|entry| entry.locals).collect();
        let has_dynamic_shared = self.dynamic.is_some();
        let (slots, constants) = self.slots.finish();
        Ok(Program {
            name: kernel.name.to_owned(),
            parameters,
            parameter_bytes,
            threads: kernel.threads,
            code: self.code,
            lines: self.lines,
            slots,
            constants,
            shared: self.shared,
            has_dynamic_shared,
            local: self.local,
            locals,
        })
    }

    pub(super) fn bind(
        &mut self,
        line: u32,
        name: &'a str,
        binding: Binding,
    ) -> Result<(), Refusal> {
        let is_new = self
            .scopes
            .last_mut()
            .is_some_and(|scope| scope.bind(name, binding));
        if is_new {
            return Ok(());
        }
        Err(Refusal::new(line, format!("`{name}` is there twice")))
    }

    fn entry(&mut self, function: &Function<'a>, start: u32) -> Result<Entry, Refusal> {
        let mut locals = |variables: &[Variable<'a>]| {
            variables
                .iter()
                .map(|variable| self.local_variable(variable))
                .collect::<Result<Vec<u32>, Refusal>>()
        };
        let parameters = locals(&function.parameters)?;
        let returned = locals(&function.returned)?;
        Ok(Entry {
            start,
            number: self.entries.len() as u32,
            returns: self.slots.take(1),
            parameters,
            returned,
            locals: Vec::new(),
        })
    }

    /// The statements of a function, and the operation that ends it.
    fn function(&mut self, function: &'a Function<'a>, end: Operation) -> Result<(), Refusal> {
        let items = function.body.as_deref().unwrap_or(&[]);
        let mut last_line = function.line;
        self.open(items)?;
        for (place, item) in items.iter().enumerate() {
            match item {
                Item::Open => self.open(&items[place + 1..])?,
                Item::Close => {
                    self.scopes.pop();
                }
                Item::Label(..) => {}
                Item::Registers {
                    line,
                    kind,
                    name,
                    count,
                } => self.registers(*line, *kind, name, *count)?,
                Item::Variable(variable) => self.variable(variable)?,
                Item::Statement(statement) => {
                    last_line = statement.line;
                    let instruction = self
                        .instruction(statement)
                        .map_err(|reason| Refusal::new(statement.line, reason))?;
                    self.code.push(instruction);
                    self.lines.push(statement.line);
                }
            }
        }
        self.scopes.pop();
        self.code.push(unguarded(end));
        self.lines.push(last_line);
        Ok(())
    }

    /// Begins a scope, with the labels that are in it.
    fn open(&mut self, items: &'a [Item<'a>]) -> Result<(), Refusal> {
        let mut scope = Scope::default();
        let mut depth = 0;
        let mut at = self.code.len() as u32;
        for item in items {
            match item {
                Item::Open => depth += 1,
                Item::Close if depth == 0 => break,
                Item::Close => depth -= 1,
                Item::Statement(_) => at += 1,
                Item::Label(line, name) if depth == 0 => {
                    let earlier = scope.labels.insert(name, at);
                    if earlier.is_some() {
                        return Err(Refusal::new(*line, format!("`{name}` is there twice")));
                    }
                }
                _ => {}
            }
        }
        self.scopes.push(scope);
        Ok(())
    }

    fn instruction(&mut self, statement: &Statement<'a>) -> Result<Instruction, String> {
        let (guard, unless) = match statement.guard {
            None => (TRUE, false),
            Some((name, unless)) => (self.predicate(&Operand::Name(name))?.0, unless),
        };
        let (operation, flops) = self.operation(statement)?;
        Ok(Instruction {
            guard,
            unless,
            flops,
            operation,
        })
    }
}

/// An instruction that always runs.
fn unguarded(operation: Operation) -> Instruction {
    Instruction {
        guard: TRUE,
        unless: false,
        flops: 0,
        operation,
    }
}

fn statements(function: &Function<'_>) -> u32 {
    let items = function.body.as_deref().unwrap_or(&[]);
    let statements = items
        .iter()
        .filter(|item| matches!(item, Item::Statement(_)));
    statements.count() as u32
}
