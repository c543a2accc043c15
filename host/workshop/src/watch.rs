//! Repeats a command after each change of a file, for `build --watch` and `test --watch`.
//!
//! Files are polled twice a second: that works on every system and every kind of mount, and a crate has few files.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use callgate_terminal::{self as terminal, Failure};

const INTERVAL: Duration = Duration::from_millis(500);

/// Runs `once`, and again after each change of a file in these folders, until the process is killed. Failures are
/// printed.
pub(crate) fn run(folders: &[PathBuf], mut once: impl FnMut() -> Result<(), Failure>) -> Result<(), Failure> {
    loop {
        // Taken before, so that changes during the run are noticed.
        let seen = files(folders);
        if let Err(failure) = once() {
            terminal::print_failure(&failure);
        }
        let _ = writeln!(std::io::stderr(), "waiting for a change: Ctrl-C ends this");
        while files(folders) == seen {
            std::thread::sleep(INTERVAL);
        }
    }
}

/// When each file was last written. Hidden files and cargo's output are left out.
fn files(folders: &[PathBuf]) -> BTreeMap<PathBuf, SystemTime> {
    let mut files = BTreeMap::new();
    let mut left: Vec<PathBuf> = folders.to_vec();
    while let Some(folder) = left.pop() {
        // An unreadable folder counts as empty: the build will say why.
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            match entry.metadata() {
                // Does not follow links, which may form cycles.
                Ok(metadata) if metadata.is_dir() && is_source(&path) => left.push(path),
                Ok(metadata) if metadata.is_file() => {
                    files.insert(path, metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH));
                }
                _ => {}
            }
        }
    }
    files
}

fn is_source(folder: &Path) -> bool {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    // Cargo marks the folders that it builds into.
    !name.starts_with('.') && !folder.join("CACHEDIR.TAG").exists()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_or_hidden_is_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        for file in ["src/lib.rs", "target/CACHEDIR.TAG", "target/x.wasm", ".git/HEAD", "callbacks/a.request.json"] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let files = files(&[folder.path().to_owned()]);
        let names: Vec<_> = files.keys().map(|path| path.strip_prefix(folder.path()).unwrap()).collect();
        assert_eq!(names, [Path::new("callbacks/a.request.json"), Path::new("src/lib.rs")]);
    }
}
