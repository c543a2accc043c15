//! The folder of a file.

#[cfg(unix)]
use std::fs::File;
use std::io;
use std::path::Path;

/// The folder of a file.
pub(super) fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Forces the names in a folder to disk: a new file could be gone after a power cut otherwise.
#[cfg(unix)]
pub(super) fn sync_folder(folder: &Path) -> io::Result<()> {
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    match synced.as_ref().map_err(io::Error::kind) {
        // Not all file systems support it, and a user that may write to a folder may not be allowed to read it.
        Err(io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied) => Ok(()),
        _ => synced,
    }
}

#[cfg(not(unix))]
pub(super) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}
