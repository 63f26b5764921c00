//! A module: its text, its kernels and its variables.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::decode::decode;
use crate::decode::program::{Global, Program};
use crate::fault::{LaunchError, Place};
use crate::memory::{Address, Memory};
use crate::parse::reader::read;
use crate::parse::{ParseError, Refusal};
use crate::run::{Argument, Counts, Grid, run};

/// Modules are told apart in memories by numbers, so that a clone is the same module.
static MODULES: AtomicU64 = AtomicU64::new(0);

/// A module that was read and can be run.
#[derive(Clone, Debug)]
pub struct Module {
    number: u64,
    lines: Vec<String>,
    kernels: Vec<Program>,
    globals: Vec<Global>,
}

/// A kernel of a module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KernelInfo {
    /// Its name in the text.
    pub name: String,
    /// Its parameters in order.
    pub parameters: Vec<ParameterInfo>,
    /// Bytes of shared memory, without those said at launch.
    pub shared_bytes: u32,
}

/// A parameter of a kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterInfo {
    /// Its name in the text.
    pub name: String,
    /// Its size.
    pub bytes: u32,
}

impl Module {
    /// Reads a module.
    ///
    /// # Errors
    /// If the text is no PTX, or has anything that cannot be run here; with the line.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let decoded = read(text)
            .and_then(|text| decode(&text))
            .map_err(|refusal: Refusal| refusal.in_text(&lines))?;
        Ok(Self {
            number: MODULES.fetch_add(1, Ordering::Relaxed),
            lines,
            kernels: decoded.kernels,
            globals: decoded.globals,
        })
    }

    /// The kernels in the order of the text.
    pub fn kernels(&self) -> impl Iterator<Item = KernelInfo> {
        self.kernels.iter().map(|kernel| KernelInfo {
            name: kernel.name.clone(),
            parameters: kernel
                .parameters
                .iter()
                .map(|parameter| ParameterInfo {
                    name: parameter.name.clone(),
                    bytes: parameter.bytes,
                })
                .collect(),
            shared_bytes: kernel.shared.bytes() as u32,
        })
    }

    /// Runs a kernel over a grid, until all its threads have ended.
    ///
    /// # Errors
    /// If there is no such kernel, if the arguments or the grid do not fit it, or if a thread does
    /// what it must not do. What was written until then stays.
    pub fn launch(
        &self,
        memory: &mut Memory,
        name: &str,
        grid: &Grid,
        arguments: &[Argument],
    ) -> Result<Counts, LaunchError> {
        let kernel = self.kernels.iter().find(|kernel| kernel.name == name);
        let Some(program) = kernel else {
            let known: Vec<&str> = self.kernels.iter().map(|kernel| &kernel.name[..]).collect();
            return Err(LaunchError::Kernel {
                name: name.to_owned(),
                known: known.join(", "),
            });
        };
        let variables = memory.variables(self.number, &self.globals);
        run(self, program, memory, grid, arguments, &variables)
    }

    /// The address of a variable of the module in a memory.
    pub fn variable(&self, memory: &mut Memory, name: &str) -> Option<Address> {
        let index = self.globals.iter().position(|global| global.name == name)?;
        let variables = memory.variables(self.number, &self.globals);
        Some(Address(variables[index]))
    }

    pub(crate) fn place(&self, program: &Program, at: u32) -> Place {
        let line = program.lines[at as usize];
        let text = (line as usize)
            .checked_sub(1)
            .and_then(|index| self.lines.get(index));
        Place {
            line,
            text: text.map_or(String::new(), |text| text.trim().to_owned()),
        }
    }
}
