//! Which entry is worked on when: in order per key, in parallel across keys, at most so many at once.

mod lanes;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use self::lanes::Lanes;
use crate::clock::Clock;
use crate::entry::{Entry, EntryId, NewAttempt};
use crate::error::{ReadError, StoreError};
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
    worker: Arc<dyn Worker>,
    limits: WorkLimits,
    entries: Box<dyn ReadEntries>,
    finish: Arc<Finish>,
    lanes: Lanes,
    /// Bodies that are at hand, so that they need not be read from disk.
    bodies: HashMap<EntryId, Entry>,
    bodies_bytes: usize,
    /// Lanes that wait until a time, the next one first.
    parked: BinaryHeap<Reverse<(i64, i64)>>,
    /// Entries that have failed: their attempts, and when the next is due.
    failed: HashMap<EntryId, (u32, i64)>,
    /// Entries that are worked on, with their lanes.
    working: HashMap<EntryId, i64>,
    /// Entries that were begun and whose results are not on disk yet.
    begun: usize,
    is_stopped: bool,
}

/// How often the oldest entry is looked for and, with the system's clock, parked lanes are looked at.
const TICK: Duration = Duration::from_secs(1);

/// Messages that are taken at once.
const TASKS_MAX: usize = 4096;

impl Scheduler {
    /// Waits to be told what to work with, and then works until it is stopped. This is the scheduler's thread.
    pub(crate) fn run(inbox: Arc<Inbox<Task>>, writer: Arc<Inbox<Message>>, clock: Clock, counts: Arc<Counts>) {
        let mut early = Vec::new();
        let (worker, limits, entries) = loop {
            let mut found = None;
            for task in inbox.take(TASKS_MAX, TICK) {
                match task {
                    Task::Work { worker, limits, entries } => found = Some((worker, limits, entries)),
                    Task::Stop => return,
                    other => early.push(other),
                }
            }
            if let Some(found) = found {
                break found;
            }
        };
        let finish = finish(Arc::clone(&inbox), Arc::clone(&writer), clock.clone(), limits.clone());
        let mut scheduler = Self {
            inbox,
            writer,
            clock,
            counts,
            worker,
            limits,
            entries,
            finish,
            lanes: Lanes::default(),
            bodies: HashMap::new(),
            bodies_bytes: 0,
            parked: BinaryHeap::new(),
            failed: HashMap::new(),
            working: HashMap::new(),
            begun: 0,
            is_stopped: false,
        };
        for task in early {
            scheduler.take(task);
        }
        scheduler.work();
    }

    fn work(mut self) {
        while !self.is_stopped {
            self.unpark();
            self.begin();
            self.count();
            let wait = self.until_next();
            for task in Arc::clone(&self.inbox).take(TASKS_MAX, wait) {
                self.take(task);
            }
        }
    }

    fn take(&mut self, task: Task) {
        match task {
            Task::Accepted(entries) => {
                for (waiting, entry) in entries {
                    self.lanes.push(waiting);
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
            Task::Work { .. } | Task::Tick => {}
            Task::Stop => self.is_stopped = true,
        }
    }

    /// Takes up an entry of the backlog.
    fn wait(&mut self, waiting: Waiting) {
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
        let longest = i64::try_from(self.limits.retry_max.max(self.limits.retry_first).as_millis()).unwrap_or(i64::MAX);
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
        while self.begun < self.limits.at_once.max(1) {
            let Some((id, lane)) = self.lanes.next() else { return };
            let (attempts, due) = self.failed.get(&id).copied().unwrap_or_default();
            let now = self.clock.now_unix_ms();
            if due > now {
                // Of the backlog: it had failed before the host was started.
                self.failed.insert(id, (attempts, 0));
                self.park(lane, due);
                continue;
            }
            match self.body(id) {
                Ok(mut entry) => {
                    entry.attempts = attempts;
                    self.begun += 1;
                    self.working.insert(id, lane);
                    self.worker.work(entry, Ticket::new(id, attempts, Arc::clone(&self.finish)));
                }
                Err(error) => self.unreadable(id, lane, &error),
            }
        }
    }

    fn body(&mut self, id: EntryId) -> Result<Entry, ReadError> {
        if let Some(entry) = self.bodies.remove(&id) {
            self.bodies_bytes -= entry.body.len() + entry.head.len();
            return Ok(entry);
        }
        self.entries.entry(id)
    }

    /// Decides about an entry that cannot be read.
    fn unreadable(&mut self, id: EntryId, lane: i64, error: &ReadError) {
        match error {
            // Lost with a damaged file, and counted then.
            ReadError::NotFound { .. } => self.lanes.advance(lane),
            ReadError::Damaged { .. } => {
                self.counts.damaged.fetch_add(1, Ordering::Relaxed);
                tracing::error!(entry = id.0, "an entry is damaged on disk: its checksum is wrong; it is dead now");
                let attempt = NewAttempt {
                    fault: "damaged".to_owned(),
                    message: "the entry is damaged on disk: its checksum is wrong".to_owned(),
                    ..NewAttempt::default()
                };
                self.begun += 1;
                self.lanes.advance(lane);
                let finished = Finished { id, ended: Ended::Failed(attempt, Next::Dead) };
                let _ = self.writer.send(Message::Finish(finished));
            }
            ReadError::Failed(source) => {
                tracing::error!(entry = id.0, "an entry cannot be read, it is tried again: {source}");
                if let StoreError::Damaged(what) = source {
                    let _ = self.writer.send(Message::Damage(what.clone()));
                }
                let again = i64::try_from(UNREADABLE_AGAIN.as_millis()).unwrap_or(0);
                self.park(lane, self.clock.now_unix_ms().saturating_add(again));
            }
        }
    }

    /// How long nothing happens by itself.
    fn until_next(&self) -> Duration {
        let Some(Reverse((due, _))) = self.parked.peek().filter(|_| !self.clock.is_manual()) else { return TICK };
        let left = due.saturating_sub(self.clock.now_unix_ms());
        Duration::from_millis(u64::try_from(left).unwrap_or(0)).min(TICK)
    }

    fn count(&self) {
        set(&self.counts.working, self.working.len() as u64);
        set(&self.counts.parked_keys, self.parked.len() as u64);
    }
}

/// When an entry that could not be read is tried again.
const UNREADABLE_AGAIN: Duration = Duration::from_secs(1);

/// What takes the outcomes of entries: it tells the scheduler, so that the lane moves on, and the writer.
fn finish(scheduler: Arc<Inbox<Task>>, writer: Arc<Inbox<Message>>, clock: Clock, limits: WorkLimits) -> Arc<Finish> {
    Arc::new(move |id, attempts, outcome| {
        let retry_at = |attempts| clock.now_unix_ms().saturating_add(delay_ms(&limits, attempts, random()));
        let (ended, again_at) = match outcome {
            Outcome::Done { records } => (Some(Ended::Done(records)), None),
            Outcome::Failed { attempt } if attempts + 1 < limits.attempts_max => {
                let due = retry_at(attempts);
                (Some(Ended::Failed(attempt, Next::RetryAt(due))), Some(due))
            }
            Outcome::Failed { attempt } | Outcome::Hopeless { attempt } => {
                (Some(Ended::Failed(attempt, Next::Dead)), None)
            }
            Outcome::NotTried => (None, Some(retry_at(0))),
        };
        // A closed inbox: the host stops, and the entry is worked off again after the next start.
        let _ = scheduler.send(Task::Ended { id, again_at, is_attempt: ended.is_some() });
        if let Some(ended) = ended {
            let _ = writer.send(Message::Finish(Finished { id, ended }));
        }
    })
}

/// The delay in milliseconds after so many earlier failures; `random` is from 0 to 1.
fn delay_ms(limits: &WorkLimits, attempts: u32, random: f64) -> i64 {
    let first = limits.retry_first.as_secs_f64();
    let longest = limits.retry_max.max(limits.retry_first).as_secs_f64();
    let full = (first * 2_f64.powi(attempts.min(64).cast_signed())).min(longest);
    (full * (1.0 - random / 2.0) * 1000.0) as i64
}

/// A number from 0 to 1, different each time; enough to spread retries.
fn random() -> f64 {
    use std::hash::{BuildHasher as _, Hasher as _, RandomState};
    let random = RandomState::new().build_hasher().finish();
    random as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_longest_and_are_shortened_by_up_to_half() {
        let limits = WorkLimits { retry_max: Duration::from_secs(10), ..WorkLimits::default() };
        let delays: Vec<i64> = (0..6).map(|attempts| delay_ms(&limits, attempts, 0.0)).collect();
        assert_eq!(delays, [1000, 2000, 4000, 8000, 10_000, 10_000]);
        assert_eq!(delay_ms(&limits, 0, 1.0), 500);
        assert_eq!(delay_ms(&limits, u32::MAX, 0.0), 10_000);
        let shorter = WorkLimits { retry_max: Duration::ZERO, ..WorkLimits::default() };
        assert_eq!(delay_ms(&shorter, 3, 0.0), 1000);
    }
}
