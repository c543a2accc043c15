//! `callgate reload`: has a running host read its settings again.

use std::time::Duration;

use callgate_terminal::{self as terminal, Failure};
use clap::Args;
use serde_json::Value;

use super::api::Running;

/// Reload settings, plugins and word lists in a running host, without interrupting it
///
/// The host builds and checks the new configuration next to the one in service, and replaces that in one step. If
/// anything is wrong, nothing changes, and the mistakes are printed. Otherwise the changed keys are printed, without
/// their values.
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate reload --settings /etc/callgate/host.toml
Example: callgate reload --settings host.toml --dry-run")]
pub(super) struct Reload {
    #[command(flatten)]
    running: Running,

    /// Build and check everything and print what would change, but change nothing
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
        terminal::print(&outcome(&report, self.dry_run))
    }
}

/// What a reload did, for people.
pub(super) fn outcome(report: &Value, is_trial: bool) -> String {
    let number = |key: &str| report.get(key).and_then(Value::as_u64).unwrap_or_default();
    let texts = |key: &str| -> Vec<&str> {
        report.get(key).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    };
    let (generation, lines, restart) = (number("generation"), texts("lines"), texts("restart"));
    let mut text = match (is_trial, lines.is_empty()) {
        (true, true) => "Nothing would change.\n".to_owned(),
        (true, false) => "Nothing is wrong. A reload would change:\n".to_owned(),
        (false, true) => format!("Nothing has changed: generation {generation} stays in service.\n"),
        (false, false) => format!("Generation {generation} is in service, after {} ms.\n", number("took_ms")),
    };
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
    if !restart.is_empty() {
        text.push_str(&format!("Takes effect only with a restart: {}\n", restart.join(", ")));
    }
    for problem in report.get("not_loaded").and_then(Value::as_array).into_iter().flatten() {
        let message = problem.get("message").and_then(Value::as_str).unwrap_or_default();
        text.push_str(&format!("Not loaded, so `on_fault` decides instead: {message}\n"));
    }
    for problem in report.get("certificates").and_then(Value::as_array).into_iter().flatten() {
        let text_of = |key: &str| problem.get(key).and_then(Value::as_str).unwrap_or_default();
        let (key, message) = (text_of("key"), text_of("message"));
        text.push_str(&format!(
            "A certificate cannot be used, and the previous one stays in use (a restart would fail): `{key}`: {message}\n"
        ));
    }
    text
}
