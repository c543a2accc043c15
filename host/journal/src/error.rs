//! What can go wrong, and what to do about it.

use std::path::PathBuf;

/// Why a journal cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The SQLite in this program is too old.
    #[error(
        "SQLite {found} can lose commits when it checkpoints; the journal needs 3.51.3 or newer: \
         build with the feature `bundled` of rusqlite"
    )]
    SqliteTooOld {
        /// The version of SQLite.
        found: String,
    },
    /// The folder cannot be created, or is no folder.
    #[error("the journal's folder {} cannot be used", folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The folder does not exist, and the journal may only be read.
    #[error("there is no journal in {}", folder.display())]
    Missing {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder or a file in it cannot be written.
    #[error("the journal's folder {} cannot be written: give this process's user the right to write to it", folder.display())]
    ReadOnly {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Others may write to the folder, and this user may not change that.
    #[error(
        "the journal's folder {} is not private: {why}; name a folder inside it, which is then created as a private one",
        folder.display()
    )]
    NotPrivate {
        /// The folder.
        folder: PathBuf,
        /// Why.
        why: &'static str,
    },
    /// Others can read the folder, and it holds other files.
    #[error(
        "the journal's folder {} holds other files, such as {other}, and would become private: name a folder of its own",
        folder.display()
    )]
    NotAlone {
        /// The folder.
        folder: PathBuf,
        /// The name of one of these files.
        other: String,
    },
    /// Another process uses the journal.
    #[error("the journal in {} is used by another host ({by}): each host needs a folder of its own", folder.display())]
    InUse {
        /// The folder.
        folder: PathBuf,
        /// What the other process has written about itself.
        by: String,
    },
    /// A newer host has written the journal.
    #[error(
        "the journal in {} has the format {found}, this host knows formats up to {known}: \
         start the newer host again, or name another folder",
        folder.display()
    )]
    Newer {
        /// The folder.
        folder: PathBuf,
        /// The format of the file.
        found: i64,
        /// The newest format that this host knows.
        known: i64,
    },
    /// The file is a database of another program.
    #[error("{} belongs to another program: name another folder for the journal", path.display())]
    NotAJournal {
        /// The file.
        path: PathBuf,
    },
    /// Anything else.
    #[error("the journal in {} cannot be opened", folder.display())]
    Failed {
        /// The folder.
        folder: PathBuf,
        /// Why.
        source: StoreError,
    },
}

impl OpenError {
    /// What is damaged, if the file is. A host sets such a file aside when it opens it for writing; a reader cannot.
    #[must_use]
    pub fn damage(&self) -> Option<&str> {
        match self {
            Self::Failed { source: StoreError::Damaged(what), .. } => Some(what),
            _ => None,
        }
    }
}

/// Why something is not on disk. The caller must not acknowledge it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotKept {
    /// The journal has reached one of its limits, named here.
    #[error("the journal is full ({0})")]
    Full(&'static str),
    /// The commit failed; the journal tries again with what comes next.
    #[error("the journal cannot be written: {0}")]
    Failed(String),
    /// One item is larger than the whole queue may be.
    #[error("{bytes} bytes are more than the journal accepts at once ({bytes_max})")]
    TooLarge {
        /// What should have been stored.
        bytes: usize,
        /// The most that is taken.
        bytes_max: usize,
    },
    /// The journal is closed: the host is stopping.
    #[error("the journal is closed")]
    Closed,
}

/// Why something cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// There is nothing with this number.
    #[error("the journal has no {what} {id}")]
    NotFound {
        /// Its kind.
        what: &'static str,
        /// Its number.
        id: i64,
    },
    /// The bytes on disk are not those that were written.
    #[error("{what} {id} is damaged on disk: its checksum is wrong")]
    Damaged {
        /// Its kind.
        what: &'static str,
        /// Its number.
        id: i64,
    },
    /// Anything else.
    #[error("the journal cannot be read")]
    Failed(#[source] StoreError),
}

/// What a store says when it fails.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store has as many bytes as it may have.
    #[error("it has reached `bytes_max`")]
    Full,
    /// The disk is full.
    #[error("the disk is full")]
    DiskFull,
    /// The file is damaged.
    #[error("its file is damaged: {0}")]
    Damaged(String),
    /// Anything else, such as an I/O error.
    #[error("{0}")]
    Failed(String),
}
