//! The writer's side of the store.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::conditions;
use super::connection::{PAGE_BYTES, Place, check_version, meaning};
use super::names::{Named, Numbers};
use super::reader::EntryReader;
use super::schema::{self, Format};
use super::trim;
use crate::clock::Clock;
use crate::decision::NewDecision;
use crate::entry::{EntryId, EntryState, NewAttempt, NewEntry};
use crate::error::{OpenError, StoreError};
use crate::filter::EntryFilter;
use crate::folder;
use crate::record::{NewRecord, Sequence, SinkCursor};
use crate::settings::JournalSettings;
use crate::store::{Next, ReadEntries, Recovered, Room, Store, Trimmed, Waiting};

/// A journal's file, open for writing.
#[derive(Debug)]
pub(crate) struct SqliteStore {
    place: Place,
    settings: JournalSettings,
    clock: Clock,
    /// Always there, except between an error and the end of `recover`.
    connection: Option<Connection>,
    names: Numbers,
    counters: Counters,
    /// Changes whenever the file is another one: readers then open it again.
    file_number: Arc<AtomicU64>,
    trimmed: trim::State,
}

/// The row of `counters`.
#[derive(Debug, Default, Clone)]
pub(super) struct Counters {
    pub(super) next_entry: i64,
    pub(super) next_record: i64,
    pub(super) next_decision: i64,
    pub(super) repeats_current: i64,
    pub(super) repeats_since_ms: i64,
    pub(super) repeats: usize,
}

impl Counters {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT next_entry, next_record, next_decision, repeats_current, repeats_since_ms FROM counters";
        let mut counters = connection.query_row(sql, (), |row| {
            Ok(Self {
                next_entry: row.get(0)?,
                next_record: row.get(1)?,
                next_decision: row.get(2)?,
                repeats_current: row.get(3)?,
                repeats_since_ms: row.get(4)?,
                repeats: 0,
            })
        })?;
        let table = repeats_table(counters.repeats_current);
        counters.repeats = connection.query_row(&format!("SELECT count(*) FROM {table}"), (), |row| row.get(0))?;
        Ok(counters)
    }
}

pub(super) fn repeats_table(number: i64) -> &'static str {
    if number == 0 { "repeats_0" } else { "repeats_1" }
}

const FAILED: StoreError = StoreError::Failed(String::new());

impl SqliteStore {
    /// Opens the file in a folder that this process holds the lock of, or creates it.
    pub(crate) fn open(
        settings: &JournalSettings,
        clock: Clock,
        file_number: Arc<AtomicU64>,
    ) -> Result<Self, OpenError> {
        check_version(rusqlite::version_number(), rusqlite::version())?;
        let place = Place { folder: settings.folder.clone(), vfs: settings.vfs.clone() };
        folder::create_private(&place.file()).map_err(|source| folder::unusable(&place.folder, source))?;
        let failed = |error: rusqlite::Error| failure(&place, &error);
        let mut connection = place.open_writer(settings.bytes_max).map_err(failed)?;
        match schema::migrate(&mut connection).map_err(failed)? {
            Format::Known => {}
            Format::Newer(found) => {
                return Err(OpenError::Newer { folder: place.folder.clone(), found, known: schema::FORMAT });
            }
            Format::Foreign => return Err(OpenError::NotAJournal { path: place.file() }),
        }
        let mut store = Self {
            place: place.clone(),
            settings: settings.clone(),
            clock,
            connection: None,
            names: Numbers::default(),
            counters: Counters::default(),
            file_number,
            trimmed: trim::State::default(),
        };
        store.take(connection).map_err(|source| OpenError::Failed { folder: place.folder.clone(), source })?;
        Ok(store)
    }

    /// Begins to use a connection.
    fn take(&mut self, connection: Connection) -> Result<(), StoreError> {
        let read = |connection: &Connection| {
            Ok((Numbers::read(connection)?, Counters::read(connection)?, trim::State::read(connection)?))
        };
        let (names, counters, trimmed) = read(&connection).map_err(|error| meaning(&error))?;
        (self.names, self.counters, self.trimmed) = (names, counters, trimmed);
        self.connection = Some(connection);
        Ok(())
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or(FAILED)
    }

    fn bytes_in_use(&self, connection: &Connection) -> rusqlite::Result<u64> {
        let number = |sql: &str| connection.prepare_cached(sql)?.query_row((), |row| row.get::<_, i64>(0));
        let pages = number("PRAGMA page_count")? - number("PRAGMA freelist_count")?;
        Ok(u64::try_from(pages).unwrap_or(0) * PAGE_BYTES)
    }
}

/// What an error at opening means.
fn failure(place: &Place, error: &rusqlite::Error) -> OpenError {
    let folder = place.folder.clone();
    if let rusqlite::Error::SqliteFailure(failure, _) = error {
        use rusqlite::ErrorCode::{CannotOpen, PermissionDenied, ReadOnly};
        if matches!(failure.code, ReadOnly | PermissionDenied | CannotOpen) {
            return OpenError::ReadOnly { folder, source: std::io::Error::other(error.to_string()) };
        }
    }
    OpenError::Failed { folder, source: meaning(error) }
}

/// A number for a platform and key. Two keys with the same number would only wait for each other.
fn lane(platform: &str, key: &str) -> i64 {
    // FNV-1a: the number is stored, so it must be the same in every build. Without a seed, somebody could choose keys that
    // share a lane; they would only be slower themselves.
    let bytes = platform.bytes().chain([0xff]).chain(key.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash.cast_signed()
}

/// The checksum of an entry's texts.
pub(super) fn checksum(parts: &[&[u8]]) -> i64 {
    let mut hasher = crc32fast::Hasher::new();
    for part in parts {
        hasher.update(part);
    }
    i64::from(hasher.finalize())
}

/// The beginning of a text, at most this many bytes.
fn beginning(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}

/// Bytes of a failed attempt's message that are kept.
const MESSAGE_BYTES_MAX: usize = 1000;

impl Store for SqliteStore {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.connection()?.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute(())).map_err(say)?;
        Ok(())
    }

    fn accept(&mut self, entry: &NewEntry) -> Result<Option<Waiting>, StoreError> {
        let Self { connection, names, counters, settings, trimmed, .. } = self;
        let connection = connection.as_ref().ok_or(FAILED)?;
        let mut accept = || -> rusqlite::Result<Option<Waiting>> {
            let platform = names.of(connection, &entry.platform)?;
            let command = names.of(connection, &entry.command)?;
            if let Some(key) = &entry.duplicate_key
                && is_repeat(connection, counters, settings, (platform, command, key))?
            {
                return Ok(None);
            }
            let id = counters.next_entry;
            let lane = lane(&entry.platform, &entry.key);
            let received_unix_ms = entry.received_unix_ms;
            connection
                .prepare_cached("INSERT INTO entries VALUES (?1, 0, ?2, ?3, ?4, ?5, 0, 0, ?6)")?
                .execute(params![id, lane, platform, command, received_unix_ms, entry.key])?;
            let crc = checksum(&[entry.head.as_bytes(), &entry.body]);
            connection.prepare_cached("INSERT INTO entry_bodies VALUES (?1, ?2, ?3, ?4)")?.execute(params![
                id,
                crc,
                entry.head,
                &entry.body[..]
            ])?;
            counters.next_entry += 1;
            trimmed.waiting += 1;
            Ok(Some(Waiting { id: EntryId(id), lane, due_unix_ms: 0, received_unix_ms, attempts: 0 }))
        };
        accept().map_err(say)
    }

    fn done(&mut self, id: EntryId) -> Result<bool, StoreError> {
        let keep = !self.settings.done_entries_age.is_zero();
        let now = self.clock.now_unix_ms();
        let connection = self.connection()?;
        let done = || -> rusqlite::Result<bool> {
            if keep {
                let sql = "UPDATE entries SET state = 1, due_ms = ?2 WHERE id = ?1 AND state = 0";
                return Ok(connection.prepare_cached(sql)?.execute((id.0, now))? > 0);
            }
            let sql = "DELETE FROM entries WHERE id = ?1 AND state = 0 RETURNING attempts";
            let attempts: Option<i64> =
                connection.prepare_cached(sql)?.query_row((id.0,), |row| row.get(0)).optional()?;
            let Some(attempts) = attempts else { return Ok(false) };
            connection.prepare_cached("DELETE FROM entry_bodies WHERE id = ?1")?.execute((id.0,))?;
            if attempts > 0 {
                connection.prepare_cached("DELETE FROM attempts WHERE entry = ?1")?.execute((id.0,))?;
            }
            Ok(true)
        };
        let was_waiting = done().map_err(say)?;
        self.trimmed.waiting = self.trimmed.waiting.saturating_sub(usize::from(was_waiting));
        Ok(was_waiting)
    }

    fn failed(&mut self, id: EntryId, attempt: &NewAttempt, next: Next) -> Result<(), StoreError> {
        let now = self.clock.now_unix_ms();
        let Self { connection, names, trimmed, .. } = self;
        let connection = connection.as_ref().ok_or(FAILED)?;
        let mut failed = || -> rusqlite::Result<()> {
            let (state, due) = match next {
                Next::RetryAt(due) => (EntryState::Waiting, due),
                Next::Dead => (EntryState::Dead, now),
            };
            let sql = "UPDATE entries SET state = ?2, due_ms = ?3, attempts = attempts + 1 \
                       WHERE id = ?1 AND state = 0 RETURNING attempts";
            let number: Option<i64> =
                connection.prepare_cached(sql)?.query_row((id.0, state.code(), due), |row| row.get(0)).optional()?;
            let Some(number) = number else { return Ok(()) };
            if next == Next::Dead {
                trimmed.waiting = trimmed.waiting.saturating_sub(1);
                trimmed.dead += 1;
            }
            let plugin = attempt.plugin.as_deref().map(|plugin| names.of(connection, plugin)).transpose()?;
            let (fault, message) = (beginning(&attempt.fault, 100), beginning(&attempt.message, MESSAGE_BYTES_MAX));
            let took = i64::try_from(attempt.took_us).unwrap_or(i64::MAX);
            connection
                .prepare_cached("INSERT OR REPLACE INTO attempts VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
                .execute(params![id.0, number, now, plugin, fault, message, took])?;
            Ok(())
        };
        failed().map_err(say)
    }

    fn record(&mut self, entry: Option<EntryId>, record: &NewRecord) -> Result<Sequence, StoreError> {
        let Self { connection, names, counters, .. } = self;
        let connection = connection.as_ref().ok_or(FAILED)?;
        let mut insert = || -> rusqlite::Result<Sequence> {
            let sequence = counters.next_record;
            let platform = names.of(connection, &record.platform)?;
            let command = names.of(connection, &record.command)?;
            let plugin = names.of(connection, &record.plugin)?;
            let sha256 = names.of(connection, &record.sha256)?;
            connection
                .prepare_cached("INSERT INTO records VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)")?
                .execute(params![
                    sequence,
                    record.at_unix_ms,
                    record.topic,
                    platform,
                    command,
                    plugin,
                    sha256,
                    entry.map(|entry| entry.0),
                    record.key,
                    record.traceparent,
                    checksum(&[record.data.as_bytes()]),
                    record.data,
                ])?;
            counters.next_record += 1;
            Ok(Sequence(sequence))
        };
        insert().map_err(say)
    }

    fn decision(&mut self, decision: &NewDecision) -> Result<(), StoreError> {
        let Self { connection, names, counters, trimmed, .. } = self;
        let connection = connection.as_ref().ok_or(FAILED)?;
        let bytes = decision.bytes();
        let mut insert = || -> rusqlite::Result<()> {
            let id = counters.next_decision;
            let body = decision.body.as_deref().unwrap_or_default();
            let plugins = decision.plugins.join("\n");
            let platform = names.of(connection, &decision.platform)?;
            let command = names.of(connection, &decision.command)?;
            let verdict = names.of(connection, &decision.verdict)?;
            let decided_by = names.of(connection, &decision.decided_by)?;
            let refusal = names.of(connection, &decision.refusal)?;
            let fault = names.of(connection, &decision.fault)?;
            let plugins = names.of(connection, &plugins)?;
            connection
                .prepare_cached(
                    "INSERT INTO decisions VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, \
                     ?16, ?17)",
                )?
                .execute(params![
                    id,
                    decision.at_unix_ms,
                    platform,
                    command,
                    verdict,
                    decision.code,
                    decided_by,
                    refusal,
                    fault,
                    plugins,
                    decision.generation.cast_signed(),
                    i64::try_from(bytes).unwrap_or(i64::MAX),
                    decision.body.is_some(),
                    decision.key,
                    decision.actor,
                    decision.target,
                    decision.operation_id,
                ])?;
            connection.prepare_cached("INSERT INTO decision_bodies VALUES (?1, ?2, ?3, ?4)")?.execute(params![
                id,
                checksum(&[decision.document.as_bytes(), body]),
                decision.document,
                decision.body.as_deref(),
            ])?;
            counters.next_decision += 1;
            Ok(())
        };
        insert().map_err(say)?;
        trimmed.decisions_bytes += bytes as u64;
        Ok(())
    }

    fn cursor(&mut self, cursor: &SinkCursor) -> Result<(), StoreError> {
        let sql = "UPDATE sinks SET delivered_to = max(delivered_to, ?2), state = ?3 WHERE name = ?1";
        let mut update = self.connection()?.prepare_cached(sql).map_err(say)?;
        update.execute(params![cursor.sink, cursor.delivered_to.0, cursor.state]).map_err(say)?;
        Ok(())
    }

    fn sinks(&mut self, names: &[String], from: Option<Sequence>) -> Result<Vec<SinkCursor>, StoreError> {
        let last = self.counters.next_record - 1;
        let connection = self.connection()?;
        let change = || -> rusqlite::Result<Vec<SinkCursor>> {
            let mut known = connection.prepare("SELECT name FROM sinks")?;
            let known: Vec<String> = known.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
            for gone in known.iter().filter(|name| !names.contains(name)) {
                connection.execute("DELETE FROM sinks WHERE name = ?1", (gone,))?;
            }
            for name in names {
                let sql = "INSERT OR IGNORE INTO sinks VALUES (?1, ?2, '')";
                connection.execute(sql, (name, from.map_or(last, |from| from.0)))?;
            }
            let mut all = connection.prepare("SELECT name, delivered_to, state FROM sinks ORDER BY name")?;
            let all = all.query_map((), |row| {
                Ok(SinkCursor { sink: row.get(0)?, delivered_to: Sequence(row.get(1)?), state: row.get(2)? })
            })?;
            all.collect()
        };
        change().map_err(say)
    }

    fn retry(&mut self, filter: &EntryFilter, rows_max: usize) -> Result<Vec<Waiting>, StoreError> {
        let filter = EntryFilter { state: Some(EntryState::Dead), ..filter.clone() };
        let connection = self.connection()?;
        let retry = || -> rusqlite::Result<Vec<Waiting>> {
            let (wanted, values) = conditions::of_entries(&filter);
            let sql = format!(
                "UPDATE entries SET state = 0, due_ms = 0, attempts = 0 WHERE id IN \
                 (SELECT id FROM entries WHERE {wanted} ORDER BY due_ms LIMIT {rows_max}) \
                 RETURNING id, lane, due_ms, received_ms, attempts"
            );
            let mut statement = connection.prepare(&sql)?;
            let rows = statement.query_map(rusqlite::params_from_iter(values), waiting)?;
            let mut waiting = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            waiting.sort_by_key(|waiting| waiting.id);
            for entry in &waiting {
                connection.prepare_cached("DELETE FROM attempts WHERE entry = ?1")?.execute((entry.id.0,))?;
            }
            Ok(waiting)
        };
        let waiting = retry().map_err(say)?;
        self.trimmed.dead = self.trimmed.dead.saturating_sub(waiting.len());
        self.trimmed.waiting += waiting.len();
        Ok(waiting)
    }

    fn drop_dead(&mut self, filter: &EntryFilter, rows_max: usize) -> Result<usize, StoreError> {
        let filter = EntryFilter { state: Some(EntryState::Dead), ..filter.clone() };
        let (wanted, values) = conditions::of_entries(&filter);
        let rows = trim::remove_entries(self.connection()?, &wanted, values, rows_max).map_err(say)?;
        self.trimmed.dead = self.trimmed.dead.saturating_sub(rows);
        Ok(rows)
    }

    fn trim(&mut self, rows_max: usize) -> Result<Trimmed, StoreError> {
        let now = self.clock.now_unix_ms();
        let Self { connection, counters, settings, trimmed, .. } = self;
        let connection = connection.as_ref().ok_or(FAILED)?;
        trimmed.trim(connection, counters, settings, now, rows_max).map_err(say)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let Self { counters, connection, .. } = self;
        let connection = connection.as_ref().ok_or(FAILED)?;
        let commit = || {
            let sql = "UPDATE counters SET next_entry = ?1, next_record = ?2, next_decision = ?3, \
                       repeats_current = ?4, repeats_since_ms = ?5";
            connection.prepare_cached(sql)?.execute((
                counters.next_entry,
                counters.next_record,
                counters.next_decision,
                counters.repeats_current,
                counters.repeats_since_ms,
            ))?;
            connection.prepare_cached("COMMIT")?.execute(())
        };
        commit().map(drop).map_err(|error| match meaning(&error) {
            StoreError::DiskFull if self.is_at_bytes_max() => StoreError::Full,
            other => other,
        })
    }

    fn recover(&mut self, _error: &StoreError) -> Result<Recovered, StoreError> {
        // Closing a connection rolls back what it has not committed.
        self.connection = None;
        let connection = self.place.open_writer(self.settings.bytes_max).map_err(say)?;
        self.take(connection)?;
        Ok(Recovered::default())
    }

    fn tidy(&mut self, is_idle: bool) -> Result<bool, StoreError> {
        let connection = self.connection()?;
        let least = if is_idle { CHECKPOINT_IDLE_BYTES } else { CHECKPOINT_BYTES };
        if wal_bytes(connection).map_err(say)? < least {
            return Ok(false);
        }
        connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", (), |_| Ok(())).map_err(say)?;
        Ok(true)
    }

    fn backlog(&mut self, each: &mut dyn FnMut(Waiting)) -> Result<(), StoreError> {
        let connection = self.connection()?;
        let mut read = || -> rusqlite::Result<()> {
            let sql = "SELECT id, lane, due_ms, received_ms, attempts FROM entries WHERE state = 0 ORDER BY id";
            let mut statement = connection.prepare(sql)?;
            for entry in statement.query_map((), waiting)? {
                each(entry?);
            }
            Ok(())
        };
        read().map_err(say)
    }

    fn room(&mut self) -> Result<Room, StoreError> {
        let connection = self.connection()?;
        let bytes = self.bytes_in_use(connection).map_err(say)?;
        Ok(Room {
            bytes,
            bytes_max: self.settings.bytes_max.max(super::connection::BYTES_MIN),
            wal_bytes: wal_bytes(connection).map_err(say)?,
            last_sequence: self.counters.next_record - 1,
            waiting: self.trimmed.waiting,
            dead: self.trimmed.dead,
        })
    }

    fn entries(&self) -> Box<dyn ReadEntries> {
        Box::new(EntryReader::new(self.place.clone(), Arc::clone(&self.file_number)))
    }

    fn close(&mut self) -> Result<(), StoreError> {
        let Some(connection) = self.connection.take() else { return Ok(()) };
        let moved = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
        connection.close().map_err(|(_, error)| say(error))?;
        moved.map_err(say)
    }
}

impl SqliteStore {
    fn is_at_bytes_max(&self) -> bool {
        let Some(connection) = &self.connection else { return false };
        let number = |sql: &str| connection.query_row(sql, (), |row| row.get::<_, i64>(0));
        matches!((number("PRAGMA page_count"), number("PRAGMA max_page_count")), (Ok(pages), Ok(max)) if pages >= max)
    }
}

/// Bytes of the log that are moved into the database file while others wait, and while nobody does.
const CHECKPOINT_BYTES: u64 = 8 << 20;
const CHECKPOINT_IDLE_BYTES: u64 = 1 << 20;

/// Bytes of the log that are not in the database file yet.
fn wal_bytes(connection: &Connection) -> rusqlite::Result<u64> {
    let mut noop = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
    let pages: i64 = noop.query_row((), |row| Ok(row.get::<_, i64>(1)? - row.get::<_, i64>(2)?))?;
    Ok(u64::try_from(pages).unwrap_or(0) * PAGE_BYTES)
}

fn say(error: rusqlite::Error) -> StoreError {
    meaning(&error)
}

fn waiting(row: &rusqlite::Row<'_>) -> rusqlite::Result<Waiting> {
    Ok(Waiting {
        id: EntryId(row.get(0)?),
        lane: row.get(1)?,
        due_unix_ms: row.get(2)?,
        received_unix_ms: row.get(3)?,
        attempts: row.get(4)?,
    })
}

/// Whether a key was remembered before; it is from now on.
fn is_repeat(
    connection: &Connection,
    counters: &mut Counters,
    settings: &JournalSettings,
    (platform, command, key): (Named<'_>, Named<'_>, &str),
) -> rusqlite::Result<bool> {
    if settings.repeats_window == Duration::ZERO || settings.repeats_max == 0 {
        return Ok(false);
    }
    let (insert, find) = match counters.repeats_current {
        0 => (
            "INSERT OR IGNORE INTO repeats_0 VALUES (?1, ?2, ?3)",
            "SELECT 1 FROM repeats_1 WHERE platform = ?1 AND command = ?2 AND key = ?3",
        ),
        _ => (
            "INSERT OR IGNORE INTO repeats_1 VALUES (?1, ?2, ?3)",
            "SELECT 1 FROM repeats_0 WHERE platform = ?1 AND command = ?2 AND key = ?3",
        ),
    };
    if connection.prepare_cached(insert)?.execute((platform, command, key))? == 0 {
        return Ok(true);
    }
    counters.repeats += 1;
    connection.prepare_cached(find)?.exists((platform, command, key))
}
