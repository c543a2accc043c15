//! What others keep in the journal until their next start, on its way to disk.
//!
//! It is written in transactions of its own, each of a bounded size: callbacks that wait for a commit do not wait for all of it,
//! and do not fail because it does not fit.

use std::collections::VecDeque;

use crate::error::StoreError;
use crate::message::Permits;
use crate::store::Store;

/// Bytes that are written in one transaction. A part that is larger has one for itself.
const COMMIT_BYTES: usize = 1 << 20;

/// Maximum size of a part, in bytes; a larger one is dropped.
const PART_BYTES_MAX: usize = 256 << 20;

/// What has been handed over and is not on disk yet, in order.
#[derive(Debug, Default)]
pub(super) struct Unsaved {
    calls: VecDeque<Call>,
    /// Whether the last attempt failed, or there was no room: the next one waits for a tick.
    is_held: bool,
    /// Whether there was no room.
    is_full: bool,
}

/// What one call has handed over. Its places in the queue are free when all of it is on disk.
#[derive(Debug)]
struct Call {
    name: String,
    parts: VecDeque<(String, Vec<u8>)>,
    _permits: Permits,
}

/// What became of writing some of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Saved {
    /// So many parts are on disk.
    Parts(usize),
    /// There is no room for the next part. `true`: there was before.
    NoRoom(bool),
    /// The next part of the state with this name would never fit, and is dropped.
    TooLarge(String),
}

impl Unsaved {
    pub(super) fn push(&mut self, name: String, parts: Vec<(String, Vec<u8>)>, permits: Permits) {
        self.calls.push_back(Call { name, parts: parts.into(), _permits: permits });
        self.pop(0);
    }

    /// Drops what has other names.
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

    /// Whether more is to be written at once.
    pub(super) fn is_due(&self) -> bool {
        !self.calls.is_empty() && !self.is_held
    }

    /// Writes some of it, in one transaction, if there is room. After an error it is all still there.
    pub(super) fn save(&mut self, store: &mut dyn Store) -> Result<Saved, StoreError> {
        self.is_held = true;
        let room = store.room()?;
        // The last sixteenth is for the results of what was accepted.
        let bytes_max = usize::try_from(room.bytes_max / 16 * 15).unwrap_or(usize::MAX);
        let (parts, bytes) = self.next();
        if bytes > bytes_max.min(PART_BYTES_MAX) {
            self.is_held = false;
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
        (self.is_held, self.is_full) = (false, false);
        Ok(Saved::Parts(parts))
    }

    /// How many parts are written next, and their size: one, or as many as fit into one transaction.
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

    /// Takes away the first parts, and calls that have none. Returns the name of the last one.
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
