//! The sink `file`: records as lines at the end of a file.

mod folder;
mod probe;
mod rotate;
pub(super) mod settings;

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use folder::{folder, sync_folder};

pub use probe::{why_not_a_folder, why_not_appendable};
pub use rotate::Rotation;
pub use settings::FileSettings;

/// Appends lines to a file, which it opens with the first of them.
///
/// Before each write it checks that the open file is still the one at its path, because the file may have been renamed
/// or deleted. A partial line, left behind by a full disk or a killed host, is terminated before the next line.
#[derive(Debug)]
pub struct FileWriter {
    settings: FileSettings,
    open: Option<Open>,
    /// Whether it has created a file whose name is not on disk for certain yet.
    is_unsynced: bool,
}

/// The open file.
#[derive(Debug)]
struct Open {
    file: File,
    /// `None`: a pipe or a device, of which neither size nor time say anything.
    regular: Option<Regular>,
}

#[derive(Debug)]
struct Regular {
    bytes: u64,
    /// When something was last written, since 1970-01-01 UTC; `None`: it is empty.
    written: Option<Duration>,
}

impl FileWriter {
    /// A writer for this file.
    #[must_use]
    pub const fn new(settings: FileSettings) -> Self {
        Self { settings, open: None, is_unsynced: false }
    }

    /// Its settings.
    #[must_use]
    pub const fn settings(&self) -> &FileSettings {
        &self.settings
    }

    /// Closes the file; the next lines open it again.
    pub fn reopen(&mut self) {
        self.open = None;
    }

    /// Appends whole lines, each with its line break, with one write. `now` is the time since 1970-01-01 UTC. When it
    /// returns without an error, they are in the file at this path, and on disk if the settings say so.
    ///
    /// # Errors
    /// If that cannot be done. Some of the lines may have been written, the last of them in part; the next call ends
    /// that one first.
    pub fn append(&mut self, lines: &[u8], now: Duration) -> io::Result<()> {
        if let Some(open) = &self.open
            && !open.is_at(&self.settings.path)?
        {
            self.open = None;
        }
        // Taken out: after an error it is reopened, which checks for a partial line.
        let mut open = match self.open.take() {
            Some(open) => open,
            None => Open::at(&self.settings.path, &mut self.is_unsynced)?,
        };
        let length = lines.len() as u64;
        if let Some(regular) = &open.regular
            && self.settings.rotation.is_due(regular.bytes, regular.written, length, now)
        {
            rotate::rotate(&self.settings.path, self.settings.rotation, now)?;
            open = Open::at(&self.settings.path, &mut self.is_unsynced)?;
        }
        open.write(lines, self.settings.fsync)?;
        if let Some(regular) = &mut open.regular {
            regular.bytes += length;
            regular.written = Some(now);
        }
        self.open = Some(open);
        Ok(())
    }
}

impl Open {
    /// Opens the file, and ends the half line at its end, if there is one. Blocks at a pipe until it has a reader.
    /// `is_unsynced` as in [`FileWriter`]: an error of the folder is met again until the folder is on disk.
    fn at(path: &Path, is_unsynced: &mut bool) -> io::Result<Self> {
        let mut file = match OpenOptions::new().append(true).open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let file = OpenOptions::new().create(true).append(true).open(path)?;
                *is_unsynced = true;
                file
            }
            Err(error) => return Err(error),
        };
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(Self { file, regular: None });
        }
        if *is_unsynced {
            sync_folder(folder(path))?;
            *is_unsynced = false;
        }
        let mut bytes = metadata.len();
        if bytes > 0 && has_half_line(path)? {
            file.write_all(b"\n")?;
            bytes += 1;
        }
        let modified = metadata.modified().ok().and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok());
        Ok(Self { file, regular: Some(Regular { bytes, written: modified.filter(|_| bytes > 0) }) })
    }

    /// Writes all of the lines. After a failure the file is cut back to what it was, where that is possible: what was
    /// written in part is written again, and a full disk would get a piece of it with each attempt.
    fn write(&mut self, lines: &[u8], fsync: bool) -> io::Result<()> {
        let written = self.file.write_all(lines).and_then(|()| match self.regular.is_some() && fsync {
            true => self.file.sync_data(),
            false => Ok(()),
        });
        let (Err(error), Some(regular)) = (&written, &self.regular) else { return written };
        let length = self.file.metadata().map_or(0, |metadata| metadata.len());
        // No other process has written in the meantime.
        if (regular.bytes..=regular.bytes + lines.len() as u64).contains(&length)
            && let Err(cut) = self.file.set_len(regular.bytes)
        {
            tracing::debug!("a partial line could not be removed after `{error}`: {cut}");
        }
        written
    }

    /// Whether it is still the file at this path.
    #[cfg(unix)]
    fn is_at(&self, path: &Path) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt as _;
        let there = match std::fs::metadata(path) {
            Ok(there) => there,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let here = self.file.metadata()?;
        // A file that was truncated, as copying rotation does, is checked again: its size has changed.
        let is_shorter = self.regular.as_ref().is_some_and(|regular| here.len() < regular.bytes);
        Ok((here.dev(), here.ino()) == (there.dev(), there.ino()) && !is_shorter)
    }

    /// Elsewhere a file that is open is neither renamed nor deleted.
    #[cfg(not(unix))]
    fn is_at(&self, path: &Path) -> io::Result<bool> {
        path.try_exists()
    }
}

fn has_half_line(path: &Path) -> io::Result<bool> {
    let mut file = File::open(path)?;
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}

#[cfg(test)]
mod tests;
