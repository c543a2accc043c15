//! `callgate doctor`: what is wrong with settings, system, listeners and the chat server's side, and what to do.

mod chat_server;
mod listener;
mod machine;
mod process;
mod report;
mod settings;
mod storage;

use std::path::PathBuf;

use callgate_dialects::connection::{Finding, Level};
use callgate_terminal::{self as terminal, Exit, Failure};
use clap::Args;

use crate::settings::Secrets;
use machine::Machine;

/// Look for everything that keeps callbacks from being answered, and say what to do about it
///
/// Looked at are the settings and plugins, this system, the listeners, and, with --webhooks, what the chat server is
/// configured to send.
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate doctor --settings /etc/callgate/host.toml
Example: callgate doctor --settings host.toml --webhooks openim/config/webhooks.yml --environment openim/.env")]
pub(super) struct Doctor {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,

    /// The chat server's own file about webhooks: OpenIM's config/webhooks.yml
    #[arg(long, value_name = "FILE", requires = "settings")]
    webhooks: Option<PathBuf>,

    /// The environment of the chat server, as lines NAME=VALUE or as /proc/PID/environ; may be given several times
    /// [default: the environment of this command]
    #[arg(long, value_name = "FILE", requires = "webhooks")]
    environment: Vec<PathBuf>,

    /// The platform that --webhooks is about, by its name in the settings [default: the only one of its kind]
    #[arg(long, value_name = "NAME", requires = "webhooks")]
    platform: Option<String>,

    /// Do not read the secrets that the settings name: only the service may be able to
    #[arg(long)]
    no_secrets: bool,

    /// Open no connection, not even to this machine's own listeners
    #[arg(long)]
    offline: bool,

    /// Read /proc, /sys, /run and /var below this folder, for example those of the machine around a container
    #[arg(long, value_name = "DIR", default_value = "/")]
    root: PathBuf,

    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

impl Doctor {
    /// Runs the command.
    ///
    /// # Errors
    /// If something is wrong, or a file named in the arguments cannot be read.
    pub(super) fn run(self) -> Result<(), Failure> {
        let mut findings = Vec::new();
        let examined = match &self.settings {
            Some(path) => {
                let secrets = if self.no_secrets { Secrets::Skip } else { Secrets::Read };
                settings::examine(path, secrets, &mut findings)
            }
            None => settings::Examined::default(),
        };
        let (settings, host) = (&examined.settings, &examined.host);
        let machine = Machine::new(&self.root);
        machine::examine(&machine, settings.as_ref(), host.as_ref(), &mut findings);
        process::examine(&machine, settings.as_ref(), host.is_some(), &mut findings);
        if let Some(settings) = settings {
            storage::examine(settings, &mut findings);
        }
        if !self.offline {
            listener::examine(&examined, &mut findings);
        }
        if let Some(settings) = settings {
            let side = chat_server::Side {
                webhooks: self.webhooks.as_deref(),
                environment: &self.environment,
                has_secrets: !self.no_secrets,
                platform: self.platform.as_deref(),
            };
            chat_server::examine(settings, host.as_ref(), &side, !self.offline, &mut findings)?;
        }
        let text = if self.json { report::json(&findings) } else { report::text(&findings) };
        terminal::print(&text)?;
        outcome(&findings)
    }
}

/// Whether anything is wrong.
fn outcome(findings: &[Finding]) -> Result<(), Failure> {
    let count = |level| findings.iter().filter(|finding| finding.level == level).count();
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    if errors == 0 {
        return Ok(());
    }
    let plural = |number: usize, word: &str| format!("{number} {word}{}", if number == 1 { "" } else { "s" });
    let text = format!(
        "{} and {} were found: each says above what to do",
        plural(errors, "error"),
        plural(warnings, "warning")
    );
    Err(Failure::new(Exit::Unhealthy, anyhow::anyhow!(text)))
}
