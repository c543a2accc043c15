//! Entries: puts after-callbacks into the journal, and runs their chains from there.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use callgate_catalogue::catalogue::Protocol;
use callgate_dialects::{Callback, KeptHead, Refusal, Response};
use callgate_facts::Purpose;
use callgate_journal::{Entry, EntryId, Journal, NewAttempt, NewEntry, NewRecord, NotKept, Outcome, Ticket, Worker};
use callgate_sandbox::{Cancel, Fault};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tokio::time::timeout_at;

use crate::chain::{Chain, ChainRun, Found, Mode as CallMode, Progress, Step};
use crate::deadline::Deadline;
use crate::decisions::StoredFact;
use crate::generation::{Generation, Held, Mounted};
use crate::host::{Host, WeakHost};
use crate::records::Returned;
use crate::settings::{Mode, Users};
use crate::telemetry::{Answered, How};
use crate::workers::NotRun;

impl Host {
    /// Answers an after-callback that its settings want in the journal: it is acknowledged once it is on disk, or
    /// counted as lost where the settings want that; otherwise it is refused. `None`: it is answered by its plugins.
    pub(crate) async fn answer_from_journal(&self, generation: &Generation, arrived: &Arrived<'_>) -> Option<Response> {
        let Arrived { mounted, callback, .. } = *arrived;
        let command = callback.command().filter(|command| mounted.platform.mode(command) == Mode::Journal)?;
        let (journal, _) = (self.keeping.journal()?, mounted.routes.find(command)?);
        Some(match accept(journal, arrived).await {
            Ok(()) => self.acknowledge(generation, arrived),
            Err(refusal) => self.refuse(generation, mounted, refusal),
        })
    }

    /// The answer to an after-callback that is in the journal.
    fn acknowledge(&self, generation: &Generation, arrived: &Arrived<'_>) -> Response {
        let Arrived { mounted, callback, own_id, deadline, .. } = *arrived;
        let run = ChainRun::default();
        let answered = Answered {
            platform: &mounted.platform.name,
            protocol: mounted.platform.server.protocol(),
            callback,
            operation_id: own_id.unwrap_or(callback.operation_id()),
            run: &run,
            shadow: None,
            records: 0,
            took: deadline.elapsed(),
            how: How::Kept,
        };
        self.telemetry.answered(generation.counters(), mounted.index, &answered);
        mounted.platform.dialect.render(callback, &run.decision)
    }
}

/// Puts an after-callback into the journal, each of its parts as an entry of its own.
async fn accept(journal: &Journal, arrived: &Arrived<'_>) -> Result<(), Refusal> {
    let parts = arrived.callback.split();
    let parts = parts.as_deref().unwrap_or(std::slice::from_ref(arrived.callback));
    let entries: Vec<NewEntry> = parts.iter().map(|part| arrived.entry(part)).collect();
    if entries.is_empty() {
        return Ok(());
    }
    match timeout_at(arrived.deadline.moment(), journal.accept(entries)).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(NotKept::Full(_) | NotKept::TooLarge { .. })) => Err(Refusal::JournalFull),
        Ok(Err(_)) => Err(Refusal::NotKept),
        // It may still be committed. If the chat server repeats it, the journal recognises the repeat.
        Err(_) => Err(Refusal::NotKept),
    }
}

/// An after-callback that has arrived.
pub(crate) struct Arrived<'a> {
    pub(crate) mounted: &'a Mounted,
    pub(crate) callback: &'a Callback,
    /// The ID that was made here, if the chat server sent none.
    pub(crate) own_id: Option<&'a str>,
    /// The header `traceparent` of its request, if it was valid.
    pub(crate) traceparent: Option<&'a str>,
    pub(crate) users: Users,
    pub(crate) deadline: Deadline,
}

impl Arrived<'_> {
    /// The key of the entry and the records of a callback, or of a part of it.
    pub(crate) fn key(&self, callback: &Callback) -> String {
        let key = callback.order_key(self.mounted.platform.server.protocol());
        match self.users {
            Users::Yes => key,
            // The order must not depend on `log_users`.
            Users::Hashed | Users::No => hidden(&key),
        }
    }

    /// The entry for the callback, or for a part of it.
    fn entry(&self, callback: &Callback) -> NewEntry {
        let head = Head {
            kept: callback.kept_head(),
            own_id: self.own_id.map(str::to_owned),
            traceparent: self.traceparent.map(str::to_owned),
            facts: Vec::new(),
        };
        NewEntry {
            platform: self.mounted.platform.name.as_str().into(),
            command: callback.name().into(),
            key: self.key(callback),
            duplicate_key: callback.duplicate_key().map(|key| hex(&key)),
            head: serde_json::to_string(&head).unwrap_or_default(),
            body: callback.body_bytes(),
            received_unix_ms: i64::try_from(callback.arrived_unix_ms()).unwrap_or(i64::MAX),
        }
    }
}

/// What is stored of an entry besides its body.
#[derive(Debug, Clone, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Head {
    #[serde(flatten)]
    pub(crate) kept: KeptHead,
    /// The ID that the host gave the callback, if the chat server gave it none: for the log, not for plugins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) own_id: Option<String>,
    /// The `traceparent` of its request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) traceparent: Option<String>,
    /// The facts that its plugins needed at the last attempt.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) facts: Vec<StoredFact>,
}

/// A key that says nothing about whom it is about.
fn hidden(key: &str) -> String {
    if key.is_empty() { String::new() } else { hex(&Sha256::digest(key.as_bytes())).chars().take(16).collect() }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Processes entries for the journal.
pub(crate) struct Work {
    host: WeakHost,
    runtime: Handle,
    counted: Arc<Counted>,
}

impl Work {
    /// Processes entries with this host, in this runtime.
    pub(crate) fn of(host: &Host, runtime: Handle) -> Self {
        Self { host: host.downgrade(), runtime, counted: Arc::default() }
    }
}

impl Worker for Work {
    fn work(&self, entry: Entry, ticket: Ticket) {
        let Some(host) = self.host.upgrade() else { return ticket.finish(Outcome::NotTried) };
        // Now, not when the task starts: an entry that the journal counts as running has its settings and plugins.
        let generation = host.generation_for_long();
        let counted = Arc::clone(&self.counted);
        self.runtime.spawn(async move {
            let (outcome, entry) = host.work_off(&generation, entry, &counted).await;
            ticket.finish_with(outcome, entry);
        });
    }
}

/// Entries that were put back untried after their facts had been looked up: counters of callbacks have already counted
/// them, which the journal does not store. Each of them waits in the journal's backlog, which limits their number.
#[derive(Debug, Default)]
struct Counted(Mutex<HashSet<EntryId>>);

impl Counted {
    fn lock(&self) -> MutexGuard<'_, HashSet<EntryId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Host {
    /// Processes an entry. Counters of callbacks count it once, however often that is tried.
    async fn work_off(
        &self,
        generation: &Arc<Generation>,
        entry: Entry,
        counted: &Counted,
    ) -> (Outcome, Option<Entry>) {
        let id = entry.id;
        let mut is_counted = counted.lock().remove(&id);
        let (outcome, entry) = self.run_entry(generation, entry, &mut is_counted).await;
        if is_counted && matches!(outcome, Outcome::NotTried) {
            counted.lock().insert(id);
        }
        (outcome, entry)
    }

    /// Runs the chain that an entry has in this generation: the one in service when the journal passes the entry. If
    /// plugins needed facts, they are stored in the entry. `is_counted`: whether counters have counted it.
    async fn run_entry(
        &self,
        generation: &Arc<Generation>,
        mut entry: Entry,
        is_counted: &mut bool,
    ) -> (Outcome, Option<Entry>) {
        let Prepared { callback, chain, mut head, protocol } = match prepare(generation, &entry) {
            Ok(prepared) => prepared,
            Err((fault, message)) => return (failed(None, fault, message, Duration::ZERO), None),
        };
        // A dead entry that is retried has no attempts again, but still the facts of the last one.
        *is_counted |= entry.attempts > 0 || !head.facts.is_empty();
        let purpose = if *is_counted { Purpose::Try } else { Purpose::Decide };
        let (knowledge, left) = match self.find_out_behind(generation, &chain, &callback, purpose).await {
            Ok(found) => found,
            Err(why) => return (not_run(&why), None),
        };
        *is_counted |= knowledge.as_ref().is_some_and(|knowledge| !knowledge.found().is_empty());
        let (host, held, its_callback) = (self.clone(), Held::new(&chain, generation), callback.clone());
        let job = move |_: &Cancel| {
            let began = Instant::now();
            // The time begins when the work does, however long it has waited for a thread.
            let deadline = Deadline::new(tokio::time::Instant::now(), left);
            let mut progress = Progress::knowing(knowledge);
            held.chain().advance(&host.engine, &its_callback, deadline, CallMode::Work, &mut progress);
            (progress.run, began.elapsed())
        };
        match self.workers.run_behind(chain.claim(), job).await {
            Ok((run, took)) => {
                let outcome = self.outcome(&entry, &head, &run, took, generation.settings().log.payloads);
                let how = match &outcome {
                    Outcome::Done { .. } => How::WorkedOff(entry.id.0),
                    _ => How::NotWorkedOff(entry.id.0),
                };
                let worked = Answered {
                    platform: &entry.platform,
                    protocol,
                    callback: &callback,
                    operation_id: head.own_id.as_deref().unwrap_or(callback.operation_id()),
                    run: &run,
                    shadow: None,
                    records: run.records.len(),
                    took,
                    how,
                };
                self.telemetry.worked(generation.counters(), &worked);
                if matches!(outcome, Outcome::Done { .. }) {
                    self.change_facts(generation, &run.updates);
                }
                let facts: Vec<&Found> = run.facts.iter().flat_map(|known| known.found()).collect();
                if facts.is_empty() {
                    return (outcome, None);
                }
                head.facts = facts.into_iter().map(StoredFact::exactly).collect();
                entry.head = serde_json::to_string(&head).unwrap_or_default();
                (outcome, Some(entry))
            }
            Err(why) => (not_run(&why), None),
        }
    }

    /// The result of processing an entry.
    fn outcome(&self, entry: &Entry, head: &Head, run: &ChainRun, took: Duration, shows_payloads: bool) -> Outcome {
        let fault = run.steps.iter().find_map(|step| Some((step, step.fault.as_ref()?)));
        match fault {
            // Not the callback's fault, nor the plugin's: it comes again, and that does not count.
            Some((_, Fault::NoTime | Fault::Suspended)) => Outcome::NotTried,
            Some((step, fault)) => {
                let text = if shows_payloads { fault.to_string() } else { fault.without_texts() };
                failed(Some(step), fault.name(), text, took)
            }
            None if run.fault.is_some() => Outcome::NotTried,
            // More records than the plugin may give in a second: they are not left out, they come later.
            None if run.records_lost > 0 => Outcome::NotTried,
            None => Outcome::Done { records: self.records_of(entry, head, run) },
        }
    }

    fn records_of(&self, entry: &Entry, head: &Head, run: &ChainRun) -> Vec<NewRecord> {
        let at_unix_ms = i64::try_from(self.now_unix_ms()).unwrap_or(i64::MAX);
        let record = |returned: &Returned| NewRecord {
            topic: returned.topic().to_owned(),
            key: entry.key.clone(),
            platform: Arc::clone(&entry.platform),
            command: Arc::clone(&entry.command),
            plugin: Arc::clone(&returned.plugin.name),
            sha256: Arc::clone(&returned.plugin.sha256),
            at_unix_ms,
            traceparent: head.traceparent.clone(),
            data: returned.data.clone(),
        };
        run.records.iter().map(record).collect()
    }
}

/// An entry that can be processed.
struct Prepared {
    callback: Callback,
    chain: Arc<Chain>,
    head: Head,
    protocol: &'static Protocol,
}

/// Opens an entry again, and finds its chain. The error is the name of a fault, and its text.
fn prepare(generation: &Generation, entry: &Entry) -> Result<Prepared, (&'static str, String)> {
    let mounted = generation.platforms().iter().find(|mounted| *mounted.platform.name == *entry.platform);
    let mounted = mounted.ok_or_else(|| {
        let message = format!(
            "the [[platform]] {} no longer exists: add it again, or run `callgate journal drop`",
            entry.platform
        );
        ("no_platform", message)
    })?;
    let head: Head = serde_json::from_str(&entry.head)
        .map_err(|error| ("not_readable", format!("the stored callback cannot be read: {error}")))?;
    let callback = Callback::reopen(mounted.platform.server.commands(), head.kept.clone(), entry.body.clone())
        .map_err(|refusal| ("not_readable", format!("the stored callback cannot be read: {refusal}")))?;
    let chain = callback.command().and_then(|command| mounted.routes.find(command)).ok_or_else(|| {
        let message = "no plugin handles this command any more: add one, or run `callgate journal drop`".to_owned();
        ("no_plugin", message)
    })?;
    let protocol = mounted.platform.server.protocol();
    let chain = Arc::clone(chain);
    Ok(Prepared { callback, chain, head, protocol })
}

/// The workers did not run the chain.
fn not_run(why: &NotRun) -> Outcome {
    match why {
        NotRun::Panicked => {
            failed(None, "host_failed", "the host failed; please report this".to_owned(), Duration::ZERO)
        }
        NotRun::NoTime(_) | NotRun::Full => Outcome::NotTried,
    }
}

/// A failed attempt.
fn failed(step: Option<&Step>, fault: &str, message: String, took: Duration) -> Outcome {
    let attempt = NewAttempt {
        plugin: step.map(|step| step.link.name().to_string()),
        fault: fault.to_owned(),
        message,
        took_us: u64::try_from(took.as_micros()).unwrap_or(u64::MAX),
    };
    Outcome::Failed { attempt }
}
