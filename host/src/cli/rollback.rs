//! `callgate rollback`: has a running host go back to a configuration that was in service before.

use callgate_terminal::{self as terminal, Failure};
use clap::Args;
use serde_json::{Value, json};

use super::api::{ANSWER_WITHIN, Running};
use super::reload::{RELOAD_WITHIN, outcome};
use super::when;

/// Return a running host to a configuration that was in service before
///
/// The host keeps copies of settings, word lists and modules (`[reload] keep`). The files themselves are not changed:
/// correct them, because the next restart or `callgate reload` reads them.
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate rollback --settings /etc/callgate/host.toml
Example: callgate rollback --settings host.toml --list
Example: callgate rollback --settings host.toml --to 12")]
pub(super) struct Rollback {
    #[command(flatten)]
    running: Running,

    /// List the stored configurations, and change nothing
    #[arg(long, conflicts_with = "to")]
    list: bool,

    /// The number of a stored configuration [default: the one before the one in service]
    #[arg(long, value_name = "NUMBER")]
    to: Option<u64>,
}

impl Rollback {
    /// Runs the command.
    ///
    /// # Errors
    /// If no host answers, or there is nothing to go back to.
    pub(super) fn run(self) -> Result<(), Failure> {
        let api = self.running.api()?;
        let kept = api.get("/api/v1/kept", ANSWER_WITHIN)?;
        if self.list {
            return terminal::print(&list(&kept));
        }
        // A rollback by another operator in between changes which one is the one before.
        let instead_of = kept.get("in_service").filter(|_| self.to.is_none());
        let report =
            api.post("/api/v1/rollback", &json!({ "to": self.to, "instead_of": instead_of }), RELOAD_WITHIN)?;
        let text = outcome(&report, false);
        let warning =
            "The settings file and what it names are not touched: mend them before the next restart or reload.\n";
        terminal::print(&format!("{text}{warning}"))
    }
}

fn list(kept: &Value) -> String {
    let in_service = kept.get("in_service").and_then(Value::as_u64);
    let row = |entry: &Value| {
        let number = entry.get("number").and_then(Value::as_u64).unwrap_or_default();
        let at = entry.get("unix_ms").and_then(Value::as_i64).unwrap_or_default();
        let plugins = entry.get("plugins").and_then(Value::as_array).map_or(0, Vec::len);
        let mark = if in_service == Some(number) { "in service" } else { "" };
        vec![number.to_string(), when::utc(at), plugins.to_string(), mark.to_owned()]
    };
    let rows: Vec<_> = kept.get("kept").and_then(Value::as_array).into_iter().flatten().map(row).collect();
    if rows.is_empty() {
        return "Nothing is kept: `keep` under [reload] is 0, or no folder can be written to; see the host's log.\n"
            .to_owned();
    }
    terminal::table(&["NUMBER", "IN SERVICE SINCE (UTC)", "PLUGINS", ""], &rows)
}
