//! What the layout promises, held against the files: no import cycles, which crate may know which, how long files and
//! functions are.

mod crates;
mod cycles;
mod modules;
mod sizes;

use std::path::{Path, PathBuf};

/// The top of the repository.
fn repository() -> &'static Path {
    harness::guests::repository()
}

/// The folders of the workspace's crates, apart from this one: `tests` is looked at by nobody from outside.
fn crate_folders() -> Vec<PathBuf> {
    let members = crates::members();
    let folders = members.iter().filter(|member| member.name != "callgate-tests").map(|member| member.folder.clone());
    folders.collect()
}

/// All Rust files below a folder, sorted; not those that a build or npm has put there.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("it can be read").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() && !name.starts_with('.') && !["target", "node_modules"].contains(&name.as_str()) {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A path as it is written from the top of the repository.
fn shown(path: &Path) -> String {
    path.strip_prefix(repository()).unwrap_or(path).display().to_string()
}
