//! Entries: after-callbacks that were acknowledged and wait to be processed.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// The number of an entry. It is unique within a journal, never reused, and ascends in the order of acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EntryId(pub i64);

impl fmt::Display for EntryId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A callback to store and process.
#[derive(Debug, Clone)]
pub struct NewEntry {
    /// The platform's name from the settings.
    pub platform: Arc<str>,
    /// The command's name.
    pub command: Arc<str>,
    /// Entries of the same platform and key are processed one at a time, in the order of acceptance.
    pub key: String,
    /// Equal for repeats of a callback of this platform and command; `None`: every callback is new.
    pub duplicate_key: Option<String>,
    /// What the host needs, apart from the body, to reopen the callback. The journal does not read it.
    pub head: String,
    /// The callback's body. The journal does not read it.
    pub body: Bytes,
    /// When the callback was received, in milliseconds since 1970.
    pub received_unix_ms: i64,
}

impl NewEntry {
    /// What the entry counts for where bytes are limited.
    pub(crate) fn bytes(&self) -> usize {
        let duplicate_key = self.duplicate_key.as_ref().map_or(0, String::len);
        self.body.len() + self.head.len() + self.key.len() + duplicate_key + ENTRY_OVERHEAD_BYTES
    }
}

/// Approximate size of an entry's row without its texts.
const ENTRY_OVERHEAD_BYTES: usize = 128;

/// What became of the entries of one call of [`Journal::accept`](crate::Journal::accept). All of them may be
/// acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Accepted {
    /// Entries that are on disk now and will be processed.
    pub kept: usize,
    /// Repeats of entries that were accepted before: they are not processed again.
    pub repeats: usize,
    /// Entries that are *not* stored, because the journal is full or its disk fails and
    /// [`WhenFull::AcknowledgeAndCount`](crate::WhenFull) says to acknowledge all the same.
    pub not_kept: usize,
}

/// An entry to process.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its number.
    pub id: EntryId,
    /// The platform's name from the settings.
    pub platform: Arc<str>,
    /// The command's name.
    pub command: Arc<str>,
    /// The key that it is ordered by.
    pub key: String,
    /// As it was accepted.
    pub head: String,
    /// As it was accepted; its checksum has been verified.
    pub body: Bytes,
    /// When the callback was received, in milliseconds since 1970.
    pub received_unix_ms: i64,
    /// How many attempts have failed so far.
    pub attempts: u32,
}

/// The state of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EntryState {
    /// It is worked on, or waits for its turn or its next attempt.
    Waiting,
    /// It was processed, and is stored for a while: see [`JournalSettings::done_entries_age`](crate::JournalSettings).
    Done,
    /// It has failed `attempts_max` times; it is stored until it is retried, dropped or too old.
    Dead,
}

impl EntryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Done, Self::Dead];

    /// Its name for tables and filters.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Done => "done",
            Self::Dead => "dead",
        }
    }

    /// The state with this name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    pub(crate) fn code(self) -> i64 {
        match self {
            Self::Waiting => 0,
            Self::Done => 1,
            Self::Dead => 2,
        }
    }

    pub(crate) fn of_code(code: i64) -> Self {
        match code {
            1 => Self::Done,
            2 => Self::Dead,
            _ => Self::Waiting,
        }
    }
}

/// An entry without its body, as lists show it.
#[derive(Debug, Clone)]
pub struct EntrySummary {
    /// Its number.
    pub id: EntryId,
    /// Its state.
    pub state: EntryState,
    /// The platform's name.
    pub platform: Arc<str>,
    /// The command's name.
    pub command: Arc<str>,
    /// The key that it is ordered by.
    pub key: String,
    /// When the callback was received, in milliseconds since 1970.
    pub received_unix_ms: i64,
    /// When the next attempt is due, in milliseconds since 1970; 0: at once. For what is done or dead: when it became
    /// so.
    pub due_unix_ms: i64,
    /// How many attempts have failed.
    pub attempts: u32,
}

/// How an attempt to process an entry failed, as reported by the worker.
#[derive(Debug, Clone, Default)]
pub struct NewAttempt {
    /// The plugin that failed, if it was one.
    pub plugin: Option<String>,
    /// The name of the fault.
    pub fault: String,
    /// What happened, for people. The first 1000 bytes are stored.
    pub message: String,
    /// How long the attempt took, in microseconds.
    pub took_us: u64,
}

/// A failed attempt, as it is stored.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The first is 1.
    pub number: u32,
    /// When it ended, in milliseconds since 1970.
    pub at_unix_ms: i64,
    /// How it failed.
    pub failure: NewAttempt,
}
