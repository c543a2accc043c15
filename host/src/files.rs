//! Files that settings name: what was read from them, and whether they may have changed since.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use callgate_sandbox::sha256;
use callgate_terminal::read_file;

/// A file as it was when it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The key that names it; empty for the settings file itself.
    pub(crate) key: String,
    /// The file.
    pub(crate) path: PathBuf,
    /// Its metadata before it was read; `None`: not available.
    pub(crate) stamp: Option<Stamp>,
    /// The SHA-256 of what was in it; `None`: it could not be read.
    pub(crate) sha256: Option<String>,
    /// Whether it contains a secret.
    pub(crate) is_secret: bool,
}

/// What tells whether a file may have changed without reading it. Another file at the same path, such as behind a
/// symbolic link that was changed, has another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    device: u64,
    inode: u64,
    bytes: u64,
    modified: Option<SystemTime>,
    changed: (i64, i64),
    /// Whether its last change was long enough before the check that another change would show in its times.
    pub(crate) is_settled: bool,
}

/// Clocks of file systems may be this coarse: a change within it after another one may not show.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

impl Seen {
    /// Reads a file of at most `bytes_max` bytes that `key` names, or its stored copy, if there is one.
    pub(crate) fn read(key: &str, path: &Path, bytes_max: u64, kept: Option<&Kept>) -> (Self, io::Result<Vec<u8>>) {
        let (stamp, bytes) = match kept.and_then(|kept| kept.read(path, bytes_max)) {
            Some(bytes) => (None, bytes),
            None => (Stamp::of(path), read_file(path, bytes_max)),
        };
        let sum = bytes.as_ref().ok().map(|bytes| sha256(bytes));
        (Self { key: key.to_owned(), path: path.to_owned(), stamp, sha256: sum, is_secret: false }, bytes)
    }

    /// A settings file that this text was in, as far as is known.
    pub(crate) fn of_text(path: &Path, text: &str) -> Self {
        let sum = sha256(text.as_bytes());
        Self { key: String::new(), path: path.to_owned(), stamp: None, sha256: Some(sum), is_secret: false }
    }

    /// Whether what is in the file now is certainly the same, without reading it.
    pub(crate) fn is_untouched(&self) -> bool {
        self.stamp.is_some_and(|stamp| stamp.is_settled && Stamp::of(&self.path).is_some_and(|now| now.is_like(&stamp)))
    }
}

/// Copies of files as they once were, each under the SHA-256 of its contents.
#[derive(Debug, Clone, Default)]
pub(crate) struct Kept {
    /// The folder of the copies.
    pub(crate) folder: PathBuf,
    /// The SHA-256 of each file.
    pub(crate) files: BTreeMap<PathBuf, String>,
}

impl Kept {
    /// The contents of this file; `None`: not stored, so the file itself counts.
    fn read(&self, path: &Path, bytes_max: u64) -> Option<io::Result<Vec<u8>>> {
        let sum = self.files.get(path)?;
        let found = read_file(&self.folder.join(sum), bytes_max).map_err(|error| {
            io::Error::new(error.kind(), format!("its stored copy {}: {error}", self.folder.join(sum).display()))
        });
        let is_whole = |bytes: Vec<u8>| match sha256(&bytes) == *sum {
            true => Ok(bytes),
            false => Err(io::Error::other(format!("its stored copy {sum} was modified: delete it"))),
        };
        Some(found.and_then(is_whole))
    }
}

impl Stamp {
    /// What the system says of the file at this path, behind all symbolic links.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let found = std::fs::metadata(path).ok()?;
        let modified = found.modified().ok();
        let (device, inode, changed) = identity(&found);
        let changed_at =
            u64::try_from(changed.0).ok().map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let now = SystemTime::now();
        let is_old = |at: SystemTime| now.duration_since(at).is_ok_and(|age| age >= SETTLED_AFTER);
        let is_settled = modified.is_some_and(is_old) && changed_at.is_none_or(is_old);
        Some(Self { device, inode, bytes: found.len(), modified, changed, is_settled })
    }

    /// Whether both are of the same contents, as far as that shows.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        Self { is_settled: other.is_settled, ..*self } == *other
    }
}

/// Device, inode, and ctime, which programs cannot set.
#[cfg(unix)]
fn identity(found: &Metadata) -> (u64, u64, (i64, i64)) {
    use std::os::unix::fs::MetadataExt as _;
    (found.dev(), found.ino(), (found.ctime(), found.ctime_nsec()))
}

/// Elsewhere sizes and times have to do.
#[cfg(not(unix))]
fn identity(_: &Metadata) -> (u64, u64, (i64, i64)) {
    (0, 0, (0, 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn another_file_at_the_same_path_and_a_fresh_one_are_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("words"), folder.path().join("other"));
        std::fs::write(&path, "one").unwrap();
        let (seen, bytes) = Seen::read("k", &path, 100, None);
        assert_eq!(bytes.unwrap(), b"one");
        assert!(!seen.is_untouched(), "it was written just now: it may be written again without a sign");
        let stamp = seen.stamp.unwrap();
        assert!(Stamp::of(&path).unwrap().is_like(&stamp));
        std::fs::write(&other, "two").unwrap();
        std::fs::rename(&other, &path).unwrap();
        assert!(!Stamp::of(&path).unwrap().is_like(&stamp));
        std::fs::remove_file(&path).unwrap();
        assert_eq!(Stamp::of(&path), None);
        let settled = Seen { stamp: Some(Stamp { is_settled: true, ..stamp }), ..seen };
        assert!(!settled.is_untouched());
    }
}
