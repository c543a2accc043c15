//! The folder of the cache, as an open descriptor: what was checked is what is used.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, Stat, Timespec, Timestamps, UTIME_NOW};

use super::entry::{Entry, NotOpen};

/// A folder that belongs to this process's user, and that no one else may write to.
#[derive(Debug)]
pub(super) struct Folder(OwnedFd);

impl Folder {
    /// Opens the folder, creating it with access for this user only.
    ///
    /// It may be a link, such as systemd creates for a `CacheDirectory` with `DynamicUser`. From here on only the open
    /// descriptor is used, and it is what the privacy check examines.
    pub(super) fn open(path: &Path) -> Result<Self, NotOpen> {
        use std::os::unix::fs::DirBuilderExt as _;
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(path, flags, Mode::empty()).map_err(io::Error::from)?;
        let stat = rustix::fs::fstat(&folder).map_err(io::Error::from)?;
        is_private(&stat).map_err(NotOpen::NotPrivate)?;
        Ok(Self(folder))
    }

    /// The bytes of a file, read once. It must be private, too, and have no more bytes than this.
    pub(super) fn read(&self, name: &str, bytes_max: u64) -> io::Result<Vec<u8>> {
        // Does not follow a link, and does not block on a pipe.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.0, name, flags, Mode::empty())?;
        let stat = rustix::fs::fstat(&file)?;
        let bytes = bytes(&stat);
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile
            || is_private(&stat).is_err()
            || bytes > bytes_max
        {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let mut entry = Vec::with_capacity(usize::try_from(bytes).unwrap_or(0));
        let mut file = File::from(file);
        io::Read::by_ref(&mut file).take(bytes).read_to_end(&mut entry)?;
        // The modification time records the last use. If it cannot be set, the entry is merely evicted sooner.
        let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
        let _ = rustix::fs::futimens(&file, &Timestamps { last_access: now, last_modification: now });
        Ok(entry)
    }

    /// Writes a file under a temporary name first, so that a partial one never appears under its own name.
    pub(super) fn write(&self, unfinished: &str, name: &str, bytes: &[u8]) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&self.0, unfinished, flags, Mode::RUSR | Mode::WUSR)?;
        let mut file = File::from(file);
        // Not synced to disk: whatever a power failure leaves fails the SHA-256 check.
        let written =
            file.write_all(bytes).and_then(|()| Ok(rustix::fs::renameat(&self.0, unfinished, &self.0, name)?));
        if written.is_err() {
            // Only the first error matters; a later start cleans up the rest.
            let _ = self.remove(unfinished);
        }
        written
    }

    /// Those of the first `names_max` files whose names are wanted.
    pub(super) fn entries(&self, names_max: usize, is_wanted: impl Fn(&str) -> bool) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for name in Dir::read_from(&self.0)?.take(names_max) {
            let name = name?;
            let Some(name) = name.file_name().to_str().ok().filter(|name| is_wanted(name)) else { continue };
            // Another host may just have removed it.
            let Ok(stat) = rustix::fs::statat(&self.0, name, AtFlags::SYMLINK_NOFOLLOW) else { continue };
            let written = (stat.st_mtime, i64::try_from(stat.st_mtime_nsec).unwrap_or(0));
            entries.push(Entry { name: name.to_owned(), written, bytes: bytes(&stat) });
        }
        Ok(entries)
    }

    /// Removes a file; it may be gone already.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match rustix::fs::unlinkat(&self.0, name, AtFlags::empty()) {
            Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a file belongs to this process's user and no one else may write to it; if not, why. (An access list that
/// lets others write shows in the group bits.)
fn is_private(stat: &Stat) -> Result<(), &'static str> {
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err("it belongs to another user");
    }
    if Mode::from_raw_mode(stat.st_mode).intersects(Mode::WGRP | Mode::WOTH) {
        return Err("others may write to it");
    }
    Ok(())
}

fn bytes(stat: &Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(u64::MAX)
}
