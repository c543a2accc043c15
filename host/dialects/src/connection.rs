//! Connecting a chat server to a host: what has to be configured there, and whether what is configured there fits.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use callgate_catalogue::catalogue::Command;

use crate::decision::OnFault;

/// What a chat server has to know about one platform of a host.
#[derive(Debug, Clone)]
pub struct Plan {
    /// The platform's name in the settings.
    pub platform: String,
    /// The URL that the chat server calls: scheme, host, port if it is not the scheme's own, and the platform's path.
    /// The path may hold a secret.
    pub url: String,
    /// Whether the path in `url` is the real one; not if it is a secret that was not read.
    pub is_path_known: bool,
    /// The address that the host listens on; `None`: a Unix socket.
    pub listen: Option<SocketAddr>,
    /// Whether the host itself speaks TLS there.
    pub has_tls: bool,
    /// The longest time from the head of a request to the answer.
    pub answer_within: Duration,
    /// The commands that have plugins, in the order of the catalogue.
    pub commands: Vec<Planned>,
}

/// A command that has plugins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Planned {
    /// The command.
    pub command: &'static Command,
    /// What the host decides if one of its plugins fails; the stricter, if its plugins differ.
    pub on_fault: OnFault,
}

impl Plan {
    /// The entry of a command, if it has plugins.
    #[must_use]
    pub fn find(&self, command: &str) -> Option<&Planned> {
        self.commands.iter().find(|planned| planned.command.name == command)
    }

    /// The path of the URL.
    #[must_use]
    pub fn path(&self) -> &str {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        rest.find('/').and_then(|at| rest.get(at..)).unwrap_or_default()
    }
}

/// The configuration that a chat server reads at its start.
#[derive(Debug, Clone, Copy)]
pub struct Configuration<'c> {
    /// The name of its file, for messages.
    pub name: &'c str,
    /// The file's text.
    pub text: &'c str,
    /// The environment of the chat server: names and values.
    pub environment: &'c [(String, String)],
}

/// What the configuration of a chat server amounts to.
#[derive(Debug, Clone, Default)]
pub struct Examination {
    /// What was found.
    pub findings: Vec<Finding>,
    /// The URL that the chat server calls, if it has a usable one.
    pub url: Option<String>,
}

/// One thing that was looked at, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// Its name for machines. It does not change between releases.
    pub id: &'static str,
    /// Where it is: a file with a line, a key, an environment variable, or a part of the system.
    pub place: String,
    /// What is the case.
    pub what: String,
    /// What to do; empty if there is nothing to do.
    pub todo: String,
}

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// Good to know.
    Note,
    /// It works, but not as well or as safely as it could.
    Warning,
    /// It does not work.
    Error,
}

impl Level {
    /// The word for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Finding {
    /// A finding that needs nothing to be done.
    pub fn ok(id: &'static str, place: impl Into<String>, what: impl Into<String>) -> Self {
        Self { level: Level::Ok, id, place: place.into(), what: what.into(), todo: String::new() }
    }

    /// A finding with what to do.
    pub fn new(
        level: Level,
        id: &'static str,
        place: impl Into<String>,
        what: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self { level, id, place: place.into(), what: what.into(), todo: todo.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_url_is_what_follows_the_authority() {
        let plan = |url: &str| Plan {
            platform: String::new(),
            url: url.to_owned(),
            is_path_known: true,
            listen: Some(SocketAddr::from(([127, 0, 0, 1], 8080))),
            has_tls: false,
            answer_within: Duration::ZERO,
            commands: Vec::new(),
        };
        assert_eq!(plan("http://h:8080/openim/x").path(), "/openim/x");
        assert_eq!(plan("http://h").path(), "");
    }
}
