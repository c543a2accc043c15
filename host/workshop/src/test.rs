//! `callgate test`: sends every callback in a plugin's `callbacks/` folder through the real sandbox.

mod case;
mod diff;
mod junit;

use std::path::{Path, PathBuf};

use clap::Args;

use crate::module;
use crate::output;
use crate::run::report::{GREEN, Measure, RED, YELLOW, paint};
use crate::run::request::CALLBACK;
use crate::stage::{Service, Staged, Wanted};
use crate::watch;
use callgate_terminal::{self as terminal, Exit, Failure};
use case::{Case, Judgement};

/// Run the callbacks/*.request.json of a plugin and compare the answers with *.response.json
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate test --accept
Example: callgate test plugins/tame-requests --fuel-max 200000 --junit target/callbacks.xml
Example: callgate test --from-journal /etc/callgate/host.toml --redact content --accept

In the folder `callbacks` of the crate:
  NAME.request.json   the callback, as the chat server sends it, with its `callbackCommand`
  NAME.response.json  the expected answer to the chat server
  NAME.records.jsonl  the expected records, one per line; no file: none
  NAME.facts.json     the facts of the plugin, as for `callgate run --facts`; no file: none
  NAME.needs.jsonl    the facts that it is expected to ask for, one per line; no file: none
  NAME.updates.jsonl  the changes of facts that it is expected to ask for, one per line; no file: none
  settings.toml       the plugin's settings; no file: none

Answers are compared as JSON: order and white space do not matter. Callbacks arrive at time 0.")]
pub struct Test {
    /// The folder of the plugin's crate, which is built first
    #[arg(value_name = "DIR", default_value = ".")]
    folder: PathBuf,

    /// Write the results to *.response.json, *.records.jsonl, *.needs.jsonl and *.updates.jsonl instead of comparing
    /// them
    #[arg(long)]
    accept: bool,

    /// Fail if a call burns more fuel than this
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    fuel_max: Option<u64>,

    /// Write the results as JUnit XML, for CI
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,

    /// First write the newest callbacks of this plugin, from the journal of the host with these settings, as
    /// NAME.request.json, without the members in `redact` under [journal.decisions]
    #[arg(long, value_name = "HOST.toml", conflicts_with = "watch")]
    from_journal: Option<PathBuf>,

    /// The plugin's name in those settings, if it is not that of the crate
    #[arg(long, value_name = "NAME", requires = "from_journal")]
    plugin: Option<String>,

    /// Remove the values of members with this name from what is written, at any depth; may be repeated
    #[arg(long, value_name = "MEMBER", requires = "from_journal")]
    redact: Vec<String>,

    /// Maximum number of callbacks to write
    #[arg(long, value_name = "N", requires = "from_journal", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    max: u16,

    /// Test again whenever a file of the crate changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

impl Test {
    /// Runs the command.
    ///
    /// # Errors
    /// If the plugin cannot be used, there are no callbacks, or an answer differs from the expected one.
    pub fn run(self, service: &dyn Service) -> Result<(), Failure> {
        match self.watch {
            true => watch::run(std::slice::from_ref(&self.folder), self.junit.as_deref(), || self.once(service)),
            false => self.once(service),
        }
    }

    /// Writes callbacks that a host has stored. Existing files are not changed.
    fn take_from_journal(&self, service: &dyn Service, settings: &Path, callbacks: &Path) -> Result<(), Failure> {
        let name = self.plugin.clone().unwrap_or_else(|| module::name(&self.folder));
        let wanted = Wanted { settings, plugin: &name, redact: &self.redact, max: self.max.into() };
        let kept = service.kept(&wanted)?;
        let mut written = 0;
        for kept in &kept {
            let path = callbacks.join(format!("{}{CALLBACK}", kept.name));
            if !path.exists() {
                let text = format!("{:#}\n", kept.request);
                output::write(&path, text.as_bytes(), "make the folder `callbacks` in the crate")?;
                written += 1;
            }
        }
        let there = kept.len() - written;
        terminal::print(&format!("{written} callbacks from the journal, {there} were there\n"))
    }

    fn once(&self, service: &dyn Service) -> Result<(), Failure> {
        module::check_crate(&self.folder)
            .map_err(|why| Failure::new(Exit::Plugin, anyhow::anyhow!("{} {why}", self.folder.display())))?;
        let callbacks = self.folder.join("callbacks");
        if let Some(settings) = &self.from_journal {
            self.take_from_journal(service, settings, &callbacks)?;
        }
        let cases = Case::all(&callbacks)?;
        let settings = crate::settings::of_crate(&self.folder);
        let settings = settings.as_deref().map(crate::settings::read).transpose()?.unwrap_or_default();
        let (module, name) = (module::built(&self.folder)?, module::name(&self.folder));
        let path = module.path().into_owned();
        let stage = service.stage(Staged { facts: module::facts(&path), module: path, name, settings })?;
        cases.iter().try_for_each(|case| case.check_facts(stage.plugin()))?;

        let coloured = terminal::is_coloured(&std::io::stdout());
        let fuel_max = self.fuel_max.unwrap_or(stage.plugin().limits().fuel_per_call.0) as f64;
        let mut judgements = Vec::new();
        for case in &cases {
            let judgement = case.judge(stage.as_ref(), self.accept, self.fuel_max)?;
            let fuel = Measure { name: "fuel", unit: "", used: judgement.fuel.0 as f64, limit: fuel_max };
            terminal::print(&show(case, &judgement, &fuel, coloured))?;
            judgements.push(judgement);
        }
        if let Some(path) = &self.junit {
            let report = junit::report(stage.plugin().name(), &cases, &judgements);
            let report = report.map_err(|error| Failure::new(Exit::Other, error))?;
            output::write(path, report.as_bytes(), "name another file with --junit")?;
        }

        let failed = judgements.iter().filter(|judgement| !judgement.problems.is_empty()).count();
        terminal::print(&format!("\n{} passed, {failed} failed\n", cases.len() - failed))?;
        if failed == 0 {
            return Ok(());
        }
        let of = format!("{failed} of {} callbacks", cases.len());
        Err(Failure::new(Exit::Failed, anyhow::anyhow!("{of} failed: see above")))
    }
}

/// One line per case, followed by its problems.
fn show(case: &Case, judgement: &Judgement, fuel: &Measure, coloured: bool) -> String {
    let (word, colour) = match (judgement.problems.is_empty(), judgement.is_accepted) {
        (true, false) => ("ok", GREEN),
        (true, true) => ("accepted", GREEN),
        (false, _) => ("FAILED", RED),
    };
    let paint = |colour: &str, text: &str| paint(coloured, colour, text);
    let word = paint(colour, &format!("{word:<8}"));
    let mut text = format!("{word} {}: {}, fuel {}\n", case.name, judgement.verdict, fuel.as_text(coloured));
    if let Some(note) = judgement.note {
        text.push_str(&format!("         {}\n", paint(YELLOW, &format!("note: {note}"))));
    }
    for line in judgement.problems.iter().flat_map(|problem| problem.lines()) {
        let colour = match line.trim_start().chars().next() {
            Some('-') => RED,
            Some('+') => GREEN,
            _ => "",
        };
        text.push_str(&format!("         {}\n", if colour.is_empty() { line.to_owned() } else { paint(colour, line) }));
    }
    text
}
