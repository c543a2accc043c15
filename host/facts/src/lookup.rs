//! Looking up a fact: what a source is asked, and what it answers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use callgate_catalogue::wire::{Change, Why};

/// What an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// For a callback that is to be decided: it counts.
    Decide,
    /// To see what would be decided, as a candidate or a replay does: nothing is counted.
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
    /// A value that was found out just now.
    pub fn fresh(value: impl Into<Arc<str>>) -> Self {
        Self { value: Ok(value.into()), age_ms: 0 }
    }

    /// No value.
    #[must_use]
    pub fn without(why: Why) -> Self {
        Self { value: Err(why), age_ms: 0 }
    }
}

/// Something that will be there later. It has to be awaited in a runtime.
pub type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What became of looking something up.
pub enum LookedUp {
    /// The answer is at hand.
    Now(Answer),
    /// Someone else has to be asked: an answer comes, or none within the time that the source has.
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

    /// Changes the value of a key. Never blocks: where someone else has to be told, that is done later.
    ///
    /// # Errors
    /// If values of this source cannot be changed, or not in this way.
    fn change(&self, key: &str, change: &Change<'_>, ttl_ms: Option<u64>, now_unix_ms: u64) -> Result<(), NotChanged>;

    /// Number of keys that it holds: entries of a cache, counters, keys of a file.
    fn entries(&self) -> usize;

    /// Number of keys that had to make room for others.
    fn evicted(&self) -> u64 {
        0
    }

    /// What is wrong with it at the moment, in one sentence; `None` if nothing is.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// Does what has to be done from time to time, such as reading a file that has changed. May block.
    fn tend(&self) {}

    /// What is to be kept until the next start; the parts that have changed since the last time, each under its own name. With
    /// `all`, those that have not changed, too.
    fn save(&self, all: bool) -> Vec<(String, Vec<u8>)> {
        let _ = all;
        Vec::new()
    }

    /// Takes back what [`Source::save`] gave.
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
