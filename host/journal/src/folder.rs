//! The folder of a journal: private, and used by one host at a time.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::Path;
use std::time::Duration;

use crate::error::OpenError;

/// The name of the file that a host holds a lock on.
const LOCK: &str = "journal.lock";

/// The right to use a folder; it ends with this value, or with the process.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Lock {
    /// Locks the folder again if its lock was removed or renamed, because another host could lock it otherwise.
    /// Recreates the folder if it is missing.
    pub(crate) fn renew(&mut self, folder: &Path) -> Result<(), OpenError> {
        let mine = self.file.metadata().map_err(|source| unusable(folder, source))?;
        if identity(&folder.join(LOCK)) != identity_of(&mine) {
            prepare(folder)?;
            *self = lock(folder)?;
        }
        Ok(())
    }
}

/// Creates the folder if there is none, and makes it private.
///
/// # Errors
/// If that is not possible, or if others can read the folder and it holds other files than a journal: a private folder
/// would lock out its other users.
pub(crate) fn prepare(folder: &Path) -> Result<(), OpenError> {
    create(folder).map_err(|source| unusable(folder, source))?;
    let metadata = std::fs::metadata(folder).map_err(|source| unusable(folder, source))?;
    if !metadata.is_dir() {
        return Err(unusable(folder, io::ErrorKind::NotADirectory.into()));
    }
    make_private(folder, &metadata)
}

/// Locks the folder for this process. The kernel ends the lock with the process, however that ends, so a lock file that
/// is left behind locks no host out, and process numbers mean nothing: in containers, all hosts may have the same.
pub(crate) fn lock(folder: &Path) -> Result<Lock, OpenError> {
    let path = folder.join(LOCK);
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    private(&mut options);
    let mut file = options.open(&path).map_err(|source| unusable(folder, source))?;
    match lock_soon(&file) {
        Ok(()) => {}
        Err(std::fs::TryLockError::WouldBlock) => {
            let mut by = String::new();
            let _ = file.take(200).read_to_string(&mut by);
            return Err(OpenError::InUse { folder: folder.to_owned(), by: by.trim().to_owned() });
        }
        Err(std::fs::TryLockError::Error(source)) => return Err(unusable(folder, source)),
    }
    // For the message of a second host; nothing depends on it.
    let _ = file.set_len(0).and_then(|()| file.rewind()).and_then(|()| writeln!(file, "{}", about_this_process()));
    Ok(Lock { file })
}

/// Retries for a moment: a child process that is just being started holds the lock of its parent until `exec`.
fn lock_soon(file: &File) -> Result<(), std::fs::TryLockError> {
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Err(std::fs::TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            other => return other,
        }
    }
    file.try_lock()
}

/// How often and how far apart.
const LOCK_TRIES: u32 = 20;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

fn about_this_process() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let pid = std::process::id();
    match name.trim() {
        "" => format!("process {pid}"),
        name => format!("process {pid} on {name}"),
    }
}

/// Creates an empty file that only this user may read, if there is none: SQLite gives its other files the same rights.
///
/// A file that exists is not opened: closing it would drop the locks that SQLite holds on it in this process.
pub(crate) fn create_private(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    private(&mut options);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        result => result.map(drop),
    }
}

/// Checks that this process may write to a file, without opening it.
#[cfg(unix)]
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(path, rustix::fs::Access::WRITE_OK)?)
}

#[cfg(not(unix))]
pub(crate) fn check_writable(path: &Path) -> io::Result<()> {
    match std::fs::metadata(path)?.permissions().readonly() {
        true => Err(io::ErrorKind::PermissionDenied.into()),
        false => Ok(()),
    }
}

/// Which file has this path: its device and number. `None`: no file, or a system that does not tell.
pub(crate) fn identity(path: &Path) -> Option<(u64, u64)> {
    std::fs::metadata(path).ok().as_ref().and_then(identity_of)
}

#[cfg(unix)]
fn identity_of(metadata: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;
    Some((metadata.dev(), metadata.ino()))
}

#[cfg(not(unix))]
fn identity_of(_metadata: &Metadata) -> Option<(u64, u64)> {
    None
}

/// The error for a folder that cannot be used.
pub(crate) fn unusable(folder: &Path, source: io::Error) -> OpenError {
    let folder = folder.to_owned();
    match source.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => OpenError::ReadOnly { folder, source },
        _ => OpenError::Folder { folder, source },
    }
}

#[cfg(unix)]
fn create(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600);
}

/// Checks that a folder may be made private: it holds a journal, or nothing.
#[cfg(unix)]
fn is_alone(folder: &Path) -> Result<(), OpenError> {
    let mut other = None;
    for entry in std::fs::read_dir(folder).map_err(|source| unusable(folder, source))? {
        let name = entry.map_err(|source| unusable(folder, source))?.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("journal.") {
            return Ok(());
        }
        // On new file systems.
        if name != "lost+found" {
            other.get_or_insert_with(|| name.into_owned());
        }
    }
    match other {
        Some(other) => Err(OpenError::NotAlone { folder: folder.to_owned(), other }),
        None => Ok(()),
    }
}

/// Checks that the lock in this folder, if it is there, is a file that can be opened. Nothing is locked.
fn check_lock(folder: &Path) -> Result<(), OpenError> {
    match OpenOptions::new().read(true).write(true).open(folder.join(LOCK)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            let text = format!("its file {LOCK} cannot be opened: {error}");
            Err(unusable(folder, io::Error::new(error.kind(), text)))
        }
        _ => Ok(()),
    }
}

/// Checks, without changing anything, that a folder that exists may be made private for a journal.
///
/// # Errors
/// If it may not be made private, cannot be read, or has a lock that cannot be used.
pub fn check_folder(folder: &Path) -> Result<(), OpenError> {
    check_lock(folder)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let found = std::fs::metadata(folder).map_err(|source| unusable(folder, source))?;
        if found.permissions().mode() & 0o077 != 0 {
            return is_alone(folder);
        }
    }
    Ok(())
}

/// A folder of this user is made private. One of another user, such as a volume's, is used if only its owner and
/// its group may write to it, because the files in it are private themselves.
#[cfg(unix)]
fn make_private(folder: &Path, metadata: &Metadata) -> Result<(), OpenError> {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let mode = metadata.permissions().mode() & 0o7777;
    if metadata.uid() == rustix::process::geteuid().as_raw() {
        if mode & 0o077 != 0 {
            is_alone(folder)?;
            let permissions = std::fs::Permissions::from_mode(0o700);
            std::fs::set_permissions(folder, permissions).map_err(|source| unusable(folder, source))?;
            tracing::info!(folder = %folder.display(), "the journal's folder is private now (0700)");
        }
        return Ok(());
    }
    if mode & 0o002 != 0 {
        let why = "it belongs to another user, and all users may write to it";
        return Err(OpenError::NotPrivate { folder: folder.to_owned(), why });
    }
    Ok(())
}

#[cfg(not(unix))]
fn create(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)
}

#[cfg(not(unix))]
fn private(_options: &mut OpenOptions) {}

#[cfg(not(unix))]
fn make_private(_folder: &Path, _metadata: &Metadata) -> Result<(), OpenError> {
    Ok(())
}
