//! The files of a journal that were damaged, under other names.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::connection::{FILE, Place, log_of};
use crate::folder;

/// How the names of files begin that were set aside; a time and `SUFFIX` follow.
const PREFIX: &str = "journal-damaged-";
const SUFFIX: &str = ".sqlite3";

/// The suffix of a WAL that was renamed without its database.
const LOG_SUFFIX: &str = ".log";

/// The name of a file that is being filled.
const NEW: &str = "journal-new.sqlite3";

/// Maximum number of renamed files, for inspection; older ones are deleted, or a failing disk would fill up.
const KEPT_MAX: usize = 8;

/// Gives the journal's files other names, with the time, and returns that of the database file.
///
/// The database file goes first: an interruption leaves a log without one, which `unfinished` finds.
pub(super) fn set_aside(place: &Place, now_unix_ms: i64) -> io::Result<String> {
    let name = free_name(place, now_unix_ms, SUFFIX)?;
    std::fs::rename(place.file(), place.folder.join(&name))?;
    move_log(place, &name)?;
    sync(&place.folder)?;
    for old in all(place)?.iter().rev().skip(KEPT_MAX) {
        tracing::warn!(file = %old, "an old damaged file of the journal is deleted");
        remove(&place.folder.join(old))?;
    }
    Ok(name)
}

/// Keeps a copy of the log, whose end SQLite will not use and will overwrite. Returns its name.
pub(super) fn keep_log(place: &Place, log: &Path, now_unix_ms: i64) -> io::Result<String> {
    let name = free_name(place, now_unix_ms, LOG_SUFFIX)?;
    std::fs::copy(log, place.folder.join(&name))?;
    for old in all_with(place, LOG_SUFFIX)?.iter().rev().skip(KEPT_MAX) {
        gone(std::fs::remove_file(place.folder.join(old)))?;
    }
    Ok(name)
}

/// A name with the time that is not taken.
fn free_name(place: &Place, now_unix_ms: i64, suffix: &str) -> io::Result<String> {
    let time = name_of_time(now_unix_ms);
    let mut names = (1..1000).map(|number| match number {
        1 => format!("{PREFIX}{time}{suffix}"),
        number => format!("{PREFIX}{time}-{number}{suffix}"),
    });
    let free = names.find(|name| !place.folder.join(name).exists());
    free.ok_or_else(|| io::Error::other("there are too many files of damaged journals: delete some"))
}

/// The file that was renamed before a new one replaced it, if that was interrupted.
pub(super) fn unfinished(place: &Place) -> io::Result<Option<String>> {
    let Some(name) = all(place)?.pop() else { return Ok(None) };
    move_log(place, &name)?;
    Ok(Some(name))
}

/// The WAL must stay with its database file. The shared-memory file (`-shm`) is deleted: SQLite rebuilds it.
fn move_log(place: &Place, name: &str) -> io::Result<()> {
    let log = place.folder.join(format!("{FILE}-wal"));
    let moved = place.folder.join(format!("{name}-wal"));
    if log.try_exists()? && !moved.try_exists()? {
        std::fs::rename(log, moved)?;
    }
    gone(std::fs::remove_file(place.folder.join(format!("{FILE}-shm"))))
}

/// All names of files that were set aside, the oldest first.
fn all(place: &Place) -> io::Result<Vec<String>> {
    all_with(place, SUFFIX)
}

fn all_with(place: &Place, suffix: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&place.folder)? {
        if let Ok(name) = entry?.file_name().into_string()
            && name.starts_with(PREFIX)
            && name.ends_with(suffix)
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// An empty file to be filled.
pub(super) fn new_file(place: &Place) -> io::Result<PathBuf> {
    let new = place.folder.join(NEW);
    remove(&new)?;
    folder::create_private(&new)?;
    Ok(new)
}

/// Makes the file that was filled the journal's file.
pub(super) fn take_its_place(place: &Place, new: &Path) -> io::Result<()> {
    // SQLite would apply the WAL of a removed file to the new one.
    gone(std::fs::remove_file(log_of(&place.file())))?;
    remove_shared(&place.file())?;
    std::fs::rename(new, place.file())?;
    sync(&place.folder)
}

/// Removes a database file with what belongs to it.
pub(super) fn remove(file: &Path) -> io::Result<()> {
    for end in ["", "-wal", "-shm"] {
        let mut name = file.as_os_str().to_owned();
        name.push(end);
        gone(std::fs::remove_file(PathBuf::from(name)))?;
    }
    Ok(())
}

/// Removes what readers of a database file share; it is made again when it is needed.
pub(super) fn remove_shared(file: &Path) -> io::Result<()> {
    let mut name = file.as_os_str().to_owned();
    name.push("-shm");
    gone(std::fs::remove_file(PathBuf::from(name)))
}

fn gone(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Names reach the disk with their folder.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

/// A time as names have it: `20261126T031132Z`.
fn name_of_time(unix_ms: i64) -> String {
    let seconds = unix_ms.div_euclid(1000);
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // From days since 1970 to a date: the calendar repeats every 400 years, counted from March.
    let shifted = days + 719_468;
    let (era, day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    format!("{year:04}{month:02}{day:02}T{hour:02}{minute:02}{second:02}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_the_time() {
        assert_eq!(name_of_time(0), "19700101T000000Z");
        assert_eq!(name_of_time(951_782_399_999), "20000228T235959Z");
        assert_eq!(name_of_time(951_782_400_000), "20000229T000000Z");
        assert_eq!(name_of_time(1_795_662_692_000), "20261126T031132Z");
    }
}
