//! The metrics of the journal: what it counts itself, read when metrics are requested.

use std::sync::atomic::{AtomicI64, AtomicU64};
use std::time::Duration;

use callgate_journal::Numbers;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::family::registered;

type Read = fn(&Numbers) -> u64;
type Whole = Gauge<i64, AtomicI64>;
type Seconds = Gauge<f64, AtomicU64>;

/// The journal's own figures, as of the last scrape.
pub(super) struct JournalCounters {
    gauges: [(Whole, Read); 9],
    counters: [(Counter, Read); 22],
    oldest_seconds: Seconds,
    commit_seconds_max: Seconds,
    commit_seconds: Counter<f64, AtomicU64>,
    checkpoint_seconds: Counter<f64, AtomicU64>,
    decisions_dropped: Counter,
}

impl JournalCounters {
    /// All at zero, also without a journal: a dashboard need not know whether there is one.
    pub(super) fn register(registry: &mut Registry) -> Self {
        let gauges: [(&str, &str, Read); 9] = [
            ("journal_backlog", "Entries that wait or are being processed", |now| now.backlog),
            ("journal_working", "Entries that are being processed", |now| now.working),
            ("journal_parked_keys", "Keys whose oldest entry has failed and waits for its next attempt", |now| {
                now.parked_keys
            }),
            ("journal_dead", "Dead entries", |now| now.dead),
            ("journal_full", "1 while entries are refused, or acknowledged without being stored", |now| {
                now.is_full.into()
            }),
            ("journal_bytes", "Bytes of the journal's file that are in use", |now| now.bytes),
            ("journal_bytes_max", "Maximum size of the journal's file, in bytes", |now| now.bytes_max),
            ("journal_wal_bytes", "Bytes of the journal's write-ahead log", |now| now.wal_bytes),
            ("journal_last_sequence", "The number of the newest record", |now| now.last_sequence.unsigned_abs()),
        ];
        let counters: [(&str, &str, Read); 22] = [
            ("journal_accepted", "Entries that were accepted", |now| now.accepted),
            ("journal_repeats", "Repeats that were acknowledged and not processed again", |now| now.repeats),
            ("journal_done", "Entries that were processed", |now| now.done),
            ("journal_attempts_failed", "Attempts that failed", |now| now.attempts_failed),
            ("journal_died", "Entries that became dead", |now| now.died),
            ("journal_dead_dropped", "Dead entries that were deleted for their number or age", |now| now.dead_dropped),
            ("journal_refused", "Entries that were refused", |now| now.refused),
            ("journal_acknowledged_and_lost", "Entries that were acknowledged without being stored", |now| {
                now.acknowledged_and_lost
            }),
            ("journal_records", "Records that were stored", |now| now.records),
            ("journal_records_dropped", "Records that the journal could not store", |now| now.records_dropped),
            ("journal_records_expired", "Records that were deleted undelivered because of their age", |now| {
                now.records_expired
            }),
            ("journal_decisions", "Decisions that were stored", |now| now.decisions),
            (
                "journal_acknowledged",
                "Requests answered by a commit; divided by commits: acknowledgements per sync",
                |now| now.acknowledged,
            ),
            ("journal_commits", "Commits, each of which is one sync to disk", |now| now.commits),
            ("journal_commits_failed", "Commits that failed", |now| now.commits_failed),
            ("journal_checkpoints", "Checkpoints", |now| now.checkpoints),
            ("journal_checkpoints_failed", "Checkpoints that failed", |now| now.checkpoints_failed),
            ("journal_damaged", "Rows whose checksum was wrong", |now| now.damaged),
            ("journal_set_aside", "Damaged files that were renamed", |now| now.set_aside),
            ("journal_salvaged", "Rows that were salvaged from damaged files", |now| now.salvaged),
            ("journal_salvage_lost", "Rows of damaged files that are known to be lost", |now| now.salvage_lost),
            ("journal_decisions_refused", "Decisions that the journal could not store", |now| now.decisions_dropped),
        ];
        let commit_seconds = Counter::default();
        let help = "Total time of all commits";
        registry.register_with_unit("journal_commit", help, Unit::Seconds, commit_seconds.clone());
        let checkpoint_seconds = Counter::default();
        let help = "Total time of all checkpoints";
        registry.register_with_unit("journal_checkpoint", help, Unit::Seconds, checkpoint_seconds.clone());
        Self {
            gauges: gauges.map(|(name, help, read)| (registered(registry, name, help), read)),
            counters: counters.map(|(name, help, read)| (registered(registry, name, help), read)),
            oldest_seconds: registered(registry, "journal_oldest_seconds", "The age of the oldest entry that waits"),
            commit_seconds_max: registered(registry, "journal_commit_seconds_max", "The longest commit"),
            commit_seconds,
            checkpoint_seconds,
            decisions_dropped: registered(
                registry,
                "decisions_dropped",
                "Decisions that were dropped because the queue to the journal was full",
            ),
        }
    }

    /// Brings them up to date. `dropped`: decisions that did not reach the journal.
    pub(super) fn look(&self, now: &Numbers, dropped: u64) {
        for (gauge, read) in &self.gauges {
            gauge.set(i64::try_from(read(now)).unwrap_or(i64::MAX));
        }
        for (counter, read) in &self.counters {
            counter.inc_by(read(now).saturating_sub(counter.get()));
        }
        self.oldest_seconds.set(now.oldest.as_secs_f64());
        self.commit_seconds_max.set(now.commit_time_max.as_secs_f64());
        let catch_up = |counter: &Counter<f64, AtomicU64>, now: Duration| {
            counter.inc_by((now.as_secs_f64() - counter.get()).max(0.0));
        };
        catch_up(&self.commit_seconds, now.commit_time);
        catch_up(&self.checkpoint_seconds, now.checkpoint_time);
        self.decisions_dropped.inc_by(dropped.saturating_sub(self.decisions_dropped.get()));
    }
}
