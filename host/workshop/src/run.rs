//! `callgate run`: one callback through the real sandbox, for the author of a plugin.

pub(crate) mod report;
pub mod request;
pub(crate) mod subject;

use clap::Args;

use crate::stage::{Cost, Service};
use callgate_terminal::{self as terminal, Exit, Failure};
use report::Report;
use subject::Subject;

/// Run one callback through a plugin and show its verdict, the answer and what the call used
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate run plugin.wasm --request callback.json --settings settings.toml
Example: echo '{\"callbackCommand\":\"callbackBeforeAddFriendCommand\",\"reqMsg\":\"hello\"}' | \\
             callgate run plugin.wasm --request - --json --repeat 1000

The plugin has the default limits, and the callback arrives at the time 0, so the same input gives the same output.

Once configured and compiled, a plugin is kept for the next time, where `[cache] folder` of host.example.toml says: in \
CACHE_DIRECTORY, XDG_CACHE_HOME/callgate or HOME/.cache/callgate. That folder may be removed at any time.")]
pub struct Run {
    #[command(flatten)]
    subject: Subject,

    /// Run it so many times and show how fuel and time are spread
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    repeat: u32,

    /// Write JSON, for machines
    #[arg(long)]
    json: bool,
}

impl Run {
    /// Runs the command.
    ///
    /// # Errors
    /// If the callback, the settings or the plugin cannot be used, or the call ends in a fault.
    pub fn run(self, service: &dyn Service) -> Result<(), Failure> {
        let (callback, settings) = self.subject.read()?;
        let stage = self.subject.stage(service, settings)?;

        let first = stage.play(&callback);
        let mut runs = vec![Cost::of(&first)];
        for _ in 1..self.repeat {
            runs.push(Cost::of(&stage.play(&callback)));
        }

        let report = Report { callback: &callback, plugin: stage.plugin(), played: &first, runs: &runs };
        let text = match self.json {
            true => format!("{:#}\n", report.as_json()),
            false => report.as_text(terminal::is_coloured(&std::io::stdout())),
        };
        terminal::print(&text)?;

        match runs.iter().filter(|run| run.is_fault).count() {
            0 => Ok(()),
            faults => {
                let of = if runs.len() == 1 { String::new() } else { format!(" in {faults} of {} runs", runs.len()) };
                Err(Failure::new(Exit::Failed, anyhow::anyhow!("the plugin gave no verdict{of}: see `fault` above")))
            }
        }
    }
}
