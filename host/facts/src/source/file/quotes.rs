//! Checks the quotation marks of comma-separated values while they are read: parsers accept one that is never closed,
//! and take the rest of the file as one field.

use std::io::{Error, ErrorKind, Read, Result};

use super::keys::VALUE_BYTES_MAX;

/// Maximum size of a quoted field, in bytes: twice that of a value, because each of its characters may be written
/// twice.
const FIELD_BYTES_MAX: usize = 2 * VALUE_BYTES_MAX;

/// A reader that passes everything on, and fails where a quotation mark is wrong.
pub(super) struct Quotes<R> {
    inner: R,
    state: State,
    line: u64,
    /// The line of the last opening quotation mark.
    opened: u64,
    /// How many bytes have come since then.
    field_bytes: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a field.
    Begin,
    /// In a field without quotation marks.
    Plain,
    Quoted,
    /// After a quotation mark in a quoted field: its end, or the first of two that stand for one.
    Closed,
}

impl<R: Read> Quotes<R> {
    pub(super) fn checked(inner: R) -> Self {
        Self { inner, state: State::Begin, line: 1, opened: 0, field_bytes: 0 }
    }

    fn step(&mut self, byte: u8) -> Result<()> {
        self.line += u64::from(byte == b'\n');
        self.field_bytes += 1;
        if self.state == State::Quoted && self.field_bytes > FIELD_BYTES_MAX {
            return Err(self.not_closed());
        }
        self.state = match (self.state, byte) {
            (State::Quoted, b'"') => State::Closed,
            (State::Quoted, _) => State::Quoted,
            (_, b',' | b'\n' | b'\r') => State::Begin,
            (State::Begin, b'"') => {
                (self.opened, self.field_bytes) = (self.line, 0);
                State::Quoted
            }
            (State::Closed, b'"') => State::Quoted,
            (State::Plain, b'"') => {
                return Err(self.wrong("a quotation mark inside a field: put the whole field in quotation marks, and write each one inside twice"));
            }
            (State::Closed, _) => {
                return Err(self.wrong(
                    "text after the closing quotation mark of a field: write a quotation mark that is part of the field as `\"\"`",
                ));
            }
            (State::Begin | State::Plain, _) => State::Plain,
        };
        Ok(())
    }

    fn not_closed(&self) -> Error {
        Error::new(ErrorKind::InvalidData, format!("the quotation mark of line {} is not closed", self.opened))
    }

    fn wrong(&self, what: &str) -> Error {
        Error::new(ErrorKind::InvalidData, format!("line {}: {what}", self.line))
    }
}

impl<R: Read> Read for Quotes<R> {
    fn read(&mut self, into: &mut [u8]) -> Result<usize> {
        let read = self.inner.read(into)?;
        if read == 0 && self.state == State::Quoted {
            return Err(self.not_closed());
        }
        into.get(..read).unwrap_or_default().iter().try_for_each(|byte| self.step(*byte))?;
        Ok(read)
    }
}
