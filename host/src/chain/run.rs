//! The outcome of a callback in its chain, and its progress.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use callgate_catalogue::wire::Change;
use callgate_dialects::Decision;
use callgate_sandbox::cpu::Spending;
use callgate_sandbox::{Cancel, Fault};

use super::knowledge::Knowledge;
use super::step::Step;
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
    /// The CPU time of a call of that plugin whose result is not noted.
    pub(super) running: Option<Running>,
    /// If it was asked briefly, and that was too long: the CPU time it cost. Its breaker has let this callback pass.
    pub(super) tried: Option<Duration>,
    /// Whether no further plugin is asked.
    pub(super) is_over: bool,
    /// Cancels the call whose result is no longer needed.
    pub(super) cancel: Option<Cancel>,
    /// The facts of its plugins, if any of them needs facts.
    pub(super) knowledge: Option<Arc<Knowledge>>,
}

/// The CPU time of a call.
#[derive(Debug, Clone, Copy)]
pub(super) enum Running {
    /// A worker makes it.
    Now(Spending),
    /// It was cancelled and has ended. Its thread may be running another job.
    Ended(Duration),
}

impl Running {
    /// What it has used so far.
    pub(super) fn cpu(self) -> Duration {
        match self {
            Self::Now(spending) => spending.so_far(),
            Self::Ended(cpu) => cpu,
        }
    }
}

impl Progress {
    /// The start of a chain with these facts.
    pub(crate) fn knowing(knowledge: Option<Arc<Knowledge>>) -> Self {
        let facts = knowledge.iter().cloned().collect();
        Self { knowledge, run: ChainRun { facts, ..ChainRun::default() }, ..Self::default() }
    }
}

/// Progress that the thread which makes it and the task which waits for it both see.
#[derive(Debug, Default)]
pub(crate) struct Seen(pub(super) Mutex<Progress>);

impl Seen {
    pub(crate) fn new(progress: Progress) -> Self {
        Self(Mutex::new(progress))
    }

    /// Registers what cancels the running call.
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
        self.updates.extend(other.updates);
        self.facts.extend(other.facts);
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
    /// Changes of facts that plugins ask for.
    pub updates: Vec<Update>,
    /// The facts of the plugins, separately for each callback of a request.
    pub(crate) facts: Vec<Arc<Knowledge>>,
    /// The calls that were made, in order.
    pub steps: Vec<Step>,
    /// A fault that belongs to no plugin.
    pub fault: Option<Fault>,
    /// What there was no time because of, if it is known.
    pub overload: Option<Overload>,
    /// The plugin that there was no time for, if none was asked when the time was over.
    pub not_asked: Option<Arc<str>>,
    /// Whose word the decision is: that of the last one who asked for more than to allow. A plugin by its name; where
    /// it has failed, `on_fault:` and its name; `on_overload`; empty if all allow.
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

/// A change of a fact that a plugin asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Update {
    /// The number of the fact in the settings; `None`: it is not configured.
    pub fact: Option<usize>,
    /// The key.
    pub key: String,
    /// The change.
    pub change: Change<'static>,
    /// How long it lasts, in milliseconds; `None`: as long as the source keeps values.
    pub ttl_ms: Option<u64>,
}

impl Progress {
    /// The next plugin's part is decided without it.
    pub(super) fn decide(&mut self, next: Decision, by: String) {
        self.next += 1;
        self.run.then(next, || by);
        self.is_over = self.run.decision.is_final();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use tokio::time::Instant;

    use super::*;
    use crate::chain::Link;
    use crate::deadline::Deadline;
    use crate::route::Routes;
    use crate::settings::Settings;

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_call_is_judged_by_what_it_used_itself() {
        let toml = "[journal]\noff = true\n[[platform]]\nkind = \"openim\"\n[[plugin]]\nname = \"p\"\nwasm = \"p.wasm\"\n\
                    commands = [\"*\"]\non_fault = \"deny\"\n";
        let settings = Settings::parse(Path::new("host.toml"), toml).unwrap();
        let platform = &settings.platforms[0];
        let link = Link::not_loaded(0, Vec::new(), &settings.plugins[0], None, Duration::ZERO);
        let command = platform.server.commands().find("callbackBeforeAddFriendCommand").unwrap();
        let routes = Routes::build(0, platform, &[Arc::new(link)]);
        let chain = routes.find(command).unwrap();
        let deadline = Deadline::new(Instant::now(), Duration::from_secs(4));
        let overload = chain.claim().crowd.overload_now(deadline);
        let eighth = deadline.all_for_guests() / 8;
        for (cpu, decided_by) in [(eighth, "on_fault:p"), (eighth - Duration::from_nanos(1), "on_overload")] {
            let progress = Progress { running: Some(Running::Ended(cpu)), ..Progress::default() };
            let run = chain.give_up(deadline, &Seen::new(progress), overload).unwrap();
            assert_eq!(run.decided_by, decided_by);
        }
    }
}
