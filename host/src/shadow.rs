//! Candidates: the chain of a command with one change. They run after the answer, on spare capacity, and are compared
//! with what was answered; or they answer a part of the callbacks themselves.
//!
//! A candidate has links of its own: its instances, breakers and pace are separate from those in service.

mod book;
mod build;
mod canary;
mod candidate;
mod outcome;
mod queue;
mod room;
mod samples;

use std::sync::Arc;

use callgate_dialects::Callback;

use crate::chain::ChainRun;

pub(crate) use build::Builder;
pub(crate) use candidate::{Candidate, Job, Past, Reserved, Shadow, Sources};
pub(crate) use outcome::{OUTCOMES, Outcomes, digests};
pub(crate) use queue::Queue;

/// The candidate that answers this callback, if one does. There is one at most: the settings see to that.
pub(crate) fn answering<'c>(candidates: &'c [Arc<Candidate>], callback: &Callback) -> Option<&'c Arc<Candidate>> {
    candidates.iter().find(|candidate| candidate.answers(callback))
}

/// Counts which chain answered, where a candidate answers a part of the callbacks; it falls back if it fails too often.
pub(crate) fn answered(
    candidates: &[Arc<Candidate>],
    by: Option<&Arc<Candidate>>,
    run: &ChainRun,
    now_unix_ms: impl FnOnce() -> u64,
) {
    match by {
        Some(candidate) => candidate.answered(run, now_unix_ms),
        None => candidates.iter().for_each(|candidate| candidate.was_answered_for()),
    }
}

/// Reserves queue room to compare a callback with these candidates, unless one of them has answered it; `None`: the
/// queues are full.
pub(crate) fn reserve(
    candidates: &[Arc<Candidate>],
    by: Option<&Arc<Candidate>>,
    callback: &Callback,
    run: &ChainRun,
) -> Option<Reserved> {
    if by.is_some() { None } else { Reserved::take(candidates, callback, run) }
}
