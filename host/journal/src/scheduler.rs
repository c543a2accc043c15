//! Which entry is processed next: in order per key, in parallel across keys, up to a maximum number at a time.

mod backlog;
mod lanes;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use self::backlog::Backlog;
use self::lanes::Lanes;
use crate::clock::Clock;
use crate::entry::{Entry, EntryId, NewAttempt};
use crate::error::ReadError;
use crate::inbox::Inbox;
use crate::message::{Ended, Finished, Message, Task};
use crate::numbers::{Counts, set};
use crate::store::{Next, ReadEntries, Waiting};
use crate::worker::{Finish, Outcome, Ticket, WorkLimits, Worker};

/// The state of the scheduler's thread.
pub(crate) struct Scheduler {
    inbox: Arc<Inbox<Task>>,
    writer: Arc<Inbox<Message>>,
    clock: Clock,
    counts: Arc<Counts>,
    tools: Option<Tools>,
    limits: WorkLimits,
    lanes: Lanes,
    /// Entries from before the start that are not read yet, and those that wait behind them.
    backlog: Option<Backlog>,
    /// When the backlog could not be read; it is read again after [`UNREADABLE_AGAIN`].
    unread_since: Option<Instant>,
    /// Bodies that are at hand, so that they need not be read from disk.
    bodies: HashMap<EntryId, Entry>,
    bodies_bytes: usize,
    /// Lanes that wait until a time, the next one first.
    parked: BinaryHeap<Reverse<(i64, i64)>>,
    /// Entries that have failed: their attempts, and when the next is due.
    failed: HashMap<EntryId, (u32, i64)>,
    /// Entries that are worked on, with their lanes.
    working: HashMap<EntryId, i64>,
    /// Entries that were started and whose results are not on disk yet.
    begun: usize,
    /// When the oldest entry was last looked for.
    oldest_at: Option<Instant>,
    /// Whether no more work is started.
    is_stopped: bool,
    is_ended: bool,
}

/// The worker that processes entries, once it is known.
struct Tools {
    worker: Arc<dyn Worker>,
    entries: Box<dyn ReadEntries>,
    finish: Arc<Finish>,
}

/// How often the oldest entry is determined and, with the system's clock, parked lanes are checked.
const TICK: Duration = Duration::from_secs(1);

/// Messages that are taken at once.
const TASKS_MAX: usize = 4096;

impl Scheduler {
    /// The scheduler's thread: queues entries, and processes them once it has a worker, until it is told to end.
    pub(crate) fn run(inbox: Arc<Inbox<Task>>, writer: Arc<Inbox<Message>>, clock: Clock, counts: Arc<Counts>) {
        let scheduler = Self {
            inbox,
            writer,
            clock,
            counts,
            tools: None,
            limits: WorkLimits::default(),
            lanes: Lanes::default(),
            backlog: None,
            unread_since: None,
            oldest_at: None,
            bodies: HashMap::new(),
            bodies_bytes: 0,
            parked: BinaryHeap::new(),
            failed: HashMap::new(),
            working: HashMap::new(),
            begun: 0,
            is_stopped: false,
            is_ended: false,
        };
        scheduler.work();
    }

    fn work(mut self) {
        while !self.is_ended {
            self.unpark();
            let is_reading = self.read_backlog();
            self.begin();
            self.count();
            let wait = if is_reading { Duration::ZERO } else { self.until_next() };
            for task in Arc::clone(&self.inbox).take(TASKS_MAX, wait) {
                self.take(task);
            }
        }
        self.inbox.end();
    }

    fn take(&mut self, task: Task) {
        match task {
            Task::Backlog { before } => self.backlog = Some(Backlog::new(before)),
            Task::Accepted(entries) => {
                for (waiting, entry) in entries {
                    self.wait(waiting);
                    let bytes = entry.body.len() + entry.head.len();
                    if self.bodies_bytes + bytes <= self.limits.bodies_bytes_max {
                        self.bodies_bytes += bytes;
                        self.bodies.insert(waiting.id, entry);
                    }
                }
            }
            Task::Waiting(entries) => entries.into_iter().for_each(|waiting| self.wait(waiting)),
            Task::Ended { id, again_at, is_attempt } => self.ended(id, again_at, is_attempt),
            Task::Committed(count) => self.begun = self.begun.saturating_sub(count),
            Task::Work { .. } if self.is_stopped => {}
            Task::Work { worker, limits, entries } => {
                let (scheduler, writer) = (Arc::clone(&self.inbox), Arc::clone(&self.writer));
                let finish = finish(scheduler, writer, self.clock.clone(), limits.clone());
                self.limits = limits;
                self.tools = Some(Tools { worker, entries, finish });
            }
            Task::Tick => {}
            Task::Stop => (self.is_stopped, self.tools) = (true, None),
            Task::End(reply) => {
                self.is_ended = true;
                self.tools = None;
                if let Some(reply) = reply {
                    let _ = reply.send(());
                }
            }
        }
    }

    /// Reads some of what was accepted before. Returns whether there is more.
    fn read_backlog(&mut self) -> bool {
        let (Some(backlog), Some(tools)) = (&mut self.backlog, &mut self.tools) else { return false };
        if self.unread_since.is_some_and(|since| since.elapsed() < UNREADABLE_AGAIN) {
            return false;
        }
        self.unread_since = None;
        match backlog.read(tools.entries.as_mut()) {
            Ok(Some(some)) => {
                some.into_iter().for_each(|waiting| self.queue(waiting));
                return true;
            }
            Ok(None) => {}
            // A damaged file is reported where it is read, and the rest is read from the new one.
            Err(error) => {
                tracing::error!("entries from before the start cannot be read; retrying: {error}");
                self.unread_since = Some(Instant::now());
                return false;
            }
        }
        if let Some(backlog) = self.backlog.take() {
            backlog.later().for_each(|waiting| self.queue(waiting));
        }
        false
    }

    /// Queues an entry. A lane is in the order of acceptance, so the entry waits for earlier ones that are not read
    /// yet.
    fn wait(&mut self, waiting: Waiting) {
        match &mut self.backlog {
            Some(backlog) => backlog.hold(waiting),
            None => self.queue(waiting),
        }
    }

    fn queue(&mut self, waiting: Waiting) {
        if waiting.attempts > 0 {
            self.failed.insert(waiting.id, (waiting.attempts, waiting.due_unix_ms));
        }
        self.lanes.push(waiting);
    }

    fn ended(&mut self, id: EntryId, again_at: Option<i64>, is_attempt: bool) {
        let Some(lane) = self.working.remove(&id) else { return };
        let Some(due) = again_at else {
            self.failed.remove(&id);
            return self.lanes.advance(lane);
        };
        let attempts = self.failed.get(&id).map_or(0, |(attempts, _)| *attempts);
        if is_attempt {
            self.failed.insert(id, (attempts + 1, due));
        } else {
            // Nothing of it goes to disk.
            self.begun = self.begun.saturating_sub(1);
        }
        self.park(lane, due);
    }

    fn park(&mut self, lane: i64, due: i64) {
        self.lanes.park(lane);
        self.parked.push(Reverse((due, lane)));
    }

    /// Lanes whose time has come are ready again.
    fn unpark(&mut self) {
        let now = self.clock.now_unix_ms();
        let longest = millis(self.limits.back_off.longest.max(UNREADABLE_AGAIN));
        while let Some(Reverse((due, lane))) = self.parked.peek().copied() {
            // A time further away than any delay means that the clock was set back.
            if due > now && due <= now.saturating_add(longest) {
                break;
            }
            self.parked.pop();
            self.lanes.unpark(lane);
        }
    }

    /// Begins as many entries as may be worked on.
    fn begin(&mut self) {
        while self.tools.is_some() && self.begun < self.limits.at_once.max(1) {
            let Some((id, lane)) = self.lanes.next() else { return };
            let (attempts, due) = self.failed.get(&id).copied().unwrap_or_default();
            let now = self.clock.now_unix_ms();
            if due > now {
                // Of the backlog: it had failed before the host was started.
                self.failed.insert(id, (attempts, 0));
                self.park(lane, due);
                continue;
            }
            let body = self.bodies.remove(&id);
            let Some(tools) = &mut self.tools else { return };
            let read = match body {
                Some(entry) => {
                    self.bodies_bytes -= entry.body.len() + entry.head.len();
                    Ok(entry)
                }
                None => tools.entries.entry(id),
            };
            match read {
                Ok(mut entry) => {
                    entry.attempts = attempts;
                    self.begun += 1;
                    self.working.insert(id, lane);
                    let ticket = Ticket::new(id, attempts, Arc::clone(&tools.finish));
                    // A worker that panics drops its ticket: a failed attempt.
                    let work = AssertUnwindSafe(|| tools.worker.work(entry, ticket));
                    if catch_unwind(work).is_err() {
                        tracing::error!(entry = id.0, "the worker panicked; please report this");
                    }
                }
                Err(error) => self.unreadable(id, lane, &error),
            }
        }
    }

    /// Decides about an entry that cannot be read.
    fn unreadable(&mut self, id: EntryId, lane: i64, error: &ReadError) {
        match error {
            ReadError::NotFound { .. } => self.bury(id, lane, "the entry is gone: it was lost with a damaged file"),
            ReadError::Damaged { .. } => {
                self.counts.damaged.fetch_add(1, Ordering::Relaxed);
                self.bury(id, lane, "the entry is damaged on disk: its checksum is wrong");
            }
            ReadError::Failed(source) => {
                tracing::error!(entry = id.0, "an entry cannot be read; retrying: {source}");
                self.park(lane, self.clock.now_unix_ms().saturating_add(millis(UNREADABLE_AGAIN)));
            }
        }
    }

    /// Makes an entry dead that can never be processed.
    fn bury(&mut self, id: EntryId, lane: i64, why: &str) {
        tracing::error!(entry = id.0, "{why}; it is dead now");
        let attempt = NewAttempt { fault: "damaged".to_owned(), message: why.to_owned(), ..NewAttempt::default() };
        self.begun += 1;
        // If it is retried, it begins with no attempts.
        self.failed.remove(&id);
        self.lanes.advance(lane);
        let finished = Finished { id, attempts: 0, ended: Ended::Failed(attempt, Next::Dead), entry: None };
        let _ = self.writer.send(Message::Finish(finished));
    }

    /// Time until the next timer.
    fn until_next(&self) -> Duration {
        let Some(Reverse((due, _))) = self.parked.peek().filter(|_| !self.clock.is_manual()) else { return TICK };
        let left = due.saturating_sub(self.clock.now_unix_ms());
        Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(TICK)
    }

    fn count(&mut self) {
        let is_due = self.oldest_at.is_none_or(|at| at.elapsed() >= TICK);
        // Of many lanes, this takes milliseconds.
        if is_due || self.lanes.count() <= FEW_LANES {
            self.oldest_at = Some(Instant::now());
            self.counts.oldest_received_ms.store(self.lanes.oldest_unix_ms().unwrap_or(0), Ordering::Relaxed);
        }
        set(&self.counts.working, self.working.len() as u64);
        set(&self.counts.parked_keys, self.parked.len() as u64);
    }
}

/// Up to this number of lanes, the oldest entry is determined each time.
const FEW_LANES: usize = 16;

/// Pause before an entry, or the backlog, that could not be read is retried.
const UNREADABLE_AGAIN: Duration = Duration::from_secs(1);

/// Receives the outcomes of entries, and notifies the writer, and the scheduler, so that the lane continues.
fn finish(scheduler: Arc<Inbox<Task>>, writer: Arc<Inbox<Message>>, clock: Clock, limits: WorkLimits) -> Arc<Finish> {
    Arc::new(move |id, attempts, outcome, entry| {
        let retry_at = |failures| clock.now_unix_ms().saturating_add(millis(limits.back_off.with_jitter(failures)));
        let (ended, again_at) = match outcome {
            Outcome::Done { records } => (Some(Ended::Done(records)), None),
            Outcome::Failed { attempt } if attempts + 1 < limits.attempts_max => {
                let due = retry_at(attempts + 1);
                (Some(Ended::Failed(attempt, Next::RetryAt(due))), Some(due))
            }
            Outcome::Failed { attempt } | Outcome::Hopeless { attempt } => {
                (Some(Ended::Failed(attempt, Next::Dead)), None)
            }
            Outcome::NotTried => (None, Some(retry_at(1))),
        };
        let is_attempt = ended.is_some();
        // A closed inbox: the host stops, and the entry is processed again after the next start.
        if let Some(ended) = ended {
            let _ = writer.send(Message::Finish(Finished { id, attempts, ended, entry }));
        }
        // In this order: the next entry of the lane may start and end at once, and its result must reach the writer
        // after this one.
        let _ = scheduler.send(Task::Ended { id, again_at, is_attempt });
    })
}

/// A duration in milliseconds, as the clock counts.
fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
