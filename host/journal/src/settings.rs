//! The limits of a journal.

use std::path::PathBuf;
use std::time::Duration;

/// What to do with callbacks that cannot be stored because the journal is full or its disk fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WhenFull {
    /// They are not acknowledged: the chat server gets an error.
    #[default]
    Refuse,
    /// They are acknowledged and counted as lost.
    AcknowledgeAndCount,
}

/// Where a journal is and how large it may become.
#[derive(Debug, Clone)]
pub struct JournalSettings {
    /// The folder with the journal's files. It is created, with access for this user only.
    pub folder: PathBuf,
    /// Maximum size of the database file. Default: 4 GiB, ten million entries of 400 bytes. At least 1 MiB: less counts
    /// as that. A sixteenth is reserved for the results of accepted entries: new ones are refused above fifteen
    /// sixteenths. A file that is larger already is not made smaller; what is free in it is reused.
    pub bytes_max: u64,
    /// What to do with callbacks that cannot be stored.
    pub when_full: WhenFull,
    /// Maximum number of entries that wait to be processed. Default: 2 million, which take about 100 bytes of memory
    /// each. 0: nothing is accepted.
    pub backlog_entries_max: usize,
    /// Maximum number of dead entries; beyond it the oldest are dropped, counted and logged. Default: 100 000.
    /// 0: entries are dropped as soon as they would be dead.
    pub dead_entries_max: usize,
    /// Dead entries are dropped at this age. Default: 30 days. 0: at once.
    pub dead_entries_age: Duration,
    /// How long done entries are stored, to be listed and replayed. Default: 0, they are deleted when they are done.
    pub done_entries_age: Duration,
    /// Repeats are recognised for at least this long. Default: 10 minutes. 0: not at all.
    pub repeats_window: Duration,
    /// Maximum number of keys that are remembered to recognise repeats; beyond it the older half is forgotten early.
    /// Default: 2 million. 0: repeats are not recognised.
    pub repeats_max: usize,
    /// How long delivered records are stored. Default: 1 hour. 0: they are deleted soon after delivery.
    pub records_age: Duration,
    /// Records that some sink has not taken are dropped at this age, counted and logged. Default: 30 days.
    /// Less than [`records_age`](Self::records_age) counts as that.
    pub undelivered_records_age: Duration,
    /// Decisions are dropped at this age. Default: 7 days.
    pub decisions_age: Duration,
    /// Maximum size of all decisions together; beyond it the oldest are dropped. Default: 256 MiB. 0: none is kept.
    pub decisions_bytes_max: u64,
    /// Maximum number of entries and records that wait for a commit; more callers wait for their turn. Default: 4096.
    /// At least 1.
    pub queue_items_max: usize,
    /// Maximum number of bytes of entries and records that wait for a commit; more callers wait for their turn, and one
    /// call with more fails. Default: 64 MiB.
    pub queue_bytes_max: usize,
    /// Maximum number of decisions that wait for a commit; more are dropped and counted. Default: 4096.
    pub decisions_queue_items_max: usize,
    /// Maximum number of bytes of decisions that wait for a commit; more are dropped and counted. Default: 32 MiB.
    pub decisions_queue_bytes_max: usize,
    /// Maximum number of parts of states that wait for a commit; beyond it, [`save_state`](crate::Journal::save_state)
    /// reports that the queue is full. Default: 1024. At least 1.
    pub state_queue_items_max: usize,
    /// Maximum number of bytes of states that wait for a commit, likewise. Default: 64 MiB.
    pub state_queue_bytes_max: usize,
    /// Bytes of the write-ahead log after which it is moved into the database file. Default: 8 MiB. 0: after each
    /// commit.
    pub checkpoint_bytes: u64,
    /// The VFS of SQLite that is used: for tests, which simulate failing disks.
    #[doc(hidden)]
    pub vfs: Option<String>,
}

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

impl JournalSettings {
    /// The defaults, in this folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            bytes_max: 4 << 30,
            when_full: WhenFull::Refuse,
            backlog_entries_max: 2_000_000,
            dead_entries_max: 100_000,
            dead_entries_age: 30 * DAY,
            done_entries_age: Duration::ZERO,
            repeats_window: 10 * MINUTE,
            repeats_max: 2_000_000,
            records_age: HOUR,
            undelivered_records_age: 30 * DAY,
            decisions_age: 7 * DAY,
            decisions_bytes_max: 256 << 20,
            queue_items_max: 4096,
            queue_bytes_max: 64 << 20,
            decisions_queue_items_max: 4096,
            decisions_queue_bytes_max: 32 << 20,
            state_queue_items_max: 1024,
            state_queue_bytes_max: 64 << 20,
            checkpoint_bytes: 8 << 20,
            vfs: None,
        }
    }
}
