//! The circuit breaker of one source: pauses requests after repeated failures.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// Consecutive failures after which requests are paused.
const FAILURES_MAX: u32 = 5;

/// The first pause. It doubles after each trial request that fails.
const PAUSE_MIN: Duration = Duration::from_secs(1);

/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Minimum interval between two logged failures.
const LOG_PAUSE: Duration = Duration::from_secs(10);

/// The same, for a failure with the same text.
const LOG_PAUSE_SAME: Duration = Duration::from_secs(60);

/// Counts consecutive failures.
#[derive(Debug)]
pub(super) struct Breaker {
    /// The name of the fact.
    name: Box<str>,
    state: Mutex<State>,
    /// The failure that was logged last, and when.
    told: Mutex<Option<(String, Instant)>>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// The last failure.
    last: Option<String>,
    /// No request is sent before this.
    opens: Option<Instant>,
    pause: Duration,
    /// Whether a trial request is running.
    is_tried: bool,
}

/// The permission to send one request. Dropped without [`Turn::ended`], it counts neither as a success nor as a
/// failure.
#[derive(Debug)]
pub(super) struct Turn<'b> {
    breaker: &'b Breaker,
    /// Whether this is the one request after a pause.
    is_trial: bool,
}

/// The outcome of a request.
#[derive(Debug)]
pub(super) enum End {
    /// A value, or that there is none.
    Answered,
    /// A response that is not a value: the source works, but this key, or every response, is wrong.
    NoValue(String),
    /// No usable response.
    Failed(String),
}

impl Breaker {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.into(), state: Mutex::default(), told: Mutex::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The permission to send a request now; `None` during a pause. After it, one trial request is allowed.
    pub(super) fn turn(&self) -> Option<Turn<'_>> {
        let mut state = self.state();
        if state.is_closed_to_all() {
            return None;
        }
        state.is_tried = state.opens.is_some();
        Some(Turn { breaker: self, is_trial: state.is_tried })
    }

    /// The permission for a request that is sent even during a pause. It is never the trial.
    pub(super) fn turn_anyway(&self) -> Turn<'_> {
        Turn { breaker: self, is_trial: false }
    }

    pub(super) fn is_open(&self) -> bool {
        self.state().is_closed_to_all()
    }

    /// Logs a failure, unless one was logged just before, or the same one not long ago.
    pub(super) fn log(&self, failure: &str) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let is_told = told
            .as_ref()
            .is_some_and(|(last, at)| at.elapsed() < if last == failure { LOG_PAUSE_SAME } else { LOG_PAUSE });
        if !is_told {
            *told = Some((failure.to_owned(), Instant::now()));
            tracing::warn!(fact = &*self.name, "a request to the source of a fact failed: {failure}");
        }
    }

    /// The current problem, if the last request failed.
    pub(super) fn trouble(&self) -> Option<String> {
        let state = self.state();
        let last = state.last.as_ref()?;
        Some(match state.opens {
            Some(_) => {
                format!("requests to it are paused, because it failed {} times in a row: {last}", state.failures)
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
    /// Records the outcome.
    pub(super) fn ended(self, end: End) {
        if let End::NoValue(why) | End::Failed(why) = &end {
            self.breaker.log(why);
        }
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
        // Requests that started before the pause fail for the same reason: they do not extend it.
        if self.is_trial || state.opens.is_none() {
            state.failures = state.failures.saturating_add(1);
            if state.failures >= FAILURES_MAX {
                if state.opens.is_none() {
                    tracing::error!(
                        fact = &*self.breaker.name,
                        "the source of a fact failed {FAILURES_MAX} times in a row; requests to it are paused: {failure}"
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
    /// Allows the next trial, also if this one was cancelled.
    fn drop(&mut self) {
        if self.is_trial {
            self.breaker.state().is_tried = false;
        }
    }
}
