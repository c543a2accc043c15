//! `[[platform]]`: the chat servers that call this host.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use callgate_catalogue::catalogue::Command;
use callgate_dialects::{ChatServer, Dialect, Keys, OnFault, Patience, Secret, Table};

use super::file::{At, Section, millis, ms};
use super::pattern::commands_meant;
use super::secret;

/// One chat server.
#[derive(Debug, Clone)]
pub struct Platform {
    /// Its name in this file and in metrics.
    pub name: String,
    /// The kind of chat server.
    pub server: &'static dyn ChatServer,
    /// Its protocol, configured with the keys that only this kind has.
    pub dialect: Arc<dyn Dialect>,
    /// The path that it calls. Begins with `/` and does not end with one.
    pub path: String,
    /// Maximum time from the head of the request to the answer.
    pub answer_within: Duration,
    /// The decision after a fault.
    pub on_fault: OnFault,
    /// The decision when the host has no time, because other calls took it.
    pub on_overload: OnFault,
    /// The decision after a fault, for particular commands.
    pub on_fault_for: BTreeMap<&'static str, OnFault>,
}

impl Platform {
    /// The decision after a fault for this command, unless the plugin has its own.
    pub fn on_fault(&self, command: &Command) -> OnFault {
        self.on_fault_for.get(command.name).copied().unwrap_or(self.on_fault)
    }

    /// The requests it expects, for the message to operators whose callbacks do not arrive.
    pub fn url_shape(&self) -> String {
        self.server.url_shape(&self.path)
    }
}

pub(super) const ON_FAULT: [(&str, OnFault); 2] = [("allow", OnFault::Allow), ("deny", OnFault::Deny)];

pub(super) fn read(root: &mut Section<'_, '_>, chat_servers: &Table) -> Vec<Platform> {
    let sections = root.sections("platform");
    if sections.is_empty() && !root.has("platform") {
        root.report("platform", format!("there is none: add a [[platform]] with kind = {}", kinds(chat_servers)));
    }
    let mut platforms: Vec<Platform> = Vec::new();
    for section in sections {
        if let Some(platform) = platform(section, chat_servers, &platforms) {
            platforms.push(platform);
        }
    }
    platforms
}

/// The names of the kinds, for a message.
fn kinds(chat_servers: &Table) -> String {
    let names: Vec<_> = chat_servers.iter().map(|server| format!("\"{}\"", server.protocol().name)).collect();
    names.join(" or ")
}

fn platform(mut section: Section<'_, '_>, chat_servers: &Table, others: &[Platform]) -> Option<Platform> {
    let choices: Vec<_> = chat_servers.iter().map(|server| (server.protocol().name, *server)).collect();
    let server = match section.text("kind").is_some() {
        true => section.choice("kind", &choices),
        false => {
            section.report("kind", format!("is missing: set it to {}", kinds(chat_servers)));
            None
        }
    };
    let own_name = server.map_or("", |server| server.protocol().name);
    let name = section.text("name").map_or_else(|| own_name.to_owned(), |at| at.value.to_owned());
    if others.iter().any(|other| other.name == name) {
        section.report("name", "another [[platform]] has this name: give each its own `name`");
    }
    let path = path(&mut section, own_name, others);
    // Keys that every kind has are read even if the kind is unknown, so that their mistakes are reported.
    let patience = server.map_or(Patience { default: ms(4500), longest: ms(15_000) }, ChatServer::patience);
    let answer_within_ms = section.number("answer_within_ms", millis(patience.default), 1, millis(patience.longest));
    let on_fault = section.choice("on_fault", &ON_FAULT).unwrap_or(OnFault::Allow);
    // A callback that was not checked because another plugin, or a flood of requests, took the time is denied:
    // otherwise a user could get a message through by keeping the host busy.
    let on_overload = section.choice("on_overload", &ON_FAULT).unwrap_or(OnFault::Deny);
    let server = match server {
        Some(server) => server,
        None => {
            let _ = section.pairs("on_fault_for");
            // Without a kind, keys that only one kind has cannot be checked.
            return None;
        }
    };
    let on_fault_for = on_fault_for(&mut section, chat_servers, server);
    let dialect: Arc<dyn Dialect> = server.configure(&mut section).into();
    for other in chat_servers.iter().filter(|other| other.protocol() != server.protocol()) {
        for key in other.keys().iter().filter(|key| !server.keys().contains(key)) {
            if section.has(key) {
                section.report(key, format!("is for kind = \"{}\" only", other.protocol().name));
            }
        }
    }
    section.finish();
    Some(Platform {
        name,
        server,
        dialect,
        path,
        answer_within: ms(answer_within_ms),
        on_fault,
        on_overload,
        on_fault_for,
    })
}

fn path(section: &mut Section<'_, '_>, own_name: &str, others: &[Platform]) -> String {
    let path = match section.text("path") {
        Some(path) if !path.value.starts_with('/') || path.value.contains(['?', '#', '%', ' ']) => {
            section.report("path", "must begin with `/` and be the plain path of a URL, for example \"/openim\"");
            path.value.to_owned()
        }
        Some(path) => path.value.to_owned(),
        None => format!("/{own_name}"),
    };
    let path = format!("/{}", path.split('/').filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join("/"));
    let path = path.trim_end_matches('/').to_owned();
    if others.iter().any(|other| other.path == path) {
        section.report("path", "another [[platform]] has this path: give each its own `path`");
    }
    path
}

fn on_fault_for(
    section: &mut Section<'_, '_>,
    chat_servers: &Table,
    server: &'static dyn ChatServer,
) -> BTreeMap<&'static str, OnFault> {
    let mut on_fault_for = BTreeMap::new();
    for (pattern, word) in section.pairs("on_fault_for") {
        let Some((_, on_fault)) = ON_FAULT.iter().find(|(known, _)| *known == word.value) else {
            section.file().report(word.at, &word.key, "must be \"allow\" or \"deny\"");
            continue;
        };
        let pattern = At { value: pattern.as_str(), at: word.at, key: word.key };
        for command in commands_meant(section, chat_servers, &pattern, &[server]) {
            on_fault_for.insert(command.name, *on_fault);
        }
    }
    on_fault_for
}

/// A chat server reads its own keys through this.
impl Keys for Section<'_, '_> {
    fn has(&mut self, key: &'static str) -> bool {
        Section::has(self, key)
    }

    fn flag(&mut self, key: &'static str, default: bool) -> bool {
        Section::flag(self, key, default)
    }

    fn number(&mut self, key: &'static str, min: u64, max: u64) -> Option<u64> {
        self.number_if_given(key, min, max)
    }

    fn secrets(&mut self, key: &'static str) -> Vec<Secret> {
        secret::list(self, key)
    }

    fn tables(&mut self, key: &'static str, read: &mut dyn FnMut(&mut dyn Keys)) {
        for mut section in self.sections(key) {
            read(&mut section);
            section.finish();
        }
    }

    fn mistake(&mut self, key: &str, message: &str) {
        Section::report(self, key, message);
    }
}
