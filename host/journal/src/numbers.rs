//! What the journal counts, as plain numbers.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// A snapshot of a journal's figures. Counts are since the start; figures marked "now" are current values.
#[derive(Debug, Clone, Copy, Default)]
pub struct Numbers {
    /// Entries that wait or are worked on, now.
    pub backlog: u64,
    /// The age of the oldest of them, now; zero without one.
    pub oldest: Duration,
    /// Entries that are worked on, now.
    pub working: u64,
    /// Keys whose oldest entry has failed and waits for its next attempt, now.
    pub parked_keys: u64,
    /// Dead entries, now.
    pub dead: u64,
    /// Entries that were accepted.
    pub accepted: u64,
    /// Repeats that were acknowledged and not processed again.
    pub repeats: u64,
    /// Entries that were done.
    pub done: u64,
    /// Attempts that failed.
    pub attempts_failed: u64,
    /// Entries that became dead.
    pub died: u64,
    /// Dead entries that were dropped because of their number or age.
    pub dead_dropped: u64,
    /// Records that were stored.
    pub records: u64,
    /// Records that were dropped because the queue or the journal was full, or the disk failed.
    pub records_dropped: u64,
    /// Records that were dropped at their age although some sink had not taken them.
    pub records_expired: u64,
    /// Decisions that were stored.
    pub decisions: u64,
    /// Decisions that were dropped because their queue or the journal was full, or the disk failed.
    pub decisions_dropped: u64,
    /// Parts of states that were stored.
    pub states: u64,
    /// Parts of states that are not on disk because the journal was full or failed until it was closed.
    pub states_dropped: u64,
    /// Commits, each of which is one sync to disk.
    pub commits: u64,
    /// Commits that failed.
    pub commits_failed: u64,
    /// Calls of `accept` and `keep_records` that were answered by a commit: divided by the commits, acknowledgements
    /// per sync.
    pub acknowledged: u64,
    /// The time of all commits together.
    pub commit_time: Duration,
    /// The longest commit.
    pub commit_time_max: Duration,
    /// Checkpoints.
    pub checkpoints: u64,
    /// Checkpoints that failed.
    pub checkpoints_failed: u64,
    /// The time of all checkpoints together.
    pub checkpoint_time: Duration,
    /// Entries that were refused because the journal was full or its disk failed.
    pub refused: u64,
    /// Entries that were acknowledged without being stored.
    pub acknowledged_and_lost: u64,
    /// Whether entries are refused now, or acknowledged without being stored.
    pub is_full: bool,
    /// Bodies, records, decisions and parts of states that failed their checksum.
    pub damaged: u64,
    /// Times that a damaged file was set aside.
    pub set_aside: u64,
    /// Rows that were salvaged from damaged files.
    pub salvaged: u64,
    /// Rows of damaged files, and pages of logs, that are known to be lost.
    pub salvage_lost: u64,
    /// Bytes of the database file that are in use, now.
    pub bytes: u64,
    /// The most that it may have.
    pub bytes_max: u64,
    /// Bytes of the write-ahead log, now.
    pub wal_bytes: u64,
    /// The last record, now.
    pub last_sequence: i64,
}

/// The numbers as they are counted, by whichever thread.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) oldest_received_ms: AtomicI64,
    pub(crate) working: AtomicU64,
    pub(crate) parked_keys: AtomicU64,
    pub(crate) backlog: AtomicU64,
    pub(crate) dead: AtomicU64,
    pub(crate) accepted: AtomicU64,
    pub(crate) repeats: AtomicU64,
    pub(crate) done: AtomicU64,
    pub(crate) attempts_failed: AtomicU64,
    pub(crate) died: AtomicU64,
    pub(crate) dead_dropped: AtomicU64,
    pub(crate) records: AtomicU64,
    pub(crate) records_dropped: AtomicU64,
    pub(crate) records_expired: AtomicU64,
    pub(crate) decisions: AtomicU64,
    pub(crate) decisions_dropped: AtomicU64,
    pub(crate) states: AtomicU64,
    pub(crate) states_dropped: AtomicU64,
    pub(crate) commits: AtomicU64,
    pub(crate) commits_failed: AtomicU64,
    pub(crate) acknowledged: AtomicU64,
    pub(crate) commit_ns: AtomicU64,
    pub(crate) commit_ns_max: AtomicU64,
    pub(crate) checkpoints: AtomicU64,
    pub(crate) checkpoints_failed: AtomicU64,
    pub(crate) checkpoint_ns: AtomicU64,
    pub(crate) refused: AtomicU64,
    pub(crate) acknowledged_and_lost: AtomicU64,
    pub(crate) is_full: AtomicBool,
    pub(crate) damaged: AtomicU64,
    pub(crate) set_aside: AtomicU64,
    pub(crate) salvaged: AtomicU64,
    pub(crate) salvage_lost: AtomicU64,
    pub(crate) bytes: AtomicU64,
    pub(crate) bytes_max: AtomicU64,
    pub(crate) wal_bytes: AtomicU64,
    pub(crate) last_sequence: AtomicI64,
}

/// Adds to a number.
pub(crate) fn add(number: &AtomicU64, more: usize) {
    number.fetch_add(more as u64, Ordering::Relaxed);
}

/// Sets a number of now.
pub(crate) fn set(number: &AtomicU64, now: u64) {
    number.store(now, Ordering::Relaxed);
}

impl Counts {
    /// All figures. Each is exact, but they may be from slightly different moments.
    pub(crate) fn numbers(&self, now_unix_ms: i64) -> Numbers {
        let get = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let oldest = match self.oldest_received_ms.load(Ordering::Relaxed) {
            0 => Duration::ZERO,
            received => Duration::from_millis(u64::try_from(now_unix_ms - received).unwrap_or(0)),
        };
        Numbers {
            backlog: get(&self.backlog),
            oldest,
            working: get(&self.working),
            parked_keys: get(&self.parked_keys),
            dead: get(&self.dead),
            accepted: get(&self.accepted),
            repeats: get(&self.repeats),
            done: get(&self.done),
            attempts_failed: get(&self.attempts_failed),
            died: get(&self.died),
            dead_dropped: get(&self.dead_dropped),
            records: get(&self.records),
            records_dropped: get(&self.records_dropped),
            records_expired: get(&self.records_expired),
            decisions: get(&self.decisions),
            decisions_dropped: get(&self.decisions_dropped),
            states: get(&self.states),
            states_dropped: get(&self.states_dropped),
            commits: get(&self.commits),
            commits_failed: get(&self.commits_failed),
            acknowledged: get(&self.acknowledged),
            commit_time: Duration::from_nanos(get(&self.commit_ns)),
            commit_time_max: Duration::from_nanos(get(&self.commit_ns_max)),
            checkpoints: get(&self.checkpoints),
            checkpoints_failed: get(&self.checkpoints_failed),
            checkpoint_time: Duration::from_nanos(get(&self.checkpoint_ns)),
            refused: get(&self.refused),
            acknowledged_and_lost: get(&self.acknowledged_and_lost),
            is_full: self.is_full.load(Ordering::Relaxed),
            damaged: get(&self.damaged),
            set_aside: get(&self.set_aside),
            salvaged: get(&self.salvaged),
            salvage_lost: get(&self.salvage_lost),
            bytes: get(&self.bytes),
            bytes_max: get(&self.bytes_max),
            wal_bytes: get(&self.wal_bytes),
            last_sequence: self.last_sequence.load(Ordering::Relaxed),
        }
    }
}
