//! The plugins of one command, in order: a denial ends the chain, a modification feeds the next plugin.

mod blame;
mod breaker;
mod call;
mod knowledge;
mod link;
mod needs;
mod pace;
mod rate;
mod run;
mod step;

use std::borrow::Cow;
use std::sync::{Arc, TryLockError};
use std::time::Duration;

use callgate_catalogue::catalogue::Command;
use callgate_catalogue::line::one_line;
use callgate_catalogue::wire::{
    self, Change, EnvelopeHead, LogLevel, Phase, Reply, TOPIC_BYTES_MAX, VerdictTag, is_topic,
};
use callgate_dialects::{
    Adjustment, Callback, ChatServer, Decision, Inadmissible, OnFault, Trouble, admit, apply, settled,
};
use callgate_sandbox::cpu::Spending;
use callgate_sandbox::{Cancel, Engine, Fault, Function, PluginLimits};
use serde::Deserialize;

use crate::deadline::Deadline;
use crate::overload::Overload;
use crate::records::Returned;
use crate::settings::Platform;
use crate::workers::{Claim, Crowd, Flow, NotRun};
use call::{Call, Question};
use needs::Needs;

pub use knowledge::Found;
pub(crate) use knowledge::{Asking, Knowledge};
pub use link::Link;
pub(crate) use link::{Identity, ItsFact, Loaded};
use run::Running;
pub(crate) use run::{Advance, Progress, Seen};
pub use run::{ChainRun, Part, Update};
pub(crate) use step::Mode;
pub use step::Step;

/// The plugins that get one command of one platform.
#[derive(Debug)]
pub struct Chain {
    command: &'static Command,
    server: &'static dyn ChatServer,
    needs: Needs,
    on_fault: OnFault,
    on_overload: OnFault,
    links: Vec<Arc<Link>>,
    /// Whether any of its plugins may need facts.
    has_needs: bool,
}

/// What a plugin was asked and said: `said` is there exactly where the step has no fault.
struct Asked {
    step: Step,
    said: Option<Said>,
}

/// A reply, admitted.
struct Said {
    decision: Decision,
    adjustments: Vec<Adjustment>,
    log: Vec<(LogLevel, String)>,
    records: Vec<Returned>,
    updates: Vec<Update>,
}

impl Chain {
    /// Plugins in the order in which they are asked, and how crowded the workers are with the calls of each on this
    /// platform. `platform_flow`: under which number they schedule the platform.
    pub(crate) fn new(
        command: &'static Command,
        platform_flow: usize,
        platform: &Platform,
        links: Vec<(Arc<Link>, Arc<Crowd>)>,
    ) -> Self {
        let needs = Needs::new(platform_flow, &links);
        let links: Vec<_> = links.into_iter().map(|(link, _)| link).collect();
        let has_needs = links.iter().any(|link| link.has_needs());
        let (on_fault, on_overload) = (platform.on_fault(command), platform.on_overload);
        let server = platform.server;
        Self { command, server, needs, on_fault, on_overload, links, has_needs }
    }

    /// What a fault of one of its plugins means; the stricter, if they differ.
    pub(crate) fn on_fault(&self) -> OnFault {
        let denies = |link: &Arc<Link>| link.on_fault().unwrap_or(self.on_fault) == OnFault::Deny;
        if self.links.iter().any(denies) { OnFault::Deny } else { OnFault::Allow }
    }

    /// The plugins.
    pub fn links(&self) -> &[Arc<Link>] {
        &self.links
    }

    /// Whether it may start on a thread that other callbacks wait for.
    pub(crate) fn is_quick(&self, callback: &Callback) -> bool {
        callback.body().len() <= QUICK_BODY_BYTES_MAX && self.has_been_quick()
    }

    /// Whether all of its plugins have been quick recently.
    pub(crate) fn has_been_quick(&self) -> bool {
        self.links.len() <= QUICK_LINKS_MAX && self.links.iter().all(|link| link.is_quick())
    }

    /// The outcome of a callback on which the host itself failed. If any plugin has `on_fault = "deny"`, the operation
    /// is denied.
    pub(crate) fn failed(&self) -> ChainRun {
        let denies = self.links.iter().any(|link| self.on_fault_of(link) == OnFault::Deny);
        let on_fault = if denies { OnFault::Deny } else { OnFault::Allow };
        let decision = Decision::without_verdict(Trouble::Unchecked, on_fault, self.command);
        let decided_by = if denies { "on_fault".to_owned() } else { String::new() };
        ChainRun {
            decision,
            fault: Some(Fault::Trap { what: HOST_FAILED.to_owned() }),
            decided_by,
            ..ChainRun::default()
        }
    }

    fn on_fault_of(&self, link: &Link) -> OnFault {
        link.on_fault().unwrap_or(self.on_fault)
    }

    /// Maximum time of all calls together when they process a journal entry.
    pub(crate) fn work_within(&self) -> Duration {
        let (mut own, mut shared) = (Duration::ZERO, Duration::ZERO);
        for work in self.links.iter().map(|link| link.work()) {
            own += work.within;
            shared = shared.max(work.within);
        }
        // Each plugin may take its time, as far as the settings give it more than they give to all.
        if self.links.iter().any(|link| link.has_own_work()) { own } else { shared }
    }

    /// Asks the plugins one after the other, from where `progress` is. Blocks: it runs guests.
    ///
    /// With [`Mode::Brief`] it may stop before a plugin that would take too long, and is then not finished: it can be
    /// continued with [`Mode::Full`], on another thread.
    pub(crate) fn advance(
        &self,
        engine: &Engine,
        callback: &Callback,
        deadline: Deadline,
        mode: Mode,
        progress: &mut Progress,
    ) -> Advance {
        let (head, original) = (self.envelope_head(callback), callback.body());
        let knowledge = progress.knowledge.clone();
        while let Some(link) = self.next(progress) {
            let modified = progress.modified.clone();
            let body = modified.as_deref().unwrap_or(original);
            let tried = progress.tried.take();
            let cancel = progress.cancel.clone();
            let cancel = cancel.as_ref();
            let part = knowledge.as_deref().and_then(|knowledge| knowledge.part(progress.next));
            match self.ask(link, &Question { engine, callback, head: &head, body, deadline, mode, tried, cancel, part })
            {
                Ok(asked) => self.note(link, (original, body), deadline, asked, mode, progress),
                Err(cpu) => {
                    progress.tried = Some(cpu);
                    return Advance::Stopped;
                }
            }
        }
        Advance::Finished
    }

    /// As [`Chain::advance`] with [`Mode::Full`], but publishes its progress after each plugin, so that the waiting
    /// task can take it over at the deadline.
    pub(crate) fn advance_seen(&self, engine: &Engine, callback: &Callback, deadline: Deadline, seen: &Seen) {
        let (head, original) = (self.envelope_head(callback), callback.body());
        loop {
            let (link, modified, tried, cancel, knowledge, number, spending) = {
                let mut progress = seen.lock();
                let Some(link) = self.next(&progress) else { return };
                if progress.cancel.as_ref().is_some_and(Cancel::is_cancelled) {
                    return;
                }
                let spending = Spending::begin();
                progress.running = Some(Running::Now(spending));
                let (modified, knowledge) = (progress.modified.clone(), progress.knowledge.clone());
                (link, modified, progress.tried.take(), progress.cancel.clone(), knowledge, progress.next, spending)
            };
            let body = modified.as_deref().unwrap_or(original);
            let (mode, cancel) = (Mode::Full, cancel.as_ref());
            let part = knowledge.as_deref().and_then(|knowledge| knowledge.part(number));
            let asked =
                self.ask(link, &Question { engine, callback, head: &head, body, deadline, mode, tried, cancel, part });
            let is_cut = |asked: &Asked| asked.step.fault == Some(Fault::NoTime);
            let mut progress = seen.lock();
            // Whether it is to blame is decided where the chain is given up.
            if cancel.is_some_and(Cancel::is_cancelled) && asked.as_ref().is_ok_and(is_cut) {
                progress.running = Some(Running::Ended(spending.end()));
                return;
            }
            progress.running = None;
            match asked {
                // What was taken over meanwhile goes on without this.
                Ok(asked) if !progress.is_over => {
                    self.note(link, (original, body), deadline, asked, mode, &mut progress)
                }
                _ => return,
            }
        }
    }

    /// The plugin that is asked next; `None`: there is a decision.
    fn next(&self, progress: &Progress) -> Option<&Arc<Link>> {
        self.links.get(progress.next).filter(|_| !progress.is_over)
    }

    /// Takes note of what a plugin said to `body`, which is the `original` one or has been modified since; or how it
    /// failed.
    fn note(
        &self,
        link: &Link,
        (original, body): (&str, &str),
        deadline: Deadline,
        asked: Asked,
        mode: Mode,
        progress: &mut Progress,
    ) {
        let Asked { mut step, said } = asked;
        step.verdict = said.as_ref().map(|said| said.decision.index());
        let next = match (said, &step.fault) {
            (Some(said), _) => {
                let all = said.records.len();
                let taken = || link.loaded.as_ref().map_or(0, |loaded| loaded.records.take(all));
                let kept = if mode == Mode::Spare { all } else { taken() };
                progress.run.records_lost += all - kept;
                progress.run.records.extend(said.records.into_iter().take(kept));
                progress.run.updates.extend(said.updates);
                said.decision
            }
            (None, Some(Fault::NoTime)) => {
                let overload = self.overload(deadline);
                progress.run.overload = progress.run.overload.or(overload);
                self.busy(overload)
            }
            (None, fault) => {
                let trouble = fault.as_ref().map_or(Trouble::Unchecked, trouble);
                Decision::without_verdict(trouble, self.on_fault_of(link), self.command)
            }
        };
        step.is_let_through = step.fault.is_some() && self.is_let_through(&next);
        let by = || match &step.fault {
            None => link.name().to_string(),
            Some(Fault::NoTime) => ON_OVERLOAD.to_owned(),
            Some(_) => by_fault(link),
        };
        progress.next += 1;
        // What a plugin takes back that an earlier one has changed is no change of the operation.
        let takes_back = matches!(next, Decision::Modify(_)) && progress.modified.is_some();
        // Only the next plugin looks at what this one has changed.
        if let (Decision::Modify(changes), true) = (&next, progress.next < self.links.len()) {
            progress.modified = Some(apply(self.command, body, changes).into());
        }
        progress.run.then(next, by);
        if takes_back {
            progress.run.decision = settled(self.command, original, std::mem::take(&mut progress.run.decision));
        }
        progress.run.steps.push(step);
        progress.is_over = progress.run.decision.is_final();
    }

    /// Whether a decision without a verdict allows what was to be checked before it happens.
    fn is_let_through(&self, decision: &Decision) -> bool {
        self.command.phase == Phase::Before && *decision == Decision::Allow
    }

    /// Asks one plugin. If it would take too long here, the error is the CPU time that finding out has cost.
    fn ask(&self, link: &Arc<Link>, question: &Question<'_>) -> Result<Asked, Duration> {
        let mut step = match question.part.and_then(|part| part.step().cloned()) {
            Some(step) => Step { is_on_worker: step.is_on_worker || question.mode != Mode::Brief, ..step },
            None => Step::new(link, question.mode),
        };
        let Some(loaded) = &link.loaded else {
            return Ok(Asked { step: Step { fault: Some(Fault::NotLoaded), ..step }, said: None });
        };
        // The call that is made again is still the one that the breaker let pass.
        if question.tried.is_none() && question.mode != Mode::Spare {
            match loaded.breaker.check() {
                Ok(change) => loaded.note_change(change),
                Err(fault) => return Ok(Asked { step: Step { fault: Some(fault), ..step }, said: None }),
            }
        }
        let body = question.body;
        let said = match question.part.and_then(|part| part.fault()) {
            Some(fault) => Err(fault.clone()),
            None => {
                let read = |reply: &[u8]| self.read(link, loaded, reply, body);
                self.call(Function::Handle, link, loaded, question, &mut step, read).ok_or(step.cpu)?
            }
        };
        step.cpu += question.tried.unwrap_or_default();
        match &said {
            _ if question.mode == Mode::Spare => {}
            Ok(_) => loaded.breaker.succeeded(),
            Err(fault) if fault.is_of_plugin() => self.count_fault(loaded, question.callback, fault, &step),
            Err(_) => {}
        }
        Ok(match said {
            Ok(mut said) => {
                step.adjustments = std::mem::take(&mut said.adjustments);
                step.log = std::mem::take(&mut said.log);
                Asked { step, said: Some(said) }
            }
            Err(fault) => Asked { step: Step { fault: Some(fault), ..step }, said: None },
        })
    }

    /// Lets the plugin's breaker know that it failed, and over whose callback.
    fn count_fault(&self, loaded: &Loaded, callback: &Callback, fault: &Fault, step: &Step) {
        let named = self.server.protocol().people.named(self.command, callback.body());
        let limits = loaded.plugin.limits();
        let by_fuel = step.usage.fuel.0 as f64 / limits.fuel_per_call.0 as f64;
        let by_time = step.cpu.as_secs_f64() / limits.call_within.as_secs_f64();
        loaded.note_change(loaded.breaker.failed(&named.actor, fault, by_fuel.max(by_time)));
    }

    /// Calls a function of a plugin; `None` if it was a brief call and took too long.
    fn call<T>(
        &self,
        function: Function,
        link: &Link,
        loaded: &Loaded,
        question: &Question<'_>,
        step: &mut Step,
        read: impl FnOnce(&[u8]) -> Result<T, Fault>,
    ) -> Option<Result<T, Fault>> {
        let head = question.part.map_or(Cow::Borrowed(question.head), |part| part.head(question.head));
        let call = Call { function, loaded, question, input: [&head, question.body, "}"] };
        match question.mode {
            Mode::Brief => call.briefly(step, read),
            Mode::Full | Mode::Work => Some(call.fully(link, step, read)),
            Mode::Spare => Some(call.patiently(step, read)),
        }
    }

    /// Whether any of its plugins may need facts.
    pub(crate) fn has_needs(&self) -> bool {
        self.has_needs
    }

    /// Asks all plugins which facts they need for this callback, continuing at the position in `asking`. Blocks: it
    /// runs guests.
    ///
    /// With [`Mode::Brief`] it may stop as [`Chain::advance`] does.
    pub(crate) fn ask_needs(
        &self,
        engine: &Engine,
        callback: &Callback,
        deadline: Deadline,
        mode: Mode,
        cancel: Option<&Cancel>,
        asking: &mut Asking,
    ) -> Advance {
        let (head, body) = (self.envelope_head(callback), callback.body());
        while let Some(link) = self.links.get(asking.next()) {
            let loaded = link
                .loaded()
                .filter(|loaded| link.has_needs() && (mode == Mode::Spare || !loaded.breaker.is_suspended()));
            let Some(loaded) = loaded else {
                asking.needs_nothing();
                continue;
            };
            let (tried, head, part) = (asking.tried.take(), &head, None);
            let question = Question { engine, callback, head, body, deadline, mode, tried, cancel, part };
            let mut step = Step::new(link, mode);
            match self.call(Function::Needs, link, loaded, &question, &mut step, read_needs) {
                Some(needs) => {
                    step.cpu += tried.unwrap_or_default();
                    asking.needs(step, needs, |name| link.fact(name));
                }
                None => {
                    asking.tried = Some(step.cpu);
                    return Advance::Stopped;
                }
            }
        }
        Advance::Finished
    }

    /// Understands a reply while it is still in the guest's memory.
    fn read(&self, link: &Link, loaded: &Loaded, reply: &[u8], body: &str) -> Result<Said, Fault> {
        let reply: Reply<'_> = understood(reply)?;
        let (decision, adjustments) = admit(self.server, self.command, body, &reply).map_err(|why| match why {
            Inadmissible::Undecided { reason } => Fault::Undecided { reason },
            Inadmissible::Invalid { why } => Fault::ReplyInvalid { why, detail: String::new() },
        })?;
        let log = reply.log.iter().take(LOG_LINES_MAX).map(|line| (line.level, one_line(&line.text))).collect();
        check_records(&reply, loaded.plugin.limits())?;
        let topics = reply.topics.iter().map(|topic| topic.0.as_ref()).chain(std::iter::repeat(""));
        let records = reply.records.iter().zip(topics).map(|(record, topic)| Returned {
            topic: (!topic.is_empty()).then(|| topic.to_owned()),
            data: on_one_line(record.get()),
            plugin: Arc::clone(link.author()),
        });
        let records = records.collect();
        let updates = reply.updates.iter().map(|update| Update {
            fact: link.fact(&update.fact),
            key: update.key.clone().into_owned(),
            change: owned(&update.change),
            ttl_ms: update.ttl_ms,
        });
        let updates = updates.collect();
        Ok(Said { decision, adjustments, log, records, updates })
    }

    /// The input of the first plugin for this callback, with its facts.
    #[cfg(feature = "workshop")]
    pub(crate) fn envelope(&self, callback: &Callback, knowledge: Option<&Knowledge>) -> String {
        let head = self.envelope_head(callback);
        let part = knowledge.and_then(|knowledge| knowledge.part(0));
        [&*part.map_or(Cow::Borrowed(&*head), |part| part.head(&head)), callback.body(), "}"].concat()
    }

    /// The envelope up to its body.
    fn envelope_head(&self, callback: &Callback) -> String {
        let head = EnvelopeHead {
            platform: self.server.protocol().name,
            command: self.command.name,
            phase: self.command.phase,
            operation_id: callback.operation_id(),
            arrived_unix_ms: callback.arrived_unix_ms(),
            client_address: callback.client_address(),
            query: callback.query(),
        };
        head.before_body()
    }
}

/// Maximum size of a body, in bytes, that is handed to plugins on a thread that other callbacks wait for: copying it,
/// and the page faults of that, cost about 0.1 ms for each 128 KiB.
const QUICK_BODY_BYTES_MAX: usize = 256 * 1024;

/// Maximum number of plugins that are asked there, each within [`pace::BRIEF_MAX`].
const QUICK_LINKS_MAX: usize = 8;

/// Reads a reply.
fn understood<'r, R: Deserialize<'r>>(reply: &'r [u8]) -> Result<R, Fault> {
    let invalid = |why: String, detail: &str| Fault::ReplyInvalid { why, detail: one_line(detail) };
    let reply = std::str::from_utf8(reply).map_err(|error| invalid(error.to_string(), ""))?;
    serde_json::from_str(reply).map_err(|error| {
        let what = match error.is_data() {
            true => "it is JSON, but not a reply",
            false => "it is not JSON",
        };
        invalid(format!("{what} (line {}, column {})", error.line(), error.column()), &error.to_string())
    })
}

/// Reads the reply of `needs`: names of facts, and keys.
fn read_needs(reply: &[u8]) -> Result<Vec<(String, String)>, Fault> {
    let invalid = |why: String| Fault::ReplyInvalid { why: one_line(&why), detail: String::new() };
    let text = std::str::from_utf8(reply).map_err(|error| invalid(format!("of `needs`: {error}")))?;
    match wire::read_needs(text) {
        Ok(needs) => Ok(needs.into_iter().map(|need| (need.fact.into_owned(), need.key.into_owned())).collect()),
        // A plugin that cannot say what it needs sends the same reply as one that cannot decide.
        Err(error) => match serde_json::from_str::<Reply<'_>>(text) {
            Ok(reply) if reply.verdict == VerdictTag::Fail => {
                Err(Fault::Undecided { reason: one_line(&reply.message) })
            }
            _ => Err(Fault::ReplyInvalid {
                why: "`needs` must return a list of facts and keys".to_owned(),
                detail: one_line(&error.to_string()),
            }),
        },
    }
}

/// An owned copy of a change.
fn owned(change: &Change<'_>) -> Change<'static> {
    match change {
        Change::Add(number) => Change::Add(*number),
        Change::Set(value) => Change::Set(Cow::Owned(value.clone().into_owned())),
        Change::Remove => Change::Remove,
    }
}

/// Checks that the records of a reply are not too many, and none too long.
fn check_records(reply: &Reply<'_>, limits: &PluginLimits) -> Result<(), Fault> {
    let (records, records_max) = (reply.records.len(), limits.records_max);
    if records > records_max {
        let why = format!("it holds {records} records, at most {records_max} are allowed (`records_max`)");
        return Err(Fault::ReplyInvalid { why, detail: String::new() });
    }
    let longest = reply.records.iter().map(|record| record.get().len()).max().unwrap_or(0);
    if longest > limits.record_bytes_max {
        let bytes_max = limits.record_bytes_max;
        let why = format!("a record has {longest} bytes, at most {bytes_max} are allowed (`record_bytes_max`)");
        return Err(Fault::ReplyInvalid { why, detail: String::new() });
    }
    if reply.topics.len() > records {
        let why = format!("it has {} topics for {records} records", reply.topics.len());
        return Err(Fault::ReplyInvalid { why, detail: String::new() });
    }
    if reply.topics.iter().any(|topic| !topic.0.is_empty() && !is_topic(&topic.0)) {
        let why =
            format!("the topic of a record is not 1 to {TOPIC_BYTES_MAX} ASCII letters, digits, `.`, `_` and `-`");
        return Err(Fault::ReplyInvalid { why, detail: String::new() });
    }
    Ok(())
}

/// The text for a bug of the host.
const HOST_FAILED: &str = "the host failed; please report this";

/// Who has decided where there was no time for a plugin.
const ON_OVERLOAD: &str = "on_overload";

/// Who has decided where a plugin has failed.
fn by_fault(link: &Link) -> String {
    format!("on_fault:{}", link.name())
}

/// What the user of a chat server is told about a fault.
fn trouble(fault: &Fault) -> Trouble {
    match fault {
        Fault::OutOfFuel { .. }
        | Fault::OutOfTime { .. }
        | Fault::OutOfMemory { .. }
        | Fault::StackOverflow
        | Fault::Panic { .. }
        | Fault::Trap { .. }
        | Fault::Undecided { .. }
        | Fault::ReplyTooLarge { .. }
        | Fault::ReplyInvalid { .. }
        | Fault::NotLoaded
        | Fault::NoFact { .. } => Trouble::Unchecked,
        Fault::Suspended | Fault::NoTime => Trouble::Busy,
    }
}

/// Maximum number of log lines of one call that are written; a plugin that says more is cut short.
const LOG_LINES_MAX: usize = 16;

/// A record is one line: outside of texts JSON may hold line breaks, inside it cannot.
fn on_one_line(json: &str) -> String {
    if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ") } else { json.to_owned() }
}

impl Chain {
    /// What one of its callbacks needs of the workers: it waits as the plugin whose calls take longest, and for what
    /// all calls take together.
    pub(crate) fn claim(&self) -> Claim {
        let average = |link: &Arc<Link>| link.average();
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

    /// The outcome of a callback whose job the workers have not run.
    pub(crate) fn not_run(&self, why: NotRun) -> ChainRun {
        match why {
            NotRun::NoTime(overload) => self.refused(overload),
            NotRun::Panicked | NotRun::Full => self.failed(),
        }
    }

    /// The outcome of a callback for which no plugin is called.
    pub(crate) fn refused(&self, overload: Overload) -> ChainRun {
        let mut progress = Progress::default();
        self.leave_out(&mut progress, Some(overload));
        progress.run
    }

    /// Takes over what has been decided so far, because the deadline has come. If a plugin is running, it has not ended
    /// in time: its own `on_fault` counts, unless it had no core. Plugins that were not called had no time.
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
        let running = progress.running.take();
        let is_own_fault = |(link, running): &(&Arc<Link>, Running)| {
            // A thread that had a core would have stopped it before the deadline.
            let within = deadline.all_for_guests();
            let limit = link.loaded.as_ref().map_or(within, |loaded| loaded.plugin.limits().call_within);
            let without_waiting = within.min(limit);
            blame::Spent { all_fuel: false, cpu: running.cpu(), within, without_waiting }.is_own_fault()
        };
        if let Some((link, _)) = self.next(&progress).zip(running).filter(is_own_fault) {
            let fault = Fault::OutOfTime { within: deadline.all_for_guests(), cut: None };
            let next = Decision::without_verdict(trouble(&fault), self.on_fault_of(link), self.command);
            let is_let_through = self.is_let_through(&next);
            progress.run.steps.push(Step { fault: Some(fault), is_let_through, ..Step::new(link, Mode::Full) });
            progress.decide(next, by_fault(link));
        }
        // If nothing waits, its own plugins have used the time up.
        let overload = Some(overload).filter(|overload| overload.waiting > 0 || !overload.wait.is_zero());
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
    fn leave_out(&self, progress: &mut Progress, overload: Option<Overload>) {
        let Some(link) = self.next(progress) else { return };
        progress.run.fault = Some(Fault::NoTime);
        progress.run.overload = overload;
        progress.run.not_asked = Some(Arc::clone(link.name()));
        progress.decide(self.busy(overload), ON_OVERLOAD.to_owned());
    }

    /// Which limit a callback that has started waited for too long; `None` if it was not overload.
    fn overload(&self, deadline: Deadline) -> Option<Overload> {
        Some(self.claim().crowd.overload_now(deadline)).filter(|overload| overload.waiting > 0)
    }

    /// The decision where there was no time. It says why, where the chat server has room for that.
    fn busy(&self, overload: Option<Overload>) -> Decision {
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
