//! Which functions a kernel calls. None may call itself, directly or not: registers of a function
//! have one place per thread.

use crate::parse::Refusal;
use crate::parse::syntax::{Function, Item, Operand, Text};

/// The functions that are called from here, each once, callers first.
pub(super) fn reached<'t, 'a>(
    text: &'t Text<'a>,
    kernel: &'t Function<'a>,
) -> Result<Vec<&'t Function<'a>>, Refusal> {
    let mut found = Vec::new();
    let mut path = Vec::new();
    visit(text, kernel, &mut path, &mut found)?;
    found.reverse();
    Ok(found)
}

fn visit<'t, 'a>(
    text: &'t Text<'a>,
    function: &'t Function<'a>,
    path: &mut Vec<&'a str>,
    found: &mut Vec<&'t Function<'a>>,
) -> Result<(), Refusal> {
    path.push(function.name);
    for item in function.body.iter().flatten() {
        let Item::Statement(statement) = item else {
            continue;
        };
        if !statement.opcode.starts_with("call") {
            continue;
        }
        let called = statement.operands.iter().find_map(|operand| match operand {
            Operand::Name(name) => Some(*name),
            _ => None,
        });
        let refuse = |reason: String| Err(Refusal::new(statement.line, reason));
        let Some(name) = called else {
            return refuse("expected the name of a function".into());
        };
        if path.contains(&name) {
            return refuse(format!(
                "`{name}` calls itself, which is not supported here"
            ));
        }
        // A function may be declared before it is there.
        let called = text
            .functions
            .iter()
            .find(|function| function.name == name && function.body.is_some());
        let Some(called) = called else {
            return refuse(format!("there is no function `{name}` in this module"));
        };
        if !found.iter().any(|found| found.name == name) {
            visit(text, called, path, found)?;
            found.push(called);
        }
    }
    path.pop();
    Ok(())
}
