//! Findings about one file.

use super::file::{From, Written};
use crate::connection::{Finding, Level};

/// A place in a file.
pub(super) fn at(name: &str, line: usize) -> String {
    if line == 0 { name.to_owned() } else { format!("{name}:{line}") }
}

/// Collects findings about one file.
pub(super) struct Report<'c> {
    name: &'c str,
    pub(super) findings: Vec<Finding>,
}

impl<'c> Report<'c> {
    /// An empty one about the file of this name.
    pub(super) fn new(name: &'c str) -> Self {
        Self { name, findings: Vec::new() }
    }

    /// Something at a line of the file; 0: the file as a whole.
    pub(super) fn line(
        &mut self,
        level: Level,
        id: &'static str,
        line: usize,
        what: impl Into<String>,
        todo: impl Into<String>,
    ) {
        self.findings.push(Finding::new(level, id, at(self.name, line), what, todo));
    }

    /// Something about a setting, wherever it comes from.
    pub(super) fn setting(
        &mut self,
        level: Level,
        id: &'static str,
        setting: &Written,
        what: impl Into<String>,
        todo: impl Into<String>,
    ) {
        let place = match &setting.from {
            From::Line(line) => at(self.name, *line),
            From::Variable(name) => name.clone(),
        };
        self.findings.push(Finding::new(level, id, place, what, todo));
    }
}

/// How to change a setting, in the imperative.
pub(super) fn set(setting: &Written, name: &str, value: &str) -> String {
    match &setting.from {
        From::Line(_) => format!("set `{name}: {value}`"),
        From::Variable(variable) => {
            format!("remove the variable {variable}, or set it to {value}, where the services of OpenIM get it")
        }
    }
}
