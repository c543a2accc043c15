//! Checks the quotation marks of comma-separated values while they are read: parsers accept one that is never closed, and
//! take the rest of the file as one field.

use std::io::{Error, ErrorKind, Read, Result};

/// A reader that passes everything on, and fails where a quotation mark is wrong.
pub(super) struct Quotes<R> {
    inner: R,
    state: State,
    line: u64,
    /// The line of the last opening quotation mark.
    opened: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a field.
    Begin,
    /// In a field without quotation marks.
    Plain,
    Quoted,
    /// Behind a quotation mark in a quoted field: its end, or the first of two that stand for one.
    Closed,
}

impl<R: Read> Quotes<R> {
    pub(super) fn checked(inner: R) -> Self {
        Self { inner, state: State::Begin, line: 1, opened: 0 }
    }

    fn step(&mut self, byte: u8) -> Result<()> {
        self.line += u64::from(byte == b'\n');
        self.state = match (self.state, byte) {
            (State::Quoted, b'"') => State::Closed,
            (State::Quoted, _) => State::Quoted,
            (_, b',' | b'\n' | b'\r') => State::Begin,
            (State::Begin, b'"') => {
                self.opened = self.line;
                State::Quoted
            }
            (State::Closed, b'"') => State::Quoted,
            (State::Plain, b'"') => {
                return Err(self.wrong("a quotation mark inside a field: put the whole field in quotation marks, and write each one inside twice"));
            }
            (State::Closed, _) => {
                return Err(self.wrong(
                    "something behind the closing quotation mark of a field: write one that belongs to the field twice",
                ));
            }
            (State::Begin | State::Plain, _) => State::Plain,
        };
        Ok(())
    }

    fn wrong(&self, what: &str) -> Error {
        Error::new(ErrorKind::InvalidData, format!("line {}: {what}", self.line))
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let read = self.inner.read(into)?;
        if read == 0 && self.state == State::Quoted {
            let opened = self.opened;
            return Err(Error::new(
                ErrorKind::InvalidData,
                format!("the quotation mark of line {opened} is not closed"),
            ));
        }
        into.get(..read).unwrap_or_default().iter().try_for_each(|byte| self.step(*byte))?;
        Ok(read)
    }
}
