//! Does not ask a source that has failed again and again, for a while.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which a source is not asked for a while.
const FAILURES_MAX: u32 = 5;

/// How long it is not asked at first; after each further failure twice as long.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// How long it is not asked at most.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Counts failures in a row.
#[derive(Debug)]
pub(super) struct Breaker {
    /// The name of the fact.
    name: Box<str>,
    failures: u32,
    /// What the last failure was.
    last: Option<String>,
    /// It is not asked before this.
    opens: Option<Instant>,
    pause: Duration,
    /// Whether a trial question is under way.
    is_tried: bool,
}

impl Breaker {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.into(), failures: 0, last: None, opens: None, pause: Duration::ZERO, is_tried: false }
    }

    /// Whether the source may be asked now. After a pause, one may try.
    pub(super) fn check(&mut self) -> Result<(), ()> {
        let Some(opens) = self.opens else { return Ok(()) };
        if self.is_tried || Instant::now() < opens {
            return Err(());
        }
        self.is_tried = true;
        Ok(())
    }

    pub(super) fn is_open(&self) -> bool {
        self.opens.is_some_and(|opens| self.is_tried || Instant::now() < opens)
    }

    /// Takes note of the end of a question: without a failure, or with this one.
    pub(super) fn ended(&mut self, failure: Option<String>) {
        self.is_tried = false;
        let Some(failure) = failure else {
            if self.opens.is_some() {
                tracing::warn!(fact = &*self.name, "the source of a fact answers again");
            }
            *self = Self::new(&self.name);
            return;
        };
        self.failures = self.failures.saturating_add(1);
        if self.failures >= FAILURES_MAX {
            if self.opens.is_none() {
                tracing::error!(
                    fact = &*self.name,
                    "the source of a fact failed {FAILURES_MAX} times in a row and is not asked for a while: {failure}"
                );
            }
            self.pause = (self.pause * 2).clamp(PAUSE_MIN, PAUSE_MAX);
            self.opens = Some(Instant::now() + self.pause);
        }
        self.last = Some(failure);
    }

    /// What is wrong, if it has failed the last time it was asked.
    pub(super) fn trouble(&self) -> Option<String> {
        let last = self.last.as_ref()?;
        Some(match self.opens {
            Some(_) => {
                format!("it is not asked for a while, because it failed {} times in a row: {last}", self.failures)
            }
            None => last.clone(),
        })
    }
}
