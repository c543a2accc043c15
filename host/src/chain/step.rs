//! One step of a chain: a plugin that was called, and what it cost.

use std::sync::Arc;
use std::time::Duration;

use callgate_catalogue::wire::LogLevel;
use callgate_dialects::Adjustment;
use callgate_sandbox::{Fault, Usage};

use super::link::Link;

/// The budget of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Brief: on a thread that other callbacks wait for.
    Brief,
    /// The plugins' full limits, within the deadline.
    Full,
    /// The plugins' limits for journal entries (`work_within_ms`, `fuel_per_work`).
    Work,
    /// The plugins' full limits, on a thread of the lowest priority. It does not affect the state of the plugins,
    /// neither breakers nor pace.
    Spare,
}

/// One plugin that was called: for its verdict and, before that, for its needs.
#[derive(Debug, Clone)]
pub struct Step {
    /// The plugin.
    pub link: Arc<Link>,
    /// What it used.
    pub usage: Usage,
    /// Wall time that it took.
    pub took: Duration,
    /// CPU time that it cost, including the work that it caused elsewhere. Short calls are not measured: for them this
    /// is `took`.
    pub cpu: Duration,
    /// Whether it ran on a worker, because it was not quick.
    pub is_on_worker: bool,
    /// How it failed.
    pub fault: Option<Fault>,
    /// Whether it failed and the callback was allowed without its check.
    pub is_let_through: bool,
    /// Its verdict, reduced to what the chat server supports: the index in
    /// [`Decision::NAMES`](callgate_dialects::Decision::NAMES).
    pub verdict: Option<usize>,
    /// What it requested and the chat server does not support.
    pub adjustments: Vec<Adjustment>,
    /// Its log lines: level, and text on one line.
    pub log: Vec<(LogLevel, String)>,
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
