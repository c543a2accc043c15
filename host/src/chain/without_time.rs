//! What becomes of a chain when there is no time.

use std::sync::{Arc, TryLockError};

use callgate_dialects::{Decision, OnFault, Trouble};
use callgate_sandbox::Fault;

use super::{Chain, ChainRun, Link, Mode, ON_OVERLOAD, Progress, Seen, Step, by_fault, trouble};
use crate::deadline::Deadline;
use crate::overload::Overload;
use crate::workers::{Claim, Flow};

impl Chain {
    /// What one of its callbacks needs of the workers: it waits as the plugin whose calls take longest, and for what all
    /// calls take together.
    pub(crate) fn claim(&self) -> Claim {
        let average = |link: &Arc<Link>| link.loaded.pace.average();
        let longest = self.links.iter().zip(&self.needs.crowds).max_by_key(|(link, _)| average(link));
        // A chain without plugins is never asked for.
        let (plugin, crowd) = longest.map_or_else(Default::default, |(link, crowd)| (link.flow(), Arc::clone(crowd)));
        Claim {
            flow: Flow { platform: self.needs.platform_flow, plugin },
            takes: self.links.iter().map(average).sum(),
            bounds: Arc::clone(&self.needs.bounds),
            crowd,
        }
    }

    /// What becomes of a callback for which none of the plugins is called.
    pub(crate) fn refused(&self, overload: Overload) -> ChainRun {
        let mut progress = Progress::default();
        self.leave_out(&mut progress, overload);
        progress.run
    }

    /// Takes over what has been decided so far, because the deadline has come. If a plugin is running, it has not ended
    /// in time: its own `on_fault` counts. For those that have not been asked there was no time.
    ///
    /// `None`: a worker is noting something at this very moment. It may have lost its core in that, so it is not waited
    /// for here.
    pub(crate) fn give_up(&self, deadline: Deadline, seen: &Seen, overload: Overload) -> Option<ChainRun> {
        let mut left = match seen.0.try_lock() {
            Ok(left) => left,
            Err(TryLockError::Poisoned(left)) => left.into_inner(),
            Err(TryLockError::WouldBlock) => return None,
        };
        let mut progress = std::mem::take(&mut *left);
        left.is_over = true;
        drop(left);
        if let Some(link) = self.next(&progress).filter(|_| progress.is_running) {
            let fault = Fault::OutOfTime { within: deadline.all_for_guests(), cut: None };
            let next = Decision::without_verdict(trouble(&fault), self.on_fault_of(link), self.command);
            progress.run.steps.push(Step { fault: Some(fault), ..Step::new(link, Mode::Full) });
            progress.decide(next, by_fault(link));
        }
        self.leave_out(&mut progress, overload);
        Some(progress.run)
    }

    /// The same where nothing can be learned of what was decided so far: the strictest of what may become of it.
    pub(crate) fn give_up_unseen(&self, overload: Overload) -> ChainRun {
        let mut run = self.refused(overload);
        if self.on_overload == OnFault::Allow && self.on_fault() == OnFault::Deny {
            run.decision = self.busy_as(OnFault::Deny, Some(overload));
            run.decided_by = ON_OVERLOAD.to_owned();
        }
        run
    }

    /// There is no time for the plugins that are next.
    fn leave_out(&self, progress: &mut Progress, overload: Overload) {
        let Some(link) = self.next(progress) else { return };
        progress.run.fault = Some(Fault::NoTime);
        progress.run.overload = Some(overload);
        progress.run.not_asked = Some(Arc::clone(link.name()));
        progress.decide(self.busy(Some(overload)), ON_OVERLOAD.to_owned());
    }

    /// What a callback that has begun lost its time to; `None` if it was not the crowd.
    pub(super) fn overload(&self, deadline: Deadline) -> Option<Overload> {
        Some(self.claim().crowd.overload_now(deadline)).filter(|overload| overload.waiting > 0)
    }

    /// The decision where there was no time. It says why, where the chat server has room for that.
    pub(super) fn busy(&self, overload: Option<Overload>) -> Decision {
        self.busy_as(self.on_overload, overload)
    }

    fn busy_as(&self, on_overload: OnFault, overload: Option<Overload>) -> Decision {
        let mut decision = Decision::without_verdict(Trouble::Busy, on_overload, self.command);
        if let (Decision::Deny(denial), Some(overload)) = (&mut decision, overload) {
            denial.detail = overload.to_string();
        }
        decision
    }
}

impl Progress {
    /// The next plugin's part is decided without it.
    fn decide(&mut self, next: Decision, by: String) {
        self.next += 1;
        self.run.then(next, || by);
        self.is_over = self.run.decision.is_final();
    }
}
