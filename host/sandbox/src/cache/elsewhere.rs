//! Systems without Unix's modes of files: they do not tell in one step whether others may write to a folder, so nothing
//! is cached there.

use std::convert::Infallible;
use std::io;
use std::path::Path;

use super::entry::{Entry, NotOpen};

/// Never opened.
#[derive(Debug)]
pub(super) struct Folder(Infallible);

impl Folder {
    pub(super) fn open(_: &Path) -> Result<Self, NotOpen> {
        Err(NotOpen::NotHere)
    }

    pub(super) fn read(&self, _: &str, _: u64) -> io::Result<Vec<u8>> {
        match self.0 {}
    }

    pub(super) fn write(&self, _: &str, _: &str, _: &[u8]) -> io::Result<()> {
        match self.0 {}
    }

    pub(super) fn entries(&self, _: usize, _: impl Fn(&str) -> bool) -> io::Result<Vec<Entry>> {
        match self.0 {}
    }

    pub(super) fn remove(&self, _: &str) -> io::Result<()> {
        match self.0 {}
    }
}
