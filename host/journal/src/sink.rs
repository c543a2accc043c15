//! Sinks: where records go. Each kind is a file here, and a variant of [`Kind`].

pub mod back_off;
mod feed;
pub mod file;
pub mod http;
mod in_order;
pub mod lines;
mod running;
mod status;
pub mod topics;

use std::time::Duration;

pub use back_off::BackOff;
pub use running::{Sinks, SinksError};
pub use status::{SinkStatus, State};
pub use topics::Topics;

/// What the settings say about one sink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SinkSettings {
    /// Its name: in metrics, in the log, and of its cursor. A sink with another name begins with the next record.
    pub name: String,
    /// Which records it gets.
    pub topics: Topics,
    /// How long it waits after a failure before it tries again.
    pub back_off: BackOff,
    /// What kind of sink it is.
    pub kind: Kind,
}

/// The kinds of sinks, each with its own settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// Lines of a file.
    File(file::FileSettings),
    /// Lines on standard output.
    Stdout(Format),
    /// Requests to a receiver of webhooks.
    Http(http::HttpSettings),
}

impl Kind {
    /// Its name in the settings.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::File(_) => "file",
            Self::Stdout(_) => "stdout",
            Self::Http(_) => "http",
        }
    }
}

/// How a record is written on a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Format {
    /// As a CloudEvent in JSON: the record, with its identity around it.
    #[default]
    CloudEvents,
    /// The record alone, as its plugin wrote it.
    Plain,
}

/// Default of [`BackOff::first`].
pub const BACK_OFF: Duration = Duration::from_secs(1);

/// Default of [`BackOff::longest`]: a receiver that is repaired gets its records within minutes.
pub const BACK_OFF_MAX: Duration = Duration::from_secs(300);
