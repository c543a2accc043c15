//! The thread that owns every write: it takes what has come, and commits it in one transaction.

mod batch;
mod state;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{oneshot, watch};

use self::batch::{Batch, Written};
use self::state::{Saved, Unsaved};
use crate::clock::Clock;
use crate::entry::{Accepted, Entry, EntryId, NewEntry};
use crate::error::{NotKept, StoreError};
use crate::filter::EntryFilter;
use crate::inbox::Inbox;
use crate::message::{Ended, Finished, Message, Reply, Task};
use crate::numbers::{Counts, add, set};
use crate::record::{NewRecord, Sequence, SinkCursor};
use crate::settings::{JournalSettings, WhenFull};
use crate::store::{Next, ReadEntries, Recovered, Salvaged, State, Store, Tidied, Waiting};

/// What the writer shares with others.
pub(crate) struct Shared {
    pub(crate) inbox: Arc<Inbox<Message>>,
    pub(crate) clock: Clock,
    pub(crate) counts: Arc<Counts>,
    /// The number of the file that is open now.
    pub(crate) file_number: Arc<AtomicU64>,
}

/// The state of the writer's thread.
pub(crate) struct Writer {
    store: Box<dyn Store>,
    settings: JournalSettings,
    shared: Shared,
    sequence: watch::Sender<Sequence>,
    /// Notified of commits, once processing has started.
    scheduler: Option<Arc<Inbox<Task>>>,
    /// Results that are not on disk because a commit failed; they go first.
    unfinished: Vec<Finished>,
    /// The same for cursors of sinks, at most one of each. The one that says why a sink is switched off is sent once.
    cursors: Vec<SinkCursor>,
    /// Parts of states that are not on disk yet.
    unsaved: Unsaved,
    /// Why entries are not stored at the moment, if they are not.
    full: Option<&'static str>,
    is_failing: bool,
    /// Whether the last maintenance of the files failed.
    is_untidy: bool,
    /// When something is to be trimmed next, on the clock.
    trim_at: i64,
}

/// Messages that are taken at once: what one transaction holds.
const MESSAGES_MAX: usize = 1024;

/// How often the writer does its periodic work when it is idle.
const TICK: Duration = Duration::from_secs(1);

/// How often something is trimmed, in milliseconds.
const TRIM_EVERY_MS: i64 = 1000;

/// A WAL of this size in bytes, or of a quarter of `bytes_max` if that is more, counts as a full journal: another
/// program that reads for a long time keeps it from being truncated.
const LOG_BYTES_MAX: u64 = 64 << 20;

/// Maximum size of the entries that are kept for the next commit after a commit has failed, in bytes.
const UNFINISHED_BYTES_MAX: usize = 16 << 20;

/// Dead entries that are retried or dropped in one transaction.
const CHANGED_ROWS: usize = 1000;

impl Writer {
    pub(crate) fn new(
        store: Box<dyn Store>,
        settings: JournalSettings,
        shared: Shared,
        sequence: watch::Sender<Sequence>,
        salvaged: Option<Salvaged>,
    ) -> Self {
        let trim_at = shared.clock.now_unix_ms();
        let mut writer = Self {
            store,
            settings,
            shared,
            sequence,
            scheduler: None,
            unfinished: Vec::new(),
            cursors: Vec::new(),
            unsaved: Unsaved::default(),
            full: None,
            is_failing: false,
            is_untidy: false,
            trim_at,
        };
        if let Some(salvaged) = salvaged {
            writer.salvaged(&salvaged);
        }
        writer.update_figures();
        let last = writer.shared.counts.last_sequence.load(Ordering::Relaxed);
        writer.sequence.send_replace(Sequence(last));
        writer
    }

    /// The writer's thread: runs until it is closed.
    pub(crate) fn run(mut self) {
        loop {
            let wait = if self.is_unsaved_due() { Duration::ZERO } else { TICK };
            let messages = self.shared.inbox.take(MESSAGES_MAX, wait);
            let is_idle = messages.is_empty();
            let mut batch = Batch {
                finished: std::mem::take(&mut self.unfinished),
                cursors: std::mem::take(&mut self.cursors),
                ..Batch::default()
            };
            let mut closing = None;
            for message in messages {
                match message {
                    Message::Close(reply) => closing = Some(reply),
                    other => self.handle(other, &mut batch),
                }
            }
            // A flush waits for states, too.
            while (closing.is_some() || !batch.flushes.is_empty()) && self.save_states() {}
            self.write(batch);
            if closing.is_some() || self.is_unsaved_due() {
                self.save_states();
            }
            if let Some(reply) = closing {
                return self.close(reply);
            }
            self.tidy(is_idle);
        }
    }

    /// Puts a message into the batch, or does at once what is no part of it.
    fn handle(&mut self, message: Message, batch: &mut Batch) {
        match message {
            Message::Accept { entries, reply, permits } => batch.accepts.push((entries, reply, permits)),
            Message::Records { records, reply, permits } => batch.records.push((records, reply, permits)),
            Message::Decision { decision, permits } => batch.decisions.push((decision, permits)),
            Message::SaveState { name, parts, permits } => self.unsaved.push(name, parts, permits),
            Message::ReadState { name, reply } => drop(reply.send(self.read_state(&name))),
            Message::ForgetState { keep } => {
                self.unsaved.retain(&keep);
                // What is left is removed at the next start.
                let _ = self.in_own_transaction(|store| store.forget_state(&keep));
            }
            Message::Finish(finished) => batch.finished.push(finished),
            Message::Cursor(cursor) => {
                batch.cursors.retain(|known| known.sink != cursor.sink);
                batch.cursors.push(cursor);
            }
            Message::Flush(reply) => batch.flushes.push(reply),
            Message::Sinks { names, from, reply } => {
                let result = self.in_own_transaction(|store| store.sinks(&names, from));
                let _ = reply.send(result);
            }
            Message::Retry { filter, reply } => drop(reply.send(self.retry(&filter))),
            Message::Drop { filter, reply } => drop(reply.send(self.drop_dead(&filter))),
            Message::Start { scheduler, reply } => {
                // The batch is committed after the backlog was read, and the scheduler is notified then.
                let result = self.start(scheduler);
                let _ = reply.send(result);
            }
            // Several readers may have met the same damage.
            Message::Damage { file, what } if file == self.shared.file_number.load(Ordering::Acquire) => {
                let _ = self.recover(&StoreError::Damaged(what));
            }
            Message::Damage { .. } => {}
            Message::Tick | Message::Close(_) => {}
        }
    }

    /// Writes some of the queued states. Returns whether more can be written now.
    fn save_states(&mut self) -> bool {
        if self.unsaved.is_empty() {
            return false;
        }
        let now = self.shared.clock.now_unix_ms();
        let mut saved = self.unsaved.save(self.store.as_mut(), now);
        if let Err(error @ StoreError::Damaged(_)) = &saved {
            self.failed(error);
            saved = self.unsaved.save(self.store.as_mut(), now);
        }
        match saved {
            Ok(Saved::Parts(parts)) => {
                add(&self.shared.counts.states, parts);
                self.note_success();
                self.update_figures();
            }
            Ok(Saved::NoRoom(is_new)) => {
                if is_new {
                    tracing::error!("the journal is full (bytes_max): counts are not saved until there is room");
                }
            }
            Ok(Saved::TooLarge(name)) => {
                add(&self.shared.counts.states_dropped, 1);
                tracing::error!(state = name, "a part of a state is too large for the journal and is not saved");
            }
            Err(error) => drop(self.failed(&error)),
        }
        self.is_unsaved_due()
    }

    /// Whether queued states should be written now.
    fn is_unsaved_due(&self) -> bool {
        self.unsaved.is_due(self.shared.clock.now_unix_ms())
    }

    fn read_state(&mut self, name: &str) -> Result<State, NotKept> {
        let mut read = self.store.state(name);
        if let Err(error @ StoreError::Damaged(_)) = &read {
            // If this fails, the next read says why.
            let _ = self.recover(error);
            read = self.store.state(name);
        }
        read.map_err(|error| NotKept::Failed(error.to_string()))
    }

    fn start(&mut self, scheduler: Arc<Inbox<Task>>) -> Result<Box<dyn ReadEntries>, NotKept> {
        let room = self.store.room().map_err(|error| NotKept::Failed(error.to_string()))?;
        let _ = scheduler.send(Task::Backlog { before: room.next_entry });
        self.scheduler = Some(scheduler);
        Ok(self.store.entries())
    }

    /// One transaction with a single change.
    fn in_own_transaction<T>(
        &mut self,
        change: impl FnOnce(&mut dyn Store) -> Result<T, StoreError>,
    ) -> Result<T, NotKept> {
        let store = self.store.as_mut();
        let done = store.begin().and_then(|()| change(store)).and_then(|value| store.commit().map(|()| value));
        done.map_err(|error| self.failed(&error))
    }

    fn retry(&mut self, filter: &EntryFilter) -> Result<u64, NotKept> {
        let mut count = 0;
        loop {
            let waiting = self.in_own_transaction(|store| store.retry(filter, CHANGED_ROWS))?;
            let rows = waiting.len();
            count += rows as u64;
            self.notify_scheduler(Task::Waiting(waiting));
            if rows < CHANGED_ROWS {
                self.update_figures();
                return Ok(count);
            }
        }
    }

    fn drop_dead(&mut self, filter: &EntryFilter) -> Result<u64, NotKept> {
        let mut count = 0;
        loop {
            let rows = self.in_own_transaction(|store| store.drop_dead(filter, CHANGED_ROWS))?;
            count += rows as u64;
            if rows < CHANGED_ROWS {
                self.update_figures();
                return Ok(count);
            }
        }
    }

    fn notify_scheduler(&self, task: Task) {
        if let Some(scheduler) = &self.scheduler {
            let _ = scheduler.send(task);
        }
    }

    /// Commits a batch and notifies the callers.
    fn write(&mut self, mut batch: Batch) {
        let now = self.shared.clock.now_unix_ms();
        batch.trim = now >= self.trim_at || now < self.trim_at - TRIM_EVERY_MS;
        self.refuse(&mut batch);
        if batch.is_empty() {
            batch.flushes.into_iter().for_each(|reply| drop(reply.send(Ok(()))));
            return;
        }
        let began = Instant::now();
        let keeps_done = !self.settings.done_entries_age.is_zero();
        let mut result = batch.write(self.store.as_mut(), keeps_done);
        if let Err(error @ StoreError::Damaged(_)) = &result {
            // Nothing of the batch is in the salvaged file yet.
            self.failed(error);
            result = batch.write(self.store.as_mut(), keeps_done);
        }
        match result {
            Ok(written) => {
                self.committed(began.elapsed(), &written, now);
                self.update_figures();
                self.announce(batch, written);
            }
            Err(error) => {
                let why = self.failed(&error);
                self.update_figures();
                self.give_up(batch, &why);
            }
        }
    }

    /// Counts a commit.
    fn committed(&mut self, took: Duration, written: &Written, now: i64) {
        let took = usize::try_from(took.as_nanos()).unwrap_or(usize::MAX);
        add(&self.shared.counts.commits, 1);
        add(&self.shared.counts.commit_ns, took);
        self.shared.counts.commit_ns_max.fetch_max(took as u64, Ordering::Relaxed);
        self.note_success();
        let trimmed = written.trimmed;
        if now >= self.trim_at || now < self.trim_at - TRIM_EVERY_MS {
            self.trim_at = if trimmed.more { now } else { now + TRIM_EVERY_MS };
        }
        add(&self.shared.counts.dead_dropped, trimmed.dead);
        add(&self.shared.counts.records_expired, trimmed.expired_records);
        if trimmed.dead > 0 {
            tracing::warn!(entries = trimmed.dead, "dead entries are deleted because of their number or age");
        }
        if trimmed.expired_records > 0 {
            tracing::error!(
                records = trimmed.expired_records,
                "records are deleted because no sink received them within `undelivered_hours_max`"
            );
        }
    }

    /// After a commit: what failed before works again.
    fn note_success(&mut self) {
        if std::mem::take(&mut self.is_failing) {
            tracing::info!("the journal can be written to again");
            self.publish_full();
        }
    }

    /// Notifies the callers of what is on disk now.
    fn announce(&mut self, batch: Batch, written: Written) {
        let counts = Arc::clone(&self.shared.counts);
        add(&counts.done, written.done);
        add(&counts.attempts_failed, written.failed);
        add(&counts.died, written.died);
        add(&counts.records, written.records);
        add(&counts.decisions, batch.decisions.len());
        if !batch.finished.is_empty() {
            self.notify_scheduler(Task::Committed(batch.finished.len()));
        }
        if let Some(last) = written.last {
            counts.last_sequence.store(last.0, Ordering::Relaxed);
            self.sequence.send_replace(last);
        }
        let (mut entries, mut replies) = (Vec::new(), Vec::new());
        for (call, reply, permits) in batch.accepts {
            entries.push(call.into_iter().map(Some).collect::<Vec<_>>());
            replies.push((reply, permits));
        }
        if self.scheduler.is_some() && !written.entries.is_empty() {
            let take = |(waiting, call, position): (Waiting, usize, usize)| {
                let entry = entries.get_mut(call)?.get_mut(position)?.take()?;
                Some((waiting, to_work_off(waiting.id, entry)))
            };
            let accepted = written.entries.into_iter().filter_map(take).collect();
            self.notify_scheduler(Task::Accepted(accepted));
        }
        let records = batch.records.into_iter().filter_map(|(_, reply, _)| reply);
        let mut acknowledged = 0;
        for ((reply, _), accepted) in replies.into_iter().zip(written.accepted) {
            add(&counts.accepted, accepted.kept);
            add(&counts.repeats, accepted.repeats);
            acknowledged += usize::from(reply.send(Ok(accepted)).is_ok());
        }
        acknowledged += records.filter_map(|reply| reply.send(Ok(())).ok()).count();
        add(&counts.acknowledged, acknowledged);
        batch.flushes.into_iter().for_each(|reply| drop(reply.send(Ok(()))));
    }

    /// After a failure: the transaction is discarded, and the store is reopened.
    fn failed(&mut self, error: &StoreError) -> NotKept {
        add(&self.shared.counts.commits_failed, 1);
        if !std::mem::replace(&mut self.is_failing, true) {
            tracing::error!("the journal cannot be written: {error}");
            self.publish_full();
        }
        let _ = self.recover(error);
        if matches!(error, StoreError::Full | StoreError::DiskFull) {
            // Alone: in a transaction with what does not fit, nothing would ever be removed.
            let store = self.store.as_mut();
            let made_room = store.begin().and_then(|()| store.trim(CHANGED_ROWS)).and_then(|_| store.commit());
            if let Err(error) = made_room {
                let _ = self.recover(&error);
            }
        }
        match error {
            StoreError::Full => NotKept::Full("bytes_max"),
            StoreError::DiskFull => NotKept::Full("the disk is full"),
            other => NotKept::Failed(other.to_string()),
        }
    }

    fn recover(&mut self, error: &StoreError) -> Result<(), StoreError> {
        let Recovered { set_aside, surprising } = self.store.recover(error).inspect_err(|error| {
            // The consequences are logged once.
            if !self.is_untidy {
                tracing::error!("the journal's file cannot be opened again: {error}");
            }
        })?;
        if let Some(salvaged) = set_aside {
            self.salvaged(&salvaged);
        }
        if !surprising.is_empty() {
            tracing::warn!(entries = surprising.len(), "entries are on disk although their commit failed");
            self.notify_scheduler(Task::Waiting(surprising));
        }
        Ok(())
    }

    /// Counts and logs that a damaged file was set aside.
    fn salvaged(&self, salvaged: &Salvaged) {
        add(&self.shared.counts.set_aside, usize::from(!salvaged.is_log));
        self.shared.counts.salvaged.fetch_add(salvaged.rows, Ordering::Relaxed);
        self.shared.counts.salvage_lost.fetch_add(salvaged.lost, Ordering::Relaxed);
        if salvaged.is_log {
            return;
        }
        let Some(file) = &salvaged.name else {
            return tracing::error!(
                rows = salvaged.rows,
                lost = salvaged.lost,
                "the journal's file was removed or renamed, and what could be read of it is in a new file"
            );
        };
        tracing::error!(
            file = &**file,
            rows = salvaged.rows,
            lost = salvaged.lost,
            "the journal's damaged file was renamed, and what could be read is in a new file"
        );
    }

    /// Notifies the callers that nothing of a batch is on disk. Results and cursors stay for the next one.
    fn give_up(&mut self, batch: Batch, why: &NotKept) {
        (self.unfinished, self.cursors) = (batch.finished, batch.cursors);
        // Entries would take memory for as long as the disk fails. Those that are dead now keep their heads as long as
        // there is room: if they are retried, the head says what was counted already. Without it, counters count them
        // twice.
        let mut room = UNFINISHED_BYTES_MAX;
        for finished in &mut self.unfinished {
            let is_dead = matches!(finished.ended, Ended::Failed(_, Next::Dead));
            let bytes = finished.entry.as_ref().map_or(0, |entry| entry.head.len() + entry.body.len());
            match is_dead && bytes <= room {
                true => room -= bytes,
                false => finished.entry = None,
            }
        }
        for (entries, reply, _) in batch.accepts {
            self.not_kept(entries.len(), reply, why);
        }
        for (records, reply, _) in batch.records {
            self.records_not_kept(&records, reply, why);
        }
        add(&self.shared.counts.decisions_dropped, batch.decisions.len());
        batch.flushes.into_iter().for_each(|reply| drop(reply.send(Err(why.clone()))));
    }

    /// Answers a call whose entries are not stored, as the settings say.
    fn not_kept(&self, count: usize, reply: Reply<Accepted>, why: &NotKept) {
        let answer = match self.settings.when_full {
            WhenFull::Refuse => {
                add(&self.shared.counts.refused, count);
                Err(why.clone())
            }
            WhenFull::AcknowledgeAndCount => {
                add(&self.shared.counts.acknowledged_and_lost, count);
                Ok(Accepted { not_kept: count, ..Accepted::default() })
            }
        };
        let _ = reply.send(answer);
    }

    /// Answers calls that would exceed a limit, before anything is written.
    fn refuse(&mut self, batch: &mut Batch) {
        let Ok(room) = self.store.room() else { return };
        // The rest is for the results of what was accepted.
        let is_tight = room.bytes > room.bytes_max / 16 * 15 || room.wal_bytes > LOG_BYTES_MAX.max(room.bytes_max / 4);
        let mut waiting = room.waiting;
        let (mut full, mut refused) = (is_tight.then_some("bytes_max"), Vec::new());
        for (entries, reply, permits) in std::mem::take(&mut batch.accepts) {
            let is_too_long = waiting + entries.len() > self.settings.backlog_entries_max;
            let limit = if is_tight { Some("bytes_max") } else { is_too_long.then_some("backlog_entries_max") };
            match limit {
                Some(limit) => {
                    full = Some(limit);
                    refused.push((entries.len(), reply, limit));
                }
                None => {
                    waiting += entries.len();
                    batch.accepts.push((entries, reply, permits));
                }
            }
        }
        // Without a call, nothing says whether another one would be refused.
        if full.is_some() || !batch.accepts.is_empty() || !is_tight && self.full == Some("bytes_max") {
            self.log_full(full);
        }
        for (count, reply, limit) in refused {
            self.not_kept(count, reply, &NotKept::Full(limit));
        }
        if is_tight {
            add(&self.shared.counts.decisions_dropped, std::mem::take(&mut batch.decisions).len());
            let records = std::mem::take(&mut batch.records);
            records
                .into_iter()
                .for_each(|(records, reply, _)| self.records_not_kept(&records, reply, &NotKept::Full("bytes_max")));
        }
    }

    fn records_not_kept(&self, records: &[NewRecord], reply: Option<Reply<()>>, why: &NotKept) {
        match reply {
            Some(reply) => drop(reply.send(Err(why.clone()))),
            None => add(&self.shared.counts.records_dropped, records.len()),
        }
    }

    /// Says once that the journal is full, and once that it is not any more.
    fn log_full(&mut self, full: Option<&'static str>) {
        match (self.full, full) {
            (None, Some(limit)) => {
                let policy = match self.settings.when_full {
                    WhenFull::Refuse => "callbacks are refused",
                    WhenFull::AcknowledgeAndCount => "callbacks are acknowledged and lost",
                };
                tracing::error!("the journal is full ({limit}): {policy} until there is room");
            }
            (Some(_), None) => tracing::info!("the journal has room again"),
            _ => {}
        }
        self.full = full;
        self.publish_full();
    }

    /// Shows whether entries can be accepted at the moment.
    fn publish_full(&self) {
        self.shared.counts.is_full.store(self.full.is_some() || self.is_failing, Ordering::Relaxed);
    }

    fn tidy(&mut self, is_idle: bool) {
        let began = Instant::now();
        match self.store.tidy(is_idle) {
            Ok(Tidied { checkpoints, set_aside }) => {
                self.is_untidy = false;
                if checkpoints > 0 {
                    let took = usize::try_from(began.elapsed().as_nanos()).unwrap_or(usize::MAX);
                    add(&self.shared.counts.checkpoints, checkpoints);
                    add(&self.shared.counts.checkpoint_ns, took);
                }
                if let Some(salvaged) = set_aside {
                    self.salvaged(&salvaged);
                }
            }
            Err(error) => {
                add(&self.shared.counts.checkpoints_failed, 1);
                // Retried after each commit.
                if !std::mem::replace(&mut self.is_untidy, true) {
                    tracing::error!("the journal's files cannot be maintained: {error}");
                }
                if matches!(error, StoreError::Damaged(_)) {
                    let _ = self.recover(&error);
                }
            }
        }
    }

    /// Updates the numbers of now.
    fn update_figures(&mut self) {
        let Ok(room) = self.store.room() else { return };
        set(&self.shared.counts.backlog, room.waiting as u64);
        set(&self.shared.counts.dead, room.dead as u64);
        set(&self.shared.counts.bytes, room.bytes);
        set(&self.shared.counts.bytes_max, room.bytes_max);
        set(&self.shared.counts.wal_bytes, room.wal_bytes);
        self.shared.counts.last_sequence.store(room.last_sequence, Ordering::Relaxed);
    }

    fn close(mut self, reply: oneshot::Sender<()>) {
        self.shared.inbox.end();
        if !self.unsaved.is_empty() {
            add(&self.shared.counts.states_dropped, self.unsaved.len());
            tracing::error!(
                parts = self.unsaved.len(),
                "counts are not saved: the journal is full or cannot be written"
            );
        }
        if let Err(error) = self.store.close() {
            tracing::error!("the journal's file cannot be closed: {error}");
        }
        drop(self);
        let _ = reply.send(());
    }
}

/// An entry for the scheduler.
fn to_work_off(id: EntryId, entry: NewEntry) -> Entry {
    Entry {
        id,
        platform: entry.platform,
        command: entry.command,
        key: entry.key,
        head: entry.head,
        body: entry.body,
        received_unix_ms: entry.received_unix_ms,
        attempts: 0,
    }
}
