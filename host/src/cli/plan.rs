//! What a chat server has to be told about one platform of a host.

use callgate_dialects::OnFault;
use callgate_dialects::connection::{Plan, Planned};
use callgate_terminal::{Exit, Failure};

use crate::host::Host;
use crate::settings::{Platform, Settings};

/// The platform of this name; without a name, the only one.
///
/// # Errors
/// If there is none of this name, or several to choose from.
pub(super) fn platform<'s>(settings: &'s Settings, name: Option<&str>) -> Result<&'s Platform, Failure> {
    let platforms = settings.platforms.as_slice();
    let found = match (name, platforms) {
        (Some(name), _) => platforms.iter().find(|platform| platform.name == name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    found.ok_or_else(|| {
        let known: Vec<_> = platforms.iter().map(|platform| format!("\"{}\"", platform.name)).collect();
        let text = match name {
            Some(_) => format!("no [[platform]] has this name: give one of {} with --platform", known.join(", ")),
            None => format!("the settings have several platforms: choose one of {} with --platform", known.join(", ")),
        };
        Failure::new(Exit::Usage, anyhow::anyhow!(text))
    })
}

/// The plan of a platform. `base` is how the chat server reaches this host; else it is told where the host listens.
pub(super) fn of(settings: &Settings, platform: &Platform, commands: Vec<Planned>, base: Option<&str>) -> Plan {
    let listen = settings.server.listen.tcp();
    let base = base.map_or_else(|| reachable(settings), |base| base.trim_end_matches('/').to_owned());
    // In full, because the chat server needs it so.
    let path = platform.path.reveal();
    let url = if base.ends_with(&path) { base } else { format!("{base}{path}") };
    Plan {
        platform: platform.name.clone(),
        url,
        is_path_known: true,
        listen,
        has_tls: settings.server.tls.is_some(),
        answer_within: platform.answer_within,
        commands,
    }
}

/// The commands that go through plugins.
pub(super) fn commands(host: &Host, platform: &Platform) -> Vec<Planned> {
    let generation = host.generation();
    let Some(mounted) = generation.platforms().iter().find(|mounted| mounted.platform.name == platform.name) else {
        return Vec::new();
    };
    let planned = |command: &&'static _| {
        let chain = mounted.routes.find(command)?;
        Some(Planned { command, on_fault: chain.on_fault() })
    };
    platform.server.protocol().commands.iter().filter_map(planned).collect()
}

/// The commands that would go through plugins, if each handled all that its `commands` names: what is known of plugins
/// that cannot be loaded.
pub(super) fn commands_as_written(settings: &Settings, platform: &Platform) -> Vec<Planned> {
    let planned = |command: &&'static callgate_catalogue::catalogue::Command| {
        let mut plugins = settings
            .plugins
            .iter()
            .filter(|plugin| plugin.platforms.contains(&platform.name))
            .filter(|plugin| plugin.commands.iter().any(|pattern| pattern.matches(command.name)))
            .map(|plugin| plugin.on_fault.unwrap_or(platform.on_fault(command)))
            .peekable();
        plugins.peek()?;
        let on_fault = if plugins.any(|on_fault| on_fault == OnFault::Deny) { OnFault::Deny } else { OnFault::Allow };
        Some(Planned { command, on_fault })
    };
    platform.server.protocol().commands.iter().filter_map(planned).collect()
}

/// The address that others use to reach a listener. `0.0.0.0` and `::` are for listening only, so the machine's own
/// name is used.
fn reachable(settings: &Settings) -> String {
    let scheme = if settings.server.tls.is_some() { "https" } else { "http" };
    // A Unix socket is for a proxy in front, whose address is not known here.
    let Some(listen) = settings.server.listen.tcp() else { return format!("{scheme}://HOST") };
    if !listen.ip().is_unspecified() {
        return format!("{scheme}://{listen}");
    }
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    format!("{scheme}://{}:{}", if name.is_empty() { "HOST" } else { name }, listen.port())
}

/// Reads the argument `--url`.
pub(super) fn base(text: &str) -> Result<String, &'static str> {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    match rest {
        Some(rest) if !rest.is_empty() && !rest.starts_with('/') && !text.contains([' ', '?', '#', '\n', '\t']) => {
            Ok(text.to_owned())
        }
        _ => Err("it must be http:// or https:// with a host, and without `?`, `#` and blanks"),
    }
}
