//! The rows of states: data that the host saves until its next start.

use rusqlite::{Connection, params};

use super::checksum;
use crate::store::State;

/// Stores a part, which replaces the one with the same name; an empty part removes it.
pub(super) fn save(connection: &Connection, name: &str, part: &str, data: &[u8]) -> rusqlite::Result<()> {
    if data.is_empty() {
        let sql = "DELETE FROM state WHERE name = ?1 AND part = ?2";
        return connection.prepare_cached(sql)?.execute((name, part)).map(drop);
    }
    let sql = "INSERT INTO state (name, part, crc, data) VALUES (?1, ?2, ?3, ?4) \
               ON CONFLICT (name, part) DO UPDATE SET crc = excluded.crc, data = excluded.data";
    let crc = checksum::of_state(name, part, data);
    connection.prepare_cached(sql)?.execute(params![name, part, crc, data]).map(drop)
}

/// The parts of the state with this name, in the order of their names.
pub(super) fn read(connection: &Connection, name: &str) -> rusqlite::Result<State> {
    let mut state = State::default();
    let mut parts = connection.prepare_cached("SELECT part, crc, data FROM state WHERE name = ?1 ORDER BY part")?;
    let mut rows = parts.query((name,))?;
    while let Some(row) = rows.next()? {
        // A value of another type is damaged.
        match (row.get::<_, String>(0).ok(), row.get::<_, i64>(1).ok(), row.get::<_, Vec<u8>>(2).ok()) {
            (Some(part), Some(crc), Some(data)) if checksum::of_state(name, &part, &data) == crc => {
                state.parts.push((part, data));
            }
            _ => state.damaged += 1,
        }
    }
    Ok(state)
}

/// Removes all states except those with these names.
pub(super) fn forget(connection: &Connection, keep: &[String]) -> rusqlite::Result<()> {
    let mut known = connection.prepare("SELECT DISTINCT name FROM state")?;
    let known: Vec<String> = known.query_map((), |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for gone in known.iter().filter(|name| !keep.contains(name)) {
        connection.execute("DELETE FROM state WHERE name = ?1", (gone,))?;
    }
    Ok(())
}
