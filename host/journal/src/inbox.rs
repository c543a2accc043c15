//! Messages to a thread that takes all of them at once.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A queue with one receiver. It has no limit of its own: what is sent is bounded by permits.
pub(crate) struct Inbox<T> {
    queue: Mutex<Queue<T>>,
    changed: Condvar,
}

struct Queue<T> {
    items: VecDeque<T>,
    /// Whether it holds an item that should be taken without delay.
    is_urgent: bool,
    /// When the oldest quiet item came.
    quiet_since: Option<Instant>,
    /// Whether the receiver sleeps: otherwise waking it is spared.
    is_asleep: bool,
    is_closed: bool,
}

impl<T> fmt::Debug for Inbox<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbox").field("items", &self.lock().items.len()).finish()
    }
}

/// How long quiet items wait, so that more can be taken with them.
const QUIET: Duration = Duration::from_millis(50);

/// Quiet items that do not wait any longer.
const QUIET_MAX: usize = 1024;

impl<T> Inbox<T> {
    pub(crate) fn new() -> Self {
        let items = VecDeque::new();
        let queue = Queue { items, is_urgent: false, quiet_since: None, is_asleep: false, is_closed: false };
        Self { queue: Mutex::new(queue), changed: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, Queue<T>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds an item and has the receiver take it. Gives it back if the inbox is closed.
    pub(crate) fn send(&self, item: T) -> Result<(), T> {
        let mut queue = self.lock();
        if queue.is_closed {
            return Err(item);
        }
        queue.items.push_back(item);
        queue.is_urgent = true;
        self.wake(queue);
        Ok(())
    }

    /// Adds an item that can wait a little, for others to be taken with. Gives it back if the inbox is closed.
    pub(crate) fn send_quietly(&self, item: T) -> Result<(), T> {
        let mut queue = self.lock();
        if queue.is_closed {
            return Err(item);
        }
        queue.items.push_back(item);
        queue.is_urgent |= queue.items.len() >= QUIET_MAX;
        let is_first = queue.quiet_since.is_none();
        queue.quiet_since.get_or_insert_with(Instant::now);
        // The first has the receiver set its alarm.
        if is_first || queue.is_urgent {
            self.wake(queue);
        }
        Ok(())
    }

    fn wake(&self, mut queue: MutexGuard<'_, Queue<T>>) {
        if std::mem::take(&mut queue.is_asleep) {
            drop(queue);
            self.changed.notify_one();
        }
    }

    /// Waits for items, at most this long, and takes up to `items_max`. Empty: none arrived in that time.
    pub(crate) fn take(&self, items_max: usize, wait: Duration) -> Vec<T> {
        let until = Instant::now() + wait;
        let mut queue = self.lock();
        while !queue.is_urgent {
            let until = queue.quiet_since.map_or(until, |since| until.min(since + QUIET));
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            queue.is_asleep = true;
            queue = self.changed.wait_timeout(queue, left).unwrap_or_else(PoisonError::into_inner).0;
            queue.is_asleep = false;
        }
        let count = queue.items.len().min(items_max);
        let taken = queue.items.drain(..count).collect();
        if queue.items.is_empty() {
            (queue.is_urgent, queue.quiet_since) = (false, None);
        }
        taken
    }

    /// Accepts no more items, and drops those that are queued, so that callers that wait for an answer get an error.
    pub(crate) fn end(&self) {
        let mut queue = self.lock();
        queue.is_closed = true;
        let left = std::mem::take(&mut queue.items);
        drop(queue);
        drop(left);
    }
}
