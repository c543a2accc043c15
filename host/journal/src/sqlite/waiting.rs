//! Entries that wait, without their texts.

use rusqlite::{Connection, Row};

use crate::entry::EntryId;
use crate::store::Waiting;

/// Entries that wait and have numbers between these two, in ascending order, at most `rows_max`.
pub(super) fn between(
    connection: &Connection,
    after: i64,
    before: i64,
    rows_max: usize,
) -> rusqlite::Result<Vec<Waiting>> {
    let sql = "SELECT id, lane, due_ms, received_ms, attempts FROM entries \
               WHERE state = 0 AND id > ?1 AND id < ?2 ORDER BY id LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let rows_max = i64::try_from(rows_max).unwrap_or(i64::MAX);
    let mut last = after;
    let next = |row: &Row<'_>| {
        let waiting = of_row(row)?;
        check_order(std::mem::replace(&mut last, waiting.id.0), waiting.id.0)?;
        Ok(waiting)
    };
    statement.query_map((after, before, rows_max), next)?.collect()
}

/// Checks that rows are in the order of their keys. Those of a damaged page can have any key: an entry would be
/// processed twice, and records be taken for delivered.
///
/// # Errors
/// If they are not: as SQLite says that a file is damaged.
pub(super) fn check_order(last: i64, next: i64) -> rusqlite::Result<()> {
    if last < next {
        return Ok(());
    }
    let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CORRUPT);
    Err(rusqlite::Error::SqliteFailure(error, Some(format!("row {next} comes after row {last}"))))
}

/// A row of `id, lane, due_ms, received_ms, attempts`.
pub(super) fn of_row(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    Ok(Waiting {
        id: EntryId(row.get(0)?),
        lane: row.get(1)?,
        due_unix_ms: row.get(2)?,
        received_unix_ms: row.get(3)?,
        attempts: row.get(4)?,
    })
}
