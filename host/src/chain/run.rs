//! The outcome of a callback in its chain, and its progress.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callgate_catalogue::wire::LogLevel;
use callgate_dialects::{Adjustment, Decision};
use callgate_sandbox::cpu::Spending;
use callgate_sandbox::{Cancel, Fault, Usage};

use super::link::Link;
use crate::overload::Overload;
use crate::records::Returned;

/// How far a chain has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// What became of it so far.
    pub(crate) run: ChainRun,
    /// The number of the plugin that is asked next.
    pub(super) next: usize,
    /// The body as that plugin sees it, where one before it has changed it.
    pub(super) modified: Option<Arc<str>>,
    /// While that plugin is being asked on a worker: the CPU time of that.
    pub(super) running: Option<Spending>,
    /// If it was asked briefly, and that was too long: the CPU time it cost. Its breaker has let this callback pass.
    pub(super) tried: Option<Duration>,
    /// Whether no further plugin is asked.
    pub(super) is_over: bool,
    /// Cancels it: its result is no longer needed.
    pub(super) cancel: Option<Cancel>,
}

/// Progress that the thread which makes it and the task which waits for it both see.
#[derive(Debug, Default)]
pub(crate) struct Seen(pub(super) Mutex<Progress>);

impl Seen {
    pub(crate) fn new(progress: Progress) -> Self {
        Self(Mutex::new(progress))
    }

    /// It runs until this cancels it.
    pub(crate) fn cancelled_by(&self, cancel: &Cancel) {
        self.lock().cancel = Some(cancel.clone());
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Progress> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What became of the chain, once it has come to its end.
    pub(crate) fn into_run(self: Arc<Self>) -> ChainRun {
        std::mem::take(&mut self.lock().run)
    }
}

impl ChainRun {
    /// Adds what became of another callback of the same request. The first one's decision stays.
    pub(crate) fn add(&mut self, other: Self) {
        if self.parts.is_empty() {
            self.parts.push(self.part());
        }
        self.parts.push(other.part());
        self.steps.extend(other.steps);
        self.records.extend(other.records);
        self.records_lost += other.records_lost;
        self.fault = self.fault.take().or(other.fault);
        self.overload = self.overload.or(other.overload);
        if self.decided_by.is_empty() {
            self.decided_by = other.decided_by;
        }
    }

    /// What it is as one of several.
    fn part(&self) -> Part {
        let (decision, fault) = (self.decision.clone(), self.fault.clone());
        Part { decision, fault, steps: self.steps.len(), records: self.records.len() }
    }

    /// Adds the next decision, and whose word it is.
    pub(super) fn then(&mut self, next: Decision, by: impl FnOnce() -> String) {
        if next != Decision::Allow {
            self.decided_by = by();
        }
        self.decision = std::mem::take(&mut self.decision).then(next);
    }
}

impl Step {
    /// A call that has not been made yet.
    pub(crate) fn new(link: &Arc<Link>, mode: Mode) -> Self {
        Self {
            link: Arc::clone(link),
            usage: Usage::default(),
            took: Duration::ZERO,
            cpu: Duration::ZERO,
            is_on_worker: mode != Mode::Brief,
            fault: None,
            is_let_through: false,
            verdict: None,
            adjustments: Vec::new(),
            log: Vec::new(),
        }
    }
}

/// What calls may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// They are on a thread that other callbacks wait for.
    Brief,
    /// All that the plugins' limits and the deadline allow.
    Full,
    /// The plugins' limits for journal entries (`work_within_ms`, `fuel_per_work`).
    Work,
    /// The plugins' full limits, on a thread of the lowest priority. It does not affect the state of the plugins, neither
    /// breakers nor pace.
    Spare,
}

/// Whether a chain came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Advance {
    /// There is a decision.
    Finished,
    /// The next plugin would take too long here.
    Stopped,
}

/// What became of a callback in its chain.
#[derive(Debug, Clone, Default)]
pub struct ChainRun {
    /// What is to happen to the operation.
    pub decision: Decision,
    /// Data that plugins want handed on.
    pub records: Vec<Returned>,
    /// Records beyond `records_per_second_max`, which are left out.
    pub records_lost: usize,
    /// The calls that were made, in order.
    pub steps: Vec<Step>,
    /// A fault that belongs to no plugin.
    pub fault: Option<Fault>,
    /// What there was no time because of, if it is known.
    pub overload: Option<Overload>,
    /// The plugin that there was no time for, if none was asked when the time was over.
    pub not_asked: Option<Arc<str>>,
    /// Whose word the decision is: that of the last one who asked for more than to allow. A plugin by its name; where it
    /// has failed, `on_fault:` and its name; `on_overload`; empty if all allow.
    pub decided_by: String,
    /// If the request carried several callbacks: what became of each.
    pub parts: Vec<Part>,
}

/// What became of one of the callbacks that a request carried. Its calls and records are those of the whole request,
/// after those of the parts before it.
#[derive(Debug, Clone)]
pub struct Part {
    /// What was decided.
    pub decision: Decision,
    /// A fault that belongs to no plugin.
    pub fault: Option<Fault>,
    /// The number of its calls.
    pub steps: usize,
    /// The number of its records.
    pub records: usize,
}

/// One call of a plugin.
#[derive(Debug, Clone)]
pub struct Step {
    /// Which plugin.
    pub link: Arc<Link>,
    /// What it used.
    pub usage: Usage,
    /// How long it took.
    pub took: Duration,
    /// CPU time that it cost, all that it caused included. A call that was short by the clock is not measured: then it
    /// is `took`.
    pub cpu: Duration,
    /// Whether it was made on a thread of its own, because it was not quick.
    pub is_on_worker: bool,
    /// How it failed.
    pub fault: Option<Fault>,
    /// Whether it failed, and what it was to check before it happens is allowed all the same.
    pub is_let_through: bool,
    /// Its verdict, as far as the chat server can carry it out: the index in [`Decision::NAMES`].
    pub verdict: Option<usize>,
    /// What it asked for and the chat server cannot do.
    pub adjustments: Vec<Adjustment>,
    /// What it logged: level, and text on one line.
    pub log: Vec<(LogLevel, String)>,
}

impl Progress {
    /// The next plugin's part is decided without it.
    pub(super) fn decide(&mut self, next: Decision, by: String) {
        self.next += 1;
        self.run.then(next, || by);
        self.is_over = self.run.decision.is_final();
    }
}
