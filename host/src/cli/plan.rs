//! What a chat server has to be told about one platform of a host.

use callgate_dialects::connection::{Plan, Planned};
use callgate_terminal::{Exit, Failure};

use crate::host::{Host, Mounted};

/// The platform of this name; without a name, the only one.
///
/// # Errors
/// If there is none of this name, or several to choose from.
pub(super) fn platform<'h>(host: &'h Host, name: Option<&str>) -> Result<&'h Mounted, Failure> {
    let platforms = host.platforms();
    let found = match (name, platforms) {
        (Some(name), _) => platforms.iter().find(|mounted| mounted.platform.name == name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    found.ok_or_else(|| {
        let known: Vec<_> = platforms.iter().map(|mounted| format!("\"{}\"", mounted.platform.name)).collect();
        let text = match name {
            Some(_) => format!("no [[platform]] has this name: give one of {} with --platform", known.join(", ")),
            None => format!("the settings have several platforms: choose one of {} with --platform", known.join(", ")),
        };
        Failure::new(Exit::Usage, anyhow::anyhow!(text))
    })
}

/// The plan of a platform. `base` is how the chat server reaches this host; else it is told where the host listens.
pub(super) fn of(host: &Host, mounted: &Mounted, base: Option<&str>) -> Plan {
    let platform = &mounted.platform;
    let commands = platform.server.protocol().commands.iter().filter_map(|command| {
        let chain = mounted.routes.find(command)?;
        Some(Planned { command, on_fault: chain.on_fault() })
    });
    let listen = host.settings.server.listen;
    let base = base.map_or_else(|| reachable(listen), |base| base.trim_end_matches('/').to_owned());
    let url = if base.ends_with(&platform.path) { base } else { format!("{base}{}", platform.path) };
    Plan {
        platform: platform.name.clone(),
        url,
        listen,
        answer_within: platform.answer_within,
        commands: commands.collect(),
    }
}

/// The address that others use to reach a listener. `0.0.0.0` and `::` are for listening only, so the machine's own name
/// is used.
fn reachable(listen: std::net::SocketAddr) -> String {
    if !listen.ip().is_unspecified() {
        return format!("http://{listen}");
    }
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = name.trim();
    format!("http://{}:{}", if name.is_empty() { "HOST" } else { name }, listen.port())
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
