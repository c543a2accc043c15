//! Suspends a plugin that fails for nearly everybody, so that it costs nothing for a while.
//!
//! A suspended plugin checks nothing: if `on_fault` is "allow", everything passes. So no single user may cause that.
//! Faults are counted per user, each user's only up to a part of what suspends, and they must be most of the calls. A
//! fault that costs little weighs little: it is no reason to stop calling the plugin.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use callgate_sandbox::Fault;

use crate::settings::BreakerLimits;

/// What a plugin's breaker has just done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// The plugin is not called any more, for a while.
    Suspended {
        /// Calls that failed, in the window.
        faults: u64,
        /// All calls, in the window.
        calls: u64,
        /// The users whose callbacks failed.
        actors: usize,
    },
    /// The pause is over: the plugin is called again.
    Resumed,
}

/// The breaker of one plugin.
#[derive(Debug)]
pub(crate) struct Breaker {
    limits: BreakerLimits,
    started: Instant,
    /// Milliseconds after `started` at which calls are made again; 0: not suspended.
    suspended_until_ms: AtomicU64,
    /// Whether there has been a fault in the current window: only then verdicts are counted, so that a plugin without
    /// faults pays nothing for its breaker.
    is_counting: AtomicBool,
    /// Verdicts since the first fault of the window.
    verdicts: AtomicU64,
    window: Mutex<Window>,
    hasher: RandomState,
}

/// The faults of the last while.
#[derive(Debug, Default)]
struct Window {
    /// When its first fault was; `None`: there was none yet.
    began: Option<Instant>,
    /// Whether the plugin was suspended before this window: a tenth suspends it again.
    is_probation: bool,
    /// All faults.
    faults: u64,
    /// Those that count: of each user as many as count of one.
    counted: u64,
    /// Their weight, each user's cut off.
    weight: f64,
    /// Faults that count and their weight, by the hash of the user.
    actors: HashMap<u64, (u64, f64)>,
}

/// Users that are told apart in one window. Those beyond count as one, and no more than one.
const ACTORS_MAX: usize = 4096;

/// The least that a fault weighs: what costs hardly anything still fills the log.
const WEIGHT_MIN: f64 = 0.02;

/// After a suspension this part of the usual weight is enough for the next one.
const PROBATION: f64 = 0.1;

impl Breaker {
    pub(crate) fn new(limits: BreakerLimits) -> Self {
        Self {
            limits,
            started: Instant::now(),
            suspended_until_ms: AtomicU64::new(0),
            is_counting: AtomicBool::new(false),
            verdicts: AtomicU64::new(0),
            window: Mutex::default(),
            hasher: RandomState::new(),
        }
    }

    /// Whether the plugin may be called now; and if its pause has just ended, that.
    ///
    /// # Errors
    /// [`Fault::Suspended`] if it is left alone.
    pub(crate) fn check(&self) -> Result<Option<Change>, Fault> {
        let until = self.suspended_until_ms.load(Ordering::Relaxed);
        if until == 0 {
            return Ok(None);
        }
        if self.now_ms() < until {
            return Err(Fault::Suspended);
        }
        // One caller reports that; the others just go on.
        match self.suspended_until_ms.compare_exchange(until, 0, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Ok(Some(Change::Resumed)),
            Err(_) => Ok(None),
        }
    }

    /// How long a suspension lasts.
    pub(crate) fn pause(&self) -> Duration {
        self.limits.pause
    }

    /// Whether the plugin is left alone.
    pub(crate) fn is_suspended(&self) -> bool {
        let until = self.suspended_until_ms.load(Ordering::Relaxed);
        until != 0 && self.now_ms() < until
    }

    /// The plugin gave a verdict.
    pub(crate) fn succeeded(&self) {
        if self.is_counting.load(Ordering::Relaxed) {
            self.verdicts.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The plugin failed at a callback of `actor`; `cost` is the part of what a call may cost that this one has cost.
    ///
    /// An empty actor is one like any other: where the chat server does not say who did something, it may always have
    /// been the same user.
    pub(crate) fn failed(&self, actor: &str, fault: &Fault, cost: f64) -> Option<Change> {
        if self.limits.faults_max == 0 {
            return None;
        }
        let now = Instant::now();
        let mut window = self.lock();
        if window.began.is_none_or(|began| now.saturating_duration_since(began) >= self.limits.window) {
            // A window without a suspension ends a probation.
            let is_probation = window.is_probation && window.began.is_none();
            *window = Window { began: Some(now), is_probation, ..Window::default() };
            self.verdicts.store(0, Ordering::Relaxed);
            self.is_counting.store(true, Ordering::Relaxed);
        }
        let faults_max = f64::from(self.limits.faults_max) * if window.is_probation { PROBATION } else { 1.0 };
        let of_one_max = faults_max / f64::from(self.limits.actors_min.max(2));
        window.add(self.hasher.hash_one(actor), weight(fault, cost), of_one_max);
        let verdicts = self.verdicts.load(Ordering::Relaxed);
        let percent_min = u64::from(self.limits.percent_min);
        let is_most = window.counted * 100 >= (window.counted + verdicts) * percent_min;
        // Weights are fractions: what adds up to the maximum but for rounding has reached it.
        let is_enough = window.weight + 1e-9 >= faults_max && window.actors.len() >= self.limits.actors_min as usize;
        if !(is_enough && is_most) || self.is_suspended() {
            return None;
        }
        let change =
            Change::Suspended { faults: window.faults, calls: window.faults + verdicts, actors: window.actors.len() };
        *window = Window { is_probation: true, ..Window::default() };
        self.is_counting.store(false, Ordering::Relaxed);
        self.suspended_until_ms.store(self.now_ms() + self.pause_ms(), Ordering::Relaxed);
        Some(change)
    }

    fn lock(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX / 2)
    }

    fn pause_ms(&self) -> u64 {
        u64::try_from(self.limits.pause.as_millis()).unwrap_or(u64::MAX / 2).max(1)
    }
}

impl Window {
    /// Adds a fault; one user's count and weigh at most `of_one_max` together.
    fn add(&mut self, actor: u64, weight: f64, of_one_max: f64) {
        self.faults += 1;
        let actor = if self.actors.len() < ACTORS_MAX || self.actors.contains_key(&actor) { actor } else { 0 };
        let (counted, weighed) = self.actors.entry(actor).or_default();
        if (*counted as f64) < of_one_max {
            *counted += 1;
            self.counted += 1;
        }
        let more = weight.min(of_one_max - *weighed).max(0.0);
        *weighed += more;
        self.weight += more;
    }
}

/// How much a fault weighs, where one whose call used up all that a call may use weighs 1.
fn weight(fault: &Fault, cost: f64) -> f64 {
    match fault {
        Fault::Undecided { .. } | Fault::ReplyInvalid { .. } => cost.clamp(WEIGHT_MIN, 1.0),
        _ => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(faults_max: u32) -> BreakerLimits {
        let (window, pause) = (Duration::from_secs(10), Duration::from_secs(5));
        BreakerLimits { faults_max, actors_min: 10, percent_min: 50, window, pause }
    }

    const LOOPS: Fault = Fault::StackOverflow;

    /// Whether this many faults from each of this many users suspend the plugin.
    fn suspends(breaker: &Breaker, actors: usize, of_each: usize, fault: &Fault, cost: f64) -> bool {
        (0..actors * of_each).any(|n| breaker.failed(&format!("u{}", n % actors), fault, cost).is_some())
    }

    #[tokio::test(start_paused = true)]
    async fn many_users_suspend_and_after_the_pause_a_tenth_does_it_again() {
        let breaker = Breaker::new(limits(100));
        assert!(!suspends(&breaker, 11, 9, &LOOPS, 1.0), "99 faults");
        let change = breaker.failed("one more", &LOOPS, 1.0);
        assert_eq!(change, Some(Change::Suspended { faults: 100, calls: 100, actors: 12 }));
        assert_eq!(breaker.check(), Err(Fault::Suspended));
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(breaker.check(), Ok(Some(Change::Resumed)));
        assert_eq!(breaker.check(), Ok(None));
        assert!(!suspends(&breaker, 9, 100, &LOOPS, 1.0), "too few users");
        assert!(suspends(&breaker, 10, 1, &LOOPS, 1.0), "on probation");
        tokio::time::advance(Duration::from_secs(5)).await;
        assert_eq!(breaker.check(), Ok(Some(Change::Resumed)));
        breaker.failed("u", &LOOPS, 1.0);
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(!suspends(&breaker, 33, 3, &LOOPS, 1.0), "the probation is over");
    }

    #[tokio::test(start_paused = true)]
    async fn faults_of_one_user_or_of_unknown_ones_never_suspend() {
        let breaker = Breaker::new(limits(100));
        for actor in ["u1", ""] {
            assert!((0..100_000).all(|_| breaker.failed(actor, &LOOPS, 1.0).is_none()));
        }
        // Nor do those of a few, whatever else they do: one fault of each other user is all that is missing.
        assert!(!suspends(&breaker, 7, 10_000, &LOOPS, 1.0));
    }

    #[tokio::test(start_paused = true)]
    async fn faults_that_are_not_most_of_the_calls_do_not_suspend() {
        let breaker = Breaker::new(limits(100));
        breaker.failed("u0", &LOOPS, 1.0);
        (0..101).for_each(|_| breaker.succeeded());
        assert!(!suspends(&breaker, 10, 10, &LOOPS, 1.0));
        assert!(suspends(&breaker, 11, 1, &LOOPS, 1.0));
        // A thousand faults of one user count as ten calls, not as a thousand.
        let breaker = Breaker::new(limits(100));
        (0..1000).for_each(|_| assert_eq!(breaker.failed("u0", &LOOPS, 1.0), None));
        (0..110).for_each(|_| breaker.succeeded());
        assert!(!suspends(&breaker, 10, 9, &LOOPS, 1.0));
    }

    #[tokio::test(start_paused = true)]
    async fn cheap_faults_weigh_little() {
        let cheap = Fault::Undecided { reason: String::new() };
        assert!(!suspends(&Breaker::new(limits(100)), 4000, 1, &cheap, 0.0));
        assert!(suspends(&Breaker::new(limits(100)), 100, 50, &cheap, 0.0));
        assert!(suspends(&Breaker::new(limits(100)), 200, 1, &cheap, 0.5));
    }

    #[tokio::test(start_paused = true)]
    async fn faults_of_long_ago_are_forgotten_and_zero_means_never() {
        let breaker = Breaker::new(limits(100));
        assert!(!suspends(&breaker, 99, 1, &LOOPS, 1.0));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert!(!suspends(&breaker, 99, 1, &LOOPS, 1.0));
        assert!(!suspends(&Breaker::new(limits(0)), 1000, 10, &LOOPS, 1.0));
        assert!(suspends(&Breaker::new(limits(1)), 10, 1, &LOOPS, 1.0));
    }
}
