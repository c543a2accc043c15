//! Files that the commands write.

use std::path::Path;

use callgate_terminal::{Exit, Failure};

/// Writes a file. `instead` says what the user can do if that fails.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn write(path: &Path, bytes: &[u8], instead: &str) -> Result<(), Failure> {
    written(path, std::fs::write(path, bytes), instead)
}

/// Writes a file, and makes the folders around it.
///
/// # Errors
/// If one of them cannot be made, or the file cannot be written.
pub(crate) fn create(path: &Path, bytes: &[u8], instead: &str) -> Result<(), Failure> {
    let folders = path.parent().map_or(Ok(()), std::fs::create_dir_all);
    written(path, folders.and_then(|()| std::fs::write(path, bytes)), instead)
}

fn written(path: &Path, result: std::io::Result<()>, instead: &str) -> Result<(), Failure> {
    result.map_err(|error| {
        Failure::new(Exit::Other, anyhow::anyhow!("{} cannot be written ({error}): {instead}", path.display()))
    })
}
