//! What became of one callback, in service and in a candidate, and how the two compare.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use callgate_dialects::{Decision, Difference};
use callgate_sandbox::Fault;

use crate::chain::{ChainRun, Step};
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
    /// A plugin in service failed, and none of the candidate.
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

/// What became of one callback on one side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outcome<'r> {
    pub(crate) decision: &'r Decision,
    pub(crate) steps: &'r [Step],
    fault: Option<&'r Fault>,
    /// The digest of its records.
    records: u64,
}

impl<'r> Outcome<'r> {
    /// Of a chain that ran for one callback.
    pub(crate) fn of(run: &'r ChainRun) -> Self {
        let ChainRun { decision, steps, fault, records, .. } = run;
        Self { decision, steps, fault: fault.as_ref(), records: digest(records) }
    }

    /// Of a chain that ran for all callbacks of a request. `digests` is what [`digests`] said before the records were
    /// taken out.
    pub(crate) fn of_each(run: &'r ChainRun, digests: &[u64]) -> Vec<Self> {
        let digest = |number| digests.get(number).copied().unwrap_or_default();
        if run.parts.is_empty() {
            let ChainRun { decision, steps, fault, .. } = run;
            return vec![Self { decision, steps, fault: fault.as_ref(), records: digest(0) }];
        }
        let mut steps = run.steps.as_slice();
        let mut each = Vec::with_capacity(run.parts.len());
        for (number, part) in run.parts.iter().enumerate() {
            let (its_steps, others) = steps.split_at_checked(part.steps).unwrap_or((steps, &[]));
            steps = others;
            let (decision, fault) = (&part.decision, part.fault.as_ref());
            each.push(Self { decision, steps: its_steps, fault, records: digest(number) });
        }
        each
    }

    /// The calls that failed, and how.
    pub(crate) fn faults(&self) -> impl Iterator<Item = (&'r Step, &'r Fault)> {
        let steps: &'r [Step] = self.steps;
        let faults = steps.iter().filter_map(|step| Some((step, step.fault.as_ref()?)));
        faults.filter(|(_, fault)| **fault != Fault::NoTime)
    }

    /// Whether there was no time for all of it.
    fn is_unfinished(&self) -> bool {
        self.fault.is_some() || self.steps.iter().any(|step| step.fault == Some(Fault::NoTime))
    }

    /// Fuel that its calls burnt.
    pub(crate) fn fuel(&self) -> u64 {
        self.steps.iter().map(|step| step.usage.fuel.0).sum()
    }

    /// CPU time of its calls, and all that they caused.
    pub(crate) fn cpu(&self) -> Duration {
        self.steps.iter().map(|step| step.cpu).sum()
    }

    /// How a candidate's outcome compares with this one.
    pub(crate) fn compare(&self, candidate: &Self) -> Kind {
        if self.is_unfinished() || candidate.is_unfinished() {
            return Kind::NoTime;
        }
        match (self.faults().next().is_some(), candidate.faults().next().is_some()) {
            (true, true) => Kind::BothFault,
            (true, false) => Kind::PresentFault,
            (false, true) => Kind::CandidateFault,
            (false, false) => match self.decision.difference(candidate.decision) {
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
    let of_part = |part: &crate::chain::Part| {
        let (its_records, others) = records.split_at_checked(part.records).unwrap_or((records, &[]));
        records = others;
        digest(its_records)
    };
    run.parts.iter().map(of_part).collect()
}

/// The name of a plugin in the settings, without the name of the candidate behind it.
pub(super) fn plain_name(name: &str) -> &str {
    name.split_once('@').map_or(name, |(plugin, _)| plugin)
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
        let compare = |one: &[&str], other: &[&str]| Outcome::of(&run(one)).compare(&Outcome::of(&run(other)));
        assert_eq!(compare(&["1", "2"], &["1", "2"]), Kind::Same);
        assert_eq!(compare(&["1", "2"], &["12"]), Kind::Records);
        assert_eq!(compare(&[], &["1"]), Kind::Records);
        let deny = Decision::Deny(Denial { code: 1, message: String::new(), detail: String::new() });
        let denied = ChainRun { decision: deny, ..ChainRun::default() };
        assert_eq!(Outcome::of(&run(&["1"])).compare(&Outcome::of(&denied)), Kind::Verdict);
        let late = ChainRun { fault: Some(Fault::NoTime), ..ChainRun::default() };
        assert_eq!(Outcome::of(&late).compare(&Outcome::of(&denied)), Kind::NoTime);
    }

    #[test]
    fn each_part_of_a_request_is_an_outcome_of_its_own() {
        let part = |data: &str| ChainRun { records: vec![record(data)], ..ChainRun::default() };
        let mut run = part("1");
        run.add(ChainRun::default());
        run.add(part("2"));
        let each = Outcome::of_each(&run, &digests(&run)).iter().map(|outcome| outcome.records).collect::<Vec<_>>();
        assert_eq!(each, [digest(&[record("1")]), 0, digest(&[record("2")])]);
    }
}
