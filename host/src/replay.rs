//! Runs stored callbacks again, without effects: nothing is recorded, counted or answered.

use bytes::Bytes;
use callgate_catalogue::wire::Phase;
use callgate_dialects::{Callback, KeptHead, Refusal};
use callgate_sandbox::Fault;
use serde_json::Value;

use crate::chain::{ChainRun, Found, Mode, Progress};
use crate::deadline::Deadline;
use crate::decisions::Document;
use crate::host::Host;
use crate::rehearsal::Trial;

/// A stored callback, and its outcome if that is known.
#[derive(Debug, Clone)]
pub struct Case {
    /// The platform's name in the settings.
    pub platform: String,
    /// What was stored besides the body.
    pub head: KeptHead,
    /// The body.
    pub body: Bytes,
    /// The stored facts.
    pub facts: Vec<Found>,
    /// What was decided then.
    pub kept: Option<Outcome>,
}

/// What came of a callback.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Outcome {
    /// The decision's name.
    pub verdict: String,
    /// The answer; `None`: it was not stored.
    pub answer: Option<Value>,
    /// The name of the first fault; empty without one.
    pub fault: String,
    /// How many records there were.
    pub records: usize,
    /// The records themselves; `None`: they were not stored.
    pub data: Option<Vec<Value>>,
    /// Fuel, by plugin.
    pub fuel: Vec<(String, u64)>,
}

/// Why a callback cannot be run again.
#[derive(Debug, thiserror::Error)]
pub enum NotReplayed {
    /// The platform is not there any more.
    #[error("the settings no longer have a platform {0}")]
    NoPlatform(String),
    /// It is not the callback that was stored.
    #[error("what was stored is not a callback: {0}")]
    Refused(#[from] Refusal),
}

impl Host {
    /// Runs a stored callback through the chain that it would have now. Blocks: it runs guests.
    ///
    /// # Errors
    /// If there is no such chain any more, or the callback is damaged.
    pub fn replay(&self, case: &Case) -> Result<Outcome, NotReplayed> {
        let generation = self.generation();
        let mounted = generation.platforms().iter().find(|mounted| mounted.platform.name == case.platform);
        let mounted = mounted.ok_or_else(|| NotReplayed::NoPlatform(case.platform.clone()))?;
        let commands = mounted.platform.server.commands();
        let callback = Callback::reopen(commands, case.head.clone(), case.body.clone())?;
        let chain = callback.command().and_then(|command| mounted.routes.find(command));
        let mut progress = Progress::default();
        let trial = Trial { facts: generation.facts(), known: &case.facts, live: None };
        if let Some(chain) = chain {
            let (within, mode) = match callback.phase() {
                Phase::Before => (mounted.platform.answer_within, Mode::Spare),
                Phase::After => (chain.work_within(), Mode::Work),
            };
            // No deadline: the machine's load must not reduce the time of a plugin.
            let deadline = Deadline::new(tokio::time::Instant::now(), within * TIMES_LONGER);
            progress = Progress::knowing(trial.find_out(chain, &self.engine, &callback, deadline, mode));
            chain.advance(&self.engine, &callback, deadline, mode, &mut progress);
        }
        let response = mounted.platform.dialect.render(&callback, &progress.run.decision);
        Ok(Outcome::of_run(&progress.run, &response.body))
    }
}

/// How much more time a chain has than when a chat server waits for it. Each call keeps its own limits.
const TIMES_LONGER: u32 = 10;

impl Outcome {
    fn of_run(run: &ChainRun, answer: &[u8]) -> Self {
        let fault = run.steps.iter().find_map(|step| step.fault.as_ref()).or(run.fault.as_ref());
        let data = run.records.iter().map(|record| serde_json::from_str(&record.data).unwrap_or_default());
        Self {
            verdict: run.decision.name().to_owned(),
            answer: serde_json::from_slice(answer).ok(),
            fault: fault.map(|fault| fault.name().to_owned()).unwrap_or_default(),
            records: run.records.len(),
            data: Some(data.collect()),
            fuel: run.steps.iter().map(|step| (step.link.name().to_string(), step.usage.fuel.0)).collect(),
        }
    }

    /// The outcome in a stored decision; `None` if it was caused by the load of the host, which a replay does not
    /// repeat.
    pub fn of_document(document: &Document) -> Option<Self> {
        let was_load = |fault: &str| [Fault::NoTime.name(), Fault::Suspended.name()].contains(&fault);
        let is_load = was_load(&document.fault) || document.plugins.iter().any(|call| was_load(&call.fault));
        if is_load || document.is_redacted {
            return None;
        }
        let json = |raw: &serde_json::value::RawValue| serde_json::from_str(raw.get()).ok();
        let data = document.kept_records.iter().filter_map(|record| json(record)).collect::<Vec<_>>();
        Some(Self {
            verdict: document.verdict.clone(),
            answer: document.answer.as_deref().and_then(json),
            fault: document.fault.clone(),
            records: document.records,
            data: (data.len() == document.records).then_some(data),
            fuel: document.plugins.iter().map(|call| (call.name.clone(), call.fuel)).collect(),
        })
    }

    /// The fuel of all plugins.
    pub fn fuel_in_all(&self) -> u64 {
        self.fuel.iter().map(|(_, fuel)| fuel).sum()
    }

    /// What is different in `after`.
    pub fn differs(&self, after: &Self) -> Difference {
        let both = |one: &Option<Value>, other: &Option<Value>| one.is_some() && other.is_some() && one != other;
        let data = self.data.is_some() && after.data.is_some() && self.data != after.data;
        Difference {
            verdict: self.verdict != after.verdict || self.fault != after.fault,
            answer: both(&self.answer, &after.answer),
            records: self.records != after.records || data,
            fuel: self.fuel_in_all() != after.fuel_in_all(),
        }
    }
}

/// What is different between two outcomes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Difference {
    /// The verdict, or the fault.
    pub verdict: bool,
    /// The answer: a code, a text, a change.
    pub answer: bool,
    /// The records.
    pub records: bool,
    /// The fuel.
    pub fuel: bool,
}

impl Difference {
    /// Whether a user, a chat server or a sink would notice.
    pub fn is_visible(self) -> bool {
        self.verdict || self.answer || self.records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_kept_is_not_compared() {
        let outcome = Outcome { verdict: "allow".to_owned(), records: 1, ..Outcome::default() };
        let other = Outcome { answer: Some(Value::from(1)), data: Some(vec![Value::from(1)]), ..outcome.clone() };
        assert_eq!(outcome.differs(&other), Difference::default());
        let third = Outcome { answer: Some(Value::from(2)), ..other.clone() };
        assert_eq!(other.differs(&third), Difference { answer: true, ..Difference::default() });
        let fuel = Outcome { fuel: vec![("a".to_owned(), 1)], ..other.clone() };
        assert!(!other.differs(&fuel).is_visible() && other.differs(&fuel).fuel);
    }

    #[test]
    fn decisions_under_load_and_redacted_ones_are_no_measure() {
        let document = Document { verdict: "deny".to_owned(), ..Document::default() };
        assert!(Outcome::of_document(&document).is_some());
        assert!(Outcome::of_document(&Document { fault: "no_time".to_owned(), ..document.clone() }).is_none());
        assert!(Outcome::of_document(&Document { is_redacted: true, ..document }).is_none());
    }
}
