//! `callgate check`: reports everything that `serve` would reject, without listening.

use callgate_terminal::{self as terminal, Exit, Failure};
use clap::Args;

use super::settings_file::{Listen, SettingsFile};
use super::{loading, serve};
use crate::chain::Link;
use crate::host::{Host, StartError};
use crate::settings::{Draft, Secrets, Settings};

/// Check settings and plugins as `serve` would, without listening, and show which plugins each command goes through
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate check --settings host/host.example.toml
Example: callgate check --settings host.toml --no-secrets")]
pub(super) struct Check {
    #[command(flatten)]
    file: SettingsFile,

    #[command(flatten)]
    listen: Listen,

    /// Do not read the secrets that the settings name, for checking where they are not, such as in CI
    #[arg(long)]
    no_secrets: bool,
}

impl Check {
    /// Runs the command.
    ///
    /// # Errors
    /// If settings or plugins are wrong.
    pub(super) fn run(self) -> Result<(), Failure> {
        let secrets = if self.no_secrets { Secrets::Skip } else { Secrets::Read };
        let Draft { settings, mut problems, .. } = Settings::draft(&self.file.settings, secrets);
        let Some(mut settings) = settings else { return Err(serve::wrong(&problems)) };
        self.listen.apply(&mut settings);
        let trial = settings.trial();
        problems.extend(trial.problems);
        if problems.is_empty() {
            serve::warn(&settings);
            if let Some(damage) = trial.damage {
                tracing::warn!("{damage}");
            }
            let host = serve::start(settings)?;
            terminal::print(&format!("{}{}{}", platforms(&host), chains(&host), candidates(&host)))?;
            return all_loaded(&host);
        }
        // What plugins find is reported with the rest, as far as their own tables are right.
        let source = settings.source.clone();
        if let Err(StartError::Plugins(errors)) =
            Host::start_loading(settings, &mut serve::Steps, loading::in_children())
        {
            problems.extend(errors.iter().map(|error| error.problem(&source)));
        }
        problems.sort_by_key(|problem| problem.line);
        Err(serve::wrong(&problems))
    }
}

/// Fails if plugins are not loaded. With `start = "healthy"`, `serve` would start without them; a check before a
/// restart is there to prevent that.
fn all_loaded(host: &Host) -> Result<(), Failure> {
    let generation = host.generation();
    let not_loaded = generation.not_loaded();
    if not_loaded.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = not_loaded.iter().map(ToString::to_string).collect();
    let text =
        "plugins cannot be loaded; `serve` would start without them, because of start = \"healthy\" under [server]";
    Err(Failure::new(Exit::Plugin, anyhow::anyhow!("{text}\n{}", lines.join("\n"))))
}

/// What each platform's chat server calls, as a table. Secret parts of paths are not shown.
fn platforms(host: &Host) -> String {
    let row = |mounted: &crate::generation::Mounted| {
        let platform = &mounted.platform;
        vec![platform.name.clone(), platform.url_shape()]
    };
    let rows: Vec<_> = host.generation().platforms().iter().map(row).collect();
    format!("{}\n", terminal::table(&["PLATFORM", "IS CALLED WITH"], &rows))
}

/// The chain of each command that has one, as a table.
fn chains(host: &Host) -> String {
    let mut rows = Vec::new();
    for mounted in host.generation().platforms() {
        for command in mounted.platform.server.protocol().commands {
            if let Some(chain) = mounted.routes.find(command) {
                let plugins: Vec<_> = chain.links().iter().map(|link| shown(link)).collect();
                rows.push(vec![mounted.platform.name.clone(), command.name.to_owned(), plugins.join(" -> ")]);
            }
        }
    }
    if rows.is_empty() {
        return "No plugin is registered: every callback is allowed.\n".to_owned();
    }
    terminal::table(&["PLATFORM", "COMMAND", "PLUGINS"], &rows)
}

/// The name of a plugin; marked if it is not loaded.
fn shown(link: &Link) -> String {
    let mark = if link.plugin().is_none() { " (not loaded)" } else { "" };
    format!("{}{mark}", link.name())
}

/// The chains of candidates, as a table; nothing if there are none.
fn candidates(host: &Host) -> String {
    let generation = host.generation();
    if generation.shadows().is_empty() {
        return String::new();
    }
    let mut rows = Vec::new();
    for mounted in generation.platforms() {
        for command in mounted.platform.server.protocol().commands {
            for candidate in mounted.routes.candidates(Some(command)) {
                let plugins: Vec<_> = candidate.chain().links().iter().map(|link| link.name().to_string()).collect();
                let plugins = if plugins.is_empty() { "(none)".to_owned() } else { plugins.join(" -> ") };
                let names = [candidate.name(), &mounted.platform.name, command.name].map(str::to_owned);
                rows.push(names.into_iter().chain([plugins]).collect());
            }
        }
    }
    if rows.is_empty() {
        return "\nNo candidate changes anything for any command.\n".to_owned();
    }
    format!("\n{}", terminal::table(&["CANDIDATE", "PLATFORM", "COMMAND", "PLUGINS"], &rows))
}
