//! What one transaction of the writer holds.

use crate::decision::NewDecision;
use crate::entry::{Accepted, NewEntry};
use crate::error::StoreError;
use crate::message::{Ended, Finished, Permits, Reply};
use crate::record::{NewRecord, Sequence, SinkCursor};
use crate::store::{Next, Store, Trimmed, Waiting};

/// Rows of each kind that are trimmed in one transaction.
const TRIM_ROWS: usize = 512;

/// What one transaction does, and which callers are notified.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) accepts: Vec<(Vec<NewEntry>, Reply<Accepted>, Permits)>,
    pub(super) records: Vec<(Vec<NewRecord>, Option<Reply<()>>, Permits)>,
    pub(super) decisions: Vec<(Box<NewDecision>, Permits)>,
    pub(super) finished: Vec<Finished>,
    pub(super) cursors: Vec<SinkCursor>,
    pub(super) flushes: Vec<Reply<()>>,
    pub(super) trim: bool,
}

impl Batch {
    pub(super) fn is_empty(&self) -> bool {
        self.accepts.is_empty()
            && self.records.is_empty()
            && self.decisions.is_empty()
            && self.finished.is_empty()
            && self.cursors.is_empty()
            && !self.trim
    }

    /// Does all of a batch in one transaction. If anything fails, nothing of it counts. `keeps_done`: whether entries
    /// that are done stay in the store.
    pub(super) fn write(&self, store: &mut dyn Store, keeps_done: bool) -> Result<Written, StoreError> {
        let mut written = Written::default();
        store.begin()?;
        // Results first: they free space.
        for finished in &self.finished {
            let stays = keeps_done || matches!(finished.ended, Ended::Failed(..));
            if let Some(entry) = finished.entry.as_ref().filter(|_| stays) {
                store.describe(entry)?;
            }
            match &finished.ended {
                Ended::Done(records) => {
                    if store.done(finished.id, finished.attempts)? {
                        written.done += 1;
                        for record in records {
                            written.last = Some(store.record(Some(finished.id), record)?);
                            written.records += 1;
                        }
                    }
                }
                Ended::Failed(attempt, next) => {
                    store.failed(finished.id, attempt, *next)?;
                    written.failed += 1;
                    written.died += usize::from(*next == Next::Dead);
                }
            }
        }
        for (number, (entries, ..)) in self.accepts.iter().enumerate() {
            let mut accepted = Accepted::default();
            for (position, entry) in entries.iter().enumerate() {
                match store.accept(entry)? {
                    Some(waiting) => {
                        accepted.kept += 1;
                        written.entries.push((waiting, number, position));
                    }
                    None => accepted.repeats += 1,
                }
            }
            written.accepted.push(accepted);
        }
        for record in self.records.iter().flat_map(|(records, ..)| records) {
            written.last = Some(store.record(None, record)?);
            written.records += 1;
        }
        for (decision, _) in &self.decisions {
            store.decision(decision)?;
        }
        for cursor in &self.cursors {
            store.cursor(cursor)?;
        }
        if self.trim {
            written.trimmed = store.trim(TRIM_ROWS)?;
        }
        store.commit()?;
        Ok(written)
    }
}

/// What a transaction has done, for the callers that are notified once it is on disk.
#[derive(Default)]
pub(super) struct Written {
    pub(super) accepted: Vec<Accepted>,
    /// With the call and the position in it.
    pub(super) entries: Vec<(Waiting, usize, usize)>,
    pub(super) done: usize,
    pub(super) failed: usize,
    pub(super) died: usize,
    pub(super) records: usize,
    pub(super) last: Option<Sequence>,
    pub(super) trimmed: Trimmed,
}
