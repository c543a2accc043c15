//! The header of a journal's file, read without SQLite.
//!
//! Closing a descriptor of a file drops all POSIX locks that this process holds on the file, SQLite's included. A
//! program from outside that closes the database then takes itself for the last one and deletes the log, which the host
//! goes on writing to. So the header is only read while this process has no connection to the file.

use std::fs::File;
use std::io::{self, Read as _};

use super::connection::Place;
use super::schema::APPLICATION_ID;

/// What the header says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Header {
    /// Whether the file says that it is a journal.
    pub(super) is_journal: bool,
    /// Whether it has a version of the file format that SQLite reads but does not write. Each commit would fail.
    pub(super) forbids_writing: bool,
}

impl Header {
    /// Reads the header; that of a file that is missing says nothing. To be called before the first connection is
    /// opened.
    pub(super) fn read(place: &Place) -> io::Result<Self> {
        let mut bytes = Vec::with_capacity(BYTES);
        match File::open(place.file()) {
            Ok(file) => file.take(BYTES as u64).read_to_end(&mut bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(error),
        };
        let id = bytes.get(APPLICATION_ID_AT).and_then(|id| id.try_into().ok()).map(u32::from_be_bytes);
        Ok(Self {
            is_journal: id.map(i64::from) == Some(APPLICATION_ID),
            forbids_writing: bytes.get(WRITE_VERSION_AT).is_some_and(|&version| version > WRITE_VERSION_MAX),
        })
    }
}

/// The size of the header, in bytes.
const BYTES: usize = 100;

/// Where the header has the version that writers need, and the newest that SQLite knows.
const WRITE_VERSION_AT: usize = 18;
const WRITE_VERSION_MAX: u8 = 2;

/// Where the header has the number of the program that the file belongs to.
const APPLICATION_ID_AT: std::ops::Range<usize> = 68..72;
