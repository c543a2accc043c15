//! A journal in a folder that is removed afterwards, with a clock that tests move.

use std::sync::Arc;

use callgate_journal::{
    Clock, Entry, Journal, JournalSettings, NewEntry, NewRecord, Outcome, Ticket, WorkLimits, Worker,
};
use tokio::sync::mpsc;

/// Noon of some day.
pub(crate) const NOON: i64 = 1_700_000_000_000;

pub(crate) struct Kept {
    _folder: tempfile::TempDir,
    pub(crate) clock: Clock,
    pub(crate) settings: JournalSettings,
}

impl Kept {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = JournalSettings::new(folder.path().join("journal"));
        Self { _folder: folder, clock: Clock::manual(NOON), settings }
    }

    pub(crate) fn open(&self) -> Journal {
        Journal::open(&self.settings, self.clock.clone()).unwrap()
    }

    /// Moves the clock and has the journal look at it.
    pub(crate) fn advance(&self, journal: &Journal, ms: i64) {
        self.clock.advance_ms(ms);
        journal.tick();
    }
}

/// An entry with this key and body.
pub(crate) fn entry(key: &str, body: &str) -> NewEntry {
    NewEntry { received_unix_ms: NOON, ..::harness::kept::entry(key, body.to_owned()) }
}

pub(crate) fn record(topic: &str, key: &str, data: &str) -> NewRecord {
    NewRecord { topic: topic.to_owned(), at_unix_ms: NOON, ..::harness::kept::record(key, data) }
}

/// A worker whose entries the test finishes itself.
pub(crate) struct ByHand(mpsc::UnboundedSender<(Entry, Ticket)>);

impl Worker for ByHand {
    fn work(&self, entry: Entry, ticket: Ticket) {
        let _ = self.0.send((entry, ticket));
    }
}

/// What a test processes.
pub(crate) struct Work(mpsc::UnboundedReceiver<(Entry, Ticket)>);

impl Work {
    pub(crate) async fn start(journal: &Journal, limits: WorkLimits) -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        journal.start_working(Arc::new(ByHand(sender)), limits).await.unwrap();
        Self(receiver)
    }

    pub(crate) async fn next(&mut self) -> (Entry, Ticket) {
        self.0.recv().await.unwrap()
    }

    /// The next entry, if there is one already.
    pub(crate) fn try_next(&mut self) -> Option<(Entry, Ticket)> {
        self.0.try_recv().ok()
    }

    /// Whether no entry is at hand.
    pub(crate) fn is_idle(&self) -> bool {
        self.0.is_empty()
    }

    /// The next entry's body and ticket.
    pub(crate) async fn body(&mut self) -> (String, Ticket) {
        let (entry, ticket) = self.next().await;
        (String::from_utf8(entry.body.to_vec()).unwrap(), ticket)
    }
}

pub(crate) fn done() -> Outcome {
    Outcome::Done { records: Vec::new() }
}
