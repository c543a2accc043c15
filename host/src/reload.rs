//! Reads the settings again and puts them into service while callbacks are running.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::difference::Difference;
use crate::files::{Kept, Seen};
use crate::generation::{Crates, Generation, Module, NotBuilt, Progress};
use crate::history::{Entry, History};
use crate::host::Host;
use crate::priority;
use crate::reloads::{Changed, Status, Watch};
use crate::settings::Step::{Key, Number};
use crate::settings::{Draft, Problem, Settings};

/// Which kind of reload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ask {
    /// Whether what was built is put into service.
    pub mode: Mode,
    /// Which crates are built.
    pub crates: Crates,
}

/// Whether a reload ends with the new generation in service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It does, if nothing is wrong.
    Replace,
    /// Everything is built and checked, and then dropped.
    Try,
}

/// What a reload did, or would do.
#[derive(Debug)]
pub struct Report {
    /// The number of the generation in service.
    pub generation: u64,
    /// Whether it is a new one. A trial puts none into service.
    pub is_new: bool,
    /// What is different.
    pub difference: Difference,
    /// Keys whose values differ from those in force, and that take effect with a restart.
    pub restart: Vec<&'static str>,
    /// Plugins that are not loaded, and why.
    pub not_loaded: Vec<Problem>,
    /// What is wrong with the certificates of the listeners. The previous ones stay in use; a restart would fail.
    pub certificates: Vec<Problem>,
    /// How long it took, from reading the settings.
    pub took: Duration,
}

/// The result of a check of the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Polled {
    /// None has changed.
    Unchanged,
    /// A file has changed and may still be changing: check again soon.
    Changing,
    /// Some had changed, and the settings were read again.
    Reloaded {
        /// Whether something is wrong with them.
        is_refused: bool,
    },
}

/// How often files that keep changing are waited for.
const CHANGING_MAX: u32 = 20;

/// Maximum size of a file that is checked, in bytes: the largest module that settings can allow.
const FILE_BYTES_MAX: u64 = 1 << 30;

impl Host {
    /// Reads the settings again, builds and checks all that has changed next to the generation in service, and puts it
    /// into service. Blocks for as long as plugins take to be built, configured and compiled; waits for another reload
    /// to end.
    ///
    /// # Errors
    /// All mistakes. What was in service still is.
    pub fn reload(&self, ask: Ask) -> Result<Report, Vec<Problem>> {
        self.reload_alone(ask, &mut self.reloads.alone())
    }

    fn reload_alone(&self, ask: Ask, watch: &mut Watch) -> Result<Report, Vec<Problem>> {
        let (read, ended) = self.attempt_quietly(ask, None);
        if ask.mode == Mode::Try {
            return ended;
        }
        watch.files = read;
        watch.changing = Default::default();
        let mut status = self.reloads.status();
        status.rolled_back_to = status.rolled_back_to.filter(|_| ended.is_err());
        drop(status);
        self.note(&ended);
        if ended.as_ref().is_ok_and(|report| report.is_new) {
            self.keep_in_service();
        }
        ended
    }

    /// Puts a stored configuration back into service: the one with this number, or the one before the one in service.
    /// The files are not changed. When they change, or on the next reload, they count again. Blocks as [`Host::reload`]
    /// does.
    /// `instead_of`: only if the configuration with this number is still in service. So of two rollbacks at the same
    /// time, the second one does not go further back.
    ///
    /// # Errors
    /// All mistakes. What was in service still is.
    pub fn roll_back(&self, to: Option<u64>, instead_of: Option<u64>) -> Result<Report, Vec<Problem>> {
        let _alone = self.reloads.alone();
        let Status { kept: in_service, kept_before, .. } = self.reload_status();
        if instead_of.is_some() && instead_of != in_service {
            let message = "another configuration was put into service meanwhile: run `callgate rollback --list` again";
            return Err(vec![self.generation().settings().source.problem(&[Key("reload"), Key("keep")], message)]);
        }
        let found = self.history().and_then(|history| {
            let entries = history.list();
            let entry = match to {
                Some(number) => entries.into_iter().find(|entry| entry.number == number),
                None => entries.into_iter().rfind(|entry| match (in_service, kept_before) {
                    (Some(current), _) => entry.number < current,
                    (None, Some(before)) => entry.number <= before,
                    (None, None) => true,
                }),
            };
            entry.map(|entry| (history.open(&entry), entry.number))
        });
        let Some((kept, number)) = found else {
            let message = match to {
                Some(_) => "no such configuration is stored: `callgate rollback --list` lists them",
                None => {
                    "no configuration is stored before the one in service: `callgate rollback --list` lists those that are"
                }
            };
            return Err(vec![self.generation().settings().source.problem(&[Key("reload"), Key("keep")], message)]);
        };
        let ask = Ask { mode: Mode::Replace, crates: Crates::BuildNew };
        let (_, ended) = self.attempt_quietly(ask, Some(Arc::new(kept)));
        if ended.is_ok() {
            let mut status = self.reloads.status();
            (status.rolled_back_to, status.kept, status.kept_before) = (Some(number), Some(number), None);
            tracing::warn!(
                number,
                "a kept configuration is put back into service; the settings file and what it names are not touched: \
                 mend them, a restart reads them"
            );
        }
        self.note(&ended);
        ended
    }

    /// The stored configurations, the oldest first, and the number of the one in service.
    pub fn kept(&self) -> (Vec<Entry>, Option<u64>) {
        (self.history().map_or_else(Vec::new, |history| history.list()), self.reloads.status().kept)
    }

    /// Notes what is wrong with the certificates of the listeners, for operators. Blocks: reads their files.
    pub(crate) fn note_certificates(&self) {
        let problems = self.generation().settings().certificate_problems();
        self.reloads.status().certificates = problems;
    }

    /// How reloads have ended.
    pub fn reload_status(&self) -> Status {
        self.reloads.status().clone()
    }

    /// Checks whether a file has changed since it was read, and reloads if so, once its contents are the same in two
    /// checks in a row. Blocks as [`Host::reload`] does.
    pub fn poll(&self) -> Polled {
        let mut watch = self.reloads.alone();
        if watch.files.is_empty() {
            let generation = self.generation();
            watch.files = all_seen(&generation.settings().seen, generation.modules());
        }
        let changed = changed(&mut watch.files);
        if changed.is_empty() {
            watch.changing = Default::default();
            return Polled::Unchanged;
        }
        let (before, times) = std::mem::take(&mut watch.changing);
        if !is_same(&before, &changed) && times < CHANGING_MAX {
            watch.changing = (changed, times + 1);
            return Polled::Changing;
        }
        let rolled_back_to = self.reloads.status().rolled_back_to;
        let files: Vec<String> = changed.iter().map(|(path, _)| path.display().to_string()).collect();
        tracing::info!(files = files.join(", "), "files have changed: reloading the settings");
        let ask = Ask { mode: Mode::Replace, crates: Crates::BuildNew };
        let is_refused = self.reload_alone(ask, &mut watch).is_err();
        if let (Some(number), false) = (rolled_back_to, is_refused) {
            tracing::warn!(
                number,
                files = files.join(", "),
                "the rollback has ended, because files have changed: the settings file and what it names are in service"
            );
        }
        Polled::Reloaded { is_refused }
    }

    /// Keeps what is in service for a rollback. Failing that is no reason not to serve.
    pub(crate) fn keep_in_service(&self) {
        let generation = Arc::clone(&self.generation());
        // If this one is not stored, a rollback goes to the stored one that it replaces, not to the one before that.
        let mut status = self.reloads.status();
        status.kept_before = status.kept.take().or(status.kept_before);
        drop(status);
        let Some(history) = self.history().filter(|_| generation.not_loaded().is_empty()) else { return };
        match history.keep(&generation, self.now_unix_ms()) {
            Ok(Some(number)) => {
                let mut status = self.reloads.status();
                (status.kept, status.kept_before) = (Some(number), None);
            }
            Ok(None) => tracing::warn!(
                "the configuration in service is not kept for a rollback, because its files are too large: raise \
                 `keep_bytes_max` under [reload]"
            ),
            Err(error) => tracing::warn!("the configuration in service is not kept for a rollback: {error}"),
        }
    }

    fn history(&self) -> Option<History> {
        let generation = self.generation();
        let settings = generation.settings();
        History::of(&settings.reload, settings.source.path())
    }

    /// As [`Host::attempt`], at a priority at which it does not slow down callbacks.
    fn attempt_quietly(&self, ask: Ask, kept: Option<Arc<Kept>>) -> (Vec<Seen>, Result<Report, Vec<Problem>>) {
        priority::lowered(|| self.attempt(ask, kept)).unwrap_or_else(|error| {
            let message =
                format!("no thread can be started to read it again ({error}): raise TasksMax= or `ulimit -u`");
            (Vec::new(), Err(vec![self.generation().settings().source.problem(&[], &message)]))
        })
    }

    /// Reads, builds, checks and replaces. Also returns the files as they were read.
    fn attempt(&self, ask: Ask, kept: Option<Arc<Kept>>) -> (Vec<Seen>, Result<Report, Vec<Problem>>) {
        let started = Instant::now();
        let before = Arc::clone(&self.generation());
        let path = before.settings().source.path();
        let Draft { settings, problems, seen } = Settings::draft_again(self.settings.chat_servers, path, kept);
        // What could not be read because of a mistake is watched as it is in service.
        let watched = |modules: &[Module]| {
            let in_service = all_seen(&before.settings().seen, before.modules());
            let mut files = all_seen(&seen, modules);
            let others = in_service.into_iter().filter(|old| !files.iter().any(|file| file.path == old.path));
            let others: Vec<Seen> = others.collect();
            files.extend(others);
            files
        };
        let mut settings = match settings {
            Some(settings) if problems.is_empty() => settings,
            _ => return (watched(&[]), Err(problems)),
        };
        let restart = self.settings.keep(&mut settings, before.settings());
        let problems = self.beyond_the_pool(&settings);
        if !problems.is_empty() {
            return (watched(&[]), Err(problems));
        }
        let source = settings.source.clone();
        let next = match self.build(settings, ask.crates, &mut Quiet) {
            Ok(next) => next,
            Err(NotBuilt { errors, modules }) => {
                let problems = errors.iter().map(|error| error.problem(&source)).collect();
                return (watched(&modules), Err(problems));
            }
        };
        let files = all_seen(&seen, next.modules());
        (files, Ok(self.replace_if_new(ask.mode, &before, next, restart, started)))
    }

    fn replace_if_new(
        &self,
        mode: Mode,
        before: &Generation,
        next: Generation,
        restart: Vec<&'static str>,
        started: Instant,
    ) -> Report {
        let difference = Difference::between(before, &next);
        let is_new = mode == Mode::Replace && !difference.is_empty();
        let not_loaded = next.not_loaded().to_vec();
        let generation = if is_new { next.number() } else { before.number() };
        if is_new {
            next.settings().warnings().iter().for_each(|warning| tracing::warn!("{warning}"));
            self.replace(next);
        } else {
            // What only this one would have counted.
            self.telemetry.forget(next.counters(), before.counters());
        }
        // Those of the listeners that are open: listeners that were added need a restart.
        let certificates = self.generation().settings().certificate_problems();
        Report { generation, is_new, difference, restart, not_loaded, certificates, took: started.elapsed() }
    }

    /// Plugins may not have more memory than the pool was made for.
    fn beyond_the_pool(&self, settings: &Settings) -> Vec<Problem> {
        let largest = self.settings.engine.memory_bytes_largest;
        let all = settings.all_plugins().into_iter();
        let too_large = all.filter(|plugin| plugin.limits.memory_bytes_max > largest);
        let problem = |plugin: &crate::settings::Plugin| {
            let place = [Key(plugin.table), Number(plugin.number), Key("memory_bytes_max")];
            let message = format!(
                "plugin {} may have more memory than any did when the host started ({largest} bytes): restart the host, or \
                 lower it",
                plugin.name
            );
            settings.source.problem(&place, &message)
        };
        too_large.map(problem).collect()
    }

    /// Logs and counts how a reload ended.
    fn note(&self, ended: &Result<Report, Vec<Problem>>) {
        let now = self.now_unix_ms();
        let mut status = self.reloads.status();
        match ended {
            Err(problems) => {
                status.refused += 1;
                (status.problems, status.failed_unix_ms) = (problems.clone(), now);
                let generation = self.generation().number();
                for problem in problems {
                    tracing::error!(
                        generation,
                        "the reload is refused, and the previous generation stays in service: {problem}"
                    );
                }
            }
            Ok(report) => {
                status.problems.clear();
                status.good_unix_ms = now;
                status.restart.clone_from(&report.restart);
                status.certificates.clone_from(&report.certificates);
                *if report.is_new { &mut status.changed } else { &mut status.unchanged } += 1;
                let took_ms = u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX);
                let what =
                    if report.is_new { report.difference.lines().join("; ") } else { "nothing has changed".to_owned() };
                tracing::info!(generation = report.generation, took_ms, "the settings are reloaded: {what}");
                if !report.restart.is_empty() {
                    tracing::warn!("these keys take effect with a restart: {}", report.restart.join(", "));
                }
            }
        }
    }
}

/// The settings file, the files that it names, and the modules.
fn all_seen(settings: &[Seen], modules: &[Module]) -> Vec<Seen> {
    let of_modules = modules.iter().flat_map(|module| module.file.iter().chain(&module.signature));
    let mut files: Vec<Seen> = Vec::new();
    for seen in settings.iter().chain(of_modules) {
        if !files.iter().any(|known| known.path == seen.path) {
            files.push(seen.clone());
        }
    }
    files
}

/// The files whose contents are other ones now, with what the system says of them. Of the others that are as they were,
/// it is noted what the system says now.
fn changed(files: &mut [Seen]) -> Vec<Changed> {
    let mut changed = Vec::new();
    for seen in files.iter_mut().filter(|seen| !seen.is_untouched()) {
        let (now, _) = Seen::read(&seen.key, &seen.path, FILE_BYTES_MAX, None);
        if now.sha256 == seen.sha256 {
            seen.stamp = now.stamp;
        } else {
            changed.push((now.path, now.stamp));
        }
    }
    changed
}

fn is_same(before: &[Changed], now: &[Changed]) -> bool {
    let is_like = |(one, other): (&Changed, &Changed)| {
        one.0 == other.0
            && match (&one.1, &other.1) {
                (Some(one), Some(other)) => one.is_like(other),
                (one, other) => one == other,
            }
    };
    before.len() == now.len() && before.iter().zip(now).all(is_like)
}

/// Shows no steps, and logs what cargo says.
struct Quiet;

impl Progress for Quiet {
    fn step(&mut self, _: &str, _: &str, _: usize, _: usize) {}

    fn cargo(&self) -> Option<fn(&str)> {
        Some(|line| tracing::info!(target: "cargo", "{line}"))
    }
}
