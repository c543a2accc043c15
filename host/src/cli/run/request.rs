//! A callback from a file: its body, and the command that it is about.

use std::io::Read;
use std::path::Path;

use plugin_sdk::catalogue::{Command, Platform};

use crate::cli::{Exit, Failure};
use crate::dialect::{Callback, find_command};
use crate::settings::nearest;

/// Both of them.
pub const PLATFORMS: [Platform; 2] = [Platform::OpenIm, Platform::TencentChat];

/// A platform by its name.
pub fn platform(name: &str) -> Result<Platform, String> {
    PLATFORMS
        .into_iter()
        .find(|platform| platform.name() == name)
        .ok_or_else(|| "the platforms are `openim` and `tencent-chat`".to_owned())
}

/// Reads a callback; `-` is standard input. What is not given is taken from the body.
///
/// # Errors
/// If it cannot be read, is not a JSON object, or names no command that is known.
pub fn read(path: &Path, platform: Option<Platform>, command: Option<&str>) -> Result<Callback, Failure> {
    let body = bytes(path)?;
    let wrong = |what: String| Failure::new(Exit::Input, anyhow::anyhow!("{}: {what}", path.display()));
    let named = match command {
        Some(command) => command.to_owned(),
        None => command_in(&body).map_err(wrong)?,
    };
    let command = find(platform, &named).map_err(|error| match command {
        Some(_) => Failure::new(Exit::Input, anyhow::anyhow!(error)),
        None => wrong(error),
    })?;
    Callback::local(command, body).map_err(|refusal| wrong(refusal.to_string()))
}

/// Reads a file, or standard input.
pub fn bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().read_to_end(&mut bytes).map(drop),
        false => std::fs::read(path).map(|read| bytes = read),
    };
    match read {
        Ok(()) => Ok(bytes),
        Err(error) => Err(Failure::new(Exit::Input, anyhow::anyhow!("{} cannot be read: {error}", path.display()))),
    }
}

/// The name in the body, as either platform writes it.
fn command_in(body: &[u8]) -> Result<String, String> {
    let body: serde_json::Value =
        serde_json::from_slice(body).map_err(|error| format!("the request is not JSON: {error}"))?;
    let name = ["callbackCommand", "CallbackCommand"].iter().find_map(|key| body.get(key)?.as_str());
    name.filter(|name| !name.is_empty()).map(str::to_owned).ok_or_else(|| {
        "the request names no command: add `callbackCommand` (OpenIM) or `CallbackCommand` (Tencent), or give --command"
            .to_owned()
    })
}

/// The command of this name, today's, an older one or that of its event; on any platform if none is given.
///
/// # Errors
/// A sentence that names the nearest command that is known.
pub fn find(platform: Option<Platform>, name: &str) -> Result<&'static Command, String> {
    let platforms = || PLATFORMS.into_iter().filter(|known| platform.is_none_or(|platform| platform == *known));
    let commands = || platforms().flat_map(|platform| platform.commands().iter().copied());
    let found = platforms().find_map(|platform| find_command(platform, name).flatten());
    if let Some(command) = found.or_else(|| commands().find(|command| command.rust_name == name)) {
        return Ok(command);
    }
    let nobody = match platform {
        Some(platform) => format!("{} has no command `{name}`", platform.name()),
        None => format!("no platform has a command `{name}`"),
    };
    let elsewhere = PLATFORMS.into_iter().find(|other| find_command(*other, name).flatten().is_some());
    Err(match (elsewhere, nearest(name, commands().map(|command| command.name))) {
        (Some(other), _) => format!("{nobody}: it is one of {}", other.name()),
        (None, Some(nearest)) => format!("{nobody}: did you mean `{nearest}`?"),
        (None, None) => format!("{nobody}: write it as the chat server does, such as `callbackBeforeAddFriendCommand`"),
    })
}
