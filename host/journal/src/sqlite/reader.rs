//! The read side: connections of its own, so that reading and writing never wait for each other.

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use rusqlite::types::Value;
use rusqlite::{Connection, Row, params_from_iter};

use super::checksum;
use super::conditions;
use super::connection::{FORBIDS_WRITING, LOG_ALONE, Place, is_log_alone, meaning, meaning_at_open};
use super::header::Header;
use super::names::Names;
use super::schema::{self, Format};
use super::waiting;
use crate::decision::{Decision, DecisionId, NewDecision};
use crate::entry::{Attempt, Entry, EntryId, EntryState, EntrySummary, NewAttempt};
use crate::error::{OpenError, ReadError, StoreError};
use crate::filter::{DecisionFilter, EntryFilter, Page, RecordFilter};
use crate::folder;
use crate::record::{NewRecord, Record, RecordBatch, Sequence, SinkCursor};
use crate::store::{ReadEntries, Waiting};

/// Reads a journal. Each reader has a connection of its own and is used by one thread at a time; its methods read the
/// disk and block while they do, never because of the writer.
#[derive(Debug)]
pub struct Reader {
    place: Place,
    /// The number of the file that is open; another one in `current` means that the file was replaced.
    opened: u64,
    current: Arc<AtomicU64>,
    connection: Option<Connection>,
    names: Names,
    /// The journal's own name, with which records' IDs begin.
    journal: Arc<str>,
    report: Option<Report>,
}

/// Reports damage in the file with this number to the writer.
#[derive(Clone)]
pub(crate) struct Report(pub(crate) Arc<dyn Fn(u64, String) + Send + Sync>);

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Report")
    }
}

/// The most items of one page.
const PAGE_ITEMS_MAX: u32 = 10_000;

impl Reader {
    pub(crate) fn new(place: Place, current: Arc<AtomicU64>, report: Option<Report>) -> Self {
        let (names, journal) = (Names::default(), Arc::from(""));
        Self { place, opened: 0, current, connection: None, names, journal, report }
    }

    /// Opens the journal in a folder for reading only, whether a host uses it or not. Not for the process of that host:
    /// the file's header is read without SQLite, which drops the locks that this process holds on the file.
    /// [`Journal::reader`](crate::Journal::reader) is for that.
    pub fn open(folder: &Path) -> Result<Self, OpenError> {
        let place = Place { folder: folder.to_owned(), vfs: None };
        let failed = |source| OpenError::Failed { folder: folder.to_owned(), source };
        match std::fs::metadata(place.file()) {
            Ok(_) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(match is_log_alone(&place.file()) {
                    true => failed(StoreError::Damaged(LOG_ALONE.to_owned())),
                    false => OpenError::Missing { folder: folder.to_owned() },
                });
            }
            Err(error) => return Err(folder::unusable(folder, error)),
        }
        let header = Header::read(&place).map_err(|source| folder::unusable(folder, source))?;
        let connection = place.open_reader().map_err(|error| failed(meaning_at_open(&error, header.is_journal)))?;
        let is_journal = header.is_journal || schema::is_journal(&connection);
        let mut reader = Self::new(place, Arc::default(), None);
        let format = reader.take(connection, 0).map_err(|error| failed(meaning_at_open(&error, is_journal)))?;
        match format {
            Format::Known(_) if header.forbids_writing => Err(failed(StoreError::Damaged(FORBIDS_WRITING.to_owned()))),
            Format::Known(0) => Err(OpenError::Missing { folder: folder.to_owned() }),
            Format::Known(_) => Ok(reader),
            Format::Newer(found) => Err(OpenError::Newer { folder: folder.to_owned(), found, known: schema::FORMAT }),
            Format::Foreign => Err(OpenError::NotAJournal { path: reader.place.file() }),
            Format::Damaged(what) => Err(failed(StoreError::Damaged(what.to_owned()))),
        }
    }

    /// Reads with a connection to the file that there is now.
    fn with<T>(
        &mut self,
        read: impl FnOnce(&Connection, &mut Names, &Arc<str>) -> rusqlite::Result<T>,
    ) -> Result<T, ReadError> {
        let current = self.current.load(Ordering::Acquire);
        let result = self.connect(current).and_then(|()| match &self.connection {
            Some(connection) => read(connection, &mut self.names, &self.journal),
            None => Err(rusqlite::Error::InvalidQuery),
        });
        result.map_err(|error| {
            // Whatever is wrong, the next call opens the file again.
            self.connection = None;
            let error = meaning(&error);
            if let (StoreError::Damaged(what), Some(Report(report))) = (&error, &self.report) {
                report(current, what.clone());
            }
            ReadError::Failed(error)
        })
    }

    /// Opens the file, if it is not the one that is open.
    fn connect(&mut self, current: u64) -> rusqlite::Result<()> {
        if self.connection.is_none() || self.opened != current {
            self.take(self.place.open_reader()?, current)?;
        }
        Ok(())
    }

    /// Begins to use a connection to the file with this number.
    fn take(&mut self, connection: Connection, current: u64) -> rusqlite::Result<Format> {
        let format = schema::format(&connection)?;
        // A file that is empty yet has no tables.
        if let Format::Known(1..) = format {
            let sql = "SELECT journal FROM counters";
            self.journal = Arc::from(connection.query_row(sql, (), |row| row.get::<_, String>(0))?);
        }
        self.names = Names::default();
        (self.connection, self.opened) = (Some(connection), current);
        Ok(format)
    }

    /// How many entries match.
    pub fn count_entries(&mut self, filter: &EntryFilter) -> Result<u64, ReadError> {
        self.count("entries", conditions::of_entries(filter))
    }

    /// How many records match.
    pub fn count_records(&mut self, filter: &RecordFilter) -> Result<u64, ReadError> {
        self.count("records", conditions::of_records(filter))
    }

    /// How many decisions match.
    pub fn count_decisions(&mut self, filter: &DecisionFilter) -> Result<u64, ReadError> {
        self.count("decisions", conditions::of_decisions(filter))
    }

    fn count(&mut self, table: &str, (wanted, values): (String, Vec<Value>)) -> Result<u64, ReadError> {
        let sql = format!("SELECT count(*) FROM {table} WHERE {wanted}");
        let count: i64 = self.with(|connection, _, _| {
            connection.prepare_cached(&sql)?.query_row(params_from_iter(values), |row| row.get(0))
        })?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// Entries that match, without their bodies.
    pub fn entries(&mut self, filter: &EntryFilter, page: Page) -> Result<Vec<EntrySummary>, ReadError> {
        const COLUMNS: &str = "id, state, platform, command, key, received_ms, due_ms, attempts";
        self.list(COLUMNS, "entries", "id", conditions::of_entries(filter), page, summary)
    }

    /// An entry with its body.
    pub fn entry(&mut self, id: EntryId) -> Result<Entry, ReadError> {
        let found = self.with(|connection, names, _| {
            let sql = "SELECT platform, command, key, received_ms, attempts, crc, head, body \
                       FROM entries JOIN entry_bodies USING (id) WHERE id = ?1";
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query((id.0,))?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let (head, body) = (row.get_ref(6)?.as_bytes()?, row.get_ref(7)?.as_blob()?);
            let platform = names.of(connection, row.get_ref(0)?)?;
            let command = names.of(connection, row.get_ref(1)?)?;
            let key: String = row.get(2)?;
            let is_intact = row.get::<_, i64>(5)? == checksum::of_entry(&platform, &command, &key, head, body);
            let Some(head) = is_intact.then(|| String::from_utf8(head.to_vec()).ok()).flatten() else {
                return Ok(Some(None));
            };
            Ok(Some(Some(Entry {
                id,
                platform,
                command,
                key,
                received_unix_ms: row.get(3)?,
                attempts: row.get(4)?,
                head,
                body: Bytes::copy_from_slice(body),
            })))
        })?;
        intact(found, "entry", id.0)
    }

    /// An entry as lists show it.
    pub fn entry_summary(&mut self, id: EntryId) -> Result<EntrySummary, ReadError> {
        let filter = EntryFilter { ids: vec![id], ..EntryFilter::default() };
        let found = self.entries(&filter, Page { limit: 1, ..Page::default() })?;
        found.into_iter().next().ok_or(ReadError::NotFound { what: "entry", id: id.0 })
    }

    /// The failed attempts of an entry, the first one first.
    pub fn attempts(&mut self, id: EntryId) -> Result<Vec<Attempt>, ReadError> {
        self.with(|connection, names, _| {
            let sql =
                "SELECT number, at_ms, plugin, fault, message, took_us FROM attempts WHERE entry = ?1 ORDER BY number";
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query((id.0,))?;
            let mut attempts = Vec::new();
            while let Some(row) = rows.next()? {
                let plugin = Some(names.of(connection, row.get_ref(2)?)?.to_string()).filter(|name| !name.is_empty());
                let took_us = u64::try_from(row.get::<_, i64>(5)?).unwrap_or(0);
                let failure = NewAttempt { plugin, fault: row.get(3)?, message: row.get(4)?, took_us };
                attempts.push(Attempt { number: row.get(0)?, at_unix_ms: row.get(1)?, failure });
            }
            Ok(attempts)
        })
    }

    /// Records after a cursor, at most this many and about this many bytes, but at least one if there is one. Of those
    /// that are looked at, the ones with a topic that is not wanted are left out.
    pub fn records_after(
        &mut self,
        cursor: Sequence,
        items_max: usize,
        bytes_max: usize,
        is_wanted: impl Fn(&str) -> bool,
    ) -> Result<RecordBatch, ReadError> {
        let mut batch = RecordBatch { read_to: cursor, ..RecordBatch::default() };
        self.with(|connection, names, journal| {
            let sql = format!("SELECT {RECORD_COLUMNS} FROM records WHERE sequence > ?1 ORDER BY sequence LIMIT ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query((cursor.0, SCANNED_MAX))?;
            let mut bytes = 0;
            while let Some(row) = rows.next()? {
                let sequence = Sequence(row.get(0)?);
                waiting::check_order(batch.read_to.0, sequence.0)?;
                if is_wanted(row.get_ref(2)?.as_str()?) {
                    match record(connection, names, journal, row)? {
                        Some(record) => {
                            bytes += record.record.bytes();
                            batch.records.push(record);
                        }
                        None => batch.damaged += 1,
                    }
                }
                batch.read_to = sequence;
                if batch.records.len() >= items_max || bytes >= bytes_max {
                    break;
                }
            }
            Ok(())
        })?;
        Ok(batch)
    }

    /// Records that match; those that fail their checksum are left out.
    pub fn records(&mut self, filter: &RecordFilter, page: Page) -> Result<Vec<Record>, ReadError> {
        let read = |connection: &Connection, names: &mut Names, journal: &Arc<str>, row: &Row<'_>| {
            record(connection, names, journal, row)
        };
        let found = self.list(RECORD_COLUMNS, "records", "sequence", conditions::of_records(filter), page, read)?;
        Ok(found.into_iter().flatten().collect())
    }

    /// A record.
    pub fn record(&mut self, sequence: Sequence) -> Result<Record, ReadError> {
        let found = self.with(|connection, names, journal| {
            let sql = format!("SELECT {RECORD_COLUMNS} FROM records WHERE sequence = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query((sequence.0,))?;
            rows.next()?.map(|row| record(connection, names, journal, row)).transpose()
        })?;
        intact(found, "record", sequence.0)
    }

    /// Decisions that match, without document and body.
    pub fn decisions(&mut self, filter: &DecisionFilter, page: Page) -> Result<Vec<Decision>, ReadError> {
        let read =
            |connection: &Connection, names: &mut Names, _: &Arc<str>, row: &Row<'_>| decision(connection, names, row);
        self.list(DECISION_COLUMNS, "decisions", "id", conditions::of_decisions(filter), page, read)
    }

    /// A decision with its document and its body.
    pub fn decision(&mut self, id: DecisionId) -> Result<Decision, ReadError> {
        let found = self.with(|connection, names, _| {
            let sql = format!("SELECT {DECISION_COLUMNS}, crc, document, body FROM decisions JOIN decision_bodies USING (id) WHERE id = ?1");
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query((id.0,))?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let (document, body) = (row.get_ref(17)?.as_bytes()?, row.get_ref(18)?.as_blob_or_null()?);
            let is_intact = row.get::<_, i64>(16)? == checksum::of_decision(document, body.unwrap_or_default());
            let Some(document) = is_intact.then(|| String::from_utf8(document.to_vec()).ok()).flatten() else {
                return Ok(Some(None));
            };
            let mut found = decision(connection, names, row)?;
            found.decision.document = document;
            found.decision.body = body.map(Bytes::copy_from_slice);
            Ok(Some(Some(found)))
        })?;
        intact(found, "decision", id.0)
    }

    /// The cursors of all sinks, by name.
    pub fn sinks(&mut self) -> Result<Vec<SinkCursor>, ReadError> {
        self.with(|connection, _, _| {
            let mut all = connection.prepare_cached("SELECT name, delivered_to, state FROM sinks ORDER BY name")?;
            let all = all.query_map((), |row| {
                Ok(SinkCursor { sink: row.get(0)?, delivered_to: Sequence(row.get(1)?), state: row.get(2)? })
            })?;
            all.collect()
        })
    }

    /// A page of a table.
    fn list<T>(
        &mut self,
        columns: &str,
        table: &str,
        id: &str,
        (wanted, mut values): (String, Vec<Value>),
        page: Page,
        read: impl Fn(&Connection, &mut Names, &Arc<str>, &Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, ReadError> {
        let (order, beyond) = if page.newest_first { ("DESC", "<") } else { ("ASC", ">") };
        let after = page.after.unwrap_or(if page.newest_first { i64::MAX } else { i64::MIN });
        values.push(Value::Integer(after));
        let (number, limit) = (values.len(), page.limit.min(PAGE_ITEMS_MAX));
        let sql = format!(
            "SELECT {columns} FROM {table} WHERE {wanted} AND {id} {beyond} ?{number} ORDER BY {id} {order} LIMIT {limit}"
        );
        self.with(|connection, names, journal| {
            let mut statement = connection.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push(read(connection, names, journal, row)?);
            }
            Ok(found)
        })
    }
}

/// Maximum number of records that one call examines.
const SCANNED_MAX: i64 = 10_000;

/// What was found, if it is what was written. `None` within: its checksum is wrong.
fn intact<T>(found: Option<Option<T>>, what: &'static str, id: i64) -> Result<T, ReadError> {
    match found {
        Some(Some(found)) => Ok(found),
        Some(None) => Err(ReadError::Damaged { what, id }),
        None => Err(ReadError::NotFound { what, id }),
    }
}

fn summary(connection: &Connection, names: &mut Names, _: &Arc<str>, row: &Row<'_>) -> rusqlite::Result<EntrySummary> {
    Ok(EntrySummary {
        id: EntryId(row.get(0)?),
        state: EntryState::of_code(row.get(1)?),
        platform: names.of(connection, row.get_ref(2)?)?,
        command: names.of(connection, row.get_ref(3)?)?,
        key: row.get(4)?,
        received_unix_ms: row.get(5)?,
        due_unix_ms: row.get(6)?,
        attempts: row.get(7)?,
    })
}

const RECORD_COLUMNS: &str =
    "sequence, at_ms, topic, platform, command, plugin, sha256, entry, key, traceparent, crc, data";

/// `None`: its checksum is wrong.
fn record(
    connection: &Connection,
    names: &mut Names,
    journal: &Arc<str>,
    row: &Row<'_>,
) -> rusqlite::Result<Option<Record>> {
    let data = row.get_ref(11)?.as_bytes()?;
    let (topic, key): (String, String) = (row.get(2)?, row.get(8)?);
    if row.get::<_, i64>(10)? != checksum::of_record(&topic, &key, data) {
        return Ok(None);
    }
    let Ok(data) = String::from_utf8(data.to_vec()) else { return Ok(None) };
    let sequence = Sequence(row.get(0)?);
    Ok(Some(Record {
        sequence,
        id: format!("{journal}-{}", sequence.0),
        entry: row.get::<_, Option<i64>>(7)?.map(EntryId),
        record: NewRecord {
            at_unix_ms: row.get(1)?,
            topic,
            platform: names.of(connection, row.get_ref(3)?)?,
            command: names.of(connection, row.get_ref(4)?)?,
            plugin: names.of(connection, row.get_ref(5)?)?,
            sha256: names.of(connection, row.get_ref(6)?)?,
            key,
            traceparent: row.get(9)?,
            data,
        },
    }))
}

const DECISION_COLUMNS: &str = "id, at_ms, platform, command, verdict, code, decided_by, refusal, fault, plugins, \
                                generation, bytes, key, actor, target, operation_id";

fn decision(connection: &Connection, names: &mut Names, row: &Row<'_>) -> rusqlite::Result<Decision> {
    let plugins = names.of(connection, row.get_ref(9)?)?;
    let plugins = plugins.split('\n').filter(|name| !name.is_empty()).map(Arc::from).collect();
    Ok(Decision {
        id: DecisionId(row.get(0)?),
        bytes: u64::try_from(row.get::<_, i64>(11)?).unwrap_or(0),
        decision: NewDecision {
            at_unix_ms: row.get(1)?,
            platform: names.of(connection, row.get_ref(2)?)?,
            command: names.of(connection, row.get_ref(3)?)?,
            verdict: names.of(connection, row.get_ref(4)?)?,
            code: row.get(5)?,
            decided_by: names.of(connection, row.get_ref(6)?)?,
            refusal: names.of(connection, row.get_ref(7)?)?,
            fault: names.of(connection, row.get_ref(8)?)?,
            plugins,
            generation: row.get::<_, i64>(10)?.cast_unsigned(),
            key: row.get(12)?,
            actor: row.get(13)?,
            target: row.get(14)?,
            operation_id: row.get(15)?,
            document: String::new(),
            body: None,
        },
    })
}

/// Reads entries for the scheduler.
#[derive(Debug)]
pub(super) struct EntryReader(Reader);

impl EntryReader {
    pub(super) fn new(place: Place, current: Arc<AtomicU64>, report: Option<Report>) -> Self {
        Self(Reader::new(place, current, report))
    }
}

impl ReadEntries for EntryReader {
    fn waiting(&mut self, after: EntryId, before: EntryId, rows_max: usize) -> Result<Vec<Waiting>, ReadError> {
        self.0.with(|connection, _, _| waiting::between(connection, after.0, before.0, rows_max))
    }

    fn entry(&mut self, id: EntryId) -> Result<Entry, ReadError> {
        self.0.entry(id)
    }
}
