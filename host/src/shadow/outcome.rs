//! What became of one callback, in service and in a candidate, and how the two compare.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use callgate_dialects::{Decision, Difference};
use callgate_sandbox::Fault;

use crate::chain::{ChainRun, Part, Step};
use crate::records::Returned;

/// How a candidate's outcome compares with the one in service. Each comparison is exactly one of these.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// The same answer, and the same records.
    Same,
    /// Something else happens to the operation.
    Verdict,
    /// Both deny, with different codes.
    Code,
    /// The same but for a text.
    Text,
    /// Other users are refused.
    Users,
    /// Other changes.
    Changes,
    /// The same answer, with other records.
    Records,
    /// A plugin of the candidate failed, and none in service.
    CandidateFault,
    /// A plugin in service failed, but none of the candidate's.
    PresentFault,
    /// Plugins failed on both sides.
    BothFault,
    /// There was no time for one of both sides: nothing was compared.
    NoTime,
}

impl Kind {
    /// All of them, in the order of [`Kind::index`].
    pub(crate) const ALL: [Self; 11] = [
        Self::Same,
        Self::Verdict,
        Self::Code,
        Self::Text,
        Self::Users,
        Self::Changes,
        Self::Records,
        Self::CandidateFault,
        Self::PresentFault,
        Self::BothFault,
        Self::NoTime,
    ];

    /// The names in metrics, logs and reports, in the same order.
    pub(crate) const NAMES: [&'static str; 11] = [
        "same",
        "verdict",
        "code",
        "text",
        "users",
        "changes",
        "records",
        "candidate_fault",
        "present_fault",
        "both_fault",
        "no_time",
    ];

    pub(crate) fn index(self) -> usize {
        self as usize
    }

    pub(crate) fn name(self) -> &'static str {
        Self::NAMES.get(self.index()).copied().unwrap_or_default()
    }

    /// Whether no plugin failed, so that both sides did all their work.
    pub(crate) fn is_without_fault(self) -> bool {
        self < Self::CandidateFault
    }
}

/// The names of the outcomes of a comparison, for metrics.
pub(crate) const OUTCOMES: &[&str] = &Kind::NAMES;

/// The outcome of one callback on one side: only what the comparison needs, because it is sent to another thread.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) decision: Decision,
    /// The calls that failed: the name of the plugin, and its fault.
    pub(crate) faults: Vec<(Arc<str>, Fault)>,
    /// Whether time ran out before the chain ended.
    is_unfinished: bool,
    /// Fuel used by its calls.
    pub(crate) fuel: u64,
    /// CPU time of its calls, and of the work that they cause.
    pub(crate) cpu: Duration,
    /// The digest of its records.
    records: u64,
}

/// The outcome of each callback of a request; usually there is one.
#[derive(Debug)]
pub(crate) struct Outcomes {
    first: Outcome,
    others: Vec<Outcome>,
}

impl Outcomes {
    /// Of a chain that ran for all callbacks of a request. `digests` is the result of [`digests`] before the records
    /// were taken out.
    pub(crate) fn of(run: ChainRun, digests: &[u64]) -> Self {
        let digest = |number| digests.get(number).copied().unwrap_or_default();
        let ChainRun { decision, steps, fault, parts, .. } = run;
        let mut parts = parts.into_iter().enumerate();
        let Some((_, first)) = parts.next() else {
            return Self { first: Outcome::of(decision, &steps, fault.as_ref(), digest(0)), others: Vec::new() };
        };
        let mut steps = steps.as_slice();
        let mut next = |number, part: Part| {
            let (its_steps, others) = steps.split_at_checked(part.steps).unwrap_or((steps, &[]));
            steps = others;
            Outcome::of(part.decision, its_steps, part.fault.as_ref(), digest(number))
        };
        let first = next(0, first);
        Self { first, others: parts.map(|(number, part)| next(number, part)).collect() }
    }

    /// All outcomes, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Outcome> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

impl Outcome {
    /// Of a chain that ran for one callback.
    pub(crate) fn of_one(run: ChainRun) -> Self {
        let records = digest(&run.records);
        Self::of(run.decision, &run.steps, run.fault.as_ref(), records)
    }

    fn of(decision: Decision, steps: &[Step], fault: Option<&Fault>, records: u64) -> Self {
        let mut outcome = Self {
            decision,
            faults: Vec::new(),
            is_unfinished: fault.is_some(),
            fuel: 0,
            cpu: Duration::ZERO,
            records,
        };
        for step in steps {
            outcome.fuel += step.usage.fuel.0;
            outcome.cpu += step.cpu;
            match &step.fault {
                None => {}
                Some(Fault::NoTime) => outcome.is_unfinished = true,
                Some(fault) => outcome.faults.push((Arc::clone(step.link.name()), fault.clone())),
            }
        }
        outcome
    }

    /// How a candidate's outcome compares with this one.
    pub(crate) fn compare(&self, candidate: &Self) -> Kind {
        if self.is_unfinished || candidate.is_unfinished {
            return Kind::NoTime;
        }
        match (self.faults.is_empty(), candidate.faults.is_empty()) {
            (false, false) => Kind::BothFault,
            (false, true) => Kind::PresentFault,
            (true, false) => Kind::CandidateFault,
            (true, true) => match self.decision.difference(&candidate.decision) {
                Some(Difference::Verdict) => Kind::Verdict,
                Some(Difference::Code) => Kind::Code,
                Some(Difference::Text) => Kind::Text,
                Some(Difference::Users) => Kind::Users,
                Some(Difference::Changes) => Kind::Changes,
                None if self.records != candidate.records => Kind::Records,
                None => Kind::Same,
            },
        }
    }
}

/// The digests of the records of each callback of a request: enough to tell whether a candidate gives the same.
pub(crate) fn digests(run: &ChainRun) -> Vec<u64> {
    if run.records.is_empty() {
        return Vec::new();
    }
    if run.parts.is_empty() {
        return vec![digest(&run.records)];
    }
    let mut records = run.records.as_slice();
    let of_part = |part: &Part| {
        let (its_records, others) = records.split_at_checked(part.records).unwrap_or((records, &[]));
        records = others;
        digest(its_records)
    };
    run.parts.iter().map(of_part).collect()
}

/// 0 for none.
fn digest(records: &[Returned]) -> u64 {
    if records.is_empty() {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    // Whose they are is different by intention.
    records.iter().for_each(|record| (&record.topic, &record.data).hash(&mut hasher));
    hasher.finish().max(1)
}

#[cfg(test)]
mod tests {
    use callgate_dialects::Denial;

    use super::*;

    #[test]
    fn kinds_are_in_order() {
        assert!(Kind::ALL.iter().enumerate().all(|(index, kind)| kind.index() == index));
        assert_eq!(Kind::Records.name(), "records");
        assert!(Kind::Records.is_without_fault() && !Kind::CandidateFault.is_without_fault());
    }

    fn record(data: &str) -> Returned {
        let plugin = crate::records::Author { name: "p".into(), sha256: "".into(), is_durable: false };
        Returned { topic: None, data: data.to_owned(), plugin: plugin.into() }
    }

    #[test]
    fn records_are_compared_where_the_answers_are_the_same() {
        let run = |records: &[&str]| ChainRun {
            records: records.iter().map(|data| record(data)).collect(),
            ..ChainRun::default()
        };
        let compare = |one: &[&str], other: &[&str]| Outcome::of_one(run(one)).compare(&Outcome::of_one(run(other)));
        assert_eq!(compare(&["1", "2"], &["1", "2"]), Kind::Same);
        assert_eq!(compare(&["1", "2"], &["12"]), Kind::Records);
        assert_eq!(compare(&[], &["1"]), Kind::Records);
        let deny = Decision::Deny(Denial { code: 1, message: String::new(), detail: String::new() });
        let denied = ChainRun { decision: deny, ..ChainRun::default() };
        assert_eq!(Outcome::of_one(run(&["1"])).compare(&Outcome::of_one(denied)), Kind::Verdict);
        let late = ChainRun { fault: Some(Fault::NoTime), ..ChainRun::default() };
        assert_eq!(Outcome::of_one(late).compare(&Outcome::of_one(run(&[]))), Kind::NoTime);
    }

    #[test]
    fn each_part_of_a_request_is_an_outcome_of_its_own() {
        let part = |data: &str| ChainRun { records: vec![record(data)], ..ChainRun::default() };
        let mut run = part("1");
        run.add(ChainRun::default());
        run.add(part("2"));
        let digests = digests(&run);
        let each: Vec<u64> = Outcomes::of(run, &digests).iter().map(|outcome| outcome.records).collect();
        assert_eq!(each, [digest(&[record("1")]), 0, digest(&[record("2")])]);
    }
}
