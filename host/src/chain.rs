//! The plugins of one command, in order: a denial ends the chain, a modification feeds the next plugin.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use plugin_sdk::catalogue::Command;
use plugin_sdk::wire::{EnvelopeHead, LogLevel, Reply};

use crate::breaker::Breaker;
use crate::deadline::Deadline;
use crate::dialect::Callback;
use crate::plugin::{Engine, Fault, Fuel, Plugin, Usage};
use crate::settings::{self, OnFault, Pattern, Platform};
use crate::telemetry::PluginCounters;
use crate::verdict::{Adjustment, Verdict, admit, apply, one_line};

/// A plugin, and what the settings say about using it.
#[derive(Debug)]
pub struct Link {
    plugin: Plugin,
    platforms: Vec<String>,
    commands: Vec<Pattern>,
    on_fault: Option<OnFault>,
    breaker: Breaker,
    counters: PluginCounters,
    /// Calls that must be short before the plugin counts as quick again.
    calls_to_quick: AtomicU32,
}

/// A call longer than this should not be made on a thread that also moves bytes for other callbacks.
const QUICK: Duration = Duration::from_micros(300);

/// So many quick calls after a long one make a plugin quick again: at most one callback in this many waits behind it.
const QUICK_CALLS_MIN: u32 = 256;

/// For how long a chain that ceases to be quick may hold up a thread that also moves bytes: a small part of the time
/// in which any chat server waits, and enough for a chain of several plugins with the usual `fuel_per_call`.
const HELD_UP_MAX: Duration = Duration::from_millis(100);

impl Link {
    /// A plugin in use.
    pub fn new(plugin: Plugin, settings: &settings::Plugin, breaker: Breaker, counters: PluginCounters) -> Self {
        Self {
            plugin,
            platforms: settings.platforms.clone(),
            commands: settings.commands.clone(),
            on_fault: settings.on_fault,
            breaker,
            counters,
            calls_to_quick: AtomicU32::new(0),
        }
    }

    /// Its counters.
    pub(crate) fn counters(&self) -> &PluginCounters {
        &self.counters
    }

    /// The plugin.
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// Whether it gets this command of this platform. A plugin that says which commands it handles is not asked
    /// about others.
    pub fn takes(&self, platform: &Platform, command: &Command) -> bool {
        let handles = &self.plugin.manifest().commands;
        self.platforms.contains(&platform.name)
            && self.commands.iter().any(|pattern| pattern.matches(command.name))
            && (handles.is_empty() || handles.iter().any(|handled| handled == command.name))
    }

    /// Takes note of how much a call did. Fuel tells, not time: a call during which its thread had to wait would look
    /// long on a busy machine, be handed to yet another thread, and so make the machine busier.
    fn did(&self, fuel: Fuel, quick: Fuel) {
        if fuel > quick {
            self.calls_to_quick.store(QUICK_CALLS_MIN, Ordering::Relaxed);
        } else {
            let left = self.calls_to_quick.load(Ordering::Relaxed);
            if left > 0 {
                self.calls_to_quick.store(left - 1, Ordering::Relaxed);
            }
        }
    }
}

/// The plugins that get one command of one platform.
#[derive(Debug)]
pub struct Chain {
    command: &'static Command,
    platform: &'static str,
    on_fault: OnFault,
    links: Vec<Arc<Link>>,
}

/// What became of a callback.
#[derive(Debug, Default)]
pub struct Outcome {
    /// What is to happen to the operation; `None` stands for allowing it.
    pub verdict: Option<Verdict>,
    /// Data that plugins want handed on, each a JSON text on one line.
    pub records: Vec<String>,
    /// The calls that were made, in order.
    pub steps: Vec<Step>,
    /// A fault that belongs to no plugin.
    pub fault: Option<Fault>,
}

impl Outcome {
    /// The verdict, spelt out.
    pub fn verdict(&self) -> &Verdict {
        self.verdict.as_ref().unwrap_or(&Verdict::Allow)
    }
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

impl Chain {
    /// Plugins in the order in which they are asked.
    pub fn new(command: &'static Command, platform: &Platform, links: Vec<Arc<Link>>) -> Self {
        Self { command, platform: platform.kind.name, on_fault: platform.on_fault(command), links }
    }

    /// The plugins.
    pub fn links(&self) -> &[Arc<Link>] {
        &self.links
    }

    /// Whether all of its plugins have been quick of late, and cannot hold up a thread for longer than
    /// a tenth of a second should one of them cease to be.
    pub fn is_quick(&self, fuel_within: impl Fn(Duration) -> Fuel) -> bool {
        let caps = self.links.iter().map(|link| link.plugin.limits().fuel_per_call.0);
        caps.fold(0, u64::saturating_add) <= fuel_within(HELD_UP_MAX).0
            && self.links.iter().all(|link| link.calls_to_quick.load(Ordering::Relaxed) == 0)
    }

    /// What a fault means here that left no plugin a chance to decide: if one of them must not be passed by, the
    /// operation is denied.
    pub fn verdict_of(&self, fault: &Fault) -> Verdict {
        let denies = self.links.iter().any(|link| self.on_fault_of(link) == OnFault::Deny);
        Verdict::of_fault(fault, if denies { OnFault::Deny } else { OnFault::Allow }, self.command)
    }

    fn on_fault_of(&self, link: &Link) -> OnFault {
        link.on_fault.unwrap_or(self.on_fault)
    }

    /// Asks the plugins one after the other. Blocks: it runs guests.
    pub fn run(&self, engine: &Engine, callback: &Callback, deadline: Deadline) -> Outcome {
        // Asked for once: it is found out anew each time that this is text.
        let (head, original) = (self.envelope_head(callback), callback.body());
        let mut outcome = Outcome::default();
        let mut verdict = Verdict::Allow;
        let mut modified: Option<String> = None;
        for (index, link) in self.links.iter().enumerate() {
            let body = modified.as_deref().unwrap_or(original);
            let (result, step, records) = self.ask(link, engine, &head, body, deadline);
            outcome.steps.push(step);
            outcome.records.extend(records);
            let next = match result {
                Ok(next) => next,
                Err(fault) => Verdict::of_fault(&fault, self.on_fault_of(link), self.command),
            };
            // Only the next plugin looks at what this one has changed.
            if let (Verdict::Modify(changes), true) = (&next, index + 1 < self.links.len()) {
                modified = Some(apply(self.command, body, changes));
            }
            verdict = verdict.then(next);
            if verdict.is_final() {
                break;
            }
        }
        outcome.verdict = Some(verdict);
        outcome
    }

    fn ask(
        &self,
        link: &Arc<Link>,
        engine: &Engine,
        head: &str,
        body: &str,
        deadline: Deadline,
    ) -> (Result<Verdict, Fault>, Step, Vec<String>) {
        let mut step = Step {
            link: Arc::clone(link),
            usage: Usage::default(),
            took: Duration::ZERO,
            fault: None,
            adjustments: Vec::new(),
        };
        let mut records = Vec::new();
        let result = link.breaker.check().and_then(|()| {
            let result = self.call(link, engine, &[head, body, "}"], body, deadline, &mut step);
            match &result {
                Ok(_) => link.breaker.succeeded(),
                Err(_) => link.breaker.failed(),
            }
            let (verdict, said) = result?;
            records = said;
            Ok(verdict)
        });
        step.fault = result.as_ref().err().cloned();
        (result, step, records)
    }

    fn call(
        &self,
        link: &Link,
        engine: &Engine,
        envelope: &[&str],
        body: &str,
        deadline: Deadline,
        step: &mut Step,
    ) -> Result<(Verdict, Vec<String>), Fault> {
        let remaining = deadline.remaining_for_guests();
        if remaining.is_zero() {
            return Err(Fault::OutOfTime { within: deadline.answer_within() });
        }
        let budget = link.plugin.budget(engine, remaining);
        let started = Instant::now();
        let (result, usage) = link.plugin.call(envelope, budget, |reply| self.read(link, reply, body));
        step.took = started.elapsed();
        step.usage = usage;
        link.did(usage.fuel, engine.fuel_within(QUICK));
        let (verdict, adjustments, records) = result??;
        step.adjustments = adjustments;
        Ok((verdict, records))
    }

    /// Understands a reply while it still lies in the guest's memory.
    fn read(&self, link: &Link, reply: &[u8], body: &str) -> Result<(Verdict, Vec<Adjustment>, Vec<String>), Fault> {
        let invalid = |why: String| Fault::ReplyInvalid { why: one_line(&why) };
        let reply = std::str::from_utf8(reply).map_err(|error| invalid(error.to_string()))?;
        let reply: Reply<'_> = serde_json::from_str(reply).map_err(|error| invalid(error.to_string()))?;
        let (verdict, adjustments) = admit(self.command, body, &reply)?;
        for line in reply.log.iter().take(LOG_LINES_MAX) {
            write_log(link.plugin.name(), line.level, &one_line(&line.text));
        }
        let records = reply.records.iter().map(|record| on_one_line(record.get())).collect();
        Ok((verdict, adjustments, records))
    }

    /// What the first plugin is handed for this callback.
    pub(crate) fn envelope(&self, callback: &Callback) -> String {
        [&self.envelope_head(callback), callback.body(), "}"].concat()
    }

    /// The envelope up to the place where the body goes.
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

/// Log lines of one call that are written; a plugin that says more is cut short.
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
