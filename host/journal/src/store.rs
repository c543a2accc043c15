//! What the journal needs of a store: one writer that commits many changes at once.
//!
//! A store for several machines implements the same trait: `begin` starts a list of messages, `commit` sends it and
//! waits until a majority has it on disk.

use std::sync::Arc;

use crate::decision::NewDecision;
use crate::entry::{Entry, EntryId, NewAttempt, NewEntry};
use crate::error::{ReadError, StoreError};
use crate::filter::EntryFilter;
use crate::record::{NewRecord, Sequence, SinkCursor};

/// A store, as its one writer sees it.
///
/// Changes are made between [`begin`](Self::begin) and [`commit`](Self::commit). If one of them fails, the writer calls
/// [`recover`](Self::recover) before anything else, and nothing since `begin` counts.
pub trait Store: Send {
    /// Begins a transaction.
    fn begin(&mut self) -> Result<(), StoreError>;

    /// Stores an entry. `None`: it repeats one that was stored before.
    fn accept(&mut self, entry: &NewEntry) -> Result<Option<Waiting>, StoreError>;

    /// Marks an entry as done, with its number of failures. Returns whether it was waiting until now.
    fn done(&mut self, id: EntryId, attempts: u32) -> Result<bool, StoreError>;

    /// Replaces the head of an entry, which is otherwise as it was accepted.
    fn describe(&mut self, entry: &Entry) -> Result<(), StoreError>;

    /// Keeps a failed attempt of an entry, and what follows from it.
    fn failed(&mut self, id: EntryId, attempt: &NewAttempt, next: Next) -> Result<(), StoreError>;

    /// Keeps a record, behind all others.
    fn record(&mut self, entry: Option<EntryId>, record: &NewRecord) -> Result<Sequence, StoreError>;

    /// Keeps a decision.
    fn decision(&mut self, decision: &NewDecision) -> Result<(), StoreError>;

    /// Stores a part of a state, which replaces the one with the same name; an empty part removes it.
    fn save_state(&mut self, name: &str, part: &str, data: &[u8]) -> Result<(), StoreError>;

    /// The parts of a state.
    fn state(&mut self, name: &str) -> Result<State, StoreError>;

    /// Removes all states except those with these names.
    fn forget_state(&mut self, keep: &[String]) -> Result<(), StoreError>;

    /// Saves a sink's cursor.
    fn cursor(&mut self, cursor: &SinkCursor) -> Result<(), StoreError>;

    /// Replaces the list of sinks; new ones begin after `from`. Returns their cursors.
    fn sinks(&mut self, names: &[String], from: Option<Sequence>) -> Result<Vec<SinkCursor>, StoreError>;

    /// Has some of the dead entries that match wait again, at most `rows_max`, and returns them in order.
    fn retry(&mut self, filter: &EntryFilter, rows_max: usize) -> Result<Vec<Waiting>, StoreError>;

    /// Removes some of the dead entries that match, at most `rows_max`, and returns how many.
    fn drop_dead(&mut self, filter: &EntryFilter, rows_max: usize) -> Result<usize, StoreError>;

    /// Deletes rows beyond the limits on age and size, at most about `rows_max` of each kind.
    fn trim(&mut self, rows_max: usize) -> Result<Trimmed, StoreError>;

    /// Commits: what was changed since `begin` is on disk.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// Forgets what was changed since `begin`, and begins again from what is on disk. A damaged file is set aside here,
    /// and what can be read of it is salvaged.
    fn recover(&mut self, error: &StoreError) -> Result<Recovered, StoreError>;

    /// Does what a store has to do from time to time, outside of transactions.
    fn tidy(&mut self, is_idle: bool) -> Result<Tidied, StoreError>;

    /// How full it is.
    fn room(&mut self) -> Result<Room, StoreError>;

    /// What reads entries for the scheduler, on another thread.
    fn entries(&self) -> Box<dyn ReadEntries>;

    /// Closes it. Everything committed has been on disk before.
    fn close(&mut self) -> Result<(), StoreError>;
}

/// Reads entries for the scheduler.
pub trait ReadEntries: Send {
    /// Entries that wait and have numbers between these two, in ascending order, at most `rows_max`.
    fn waiting(&mut self, after: EntryId, before: EntryId, rows_max: usize) -> Result<Vec<Waiting>, ReadError>;

    /// The entry with this number, with its body.
    fn entry(&mut self, id: EntryId) -> Result<Entry, ReadError>;
}

/// What follows from a failed attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The entry waits until then, in milliseconds since 1970.
    RetryAt(i64),
    /// The entry is dead.
    Dead,
}

/// An entry that waits, without its texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Its number.
    pub id: EntryId,
    /// A number for its platform and key: entries with the same number are processed in order.
    pub lane: i64,
    /// When the next attempt is due, in milliseconds since 1970.
    pub due_unix_ms: i64,
    /// When the callback was received, in milliseconds since 1970.
    pub received_unix_ms: i64,
    /// How many attempts have failed.
    pub attempts: u32,
}

/// A stored state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct State {
    /// Its parts, each with its name.
    pub parts: Vec<(String, Vec<u8>)>,
    /// Number of damaged parts, which are skipped.
    pub damaged: usize,
}

/// How full a store is.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Bytes in use.
    pub bytes: u64,
    /// The most there may be.
    pub bytes_max: u64,
    /// Bytes of the log.
    pub wal_bytes: u64,
    /// The newest record.
    pub last_sequence: i64,
    /// Entries that wait.
    pub waiting: usize,
    /// Dead entries.
    pub dead: usize,
    /// The number of the next entry.
    pub next_entry: EntryId,
}

/// What `trim` has removed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trimmed {
    /// Rows in all.
    pub rows: usize,
    /// Dead entries among them.
    pub dead: usize,
    /// Records among them that some sink had not taken.
    pub expired_records: usize,
    /// Whether there is more to remove now.
    pub more: bool,
}

/// What `tidy` has done.
#[derive(Debug, Clone, Default)]
pub struct Tidied {
    /// Checkpoints.
    pub checkpoints: usize,
    /// If the file was removed and written again, what is in it.
    pub set_aside: Option<Salvaged>,
}

/// What `recover` had to do.
#[derive(Debug, Clone, Default)]
pub struct Recovered {
    /// If a damaged file was set aside, its new name, and what was salvaged.
    pub set_aside: Option<Salvaged>,
    /// Entries that are on disk although their commit failed: they were not acknowledged.
    pub surprising: Vec<Waiting>,
}

/// What was saved from a damaged file.
#[derive(Debug, Clone, Default)]
pub struct Salvaged {
    /// The name that the damaged file has now; `None`: it was removed or renamed, and was read while it was still open.
    pub name: Option<Arc<str>>,
    /// Rows that were copied.
    pub rows: u64,
    /// Rows, or pages of a log, that are known to be lost; there may be more.
    pub lost: u64,
    /// Whether it is only the end of a log that could not be used.
    pub is_log: bool,
}
