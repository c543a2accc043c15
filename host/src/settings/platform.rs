//! `[[platform]]`: the chat servers that call this host.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use callgate_catalogue::catalogue::Command;
use callgate_catalogue::wire::Phase;
use callgate_dialects::{ChatServer, Dialect, Keys, OnFault, Patience, Secret, Table};

use super::file::{At, Section, millis, ms};
use super::mount::MountPath;
use super::pattern::commands_meant;
use super::secret::{self, TextOr};
use super::server::Networks;

/// One chat server.
#[derive(Debug, Clone)]
pub struct Platform {
    /// Its number in the file, counted from 1.
    pub number: usize,
    /// Its name in this file and in metrics.
    pub name: String,
    /// The kind of chat server.
    pub server: &'static dyn ChatServer,
    /// Its protocol, configured with the keys that only this kind has.
    pub dialect: Arc<dyn Dialect>,
    /// The path that it calls.
    pub path: MountPath,
    /// The networks that may call; empty: all.
    pub allow_networks: Networks,
    /// Maximum time from the head of the request to the answer.
    pub answer_within: Duration,
    /// The decision after a fault.
    pub on_fault: OnFault,
    /// The decision when the host has no time, because other calls took it.
    pub on_overload: OnFault,
    /// The decision after a fault, for particular commands.
    pub on_fault_for: BTreeMap<&'static str, OnFault>,
    /// When the plugins get after-callbacks.
    pub mode: Mode,
    /// The same, for particular commands.
    pub mode_for: BTreeMap<&'static str, Mode>,
}

/// When the plugins get an after-callback.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// Once it is in the journal and acknowledged.
    #[default]
    Journal,
    /// Before it is acknowledged, within the time for an answer: what fails then is not tried again.
    Inline,
}

impl Platform {
    /// The decision after a fault for this command, unless the plugin has its own.
    pub fn on_fault(&self, command: &Command) -> OnFault {
        self.on_fault_for.get(command.name).copied().unwrap_or(self.on_fault)
    }

    /// When the plugins get this command; before-callbacks are always answered by them.
    pub fn mode(&self, command: &Command) -> Mode {
        match command.phase {
            Phase::Before => Mode::Inline,
            Phase::After => self.mode_for.get(command.name).copied().unwrap_or(self.mode),
        }
    }

    /// The requests it expects, with its path as it may be shown.
    pub fn url_shape(&self) -> String {
        self.server.url_shape(&self.path.to_string())
    }

    /// Whether only those can call it who know a secret, its path or what its chat server signs with, or who are in the
    /// right network.
    pub fn is_authenticated(&self) -> bool {
        self.path.is_secret() || self.dialect.authenticates() || !self.allow_networks.is_empty()
    }
}

pub(super) const ON_FAULT: [(&str, OnFault); 2] = [("allow", OnFault::Allow), ("deny", OnFault::Deny)];

const MODE: [(&str, Mode); 2] = [("journal", Mode::Journal), ("inline", Mode::Inline)];

/// The platforms of the settings.
#[derive(Default)]
pub(super) struct Platforms {
    /// Those whose kind is known.
    pub(super) known: Vec<Platform>,
    /// The names of the others, as far as they have one: a mistake there is not reported again where they are named.
    unclear: Vec<String>,
}

impl Platforms {
    /// Whether it may be the name of one whose kind is not known.
    pub(super) fn may_be(&self, name: &str) -> bool {
        self.unclear.iter().any(|unclear| unclear.is_empty() || unclear == name)
    }

    /// Whether the kind of each is known.
    pub(super) fn are_clear(&self) -> bool {
        self.unclear.is_empty()
    }
}

pub(super) fn read(root: &mut Section<'_, '_>, chat_servers: &Table) -> Platforms {
    let sections = root.sections("platform");
    let mut platforms = Platforms::default();
    if sections.is_empty() {
        platforms.unclear.push(String::new());
        if !root.has("platform") {
            root.report("platform", format!("there is none: add a [[platform]] with kind = {}", kinds(chat_servers)));
        }
    }
    for (index, section) in sections.into_iter().enumerate() {
        match platform(section, index + 1, chat_servers, &platforms.known) {
            Ok(platform) => platforms.known.push(platform),
            Err(name) => platforms.unclear.push(name),
        }
    }
    platforms
}

/// The names of the kinds, for a message.
fn kinds(chat_servers: &Table) -> String {
    let names: Vec<_> = chat_servers.iter().map(|server| format!("\"{}\"", server.protocol().name)).collect();
    names.join(" or ")
}

/// A platform; if its kind is not known, its name.
fn platform(
    mut section: Section<'_, '_>,
    number: usize,
    chat_servers: &Table,
    others: &[Platform],
) -> Result<Platform, String> {
    let choices: Vec<_> = chat_servers.iter().map(|server| (server.protocol().name, *server)).collect();
    let server = match section.has("kind") {
        true => section.choice("kind", &choices),
        false => {
            section.report("kind", format!("is missing: set it to {}", kinds(chat_servers)));
            None
        }
    };
    let own_name = server.map_or("", |server| server.protocol().name);
    let name = section.text("name").map_or_else(|| own_name.to_owned(), |at| at.value.to_owned());
    let is_taken = others.iter().any(|other| other.name == name);
    let has_defaults = !section.has("name") && !section.has("path");
    if is_taken && has_defaults {
        section.report("", "another [[platform]] is of this kind: give each its own `name` and `path`");
    } else if is_taken {
        section.report("name", "another [[platform]] has this name: give each its own `name`");
    }
    let path = path(&mut section, own_name, if is_taken && has_defaults { &[] } else { others });
    let allow_networks = Networks::read(&mut section);
    // Keys that every kind has are read even if the kind is unknown, so that their mistakes are reported.
    let patience =
        server.map_or(Patience { waits: ms(5000), default: ms(4500), longest: ms(15_000) }, ChatServer::patience);
    let answer_within_ms = section.number("answer_within_ms", millis(patience.default), 1, millis(patience.longest));
    let on_fault = section.choice("on_fault", &ON_FAULT).unwrap_or(OnFault::Allow);
    // A callback that was not checked because another plugin, or a flood of requests, took the time is denied:
    // otherwise a user could get a message through by keeping the host busy.
    let on_overload = section.choice("on_overload", &ON_FAULT).unwrap_or(OnFault::Deny);
    let mode = section.choice("mode", &MODE).unwrap_or_default();
    let server = match server {
        Some(server) => server,
        None => {
            let _ = (section.pairs("on_fault_for"), section.pairs("mode_for"));
            // Without a kind, keys that only one kind has cannot be checked.
            return Err(name);
        }
    };
    let by_command = ByCommand { chat_servers, server };
    let on_fault_for = by_command.read(&mut section, "on_fault_for", &ON_FAULT, |_| true);
    let mode_for = by_command.read(&mut section, "mode_for", &MODE, |command| command.phase == Phase::After);
    let dialect: Arc<dyn Dialect> = server.configure(&mut section).into();
    for other in chat_servers.iter().filter(|other| other.protocol() != server.protocol()) {
        for key in other.keys().iter().filter(|key| !server.keys().contains(key)) {
            if section.has(key) {
                section.report(key, format!("is for kind = \"{}\" only", other.protocol().name));
            }
        }
    }
    section.finish();
    Ok(Platform {
        number,
        name,
        server,
        dialect,
        path,
        allow_networks,
        answer_within: ms(answer_within_ms),
        on_fault,
        on_overload,
        on_fault_for,
        mode,
        mode_for,
    })
}

fn path(section: &mut Section<'_, '_>, own_name: &str, others: &[Platform]) -> MountPath {
    let (path, is_from_elsewhere) = match secret::text_or_secret(section, "path") {
        TextOr::Text(path) => (path, false),
        TextOr::Secret(path) => (path.reveal().to_owned(), true),
        TextOr::Unread(place) => (format!("/{own_name}/{place}"), true),
        TextOr::Nothing => (format!("/{own_name}"), false),
    };
    if !path.starts_with('/') || path.contains(['?', '#', '%', ' ']) {
        section.report("path", "must begin with `/` and be the plain path of a URL, for example \"/openim\"");
    }
    let path = MountPath::new(&path, is_from_elsewhere);
    if others.iter().any(|other| other.path == path) {
        section.report("path", "another [[platform]] has this path: give each its own `path`");
    }
    path
}

/// Reads tables of patterns of commands, each with a word.
struct ByCommand<'t> {
    chat_servers: &'t Table,
    server: &'static dyn ChatServer,
}

impl ByCommand<'_> {
    /// What the table at `key` says for each command that its patterns match and that it `is_for`.
    fn read<T: Copy>(
        &self,
        section: &mut Section<'_, '_>,
        key: &'static str,
        words: &[(&str, T); 2],
        is_for: fn(&Command) -> bool,
    ) -> BTreeMap<&'static str, T> {
        let mut by_command = BTreeMap::new();
        for (pattern, word) in section.pairs(key) {
            let Some((_, meant)) = words.iter().find(|(known, _)| *known == word.value) else {
                let [(one, _), (other, _)] = words;
                section.file().report(word.at, &word.key, format!("must be \"{one}\" or \"{other}\""));
                continue;
            };
            let pattern = At { value: pattern.as_str(), at: word.at, key: word.key };
            let commands = commands_meant(section, self.chat_servers, &pattern, &[self.server]);
            if !commands.is_empty() && !commands.iter().any(|command| is_for(command)) {
                let message = "has no effect: the chat server waits for the answers to these commands";
                section.file().report(pattern.at, &pattern.key, message);
            }
            by_command
                .extend(commands.into_iter().filter(|command| is_for(command)).map(|command| (command.name, *meant)));
        }
        by_command
    }
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
