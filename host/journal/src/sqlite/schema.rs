//! The tables, and how older files become what this host needs.

use rusqlite::Connection;

/// Written into the file, so that another program's database is not mistaken for a journal: "CgJl".
pub(super) const APPLICATION_ID: i64 = 0x4367_4a6c;

/// The format that this host writes. `MIGRATIONS` has one step for each.
pub(super) const FORMAT: i64 = MIGRATIONS.len() as i64;

/// What makes format N + 1 of format N. Steps are never changed once they are released, only added.
///
/// Bodies have tables of their own, so that the small rows, which are searched and counted, are close together. Numbers
/// are given by the host, which keeps them in `counters`: they are never reused, though rows are removed. Columns for
/// names hold the number of a name, or the name itself where there are too many.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE counters (
        id INTEGER PRIMARY KEY CHECK (id = 1),
        format INTEGER NOT NULL,
        journal TEXT NOT NULL,
        commits INTEGER NOT NULL,
        next_entry INTEGER NOT NULL,
        next_record INTEGER NOT NULL,
        next_decision INTEGER NOT NULL,
        repeats_current INTEGER NOT NULL,
        repeats_since_ms INTEGER NOT NULL
    );
    INSERT INTO counters VALUES (1, 0, lower(hex(randomblob(8))), 0, 1, 1, 1, 0, 0);
    CREATE TABLE names (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
    CREATE TABLE entries (
        id INTEGER PRIMARY KEY,
        state INTEGER NOT NULL,
        lane INTEGER NOT NULL,
        platform NOT NULL,
        command NOT NULL,
        received_ms INTEGER NOT NULL,
        due_ms INTEGER NOT NULL,
        attempts INTEGER NOT NULL,
        key TEXT NOT NULL
    );
    CREATE TABLE entry_bodies (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, head TEXT NOT NULL, body BLOB NOT NULL);
    CREATE INDEX dead_entries ON entries (due_ms) WHERE state = 2;
    CREATE INDEX done_entries ON entries (due_ms) WHERE state = 1;
    CREATE TABLE attempts (
        entry INTEGER NOT NULL,
        number INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        plugin,
        fault TEXT NOT NULL,
        message TEXT NOT NULL,
        took_us INTEGER NOT NULL,
        PRIMARY KEY (entry, number)
    ) WITHOUT ROWID;
    CREATE TABLE repeats_0 (platform, command, key TEXT, PRIMARY KEY (platform, command, key)) WITHOUT ROWID;
    CREATE TABLE repeats_1 (platform, command, key TEXT, PRIMARY KEY (platform, command, key)) WITHOUT ROWID;
    CREATE TABLE records (
        sequence INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        topic TEXT NOT NULL,
        platform NOT NULL,
        command NOT NULL,
        plugin NOT NULL,
        sha256 NOT NULL,
        entry INTEGER,
        key TEXT NOT NULL,
        traceparent TEXT,
        crc INTEGER NOT NULL,
        data TEXT NOT NULL
    );
    CREATE TABLE sinks (name TEXT PRIMARY KEY, delivered_to INTEGER NOT NULL, state TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE decisions (
        id INTEGER PRIMARY KEY,
        at_ms INTEGER NOT NULL,
        platform NOT NULL,
        command NOT NULL,
        verdict NOT NULL,
        code INTEGER NOT NULL,
        decided_by NOT NULL,
        refusal NOT NULL,
        fault NOT NULL,
        plugins NOT NULL,
        generation INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        has_body INTEGER NOT NULL,
        key TEXT NOT NULL,
        actor TEXT NOT NULL,
        target TEXT NOT NULL,
        operation_id TEXT NOT NULL
    );
    CREATE TABLE decision_bodies (id INTEGER PRIMARY KEY, crc INTEGER NOT NULL, document TEXT NOT NULL, body BLOB);
",
    "
    CREATE TABLE state (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        part TEXT NOT NULL,
        crc INTEGER NOT NULL,
        data BLOB NOT NULL,
        UNIQUE (name, part)
    );
",
];

/// What a file turns out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// Empty, or of this host or an older one.
    Known(usize),
    /// Of a newer host.
    Newer(i64),
    /// Of another program.
    Foreign,
    /// A journal whose parts contradict each other.
    Damaged(&'static str),
}

/// What a file is. The format is written twice, so that one damaged bit does not look like a newer format.
pub(super) fn format(connection: &Connection) -> rusqlite::Result<Format> {
    let application = application_id(connection)?;
    let format = connection.pragma_query_value(None, "user_version", |row| row.get::<_, i64>(0))?;
    let tables = |wanted: &str| {
        let sql = format!("SELECT count(*) FROM sqlite_schema WHERE {wanted}");
        connection.query_row(&sql, (), |row| row.get::<_, i64>(0))
    };
    if tables("name = 'counters'")? == 0 {
        let is_empty = tables("1")? == 0;
        return Ok(match (application, format) {
            (0, 0) if is_empty => Format::Known(0),
            (APPLICATION_ID, _) => Format::Damaged("its tables are missing"),
            _ => Format::Foreign,
        });
    }
    let written: Result<i64, _> = connection.query_row("SELECT format FROM counters", (), |row| row.get(0));
    Ok(match written {
        Ok(written) if application == APPLICATION_ID && written == format && format > FORMAT => Format::Newer(format),
        Ok(written) if application == APPLICATION_ID && written == format && format > 0 => {
            Format::Known(usize::try_from(format).unwrap_or(0))
        }
        Ok(_) | Err(rusqlite::Error::QueryReturnedNoRows) => Format::Damaged("its header does not fit its tables"),
        Err(_) if application != APPLICATION_ID => Format::Foreign,
        Err(error) => return Err(error),
    })
}

/// Whether a file says that it is a journal, in its log or in its header.
pub(super) fn is_journal(connection: &Connection) -> bool {
    application_id(connection).is_ok_and(|id| id == APPLICATION_ID)
}

fn application_id(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "application_id", |row| row.get(0))
}

/// Brings a file of a known format to that of this host, each step in one transaction. An empty file becomes a journal.
pub(super) fn migrate(connection: &mut Connection, done: usize) -> rusqlite::Result<()> {
    for (number, step) in MIGRATIONS.iter().enumerate().skip(done) {
        let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", number as i64 + 1)?;
        transaction.execute("UPDATE counters SET format = ?1", (number as i64 + 1,))?;
        transaction.commit()?;
    }
    Ok(())
}

/// The text of all tables and indexes: another one means damage.
pub(super) fn text(connection: &Connection) -> rusqlite::Result<Vec<(String, String, Option<String>)>> {
    let sql = "SELECT name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY name";
    let mut all = connection.prepare(sql)?;
    all.query_map((), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?.collect()
}
