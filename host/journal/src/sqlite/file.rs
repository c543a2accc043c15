//! Opens a journal's file. One that is damaged is set aside first, and what can be read of it goes into a new one.

use std::sync::Arc;

use rusqlite::Connection;

use super::connection::{FORBIDS_WRITING, Place, log_of, meaning_at_open};
use super::salvage::{self, salvage};
use super::schema::{self, FORMAT, Format};
use super::{aside, log};
use crate::error::{OpenError, StoreError};
use crate::folder;
use crate::store::Salvaged;

/// Opens the file for writing, or creates it. With what was salvaged if it was damaged, or if that was interrupted
/// before. `is_journal`: the file is known to be a journal.
///
/// Nothing here opens the file without SQLite: readers of this process may be using it (see `header.rs`).
pub(super) fn open(
    place: &Place,
    bytes_max: u64,
    now: i64,
    is_journal: bool,
) -> Result<(Connection, Option<Salvaged>), OpenError> {
    let unusable = |source| folder::unusable(&place.folder, source);
    let mut salvaged = None;
    if !place.file().try_exists().map_err(unusable)?
        && let Some(name) = aside::unfinished(place).map_err(unusable)?
    {
        salvaged = Some(replace(place, bytes_max, &name)?);
    }
    match try_open(place, bytes_max, is_journal) {
        Ok(connection) => Ok((connection, salvaged)),
        Err(OpenError::Failed { source: StoreError::Damaged(what), .. }) => {
            let salvaged = set_aside(place, bytes_max, now, &what)?;
            Ok((try_open(place, bytes_max, true)?, Some(salvaged)))
        }
        Err(error) => Err(error),
    }
}

/// Keeps a copy of a log whose end cannot be used. To be called before the first connection is opened.
pub(super) fn look_at_log(place: &Place, now: i64) -> std::io::Result<Option<Salvaged>> {
    let path = log_of(&place.file());
    let lost = log::unusable_pages(&path)?;
    if lost == 0 {
        return Ok(None);
    }
    let name = aside::keep_log(place, &path, now)?;
    tracing::error!(
        file = name,
        pages = lost,
        "the end of the journal's log cannot be used: after a power failure, none of it \
         was acknowledged; otherwise it was damaged on disk, and what was acknowledged last may be missing"
    );
    Ok(Some(Salvaged { name: Some(name.into()), rows: 0, lost, is_log: true }))
}

/// Renames the file and replaces it by one with what can be read of it.
pub(super) fn set_aside(place: &Place, bytes_max: u64, now: i64, why: &str) -> Result<Salvaged, OpenError> {
    tracing::error!(
        "the journal's file is damaged ({why}): it is renamed, and what can be read is copied to a new file"
    );
    let unusable = |source| folder::unusable(&place.folder, source);
    let name = aside::set_aside(place, now).map_err(unusable)?;
    replace(place, bytes_max, &name)
}

/// Fills a new file from one that was set aside. Only when it is complete does it get its name, so an interruption has
/// it filled again.
fn replace(place: &Place, bytes_max: u64, name: &str) -> Result<Salvaged, OpenError> {
    fill(place, bytes_max, Some(name), |new| salvage(place, &place.folder.join(name), new))
}

/// Fills a new file from one that has no name any more.
pub(super) fn copy(place: &Place, bytes_max: u64, old: &Connection) -> Result<Salvaged, OpenError> {
    fill(place, bytes_max, None, |new| salvage::copy(old, new))
}

fn fill(
    place: &Place,
    bytes_max: u64,
    name: Option<&str>,
    rows: impl FnOnce(&Connection) -> (u64, u64),
) -> Result<Salvaged, OpenError> {
    let unusable = |source| folder::unusable(&place.folder, source);
    let failed = |error: rusqlite::Error| failure(place, &error, false);
    let new = aside::new_file(place).map_err(unusable)?;
    let mut connection = place.open_writer_of(&new, bytes_max).map_err(failed)?;
    schema::migrate(&mut connection, 0).map_err(failed)?;
    let (rows, lost) = rows(&connection);
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(())).map_err(failed)?;
    connection.close().map_err(|(_, error)| failed(error))?;
    aside::take_its_place(place, &new).map_err(unusable)?;
    Ok(Salvaged { name: name.map(Arc::from), rows, lost, is_log: false })
}

fn try_open(place: &Place, bytes_max: u64, is_journal: bool) -> Result<Connection, OpenError> {
    let unusable = |source| folder::unusable(&place.folder, source);
    folder::create_private(&place.file()).map_err(unusable)?;
    let mut connection = place.open_writer(bytes_max).map_err(|error| failure(place, &error, is_journal))?;
    let is_journal = is_journal || schema::is_journal(&connection);
    let failed = |error: rusqlite::Error| failure(place, &error, is_journal);
    let format = schema::format(&connection).map_err(failed)?;
    if !matches!(format, Format::Newer(_) | Format::Foreign) && connection.is_readonly("main").map_err(failed)? {
        // SQLite falls back to reading if it may not write, and reads a file of a newer version.
        folder::check_writable(&place.file()).map_err(unusable)?;
        return Err(damaged(place, FORBIDS_WRITING));
    }
    match format {
        Format::Known(done) => {
            schema::migrate(&mut connection, done).map_err(failed)?;
            check(&connection, place)?;
            Ok(connection)
        }
        Format::Newer(found) => Err(OpenError::Newer { folder: place.folder.clone(), found, known: FORMAT }),
        Format::Foreign => Err(OpenError::NotAJournal { path: place.file() }),
        Format::Damaged(what) => Err(damaged(place, what)),
    }
}

/// Whether the tables are those that this host has made. With others, each statement could fail, for ever.
fn check(connection: &Connection, place: &Place) -> Result<(), OpenError> {
    let failed = |error: rusqlite::Error| failure(place, &error, true);
    let mut fresh = Connection::open_in_memory().map_err(failed)?;
    schema::migrate(&mut fresh, 0).map_err(failed)?;
    let is_right = schema::text(connection).map_err(failed)? == schema::text(&fresh).map_err(failed)?;
    if is_right { Ok(()) } else { Err(damaged(place, "its tables are not those of a journal")) }
}

fn damaged(place: &Place, what: &str) -> OpenError {
    OpenError::Failed { folder: place.folder.clone(), source: StoreError::Damaged(what.to_owned()) }
}

/// What an error at opening means.
fn failure(place: &Place, error: &rusqlite::Error, is_journal: bool) -> OpenError {
    let folder = place.folder.clone();
    if let rusqlite::Error::SqliteFailure(failure, _) = error {
        use rusqlite::ErrorCode::{CannotOpen, PermissionDenied, ReadOnly};
        if matches!(failure.code, ReadOnly | PermissionDenied | CannotOpen) {
            return OpenError::ReadOnly { folder, source: std::io::Error::other(error.to_string()) };
        }
    }
    OpenError::Failed { folder, source: meaning_at_open(error, is_journal) }
}
