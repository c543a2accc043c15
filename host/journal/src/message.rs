//! The messages to the journal's threads.

use std::sync::{Arc, mpsc};

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::decision::NewDecision;
use crate::entry::{Accepted, Entry, EntryId, NewAttempt, NewEntry};
use crate::error::NotKept;
use crate::filter::EntryFilter;
use crate::inbox::Inbox;
use crate::record::{NewRecord, Sequence, SinkCursor};
use crate::store::{Next, ReadEntries, State, Waiting};
use crate::worker::{WorkLimits, Worker};

/// Where the answer to a message goes.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, NotKept>>;

/// Permits of a queue, released when dropped.
#[derive(Debug)]
pub(crate) struct Permits {
    pub(crate) _items: OwnedSemaphorePermit,
    pub(crate) _bytes: OwnedSemaphorePermit,
}

/// To the writer.
pub(crate) enum Message {
    Accept {
        entries: Vec<NewEntry>,
        reply: Reply<Accepted>,
        permits: Permits,
    },
    /// Without a reply, they were offered.
    Records {
        records: Vec<NewRecord>,
        reply: Option<Reply<()>>,
        permits: Permits,
    },
    Decision {
        decision: Box<NewDecision>,
        permits: Permits,
    },
    /// Parts of a state, each with its name.
    SaveState {
        name: String,
        parts: Vec<(String, Vec<u8>)>,
        permits: Permits,
    },
    ReadState {
        name: String,
        reply: mpsc::SyncSender<Result<State, NotKept>>,
    },
    /// Delete all states except these.
    ForgetState {
        keep: Vec<String>,
    },
    Finish(Finished),
    Cursor(SinkCursor),
    Sinks {
        names: Vec<String>,
        from: Option<Sequence>,
        reply: Reply<Vec<SinkCursor>>,
    },
    Retry {
        filter: EntryFilter,
        reply: Reply<u64>,
    },
    Drop {
        filter: EntryFilter,
        reply: Reply<u64>,
    },
    /// From now on, the scheduler is notified of commits. It reads earlier entries itself.
    Start {
        scheduler: Arc<Inbox<Task>>,
        reply: oneshot::Sender<Result<Box<dyn ReadEntries>, NotKept>>,
    },
    Flush(Reply<()>),
    /// A reader has met damage in the file with this number.
    Damage {
        file: u64,
        what: String,
    },
    Tick,
    Close(oneshot::Sender<()>),
}

/// An entry whose work has ended.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) id: EntryId,
    /// How many attempts had failed before.
    pub(crate) attempts: u32,
    pub(crate) ended: Ended,
    /// The entry, if its head is another one now.
    pub(crate) entry: Option<Entry>,
}

/// How.
#[derive(Debug)]
pub(crate) enum Ended {
    Done(Vec<NewRecord>),
    Failed(NewAttempt, Next),
}

/// To the scheduler.
pub(crate) enum Task {
    /// What was accepted before this number is to be read. The first message.
    Backlog { before: EntryId },
    /// These are on disk now; their bodies are at hand.
    Accepted(Vec<(Waiting, Entry)>),
    /// These are on disk.
    Waiting(Vec<Waiting>),
    /// Work on an entry has ended; unless it is to be tried again, its lane moves on.
    Ended { id: EntryId, again_at: Option<i64>, is_attempt: bool },
    /// The results of this many entries are on disk.
    Committed(usize),
    /// Hand entries to this worker.
    Work { worker: Arc<dyn Worker>, limits: WorkLimits, entries: Box<dyn ReadEntries> },
    /// Read the clock.
    Tick,
    /// Start no more work. Work that is running can still end.
    Stop,
    /// End, and close the store. The sender is notified when that is done.
    End(Option<oneshot::Sender<()>>),
}
