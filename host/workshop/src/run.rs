//! `callgate run`: sends one callback through a plugin in the real sandbox.

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
Example: callgate run plugin.wasm --request callback.json --facts facts.json
Example: echo '{\"callbackCommand\":\"callbackBeforeAddFriendCommand\",\"reqMsg\":\"hello\"}' | \\
             callgate run plugin.wasm --request - --json --repeat 1000

The plugin runs with the default limits, and the callback arrives at time 0, so the same input gives the same output.

Facts come only from --facts; a fact that is missing there is not configured. Updates are shown, and have no effect. Fuel \
and time are those of `needs` and the decision together.

Configured and compiled plugins are cached in $CACHE_DIRECTORY, $XDG_CACHE_HOME/callgate or ~/.cache/callgate, as for \
a host without `[cache] folder` in its settings. It is safe to delete that folder at any time.")]
pub struct Run {
    #[command(flatten)]
    subject: Subject,

    /// Run it N times and show the distribution of fuel and time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    repeat: u32,

    /// Write JSON, for scripts
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
        let facts = self.subject.facts(stage.plugin())?;

        let first = stage.play(&callback, &facts);
        let mut runs = vec![Cost::of(&first)];
        for _ in 1..self.repeat {
            runs.push(Cost::of(&stage.play(&callback, &facts)));
        }

        let explanation = stage.explain(&callback, &first.response);
        let (plugin, explanation) = (stage.plugin(), explanation.as_ref());
        let report = Report { callback: &callback, plugin, played: &first, explanation, runs: &runs };
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
