//! Candidates: the chain of a command with one change. They run after the answer, on spare capacity, and are compared
//! with what was answered; or they answer a part of the callbacks themselves.
//!
//! A candidate has links of its own: its instances, breakers and pace touch none of those in service.

mod book;
mod build;
mod canary;
mod outcome;
mod queue;
mod samples;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callgate_catalogue::catalogue::Protocol;
use callgate_catalogue::line::one_line;
use callgate_dialects::Callback;
use callgate_sandbox::{Engine, Fault};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::chain::{Chain, ChainRun, Loaded, Mode, Progress};
use crate::deadline::Deadline;
use crate::settings;
use book::{Book, Side, Tally, lock};
use canary::Canary;
use outcome::{Kind, Outcome};
use samples::{Sample, describe};

pub(crate) use build::Builder;
pub(crate) use canary::Fallen;
pub(crate) use outcome::digests;
pub(crate) use queue::Queue;

/// The names of the outcomes of a comparison, for metrics.
pub(crate) const OUTCOMES: &[&str] = &Kind::NAMES;

/// A candidate of one generation.
#[derive(Debug)]
pub(crate) struct Shadow {
    settings: settings::Shadow,
    book: Arc<Book>,
    canary: Arc<Canary>,
    /// The plugins of its chains.
    loaded: Vec<Arc<Loaded>>,
}

/// A candidate at one command of one platform.
#[derive(Debug)]
pub(crate) struct Candidate {
    shadow: Arc<Shadow>,
    chain: Arc<Chain>,
    tally: Arc<Tally>,
    platform: String,
    command: &'static str,
    protocol: &'static Protocol,
    /// Whether examples show what plugins made.
    payloads: bool,
}

/// A callback that was answered by what is in service.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) callback: Callback,
    /// Its ID, if the chat server has given it none.
    pub(crate) operation_id: Option<String>,
    /// What became of it, without its records.
    pub(crate) run: ChainRun,
    /// Of its records; see [`digests`].
    pub(crate) digests: Vec<u64>,
}

/// A callback that waits to be compared.
pub(crate) struct Job {
    past: Past,
    waiting: Vec<Waiting>,
}

/// A candidate's room in the queue. Dropping it makes the room free.
struct Waiting {
    candidate: Arc<Candidate>,
    bytes: usize,
}

impl Shadow {
    /// Its name in the settings.
    pub(crate) fn name(&self) -> &str {
        &self.settings.name
    }

    /// Begins again with all figures at zero.
    pub(crate) fn reset(&self, now_unix_ms: u64) {
        self.book.reset(now_unix_ms);
    }

    /// Lets it answer again after it fell back; false if it had not.
    pub(crate) fn resume(&self) -> bool {
        self.canary.resume()
    }

    /// What it does now: the part of the callbacks that it is to answer, how many wait to be compared, and whether it
    /// fell back.
    pub(crate) fn now(&self) -> (u8, usize, Option<Fallen>) {
        (self.canary.percent(), self.book.waiting.load(Ordering::Relaxed), self.canary.fallen())
    }

    /// All its figures. Blocks: the thread that compares may hold a lock.
    pub(crate) fn report(&self) -> Value {
        let mut report = self.book.report();
        let fallen = self.canary.fallen().map(|Fallen { at_unix_ms, callbacks, faults }| {
            json!({"at_unix_ms": at_unix_ms, "callbacks": callbacks, "faults": faults})
        });
        if let Value::Object(members) = &mut report {
            members.shift_insert(0, "name".to_owned(), self.name().into());
            members.shift_insert(1, "change".to_owned(), self.settings.summary().into());
            members.shift_insert(2, "percent".to_owned(), self.canary.percent().into());
            members.shift_insert(3, "fallen_back".to_owned(), fallen.into());
        }
        report
    }
}

impl Candidate {
    /// Its chain.
    pub(crate) fn chain(&self) -> &Arc<Chain> {
        &self.chain
    }

    /// The name of the candidate in the settings.
    pub(crate) fn name(&self) -> &str {
        self.shadow.name()
    }

    /// Whether it answers this callback.
    fn answers(&self, callback: &Callback) -> bool {
        self.shadow.canary.answers(callback, self.protocol)
    }

    /// Room for a callback; `None`, and it is counted, if there is none.
    fn room(self: &Arc<Self>, bytes: usize) -> Option<Waiting> {
        let (book, settings) = (&self.shadow.book, &self.shadow.settings);
        if take(&book.waiting, 1, settings.queue_max) {
            if take(&book.waiting_bytes, bytes, settings.queue_bytes_max) {
                return Some(Waiting { candidate: Arc::clone(self), bytes });
            }
            book.waiting.fetch_sub(1, Ordering::Relaxed);
        }
        self.tally.dropped();
        None
    }

    /// Runs its chain for a callback that was answered, and compares.
    fn compare(&self, engine: &Engine, past: &Past, now_unix_ms: &dyn Fn() -> u64) {
        let present = Outcome::of_each(&past.run, &past.digests);
        let parts = past.callback.split().unwrap_or_else(|| vec![past.callback.clone()]);
        for (present, part) in present.iter().zip(&parts) {
            let mut progress = Progress::default();
            // Time is not what bounds it.
            let deadline = Deadline::new(Instant::now(), Duration::from_secs(3600));
            self.chain.advance(engine, part, deadline, Mode::Spare, &mut progress);
            let candidate = Outcome::of(&progress.run);
            let kind = present.compare(&candidate);
            self.tally.compared(kind, present, &candidate);
            if kind == Kind::NoTime {
                continue;
            }
            let book = &self.shadow.book;
            book.count_faults(Side::Present, present);
            book.count_faults(Side::Candidate, &candidate);
            if kind != Kind::Same {
                let sample = Sample {
                    at_unix_ms: now_unix_ms(),
                    platform: self.platform.clone(),
                    command: self.command,
                    operation_id: one_line(past.operation_id.as_deref().unwrap_or(past.callback.operation_id())),
                    kind,
                    present: describe(present, self.payloads),
                    candidate: describe(&candidate, self.payloads),
                };
                if lock(&book.samples).keep(sample.clone()) {
                    sample.log(self.name());
                }
            }
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let book = &self.candidate.shadow.book;
        book.waiting.fetch_sub(1, Ordering::Relaxed);
        book.waiting_bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Job {
    /// Compares. Blocks: it runs guests.
    pub(crate) fn run(self, engine: &Engine, now_unix_ms: &dyn Fn() -> u64) {
        for waiting in self.waiting {
            waiting.candidate.compare(engine, &self.past, now_unix_ms);
        }
    }
}

/// Adds to a number that must not become more than a maximum; false if it would.
fn take(number: &AtomicUsize, more: usize, max: usize) -> bool {
    if number.fetch_add(more, Ordering::Relaxed).saturating_add(more) <= max {
        return true;
    }
    number.fetch_sub(more, Ordering::Relaxed);
    false
}

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
    let Some(candidate) = by else {
        for candidate in candidates.iter().filter(|candidate| candidate.shadow.canary.percent() > 0) {
            candidate.tally.answered(Side::Present, false);
        }
        return;
    };
    let is_fault = run.steps.iter().any(|step| step.fault.as_ref().is_some_and(|fault| *fault != Fault::NoTime));
    candidate.tally.answered(Side::Candidate, is_fault);
    if let Some(Fallen { callbacks, faults, .. }) = candidate.shadow.canary.answered(is_fault, now_unix_ms) {
        let shadow = candidate.name();
        tracing::error!(
            target: "callgate::shadow",
            shadow,
            faults,
            callbacks,
            "the candidate answers nothing any more, because its faults passed `faults_per_thousand_max`: after a reload \
             that changes it, or `callgate shadow resume {shadow}`, it does again"
        );
    }
}

/// What is to be compared once a callback is answered; `None`: nothing.
pub(crate) fn afterwards(candidates: &[Arc<Candidate>], past: Past) -> Option<Job> {
    let bytes = past.callback.body().len();
    let waiting: Vec<_> = candidates.iter().filter_map(|candidate| candidate.room(bytes)).collect();
    (!waiting.is_empty()).then(|| Job { past, waiting })
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("past", &self.past).finish_non_exhaustive()
    }
}
