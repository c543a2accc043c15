//! Entries that were accepted before the scheduler started: read a page at a time, while the first are processed.

use std::collections::HashSet;

use crate::entry::EntryId;
use crate::error::ReadError;
use crate::store::{ReadEntries, Waiting};

/// How far the backlog is read, and the entries that arrived meanwhile.
#[derive(Debug)]
pub(super) struct Backlog {
    after: EntryId,
    before: EntryId,
    /// Entries that came while it is read. They are behind it, in order.
    held: Vec<Waiting>,
    /// Those among them that may be met when reading: dead entries that wait again.
    retried: HashSet<EntryId>,
}

/// Entries that are read at once: a few milliseconds.
const PAGE: usize = 10_000;

impl Backlog {
    /// All entries before this one.
    pub(super) fn new(before: EntryId) -> Self {
        Self { after: EntryId(i64::MIN), before, held: Vec::new(), retried: HashSet::new() }
    }

    /// Reads a page; `None`: there is no more.
    pub(super) fn read(&mut self, entries: &mut dyn ReadEntries) -> Result<Option<Vec<Waiting>>, ReadError> {
        let mut page = entries.waiting(self.after, self.before, PAGE)?;
        let Some(last) = page.last() else { return Ok(None) };
        self.after = last.id;
        page.retain(|waiting| !self.retried.contains(&waiting.id));
        Ok(Some(page))
    }

    /// Has an entry wait until everything is read.
    pub(super) fn hold(&mut self, waiting: Waiting) {
        if waiting.id < self.before {
            self.retried.insert(waiting.id);
        }
        self.held.push(waiting);
    }

    /// What came while it was read.
    pub(super) fn later(self) -> impl Iterator<Item = Waiting> {
        self.held.into_iter()
    }
}
