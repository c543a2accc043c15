//! A chat server's protocol: its name and its commands.

use std::fmt;
use std::hash::{Hash, Hasher};

use crate::command::Command;
use crate::people::People;

/// A chat server's protocol. Two are the same if they have the same name.
///
/// Those of this crate are in [`PROTOCOLS`](crate::tables::PROTOCOLS). A test can make one of its own:
///
/// ```
/// use callgate_catalogue::catalogue::{Answers, Codes, Command, Kind, Member, PROTOCOLS, Protocol};
/// use callgate_catalogue::people::People;
/// use callgate_catalogue::wire::Phase;
///
/// static TOY: Protocol = Protocol {
///     name: "toy",
///     title: "Toy Chat",
///     commands: &[&SAY],
///     aliases: &[("shout", "say")],
///     people: People { actors: &["speaker"], ..People::NOBODY },
/// };
///
/// static SAY: Command = Command {
///     name: "say",
///     rust_name: "Say",
///     protocol: "toy",
///     phase: Phase::Before,
///     family: "message",
///     request: &[Member { name: "text", kind: Kind::Text }],
///     changes: &[],
///     echo: &[],
///     answers: Answers { deny: Some(Codes { fallback: 1, first: 1, last: 9 }), ..Answers::AFTER },
///     key: &[],
///     batch: None,
///     source: "a test",
/// };
///
/// assert!(!PROTOCOLS.contains(&&TOY));
/// assert_eq!(TOY.command("say"), Some(&SAY));
/// assert_eq!(TOY.command("shout"), None); // an alias, which is for the host to resolve
/// ```
pub struct Protocol {
    /// Its name in settings and on the wire, for example `openim`.
    pub name: &'static str,
    /// Its name for people, for example `OpenIM`.
    pub title: &'static str,
    /// All commands, in the order of the catalogue.
    pub commands: &'static [&'static Command],
    /// Other names for commands: `(name, current name)`. The second is empty for a command that no longer exists.
    pub aliases: &'static [(&'static str, &'static str)],
    /// Who acts in a request, and on whom.
    pub people: People,
}

impl Protocol {
    /// The command of this name; aliases do not count.
    #[must_use]
    pub fn command(&self, name: &str) -> Option<&'static Command> {
        self.commands.iter().find(|command| command.name == name).copied()
    }
}

impl PartialEq for Protocol {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Protocol {}

impl Hash for Protocol {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl fmt::Debug for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}
