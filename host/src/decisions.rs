//! Which decisions are stored, and how they get to the journal without delaying the answer.

mod decided;
mod document;
mod redact;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use callgate_catalogue::catalogue::Named;
use callgate_catalogue::wire::Phase;
use callgate_dialects::Decision;
use callgate_journal::{Journal, NewDecision};

use crate::chain::ChainRun;
use crate::held;
use crate::settings::{Decisions as Settings, Keep, Users};

pub(crate) use decided::{Decided, Moment, RefusedRequest};
pub use document::{Call, Document, REFUSED, StoredFact};

use decided::Policy;
#[cfg(feature = "workshop")]
pub(crate) use redact::Redaction;

/// Hands decisions to the journal, on a thread of its own that writes their documents.
#[derive(Debug)]
pub(crate) struct Decisions {
    policy: Arc<Policy>,
    /// `None`: none are stored.
    queue: Option<SyncSender<Item>>,
    thread: Option<JoinHandle<()>>,
    /// Memory that the decisions in the queue use, in bytes.
    bytes: Arc<AtomicUsize>,
    dropped: AtomicU64,
}

/// Maximum number of decisions in the queue, and maximum total size in bytes of their bodies, records, answers and
/// texts of plugins. Further ones are dropped and counted.
const QUEUE_MAX: usize = 1024;
const QUEUE_BYTES_MAX: usize = 64 << 20;

enum Item {
    Decided(Box<Decided>),
    Refused(Box<RefusedRequest>),
    Settle(SyncSender<()>),
}

impl Item {
    /// What it holds in memory.
    fn bytes(&self) -> usize {
        match self {
            Self::Decided(decided) => {
                let records = decided.records.iter().map(|record| record.data.len()).sum::<usize>();
                let said = held::of_run(&decided.run);
                held::of_callback(&decided.callback) + said + records + decided.response.body.len()
            }
            Self::Refused(refused) => refused.body.len(),
            Self::Settle(_) => 0,
        }
    }
}

impl Decisions {
    /// Keeps what these settings say, in this journal.
    ///
    /// # Errors
    /// If the thread cannot be started.
    pub(crate) fn start(settings: &Settings, journal: &Journal) -> std::io::Result<Self> {
        let policy =
            Arc::new(Policy { keep: settings.keep, payloads: settings.payloads, redact: settings.redact.clone() });
        let bytes = Arc::new(AtomicUsize::new(0));
        let (queue, thread) = match policy.keep {
            Keep::None => (None, None),
            Keep::Refused | Keep::Changed | Keep::All => {
                let (queue, inbox) = sync_channel(QUEUE_MAX);
                let (its_policy, its_bytes, journal) = (Arc::clone(&policy), Arc::clone(&bytes), journal.clone());
                let run = move || write(&inbox, &its_policy, &its_bytes, &journal);
                let thread = std::thread::Builder::new().name("decisions".to_owned()).spawn(run)?;
                (Some(queue), Some(thread))
            }
        };
        Ok(Self { policy, queue, thread, bytes, dropped: AtomicU64::new(0) })
    }

    /// Whether this decision is stored.
    pub(crate) fn wants(&self, phase: Phase, run: &ChainRun) -> bool {
        let is_refusal = || {
            let is_fault = run.fault.is_some() || run.steps.iter().any(|step| step.fault.is_some());
            is_fault
                || match &run.decision {
                    Decision::Deny(_) | Decision::Drop | Decision::RefuseSome(_) => true,
                    Decision::PerUser(results) => results.iter().any(|result| result.code != 0),
                    Decision::Allow | Decision::Modify(_) | Decision::Reply(_) => false,
                }
        };
        phase == Phase::Before
            && match self.policy.keep {
                Keep::None => false,
                Keep::Refused => is_refusal(),
                Keep::Changed => run.decision != Decision::Allow || is_refusal(),
                Keep::All => true,
            }
    }

    /// Whether refusals of requests are stored.
    pub(crate) fn wants_refusals(&self) -> bool {
        self.policy.keep != Keep::None
    }

    /// Queues a decision to be stored. Never waits: if the queue is full, it is dropped and counted.
    pub(crate) fn keep(&self, decided: Decided) {
        self.send(Item::Decided(Box::new(decided)));
    }

    /// Keeps a refusal, in the same way.
    pub(crate) fn keep_refusal(&self, refused: RefusedRequest) {
        self.send(Item::Refused(Box::new(refused)));
    }

    fn send(&self, item: Item) {
        let Some(queue) = &self.queue else { return };
        let bytes = item.bytes();
        let fits = self.bytes.fetch_add(bytes, Ordering::Relaxed) + bytes <= QUEUE_BYTES_MAX;
        if !fits || queue.try_send(item).is_err() {
            self.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Decisions that were dropped before they reached the journal.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until the decisions that were made before are with the journal. Blocks.
    pub(crate) fn settle(&self) {
        let Some(queue) = &self.queue else { return };
        let (sender, receiver) = sync_channel(1);
        if queue.send(Item::Settle(sender)).is_ok() {
            let _ = receiver.recv();
        }
    }
}

impl Drop for Decisions {
    /// Waits until the queue is empty.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Writes documents until no more decisions can come.
fn write(inbox: &Receiver<Item>, policy: &Policy, bytes: &AtomicUsize, journal: &Journal) {
    for item in inbox {
        let its_bytes = item.bytes();
        match item {
            // What the journal has no room for, it counts.
            Item::Decided(decided) => _ = journal.offer_decision(document_of(&decided, policy)),
            Item::Refused(refused) => _ = journal.offer_decision(document_of_refusal(&refused, policy)),
            Item::Settle(sender) => {
                let _ = sender.send(());
            }
        }
        bytes.fetch_sub(its_bytes, Ordering::Relaxed);
    }
}

fn document_of(decided: &Decided, policy: &Policy) -> NewDecision {
    let callback = &decided.callback;
    let people = match (decided.users, callback.command()) {
        (Users::Yes, Some(command)) => decided.protocol.people.named(command, callback.body()),
        _ => Named::default(),
    };
    let (document, body) = Document::of(decided, &people, policy);
    let run = &decided.run;
    NewDecision {
        at_unix_ms: millis(decided.at_unix_ms),
        platform: decided.platform.as_str().into(),
        command: document.command.as_str().into(),
        // It names users, unless it names a group.
        key: if decided.users == Users::Yes { callback.order_key(decided.protocol) } else { String::new() },
        actor: people.actor,
        target: people.target,
        verdict: run.decision.name().into(),
        code: document.code.unwrap_or_default().into(),
        decided_by: document.decided_by.as_str().into(),
        refusal: Arc::default(),
        fault: document.fault.as_str().into(),
        plugins: run.steps.iter().map(|step| Arc::clone(step.link.name())).collect(),
        operation_id: document.operation_id.clone(),
        generation: decided.generation,
        document: document.to_json(),
        body,
    }
}

fn document_of_refusal(refused: &RefusedRequest, policy: &Policy) -> NewDecision {
    let document = Document::of_refusal(refused, policy);
    NewDecision {
        at_unix_ms: millis(refused.at_unix_ms),
        platform: refused.platform.as_str().into(),
        verdict: REFUSED.into(),
        refusal: refused.refusal.name().into(),
        generation: refused.generation,
        document: document.to_json(),
        ..NewDecision::default()
    }
}

fn millis(unix_ms: u64) -> i64 {
    i64::try_from(unix_ms).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use callgate_dialects::Refusal;

    use super::*;

    /// The receiver is returned and not read, so nothing leaves the queue.
    fn stuck(queue_max: usize) -> (Decisions, Receiver<Item>) {
        let (queue, inbox) = sync_channel(queue_max);
        let policy = Arc::new(Policy { keep: Keep::All, payloads: true, redact: Vec::new() });
        let (bytes, dropped) = (Arc::default(), AtomicU64::new(0));
        (Decisions { policy, queue: Some(queue), thread: None, bytes, dropped }, inbox)
    }

    fn refused(body: Bytes) -> RefusedRequest {
        RefusedRequest {
            platform: String::new(),
            kind: "openim",
            refusal: Refusal::NotKept,
            status: 503,
            at_unix_ms: 0,
            generation: 1,
            body,
        }
    }

    #[test]
    fn what_does_not_fit_into_the_queue_is_dropped_and_counted() {
        let (decisions, _inbox) = stuck(2);
        for dropped in [0, 0, 1, 2] {
            decisions.keep_refusal(refused(Bytes::from_static(b"{}")));
            assert_eq!(decisions.dropped(), dropped);
        }
        assert_eq!(decisions.bytes.load(Ordering::Relaxed), 4, "what was dropped takes no room");
    }

    #[test]
    fn bodies_in_the_queue_have_a_maximum_together() {
        let (decisions, inbox) = stuck(8);
        let half = Bytes::from(vec![0; QUEUE_BYTES_MAX / 2]);
        let keep = |body: &Bytes| decisions.keep_refusal(refused(body.clone()));
        keep(&half);
        keep(&half);
        assert_eq!(decisions.dropped(), 0, "the maximum itself fits");
        keep(&Bytes::from_static(b"{"));
        assert_eq!(decisions.dropped(), 1);
        assert_eq!(inbox.try_iter().count(), 2);
    }
}
