//! `callgate shadow`: candidates of a running host: how they compare with what is in service, and making one the real
//! one.

mod edit;
mod promote;
mod report;

use callgate_terminal::{self as terminal, Failure};
use clap::{Args, Subcommand};
use serde_json::Value;

use super::api::{ANSWER_WITHIN, Running};

/// Compare candidates ([[shadow]] in the settings) with the plugins in service, and promote one
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate shadow report --settings host.toml
Example: callgate shadow promote stricter-words --settings host.toml --dry-run")]
pub(super) struct Shadow {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Report(report::Report),
    Promote(promote::Promote),
    Reset(Reset),
    Resume(Resume),
}

/// Reset the figures of a candidate to zero; its metrics are not reset
#[derive(Debug, Args)]
#[command(after_help = "Example: callgate shadow reset stricter-words --settings host.toml")]
struct Reset {
    /// Its `name` in the settings
    name: String,

    #[command(flatten)]
    running: Running,
}

/// Let a candidate answer callbacks again (`percent`) after it fell back because of its faults
#[derive(Debug, Args)]
#[command(after_help = "Example: callgate shadow resume stricter-words --settings host.toml")]
struct Resume {
    /// Its `name` in the settings
    name: String,

    #[command(flatten)]
    running: Running,
}

impl Shadow {
    /// Runs the command.
    ///
    /// # Errors
    /// If no host answers, there is no such candidate, or the settings file cannot be edited.
    pub(super) fn run(self) -> Result<(), Failure> {
        match self.action {
            Action::Report(report) => report.run(),
            Action::Promote(promote) => promote.run(),
            Action::Reset(Reset { name, running }) => {
                running.api()?.post(&path(&name, "reset"), &Value::Null, ANSWER_WITHIN)?;
                terminal::print(&format!("The figures of {name} are reset.\n"))
            }
            Action::Resume(Resume { name, running }) => {
                let answer = running.api()?.post(&path(&name, "resume"), &Value::Null, ANSWER_WITHIN)?;
                let text = match answer.get("had_fallen_back").and_then(Value::as_bool) {
                    Some(true) => format!("{name} answers again.\n"),
                    _ => format!("{name} had not fallen back: nothing has changed.\n"),
                };
                terminal::print(&text)
            }
        }
    }
}

/// The path of an action in the admin API.
fn path(name: &str, action: &str) -> String {
    let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
    format!("/api/v1/shadows/{name}/{action}")
}
