//! The plugins of one command, in order: a denial ends the chain, a modification feeds the next plugin.

mod breaker;
mod link;
mod pace;

use std::sync::Arc;
use std::time::{Duration, Instant};

use callgate_catalogue::catalogue::Command;
use callgate_catalogue::line::one_line;
use callgate_catalogue::wire::{EnvelopeHead, LogLevel, Reply};
use callgate_dialects::{Adjustment, Callback, Decision, Inadmissible, OnFault, Trouble, admit, apply};
use callgate_sandbox::{Engine, Fault, Fuel, Usage};

use crate::deadline::Deadline;
use crate::settings::Platform;

pub(crate) use breaker::Breaker;
pub use link::Link;

/// The plugins that get one command of one platform.
#[derive(Debug)]
pub struct Chain {
    command: &'static Command,
    platform: &'static str,
    on_fault: OnFault,
    links: Vec<Arc<Link>>,
}

/// What became of a callback in its chain.
#[derive(Debug, Default)]
pub struct ChainRun {
    /// What is to happen to the operation.
    pub decision: Decision,
    /// Data that plugins want handed on, each a JSON text on one line.
    pub records: Vec<String>,
    /// The calls that were made, in order.
    pub steps: Vec<Step>,
    /// A fault that belongs to no plugin.
    pub fault: Option<Fault>,
}

/// One call of a plugin.
#[derive(Debug)]
pub struct Step {
    /// Which plugin.
    pub link: Arc<Link>,
    /// What it used.
    pub usage: Usage,
    /// How long it took.
    pub took: Duration,
    /// How it failed.
    pub fault: Option<Fault>,
    /// What it asked for and the chat server cannot do.
    pub adjustments: Vec<Adjustment>,
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
    records: Vec<String>,
}

impl Chain {
    /// Plugins in the order in which they are asked.
    pub(crate) fn new(command: &'static Command, platform: &Platform, links: Vec<Arc<Link>>) -> Self {
        let name = platform.server.protocol().name();
        Self { command, platform: name, on_fault: platform.on_fault(command), links }
    }

    /// The plugins.
    pub fn links(&self) -> &[Arc<Link>] {
        &self.links
    }

    /// Whether all of its plugins have been quick of late, and cannot hold up a thread for longer than
    /// a tenth of a second should one of them cease to be.
    pub(crate) fn is_quick(&self, fuel_within: impl Fn(Duration) -> Fuel) -> bool {
        let caps = self.links.iter().map(|link| link.plugin().limits().fuel_per_call.0);
        caps.fold(0, u64::saturating_add) <= fuel_within(pace::HELD_UP_MAX).0
            && self.links.iter().all(|link| link.pace.is_quick())
    }

    /// What becomes of a callback whose plugins could not be asked: if one of them must not be left out, the operation
    /// is denied.
    pub(crate) fn failed(&self, fault: Fault) -> ChainRun {
        let denies = self.links.iter().any(|link| self.on_fault_of(link) == OnFault::Deny);
        let on_fault = if denies { OnFault::Deny } else { OnFault::Allow };
        let decision = Decision::without_verdict(trouble(&fault), on_fault, self.command);
        ChainRun { decision, fault: Some(fault), ..ChainRun::default() }
    }

    fn on_fault_of(&self, link: &Link) -> OnFault {
        link.on_fault().unwrap_or(self.on_fault)
    }

    /// Asks the plugins one after the other. Blocks: it runs guests.
    pub(crate) fn run(&self, engine: &Engine, callback: &Callback, deadline: Deadline) -> ChainRun {
        let (head, original) = (self.envelope_head(callback), callback.body());
        let mut run = ChainRun::default();
        let mut modified: Option<String> = None;
        for (index, link) in self.links.iter().enumerate() {
            let body = modified.as_deref().unwrap_or(original);
            let Asked { step, said } = self.ask(link, engine, &head, body, deadline);
            let next = match (said, &step.fault) {
                (Some(said), _) => {
                    run.records.extend(said.records);
                    said.decision
                }
                (None, fault) => {
                    let trouble = fault.as_ref().map_or(Trouble::Unchecked, trouble);
                    Decision::without_verdict(trouble, self.on_fault_of(link), self.command)
                }
            };
            run.steps.push(step);
            // Only the next plugin looks at what this one has changed.
            if let (Decision::Modify(changes), true) = (&next, index + 1 < self.links.len()) {
                modified = Some(apply(self.command, body, changes));
            }
            run.decision = run.decision.then(next);
            if run.decision.is_final() {
                break;
            }
        }
        run
    }

    fn ask(&self, link: &Arc<Link>, engine: &Engine, head: &str, body: &str, deadline: Deadline) -> Asked {
        let mut step = Step {
            link: Arc::clone(link),
            usage: Usage::default(),
            took: Duration::ZERO,
            fault: None,
            adjustments: Vec::new(),
        };
        let said = link.breaker.check().and_then(|()| {
            let said = self.call(link, engine, &[head, body, "}"], body, deadline, &mut step);
            match &said {
                Ok(_) => link.breaker.succeeded(),
                Err(_) => link.breaker.failed(),
            }
            said
        });
        match said {
            Ok(mut said) => {
                step.adjustments = std::mem::take(&mut said.adjustments);
                Asked { step, said: Some(said) }
            }
            Err(fault) => Asked { step: Step { fault: Some(fault), ..step }, said: None },
        }
    }

    fn call(
        &self,
        link: &Link,
        engine: &Engine,
        envelope: &[&str],
        body: &str,
        deadline: Deadline,
        step: &mut Step,
    ) -> Result<Said, Fault> {
        let remaining = deadline.remaining_for_guests();
        if remaining.is_zero() {
            return Err(Fault::OutOfTime { within: deadline.answer_within() });
        }
        let budget = link.plugin().budget(engine, remaining);
        let started = Instant::now();
        let (result, usage) = link.plugin().call(envelope, budget, |reply| self.read(link, reply, body));
        step.took = started.elapsed();
        step.usage = usage;
        link.pace.did(usage.fuel, engine.fuel_within(pace::QUICK));
        result?
    }

    /// Understands a reply while it is still in the guest's memory.
    fn read(&self, link: &Link, reply: &[u8], body: &str) -> Result<Said, Fault> {
        let invalid = |why: String| Fault::ReplyInvalid { why: one_line(&why) };
        let reply = std::str::from_utf8(reply).map_err(|error| invalid(error.to_string()))?;
        let reply: Reply<'_> = serde_json::from_str(reply).map_err(|error| invalid(error.to_string()))?;
        let (decision, adjustments) = admit(self.command, body, &reply).map_err(|why| match why {
            Inadmissible::Undecided { reason } => Fault::Undecided { reason },
            Inadmissible::Invalid { why } => Fault::ReplyInvalid { why },
        })?;
        for line in reply.log.iter().take(LOG_LINES_MAX) {
            write_log(link.plugin().name(), line.level, &one_line(&line.text));
        }
        let records = reply.records.iter().map(|record| on_one_line(record.get())).collect();
        Ok(Said { decision, adjustments, records })
    }

    /// What the first plugin is given for this callback.
    #[cfg(feature = "workshop")]
    pub(crate) fn envelope(&self, callback: &Callback) -> String {
        [&self.envelope_head(callback), callback.body(), "}"].concat()
    }

    /// The envelope up to its body.
    fn envelope_head(&self, callback: &Callback) -> String {
        let head = EnvelopeHead {
            platform: self.platform,
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
        | Fault::ReplyInvalid { .. } => Trouble::Unchecked,
        Fault::Suspended { .. } | Fault::NoPermit => Trouble::Busy,
    }
}

/// Maximum number of log lines of one call that are written; a plugin that says more is cut short.
const LOG_LINES_MAX: usize = 16;

fn write_log(plugin: &str, level: LogLevel, text: &str) {
    match level {
        LogLevel::Debug => tracing::debug!(plugin, "{text}"),
        LogLevel::Info => tracing::info!(plugin, "{text}"),
        LogLevel::Warn => tracing::warn!(plugin, "{text}"),
        LogLevel::Error => tracing::error!(plugin, "{text}"),
    }
}

/// A record is one line: outside of texts JSON may hold line breaks, inside it cannot.
fn on_one_line(json: &str) -> String {
    if json.contains(['\n', '\r']) { json.replace(['\n', '\r'], " ") } else { json.to_owned() }
}
