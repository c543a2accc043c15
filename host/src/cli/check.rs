//! `callgate check`: reports everything that `serve` would reject, without listening.

use callgate_terminal::{self as terminal, Failure};
use clap::Args;

use super::serve;
use super::settings_file::SettingsFile;
use crate::host::Host;

/// Check settings and plugins as `serve` would, without listening, and show which plugins each command goes through
#[derive(Debug, Args)]
#[command(after_help = "Example: callgate check --settings host/host.example.toml")]
pub(super) struct Check {
    #[command(flatten)]
    file: SettingsFile,
}

impl Check {
    /// Runs the command.
    ///
    /// # Errors
    /// If settings or plugins are wrong.
    pub(super) fn run(self) -> Result<(), Failure> {
        let host = serve::start(serve::load(&self.file.settings)?)?;
        terminal::print(&chains(&host))
    }
}

/// The chain of each command that has one, as a table.
fn chains(host: &Host) -> String {
    let mut rows = Vec::new();
    for mounted in host.platforms() {
        for command in mounted.platform.server.protocol().commands {
            if let Some(chain) = mounted.routes.find(command) {
                let plugins: Vec<_> = chain.links().iter().map(|link| link.plugin().name().to_string()).collect();
                rows.push(vec![mounted.platform.path.clone(), command.name.to_owned(), plugins.join(" -> ")]);
            }
        }
    }
    if rows.is_empty() {
        return "No plugin is registered: every callback is allowed.\n".to_owned();
    }
    terminal::table(&["PATH", "COMMAND", "PLUGINS"], &rows)
}
