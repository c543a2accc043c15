//! The handle to a journal.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, mpsc};

use tokio::sync::{Semaphore, oneshot, watch};

use crate::clock::Clock;
use crate::decision::NewDecision;
use crate::entry::{Accepted, NewEntry};
use crate::error::{NotKept, OpenError};
use crate::filter::EntryFilter;
use crate::folder;
use crate::inbox::Inbox;
use crate::message::{Message, Permits, Reply, Task};
use crate::numbers::{Counts, Numbers, add};
use crate::record::{NewRecord, Sequence, SinkCursor};
use crate::scheduler::Scheduler;
use crate::settings::JournalSettings;
use crate::sqlite::connection::Place;
use crate::sqlite::reader::{Reader, Report};
use crate::sqlite::store::SqliteStore;
use crate::store::State;
use crate::worker::{WorkLimits, Worker};
use crate::writer::{Shared, Writer};

/// A journal. Clones are the same one; when the last is dropped, its threads end.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    writer: Arc<Inbox<Message>>,
    scheduler: Arc<Inbox<Task>>,
    counts: Arc<Counts>,
    clock: Clock,
    place: Place,
    file_number: Arc<AtomicU64>,
    report: Report,
    sequence: watch::Receiver<Sequence>,
    queue: Queue,
    decisions: Queue,
    states: Queue,
    /// Whether the scheduler's thread was started.
    is_working: AtomicBool,
}

/// The permits of a queue: a maximum number of items, and of their bytes.
#[derive(Debug)]
struct Queue {
    items: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    items_max: usize,
    bytes_max: usize,
}

impl Queue {
    fn new(items_max: usize, bytes_max: usize) -> Self {
        let items_max = items_max.clamp(1, Semaphore::MAX_PERMITS);
        let bytes_max = bytes_max.min(u32::MAX as usize);
        let semaphore = |permits| Arc::new(Semaphore::new(permits));
        Self { items: semaphore(items_max), bytes: semaphore(bytes_max), items_max, bytes_max }
    }

    /// The number of permits for these items and bytes.
    fn size(&self, items: usize, bytes: usize) -> Result<(u32, u32), NotKept> {
        let too_large = NotKept::TooLarge { bytes, bytes_max: self.bytes_max };
        if bytes > self.bytes_max {
            return Err(too_large);
        }
        // A call with more items than there are permits takes all permits.
        let items = u32::try_from(items.min(self.items_max)).map_err(|_| too_large.clone())?;
        Ok((items, u32::try_from(bytes).map_err(|_| too_large)?))
    }

    /// Waits for permits.
    async fn enter(&self, items: usize, bytes: usize) -> Result<Permits, NotKept> {
        let (items, bytes) = self.size(items, bytes)?;
        let closed = |_| NotKept::Closed;
        let items = Arc::clone(&self.items).acquire_many_owned(items).await.map_err(closed)?;
        let bytes = Arc::clone(&self.bytes).acquire_many_owned(bytes).await.map_err(closed)?;
        Ok(Permits { _items: items, _bytes: bytes })
    }

    /// Takes permits, if enough are free now.
    fn try_enter(&self, items: usize, bytes: usize) -> Option<Permits> {
        let (items, bytes) = self.size(items, bytes).ok()?;
        let items = Arc::clone(&self.items).try_acquire_many_owned(items).ok()?;
        let bytes = Arc::clone(&self.bytes).try_acquire_many_owned(bytes).ok()?;
        Some(Permits { _items: items, _bytes: bytes })
    }
}

impl Journal {
    /// Opens the journal in the settings' folder, which is created if need be, and starts its threads. Blocks for as
    /// long as that takes: reading the numbers of a million entries takes less than a second.
    ///
    /// What was not processed before waits until [`start_working`](Self::start_working). A damaged file is set aside,
    /// and what can be read of it is salvaged, counted and logged.
    pub fn open(settings: &JournalSettings, clock: Clock) -> Result<Self, OpenError> {
        folder::prepare(&settings.folder)?;
        let lock = folder::lock(&settings.folder)?;
        let file_number = Arc::new(AtomicU64::new(1));
        let counts = Arc::new(Counts::default());
        let (writer, scheduler) = (Arc::new(Inbox::new()), Arc::new(Inbox::new()));
        let report = report_to(Arc::clone(&writer));
        let (store, salvaged) =
            SqliteStore::open(settings, lock, clock.clone(), Arc::clone(&file_number), Some(report.clone()))?;
        let (sender, sequence) = watch::channel(Sequence(0));
        let shared = Shared {
            inbox: Arc::clone(&writer),
            clock: clock.clone(),
            counts: Arc::clone(&counts),
            file_number: Arc::clone(&file_number),
        };
        let thread = Writer::new(Box::new(store), settings.clone(), shared, sender, salvaged);
        let failed = |source| OpenError::Folder { folder: settings.folder.clone(), source };
        std::thread::Builder::new().name("journal".to_owned()).spawn(move || thread.run()).map_err(failed)?;
        Ok(Self(Arc::new(Inner {
            writer,
            scheduler,
            counts,
            clock,
            place: Place { folder: settings.folder.clone(), vfs: settings.vfs.clone() },
            file_number,
            report,
            sequence,
            queue: Queue::new(settings.queue_items_max, settings.queue_bytes_max),
            decisions: Queue::new(settings.decisions_queue_items_max, settings.decisions_queue_bytes_max),
            states: Queue::new(settings.state_queue_items_max, settings.state_queue_bytes_max),
            is_working: AtomicBool::new(false),
        })))
    }

    /// Stores entries. When this returns, all of them are on disk and may be acknowledged, or none are.
    ///
    /// Waits for a slot in the queue and then for the commit. A future that is dropped while it waits may or may not
    /// have kept them.
    pub async fn accept(&self, entries: Vec<NewEntry>) -> Result<Accepted, NotKept> {
        let bytes = entries.iter().map(NewEntry::bytes).sum();
        let permits = self.0.queue.enter(entries.len(), bytes).await?;
        self.ask(|reply| Message::Accept { entries, reply, permits }).await
    }

    /// Keeps records of a before-callback. When this returns, they are on disk.
    pub async fn keep_records(&self, records: Vec<NewRecord>) -> Result<(), NotKept> {
        let bytes = records.iter().map(NewRecord::bytes).sum();
        let permits = self.0.queue.enter(records.len(), bytes).await?;
        self.ask(|reply| Message::Records { records, reply: Some(reply), permits }).await
    }

    /// Queues records of a before-callback to be stored, without waiting. Returns whether the queue had room; otherwise
    /// they are dropped and counted.
    pub fn offer_records(&self, records: Vec<NewRecord>) -> bool {
        let count = records.len();
        let bytes = records.iter().map(NewRecord::bytes).sum();
        let sent = self
            .0
            .queue
            .try_enter(count, bytes)
            .is_some_and(|permits| self.0.writer.send(Message::Records { records, reply: None, permits }).is_ok());
        if !sent {
            add(&self.0.counts.records_dropped, count);
        }
        sent
    }

    /// Queues a decision to be stored, without waiting. Returns whether the queue had room; otherwise it is dropped and
    /// counted.
    pub fn offer_decision(&self, decision: NewDecision) -> bool {
        let sent = self.0.decisions.try_enter(1, decision.bytes()).is_some_and(|permits| {
            let decision = Box::new(decision);
            self.0.writer.send_quietly(Message::Decision { decision, permits }).is_ok()
        });
        if !sent {
            add(&self.0.counts.decisions_dropped, 1);
        }
        sent
    }

    /// Queues parts of a state to be stored until the next start, without waiting. Meant for data of which the last
    /// seconds may be lost, such as counts. Each part replaces the one with the same name; an empty part removes it.
    /// Parts may be committed separately.
    ///
    /// Returns whether the queue had room; if not, nothing of it is stored, and the caller may try again later. A call
    /// with more than the queue holds needs an empty queue. Queued parts are stored as soon as possible; if a commit
    /// fails or the journal is full, they stay queued and are tried again every second.
    pub fn save_state(&self, name: &str, parts: Vec<(String, Vec<u8>)>) -> bool {
        let bytes = parts.iter().map(|(part, data)| part.len() + data.len()).sum::<usize>();
        self.0.states.try_enter(parts.len(), bytes.min(self.0.states.bytes_max)).is_some_and(|permits| {
            self.0.writer.send_quietly(Message::SaveState { name: name.to_owned(), parts, permits }).is_ok()
        })
    }

    /// The parts of a state that are on disk, in the order of their names. Blocks while they are read. Parts that are
    /// damaged are left out, counted and logged.
    pub fn state(&self, name: &str) -> Result<Vec<(String, Vec<u8>)>, NotKept> {
        // Unlike tokio's oneshot channel, this one can also block inside a runtime.
        let (reply, answer) = mpsc::sync_channel(1);
        self.0.writer.send(Message::ReadState { name: name.to_owned(), reply }).map_err(|_| NotKept::Closed)?;
        let State { parts, damaged } = answer.recv().map_err(|_| NotKept::Closed)??;
        if damaged > 0 {
            add(&self.0.counts.damaged, damaged);
            tracing::error!(state = name, parts = damaged, "parts of a state in the journal are damaged and skipped");
        }
        Ok(parts)
    }

    /// Deletes all states except those with these names, including queued parts. Does not wait.
    pub fn forget_state(&self, keep: &[String]) {
        let _ = self.0.writer.send_quietly(Message::ForgetState { keep: keep.to_vec() });
    }

    /// Starts processing entries, beginning with those from before the start. Call it once.
    pub async fn start_working(&self, worker: Arc<dyn Worker>, limits: WorkLimits) -> Result<(), NotKept> {
        let inner = &self.0;
        let (inbox, writer) = (Arc::clone(&inner.scheduler), Arc::clone(&inner.writer));
        let (clock, counts) = (inner.clock.clone(), Arc::clone(&inner.counts));
        let run = move || Scheduler::run(inbox, writer, clock, counts);
        let spawned = std::thread::Builder::new().name("journal-work".to_owned()).spawn(run);
        spawned.map_err(|error| NotKept::Failed(error.to_string()))?;
        inner.is_working.store(true, Ordering::Release);
        let scheduler = Arc::clone(&inner.scheduler);
        let entries = self.ask(|reply| Message::Start { scheduler, reply }).await?;
        let _ = inner.scheduler.send(Task::Work { worker, limits, entries });
        Ok(())
    }

    /// Begins no more work. What is worked on can still end.
    pub fn stop_working(&self) {
        let _ = self.0.scheduler.send(Task::Stop);
    }

    /// Retries the dead entries that match, as if they had just been accepted. Returns how many.
    pub async fn retry(&self, filter: EntryFilter) -> Result<u64, NotKept> {
        self.ask(|reply| Message::Retry { filter, reply }).await
    }

    /// Removes the dead entries that match. Returns how many.
    pub async fn drop_dead(&self, filter: EntryFilter) -> Result<u64, NotKept> {
        self.ask(|reply| Message::Drop { filter, reply }).await
    }

    /// Replaces the list of sinks, and returns their cursors by name. A new sink begins after `from`, or with the next
    /// record if that is `None`. Other sinks are forgotten: no more records are stored for them.
    pub async fn set_sinks(&self, names: Vec<String>, from: Option<Sequence>) -> Result<Vec<SinkCursor>, NotKept> {
        self.ask(|reply| Message::Sinks { names, from, reply }).await
    }

    /// Has a sink's cursor saved soon, together with other changes. A cursor never moves back. If the host is killed
    /// before, the sink delivers some records again.
    pub fn save_cursor(&self, cursor: SinkCursor) {
        let _ = self.0.writer.send_quietly(Message::Cursor(cursor));
    }

    /// The last record on disk, now and whenever it changes: what wakes sinks.
    pub fn watch_records(&self) -> watch::Receiver<Sequence> {
        self.0.sequence.clone()
    }

    /// Opens a connection for reading, on first use.
    pub fn reader(&self) -> Reader {
        Reader::new(self.0.place.clone(), Arc::clone(&self.0.file_number), Some(self.0.report.clone()))
    }

    /// The numbers of now.
    pub fn numbers(&self) -> Numbers {
        self.0.counts.numbers(self.0.clock.now_unix_ms())
    }

    /// Waits until everything that was offered before is on disk.
    pub async fn flush(&self) -> Result<(), NotKept> {
        self.ask(Message::Flush).await
    }

    /// Makes the threads read the clock, after a manual one was moved.
    pub fn tick(&self) {
        let _ = self.0.writer.send(Message::Tick);
        let _ = self.0.scheduler.send(Task::Tick);
    }

    /// Closes the journal: commits everything it was given. When this returns, another host may use the folder.
    /// Entries that are being processed are processed again after the next start.
    pub async fn close(&self) {
        if self.0.is_working.load(Ordering::Acquire) {
            let (reply, stopped) = oneshot::channel();
            let _ = self.0.scheduler.send(Task::End(Some(reply)));
            let _ = stopped.await;
        }
        let (reply, closed) = oneshot::channel();
        if self.0.writer.send(Message::Close(reply)).is_ok() {
            let _ = closed.await;
        }
    }

    async fn ask<T>(&self, message: impl FnOnce(Reply<T>) -> Message) -> Result<T, NotKept> {
        let (reply, answer) = oneshot::channel();
        self.0.writer.send(message(reply)).map_err(|_| NotKept::Closed)?;
        answer.await.map_err(|_| NotKept::Closed)?
    }
}

/// Reports damage that a reader has found to the writer.
fn report_to(writer: Arc<Inbox<Message>>) -> Report {
    Report(Arc::new(move |file, what| drop(writer.send(Message::Damage { file, what }))))
}

impl Drop for Inner {
    fn drop(&mut self) {
        let _ = self.scheduler.send(Task::End(None));
        let (reply, _) = oneshot::channel();
        let _ = self.writer.send(Message::Close(reply));
    }
}
