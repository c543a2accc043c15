//! Rotation: a file is renamed when it is full or its period is over. The number of rotated files can be limited.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use time::OffsetDateTime;
use time::format_description::BorrowedFormatItem;
use time::macros::format_description;

use super::folder::{folder, sync_folder};

/// When a file is rotated; by default never.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Before it would be larger than this, in bytes. `None`: its size does not matter. A batch of lines that is larger
    /// by itself gets a file of its own.
    pub bytes_max: Option<u64>,
    /// When a period of this length ends; periods count from 1970-01-01 UTC, so that hours begin at full hours. `None`:
    /// time does not matter.
    pub period: Option<Duration>,
    /// Maximum number of rotated files; the oldest are deleted. `None`: no maximum.
    pub kept_max: Option<usize>,
}

impl Rotation {
    /// Whether a file of this many bytes, last written at this time, is renamed before `more` bytes are written.
    pub(super) fn is_due(&self, bytes: u64, written: Option<Duration>, more: u64, now: Duration) -> bool {
        let is_full = self.bytes_max.is_some_and(|max| bytes > 0 && bytes.saturating_add(more) > max);
        let period = |at: Duration, length: Duration| at.as_millis() / length.as_millis().max(1);
        let is_over = match (self.period, written) {
            (Some(length), Some(written)) => period(written, length) < period(now, length),
            _ => false,
        };
        is_full || is_over
    }
}

/// The time in the name of a renamed file: names sort by age.
const STAMP: &[BorrowedFormatItem<'_>] = format_description!("[year][month][day]T[hour][minute][second]Z");

/// Length of [`STAMP`] as a text.
const STAMP_CHARACTERS: usize = 16;

/// Renames the file to its name, a dot and the time (`records.jsonl.20261126T031433Z`), with a number behind it if
/// there is one of the same second; then deletes the oldest that are too many.
pub(super) fn rotate(path: &Path, rotation: Rotation, now: Duration) -> io::Result<()> {
    let seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let stamp = OffsetDateTime::from_unix_timestamp(seconds).ok().and_then(|now| now.format(STAMP).ok());
    let stamp = stamp.unwrap_or_else(|| "99991231T235959Z".to_owned());
    let mut name = with_suffix(path, &stamp);
    // Of one second: rare, and bounded by what is in the folder.
    let mut number = 1_u32;
    while name.try_exists()? {
        name = with_suffix(path, &format!("{stamp}.{number:06}"));
        number = number.saturating_add(1);
    }
    std::fs::rename(path, &name)?;
    sync_folder(folder(path))?;
    if let Some(kept_max) = rotation.kept_max {
        // A file that cannot be deleted is not lost data: the next rotation tries again.
        if let Err(error) = delete_oldest(path, kept_max) {
            tracing::warn!(file = %path.display(), "old rotated files cannot be deleted: {error}");
        }
    }
    Ok(())
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}

/// Deletes the oldest renamed files beyond `kept_max`. Only names that [`rotate`] gives count.
fn delete_oldest(path: &Path, kept_max: usize) -> io::Result<()> {
    let Some(own) = path.file_name() else { return Ok(()) };
    let mut found: Vec<OsString> = Vec::new();
    for entry in std::fs::read_dir(folder(path))? {
        let name = entry?.file_name();
        if is_rotated(&own.to_string_lossy(), &name.to_string_lossy()) {
            found.push(name);
        }
    }
    found.sort();
    let too_many = found.len().saturating_sub(kept_max);
    for name in found.into_iter().take(too_many) {
        std::fs::remove_file(path.with_file_name(name))?;
    }
    Ok(())
}

/// Whether `name` is one that [`rotate`] gives a file called `own`.
fn is_rotated(own: &str, name: &str) -> bool {
    let Some(suffix) = name.strip_prefix(own).and_then(|rest| rest.strip_prefix('.')) else { return false };
    let (stamp, number) = suffix.split_once('.').unwrap_or((suffix, "0"));
    let is_stamp = stamp.len() == STAMP_CHARACTERS
        && stamp.bytes().enumerate().all(|(at, byte)| match at {
            8 => byte == b'T',
            15 => byte == b'Z',
            _ => byte.is_ascii_digit(),
        });
    is_stamp && !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_full_or_its_period_over_at_the_edge() {
        let by_size = Rotation { bytes_max: Some(100), ..Rotation::default() };
        let now = Duration::from_secs(7200);
        assert!(!by_size.is_due(90, Some(now), 10, now));
        assert!(by_size.is_due(90, Some(now), 11, now));
        assert!(!by_size.is_due(0, None, 1000, now), "an empty file is not renamed");
        let by_hour = Rotation { period: Some(Duration::from_secs(3600)), ..Rotation::default() };
        let before = now - Duration::from_millis(1);
        assert!(by_hour.is_due(1, Some(before), 1, now));
        assert!(!by_hour.is_due(1, Some(now), 1, now + Duration::from_millis(3_599_999)));
        assert!(!by_hour.is_due(1, Some(now), 1, before), "the clock was set back");
        assert!(!Rotation::default().is_due(u64::MAX, Some(Duration::ZERO), u64::MAX, now));
    }

    #[test]
    fn only_names_that_rotation_gives_are_deleted() {
        for (name, is_one) in [
            ("r.jsonl.20261126T031433Z", true),
            ("r.jsonl.20261126T031433Z.000001", true),
            ("r.jsonl.20261126T031433Z.", false),
            ("r.jsonl.20261126T031433Z.gz", false),
            ("r.jsonl.20261126x031433Z", false),
            ("r.jsonl.1", false),
            ("r.jsonl.bak", false),
            ("r.jsonl", false),
            ("other.20261126T031433Z", false),
        ] {
            assert_eq!(is_rotated("r.jsonl", name), is_one, "{name}");
        }
    }
}
