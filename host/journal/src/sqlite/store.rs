//! The writer's side of the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::checksum;
use super::conditions;
use super::connection::{PAGE_BYTES, Place, check_version, meaning};
use super::counters::Counters;
use super::file;
use super::header::Header;
use super::names::Numbers;
use super::reader::{EntryReader, Report};
use super::{state, trim, waiting};
use crate::clock::Clock;
use crate::decision::NewDecision;
use crate::entry::{Entry, EntryId, EntryState, NewAttempt, NewEntry};
use crate::error::{OpenError, StoreError};
use crate::filter::EntryFilter;
use crate::folder::{self, Lock};
use crate::record::{NewRecord, Sequence, SinkCursor};
use crate::settings::JournalSettings;
use crate::store::{Next, ReadEntries, Recovered, Room, Salvaged, State, Store, Tidied, Trimmed, Waiting};

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
    sums: trim::State,
    /// The counters and sums as they were at the last commit.
    committed: (Counters, trim::State),
    /// Changes whenever the file is another one: readers then open it again.
    file_number: Arc<AtomicU64>,
    /// Which file is open.
    identity: Option<(u64, u64)>,
    /// Why the open file is not the one at its path, and could not be written there again. Nothing is committed to it,
    /// because it is lost when this process ends.
    astray: Option<String>,
    /// The lock of the folder. Dropped last, after everything that uses the folder.
    lock: Lock,
    /// What readers of entries tell damage.
    report: Option<Report>,
}

fn not_open() -> StoreError {
    StoreError::Failed("its file is not open".to_owned())
}

impl SqliteStore {
    /// Opens the file in the locked folder, or creates it. Also returns what was salvaged, if a damaged file was set
    /// aside.
    pub(crate) fn open(
        settings: &JournalSettings,
        lock: Lock,
        clock: Clock,
        file_number: Arc<AtomicU64>,
        report: Option<Report>,
    ) -> Result<(Self, Option<Salvaged>), OpenError> {
        check_version(rusqlite::version_number(), rusqlite::version())?;
        let place = Place { folder: settings.folder.clone(), vfs: settings.vfs.clone() };
        let now = clock.now_unix_ms();
        let log = file::look_at_log(&place, now).map_err(|source| folder::unusable(&place.folder, source))?;
        let header = Header::read(&place).map_err(|source| folder::unusable(&place.folder, source))?;
        let (connection, salvaged) = file::open(&place, settings.bytes_max, now, header.is_journal)?;
        let salvaged = salvaged.or(log);
        let mut store = Self {
            place,
            settings: settings.clone(),
            clock,
            connection: None,
            names: Numbers::default(),
            counters: Counters::default(),
            sums: trim::State::default(),
            committed: Default::default(),
            file_number,
            identity: None,
            astray: None,
            lock,
            report,
        };
        let failed = |source| OpenError::Failed { folder: settings.folder.clone(), source };
        match store.take(connection) {
            Ok(()) => Ok((store, salvaged)),
            Err(error @ StoreError::Damaged(_)) => {
                let recovered = store.recover(&error).map_err(failed)?;
                Ok((store, recovered.set_aside.or(salvaged)))
            }
            Err(error) => Err(failed(error)),
        }
    }

    /// Begins to use a connection.
    fn take(&mut self, connection: Connection) -> Result<(), StoreError> {
        let mut read = || -> rusqlite::Result<()> {
            self.names = Numbers::read(&connection)?;
            let mut counters = Counters::read(&connection)?;
            // The sums take a while; after a commit that failed, they are those of the commit before.
            if counters.commits == self.committed.0.commits && counters.commits > 0 {
                (self.counters, self.sums) = self.committed.clone();
            } else {
                counters.count_repeats(&connection)?;
                (self.counters, self.sums) = (counters, trim::State::read(&connection)?);
                self.committed = (self.counters.clone(), self.sums.clone());
            }
            Ok(())
        };
        read().map_err(say)?;
        self.connection = Some(connection);
        self.identity = folder::identity(&self.place.file());
        Ok(())
    }

    /// If the file or its folder was removed or renamed, everything is copied from the open file to a new one at its
    /// path. Until that succeeds, nothing more is committed.
    fn follow(&mut self) -> Result<Option<Salvaged>, StoreError> {
        let copied = match &self.connection {
            Some(connection) => self.lock.renew(&self.place.folder).and_then(|()| {
                if folder::identity(&self.place.file()) == self.identity {
                    return Ok(None);
                }
                if self.astray.is_none() {
                    tracing::error!(
                        "the journal's file was removed or renamed while it was in use: a new one is written"
                    );
                }
                file::copy(&self.place, self.settings.bytes_max, connection).map(Some)
            }),
            None => Ok(None),
        };
        let copied = copied.map_err(told);
        self.astray = copied.as_ref().err().map(|error| format!("its file or folder was removed or renamed: {error}"));
        if copied.as_ref().is_ok_and(Option::is_some) {
            self.committed = Default::default();
            self.open_again(None)?;
            self.file_number.fetch_add(1, Ordering::Release);
        }
        copied
    }

    /// Fails while nothing can be committed to the file at its path.
    fn is_not_astray(&self) -> Result<(), StoreError> {
        self.astray.clone().map_or(Ok(()), |why| Err(StoreError::Failed(why)))
    }

    /// Opens the file again, and sets it aside if it is damaged.
    fn open_again(&mut self, damage: Option<&str>) -> Result<Option<Salvaged>, StoreError> {
        // This connection may be all that is left of the open file.
        self.is_not_astray()?;
        // Closing a connection rolls back what it has not committed.
        self.connection = None;
        let (bytes_max, now) = (self.settings.bytes_max, self.clock.now_unix_ms());
        let set_aside =
            damage.map(|why| file::set_aside(&self.place, bytes_max, now, why)).transpose().map_err(told)?;
        let (connection, salvaged) = file::open(&self.place, bytes_max, now, true).map_err(told)?;
        let salvaged = salvaged.or(set_aside);
        if salvaged.is_some() {
            self.committed = Default::default();
            self.file_number.fetch_add(1, Ordering::Release);
        }
        self.take(connection)?;
        Ok(salvaged)
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or_else(not_open)
    }

    fn bytes_in_use(&self, connection: &Connection) -> rusqlite::Result<u64> {
        let number = |sql: &str| connection.prepare_cached(sql)?.query_row((), |row| row.get::<_, i64>(0));
        let pages = number("PRAGMA page_count")? - number("PRAGMA freelist_count")?;
        Ok(u64::try_from(pages).unwrap_or(0) * PAGE_BYTES)
    }
}

fn told(error: OpenError) -> StoreError {
    match error {
        OpenError::Failed { source, .. } => source,
        other => StoreError::Failed(with_causes(&other)),
    }
}

/// An error with its causes, on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A number for a platform and key. Two keys with the same number would only wait for each other.
fn lane(platform: &str, key: &str) -> i64 {
    // FNV-1a: the number is stored, so it must be the same in every build. Without a seed, an attacker could choose
    // keys that share a lane; they would only be slower themselves.
    let bytes = platform.bytes().chain([0xff]).chain(key.bytes());
    let hash =
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    hash.cast_signed()
}

/// The beginning of a text, at most this many bytes.
fn beginning(text: &str, bytes_max: usize) -> &str {
    text.get(..text.floor_char_boundary(bytes_max)).unwrap_or(text)
}

/// Maximum size of the message of a failed attempt, in bytes; the rest is truncated.
const MESSAGE_BYTES_MAX: usize = 1000;

impl Store for SqliteStore {
    fn begin(&mut self) -> Result<(), StoreError> {
        self.is_not_astray()?;
        if self.connection.is_none() {
            self.open_again(None)?;
        }
        self.connection()?.prepare_cached("BEGIN IMMEDIATE").and_then(|mut begin| begin.execute(())).map_err(say)?;
        Ok(())
    }

    fn accept(&mut self, entry: &NewEntry) -> Result<Option<Waiting>, StoreError> {
        let Self { connection, names, counters, settings, sums, .. } = self;
        let connection = connection.as_ref().ok_or_else(not_open)?;
        let mut accept = || -> rusqlite::Result<Option<Waiting>> {
            let platform = names.of(connection, &entry.platform)?;
            let command = names.of(connection, &entry.command)?;
            if let Some(key) = &entry.duplicate_key
                && counters.is_repeat(connection, settings, (platform, command, key))?
            {
                return Ok(None);
            }
            let id = counters.next_entry;
            let lane = lane(&entry.platform, &entry.key);
            let received_unix_ms = entry.received_unix_ms;
            connection
                .prepare_cached("INSERT INTO entries VALUES (?1, 0, ?2, ?3, ?4, ?5, 0, 0, ?6)")?
                .execute(params![id, lane, platform, command, received_unix_ms, entry.key])?;
            let crc =
                checksum::of_entry(&entry.platform, &entry.command, &entry.key, entry.head.as_bytes(), &entry.body);
            connection.prepare_cached("INSERT INTO entry_bodies VALUES (?1, ?2, ?3, ?4)")?.execute(params![
                id,
                crc,
                entry.head,
                &entry.body[..]
            ])?;
            counters.next_entry += 1;
            sums.waiting += 1;
            Ok(Some(Waiting { id: EntryId(id), lane, due_unix_ms: 0, received_unix_ms, attempts: 0 }))
        };
        accept().map_err(say)
    }

    fn describe(&mut self, entry: &Entry) -> Result<(), StoreError> {
        let Entry { id, platform, command, key, head, body, .. } = entry;
        let crc = checksum::of_entry(platform, command, key, head.as_bytes(), body);
        let sql = "UPDATE entry_bodies SET head = ?2, crc = ?3 WHERE id = ?1";
        let describe = |connection: &Connection| connection.prepare_cached(sql)?.execute(params![id.0, head, crc]);
        describe(self.connection()?).map(drop).map_err(say)
    }

    fn done(&mut self, id: EntryId, attempts: u32) -> Result<bool, StoreError> {
        let keep = !self.settings.done_entries_age.is_zero();
        let now = self.clock.now_unix_ms();
        let connection = self.connection()?;
        let done = || -> rusqlite::Result<bool> {
            if keep {
                let sql = "UPDATE entries SET state = 1, due_ms = ?2 WHERE id = ?1 AND state = 0";
                return Ok(connection.prepare_cached(sql)?.execute((id.0, now))? > 0);
            }
            let sql = "DELETE FROM entries WHERE id = ?1 AND state = 0";
            if connection.prepare_cached(sql)?.execute((id.0,))? == 0 {
                return Ok(false);
            }
            connection.prepare_cached("DELETE FROM entry_bodies WHERE id = ?1")?.execute((id.0,))?;
            if attempts > 0 {
                connection.prepare_cached("DELETE FROM attempts WHERE entry = ?1")?.execute((id.0,))?;
            }
            Ok(true)
        };
        let was_waiting = done().map_err(say)?;
        self.sums.waiting = self.sums.waiting.saturating_sub(usize::from(was_waiting));
        Ok(was_waiting)
    }

    fn failed(&mut self, id: EntryId, attempt: &NewAttempt, next: Next) -> Result<(), StoreError> {
        let now = self.clock.now_unix_ms();
        let Self { connection, names, sums, .. } = self;
        let connection = connection.as_ref().ok_or_else(not_open)?;
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
                sums.waiting = sums.waiting.saturating_sub(1);
                sums.dead += 1;
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
        let connection = connection.as_ref().ok_or_else(not_open)?;
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
                    checksum::of_record(&record.topic, &record.key, record.data.as_bytes()),
                    record.data,
                ])?;
            counters.next_record += 1;
            Ok(Sequence(sequence))
        };
        insert().map_err(say)
    }

    fn decision(&mut self, decision: &NewDecision) -> Result<(), StoreError> {
        let Self { connection, names, counters, sums, .. } = self;
        let connection = connection.as_ref().ok_or_else(not_open)?;
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
                checksum::of_decision(decision.document.as_bytes(), body),
                decision.document,
                decision.body.as_deref(),
            ])?;
            counters.next_decision += 1;
            Ok(())
        };
        insert().map_err(say)?;
        sums.decisions_bytes += bytes as u64;
        Ok(())
    }

    fn save_state(&mut self, name: &str, part: &str, data: &[u8]) -> Result<(), StoreError> {
        state::save(self.connection()?, name, part, data).map_err(say)
    }

    fn state(&mut self, name: &str) -> Result<State, StoreError> {
        state::read(self.connection()?, name).map_err(say)
    }

    fn forget_state(&mut self, keep: &[String]) -> Result<(), StoreError> {
        state::forget(self.connection()?, keep).map_err(say)
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
            let rows = statement.query_map(rusqlite::params_from_iter(values), waiting::of_row)?;
            let mut waiting = rows.collect::<rusqlite::Result<Vec<_>>>()?;
            waiting.sort_by_key(|waiting| waiting.id);
            for entry in &waiting {
                connection.prepare_cached("DELETE FROM attempts WHERE entry = ?1")?.execute((entry.id.0,))?;
            }
            Ok(waiting)
        };
        let waiting = retry().map_err(say)?;
        self.sums.dead = self.sums.dead.saturating_sub(waiting.len());
        self.sums.waiting += waiting.len();
        Ok(waiting)
    }

    fn drop_dead(&mut self, filter: &EntryFilter, rows_max: usize) -> Result<usize, StoreError> {
        let filter = EntryFilter { state: Some(EntryState::Dead), ..filter.clone() };
        let (wanted, values) = conditions::of_entries(&filter);
        let rows = trim::remove_entries(self.connection()?, &wanted, values, rows_max).map_err(say)?;
        self.sums.dead = self.sums.dead.saturating_sub(rows);
        Ok(rows)
    }

    fn trim(&mut self, rows_max: usize) -> Result<Trimmed, StoreError> {
        let now = self.clock.now_unix_ms();
        let Self { connection, counters, settings, sums, .. } = self;
        let connection = connection.as_ref().ok_or_else(not_open)?;
        sums.trim(connection, counters, settings, now, rows_max).map_err(say)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        let Self { counters, connection, .. } = self;
        let connection = connection.as_ref().ok_or_else(not_open)?;
        let commit = counters
            .write(connection)
            .and_then(|()| connection.prepare_cached("COMMIT")?.execute(()))
            .map_err(|error| match meaning(&error) {
                StoreError::DiskFull if is_at_bytes_max(connection) => StoreError::Full,
                other => other,
            });
        commit?;
        self.committed = (self.counters.clone(), self.sums.clone());
        Ok(())
    }

    fn recover(&mut self, error: &StoreError) -> Result<Recovered, StoreError> {
        let known = self.committed.0.next_entry;
        let damage = match error {
            StoreError::Damaged(what) => Some(what.as_str()),
            _ => None,
        };
        let set_aside = self.open_again(damage)?;
        // A commit that failed when it was synced can have reached the disk all the same.
        let is_surprising = set_aside.is_none() && known > 0 && self.counters.next_entry > known;
        let surprising = match self.connection()? {
            connection if is_surprising => {
                waiting::between(connection, known - 1, i64::MAX, usize::MAX).map_err(say)?
            }
            _ => Vec::new(),
        };
        Ok(Recovered { set_aside, surprising })
    }

    fn tidy(&mut self, is_idle: bool) -> Result<Tidied, StoreError> {
        let mut tidied = Tidied { set_aside: self.follow()?, ..Tidied::default() };
        // After an error that lasts: the next commit opens the file again.
        let Some(connection) = &self.connection else { return Ok(tidied) };
        // If no caller waits, it is done early.
        let least = if is_idle { self.settings.checkpoint_bytes / 8 } else { self.settings.checkpoint_bytes };
        let log = Log::of(connection).map_err(say)?;
        if log.bytes - log.moved_bytes < least.max(1) {
            return Ok(tidied);
        }
        let mut checkpoint = |kind: &str| {
            tidied.checkpoints += 1;
            connection.query_row(&format!("PRAGMA wal_checkpoint({kind})"), (), |_| Ok(())).map_err(say)
        };
        checkpoint("PASSIVE")?;
        // The log begins again with the next commit, unless a reader uses it just then. If that goes on, readers are
        // waited for, shortly.
        if log.bytes > self.settings.checkpoint_bytes.saturating_mul(LOG_GROWN).max(LOG_GROWN_BYTES) {
            connection.busy_timeout(READERS).map_err(say)?;
            let restarted = checkpoint("RESTART");
            connection.busy_timeout(super::connection::BUSY).map_err(say)?;
            restarted?;
        }
        Ok(tidied)
    }

    fn room(&mut self) -> Result<Room, StoreError> {
        let connection = self.connection()?;
        let bytes = self.bytes_in_use(connection).map_err(say)?;
        Ok(Room {
            bytes,
            bytes_max: self.settings.bytes_max.max(super::connection::BYTES_MIN),
            wal_bytes: Log::of(connection).map_err(say)?.bytes,
            last_sequence: self.counters.next_record - 1,
            waiting: self.sums.waiting,
            dead: self.sums.dead,
            next_entry: EntryId(self.counters.next_entry),
        })
    }

    fn entries(&self) -> Box<dyn ReadEntries> {
        Box::new(EntryReader::new(self.place.clone(), Arc::clone(&self.file_number), self.report.clone()))
    }

    fn close(&mut self) -> Result<(), StoreError> {
        let followed = self.follow().map(drop);
        let Some(connection) = self.connection.take() else { return followed };
        let moved = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()));
        connection.close().map_err(|(_, error)| say(error))?;
        followed.and(moved.map_err(say))
    }
}

/// Whether the file has as many pages as it may have, so that it is not the disk that is full.
fn is_at_bytes_max(connection: &Connection) -> bool {
    let number = |sql: &str| connection.query_row(sql, (), |row| row.get::<_, i64>(0));
    matches!((number("PRAGMA page_count"), number("PRAGMA max_page_count")), (Ok(pages), Ok(max)) if pages >= max)
}

/// The WAL has grown too large at this multiple of `checkpoint_bytes`, and at no less than this number of bytes.
const LOG_GROWN: u64 = 4;
const LOG_GROWN_BYTES: u64 = 1 << 20;

/// How long readers of a log that has grown are waited for.
const READERS: Duration = Duration::from_millis(20);

/// The write-ahead log.
struct Log {
    bytes: u64,
    /// Of these, in the database file already.
    moved_bytes: u64,
}

impl Log {
    fn of(connection: &Connection) -> rusqlite::Result<Self> {
        let mut noop = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
        noop.query_row((), |row| {
            let bytes = |column| row.get::<_, i64>(column).map(|pages| u64::try_from(pages).unwrap_or(0) * PAGE_BYTES);
            let all = bytes(1)?;
            Ok(Self { bytes: all, moved_bytes: bytes(2)?.min(all) })
        })
    }
}

fn say(error: rusqlite::Error) -> StoreError {
    meaning(&error)
}
