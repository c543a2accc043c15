//! Looking up a fact: the interface between [`Facts`](crate::Facts) and its sources.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use callgate_catalogue::wire::{Change, Why};

use crate::settings::SourceSettings;

/// What a lookup is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// To decide a callback: counters count it.
    Decide,
    /// To simulate a decision, as a candidate or a replay does: nothing is counted.
    Try,
}

/// What a source knows about a key: a JSON value and its age in milliseconds, or why there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The value as JSON, or why there is none.
    pub value: Result<Arc<str>, Why>,
    /// How old it is, in milliseconds.
    pub age_ms: u64,
}

impl Answer {
    /// A fresh value.
    pub fn fresh(value: impl Into<Arc<str>>) -> Self {
        Self { value: Ok(value.into()), age_ms: 0 }
    }

    /// No value.
    #[must_use]
    pub fn without(why: Why) -> Self {
        Self { value: Err(why), age_ms: 0 }
    }
}

/// A result that arrives later. It must be awaited in a runtime.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The result of a lookup.
pub enum LookedUp {
    /// The answer.
    Now(Answer),
    /// A request is running: it ends with an answer, or at the source's time limit.
    Later(Later<Answer>),
}

impl fmt::Debug for LookedUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(answer) => f.debug_tuple("Now").field(answer).finish(),
            Self::Later(_) => f.write_str("Later"),
        }
    }
}

/// Where one fact comes from.
pub trait Source: fmt::Debug + Send + Sync {
    /// Looks up a key. Never blocks.
    fn look_up(&self, key: &str, purpose: Purpose, now_unix_ms: u64) -> LookedUp;

    /// Changes the value of a key. Never blocks: a change over the network is sent later.
    ///
    /// # Errors
    /// If values of this source cannot be changed, or not in this way.
    fn change(&self, key: &str, change: &Change<'_>, ttl_ms: Option<u64>, now_unix_ms: u64) -> Result<(), NotChanged>;

    /// Number of keys that it holds: entries of a cache, counters, keys of a file.
    fn entries(&self) -> usize;

    /// Number of keys that were evicted.
    fn evicted(&self) -> u64 {
        0
    }

    /// The current problem of the source, in one sentence; `None` if it works.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Whether there is something to [tend](Source::tend) now. Never blocks.
    fn needs_tending(&self) -> bool {
        false
    }

    /// Periodic maintenance, such as reloading a file that has changed. May block, even for ever: a file may be on a
    /// disk that does not answer. A call while another one is running returns at once.
    fn tend(&self) {}

    /// A source with the new settings that shares the state of this one; `None` if the state cannot be shared. This one
    /// stays usable, because the new settings may still be refused.
    fn resumed(&self, settings: &SourceSettings) -> Option<Arc<dyn Source>> {
        let _ = settings;
        None
    }

    /// The state to save for the next start: the parts that have changed since the last call, each with its name. With
    /// `all`, the unchanged parts too.
    fn save(&self, all: bool, now_unix_ms: u64) -> Vec<(String, Vec<u8>)> {
        let _ = (all, now_unix_ms);
        Vec::new()
    }

    /// Restores what [`Source::save`] returned.
    fn restore(&self, part: &[u8]) {
        let _ = part;
    }
}

/// Why a value is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotChanged {
    /// Its source can only be read, or not be changed in this way.
    #[error("its source can only be read, or not be changed in this way")]
    ReadOnly,
    /// Too many changes wait for its source.
    #[error("too many changes wait for its source")]
    Full,
    /// Only numbers can be added to it, or set.
    #[error("it is a number, and can only be added to, set to a number, or removed")]
    NoNumber,
}

/// Why a source cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);
