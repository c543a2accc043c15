//! Does not ask a source that has failed again and again, for a while.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which a source is not asked for a while.
const FAILURES_MAX: u32 = 5;

/// How long it is not asked at first; after each trial question that fails, twice as long.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// How long it is not asked at most.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Counts failures in a row.
#[derive(Debug)]
pub(super) struct Breaker {
    /// The name of the fact.
    name: Box<str>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// What the last failure was.
    last: Option<String>,
    /// It is not asked before this.
    opens: Option<Instant>,
    pause: Duration,
    /// Whether a trial question is under way.
    is_tried: bool,
}

/// Permission to ask the source once. It is given back by [`Turn::ended`]; if that never happens, nothing was learned.
#[derive(Debug)]
pub(super) struct Turn<'b> {
    breaker: &'b Breaker,
    /// Whether this question shows if the source works again.
    is_trial: bool,
}

/// How a question ended, as far as it says something about the source.
#[derive(Debug)]
pub(super) enum End {
    /// It answered.
    Answered,
    /// It answered, but not with a value: something is wrong with this key, or with every answer.
    NoValue(String),
    /// It did not answer.
    Failed(String),
}

impl Breaker {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.into(), state: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The permission to ask the source now, if it may be asked. After a pause, one may try.
    pub(super) fn turn(&self) -> Option<Turn<'_>> {
        let mut state = self.state();
        if state.is_closed_to_all() {
            return None;
        }
        state.is_tried = state.opens.is_some();
        Some(Turn { breaker: self, is_trial: state.is_tried })
    }

    /// The permission for what cannot wait until the source works again. It is never a trial.
    pub(super) fn turn_anyway(&self) -> Turn<'_> {
        Turn { breaker: self, is_trial: false }
    }

    pub(super) fn is_open(&self) -> bool {
        self.state().is_closed_to_all()
    }

    /// What is wrong, if it has failed the last time it was asked.
    pub(super) fn trouble(&self) -> Option<String> {
        let state = self.state();
        let last = state.last.as_ref()?;
        Some(match state.opens {
            Some(_) => {
                format!("it is not asked for a while, because it failed {} times in a row: {last}", state.failures)
            }
            None => last.clone(),
        })
    }
}

impl State {
    fn is_closed_to_all(&self) -> bool {
        self.opens.is_some_and(|opens| self.is_tried || Instant::now() < opens)
    }
}

impl Turn<'_> {
    /// Takes note of how the question ended.
    pub(super) fn ended(self, end: End) {
        let mut state = self.breaker.state();
        let failure = match end {
            End::Failed(failure) => failure,
            End::Answered | End::NoValue(_) => {
                if state.opens.is_some() {
                    tracing::warn!(fact = &*self.breaker.name, "the source of a fact answers again");
                }
                let last = if let End::NoValue(why) = end { Some(why) } else { None };
                *state = State { last, ..State::default() };
                return;
            }
        };
        // Questions that began before the breaker opened say nothing new when they fail as well.
        if self.is_trial || state.opens.is_none() {
            state.failures = state.failures.saturating_add(1);
            if state.failures >= FAILURES_MAX {
                if state.opens.is_none() {
                    tracing::error!(
                        fact = &*self.breaker.name,
                        "the source of a fact failed {FAILURES_MAX} times in a row and is not asked for a while: {failure}"
                    );
                }
                state.pause = (state.pause * 2).clamp(PAUSE_MIN, PAUSE_MAX);
                state.opens = Some(Instant::now() + state.pause);
            }
        }
        state.last = Some(failure);
    }
}

impl Drop for Turn<'_> {
    /// Lets the next one try, also if this question was given up half-way.
    fn drop(&mut self) {
        if self.is_trial {
            self.breaker.state().is_tried = false;
        }
    }
}
