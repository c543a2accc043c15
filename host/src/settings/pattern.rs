//! Patterns of command names, and the commands they match.

use callgate_catalogue::catalogue::Command;
use callgate_catalogue::wildcard;
use callgate_dialects::Table;
use callgate_terminal::nearest;

use super::file::{At, Section};

/// A command's name, in which `*` matches any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern(String);

impl Pattern {
    /// A pattern.
    pub(super) fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// Whether the pattern matches `name`. `*` matches any text, including none.
    pub fn matches(&self, name: &str) -> bool {
        wildcard::matches(&self.0, name)
    }

    /// Whether it is the full name of one command.
    pub fn is_exact(&self) -> bool {
        !self.0.contains('*')
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The current name of a command that may be written by an older name.
pub(super) fn canonical<'n>(name: &'n str, servers: &Table) -> &'n str {
    servers
        .iter()
        .flat_map(|server| server.protocol().aliases)
        .find(|(alias, today)| *alias == name && !today.is_empty())
        .map_or(name, |(_, today)| today)
}

/// The commands of these chat servers that a pattern matches. Matching none is a mistake.
pub(super) fn commands_meant(
    section: &Section<'_, '_>,
    chat_servers: &Table,
    pattern: &At<&str>,
    servers: &Table,
) -> Vec<&'static Command> {
    fn commands(servers: &Table) -> impl Iterator<Item = &'static Command> {
        servers.iter().flat_map(|server| server.protocol().commands).copied()
    }
    let meant = Pattern::new(canonical(pattern.value, servers));
    let found: Vec<_> = commands(servers).filter(|command| meant.matches(command.name)).collect();
    if found.is_empty() && !servers.is_empty() {
        // The commands of `servers` are not among them, or they would have been found.
        let is_elsewhere = commands(chat_servers).any(|command| meant.matches(command.name));
        let message = match nearest(pattern.value, commands(servers).map(|command| command.name)) {
            _ if is_elsewhere => "is a command of another kind of platform".to_owned(),
            Some(nearest) => format!("no command of this platform has this name; did you mean \"{nearest}\"?"),
            None => "no command of this platform has this name".to_owned(),
        };
        section.file().report(pattern.at, &pattern.key, message);
    }
    found
}
