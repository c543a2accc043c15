//! The row of numbers that each commit writes, and the keys that repeats are recognised by.

use rusqlite::Connection;

use super::names::Named;
use crate::settings::JournalSettings;

/// The numbers that are given next, and which table of repeats is being filled.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Counters {
    /// Commits so far: the same number means that nothing has changed.
    pub(super) commits: i64,
    pub(super) next_entry: i64,
    pub(super) next_record: i64,
    pub(super) next_decision: i64,
    repeats_current: i64,
    repeats_since_ms: i64,
    /// Keys in the current table; not stored.
    repeats: usize,
}

impl Counters {
    /// Reads them from the file.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let sql =
            "SELECT commits, next_entry, next_record, next_decision, repeats_current, repeats_since_ms FROM counters";
        connection.query_row(sql, (), |row| {
            Ok(Self {
                commits: row.get(0)?,
                next_entry: row.get(1)?,
                next_record: row.get(2)?,
                next_decision: row.get(3)?,
                repeats_current: row.get(4)?,
                repeats_since_ms: row.get(5)?,
                repeats: 0,
            })
        })
    }

    /// Counts the keys in the current table, which `read` does not.
    pub(super) fn count_repeats(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = format!("SELECT count(*) FROM {}", table(self.repeats_current));
        self.repeats = connection.query_row(&sql, (), |row| row.get(0))?;
        Ok(())
    }

    /// Writes them, as part of a commit.
    pub(super) fn write(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        let sql = "UPDATE counters SET commits = ?1, next_entry = ?2, next_record = ?3, next_decision = ?4, \
                   repeats_current = ?5, repeats_since_ms = ?6";
        let written = connection.prepare_cached(sql)?.execute((
            self.commits + 1,
            self.next_entry,
            self.next_record,
            self.next_decision,
            self.repeats_current,
            self.repeats_since_ms,
        ))?;
        // Without the row, numbers would be given again after a restart.
        if written != 1 {
            return Err(rusqlite::Error::InvalidColumnType(0, "counters".to_owned(), rusqlite::types::Type::Null));
        }
        self.commits += 1;
        Ok(())
    }

    /// Whether a key was remembered before; it is from now on.
    pub(super) fn is_repeat(
        &mut self,
        connection: &Connection,
        settings: &JournalSettings,
        (platform, command, key): (Named<'_>, Named<'_>, &str),
    ) -> rusqlite::Result<bool> {
        if settings.repeats_window.is_zero() || settings.repeats_max == 0 {
            return Ok(false);
        }
        let (insert, find) = match self.repeats_current {
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
        self.repeats += 1;
        connection.prepare_cached(find)?.exists((platform, command, key))
    }

    /// Forgets old keys. Two tables are filled in turn: when one has been filled for the length of the window, the
    /// older one is emptied and filled next. Emptying a table costs much less than deleting its rows one by one.
    pub(super) fn forget_repeats(
        &mut self,
        connection: &Connection,
        settings: &JournalSettings,
        now_unix_ms: i64,
    ) -> rusqlite::Result<()> {
        let window = i64::try_from(settings.repeats_window.as_millis()).unwrap_or(i64::MAX);
        let is_old = self.repeats_since_ms <= now_unix_ms.saturating_sub(window);
        if is_old || self.repeats > settings.repeats_max / 2 {
            self.repeats_current = 1 - self.repeats_current.clamp(0, 1);
            self.repeats_since_ms = now_unix_ms;
            self.repeats = 0;
            let sql = format!("DELETE FROM {}", table(self.repeats_current));
            connection.prepare_cached(&sql)?.execute(())?;
        }
        Ok(())
    }
}

fn table(number: i64) -> &'static str {
    if number == 0 { "repeats_0" } else { "repeats_1" }
}
