//! Records: data that plugins want handed on. Each becomes one line of JSON in a file, before the callback is
//! acknowledged.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

/// The file of records. It is opened when the first record comes, so that a host without recording plugins leaves
/// nothing behind.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: Mutex<Option<File>>,
    /// Permits to wait for the file, each on its own thread.
    pub waiting: Arc<Semaphore>,
    written: AtomicU64,
    lost: AtomicU64,
}

/// Callbacks whose records may wait for the file at the same time, each on a thread of its own.
const WAITING_MAX: usize = 64;

impl Journal {
    /// Records go to the end of this file.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            file: Mutex::default(),
            waiting: Arc::new(Semaphore::new(WAITING_MAX)),
            written: AtomicU64::new(0),
            lost: AtomicU64::new(0),
        }
    }

    /// Appends records, each on a line of its own, with one write, so that lines of several callbacks never mix.
    ///
    /// A record that cannot be written is counted and logged: the chat server has no use for that news.
    pub(crate) fn append(&self, records: &[String]) {
        if records.is_empty() {
            return;
        }
        let lines: String = records.iter().flat_map(|record| [record.as_str(), "\n"]).collect();
        let count = records.len() as u64;
        match self.write(lines.as_bytes()) {
            Ok(()) => {
                self.written.fetch_add(count, Ordering::Relaxed);
            }
            Err(error) => self.lose(records, &error.to_string()),
        }
    }

    /// Closes the file; the next record opens it again, because it may have been renamed. Blocks while records are written.
    pub(crate) fn reopen(&self) {
        *self.file.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Counts and logs records that cannot be kept.
    pub(crate) fn lose(&self, records: &[String], why: &str) {
        let count = records.len() as u64;
        tracing::error!(file = %self.path.display(), records = count, "records are lost: {why}");
        self.lost.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts and logs the records of a plugin that exceeded its limit.
    pub(crate) fn left_out(&self, records: usize) {
        tracing::warn!(records, "records are left out: a plugin gives more than `records_per_second_max`");
        self.lost.fetch_add(records as u64, Ordering::Relaxed);
    }

    fn write(&self, lines: &[u8]) -> std::io::Result<()> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        // Taken out: after an error it is opened again next time.
        let mut open = match file.take() {
            Some(open) => open,
            None => self.open()?,
        };
        open.write_all(lines)?;
        *file = Some(open);
        Ok(())
    }

    /// Opens the file. A full disk or a killed host leaves half a line at its end: that line is ended first, or it would
    /// spoil the next record.
    fn open(&self) -> std::io::Result<File> {
        let mut file = OpenOptions::new().create(true).append(true).open(&self.path)?;
        if file.metadata()?.is_file() && has_unfinished_line(&self.path)? {
            file.write_all(b"\n")?;
        }
        Ok(file)
    }

    /// Records written since the start.
    pub(crate) fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// Records that could not be written.
    pub(crate) fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }
}

fn has_unfinished_line(path: &Path) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(false);
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last != *b"\n")
}
