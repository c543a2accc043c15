//! Reads a callback from a file, and finds its command.

use std::io::Read;
use std::path::Path;

use callgate_catalogue::catalogue::Command;
use callgate_catalogue::{Object, Text};
use callgate_dialects::table::{self, CHAT_SERVERS};
use callgate_dialects::{Callback, ChatServer, json};
use callgate_terminal::{Exit, Failure, nearest, read_file};

/// The suffix of files with callbacks, in the folder `callbacks` of a crate.
pub(crate) const CALLBACK: &str = ".request.json";

/// Finds a chat server by the name of its protocol.
///
/// # Errors
/// A sentence that lists the names.
pub fn chat_server(name: &str) -> Result<&'static dyn ChatServer, String> {
    table::by_name(CHAT_SERVERS, name).ok_or_else(|| {
        let names: Vec<_> = CHAT_SERVERS.iter().map(|server| format!("`{}`", server.protocol().name)).collect();
        format!("the platforms are {}", names.join(" and "))
    })
}

/// Reads a callback; `-` is standard input. A platform or command that is not given is taken from the body.
///
/// # Errors
/// If it cannot be read, is not a JSON object, or names no command that is known.
pub fn read(
    path: &Path,
    platform: Option<&'static dyn ChatServer>,
    command: Option<&str>,
) -> Result<Callback, Failure> {
    let body = bytes(path, "the callback")?;
    let wrong = |what: String| Failure::new(Exit::Input, anyhow::anyhow!("{}: {what}", path.display()));
    let members = object(&body).map_err(|why| {
        wrong(format!(
            "the request is not a callback ({why}): give the JSON object that the chat server sends, in UTF-8"
        ))
    })?;
    let named = match command {
        Some(command) => command.to_owned(),
        None => command_in(&members).map_err(wrong)?,
    };
    let command = find(platform, &named).map_err(|error| match command {
        Some(_) => Failure::new(Exit::Input, anyhow::anyhow!(error)),
        None => wrong(error),
    })?;
    Callback::local(command, body).map_err(|refusal| wrong(refusal.to_string()))
}

/// Reads a file, or standard input.
///
/// # Errors
/// If it cannot be read. The message asks for a file with `what`.
pub fn bytes(path: &Path, what: &str) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = match is_standard_input(path) {
        true => std::io::stdin().read_to_end(&mut bytes).map(drop),
        false => read_file(path, FILE_BYTES_MAX).map(|read| bytes = read),
    };
    match read {
        Ok(()) => Ok(bytes),
        Err(error) => {
            let text = format!("{} cannot be read ({error}): name a file with {what}", path.display());
            Err(Failure::new(Exit::Input, anyhow::anyhow!(text)))
        }
    }
}

/// Maximum size of a file with a callback or an answer, in bytes: many times what a host accepts.
const FILE_BYTES_MAX: u64 = 256 << 20;

fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Checks that at most one argument names standard input: a second reader would find it empty, which may even be valid.
///
/// # Errors
/// If two of these arguments name standard input.
pub fn check_standard_input(arguments: &[(&str, Option<&Path>)]) -> Result<(), Failure> {
    let named = arguments.iter().filter(|(_, path)| path.is_some_and(is_standard_input));
    let named: Vec<_> = named.map(|(name, _)| *name).collect();
    if named.len() < 2 {
        return Ok(());
    }
    let text = format!("{} cannot both be standard input: give one of them as a file", named.join(" and "));
    Err(Failure::new(Exit::Usage, anyhow::anyhow!(text)))
}

/// The members of the body, or why it has none: by the same check as for what a chat server sends.
fn object(body: &[u8]) -> Result<Object<'_>, String> {
    let text = std::str::from_utf8(body).map_err(|_| "it is not UTF-8")?;
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    match json::check(body) {
        Ok(()) => Object::parse("the request", text).map_err(|_| "it is JSON, but not an object".to_owned()),
        Err(json::Problem::TooDeep) => Err(format!("it nests deeper than {} levels", json::DEPTH_MAX)),
        Err(json::Problem::NotJson) => Err(match json::comment_line(body) {
            Some(line) => format!("it has a comment in line {line}, which JSON does not have: leave out all comments"),
            // The other parser says where.
            None => match serde_json::from_str::<serde_json::Value>(text) {
                Err(error) => format!("it is not JSON: {error}"),
                Ok(_) => "it is not JSON".to_owned(),
            },
        }),
    }
}

/// The command's name in the body, in the member where one of the chat servers writes it.
fn command_in(body: &Object<'_>) -> Result<String, String> {
    let named = CHAT_SERVERS.iter().map(|server| body.read_or_empty::<Text<'_>>(server.command_member()));
    let name = named.filter_map(Result::ok).find(|name| !name.is_empty());
    name.map(Text::into_owned).ok_or_else(|| {
        let members =
            CHAT_SERVERS.iter().map(|server| format!("`{}` ({})", server.command_member(), server.protocol().title));
        let members: Vec<_> = members.collect();
        format!("the request names no command: add {}, or give --command", members.join(" or "))
    })
}

/// Finds a command by its current name, an older name, or the name of its event; on any platform if none is given.
///
/// # Errors
/// A sentence that suggests the nearest known command.
pub fn find(platform: Option<&'static dyn ChatServer>, name: &str) -> Result<&'static Command, String> {
    let is_meant =
        |server: &&&'static dyn ChatServer| platform.is_none_or(|platform| platform.protocol() == server.protocol());
    let servers = || CHAT_SERVERS.iter().filter(is_meant);
    let commands = || servers().flat_map(|server| server.protocol().commands.iter().copied());
    let found = servers().find_map(|server| server.commands().find(name));
    if let Some(command) = found.or_else(|| commands().find(|command| command.rust_name == name)) {
        return Ok(command);
    }
    let unknown = match platform {
        Some(platform) => format!("{} has no command `{name}`", platform.protocol().name),
        None => format!("no platform has a command `{name}`"),
    };
    let elsewhere = CHAT_SERVERS.iter().find(|other| other.commands().find(name).is_some());
    Err(match (elsewhere, nearest(name, commands().flat_map(|command| [command.name, command.rust_name]))) {
        (Some(other), _) => format!("{unknown}: it is one of {}", other.protocol().name),
        (None, Some(nearest)) => format!("{unknown}: did you mean `{nearest}`?"),
        (None, None) => {
            let example = platform.or(CHAT_SERVERS.first().copied()).map_or("", ChatServer::first_command);
            format!("{unknown}: write it as the chat server does, such as `{example}`")
        }
    })
}
