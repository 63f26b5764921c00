//! Where variables, parameters and registers of a kernel and its functions lie.

use super::builder::Builder;
use super::names::Binding;
use super::program::Parameter;
use crate::parse::Refusal;
use crate::parse::syntax::{Function, Home, Item, Kind, Operand, Variable};

impl<'a> Builder<'a> {
    /// Lays out the shared memory of the kernel: what is in functions first, what has its size
    /// from the launch last.
    pub(super) fn module_shared(
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

    pub(super) fn local_variable(&mut self, variable: &Variable<'a>) -> Result<u32, Refusal> {
        let bytes = u64::from(variable.bytes.unwrap_or(0));
        self.local
            .add(variable.name, bytes, variable.align.into())
            .ok_or_else(|| too_large(variable))
    }

    /// Offsets of a kernel's parameters.
    pub(super) fn parameters(
        &mut self,
        kernel: &Function<'a>,
    ) -> Result<(Vec<Parameter>, u32), Refusal> {
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

    pub(super) fn registers(
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
    pub(super) fn variable(&mut self, variable: &'a Variable<'a>) -> Result<(), Refusal> {
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
