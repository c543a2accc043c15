//! The chat server's side: what it is configured to send, and whether that arrives.

use std::path::{Path, PathBuf};

use callgate_dialects::connection::{Configuration, Finding, Level};
use callgate_terminal::{Exit, Failure, read_text};

use super::super::plan;
use super::listener::{Found, ask, is_callbacks, is_elsewhere};
use crate::host::Host;
use crate::settings::{Platform, Settings};

/// What is known about the chat server's side.
pub(super) struct Side<'s> {
    /// Its file about webhooks.
    pub(super) webhooks: Option<&'s Path>,
    /// Files with its environment; none: this process's own environment.
    pub(super) environment: &'s [PathBuf],
    /// Whether the secrets of the settings were read.
    pub(super) has_secrets: bool,
    /// The platform's name.
    pub(super) platform: Option<&'s str>,
}

/// Maximum size of a file, in bytes: those that chat servers come with have a few KB.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Examines the chat servers' side. `host` is there if all plugins could be loaded.
///
/// # Errors
/// If a file cannot be read, or it is not clear which platform it belongs to.
pub(super) fn examine(
    settings: &Settings,
    host: Option<&Host>,
    side: &Side<'_>,
    connects: bool,
    findings: &mut Vec<Finding>,
) -> Result<(), Failure> {
    let mut examined = None;
    if let Some(webhooks) = side.webhooks {
        let platform = with_file(settings, side.platform)?;
        let commands = match host {
            Some(host) => plan::commands(host, platform),
            None => plan::commands_as_written(settings, platform),
        };
        let mut plan = plan::of(settings, platform, commands, None);
        plan.is_path_known = side.has_secrets || !platform.path.is_secret();
        let text = read(webhooks)?;
        let environment = environment(side.environment)?;
        let name = webhooks.file_name().unwrap_or(webhooks.as_os_str()).to_string_lossy().into_owned();
        let configuration = Configuration { name: &name, text: &text, environment: &environment };
        let examination = platform.server.examine(&configuration, &plan);
        findings.extend(examination.findings);
        if let Some(url) = examination.url {
            if side.has_secrets {
                findings.extend(not_authenticated(platform, &url, &name));
            }
            if connects {
                findings.extend(reached(&url));
            }
        }
        examined = Some(&platform.name);
    }
    findings.extend(settings.platforms.iter().filter(|platform| Some(&platform.name) != examined).map(not_examined));
    Ok(())
}

/// What is wrong with the URL, if requests to it do not authenticate the chat server.
fn not_authenticated(platform: &Platform, url: &str, file: &str) -> Option<Finding> {
    let refusal = platform.dialect.check_url(url).err()?;
    let what = format!("platform \"{}\" refuses every request to `url`: {refusal}", platform.name);
    let todo = "set `url` as `callgate connect` prints it";
    Some(Finding::new(Level::Error, "url-credentials", file, what, todo))
}

/// What to do about a platform whose chat server is not known.
fn not_examined(platform: &Platform) -> Finding {
    let title = platform.server.protocol().title;
    let connect = format!("`callgate connect --platform {}`", platform.name);
    let (what, todo) = match platform.server.configuration_file() {
        Some(file) => (
            format!("what {title} sends was not examined"),
            format!("give its {file} with --webhooks, or compare it with what {connect} prints"),
        ),
        None => (
            format!("what {title} sends cannot be examined from here: it has no file about webhooks"),
            format!("compare its console with what {connect} prints"),
        ),
    };
    Finding::new(Level::Note, "not-examined", format!("platform {}", platform.name), what, todo)
}

/// The platform that a file belongs to: that of the name, or the only one whose chat server has a file about webhooks.
fn with_file<'s>(settings: &'s Settings, name: Option<&str>) -> Result<&'s Platform, Failure> {
    let has_file = |platform: &&Platform| platform.server.configuration_file().is_some();
    let mut all = settings.platforms.iter().filter(has_file);
    let platform = match (name, all.next(), all.next()) {
        (None, Some(only), None) => return Ok(only),
        (None, None, _) => None,
        _ => Some(plan::platform(settings, name)?),
    };
    if let Some(platform) = platform.filter(has_file) {
        return Ok(platform);
    }
    let who = platform.map_or("no chat server of these settings", |platform| platform.server.protocol().title);
    let has = if platform.is_some() { "has no file" } else { "has a file" };
    let text = format!(
        "{who} {has} about webhooks: leave out --webhooks, and compare the console with what `callgate connect` prints"
    );
    Err(Failure::new(Exit::Usage, anyhow::anyhow!(text)))
}

/// Reads a file of the chat server.
fn read(path: &Path) -> Result<String, Failure> {
    read_text(path, FILE_BYTES_MAX).map_err(|error| {
        let text = format!("{} cannot be read ({error}): name a file of the chat server", path.display());
        Failure::new(Exit::Input, anyhow::anyhow!(text))
    })
}

/// The chat server's environment.
fn environment(files: &[PathBuf]) -> Result<Vec<(String, String)>, Failure> {
    if files.is_empty() {
        let text = |name: std::ffi::OsString| name.into_string().ok();
        return Ok(std::env::vars_os().filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect());
    }
    let mut variables = Vec::new();
    for file in files {
        let text = read(file)?;
        // /proc/PID/environ ends each variable with a zero byte, a file for Docker with a line break.
        variables.extend(text.split(['\0', '\n']).filter_map(variable));
    }
    Ok(variables)
}

/// A line `NAME=VALUE`, also as shells (`export NAME="VALUE"`) and YAML (`- NAME=VALUE`, `NAME: VALUE`) write it.
fn variable(line: &str) -> Option<(String, String)> {
    let line = line.trim();
    let line =
        line.strip_prefix("export ").or_else(|| line.strip_prefix("- ")).unwrap_or(line).trim_matches(['"', '\'']);
    let (name, value) = line.split_once('=').or_else(|| line.split_once(": "))?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name.then(|| (name.to_owned(), value.trim().trim_matches(['"', '\'']).to_owned()))
}

/// Whether something of ours answers at the URL that the chat server calls, as seen from here.
fn reached(url: &str) -> Option<Finding> {
    let uri: http::Uri = url.parse().ok()?;
    let is_secure = uri.scheme_str() == Some("https");
    let host = uri.host()?.trim_matches(['[', ']']);
    let port = uri.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
    let place = format!("{host}:{port}");
    let found = if is_secure { ask_tls(host, port) } else { ask(host, port, uri.path()) };
    Some(match found {
        found if is_callbacks(&found) => {
            Finding::ok("url-answers", place, "Callgate answers at the chat server's URL, as seen from this machine")
        }
        Found::Silence if is_secure => Finding::ok(
            "url-answers",
            place,
            "something listens at the chat server's URL; behind TLS nothing was asked",
        ),
        Found::NoListener => {
            let what = "no process listens at the chat server's URL, as seen from this machine";
            let todo = "start Callgate, or the proxy in front of it, or correct `url`";
            Finding::new(Level::Warning, "url-off", place, what, todo)
        }
        Found::Unreachable(why) => {
            let what = format!("the chat server's URL cannot be reached from this machine ({why})");
            let todo = "correct `url`, or, if this name is known to the chat server only, try it there with curl";
            Finding::new(Level::Warning, "url-unreachable", place, what, todo)
        }
        found if is_elsewhere(&found) => {
            let what = "Callgate answers at the chat server's URL, but the path belongs to no platform";
            Finding::new(Level::Error, "url-path", place, what, "set `url` as `callgate connect` prints it")
        }
        // Those about certificates are of listeners whose files are at hand.
        Found::Answer(..)
        | Found::Silence
        | Found::AsksForCertificate
        | Found::OtherCertificate
        | Found::NoCertificate(..) => {
            let what = "another program answers at the chat server's URL";
            let todo = "correct `url`, or what the proxy at this address passes on";
            Finding::new(Level::Error, "url-other", place, what, todo)
        }
    })
}

/// Whether anybody listens behind TLS, which is not spoken here.
fn ask_tls(host: &str, port: u16) -> Found {
    match ask(host, port, "/") {
        Found::Answer(..) => Found::Silence,
        found => found,
    }
}
