//! Deletes what exceeds its age or size limit, a little in each transaction, so that no transaction takes long.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::connection::{BYTES_MIN, PAGE_BYTES};
use super::counters::Counters;
use crate::settings::JournalSettings;
use crate::store::Trimmed;

/// Sums that are known without asking the file each time.
#[derive(Debug, Default, Clone)]
pub(super) struct State {
    /// Bytes of all decisions.
    pub(super) decisions_bytes: u64,
    /// Entries that wait.
    pub(super) waiting: usize,
    /// Dead entries.
    pub(super) dead: usize,
}

/// One transaction of it.
struct Trim<'a> {
    connection: &'a Connection,
    settings: &'a JournalSettings,
    now: i64,
    rows_max: usize,
    /// Whether little of `bytes_max` is left: then what is only stored for inspection is deleted early.
    is_tight: bool,
    trimmed: Trimmed,
}

impl State {
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT coalesce(sum(bytes), 0) FROM decisions";
        let bytes: i64 = connection.query_row(sql, (), |row| row.get(0))?;
        let mut state = Self { decisions_bytes: u64::try_from(bytes).unwrap_or(0), waiting: 0, dead: 0 };
        let mut counts = connection.prepare("SELECT state, count(*) FROM entries GROUP BY state")?;
        let mut rows = counts.query(())?;
        while let Some(row) = rows.next()? {
            match row.get::<_, i64>(0)? {
                0 => state.waiting = row.get(1)?,
                2 => state.dead = row.get(1)?,
                _ => {}
            }
        }
        Ok(state)
    }

    /// Removes at most about `rows_max` rows of each kind, within the transaction that is open.
    pub(super) fn trim(
        &mut self,
        connection: &Connection,
        counters: &mut Counters,
        settings: &JournalSettings,
        now: i64,
        rows_max: usize,
    ) -> rusqlite::Result<Trimmed> {
        let number = |sql: &str| connection.prepare_cached(sql)?.query_row((), |row| row.get::<_, i64>(0));
        let pages = u64::try_from(number("PRAGMA page_count")? - number("PRAGMA freelist_count")?).unwrap_or(0);
        let is_tight = pages * PAGE_BYTES > settings.bytes_max.max(BYTES_MIN) / 4 * 3;
        let mut trim = Trim { connection, settings, now, rows_max, is_tight, trimmed: Trimmed::default() };
        counters.forget_repeats(connection, settings, now)?;
        trim.done_entries()?;
        trim.dead_entries(&mut self.dead)?;
        trim.records()?;
        trim.decisions(&mut self.decisions_bytes)?;
        Ok(trim.trimmed)
    }
}

impl Trim<'_> {
    /// The time before which something is too old.
    fn cutoff(&self, age: std::time::Duration) -> i64 {
        self.now.saturating_sub(i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
    }

    fn count(&mut self, rows: usize) {
        self.trimmed.rows += rows;
        self.trimmed.more |= rows >= self.rows_max;
    }

    fn done_entries(&mut self) -> rusqlite::Result<()> {
        let cutoff = if self.is_tight { i64::MAX } else { self.cutoff(self.settings.done_entries_age) };
        let wanted = "state = 1 AND due_ms <= ?1";
        let rows = remove_entries(self.connection, wanted, vec![Value::Integer(cutoff)], self.rows_max)?;
        self.count(rows);
        Ok(())
    }

    fn dead_entries(&mut self, dead: &mut usize) -> rusqlite::Result<()> {
        let cutoff = self.cutoff(self.settings.dead_entries_age);
        let wanted = "state = 2 AND due_ms <= ?1";
        let old = remove_entries(self.connection, wanted, vec![Value::Integer(cutoff)], self.rows_max)?;
        let too_many = dead.saturating_sub(old).saturating_sub(self.settings.dead_entries_max);
        let most = remove_entries(self.connection, "state = 2", Vec::new(), too_many.min(self.rows_max))?;
        self.count(old.max(most));
        self.trimmed.dead = old + most;
        *dead = dead.saturating_sub(old + most);
        Ok(())
    }

    fn records(&mut self) -> rusqlite::Result<()> {
        let sql = "SELECT min(delivered_to) FROM sinks";
        let delivered: Option<i64> = self.connection.prepare_cached(sql)?.query_row((), |row| row.get(0))?;
        let delivered = delivered.unwrap_or(i64::MAX);
        let records_age = self.settings.records_age;
        let cutoff = if self.is_tight { i64::MAX } else { self.cutoff(records_age) };
        let expired = self.cutoff(self.settings.undelivered_records_age.max(records_age));
        // Only the oldest are checked: there is no index by time.
        let sql = "SELECT sequence, at_ms FROM records ORDER BY sequence LIMIT ?1";
        let mut oldest = self.connection.prepare_cached(sql)?;
        let mut found = oldest.query((self.rows_max as i64,))?;
        let (mut last, mut rows, mut undelivered) = (None, 0, 0);
        while let Some(row) = found.next()? {
            let (sequence, at): (i64, i64) = (row.get(0)?, row.get(1)?);
            let is_delivered = sequence <= delivered;
            if !(at <= expired || is_delivered && at <= cutoff) {
                break;
            }
            last = Some(sequence);
            rows += 1;
            undelivered += usize::from(!is_delivered);
        }
        drop(found);
        if let Some(last) = last {
            self.connection.prepare_cached("DELETE FROM records WHERE sequence <= ?1")?.execute((last,))?;
        }
        self.count(rows);
        self.trimmed.expired_records = undelivered;
        Ok(())
    }

    fn decisions(&mut self, bytes: &mut u64) -> rusqlite::Result<()> {
        let cutoff = self.cutoff(self.settings.decisions_age);
        let bytes_max = if self.is_tight { 0 } else { self.settings.decisions_bytes_max };
        let mut oldest =
            self.connection.prepare_cached("SELECT id, at_ms, bytes FROM decisions ORDER BY id LIMIT ?1")?;
        let mut rows = oldest.query((self.rows_max as i64,))?;
        let (mut last, mut count) = (None, 0);
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(1)? > cutoff && *bytes <= bytes_max {
                break;
            }
            *bytes = bytes.saturating_sub(u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0));
            last = Some(row.get::<_, i64>(0)?);
            count += 1;
        }
        drop(rows);
        if let Some(last) = last {
            self.connection.prepare_cached("DELETE FROM decisions WHERE id <= ?1")?.execute((last,))?;
            self.connection.prepare_cached("DELETE FROM decision_bodies WHERE id <= ?1")?.execute((last,))?;
        }
        self.count(count);
        Ok(())
    }
}

/// Removes those entries that match and have been in their state the longest, with all that belongs to them.
pub(super) fn remove_entries(
    connection: &Connection,
    wanted: &str,
    values: Vec<Value>,
    rows_max: usize,
) -> rusqlite::Result<usize> {
    if rows_max == 0 {
        return Ok(0);
    }
    let sql = format!("SELECT id FROM entries WHERE {wanted} ORDER BY due_ms LIMIT {rows_max}");
    let mut found = connection.prepare_cached(&sql)?;
    let ids = found.query_map(params_from_iter(values), |row| row.get::<_, i64>(0))?;
    let ids = ids.collect::<rusqlite::Result<Vec<_>>>()?;
    for id in &ids {
        connection.prepare_cached("DELETE FROM entries WHERE id = ?1")?.execute((id,))?;
        connection.prepare_cached("DELETE FROM entry_bodies WHERE id = ?1")?.execute((id,))?;
        connection.prepare_cached("DELETE FROM attempts WHERE entry = ?1")?.execute((id,))?;
    }
    Ok(ids.len())
}
