//! Configurations that were in service, stored for a rollback: settings file, word lists, modules and signatures. Each
//! file is stored under the SHA-256 of its contents, so that configurations share files. Secrets are not stored.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use callgate_sandbox::sha256;
use callgate_terminal::{read_file, read_text};
use serde_json::{Value, json};

use crate::files::{Kept, Seen};
use crate::generation::Generation;
use crate::settings::Reload;

/// The folder with the stored configurations of one settings file.
#[derive(Debug)]
pub(crate) struct History {
    folder: PathBuf,
    keep: usize,
    bytes_max: u64,
}

/// A configuration that was in service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its number. The later it was put into service, the higher.
    pub number: u64,
    /// When it was put into service, in Unix milliseconds.
    pub unix_ms: u64,
    /// Names of its plugins.
    pub plugins: Vec<String>,
    /// The SHA-256 of each of its files.
    pub(crate) files: BTreeMap<PathBuf, String>,
}

/// Maximum size of the description of one configuration, in bytes.
const ENTRY_BYTES_MAX: u64 = 16 << 20;

/// Maximum size of a file that is stored, in bytes: the largest module that settings can allow.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// Why a configuration is not stored, and what to do.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    /// One of its files is not the one any more that it was built from.
    #[error(
        "{} has changed since it was read: reload when it does not change any more (`callgate reload`)", .0.display()
    )]
    Changed(PathBuf),
    /// The folder cannot be used.
    #[error("{0}: name another `folder` under [reload], or set `keep` to 0 there")]
    Folder(#[from] io::Error),
}

impl History {
    /// The folder for the settings file at `path`; `None`: nothing is stored.
    pub(crate) fn of(settings: &Reload, path: &Path) -> Option<Self> {
        if settings.keep == 0 || settings.keep_bytes_max == 0 {
            return None;
        }
        // Hosts with other settings may share the folder.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let name: String = sha256(path.as_os_str().as_encoded_bytes()).chars().take(16).collect();
        let folder = settings.folder.as_ref()?.join(name);
        Some(Self { folder, keep: settings.keep, bytes_max: settings.keep_bytes_max })
    }

    /// Keeps what is in service, and removes the oldest ones beyond the maxima. Returns its number; `None`: it alone is
    /// larger than all may be.
    ///
    /// # Errors
    /// If the folder cannot be written to, or a file has changed since the generation was built.
    pub(crate) fn keep(&self, generation: &Generation, unix_ms: u64) -> Result<Option<u64>, KeepError> {
        let settings = generation.settings();
        let modules = generation.modules().iter().flat_map(|module| module.file.iter().chain(&module.signature));
        let named = settings.seen.iter().filter(|seen| !seen.is_secret).chain(modules);
        let seen: Vec<&Seen> = named.filter(|seen| seen.sha256.is_some()).collect();
        let files = seen.iter().map(|seen| (seen.path.clone(), seen.sha256.clone().unwrap_or_default()));
        let files: BTreeMap<PathBuf, String> = files.collect();
        let mut entries = self.list();
        if let Some(newest) = entries.last().filter(|newest| newest.files == files) {
            return Ok(Some(newest.number));
        }
        create_private(&self.folder)?;
        for file in &seen {
            self.copy(file, settings.kept.as_deref())?;
        }
        let number = entries.last().map_or(0, |newest| newest.number) + 1;
        let plugins = settings.plugins.iter().map(|plugin| plugin.name.clone()).collect();
        let entry = Entry { number, unix_ms, plugins, files };
        write_private(&self.folder, &entry_name(number), as_json(&entry).to_string().as_bytes())?;
        entries.retain(|old| old.files != entry.files);
        entries.push(entry);
        self.prune(&entries)?;
        Ok(self.list().last().filter(|newest| newest.number == number).map(|newest| newest.number))
    }

    /// The stored configurations, the oldest first. Unreadable ones are skipped.
    pub(crate) fn list(&self) -> Vec<Entry> {
        let names = std::fs::read_dir(&self.folder).into_iter().flatten().flatten().map(|entry| entry.file_name());
        let numbers = names.filter_map(|name| name.to_str()?.strip_suffix(".json")?.parse::<u64>().ok());
        let mut entries: Vec<Entry> = numbers.filter_map(|number| self.entry(number)).collect();
        entries.sort_by_key(|entry| entry.number);
        entries
    }

    /// The copies of a stored configuration.
    pub(crate) fn open(&self, entry: &Entry) -> Kept {
        Kept { folder: self.folder.clone(), files: entry.files.clone() }
    }

    fn entry(&self, number: u64) -> Option<Entry> {
        let text = read_text(&self.folder.join(entry_name(number)), ENTRY_BYTES_MAX).ok()?;
        let value: Value = serde_json::from_str(&text).ok()?;
        let text = |value: &Value| value.as_str().map(str::to_owned);
        Some(Entry {
            number,
            unix_ms: value.get("unix_ms")?.as_u64()?,
            plugins: value.get("plugins")?.as_array()?.iter().filter_map(text).collect(),
            files: value
                .get("files")?
                .as_array()?
                .iter()
                .filter_map(|file| Some((text(file.get("path")?)?.into(), text(file.get("sha256")?)?)))
                .collect(),
        })
    }

    fn copy(&self, seen: &Seen, kept: Option<&Kept>) -> Result<(), KeepError> {
        let Some(sum) = &seen.sha256 else { return Ok(()) };
        if self.folder.join(sum).is_file() {
            return Ok(());
        }
        let (now, bytes) = Seen::read("", &seen.path, FILE_BYTES_MAX, kept);
        if now.sha256.as_ref() != Some(sum) {
            return Err(KeepError::Changed(seen.path.clone()));
        }
        Ok(write_private(&self.folder, sum, &bytes?)?)
    }

    /// Removes the oldest of these beyond the maxima, and what no other needs.
    fn prune(&self, entries: &[Entry]) -> io::Result<()> {
        let (mut bytes, mut needed, mut kept) = (0_u64, BTreeSet::new(), BTreeSet::new());
        let size = |sums: &BTreeSet<String>| -> u64 {
            sums.iter().map(|sum| std::fs::metadata(self.folder.join(sum)).map_or(0, |found| found.len())).sum()
        };
        let newest = entries.iter().rev().map(|entry| (entry, entry.files.values().cloned().collect::<BTreeSet<_>>()));
        // One that can never be kept is no reason to drop the others.
        let can_be_kept = newest.filter(|(_, sums)| size(sums) <= self.bytes_max);
        for (entry, sums) in can_be_kept.take(self.keep) {
            bytes = bytes.saturating_add(size(&sums.difference(&needed).cloned().collect()));
            if bytes > self.bytes_max {
                break;
            }
            needed.extend(sums);
            kept.insert(entry_name(entry.number));
        }
        for file in std::fs::read_dir(&self.folder)?.flatten() {
            let name = file.file_name().to_string_lossy().into_owned();
            let is_ours = name.ends_with(".json") || name.ends_with(UNFINISHED) || is_sum(&name);
            if is_ours && !needed.contains(&name) && !kept.contains(&name) {
                std::fs::remove_file(file.path())?;
            }
        }
        Ok(())
    }
}

/// The end of the name of a file that is being written.
const UNFINISHED: &str = ".unfinished";

fn is_sum(name: &str) -> bool {
    name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn entry_name(number: u64) -> String {
    format!("{number}.json")
}

fn as_json(entry: &Entry) -> Value {
    let files = entry.files.iter().map(|(path, sum)| json!({ "path": path, "sha256": sum }));
    json!({ "unix_ms": entry.unix_ms, "plugins": entry.plugins, "files": files.collect::<Vec<_>>() })
}

/// Creates a folder that only this user can read.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Writes a file that only this user can read, whole or not at all.
fn write_private(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let unfinished = folder.join(format!("{name}{UNFINISHED}"));
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_data()?;
    std::fs::rename(&unfinished, folder.join(name))?;
    // Read once more, because what cannot be read back is worth nothing when it is needed.
    read_file(&folder.join(name), bytes.len() as u64).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Host;
    use crate::settings::Settings;

    #[test]
    fn files_that_have_changed_are_told_apart_from_a_folder_that_cannot_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("host.toml");
        let write = |text: &str| {
            let top = "[journal]\noff = true\n[reload]\nfolder = \"kept\"\n[[platform]]\nkind = \"openim\"\n";
            std::fs::write(&path, format!("{top}{text}")).unwrap();
        };
        write("");
        let host = Host::start(Settings::load(&path).unwrap(), &mut ()).unwrap();
        let generation = host.generation();
        let history = History::of(&generation.settings().reload, &path).unwrap();
        write("# changed");
        let changed = history.keep(&generation, 0).unwrap_err().to_string();
        assert!(changed.contains("host.toml has changed since it was read: reload when"), "{changed}");
        write("");
        assert_eq!(history.keep(&generation, 0).unwrap(), Some(1));
    }
}
