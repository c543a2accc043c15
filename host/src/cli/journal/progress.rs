//! Progress of long work, on standard error, where that is a terminal.

use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

/// Shows how far long work is, at most five times a second; nothing of work that is done at once.
pub(super) struct Progress {
    what: &'static str,
    of: u64,
    done: u64,
    shown: Instant,
    is_shown: bool,
    is_terminal: bool,
}

const PAUSE: Duration = Duration::from_millis(200);

impl Progress {
    /// Starts at 0 `of` this number; `what` describes the unit.
    pub(super) fn new(what: &'static str, of: u64) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { what, of, done: 0, shown: Instant::now(), is_shown: false, is_terminal }
    }

    /// Counts one more.
    pub(super) fn step(&mut self) {
        self.steps(1);
    }

    /// Counts this many more.
    pub(super) fn steps(&mut self, more: u64) {
        self.done += more;
        if self.is_terminal && self.shown.elapsed() >= PAUSE {
            let percent = (self.done * 100).checked_div(self.of).unwrap_or(100).min(100);
            let _ = write!(std::io::stderr(), "\r{} {} of {} ({percent} %)", self.done, self.what, self.of);
            self.shown = Instant::now();
            self.is_shown = true;
        }
    }
}

impl Drop for Progress {
    /// Leaves an empty line to what follows.
    fn drop(&mut self) {
        if self.is_shown {
            let _ = write!(std::io::stderr(), "\r{:60}\r", "");
        }
    }
}
