//! The queue of states to save: data that the host stores until its next start.
//!
//! States have their own transactions of bounded size. So callbacks that wait for a commit do not wait for a large
//! state, and do not fail because a state does not fit.

use std::collections::VecDeque;

use crate::error::StoreError;
use crate::message::Permits;
use crate::store::Store;

/// Maximum size of one transaction, in bytes. A larger part gets its own transaction.
const COMMIT_BYTES: usize = 1 << 20;

/// Pause after an attempt that failed, in milliseconds. A failed transaction has the file opened again, which callbacks
/// would wait for with each of their commits.
const AGAIN_AFTER_MS: i64 = 1000;

/// Maximum size of a part, in bytes; a larger one is dropped.
const PART_BYTES_MAX: usize = 256 << 20;

/// The parts that are not on disk yet, in order.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    calls: VecDeque<Call>,
    /// When the last attempt was, on the clock, if it failed or there was no room: the next one waits.
    held_since: Option<i64>,
    /// Whether there was no room.
    is_full: bool,
}

/// The parts of one call. Its slots in the queue are freed when all of them are on disk.
#[derive(Debug)]
struct Call {
    name: String,
    parts: VecDeque<(String, Vec<u8>)>,
    _permits: Permits,
}

/// The result of one transaction.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Saved {
    /// This number of parts is now on disk.
    Parts(usize),
    /// The journal has no room for the next part. `true`: this is new.
    NoRoom(bool),
    /// The next part, of the state with this name, can never fit and is dropped.
    TooLarge(String),
}

impl Unsaved {
    pub(super) fn push(&mut self, name: String, parts: Vec<(String, Vec<u8>)>, permits: Permits) {
        self.calls.push_back(Call { name, parts: parts.into(), _permits: permits });
        self.pop(0);
    }

    /// Drops the states with other names.
    pub(super) fn retain(&mut self, keep: &[String]) {
        self.calls.retain(|call| keep.contains(&call.name));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    /// Number of parts.
    pub(super) fn len(&self) -> usize {
        self.calls.iter().map(|call| call.parts.len()).sum()
    }

    /// Whether another transaction should follow immediately.
    pub(super) fn is_due(&self, now_unix_ms: i64) -> bool {
        // A time that is still to come means that the clock was set back.
        let is_held = |since: i64| (since..since.saturating_add(AGAIN_AFTER_MS)).contains(&now_unix_ms);
        !self.calls.is_empty() && !self.held_since.is_some_and(is_held)
    }

    /// Writes some parts in one transaction, if there is room. After an error, all of them are still queued.
    pub(super) fn save(&mut self, store: &mut dyn Store, now_unix_ms: i64) -> Result<Saved, StoreError> {
        self.held_since = Some(now_unix_ms);
        let room = store.room()?;
        // The last sixteenth is reserved for the results of accepted entries.
        let bytes_max = usize::try_from(room.bytes_max / 16 * 15).unwrap_or(usize::MAX);
        let (parts, bytes) = self.next();
        if bytes > bytes_max.min(PART_BYTES_MAX) {
            self.held_since = None;
            return Ok(Saved::TooLarge(self.pop(1).unwrap_or_default()));
        }
        if bytes > bytes_max.saturating_sub(usize::try_from(room.bytes).unwrap_or(usize::MAX)) {
            return Ok(Saved::NoRoom(!std::mem::replace(&mut self.is_full, true)));
        }
        store.begin()?;
        let all = self.calls.iter().flat_map(|call| call.parts.iter().map(|part| (&call.name, part)));
        for (name, (part, data)) in all.take(parts) {
            store.save_state(name, part, data)?;
        }
        store.commit()?;
        self.pop(parts);
        (self.held_since, self.is_full) = (None, false);
        Ok(Saved::Parts(parts))
    }

    /// The number of parts of the next transaction, and their size: one part, or as many as fit.
    fn next(&self) -> (usize, usize) {
        let (mut parts, mut bytes) = (0, 0);
        for (part, data) in self.calls.iter().flat_map(|call| &call.parts) {
            let more = part.len() + data.len();
            if parts > 0 && bytes + more > COMMIT_BYTES {
                break;
            }
            (parts, bytes) = (parts + 1, bytes + more);
        }
        (parts, bytes)
    }

    /// Removes the first parts, and calls that have none left. Returns the name of the last part.
    fn pop(&mut self, parts: usize) -> Option<String> {
        let mut name = None;
        for number in 0..=parts {
            while self.calls.front().is_some_and(|call| call.parts.is_empty()) {
                self.calls.pop_front();
            }
            if let Some(call) = self.calls.front_mut().filter(|_| number < parts) {
                call.parts.pop_front();
                name = Some(call.name.clone());
            }
        }
        name
    }
}
