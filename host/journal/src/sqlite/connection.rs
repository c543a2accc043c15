//! Connections to a journal's file, and what SQLite's errors mean.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::{OpenError, StoreError};

/// The name of the database file in a journal's folder.
pub(crate) const FILE: &str = "journal.sqlite3";

/// Size of a page in bytes; what `bytes_max` is counted in.
pub(super) const PAGE_BYTES: u64 = 4096;

/// Prepared statements that a connection keeps: more than there are.
const STATEMENTS_MAX: usize = 128;

/// The oldest SQLite that does not lose commits: 3.51.3, where the race between a checkpoint and a write that begins
/// the log again was mended.
const VERSION_MIN: i32 = 3_051_003;

/// Refuses a SQLite that can lose commits.
pub(super) fn check_version(number: i32, text: &str) -> Result<(), OpenError> {
    if number < VERSION_MIN { Err(OpenError::SqliteTooOld { found: text.to_owned() }) } else { Ok(()) }
}

/// Where a journal's file is, and through what it is opened.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) folder: PathBuf,
    pub(crate) vfs: Option<String>,
}

impl Place {
    /// The database file.
    pub(crate) fn file(&self) -> PathBuf {
        self.folder.join(FILE)
    }

    /// Opens the connection that writes.
    pub(super) fn open_writer(&self, bytes_max: u64) -> rusqlite::Result<Connection> {
        self.open_writer_of(&self.file(), bytes_max)
    }

    /// Opens a connection that writes another file.
    pub(super) fn open_writer_of(&self, file: &Path, bytes_max: u64) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = self.open(file, flags)?;
        connection.pragma_update(None, "page_size", PAGE_BYTES)?;
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        // The writer thread does all checkpoints: no other thread, and no commit.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES)?;
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.pragma_update(None, "foreign_keys", false)?;
        // A page whose cells do not fit together is found when it is read, before anything is written to it.
        connection.pragma_update(None, "cell_size_check", true)?;
        let pages = i64::try_from(bytes_max.max(BYTES_MIN) / PAGE_BYTES).unwrap_or(i64::MAX);
        connection.pragma_update_and_check(None, "max_page_count", pages.min(i64::from(u32::MAX - 1)), |_| Ok(()))?;
        Ok(connection)
    }

    /// Opens a connection that only reads.
    pub(super) fn open_reader(&self) -> rusqlite::Result<Connection> {
        self.open_reader_of(&self.file())
    }

    /// Opens a connection that only reads another file.
    pub(super) fn open_reader_of(&self, file: &Path) -> rusqlite::Result<Connection> {
        let connection = self.open(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        connection.pragma_update(None, "query_only", true)?;
        connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        Ok(connection)
    }

    fn open(&self, file: &Path, flags: OpenFlags) -> rusqlite::Result<Connection> {
        if is_log_alone(file) {
            let damaged = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_NOTADB);
            return Err(rusqlite::Error::SqliteFailure(damaged, Some(LOG_ALONE.to_owned())));
        }
        // Each connection is used by one thread at a time.
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match &self.vfs {
            Some(vfs) => Connection::open_with_flags_and_vfs(file, flags, vfs.as_str())?,
            None => Connection::open_with_flags(file, flags)?,
        };
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        // Only another program that holds a lock can make this wait.
        connection.busy_timeout(BUSY)?;
        Ok(connection)
    }
}

/// Whether a database file is empty or missing while its log is not. SQLite would delete the log at the first read,
/// even through a connection that only reads. The file is not opened for this: see `header.rs`.
pub(super) fn is_log_alone(file: &Path) -> bool {
    let bytes = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    bytes(file) == 0 && bytes(&log_of(file)) > 0
}

/// The log of a database file.
pub(super) fn log_of(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

/// What is wrong with a file that has only its log.
pub(super) const LOG_ALONE: &str = "it is empty, but its log is not";

/// What is wrong with a file of a newer version.
pub(super) const FORBIDS_WRITING: &str = "its header says that it cannot be written";

/// The smallest `bytes_max` in bytes: empty tables and room to work.
pub(super) const BYTES_MIN: u64 = 1 << 20;

/// Size in bytes to which the log is cut after it was moved into the database file.
const WAL_KEPT_BYTES: i64 = 16 << 20;

/// Memory for pages, in KiB: the writer's, and that of each reader.
const CACHE_KIB: i64 = 16 << 10;
const READER_CACHE_KIB: i64 = 2 << 10;

/// How long a lock of a program from outside is waited for.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// What an error at opening means. The statements that open a journal fit every journal, so if SQLite cannot run one in
/// a file that says that it is a journal, the file is damaged.
pub(super) fn meaning_at_open(error: &rusqlite::Error, is_journal: bool) -> StoreError {
    let is_about_statement =
        error.sqlite_error_code() == Some(ErrorCode::Unknown) || matches!(error, rusqlite::Error::SqlInputError { .. });
    if is_journal && is_about_statement { StoreError::Damaged(error.to_string()) } else { meaning(error) }
}

/// What an error of SQLite means for a journal.
pub(super) fn meaning(error: &rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => match failure.code {
            ErrorCode::DiskFull => StoreError::DiskFull,
            ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Damaged(error.to_string()),
            // The host gives all numbers itself: a row that exists already, or a value that is missing, is damage.
            ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch => StoreError::Damaged(error.to_string()),
            _ => StoreError::Failed(error.to_string()),
        },
        // Only damage puts another type, or text that is not UTF-8, into a column.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::Utf8Error(..)
        | rusqlite::Error::InvalidColumnType(..) => StoreError::Damaged(error.to_string()),
        _ => StoreError::Failed(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sqlite_that_loses_commits_is_refused() {
        assert!(check_version(3_051_003, "3.51.3").is_ok());
        let error = check_version(3_051_002, "3.51.2").expect_err("too old");
        assert!(error.to_string().starts_with("SQLite 3.51.2 can lose commits"), "{error}");
        assert!(check_version(rusqlite::version_number(), rusqlite::version()).is_ok(), "the one that is built in");
    }
}
