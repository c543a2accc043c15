//! The one log record of a callback.

use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use callgate_catalogue::catalogue::{Named, Protocol};
use callgate_catalogue::line::one_line;
use callgate_catalogue::wire::{LogLevel, Why};
use callgate_dialects::{Callback, Decision};

use crate::chain::{ChainRun, Step};
use crate::settings::{Log, Users};

/// A callback that was answered.
pub(crate) struct Answered<'a> {
    /// The name of its platform.
    pub(crate) platform: &'a str,
    pub(crate) protocol: &'static Protocol,
    pub(crate) callback: &'a Callback,
    /// The chat server's, or one that was made here.
    pub(crate) operation_id: &'a str,
    pub(crate) run: &'a ChainRun,
    /// The name of the candidate that answered; `None`: what is in service did.
    pub(crate) shadow: Option<&'a str>,
    /// Records that were taken for the journal.
    pub(crate) records: usize,
    pub(crate) took: Duration,
    pub(crate) how: How,
}

/// What has become of a callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    /// It was answered by its plugins.
    Answered,
    /// It was acknowledged, and its plugins get it later.
    Kept,
    /// This entry of the journal was done.
    WorkedOff(i64),
    /// This entry of the journal is retried later, or dead.
    NotWorkedOff(i64),
}

impl How {
    fn text(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Kept => "acknowledged, and stored in the journal",
            Self::WorkedOff(_) => "processed",
            Self::NotWorkedOff(_) => "not processed; it is retried or dead",
        }
    }

    fn entry(self) -> Option<i64> {
        match self {
            Self::Answered | Self::Kept => None,
            Self::WorkedOff(entry) | Self::NotWorkedOff(entry) => Some(entry),
        }
    }
}

/// Writes records as the settings say. Payloads are not among them, and texts that plugins made only where they are
/// wanted: those may quote payloads.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Different after each start, so that users cannot be found by hashing guesses.
    hasher: RandomState,
}

impl Records {
    /// Writes the record of a callback, after what its plugins said.
    pub(super) fn write(&self, answered: &Answered<'_>, settings: Log) {
        for step in answered.run.steps.iter().filter(|step| !step.log.is_empty()) {
            log_lines(answered, step, settings);
        }
        let run = answered.run;
        let is_fault = run.fault.is_some() || run.steps.iter().any(|step| step.fault.is_some());
        // Nothing is formatted for a record that is not written.
        let is_read = match is_fault {
            true => tracing::enabled!(target: "callgate::callback", tracing::Level::WARN),
            false => tracing::enabled!(target: "callgate::callback", tracing::Level::INFO),
        };
        if is_read {
            self.log(answered, is_fault, settings);
        }
    }

    fn log(&self, answered: &Answered<'_>, is_fault: bool, settings: Log) {
        let Answered { platform, callback, run, shadow, records, took, .. } = *answered;
        let verdict = run.decision.name();
        let command = one_line(callback.name());
        let fuel: u64 = run.steps.iter().map(|step| step.usage.fuel.0).sum();
        let ms = took.as_micros() as f64 / 1000.0;
        let operation_id = one_line(answered.operation_id);
        let Named { actor, target } = self.people(answered, settings.users);
        let code = match &run.decision {
            Decision::Deny(denial) => Some(denial.code),
            _ => None,
        };
        // Fields without a value are left out.
        let decided_by = Some(run.decided_by.as_str()).filter(|by| !by.is_empty());
        let fault =
            run.steps.iter().find_map(|step| step.fault.as_ref()).or(run.fault.as_ref()).map(|fault| fault.name());
        let (actor, target) = (Some(actor).filter(|id| !id.is_empty()), Some(target).filter(|id| !id.is_empty()));
        let (said, entry) = (answered.how.text(), answered.how.entry());
        let (plugins, notes) = plugins_and_notes(callback, run, settings);
        let facts = facts(run);
        macro_rules! record {
            ($level:ident) => {
                tracing::$level!(
                    target: "callgate::callback",
                    %platform, %command, %verdict, code, decided_by, fault, actor, target, %plugins, shadow, facts, fuel, ms, records,
                    entry, %operation_id, "{said}{notes}"
                )
            };
        }
        if is_fault { record!(warn) } else { record!(info) }
    }

    /// Who acts and on whom, as the settings want them shown.
    fn people(&self, answered: &Answered<'_>, users: Users) -> Named {
        let callback = answered.callback;
        let Some(command) = callback.command().filter(|_| users != Users::No) else { return Named::default() };
        let Named { actor, target } = answered.protocol.people.named(command, callback.body());
        let shown = |id: String| match users {
            _ if id.is_empty() => id,
            Users::Hashed => format!("{:016x}", self.hasher.hash_one(id)),
            Users::Yes | Users::No => one_line(&id),
        };
        Named { actor: shown(actor), target: shown(target) }
    }
}

/// Numbers of facts that were known, absent, late and failed, without zeros: `2 known, 1 late`.
fn facts(run: &ChainRun) -> Option<String> {
    let found = || run.facts.iter().flat_map(|known| known.found());
    let count = |why: Option<Why>| found().filter(|found| found.answer.value.as_ref().err().copied() == why).count();
    let counts =
        std::iter::once(None).chain(Why::ALL.map(Some)).map(|why| (count(why), why.map_or("known", Why::name)));
    let texts = counts.filter(|(count, _)| *count > 0).map(|(count, name)| format!("{count} {name}"));
    let text = texts.collect::<Vec<_>>().join(", ");
    (!text.is_empty()).then_some(text)
}

/// The plugins that were called, and what to log about their calls.
fn plugins_and_notes(callback: &Callback, run: &ChainRun, settings: Log) -> (String, String) {
    let (mut plugins, mut notes) = (String::new(), String::new());
    for step in &run.steps {
        let name = step.link.name();
        // Writing into a text does not fail.
        let _ = write!(plugins, "{}{name}", if plugins.is_empty() { "" } else { "," });
        if let Some(fault) = &step.fault {
            let text = if settings.payloads { fault.to_string() } else { fault.without_texts() };
            let _ = write!(notes, "; {name}: {text}");
        }
        for adjustment in &step.adjustments {
            let text = match callback.command() {
                Some(command) if !settings.payloads => adjustment.without_texts(command),
                _ => adjustment.to_string(),
            };
            let _ = write!(notes, "; {name}: {text}");
        }
    }
    if let Some(fault) = &run.fault {
        let of = run.not_asked.as_deref().map(|name| format!("{name}: ")).unwrap_or_default();
        let _ = match &run.overload {
            Some(overload) => write!(notes, "; {of}{overload}"),
            None => write!(notes, "; {of}{fault}"),
        };
    }
    (plugins, notes)
}

/// Writes what a plugin said, each line with what it takes to find the callback.
fn log_lines(answered: &Answered<'_>, step: &Step, settings: Log) {
    let plugin = &**step.link.name();
    let platform = answered.platform;
    let command = one_line(answered.callback.name());
    let operation_id = one_line(answered.operation_id);
    for (level, text) in &step.log {
        let text = match settings.payloads {
            true => text.clone(),
            false => format!("a line of {} characters (`log_payloads` shows it)", text.chars().count()),
        };
        macro_rules! line {
            ($level:ident) => {
                tracing::$level!(plugin, %platform, %command, %operation_id, "{text}")
            };
        }
        match level {
            LogLevel::Debug => line!(debug),
            LogLevel::Info => line!(info),
            LogLevel::Warn => line!(warn),
            LogLevel::Error => line!(error),
        }
    }
}
