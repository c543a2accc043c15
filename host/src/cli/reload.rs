//! `callgate reload`: has a running host read its settings again.

use std::time::Duration;

use callgate_terminal::{self as terminal, Failure};
use clap::Args;
use serde_json::Value;

use super::api::Running;

/// Have a running host read its settings, plugins and word lists again, without a gap
///
/// Everything that has changed is built and checked beside what is in service, and replaces it in one step. A mistake
/// changes nothing, and is named.
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate reload --settings /etc/callgate/host.toml
Example: callgate reload --settings host.toml --dry-run")]
pub(super) struct Reload {
    #[command(flatten)]
    running: Running,

    /// Build and check everything, say what would change, and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// Time for a reload: that is how long building crates, and compiling many large plugins, may take.
pub(super) const RELOAD_WITHIN: Duration = Duration::from_secs(30 * 60);

impl Reload {
    /// Runs the command.
    ///
    /// # Errors
    /// If no host answers, or something is wrong with the settings or plugins.
    pub(super) fn run(self) -> Result<(), Failure> {
        let path = if self.dry_run { "/api/v1/reload?dry_run=true" } else { "/api/v1/reload" };
        let report = self.running.api()?.post(path, &Value::Null, RELOAD_WITHIN)?;
        terminal::print(&format!("{report}\n"))
    }
}
