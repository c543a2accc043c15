//! What the settings say about a sink.

use std::time::Duration;

use super::file::settings::FileSettings;
use super::format::Format;
use super::http::settings::HttpSettings;
use super::topics::Topics;
use crate::back_off::BackOff;

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
    File(FileSettings),
    /// Lines on standard output.
    Stdout(Format),
    /// Requests to a receiver of webhooks.
    Http(HttpSettings),
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

/// Default of [`BackOff::first`].
pub const BACK_OFF: Duration = Duration::from_secs(1);

/// Default of [`BackOff::longest`]: a receiver that is repaired gets its records within minutes.
pub const BACK_OFF_MAX: Duration = Duration::from_secs(300);
