//! One kernel and the functions it calls, statement by statement.

use std::collections::HashMap;

use super::names::{Binding, Scope, Slots};
use super::program::{Parameter, Program};
use super::reach::reached;
use crate::instruction::{Instruction, Operation, Slot, TRUE};
use crate::memory::layout::{LOCAL_SHIFT, Layout, SHARED_SHIFT};
use crate::parse::Refusal;
use crate::parse::syntax::{Function, Home, Item, Kind, Operand, Statement, Text, Variable};

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
    dynamic: Option<u32>,
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

    /// Lays out the shared memory of the kernel: what is in functions first, what has its size
    /// from the launch last.
    fn module_shared(
        &mut self,
        kernel: &'a Function<'a>,
        functions: &[&'a Function<'a>],
        shared: &[&'a Variable<'a>],
    ) -> Result<(), Refusal> {
        for variable in shared.iter().filter(|variable| variable.bytes.is_some()) {
            if is_named(kernel, variable.name)
                || functions
                    .iter()
                    .any(|function| is_named(function, variable.name))
            {
                self.shared_variable(variable)?;
            }
        }
        // Those within functions are bound as they come, so they must not come after the last.
        for function in std::iter::once(&kernel).chain(functions) {
            for item in function.body.iter().flatten() {
                if let Item::Variable(variable) = item
                    && variable.home == Home::Shared
                    && variable.bytes.is_some()
                {
                    self.shared_variable(variable)?;
                }
            }
        }
        let open = shared.iter().filter(|variable| variable.bytes.is_none());
        let align = open.clone().map(|variable| variable.align).max();
        let (Some(align), Some(first)) = (align, open.clone().next()) else {
            return Ok(());
        };
        let number = self.shared.add(first.name, 0, align.into());
        self.dynamic = number;
        for variable in open {
            self.bind(
                variable.line,
                variable.name,
                Binding::Shared(number.unwrap_or(0)),
            )?;
        }
        Ok(())
    }

    /// Gives shared memory to a variable; names are unique over functions, as NVRTC writes them.
    fn shared_variable(&mut self, variable: &'a Variable<'a>) -> Result<(), Refusal> {
        let bytes = u64::from(variable.bytes.unwrap_or(0));
        let number = self
            .shared
            .add(variable.name, bytes, variable.align.into())
            .ok_or_else(|| too_large(variable))?;
        self.bind(variable.line, variable.name, Binding::Shared(number))
    }

    fn local_variable(&mut self, variable: &Variable<'a>) -> Result<u32, Refusal> {
        let bytes = u64::from(variable.bytes.unwrap_or(0));
        self.local
            .add(variable.name, bytes, variable.align.into())
            .ok_or_else(|| too_large(variable))
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

    /// Offsets of a kernel's parameters.
    fn parameters(&mut self, kernel: &Function<'a>) -> Result<(Vec<Parameter>, u32), Refusal> {
        let mut parameters = Vec::new();
        let mut end = 0_u32;
        for variable in &kernel.parameters {
            let bytes = variable.bytes.unwrap_or(0);
            let offset = end.next_multiple_of(variable.align);
            end = offset.saturating_add(bytes);
            if end > 4096 {
                return Err(Refusal::new(
                    variable.line,
                    "parameters of a kernel may have 4096 bytes",
                ));
            }
            self.bind(variable.line, variable.name, Binding::Parameter(offset))?;
            parameters.push(Parameter {
                name: variable.name.to_owned(),
                offset,
                bytes,
                kind: variable.kind,
                is_array: variable.is_array,
            });
        }
        Ok((parameters, end))
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

    fn registers(
        &mut self,
        line: u32,
        kind: Kind,
        name: &'a str,
        count: Option<u32>,
    ) -> Result<(), Refusal> {
        let most = 1 << 20;
        if count.is_some_and(|count| count > most) {
            return Err(Refusal::new(line, format!("more than {most} registers")));
        }
        let first = self.slots.take(count.unwrap_or(1));
        match count {
            None => self.bind(line, name, Binding::Register(first, kind)),
            Some(count) => {
                let is_new = self
                    .scopes
                    .last_mut()
                    .is_some_and(|scope| scope.bind_range(name, (first, count, kind)));
                if is_new {
                    return Ok(());
                }
                Err(Refusal::new(line, format!("`{name}` is there twice")))
            }
        }
    }

    /// A variable within a function. Shared memory has its place already.
    fn variable(&mut self, variable: &'a Variable<'a>) -> Result<(), Refusal> {
        match variable.home {
            Home::Shared => return Ok(()),
            Home::Local | Home::Parameter => {}
            Home::Global | Home::Constant => {
                return Err(Refusal::new(
                    variable.line,
                    "global and constant variables must be outside of functions",
                ));
            }
        }
        let number = self.local_variable(variable)?;
        if let Some(name) = self.current
            && let Some(entry) = self.entries.get_mut(name)
        {
            entry.locals.push(number);
        }
        self.bind(variable.line, variable.name, Binding::Local(number))
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

/// Whether a function has the name in any operand.
fn is_named(function: &Function<'_>, name: &str) -> bool {
    let items = function.body.as_deref().unwrap_or(&[]);
    items.iter().any(|item| match item {
        Item::Statement(statement) => statement.operands.iter().any(|operand| match operand {
            Operand::Name(found) | Operand::Sum(found, _) | Operand::Address(Some(found), _) => {
                *found == name
            }
            _ => false,
        }),
        _ => false,
    })
}

fn too_large(variable: &Variable<'_>) -> Refusal {
    Refusal::new(
        variable.line,
        format!("there is no room for `{}`", variable.name),
    )
}
