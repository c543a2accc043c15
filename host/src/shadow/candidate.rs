//! A candidate: which callbacks it answers, what is compared, and its status.

use std::sync::Arc;
use std::time::Duration;

use callgate_catalogue::catalogue::Protocol;
use callgate_catalogue::line::one_line;
use callgate_dialects::Callback;
use callgate_facts::Facts;
use callgate_sandbox::{Engine, Fault};
use serde_json::{Value, json};
use tokio::runtime::Handle;
use tokio::time::Instant;

use super::book::{Book, Side, Tally, lock};
use super::canary::{Canary, Fallen};
use super::outcome::{Kind, Outcome, Outcomes};
use super::samples::{Sample, describe};
use crate::chain::{Chain, ChainRun, Knowledge, Link, Mode, Progress};
use crate::deadline::Deadline;
use crate::held;
use crate::rehearsal::{Live, Trial};
use crate::settings;

/// A candidate of one generation.
#[derive(Debug)]
pub(crate) struct Shadow {
    pub(super) settings: settings::Shadow,
    pub(super) book: Arc<Book>,
    pub(super) canary: Arc<Canary>,
    /// The plugins of its chains.
    pub(super) links: Vec<Arc<Link>>,
}

/// A candidate at one command of one platform.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(super) shadow: Arc<Shadow>,
    pub(super) chain: Arc<Chain>,
    pub(super) tally: Arc<Tally>,
    pub(super) platform: String,
    pub(super) command: &'static str,
    pub(super) protocol: &'static Protocol,
    /// Whether examples show what plugins made.
    pub(super) payloads: bool,
}

/// A callback that was answered by what is in service.
#[derive(Debug)]
pub(crate) struct Past {
    pub(crate) callback: Callback,
    /// Its ID, if the chat server has given it none.
    pub(crate) operation_id: Option<String>,
    /// Its outcome, and that of each of its parts.
    pub(crate) outcomes: Outcomes,
    /// The facts of each part, if plugins needed any.
    pub(crate) facts: Vec<Arc<Knowledge>>,
    /// Where candidates look up other facts; `None`: they need none.
    pub(crate) sources: Option<Sources>,
}

/// The sources of facts.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) facts: Facts,
    pub(crate) runtime: Handle,
}

/// A callback that waits to be compared.
pub(crate) struct Job {
    past: Past,
    reserved: Reserved,
}

/// Room in the queues of candidates for a callback that is being answered. It is taken first: while the queues are
/// full, a callback costs no more than that.
pub(crate) struct Reserved {
    /// Usually there is one candidate.
    first: Waiting,
    others: Vec<Waiting>,
}

/// A candidate's room in the queue. Dropping it makes the room free.
struct Waiting {
    candidate: Arc<Candidate>,
    bytes: usize,
}

/// Bodies up to this size are copied, because the buffers that they were read into are larger; in bytes. The others
/// fill a good part of theirs.
const COPIED_BYTES_MAX: usize = 16 * 1024;

impl Past {
    /// The same, without spare capacity in memory.
    fn compact(mut self) -> Self {
        if self.callback.body().len() <= COPIED_BYTES_MAX {
            self.callback = self.callback.detached();
        }
        self
    }
}

impl Shadow {
    /// Its name in the settings.
    pub(crate) fn name(&self) -> &str {
        &self.settings.name
    }

    /// Resets all figures to zero.
    pub(crate) fn reset(&self, now_unix_ms: u64) {
        self.book.reset(now_unix_ms);
    }

    /// Lets it answer again after it fell back; false if it had not.
    pub(crate) fn resume(&self) -> bool {
        self.canary.resume()
    }

    /// Its status: the percentage that it answers, how many callbacks wait to be compared, and whether it
    /// fell back.
    pub(crate) fn now(&self) -> (u8, u64, bool) {
        (self.canary.percent(), self.book.waiting.callbacks(), self.canary.fallen().is_some())
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
    pub(super) fn answers(&self, callback: &Callback) -> bool {
        self.shadow.canary.answers(callback, self.protocol)
    }

    /// Counts that it has answered a callback. It falls back if it failed too often.
    pub(super) fn answered(&self, run: &ChainRun, now_unix_ms: impl FnOnce() -> u64) {
        let is_fault = run.steps.iter().any(|step| step.fault.as_ref().is_some_and(Fault::is_of_plugin));
        self.tally.answered(Side::Candidate, is_fault);
        if let Some(Fallen { callbacks, faults, .. }) = self.shadow.canary.answered(is_fault, now_unix_ms) {
            let shadow = self.name();
            tracing::error!(
                target: "callgate::shadow",
                shadow,
                faults,
                callbacks,
                "the candidate answers nothing any more, because its faults passed `faults_per_thousand_max`: after a \
                 reload that changes it, or `callgate shadow resume {shadow}`, it does again"
            );
        }
    }

    /// Counts that what is in service has answered a callback, if the candidate answers a part of them.
    pub(super) fn was_answered_for(&self) {
        if self.shadow.canary.percent() > 0 {
            self.tally.answered(Side::Present, false);
        }
    }

    /// Room for a callback; `None`, and it is counted, if there is none.
    fn room(self: &Arc<Self>, bytes: usize) -> Option<Waiting> {
        let settings = &self.shadow.settings;
        if self.shadow.book.waiting.take(bytes, settings.queue_max, settings.queue_bytes_max) {
            return Some(Waiting { candidate: Arc::clone(self), bytes });
        }
        self.tally.dropped();
        None
    }

    /// Runs its chain for a callback that was answered, and compares.
    fn compare(&self, engine: &Engine, past: &Past, now_unix_ms: &dyn Fn() -> u64) {
        let parts = past.callback.split().unwrap_or_else(|| vec![past.callback.clone()]);
        for (number, (present, part)) in past.outcomes.iter().zip(&parts).enumerate() {
            // Time is not what bounds it.
            let deadline = Deadline::new(Instant::now(), Duration::from_secs(3600));
            let knowledge = past.sources.as_ref().and_then(|Sources { facts, runtime }| {
                let known = past.facts.get(number).map_or(&[][..], |known| known.found());
                let live = Some(Live { runtime, now_unix_ms: now_unix_ms() });
                Trial { facts, known, live }.find_out(&self.chain, engine, part, deadline, Mode::Spare)
            });
            let mut progress = Progress::knowing(knowledge);
            self.chain.advance(engine, part, deadline, Mode::Spare, &mut progress);
            let candidate = Outcome::of_one(progress.run);
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
        self.candidate.shadow.book.waiting.give_back(self.bytes);
    }
}

impl Reserved {
    /// Reserves room in the queues of these candidates for a callback and its outcome; `None`: none has room.
    pub(super) fn take(candidates: &[Arc<Candidate>], callback: &Callback, run: &ChainRun) -> Option<Self> {
        if candidates.is_empty() {
            return None;
        }
        // Its memory, apart from a fixed size: everything whose size a user or a plugin controls.
        let bytes = held::of_callback(callback) + held::of_run(run);
        let mut waiting = candidates.iter().filter_map(|candidate| candidate.room(bytes));
        let first = waiting.next()?;
        Some(Self { first, others: waiting.collect() })
    }
}

impl Job {
    /// The callback waits for the candidates that have room for it.
    pub(crate) fn new(reserved: Reserved, past: Past) -> Self {
        Self { past: past.compact(), reserved }
    }

    /// Compares. Blocks: it runs guests.
    pub(crate) fn run(self, engine: &Engine, now_unix_ms: &dyn Fn() -> u64) {
        for waiting in std::iter::once(self.reserved.first).chain(self.reserved.others) {
            waiting.candidate.compare(engine, &self.past, now_unix_ms);
        }
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("past", &self.past).finish_non_exhaustive()
    }
}
