//! The commands of a protocol, by name.

use std::collections::HashMap;

use callgate_catalogue::catalogue::{Command, Protocol};

/// The commands of one protocol, found by today's names and by others.
#[derive(Debug)]
pub struct Commands(HashMap<&'static str, Option<&'static Command>>);

impl Commands {
    /// All names of a protocol.
    #[must_use]
    pub fn of(protocol: &Protocol) -> Self {
        let today: HashMap<_, _> = protocol.commands.iter().map(|command| (command.name, Some(*command))).collect();
        let aliases = protocol.aliases.iter().map(|(alias, name)| (*alias, today.get(name).copied().flatten()));
        // A name of today counts before an alias.
        Self(aliases.collect::<HashMap<_, _>>().into_iter().chain(today).collect())
    }

    /// The command that has this name, today's or another one; `None` for a name that no command of today has.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static Command> {
        self.0.get(name).copied().flatten()
    }

    /// Whether a name is known at all, be it that of a command that no version has today.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}
