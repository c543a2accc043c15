//! The clock of one connection: how long it may take for what.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

use super::pulse::{Order, Pulse};

/// How long a connection may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// From the first byte of a head to its last.
    pub(super) head_within: Duration,
    /// Between two requests; twice that at most.
    pub(super) idle_within: Duration,
}

/// Time for the first request's head on a new connection: strangers who open connections and send nothing must not
/// take the places of those who do.
const FIRST_REQUEST_WITHIN: Duration = Duration::from_secs(15);

/// Time for a client to take an answer from its socket.
const TAKEN_WITHIN: Duration = Duration::from_secs(10);

/// While the service stops, a connection is closed that was without a request for this long. A client that has had an
/// answer just before, without being told that the connection closes, may have the next request on its way.
const QUIET: Duration = Duration::from_secs(1);

/// Time for what is still to be written on a connection that ends.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(1);

/// How a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// The head that is arriving is refused.
    LateHead,
    /// Between two requests.
    Close,
    /// At once.
    Cut,
}

/// Watches one connection. Timers are set only where something is late, and once an hour: a timer for each request
/// would cost every callback.
pub(super) struct Watch {
    pulse: Arc<Pulse>,
    patience: Patience,
    opened: Instant,
    waker: Waker,
    sleep: Pin<Box<Sleep>>,
    /// Requests that had started at the last full check, and when that was.
    seen: (u64, Instant),
    /// Since when a head has been arriving, and the number of requests before it.
    head: Option<(u64, Instant)>,
    stalled: Option<Instant>,
    /// Since when the connection may close.
    quiet: Option<(u64, Instant)>,
    ending: Option<Instant>,
}

impl Watch {
    pub(super) fn new(pulse: Arc<Pulse>, patience: Patience) -> Self {
        let opened = Instant::now();
        let first = opened + patience.idle_within.min(FIRST_REQUEST_WITHIN);
        Self {
            pulse,
            patience,
            opened,
            waker: Waker::noop().clone(),
            sleep: Box::pin(sleep_until(first)),
            seen: (0, opened),
            head: None,
            stalled: None,
            quiet: None,
            ending: None,
        }
    }

    /// Whether the connection has to end. To be polled after the connection itself, as often as that.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        if !self.waker.will_wake(cx.waker()) {
            self.waker = cx.waker().clone();
            self.pulse.set_waker(cx.waker());
        }
        loop {
            let (due, end) = self.next();
            if due < self.sleep.deadline() {
                self.sleep.as_mut().reset(due);
            }
            if self.sleep.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            let now = Instant::now();
            if due <= now {
                match end {
                    Some(end) => {
                        self.ending = Some(now);
                        self.sleep.as_mut().reset(now + LAST_WORDS_WITHIN);
                        return Poll::Ready(end);
                    }
                    None => self.seen = (self.pulse.started(), now),
                }
            }
            let (due, _) = self.next();
            self.sleep.as_mut().reset(due);
        }
    }

    /// What is due next, and when; `None`: only another check.
    fn next(&mut self) -> (Instant, Option<End>) {
        if let Some(ending) = self.ending {
            return (ending + LAST_WORDS_WITHIN, Some(End::Cut));
        }
        let started = self.pulse.started();
        let order = self.pulse.order();
        if order == Order::Leave && !self.pulse.is_running() {
            return (self.opened, Some(if self.pulse.is_in_head() { End::Cut } else { End::Close }));
        }
        let (mut due, mut end) = self.idle(started);
        let mut sooner = |at: Instant, what: End| {
            if at < due || end.is_none() && at == due {
                (due, end) = (at, Some(what));
            }
        };
        let (is_running, is_stalled) = (self.pulse.is_running(), self.pulse.is_stalled());
        // While a request is being answered, until the client has received the last byte, the next one is not read.
        match (self.pulse.is_in_head() && !is_running && !is_stalled, self.head) {
            (true, Some((of, since))) if of == started => sooner(since + self.patience.head_within, End::LateHead),
            (true, _) => {
                let now = Instant::now();
                self.head = Some((started, now));
                sooner(now + self.patience.head_within, End::LateHead);
            }
            (false, _) => self.head = None,
        }
        match (is_stalled, self.stalled) {
            (true, since) => {
                let since = *self.stalled.insert(since.unwrap_or_else(Instant::now));
                sooner(since + TAKEN_WITHIN, End::Cut);
            }
            (false, Some(_)) => self.stalled = None,
            (false, None) => {}
        }
        if order == Order::Finish {
            let since = match self.quiet {
                Some((of, since)) if of == started && !is_running => since,
                _ => Instant::now(),
            };
            self.quiet = Some((started, since));
            if !is_running {
                let what = if self.pulse.is_in_head() { End::LateHead } else { End::Close };
                sooner(since + QUIET, what);
            }
        }
        (due, end)
    }

    fn idle(&self, started: u64) -> (Instant, Option<End>) {
        if started == 0 {
            let within = self.patience.idle_within.min(FIRST_REQUEST_WITHIN);
            let end = if self.pulse.is_in_head() { End::LateHead } else { End::Close };
            return (self.opened + within, Some(end));
        }
        let (seen, at) = self.seen;
        let is_idle = seen == started && !self.pulse.is_running();
        (at + self.patience.idle_within, is_idle.then_some(End::Close))
    }
}
