//! Repeats a command after each change of a file, for `build --watch` and `test --watch`.
//!
//! Files are polled twice a second: that works on every system and every kind of mount, and a crate has few files.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use callgate_terminal::{self as terminal, Failure};

use crate::cargo;

const INTERVAL: Duration = Duration::from_millis(500);

/// Runs `once`, and again after each change of a file in these folders, until the process is ended. A failure is
/// printed and ends nothing. `written` is what `once` itself writes, besides what cargo builds.
pub(crate) fn run(
    folders: &[PathBuf],
    written: Option<&Path>,
    mut once: impl FnMut() -> Result<(), Failure>,
) -> Result<(), Failure> {
    // A target folder is marked as such only if cargo made it.
    let targets = folders.iter().filter_map(|folder| cargo::target_folder(folder).ok());
    let outputs: Vec<PathBuf> = targets.chain(written.map(Path::to_owned)).filter_map(|path| absolute(&path)).collect();
    let files = || files(folders, &outputs);
    loop {
        // Taken before: what is changed meanwhile counts.
        let seen = files();
        if let Err(failure) = once() {
            terminal::print_failure(&failure);
        }
        let _ = writeln!(std::io::stderr(), "waiting for a change: Ctrl-C ends this");
        while files() == seen {
            std::thread::sleep(INTERVAL);
        }
    }
}

/// The path from the root on; the file need not be there yet.
fn absolute(path: &Path) -> Option<PathBuf> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    Some(folder.canonicalize().ok()?.join(path.file_name()?))
}

/// When each file was written last. Outputs and what is hidden is left out.
fn files(folders: &[PathBuf], outputs: &[PathBuf]) -> BTreeMap<PathBuf, SystemTime> {
    let mut files = BTreeMap::new();
    let mut left: Vec<PathBuf> = folders.to_vec();
    while let Some(folder) = left.pop() {
        // An unreadable folder counts as empty: the build will say why.
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for entry in entries.flatten() {
            let path = entry.path();
            if entry.file_name().to_string_lossy().starts_with('.')
                || absolute(&path).is_some_and(|path| outputs.contains(&path))
            {
                continue;
            }
            match entry.metadata() {
                // Not behind links, which may lead in circles; nor where cargo builds.
                Ok(metadata) if metadata.is_dir() && !path.join("CACHEDIR.TAG").exists() => left.push(path),
                Ok(metadata) if metadata.is_file() => {
                    files.insert(path, metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH));
                }
                _ => {}
            }
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_built_or_hidden_is_not_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        for file in [
            "src/lib.rs",
            "src/.lib.rs.swp",
            "target/CACHEDIR.TAG",
            "target/x.wasm",
            "unmarked/x.wasm",
            "report.xml",
            ".git/HEAD",
            "callbacks/a.request.json",
        ] {
            let path = folder.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        let outputs = ["unmarked", "report.xml"].map(|name| absolute(&folder.path().join(name)).unwrap());
        let files = files(&[folder.path().to_owned()], &outputs);
        let names: Vec<_> = files.keys().map(|path| path.strip_prefix(folder.path()).unwrap()).collect();
        assert_eq!(names, [Path::new("callbacks/a.request.json"), Path::new("src/lib.rs")]);
    }
}
