//! Processing entries: what the host implements, and what it receives.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::back_off::BackOff;
use crate::entry::{Entry, EntryId, NewAttempt};
use crate::record::NewRecord;

/// Processes entries. The host implements it by running the chain of the entry's command.
pub trait Worker: Send + Sync + 'static {
    /// Starts to process an entry.
    ///
    /// It is called on the scheduler's thread and must not block: it hands the entry to a task or thread and returns.
    /// The ticket is finished when the entry is done or has failed. The next entry of the same key waits for that.
    ///
    /// After a crash or a failed commit, an entry may be processed again. Its records are stored once.
    fn work(&self, entry: Entry, ticket: Ticket);
}

/// The result of processing an entry.
#[derive(Debug)]
pub enum Outcome {
    /// It is done. Its records are committed together with that.
    Done {
        /// In order.
        records: Vec<NewRecord>,
    },
    /// It failed, and is tried again after a while; after [`WorkLimits::attempts_max`] failures it is dead.
    Failed {
        /// What is stored about the attempt.
        attempt: NewAttempt,
    },
    /// It failed, and would always fail: it is dead at once.
    Hopeless {
        /// What is stored about the attempt.
        attempt: NewAttempt,
    },
    /// It was not tried, because the host is stopping or overloaded. It is retried after the first pause of
    /// [`WorkLimits::back_off`], and this does not count as an attempt.
    NotTried,
}

/// The right to say, once, how an entry ended. A ticket that is dropped counts as a failed attempt.
pub struct Ticket {
    id: EntryId,
    /// How many attempts had failed before.
    attempts: u32,
    finish: Option<Arc<Finish>>,
}

/// Receives outcomes, with the entry if its head has changed.
pub(crate) type Finish = dyn Fn(EntryId, u32, Outcome, Option<Entry>) + Send + Sync;

impl Ticket {
    pub(crate) fn new(id: EntryId, attempts: u32, finish: Arc<Finish>) -> Self {
        Self { id, attempts, finish: Some(finish) }
    }

    /// The entry that the ticket is for.
    pub fn id(&self) -> EntryId {
        self.id
    }

    /// Says how the entry ended. Returns at once; the commit follows.
    pub fn finish(self, outcome: Outcome) {
        self.finish_with(outcome, None);
    }

    /// Reports the outcome. If `entry` is given, its head replaces the stored one, for example with the facts that were
    /// used. All its other members must be unchanged.
    pub fn finish_with(mut self, outcome: Outcome, entry: Option<Entry>) {
        if let Some(finish) = self.finish.take() {
            finish(self.id, self.attempts, outcome, entry);
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(finish) = self.finish.take() {
            let message = "the work ended without a result; please report this".to_owned();
            let attempt = NewAttempt { fault: "host_failed".to_owned(), message, ..NewAttempt::default() };
            finish(self.id, self.attempts, Outcome::Failed { attempt }, None);
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Ticket").field(&self.id).finish()
    }
}

/// How entries are processed.
#[derive(Debug, Clone)]
pub struct WorkLimits {
    /// Maximum number of entries that are worked on or wait for the commit of their result. Default: 256. 0 counts as
    /// 1.
    pub at_once: usize,
    /// Maximum size of the bodies that stay in memory until their turn, in bytes; others are read from disk.
    /// Default: 32 MiB. 0: all are read from disk.
    pub bodies_bytes_max: usize,
    /// Attempts until an entry is dead. Default: 8, which with the default pauses takes about two minutes. 0 counts as
    /// 1.
    pub attempts_max: u32,
    /// The pause after each failed attempt, with jitter, so that entries that failed together are not retried together.
    /// Default: 1 s, then twice that, and so on, up to 5 minutes.
    pub back_off: BackOff,
}

impl Default for WorkLimits {
    fn default() -> Self {
        Self {
            at_once: 256,
            bodies_bytes_max: 32 << 20,
            attempts_max: 8,
            back_off: BackOff { first: Duration::from_secs(1), longest: Duration::from_secs(300) },
        }
    }
}
