//! Syntax to programs: names become slots, opcodes become operations. What cannot be run is
//! refused here, so that a program that is there runs.

mod arithmetic;
mod builder;
mod control;
mod memory;
mod names;
mod operands;
mod places;
pub(crate) mod program;
mod reach;
mod warp;

use std::collections::HashMap;

use crate::parse::Refusal;
use crate::parse::syntax::{Home, Text, Variable};
use builder::Builder;
use names::{Binding, Scope};
use program::{Global, Program};

/// Everything a module holds.
pub(crate) struct Decoded {
    pub kernels: Vec<Program>,
    pub globals: Vec<Global>,
}

/// Makes programs of a text.
pub(crate) fn decode(text: &Text<'_>) -> Result<Decoded, Refusal> {
    let mut numbers = HashMap::new();
    let mut globals: Vec<Global> = Vec::new();
    let mut shared: Vec<&Variable<'_>> = Vec::new();
    for variable in &text.variables {
        let is_new = numbers
            .insert(variable.name, globals.len() as u32)
            .is_none();
        if !is_new {
            return refuse_twice(variable);
        }
        if variable.home == Home::Shared {
            numbers.remove(variable.name);
            shared.push(variable);
            continue;
        }
        if variable.is_extern {
            return Err(Refusal::new(
                variable.line,
                "a variable of another module cannot be linked",
            ));
        }
        globals.push(Global {
            name: variable.name.to_owned(),
            align: variable.align,
            bytes: variable.bytes.unwrap_or(0),
            is_constant: variable.home == Home::Constant,
            initial: variable.initial.clone().unwrap_or_default(),
            pointers: Vec::new(),
        });
    }
    // Addresses may be of variables that come later.
    for variable in &text.variables {
        for pointer in &variable.pointers {
            let of = numbers.get(pointer.name).copied().ok_or_else(|| {
                Refusal::new(variable.line, format!("`{}` is not known", pointer.name))
            })?;
            if let Some(&number) = numbers.get(variable.name) {
                let pointers = &mut globals[number as usize].pointers;
                pointers.push((pointer.offset, of, pointer.added));
            }
        }
    }
    let mut kernels = Vec::new();
    for function in text.functions.iter().filter(|function| function.is_kernel) {
        if function.body.is_none() {
            continue;
        }
        let mut names = Scope::default();
        for (&name, &number) in &numbers {
            names.bind(name, Binding::Global(number));
        }
        kernels.push(Builder::new(text, names).kernel(function, &shared)?);
    }
    Ok(Decoded { kernels, globals })
}

fn refuse_twice<T>(variable: &Variable<'_>) -> Result<T, Refusal> {
    Err(Refusal::new(
        variable.line,
        format!("`{}` is there twice", variable.name),
    ))
}
