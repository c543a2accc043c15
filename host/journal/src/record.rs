//! Records: what plugins want handed on, in the order in which sinks deliver it.

use std::sync::Arc;

use crate::envelope::Event;

/// A record's number: it ascends in the order of commit, is never reused, and has gaps. Sinks keep one as their cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Sequence(pub i64);

/// A record to store.
#[derive(Debug, Clone)]
pub struct NewRecord {
    /// What sinks choose by.
    pub topic: String,
    /// Sinks deliver records of the same key in order.
    pub key: String,
    /// The platform of the callback.
    pub platform: Arc<str>,
    /// The command of the callback.
    pub command: Arc<str>,
    /// The plugin that returned the record.
    pub plugin: Arc<str>,
    /// The SHA-256 of that plugin's module, in hexadecimal digits.
    pub sha256: Arc<str>,
    /// When the plugin returned it, in milliseconds since 1970.
    pub at_unix_ms: i64,
    /// The `traceparent` of the callback's request, if it had one.
    pub traceparent: Option<String>,
    /// The record itself: JSON. The journal does not read it.
    pub data: String,
}

impl NewRecord {
    /// What the record counts for where bytes are limited.
    pub(crate) fn bytes(&self) -> usize {
        self.data.len() + self.key.len() + self.topic.len() + 128
    }
}

/// A stored record.
#[derive(Debug, Clone)]
pub struct Record {
    /// Its number in this journal.
    pub sequence: Sequence,
    /// The same for this record wherever and however often it is delivered, and for no other record of any journal.
    pub id: String,
    /// The entry that it belongs to; `None`: it is from a before-callback.
    pub entry: Option<crate::entry::EntryId>,
    /// As it was given.
    pub record: NewRecord,
}

impl Record {
    /// The record with what identifies it, as sinks write it.
    pub(crate) fn event(&self) -> Event<'_> {
        let record = &self.record;
        Event {
            id: &self.id,
            sequence: Some(self.sequence.0),
            topic: &record.topic,
            key: &record.key,
            platform: &record.platform,
            command: &record.command,
            plugin: &record.plugin,
            plugin_sha256: &record.sha256,
            traceparent: record.traceparent.as_deref(),
            at_unix_ms: record.at_unix_ms,
            data: &record.data,
        }
    }
}

/// Some records after a cursor.
#[derive(Debug, Clone, Default)]
pub struct RecordBatch {
    /// In ascending order.
    pub records: Vec<Record>,
    /// All wanted records up to here are in [`records`](Self::records): the next cursor once they are delivered. It
    /// moves on past records that were not wanted, so it may be beyond the last record.
    pub read_to: Sequence,
    /// Records among them that failed their checksum. They are left out, counted and logged.
    pub damaged: u64,
}

/// A sink's cursor as it was saved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkCursor {
    /// The sink's name.
    pub sink: String,
    /// Everything up to here has been delivered, or was not wanted.
    pub delivered_to: Sequence,
    /// What the sink wants to find again after a restart. The journal does not read it.
    pub state: String,
}
