//! Copies what can be read from a damaged file.
//!
//! A damaged page makes some rows of one table unreadable; those on other pages are found by asking for the rows beyond
//! it. Each value is checked for its type, so that nothing gets into the new file that could not be read from it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use rusqlite::types::{Value, ValueRef};
use rusqlite::{Connection, Row, params_from_iter};

use super::aside;
use super::connection::{PAGE_BYTES, Place, log_of};
use super::schema;

/// A table to be copied: its columns by kind, the key first. What matters most comes first: the disk may be full.
struct Table {
    name: &'static str,
    /// What rows are found by; empty: in the order in which they come.
    key: &'static str,
    kinds: &'static str,
}

/// `i`: a number. `u`: one of 32 bits. `t`: text. `n`: a name or its number. `b`: bytes. Capitals: or nothing.
const TABLES: &[Table] = &[
    Table { name: "names", key: "id", kinds: "it" },
    Table { name: "entry_bodies", key: "id", kinds: "iutb" },
    Table { name: "entries", key: "id", kinds: "iiinniiut" },
    Table { name: "sinks", key: "", kinds: "tit" },
    Table { name: "records", key: "sequence", kinds: "iitnnnnItTut" },
    Table { name: "state", key: "id", kinds: "ittub" },
    Table { name: "attempts", key: "", kinds: "iuiNtti" },
    Table { name: "repeats_0", key: "", kinds: "nnt" },
    Table { name: "repeats_1", key: "", kinds: "nnt" },
    Table { name: "decision_bodies", key: "id", kinds: "iutB" },
    Table { name: "decisions", key: "id", kinds: "iinninnnniiuttttt" },
];

/// About how many rows are copied in one transaction.
const ROWS_MAX: usize = 1000;

/// Copies what can be read from the file `damaged` to an empty journal. Returns how many rows were copied, and how many
/// are known to be lost. It never fails: at worst nothing is copied.
pub(super) fn salvage(place: &Place, damaged: &Path, new: &Connection) -> (u64, u64) {
    let mut copy = Copy { new, rows: 0, lost: 0 };
    let mended = mended(place, damaged);
    match open(place, mended.as_deref().unwrap_or(damaged)) {
        Ok(old) => copy.all(&old),
        Err(error) => {
            copy.lost += 1;
            tracing::error!("the damaged file cannot be read at all: {error}");
        }
    }
    if let Some(mended) = mended {
        let _ = aside::remove(&mended);
    }
    let _ = aside::remove_shared(damaged);
    (copy.rows, copy.lost)
}

/// Copies everything from a file that is open.
pub(super) fn copy(old: &Connection, new: &Connection) -> (u64, u64) {
    let mut copy = Copy { new, rows: 0, lost: 0 };
    copy.all(old);
    (copy.rows, copy.lost)
}

/// Opens a damaged file for reading.
fn open(place: &Place, file: &Path) -> rusqlite::Result<Connection> {
    let old = place.open_reader_of(file)?;
    // Reads a file that is shorter than it says, too. Nothing is written through this connection.
    old.pragma_update(None, "writable_schema", true)?;
    schema::text(&old)?;
    Ok(old)
}

/// A copy of a file whose first page is unreadable, with the first page of a new journal. That page says where tables
/// begin, and this is the same in each journal. Exception: tables that were added to the file of an older host; their
/// rows are lost then.
fn mended(place: &Place, damaged: &Path) -> Option<PathBuf> {
    let mut fresh = Connection::open_in_memory().ok()?;
    schema::migrate(&mut fresh, 0).ok()?;
    let is_right = open(place, damaged).and_then(|old| schema::text(&old)).ok() == schema::text(&fresh).ok();
    if is_right {
        return None;
    }
    let mended = place.folder.join("journal-mended.sqlite3");
    let write = || -> std::io::Result<()> {
        aside::remove(&mended)?;
        let template = place.folder.join("journal-template.sqlite3");
        aside::remove(&template)?;
        let failed = |error: rusqlite::Error| std::io::Error::other(error.to_string());
        let mut connection = place.open_writer_of(&template, u64::MAX).map_err(failed)?;
        schema::migrate(&mut connection, 0).map_err(failed)?;
        connection.close().map_err(|(_, error)| failed(error))?;
        let mut page = vec![0; usize::try_from(PAGE_BYTES).unwrap_or(0)];
        File::open(&template)?.read_exact(&mut page)?;
        aside::remove(&template)?;
        std::fs::copy(damaged, &mended)?;
        let (log, its_log) = (log_of(damaged), log_of(&mended));
        if log.try_exists()? {
            std::fs::copy(log, its_log)?;
        }
        let mut file = std::fs::OpenOptions::new().write(true).open(&mended)?;
        // An empty file can still have a log, with all its rows.
        let pages = u32::try_from(file.metadata()?.len().div_ceil(PAGE_BYTES)).unwrap_or(u32::MAX).max(1);
        if let Some(size) = page.get_mut(28..32) {
            size.copy_from_slice(&pages.to_be_bytes());
        }
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&page)?;
        file.set_len(u64::from(pages) * PAGE_BYTES)
    };
    match write() {
        Ok(()) => Some(mended),
        Err(error) => {
            tracing::error!("the first page of the damaged file cannot be repaired: {error}");
            let _ = aside::remove(&mended);
            None
        }
    }
}

/// The copying.
struct Copy<'a> {
    new: &'a Connection,
    rows: u64,
    lost: u64,
}

/// What came of reading some rows.
struct Read {
    rows: usize,
    /// The largest key that was copied, in a table with a number as its key.
    last: Option<i64>,
    /// Rows without valid values or with a key out of order, after the last one that was copied.
    unreadable: u64,
    end: End,
}

/// What ended it.
#[derive(PartialEq, Eq)]
enum End {
    /// There are no more rows.
    Last,
    /// There may be more, after the last one that was copied.
    Enough,
    /// What follows the last one that was copied is damaged.
    Damage,
}

impl Copy<'_> {
    fn all(&mut self, old: &Connection) {
        for table in TABLES {
            let copied = if table.key.is_empty() { self.in_turn(old, table) } else { self.by_key(old, table) };
            if let Err(error) = copied {
                // Of the new file: its disk may be full. Then the rest stays in the damaged one.
                tracing::error!(table = table.name, "salvaging stopped early: {error}");
                let _ = self.new.execute_batch("ROLLBACK");
                break;
            }
        }
        if let Err(error) = self.new.execute_batch(COMPLETE) {
            tracing::error!("the salvaged rows cannot be completed: {error}");
        }
        self.counters(old);
    }

    /// Copies a table in ascending order of its key; what cannot be read is skipped. `from` grows with each round, so
    /// this ends whatever the pages contain.
    fn by_key(&mut self, old: &Connection, table: &Table) -> rusqlite::Result<()> {
        let Table { name, key, .. } = table;
        let last = old.query_row(&format!("SELECT max({key}) FROM {name}"), (), |row| row.get::<_, Option<i64>>(0));
        let last = last.ok().flatten().filter(|last| *last <= NUMBER_MAX);
        let sql = format!("SELECT * FROM {name} WHERE {key} >= ?1 ORDER BY {key}");
        // Keys begin with 1: lower ones are those of a damaged page, and are read to be counted.
        let mut from = i64::MIN;
        loop {
            let read = self.some(old, table, &sql, Some(from))?;
            let next = read.last.map_or(from, |last| last.saturating_add(1));
            match read.end {
                End::Last => {
                    self.lost += read.unreadable;
                    return Ok(());
                }
                End::Enough => {
                    from = next;
                    continue;
                }
                End::Damage => {}
            }
            let next = next.max(1);
            let Some(found) = beyond(old, table, next, last.filter(|last| *last > next)) else {
                // How many there were is not known.
                self.lost += read.unreadable.max(1);
                return Ok(());
            };
            self.lost += u64::try_from(found - next).unwrap_or(0).clamp(1, LOST_MAX).max(read.unreadable);
            from = found;
        }
    }

    /// Copies a table without a number as its key, as far as it can be read.
    fn in_turn(&mut self, old: &Connection, table: &Table) -> rusqlite::Result<()> {
        let read = self.some(old, table, &format!("SELECT * FROM {}", table.name), None)?;
        self.lost += read.unreadable + u64::from(read.end == End::Damage);
        Ok(())
    }

    /// Copies some rows: those with keys from `from` on, or all rows of a table without a number as its key. Errors are
    /// those of the new file.
    fn some(&mut self, old: &Connection, table: &Table, sql: &str, from: Option<i64>) -> rusqlite::Result<Read> {
        let places: Vec<_> = (1..=table.kinds.len()).map(|number| format!("?{number}")).collect();
        let insert = format!("INSERT OR IGNORE INTO {} VALUES ({})", table.name, places.join(", "));
        self.new.execute_batch("BEGIN")?;
        let mut read = Read { rows: 0, last: None, unreadable: 0, end: End::Last };
        let mut order = Order { least: from, held: None };
        if let Ok(mut statement) = old.prepare_cached(sql)
            && let Ok(mut rows) = statement.query(params_from_iter(from))
        {
            loop {
                let row = match rows.next() {
                    Ok(Some(row)) => row,
                    Ok(None) => break,
                    Err(_) => {
                        read.end = End::Damage;
                        break;
                    }
                };
                read.rows += 1;
                match values_of(row, table.kinds).map_or(Placed::Nowhere, |values| order.place(values)) {
                    Placed::Held => {}
                    Placed::After(values) => self.insert(&insert, values, from.is_some(), &mut read)?,
                    Placed::Instead | Placed::Nowhere => read.unreadable += 1,
                }
                // It goes on to the next row that is right, because the next round would not find those before it. A
                // page cannot have held more than this.
                if from.is_some() && (read.unreadable > LOST_MAX || read.rows >= ROWS_MAX && read.unreadable == 0) {
                    read.end = if read.unreadable > 0 { End::Damage } else { End::Enough };
                    break;
                }
            }
        } else {
            read.end = End::Damage;
        }
        // Otherwise the next round begins with it, and knows the one after it.
        if (read.end != End::Enough || read.last.is_none())
            && let Some((_, values)) = order.held
        {
            self.insert(&insert, values, from.is_some(), &mut read)?;
        }
        self.new.execute_batch("COMMIT")?;
        Ok(read)
    }

    fn insert(&mut self, sql: &str, values: Vec<Value>, has_key: bool, read: &mut Read) -> rusqlite::Result<()> {
        if let (true, Some(Value::Integer(key))) = (has_key, values.first()) {
            read.last = Some(*key);
        }
        self.lost += std::mem::take(&mut read.unreadable);
        self.rows += self.new.prepare_cached(sql)?.execute(params_from_iter(values))? as u64;
        Ok(())
    }

    /// Numbers go on behind all that were given, so that none is given twice.
    fn counters(&mut self, old: &Connection) {
        let sql = "SELECT next_entry, next_record, next_decision FROM counters";
        let read = |row: &Row<'_>| Ok([row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?]);
        let next = old.query_row(sql, (), read).unwrap_or_default().map(|next| next.clamp(0, NUMBER_MAX));
        let sql = "UPDATE counters SET \
                   next_entry = max(?1, (SELECT coalesce(max(id), 0) + 1 FROM entries)), \
                   next_record = max(?2, (SELECT coalesce(max(sequence), 0) + 1 FROM records), \
                                     (SELECT coalesce(max(delivered_to), 0) + 1 FROM sinks)), \
                   next_decision = max(?3, (SELECT coalesce(max(id), 0) + 1 FROM decisions))";
        if let Err(error) = self.new.execute(sql, next) {
            tracing::error!("the counters of the damaged file are lost: {error}");
        }
        // The journal's own name stays if it can be read: the IDs of records begin with it.
        let name = old.query_row("SELECT journal FROM counters", (), |row| row.get::<_, String>(0));
        if let Ok(name) = name.map(|name| name.chars().filter(char::is_ascii_hexdigit).collect::<String>())
            && name.len() == 16
        {
            let _ = self.new.execute("UPDATE counters SET journal = ?1", (name,));
        }
    }
}

/// The most rows that one damaged page is taken to have held.
const LOST_MAX: u64 = 4096;

/// Higher numbers are damaged ones.
const NUMBER_MAX: i64 = 1 << 60;

/// Entries without a body and bodies without an entry are of no use; a body alone says nothing of its platform.
const COMPLETE: &str = "
    DELETE FROM entries WHERE id NOT IN (SELECT id FROM entry_bodies);
    UPDATE entries SET state = 0 WHERE state NOT IN (0, 1, 2);
    DELETE FROM entry_bodies WHERE id NOT IN (SELECT id FROM entries);
    DELETE FROM attempts WHERE entry NOT IN (SELECT id FROM entries);
    DELETE FROM decisions WHERE id NOT IN (SELECT id FROM decision_bodies);
    DELETE FROM decision_bodies WHERE id NOT IN (SELECT id FROM decisions);
";

/// A key beyond `bad`, which is unreadable, from which on rows can be read: found by steps that double, then by
/// halving. `last`: the last key, if it is known.
fn beyond(old: &Connection, table: &Table, bad: i64, last: Option<i64>) -> Option<i64> {
    let Table { name, key, kinds } = table;
    let sql = format!("SELECT * FROM {name} WHERE {key} >= ?1 ORDER BY {key} LIMIT 1");
    let find = |from: i64| -> Found {
        let find = || -> rusqlite::Result<Option<bool>> {
            let mut statement = old.prepare_cached(&sql)?;
            let mut rows = statement.query((from,))?;
            Ok(rows.next()?.map(|row| values_of(row, kinds).is_some_and(|values| is_from(&values, from))))
        };
        match find() {
            Ok(Some(true)) => Found::Row,
            Ok(None) => Found::End,
            Ok(Some(false)) | Err(_) => Found::Damage,
        }
    };
    let (mut bad, mut step) = (bad, 1_i64);
    // From here on, either rows can be read or there are none.
    let (mut high, mut is_row) = loop {
        let from = bad.saturating_add(step);
        if from > last.unwrap_or(NUMBER_MAX) {
            // The last row itself may be readable.
            break (last.filter(|last| *last > bad && find(*last) == Found::Row)?, true);
        }
        match find(from) {
            Found::Row => break (from, true),
            Found::End => break (from, false),
            Found::Damage => (bad, step) = (from, step.saturating_mul(2)),
        }
    };
    while high - bad > 1 {
        let middle = bad + (high - bad) / 2;
        match find(middle) {
            Found::Row => (high, is_row) = (middle, true),
            Found::End => high = middle,
            Found::Damage => bad = middle,
        }
    }
    is_row.then_some(high)
}

/// What is at a key or, if there is none with it, at the next one.
#[derive(PartialEq, Eq)]
enum Found {
    Row,
    Damage,
    /// Nothing: all keys are lower.
    End,
}

/// Sorts out the rows of damaged pages, which can have any key. Of two that are out of order, the first one is wrong if
/// the second one fits to what is before both: one wrong bit makes a key larger than those of many rows after it.
struct Order {
    /// The least key that can come next; `None` for a table without a number as its key.
    least: Option<i64>,
    /// The last row, until the next one is known, with its key.
    held: Option<(i64, Vec<Value>)>,
}

/// What becomes of a row.
enum Placed {
    /// It waits for the next one.
    Held,
    /// It waits, and this one, which waited, is right.
    After(Vec<Value>),
    /// It waits, and the one that waited is wrong.
    Instead,
    /// It is wrong.
    Nowhere,
}

impl Order {
    fn place(&mut self, values: Vec<Value>) -> Placed {
        let Some(least) = self.least else { return Placed::After(values) };
        let (true, Some(Value::Integer(key))) = (is_from(&values, least), values.first()) else {
            return Placed::Nowhere;
        };
        let key = *key;
        match self.held.replace((key, values)) {
            None => Placed::Held,
            Some((before, values)) if before < key => {
                self.least = Some(before.saturating_add(1));
                Placed::After(values)
            }
            Some(_) => Placed::Instead,
        }
    }
}

/// Whether the key, which is the first value, is at least this.
fn is_from(values: &[Value], least: i64) -> bool {
    matches!(values.first(), Some(Value::Integer(key)) if (least.max(1)..=NUMBER_MAX).contains(key))
}

/// A row's values, if each has its type.
fn values_of(row: &Row<'_>, kinds: &str) -> Option<Vec<Value>> {
    let value = |(column, kind): (usize, char)| {
        let value = row.get_ref(column).ok()?;
        let is_right = match (kind, value) {
            ('i' | 'I' | 'n' | 'N', ValueRef::Integer(_)) => true,
            ('u', ValueRef::Integer(number)) => u32::try_from(number).is_ok(),
            ('t' | 'T' | 'n' | 'N', ValueRef::Text(text)) => std::str::from_utf8(text).is_ok(),
            ('b' | 'B', ValueRef::Blob(_)) => true,
            (kind, ValueRef::Null) => kind.is_ascii_uppercase(),
            _ => false,
        };
        is_right.then(|| Value::try_from(value).ok()).flatten()
    };
    kinds.chars().enumerate().map(value).collect()
}
