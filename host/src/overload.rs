//! Why there is no time for a callback, in the words of limits and figures.

use std::fmt;
use std::time::Duration;

/// Why there is no time for a callback: what it would have waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overload {
    /// The key of the limit.
    pub limit: &'static str,
    /// What it comes to: calls, callbacks or bytes at the same time.
    pub value: usize,
    /// How much of it is taken.
    pub in_flight: usize,
    /// How many wait.
    pub waiting: usize,
    /// How long one more would have waited.
    pub wait: Duration,
    /// What was left until the answer is due.
    pub left: Duration,
}

/// It names nothing but a limit and figures: the chat server may see it.
impl fmt::Display for Overload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, value, in_flight, waiting, wait, left } = self;
        let (wait, left) = (wait.as_millis(), left.as_millis());
        write!(
            f,
            "overloaded: `{limit}` allows {value} at a time, {in_flight} are in flight and {waiting} wait; one more \
             would wait for about {wait} ms, and {left} ms are left"
        )
    }
}
