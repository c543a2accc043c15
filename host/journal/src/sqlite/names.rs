//! Names that occur often, such as those of platforms and commands, are stored once and referred to by number.

use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::{ToSql, ToSqlOutput, ValueRef};
use rusqlite::{Connection, OptionalExtension as _};

/// Maximum number of names that get a number. Others are stored where they occur.
const NAMES_MAX: usize = 4096;

/// What a column for a name holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Named<'a> {
    /// The number of a name.
    Number(i64),
    /// The name itself.
    Text(&'a str),
}

impl ToSql for Named<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Number(number) => ToSqlOutput::Borrowed(ValueRef::Integer(*number)),
            Self::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
        })
    }
}

/// The numbers of names, for the writer.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    numbers: HashMap<Arc<str>, i64>,
    last: i64,
}

impl Numbers {
    /// Reads them from the file.
    pub(super) fn read(connection: &Connection) -> rusqlite::Result<Self> {
        let mut statement = connection.prepare("SELECT name, id FROM names")?;
        let numbers = statement.query_map((), |row| Ok((Arc::from(row.get::<_, String>(0)?), row.get(1)?)))?;
        let numbers: HashMap<_, _> = numbers.collect::<rusqlite::Result<_>>()?;
        let last = numbers.values().copied().max().unwrap_or(0);
        Ok(Self { numbers, last })
    }

    /// The number of a name; a new one gets the next.
    pub(super) fn of<'a>(&mut self, connection: &Connection, name: &'a str) -> rusqlite::Result<Named<'a>> {
        if let Some(number) = self.numbers.get(name) {
            return Ok(Named::Number(*number));
        }
        if self.numbers.len() >= NAMES_MAX || name.len() > NAME_BYTES_MAX {
            return Ok(Named::Text(name));
        }
        let number = self.last + 1;
        connection.prepare_cached("INSERT INTO names (id, name) VALUES (?1, ?2)")?.execute((number, name))?;
        self.last = number;
        self.numbers.insert(Arc::from(name), number);
        Ok(Named::Number(number))
    }
}

/// Longer names are stored where they occur.
const NAME_BYTES_MAX: usize = 256;

/// The names of numbers, for readers: read when they are met.
#[derive(Debug, Default)]
pub(super) struct Names(HashMap<i64, Arc<str>>);

impl Names {
    /// The name in a column.
    pub(super) fn of(&mut self, connection: &Connection, value: ValueRef<'_>) -> rusqlite::Result<Arc<str>> {
        let number = match value {
            ValueRef::Integer(number) => number,
            ValueRef::Text(text) => return Ok(Arc::from(std::str::from_utf8(text)?)),
            ValueRef::Null => return Ok(Arc::from("")),
            _ => return Err(rusqlite::Error::InvalidColumnType(0, "a name".to_owned(), value.data_type())),
        };
        if let Some(name) = self.0.get(&number) {
            return Ok(Arc::clone(name));
        }
        let found: Option<String> = connection
            .prepare_cached("SELECT name FROM names WHERE id = ?1")?
            .query_row((number,), |row| row.get(0))
            .optional()?;
        let Some(found) = found else { return Ok(Arc::from(format!("(lost name {number})"))) };
        let name: Arc<str> = Arc::from(found);
        self.0.insert(number, Arc::clone(&name));
        Ok(name)
    }
}
