//! The settings and the plugins.

use std::path::Path;

use callgate_dialects::OnFault;
use callgate_dialects::connection::{Finding, Level};
use callgate_terminal::Failure;

use super::super::serve;
use crate::host::{Host, StartError};
use crate::settings::{Draft, Problem, Secrets, Settings};

/// What the settings name, as far as they are right.
#[derive(Default)]
pub(super) struct Examined {
    pub(super) settings: Option<Settings>,
    pub(super) host: Option<Host>,
    /// Whether it is known where callbacks are received, and how. Otherwise a default stands in the settings, and what
    /// listens there is none of this host's business.
    pub(super) is_server_known: bool,
    /// The same for the admin listener.
    pub(super) is_admin_known: bool,
}

/// Reads the settings and loads the plugins, as `serve` does; both, as far as they are right.
pub(super) fn examine(path: &Path, secrets: Secrets, findings: &mut Vec<Finding>) -> Examined {
    let draft = Settings::draft(path, secrets);
    let is_known = |keys: [&str; 2]| keys.iter().all(|key| draft.mistakes_in(key).next().is_none());
    let is_server_known = is_known(["server.listen", "server.tls"]);
    let is_admin_known = is_known(["admin.listen", "admin.tls"]);
    let Draft { settings, problems, .. } = draft;
    let is_right = problems.is_empty();
    findings.extend(problems.iter().map(|problem| of_problem(Level::Error, "settings", problem)));
    let Some(settings) = settings else { return Examined::default() };
    let place = path.display().to_string();
    if is_right {
        findings.push(Finding::ok("settings", &place, "the settings have no mistake"));
    }
    let trial = settings.trial();
    findings.extend(trial.problems.iter().map(|problem| of_problem(Level::Error, "trial", problem)));
    if let Some(damage) = trial.damage {
        let todo = "to copy the files first, keep the host stopped; to have them salvaged, start it, and see \
                    `callgate journal status`";
        findings.push(Finding { todo: todo.to_owned(), ..of_problem(Level::Error, "journal-damaged", &damage) });
    }
    findings.extend(settings.warnings().iter().map(|warning| of_problem(Level::Warning, "settings-warning", warning)));
    policy(&settings, &place, findings);
    let source = settings.source.clone();
    let host = match serve::host(settings.clone()) {
        Ok(host) => {
            // `start = "healthy"`: the host starts, but its users notice.
            let generation = host.generation();
            findings.extend(generation.not_loaded().iter().map(|problem| of_problem(Level::Error, "plugin", problem)));
            drop(generation);
            routes(&host, &place, is_right, findings);
            Some(host)
        }
        Err(StartError::Plugins(errors)) => {
            findings.extend(errors.iter().map(|error| of_problem(Level::Error, "plugin", &error.problem(&source))));
            None
        }
        Err(error) => {
            let why = Failure::new(callgate_terminal::Exit::Other, error).error;
            let what = why.chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
            let todo = "see the findings about address space and overcommit, if there are any";
            findings.push(Finding::new(Level::Error, "sandbox", "sandbox", what, todo));
            None
        }
    };
    Examined { settings: Some(settings), host, is_server_known, is_admin_known }
}

/// A mistake of the settings, whose message says what to do.
fn of_problem(level: Level, id: &'static str, problem: &Problem) -> Finding {
    let line = if problem.line > 0 { format!(":{}", problem.line) } else { String::new() };
    let key = if problem.key.is_empty() { String::new() } else { format!("`{}`: ", problem.key) };
    let todo = "correct this line; `callgate check` tries the settings again";
    Finding::new(level, id, format!("{}{line}", problem.file.display()), format!("{key}{}", problem.message), todo)
}

/// What is allowed, but seldom wanted.
fn policy(settings: &Settings, place: &str, findings: &mut Vec<Finding>) {
    for platform in &settings.platforms {
        if platform.on_overload == OnFault::Allow {
            let what = format!(
                "platform \"{}\" has on_overload = \"allow\": a user can get past every plugin by keeping the host busy",
                platform.name
            );
            findings.push(Finding::new(Level::Warning, "on-overload", place, what, "set on_overload = \"deny\""));
        }
    }
    if !settings.public_keys.is_empty() {
        let what = format!("modules must be signed; public keys: {}", settings.public_keys.len());
        findings.push(Finding::ok("modules-signed", place, &what));
    }
    if let Some(admin) = &settings.admin
        && !admin.listen.is_local()
        && admin.tls.is_none()
    {
        let what = format!(
            "the admin listener, {}, can be reached from other machines, and its token is sent unencrypted",
            admin.listen
        );
        let todo = "set `tls` under [admin], listen on a loopback address, or keep the network private";
        findings.push(Finding::new(Level::Warning, "admin-public", place, what, todo));
    }
}

/// What the plugins get to see.
fn routes(host: &Host, place: &str, is_right: bool, findings: &mut Vec<Finding>) {
    let generation = host.generation();
    let chains: Vec<_> = generation
        .platforms()
        .iter()
        .flat_map(|mounted| {
            let commands = mounted.platform.server.protocol().commands.iter();
            commands.filter_map(|command| mounted.routes.find(command))
        })
        .collect();
    let mut plugins = 0;
    for plugin in generation.plugins() {
        plugins += 1;
        let is_used = chains.iter().any(|chain| chain.links().iter().any(|link| link.name() == plugin.name()));
        if !is_used {
            let what =
                format!("plugin {} gets no command: it handles none of those that `commands` names", plugin.name());
            let todo = "compare `commands` with what `callgate inspect` shows";
            findings.push(Finding::new(Level::Error, "plugin-unused", place, what, todo));
        }
    }
    match plugins {
        // Those with a mistake in their table were left out.
        0 if !is_right => {}
        0 => {
            let what = "no plugin is registered: every callback is allowed";
            findings.push(Finding::new(Level::Error, "no-plugin", place, what, "add a [[plugin]]"));
        }
        plugins => {
            let what = format!("plugins loaded: {plugins}; commands that go through them: {}", chains.len());
            findings.push(Finding::ok("plugins", place, what));
        }
    }
}
