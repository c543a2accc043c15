//! How a record is written on a line.

/// How a record is written on a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// As a CloudEvent in JSON: the record, with its identity around it.
    #[default]
    CloudEvents,
    /// The record alone, as its plugin wrote it.
    Plain,
}
