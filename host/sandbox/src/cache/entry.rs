//! What the folder of the cache holds, and why there may be none.

use std::io;

/// Why the folder is not open.
#[allow(dead_code, reason = "no system has all of them")]
pub(super) enum NotOpen {
    /// It cannot be opened or created.
    Unusable(io::Error),
    /// Others can write there, and why.
    NotPrivate(&'static str),
    /// This system does not tell who can.
    NotHere,
}

impl From<io::Error> for NotOpen {
    fn from(error: io::Error) -> Self {
        Self::Unusable(error)
    }
}

/// A file in the folder.
pub(super) struct Entry {
    pub(super) name: String,
    /// When it was written or used last: seconds and nanoseconds since 1970.
    pub(super) written: (i64, i64),
    pub(super) bytes: u64,
}
