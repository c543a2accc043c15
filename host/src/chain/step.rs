//! One plugin that was asked, and what it cost.

use std::sync::Arc;
use std::time::Duration;

use callgate_catalogue::wire::LogLevel;
use callgate_dialects::Adjustment;
use callgate_sandbox::{Fault, Usage};

use super::link::Link;

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

/// One plugin that was asked: for its verdict and, before that, for the facts that it needs.
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
    /// Its verdict, as far as the chat server can carry it out: the index in [`Decision::NAMES`](callgate_dialects::Decision::NAMES).
    pub verdict: Option<usize>,
    /// What it asked for and the chat server cannot do.
    pub adjustments: Vec<Adjustment>,
    /// What it logged: level, and text on one line.
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
