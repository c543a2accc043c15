//! The epoch: a tick counter that wasmtime checks while guests run, and that stops while none do.
//!
//! A dedicated thread ticks. On an idle host it would wake up a thousand times a second for nothing, so it sleeps when
//! no call has run for [`IDLE_TICKS`], and the next call wakes it.
//!
//! No call runs without ticks. A call first counts itself as running and then checks whether the thread sleeps; the
//! thread first announces that it sleeps and then checks whether calls are running. All four accesses are sequentially
//! consistent, so all threads agree on their order, and one of the two writes comes second. The side that made it then
//! reads what the other wrote: either the call sees that the thread sleeps and wakes it, or the thread sees the call
//! and does not sleep. (If both happen, the wake-up is redundant.) With weaker orderings both could read the old value,
//! as in Dekker's algorithm.
//!
//! While the thread sleeps the epoch does not advance. That does no harm: a deadline is set as a number of ticks from
//! now, while [`Running`] is held. The first tick after waking comes a whole [`TICK`] later, like any other.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::thread;

/// Interval between ticks. A call's wall time is bounded to this precision.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Ticks without a call after which the thread sleeps: 100 ms. Waking it costs a call a few microseconds; at ten or
/// more calls a second, none pays for it.
pub(crate) const IDLE_TICKS: u32 = 100;

/// Maximum number of late ticks made up for in one go: 100 ms' worth. On an overloaded machine the thread is always
/// late, often by tens of milliseconds; if those ticks were lost, a call could run for several times its limit.
/// (Measured with 16 busy threads on two cores: without this, 150 ticks in a second.) But calls must not all time out
/// after the machine was suspended, so the bound is less than the 250 ms that a call has by default.
const TICKS_MADE_UP_MAX: u32 = 100;

/// Ticks after which `time` has certainly passed: one more than fits, because the current tick has already begun.
pub(crate) fn ticks_within(time: Duration) -> u64 {
    let ticks = time.as_micros() / TICK.as_micros();
    // Small enough that adding it to the current epoch does not wrap.
    u64::try_from(ticks).unwrap_or(u64::MAX).min(u64::MAX / 4) + 1
}

/// The ticking thread, which runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Epoch {
    shared: Arc<Shared>,
    thread: Thread,
}

/// What that thread does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Event {
    Ticks,
    Sleeps,
    Wakes,
}

/// A call with a deadline is running. The epoch advances as long as this is held.
#[must_use]
#[derive(Debug)]
pub(crate) struct Running<'e>(&'e Calls);

#[derive(Debug)]
struct Shared {
    /// A slot for each core; threads share them by thread number.
    calls: Box<[Calls]>,
    /// Unreachable: there is always at least one slot.
    others: Calls,
    is_asleep: AtomicBool,
    ends: AtomicBool,
}

/// The number of calls begun in the upper half, and of calls running in the lower, so that one addition updates both.
/// On its own cache lines, to avoid false sharing.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Calls(AtomicU64);

const BEGUN: u64 = 1 << 32;
const RUNNING: u64 = 1;

impl Epoch {
    /// Starts the thread, which reports what it does. It sleeps after `idle_ticks` without a call.
    pub(crate) fn start(idle_ticks: u32, tell: impl FnMut(Event) + Send + 'static) -> std::io::Result<Self> {
        let shared = Arc::new(Shared {
            calls: (0..thread::slots()).map(|_| Calls::default()).collect(),
            others: Calls::default(),
            is_asleep: AtomicBool::new(false),
            ends: AtomicBool::new(false),
        });
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("epoch".to_owned());
        let thread = thread.spawn(move || tick(&of_thread, idle_ticks, tell))?.thread().clone();
        Ok(Self { shared, thread })
    }

    /// The epoch advances from now on, until the result is dropped.
    pub(crate) fn run(&self) -> Running<'_> {
        let calls = &self.shared.calls;
        let calls = calls.get(thread::number() % calls.len().max(1)).unwrap_or(&self.shared.others);
        calls.0.fetch_add(BEGUN + RUNNING, Ordering::SeqCst);
        if self.shared.is_asleep.load(Ordering::SeqCst) {
            self.wake();
        }
        Running(calls)
    }

    #[cold]
    fn wake(&self) {
        if self.shared.is_asleep.swap(false, Ordering::SeqCst) {
            self.thread.unpark();
        }
    }

    #[cfg(test)]
    pub(crate) fn is_asleep(&self) -> bool {
        self.shared.is_asleep.load(Ordering::SeqCst)
    }
}

impl Drop for Epoch {
    fn drop(&mut self) {
        self.shared.ends.store(true, Ordering::SeqCst);
        self.thread.unpark();
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        // It does not matter when the thread sees this: it would only tick a little longer.
        self.0.0.fetch_sub(RUNNING, Ordering::Release);
    }
}

impl Shared {
    /// How many calls have begun so far, and how many are running.
    fn calls(&self) -> (u64, u64) {
        let calls = self.calls.iter().chain([&self.others]).map(|calls| calls.0.load(Ordering::SeqCst));
        calls.fold((0, 0), |(begun, running), calls| (begun + calls / BEGUN, running + calls % BEGUN))
    }
}

fn tick(shared: &Shared, idle_ticks: u32, mut tell: impl FnMut(Event)) {
    let mut due = Instant::now() + TICK;
    let mut lull = Lull::default();
    while !shared.ends.load(Ordering::Relaxed) {
        // Sleeps until an instant, not for a duration: a sleep that is always a little late would stretch every tick.
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
        let (ticks, next) = ticks_due(due, Instant::now());
        (0..ticks).for_each(|_| tell(Event::Ticks));
        due = next;
        if lull.ticks_so_far(shared.calls()) > idle_ticks && sleep(shared, lull.begun, &mut tell) {
            lull.ticks = 0;
            due = Instant::now() + TICK;
        }
    }
}

/// How many ticks are due at `now`, the first of them at `due`, and when the next one is due.
fn ticks_due(due: Instant, now: Instant) -> (u32, Instant) {
    let late = now.saturating_duration_since(due).as_millis() / TICK.as_millis();
    let late = u32::try_from(late).unwrap_or(u32::MAX).min(TICKS_MADE_UP_MAX);
    (1 + late, (due + TICK * (1 + late)).max(now))
}

/// A period in which no call runs.
#[derive(Default)]
struct Lull {
    /// Calls begun before it.
    begun: u64,
    ticks: u32,
}

impl Lull {
    /// For how many ticks no call has run, given the calls begun and running. Short calls begin and end between two
    /// ticks.
    fn ticks_so_far(&mut self, (begun, running): (u64, u64)) -> u32 {
        let is_quiet = running == 0 && begun == self.begun;
        *self = Self { begun, ticks: if is_quiet { self.ticks.saturating_add(1) } else { 0 } };
        self.ticks
    }
}

/// Sleeps until a call begins, unless one has begun since the count was `seen`. Returns whether it slept.
fn sleep(shared: &Shared, seen: u64, tell: &mut impl FnMut(Event)) -> bool {
    shared.is_asleep.store(true, Ordering::SeqCst);
    let sleeps = shared.calls() == (seen, 0);
    if sleeps {
        tell(Event::Sleeps);
        // Unparking can be spurious.
        while shared.is_asleep.load(Ordering::SeqCst) && !shared.ends.load(Ordering::SeqCst) {
            std::thread::park();
        }
        tell(Event::Wakes);
    }
    shared.is_asleep.store(false, Ordering::SeqCst);
    sleeps
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// An epoch that reports to the test what it does.
    fn watched(idle_ticks: u32) -> (Epoch, mpsc::Receiver<Event>) {
        let (tell, told) = mpsc::channel();
        let epoch = Epoch::start(idle_ticks, move |event| tell.send(event).unwrap_or_default()).unwrap();
        (epoch, told)
    }

    /// Ticks until it sleeps.
    fn ticks_before_sleep(told: &mpsc::Receiver<Event>) -> usize {
        told.iter().take_while(|event| *event != Event::Sleeps).count()
    }

    #[test]
    fn an_idle_epoch_does_not_move_until_a_call_wakes_it() {
        let (epoch, told) = watched(3);
        assert!(ticks_before_sleep(&told) >= 3);
        for _ in 0..20 {
            // Earlier reports would arrive first.
            let running = epoch.run();
            assert_eq!(told.recv(), Ok(Event::Wakes));
            for _ in 0..10 {
                assert_eq!(told.recv(), Ok(Event::Ticks), "a call is running");
            }
            drop(running);
            assert!(ticks_before_sleep(&told) >= 3);
        }
    }

    #[test]
    fn calls_that_are_shorter_than_a_tick_end_a_lull_too() {
        let mut lull = Lull::default();
        let looks = [(0, 0), (0, 0), (1, 0), (1, 0), (2, 1), (2, 1), (2, 0), (2, 0)];
        assert_eq!(looks.map(|calls| lull.ticks_so_far(calls)), [1, 2, 0, 1, 0, 0, 1, 2]);
    }

    #[test]
    fn late_ticks_are_made_up_for_within_reason() {
        let due = Instant::now();
        let after = |micros| due + Duration::from_micros(micros);
        assert_eq!(ticks_due(after(300), due), (1, after(1300)), "early");
        assert_eq!(ticks_due(due, due), (1, after(1000)));
        assert_eq!(ticks_due(due, after(999)), (1, after(1000)));
        assert_eq!(ticks_due(due, after(3100)), (4, after(4000)));
        assert_eq!(ticks_due(due, after(100_500)), (101, after(101_000)));
        assert_eq!(ticks_due(due, after(60_000_000)), (101, after(60_000_000)), "the machine was stopped");
    }

    #[test]
    fn its_thread_ends_with_it_awake_or_asleep() {
        for idle_ticks in [0, u32::MAX] {
            let (epoch, told) = watched(idle_ticks);
            if idle_ticks == 0 {
                ticks_before_sleep(&told);
            }
            drop(epoch);
            // Ends when the thread drops its end.
            told.iter().for_each(drop);
        }
    }

    #[test]
    fn no_call_runs_without_ticks() {
        // It sleeps whenever it can, and calls arrive at any moment: each waits for a tick. If one is missed, the test
        // hangs.
        let ticks = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&ticks);
        let count = move |event| {
            counted.fetch_add(u64::from(event == Event::Ticks), Ordering::SeqCst);
        };
        let epoch = Epoch::start(0, count).unwrap();
        std::thread::scope(|scope| {
            for caller in 0..3_u32 {
                let (epoch, ticks) = (&epoch, &ticks);
                scope.spawn(move || {
                    for call in 0..200 {
                        let running = epoch.run();
                        let before = ticks.load(Ordering::SeqCst);
                        while ticks.load(Ordering::SeqCst) == before {
                            std::thread::yield_now();
                        }
                        drop(running);
                        // A varying pause between two calls.
                        (0..(caller + 1) * call * 50).for_each(|_| std::hint::spin_loop());
                    }
                });
            }
        });
    }
}
