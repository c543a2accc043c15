//! `callgate profile`: which functions of a plugin burn the fuel of one callback.

mod graph;
mod report;

use std::io::Write;
use std::path::{Path, PathBuf};

use callgate_sandbox::Function;
use callgate_sandbox::profile::{self, Profiler};
use callgate_terminal::{self as terminal, Exit, Failure};
use clap::Args;
use serde_json::{Map, Value};

use crate::module;
use crate::output;
use crate::run::report as run_report;
use crate::run::subject::Subject;
use crate::stage::{Inputs, Played, Service, Stage, Staged};
use report::Report;

/// Show which functions of a plugin burn the fuel of one callback
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate profile . --request callbacks/sample.request.json --settings callbacks/settings.toml
Example: callgate profile plugin.wasm --request callback.json --flamegraph fuel.svg --top 50
Example: callgate profile limit_rate.wasm --request callback.json --facts facts.json

OWN is what a function's own instructions burnt, TOTAL includes the functions it called. The numbers are exact, and \
the same on every machine. But rustc inlines: what a small function burns is attributed to the function that it was \
inlined into, unless it has #[inline(never)].

The callback runs as in `callgate run`, with the default limits. The profile includes `needs`. For a call that ends in a \
fault, it covers what the call burnt until then. Functions have names if the module's section `name` was not stripped; \
`callgate build` keeps it.")]
pub struct Profile {
    #[command(flatten)]
    subject: Subject,

    /// Number of functions to show, those that burnt most themselves first
    // Twenty fit on a screen. A module has at most a few thousand functions; only machines read that many rows.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    top: u32,

    /// Write a flamegraph, for a browser; width is fuel
    #[arg(long, value_name = "FILE.svg")]
    flamegraph: Option<PathBuf>,

    /// Write folded stacks, one per line with its fuel, for speedscope, inferno and similar tools
    #[arg(long, value_name = "FILE")]
    folded: Option<PathBuf>,

    /// Write JSON, for scripts
    #[arg(long)]
    json: bool,
}

impl Profile {
    /// Runs the command.
    ///
    /// # Errors
    /// If the callback, the settings or the plugin cannot be used, or the call ends in a fault.
    pub fn run(self, service: &dyn Service) -> Result<(), Failure> {
        let mut text = Vec::new();
        let done = self.show(service, &mut text, terminal::is_coloured(&std::io::stdout()));
        terminal::print(&String::from_utf8_lossy(&text))?;
        done
    }

    fn show(&self, service: &dyn Service, out: &mut dyn Write, coloured: bool) -> Result<(), Failure> {
        let (callback, settings) = self.subject.read()?;
        let module = module::built(&self.subject.plugin)?;
        let name = module::name(&self.subject.plugin);
        let path = module.path().into_owned();
        let facts = module::facts(&path);
        let stage = service.stage(Staged { module: path, name, settings: settings.clone(), facts })?;
        let facts = self.subject.facts(stage.plugin())?;
        let played = stage.play(&callback, &facts);
        let inputs = stage.inputs(&callback, &facts);
        let profile = follow(stage.as_ref(), &module.path(), settings, &inputs, &played)?;

        let plugin = stage.plugin();
        let report = Report {
            run: run_report::Report { callback: &callback, plugin, played: &played, explanation: None, runs: &[] },
            profile: &profile,
            rows_max: self.top as usize,
        };
        let text = match self.json {
            true => format!("{:#}\n", report.as_json()),
            false => report.as_text(coloured),
        };
        out.write_all(text.as_bytes()).map_err(|error| Failure::new(Exit::Other, error))?;
        if !profile.is_named && !profile.functions.is_empty() {
            note(
                "the module has no names for its functions: profile the folder of its crate, or build it with \
                 `callgate build`, or with `strip = \"debuginfo\"` and without wasm-strip",
            );
        }

        let folded = graph::folded(&profile.stacks);
        if let Some(path) = &self.folded {
            output::write(path, folded.as_bytes(), "name another file with --folded")?;
        }
        match &self.flamegraph {
            Some(path) if folded.is_empty() => {
                note(&format!("{} is not written: no fuel was burnt", path.display()));
            }
            Some(path) => {
                let title = format!("Fuel of {}, {}", plugin.name(), callback.name());
                output::write(path, &graph::flamegraph(&title, &folded)?, "name another file with --flamegraph")?;
            }
            None => {}
        }

        match report.run.faults().next() {
            None => Ok(()),
            Some(_) => Err(Failure::new(
                Exit::Failed,
                anyhow::anyhow!(
                    "the plugin gave no verdict: see `fault` above; the profile covers what it burnt until then"
                ),
            )),
        }
    }
}

/// Runs every call again, and records where its fuel goes.
fn follow(
    stage: &dyn Stage,
    module: &Path,
    settings: Map<String, Value>,
    inputs: &[Inputs],
    played: &Played,
) -> Result<profile::Profile, Failure> {
    let bytes = std::fs::read(module)
        .map_err(|error| Failure::new(Exit::Plugin, anyhow::anyhow!("{} cannot be read: {error}", module.display())))?;
    let settings = Value::Object(settings).to_string();
    let mut profiler = Profiler::new(stage.engine(), &bytes, &settings, stage.plugin().limits())
        .map_err(|error| Failure::new(Exit::Plugin, error))?;
    for (Inputs { needs, handle }, call) in inputs.iter().zip(&played.calls) {
        let needs = needs.iter().map(|input| (Function::Needs, input.as_str()));
        let calls: Vec<_> = needs.chain([(Function::Handle, handle.as_str())]).collect();
        let followed = profiler.follow(&calls, call.usage.fuel, call.fault.is_some());
        followed.map_err(|error| Failure::new(Exit::Other, error))?;
    }
    Ok(profiler.finish())
}

/// Prints a note to standard error. It is not a failure, and is not part of the output for machines.
fn note(text: &str) {
    // If standard error cannot be written to, there is nowhere to report that.
    let _ = writeln!(std::io::stderr(), "note: {text}");
}
