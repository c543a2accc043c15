//! One call of a plugin: its budget, which depends on the thread, and its cost.

use std::time::{Duration, Instant};

use callgate_dialects::Callback;
use callgate_sandbox::{Brief, Cancel, Engine, Fault, Function, Usage, cpu};

use super::knowledge::Part;
use super::link::{Link, Loaded, WorkBudget};
use super::step::{Mode, Step};
use super::{blame, pace};
use crate::deadline::Deadline;

/// The input of a call, and its mode.
pub(super) struct Question<'q> {
    pub(super) engine: &'q Engine,
    pub(super) callback: &'q Callback,
    /// The envelope up to its body.
    pub(super) head: &'q str,
    pub(super) body: &'q str,
    pub(super) deadline: Deadline,
    pub(super) mode: Mode,
    /// As in [`Progress`](super::Progress).
    pub(super) tried: Option<Duration>,
    /// As in [`Progress`](super::Progress).
    pub(super) cancel: Option<&'q Cancel>,
    /// Its facts.
    pub(super) part: Option<Part<'q>>,
}

/// A call before it is made.
pub(super) struct Call<'c> {
    pub(super) function: Function,
    pub(super) loaded: &'c Loaded,
    pub(super) question: &'c Question<'c>,
    /// The parts of its input.
    pub(super) input: [&'c str; 3],
}

/// The cost of a call.
struct Spent {
    usage: Usage,
    took: Duration,
    /// CPU time of its thread, and of the thread that restores the instance.
    cpu: Duration,
}

impl Call<'_> {
    /// A brief call, on a thread that other callbacks wait for; `None` if it takes too long.
    pub(super) fn briefly<T>(
        &self,
        step: &mut Step,
        read: impl FnOnce(&[u8]) -> Result<T, Fault>,
    ) -> Option<Result<T, Fault>> {
        let Self { function, loaded, question, input } = self;
        let cpu_before = loaded.pace.is_watched().then(cpu::of_this_thread);
        let started = Instant::now();
        let (ended, usage) = loaded.plugin.ask_briefly(question.engine, *function, input, pace::BRIEF_MAX, read);
        let took = started.elapsed();
        let cpu = cpu_before.map(|before| cpu::of_this_thread().saturating_sub(before) + usage.aside);
        // A call that is short in wall time is short in CPU time too.
        step.spend(&Spent { usage, took, cpu: cpu.unwrap_or(took + usage.aside) });
        match ended {
            Brief::Replied(said) => {
                loaded.pace.was_brief(took + usage.aside, cpu, usage.is_spoiled);
                Some(said)
            }
            Brief::Failed(fault) => {
                loaded.pace.was_brief(took + usage.aside, cpu, false);
                Some(Err(fault))
            }
            Brief::TooLong => {
                loaded.pace.was_too_long();
                None
            }
        }
    }

    /// A call on a worker, with the plugin's full budget.
    pub(super) fn fully<T>(
        &self,
        link: &Link,
        step: &mut Step,
        read: impl FnOnce(&[u8]) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let Self { function, loaded, question, input } = self;
        let remaining = question.deadline.remaining_for_guests();
        if remaining.is_zero() {
            return Err(Fault::NoTime);
        }
        let (budget, within) = match question.mode {
            Mode::Brief | Mode::Full | Mode::Spare => {
                (loaded.plugin.budget(question.engine, remaining), loaded.plugin.limits().call_within)
            }
            Mode::Work => {
                let WorkBudget { within, fuel } = link.work();
                (loaded.plugin.budget_for_work(question.engine, remaining, within, fuel), within)
            }
        };
        let cancel = question.cancel;
        let (spent, result) = spend(|| loaded.plugin.ask(*function, input, budget, cancel, read));
        step.spend(&spent);
        // It was cancelled, which says nothing about the plugin.
        if cancel.is_some_and(Cancel::is_cancelled) && matches!(result, Err(Fault::OutOfTime { .. })) {
            return Err(Fault::NoTime);
        }
        let is_spoiled = spent.usage.is_spoiled && result.is_ok();
        match function {
            Function::Handle => loaded.pace.worked(spent.cpu, is_spoiled),
            Function::Needs => loaded.pace.prepared(spent.cpu, is_spoiled),
        }
        let blame = blame::Spent {
            all_fuel: spent.usage.fuel >= budget.fuel,
            cpu: spent.cpu,
            within: budget.within,
            without_waiting: question.deadline.all_for_guests().min(within),
        };
        match result {
            Err(Fault::OutOfTime { .. }) if !blame.is_own_fault() => Err(Fault::NoTime),
            Err(fault) => Err(fault),
            Ok(said) => said,
        }
    }

    /// A call with the plugin's full limits, on a thread of the lowest priority, which may be paused at any moment:
    /// limits on wall time apply to its CPU time instead.
    pub(super) fn patiently<T>(
        &self,
        step: &mut Step,
        read: impl FnOnce(&[u8]) -> Result<T, Fault>,
    ) -> Result<T, Fault> {
        let Self { function, loaded, question, input } = self;
        let budget = loaded.plugin.patient_budget(question.engine);
        let (spent, result) = spend(|| loaded.plugin.ask(*function, input, budget, None, read));
        step.spend(&spent);
        let within = loaded.plugin.limits().call_within;
        match result {
            Ok(_) if spent.cpu > within => Err(Fault::OutOfTime { within, cut: None }),
            // It had too little CPU time to draw a conclusion.
            Err(Fault::OutOfTime { .. }) if spent.usage.fuel < budget.fuel && spent.cpu <= within => Err(Fault::NoTime),
            Err(fault) => Err(fault),
            Ok(said) => said,
        }
    }
}

/// Makes a call, and measures its cost.
fn spend<R>(call: impl FnOnce() -> (R, Usage)) -> (Spent, R) {
    let (started, cpu_before) = (Instant::now(), cpu::of_this_thread());
    let (result, usage) = call();
    let cpu = cpu::of_this_thread().saturating_sub(cpu_before) + usage.aside;
    (Spent { usage, took: started.elapsed(), cpu }, result)
}

impl Step {
    /// Adds the cost of a call. A step may consist of two calls: `needs` and `handle_callback`.
    fn spend(&mut self, spent: &Spent) {
        let fuel = self.usage.fuel.0.saturating_add(spent.usage.fuel.0);
        let is_spoiled = self.usage.is_spoiled || spent.usage.is_spoiled;
        self.usage = Usage { is_spoiled, ..spent.usage };
        self.usage.fuel.0 = fuel;
        self.took += spent.took;
        self.cpu += spent.cpu;
    }
}
