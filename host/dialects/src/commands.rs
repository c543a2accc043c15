//! The commands of a protocol, by name.

use std::collections::HashMap;

use callgate_catalogue::catalogue::{Command, Protocol};

/// The commands of one protocol, found by their current names and by aliases.
#[derive(Debug)]
pub struct Commands(HashMap<&'static str, Option<&'static Command>>);

impl Commands {
    /// All names of a protocol.
    #[must_use]
    pub fn of(protocol: &Protocol) -> Self {
        let today: HashMap<_, _> = protocol.commands.iter().map(|command| (command.name, Some(*command))).collect();
        let aliases = protocol.aliases.iter().map(|(alias, name)| (*alias, today.get(name).copied().flatten()));
        // A current name takes precedence over an alias.
        Self(aliases.collect::<HashMap<_, _>>().into_iter().chain(today).collect())
    }

    /// The command with this current name or alias; `None` if no current command has it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'static Command> {
        self.0.get(name).copied().flatten()
    }

    /// Whether a name is known at all, even if it belongs to a command that no longer exists.
    #[must_use]
    pub fn knows(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }
}
