//! The URL that the server calls.

use super::file::{File, Written};
use super::report::{Report, set};
use super::url::{self, Url};
use crate::connection::{Level, Plan};

/// The URL of the file as it is delivered (S:config/webhooks.yml).
const DELIVERED: &str = "http://127.0.0.1:10006/callbackExample";

/// Examines the URL; the URL itself, if the server can call it.
pub(super) fn examine(report: &mut Report<'_>, file: &File<'_>, plan: &Plan) -> Option<String> {
    let right = "set `url` as `callgate connect` prints it";
    let Some(setting) = file.setting("url", "") else {
        let line = file.find("url").map_or(0, |(key, _)| key.line);
        report.line(Level::Error, "openim-url", line, "`url` is missing: OpenIM has nowhere to send callbacks", right);
        return None;
    };
    if setting.text.trim() == DELIVERED {
        let what = "`url` is the example that OpenIM comes with: callbacks go nowhere";
        report.setting(Level::Error, "openim-url-example", &setting, what, right);
        return None;
    }
    let parts = match url::parse(&setting.text) {
        Ok(parts) => parts,
        Err(why) => {
            let what =
                format!("`url` {why}: OpenIM cannot call it, and refuses every operation with a before-callback");
            report.setting(Level::Error, "openim-url", &setting, what, right);
            return None;
        }
    };
    if parts.has_more {
        let what = "`url` has a `?` or `#`: OpenIM appends the command to what follows, and no command arrives";
        report.setting(Level::Error, "openim-url-query", &setting, what, "end `url` with the path");
    }
    let is_right = path(report, &setting, &parts, plan);
    host(report, &setting, &parts, plan);
    if is_right && !parts.has_more {
        let scheme = if parts.is_secure { "https" } else { "http" };
        let what = format!("`url` leads to platform \"{}\" at {scheme}://{}:{}", plan.platform, parts.host, parts.port);
        report.setting(Level::Ok, "openim-url", &setting, what, "");
    }
    Some(setting.text)
}

/// Whether the path is the platform's. Neither is shown: they may hold a secret.
fn path(report: &mut Report<'_>, setting: &Written, parts: &Url<'_>, plan: &Plan) -> bool {
    if !plan.is_path_known {
        return true;
    }
    let wanted: Vec<&str> = plan.path().split('/').filter(|segment| !segment.is_empty()).collect();
    let found: Vec<&str> = parts.segments().collect();
    if found == wanted {
        return true;
    }
    let is_longer = found.len() == wanted.len() + 1 && found.starts_with(&wanted);
    let has_command = is_longer && found.last().is_some_and(|last| last.starts_with("callback"));
    let what = match has_command {
        true => "`url` ends with a command: OpenIM appends the command itself, and every callback gets 404".to_owned(),
        false => format!(
            "`url` has another path than platform \"{}\": every callback gets 404, and OpenIM refuses the operation",
            plan.platform
        ),
    };
    report.setting(Level::Error, "openim-url-path", setting, what, "set `url` as `callgate connect` prints it");
    false
}

fn host(report: &mut Report<'_>, setting: &Written, parts: &Url<'_>, plan: &Plan) {
    if parts.is_unspecified() {
        let what = format!("`url` names {}, which is an address to listen on, not one to call", parts.host);
        report.setting(Level::Error, "openim-url-host", setting, what, set(setting, "url", "the name of this machine"));
        return;
    }
    // A proxy is in front of a Unix socket: what it listens on is not known here.
    let listen = plan.listen.filter(|_| parts.is_secure == plan.has_tls);
    if parts.is_secure && !plan.has_tls {
        let what = "`url` is https, but [server] has no `tls`: only right if a TLS proxy listens at this address";
        let todo = "make sure that a proxy with a valid certificate passes requests on to `[server] listen`";
        report.setting(Level::Note, "openim-url-tls", setting, what, todo);
    } else if !parts.is_secure && plan.has_tls {
        let what = "`url` is http, but [server] has `tls`: Callgate accepts no plain HTTP there";
        report.setting(Level::Error, "openim-url-tls", setting, what, "begin `url` with https://");
    } else if let Some(port) = listen.map(|listen| listen.port()).filter(|port| *port != parts.port) {
        let what = format!("`url` has port {}, Callgate listens on {port} (`[server] listen`)", parts.port);
        let level = if parts.is_loopback() { Level::Error } else { Level::Warning };
        let todo = "use one port in both, unless a proxy or a port mapping of containers is between them";
        report.setting(level, "openim-url-port", setting, what, todo);
    }
    if parts.is_loopback() {
        let what = "`url` is an address of the chat server's own machine: right only if OpenIM runs on this machine and \
                    not in a container of its own";
        let todo = "elsewhere, use the name or address of this machine, and `listen` on it";
        report.setting(Level::Note, "openim-url-loopback", setting, what, todo);
    } else if let Some(listen) = listen.filter(|listen| listen.ip().is_loopback()) {
        let what =
            format!("`url` names {}, but Callgate listens on {listen}, which only this machine can reach", parts.host);
        let todo = "set `[server] listen` to an address that OpenIM can reach, for example \"0.0.0.0:8080\", in a private \
                    network or with a secret segment in `path`; or put a proxy in front";
        report.setting(Level::Error, "openim-listener-loopback", setting, what, todo);
    }
}
