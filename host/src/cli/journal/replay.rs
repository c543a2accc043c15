//! `callgate journal replay`: stored callbacks through another build, or through the chain as it is configured now.

use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};

use callgate_journal::{DecisionId, EntryId, Reader};
use callgate_sandbox::Plugin;
use callgate_terminal::{self as terminal, Exit, Failure};
use clap::Args;
use serde_json::{Value, json};

use super::super::serve;
use super::export::numbers;
use super::filters::{Filters, Id, Kind};
use super::place::unreadable;
use super::progress::Progress;
use crate::decisions::{Document, StoredFact};
use crate::entries::Head;
use crate::host::Host;
use crate::replay::{Case, Difference, NotReplayed, Outcome};
use crate::settings::{ModuleSource, Settings};

/// Run stored callbacks again, without effects, through another build of a plugin or through the current settings
#[derive(Debug, Args)]
pub(super) struct Replay {
    /// The settings file of the host, whose journal has the callbacks, and whose plugins run them
    #[arg(long, value_name = "FILE")]
    settings: PathBuf,

    /// Take the callbacks from this folder instead of the journal that the settings name
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,

    /// The build to try, instead of the plugin in the settings whose module has the same name
    #[arg(long, value_name = "FILE.wasm")]
    plugin: Option<PathBuf>,

    /// The plugin in the settings that the build replaces
    #[arg(long, value_name = "NAME", requires = "plugin")]
    instead_of: Option<String>,

    /// Which callbacks: decisions with payloads, entries, or both
    #[arg(long, value_enum)]
    only: Option<Kind>,

    #[command(flatten)]
    filters: Filters,

    /// Maximum number of callbacks whose differences are shown
    #[arg(long, value_name = "N", default_value_t = 20)]
    show: usize,

    /// Also fail on a difference in fuel
    #[arg(long)]
    fuel: bool,

    /// Write JSON, for scripts: one object for each callback that differs, then one with the sums
    #[arg(long)]
    json: bool,
}

/// What a replay has found.
#[derive(Default)]
struct Sums {
    replayed: u64,
    visible: u64,
    verdict: u64,
    answer: u64,
    records: u64,
    fuel: u64,
    fuel_before: u64,
    fuel_after: u64,
    /// Compared with the chain as it is configured, because what was decided then is not known or was due to load.
    rerun: u64,
    /// Nothing is known to compare with: they are entries, and no other build was named.
    without_result: u64,
    not_replayed: u64,
    damaged: u64,
    first_problem: Option<String>,
}

/// One callback that differs.
struct Shown {
    id: Id,
    case: Case,
    before: Outcome,
    after: Outcome,
    difference: Difference,
}

impl Replay {
    /// Runs the command.
    ///
    /// # Errors
    /// If the journal, the settings or the plugin cannot be used, or something differs.
    pub(super) fn run(self) -> Result<(), Failure> {
        if let Some(kind) = self.only {
            if kind == Kind::Records {
                let text = "records are not callbacks: replay entries, decisions or both";
                return Err(Failure::new(Exit::Usage, anyhow::anyhow!(text)));
            }
            self.filters.check(kind)?;
        }
        let settings = serve::read(&self.settings)?;
        let folder = self.folder.clone().unwrap_or_else(|| settings.journal.folder.clone());
        let mut reader = Reader::open(&folder).map_err(super::place::not_opened)?;
        let new = match &self.plugin {
            None => None,
            Some(module) => Some(serve::start(self.with_plugin(&settings, module)?)?),
        };
        let old = serve::start(without_effects(settings))?;
        let (sums, shown) = self.replay(&mut reader, &old, new.as_ref())?;
        terminal::print(&self.report(&sums, &shown))?;
        let differs = sums.visible > 0 || (self.fuel && sums.fuel > 0);
        match differs {
            false => Ok(()),
            true => {
                let text = format!(
                    "{} of {} callbacks differ",
                    sums.visible.max(if self.fuel { sums.fuel } else { 0 }),
                    sums.replayed
                );
                Err(Failure::new(Exit::Failed, anyhow::anyhow!(text)))
            }
        }
    }

    /// The settings with the build to try.
    fn with_plugin(&self, settings: &Settings, module: &Path) -> Result<Settings, Failure> {
        let mut settings = without_effects(settings.clone());
        let name = match &self.instead_of {
            Some(name) => name.clone(),
            None => {
                let bytes = std::fs::read(module).map_err(|error| {
                    let text = format!("{}: {error}: name a module, as `callgate build` makes it", module.display());
                    Failure::new(Exit::Plugin, anyhow::anyhow!(text))
                })?;
                let engine = callgate_sandbox::Engine::new(&settings.limits.engine)
                    .map_err(|error| Failure::new(Exit::Other, error))?;
                let manifest = Plugin::check(&engine, &bytes, &settings.limits.plugin)
                    .map_err(|error| Failure::new(Exit::Plugin, error))?;
                manifest.name
            }
        };
        let names: Vec<String> = settings.plugins.iter().map(|plugin| plugin.name.clone()).collect();
        let Some(plugin) = settings.plugins.iter_mut().find(|plugin| plugin.name == name) else {
            let known = names.join(", ");
            let text = format!(
                "the settings have no plugin called {name}: name the plugin to replace with --instead-of ({known})"
            );
            return Err(Failure::new(Exit::Usage, anyhow::anyhow!(text)));
        };
        plugin.module = ModuleSource::Wasm(module.to_owned());
        plugin.sha256 = None;
        Ok(settings)
    }

    /// Runs all callbacks that match, on all cores.
    fn replay(&self, reader: &mut Reader, old: &Host, new: Option<&Host>) -> Result<(Sums, Vec<Shown>), Failure> {
        let kinds = self.only.map_or(vec![Kind::Decisions, Kind::Entries], |kind| vec![kind]);
        let found = Mutex::new((Sums::default(), Vec::new()));
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let (sender, receiver) = sync_channel::<(Id, Case)>(QUEUE_MAX);
        let receiver = Mutex::new(receiver);
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| self.work(&receiver, old, new, &found));
            }
            let result = kinds.into_iter().try_for_each(|kind| self.read(reader, kind, &found, &sender));
            drop(sender);
            result
        })?;
        let (sums, mut shown) = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Threads overtake each other.
        shown.sort_by_key(|shown: &Shown| (shown.id.kind.letter(), shown.id.number));
        Ok((sums, shown))
    }

    /// Reads what matches, the oldest first, and hands it on.
    fn read(
        &self,
        reader: &mut Reader,
        kind: Kind,
        found: &Mutex<(Sums, Vec<Shown>)>,
        sender: &SyncSender<(Id, Case)>,
    ) -> Result<(), Failure> {
        if self.filters.check(kind).is_err() {
            return Ok(());
        }
        let count = match kind {
            Kind::Entries => reader.count_entries(&self.filters.entries(&[])),
            _ => reader.count_decisions(&self.filters.decisions()),
        }
        .map_err(unreadable)?;
        let mut progress = Progress::new("read", count);
        let mut after = None;
        loop {
            let page = numbers(reader, kind, &self.filters, after)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(*last);
            for number in page {
                progress.step();
                match case(reader, kind, number) {
                    Ok(Some(case)) => {
                        // The workers end only after this.
                        let _ = sender.send((Id { kind, number }, case));
                    }
                    Ok(None) => {}
                    Err(_) => lock(found).0.damaged += 1,
                }
            }
        }
    }

    /// Runs cases until there are no more.
    fn work(
        &self,
        receiver: &Mutex<Receiver<(Id, Case)>>,
        old: &Host,
        new: Option<&Host>,
        found: &Mutex<(Sums, Vec<Shown>)>,
    ) {
        loop {
            let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok((id, case)) = next else { return };
            let after = new.unwrap_or(old).replay(&case);
            let (before, is_rerun) = match (&case.kept, new) {
                (Some(kept), _) => (Ok(kept.clone()), false),
                // What came of it is not known: the chain as it is configured says it.
                (None, Some(_)) => (old.replay(&case), true),
                (None, None) => {
                    lock(found).0.without_result += 1;
                    continue;
                }
            };
            note(&mut lock(found), id, case, before, after, is_rerun, self.show);
        }
    }

    fn report(&self, sums: &Sums, shown: &[Shown]) -> String {
        match self.json {
            true => shown.iter().map(Shown::json).chain([sums.json()]).map(|value| format!("{value}\n")).collect(),
            false => shown.iter().map(Shown::text).collect::<String>() + &sums.table(),
        }
    }
}

/// Callbacks that wait for a thread; each has a body.
const QUEUE_MAX: usize = 256;

fn lock<'m>(found: &'m Mutex<(Sums, Vec<Shown>)>) -> std::sync::MutexGuard<'m, (Sums, Vec<Shown>)> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes note of one callback.
fn note(
    (sums, shown): &mut (Sums, Vec<Shown>),
    id: Id,
    case: Case,
    before: Result<Outcome, NotReplayed>,
    after: Result<Outcome, NotReplayed>,
    is_rerun: bool,
    show_max: usize,
) {
    let (before, after) = match (before, after) {
        (Ok(before), Ok(after)) => (before, after),
        (Err(problem), _) | (_, Err(problem)) => {
            sums.not_replayed += 1;
            sums.first_problem.get_or_insert_with(|| problem.to_string());
            return;
        }
    };
    let difference = before.differs(&after);
    sums.replayed += 1;
    sums.rerun += u64::from(is_rerun);
    sums.visible += u64::from(difference.is_visible());
    sums.verdict += u64::from(difference.verdict);
    sums.answer += u64::from(difference.answer);
    sums.records += u64::from(difference.records);
    sums.fuel += u64::from(difference.fuel);
    sums.fuel_before += before.fuel_in_all();
    sums.fuel_after += after.fuel_in_all();
    if difference.is_visible() && shown.len() < show_max {
        shown.push(Shown { id, case, before, after, difference });
    }
}

/// The settings of a host that does nothing but run plugins.
fn without_effects(mut settings: Settings) -> Settings {
    settings.journal.off = true;
    settings.sinks.clear();
    settings.admin = None;
    // What failed then must fail again.
    settings.limits.breaker.faults_max = 0;
    for plugin in &mut settings.plugins {
        plugin.limits.records_per_second_max = 0;
    }
    settings
}

/// A stored callback; `None` if its body was not stored.
fn case(reader: &mut Reader, kind: Kind, number: i64) -> Result<Option<Case>, Failure> {
    if kind == Kind::Entries {
        let entry = reader.entry(EntryId(number)).map_err(unreadable)?;
        let head: Head = serde_json::from_str(&entry.head).unwrap_or_default();
        let facts = head.facts.iter().map(StoredFact::found).collect();
        let (platform, body) = (entry.platform.to_string(), entry.body);
        return Ok(Some(Case { platform, head: head.kept, body, facts, kept: None }));
    }
    let found = reader.decision(DecisionId(number)).map_err(unreadable)?;
    let Ok(document) = Document::from_json(&found.decision.document) else { return Ok(None) };
    let (Some(head), Some(body)) = (document.head.clone(), found.decision.body) else { return Ok(None) };
    let facts = document.facts.iter().map(StoredFact::found).collect();
    Ok(Some(Case { platform: document.platform.clone(), head, body, facts, kept: Outcome::of_document(&document) }))
}

impl Shown {
    fn json(&self) -> Value {
        let outcome = |outcome: &Outcome| {
            json!({
                "verdict": outcome.verdict,
                "fault": outcome.fault,
                "answer": outcome.answer,
                "records": outcome.data.clone().map_or_else(|| outcome.records.into(), Value::from),
                "fuel": outcome.fuel_in_all(),
            })
        };
        let before_and_after = json!({ "before": outcome(&self.before), "after": outcome(&self.after) });
        json!({ "id": self.id.to_string(), "platform": self.case.platform, "command": self.case.head.command, "differs": before_and_after })
    }

    /// A heading, and a line for each side of what differs.
    fn text(&self) -> String {
        let mut text = format!("{} {} {}\n", self.id, self.case.platform, self.case.head.command);
        let mut pair = |what: &str, before: String, after: String| {
            text.push_str(&format!("  - {what}: {before}\n  + {what}: {after}\n"));
        };
        let Difference { verdict, answer, records, .. } = self.difference;
        if verdict {
            let of = |outcome: &Outcome| match outcome.fault.as_str() {
                "" => outcome.verdict.clone(),
                fault => format!("{} ({fault})", outcome.verdict),
            };
            pair("verdict", of(&self.before), of(&self.after));
        }
        if answer {
            let of = |outcome: &Outcome| outcome.answer.clone().unwrap_or_default().to_string();
            pair("answer", of(&self.before), of(&self.after));
        }
        if records {
            let of = |outcome: &Outcome| match &outcome.data {
                Some(data) => Value::from(data.clone()).to_string(),
                None => format!("{} records", outcome.records),
            };
            pair("records", of(&self.before), of(&self.after));
        }
        text
    }
}

impl Sums {
    fn json(&self) -> Value {
        json!({
            "replayed": self.replayed,
            "differ": self.visible,
            "verdicts_differ": self.verdict,
            "answers_differ": self.answer,
            "records_differ": self.records,
            "fuel_differs": self.fuel,
            "fuel_before": self.fuel_before,
            "fuel_after": self.fuel_after,
            "compared_with_a_second_run": self.rerun,
            "without_result": self.without_result,
            "not_replayed": self.not_replayed,
            "damaged": self.damaged,
        })
    }

    fn table(&self) -> String {
        let fuel = match self.fuel_before {
            0 => String::new(),
            before => format!("{:+.1} % in all", (self.fuel_after as f64 / before as f64 - 1.0) * 100.0),
        };
        let rows = [
            ("replayed", self.replayed, String::new()),
            ("differ", self.visible, String::new()),
            ("  in the verdict", self.verdict, String::new()),
            ("  in the answer", self.answer, String::new()),
            ("  in the records", self.records, String::new()),
            ("fuel differs", self.fuel, fuel),
            ("compared with a second run of the settings", self.rerun, String::new()),
            ("nothing to compare with", self.without_result, String::new()),
            ("not replayed", self.not_replayed, self.first_problem.clone().unwrap_or_default()),
            ("damaged", self.damaged, String::new()),
        ];
        let rows: Vec<_> =
            rows.into_iter().map(|(what, count, more)| vec![what.to_owned(), count.to_string(), more]).collect();
        terminal::table(&["CALLBACKS", "NUMBER", ""], &rows)
    }
}
