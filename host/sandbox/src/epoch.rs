//! The epoch: a clock of ticks that wasmtime looks at while guests run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use wasmtime::Engine as Wasmtime;

/// How often the epoch moves. A call's wall time is bounded this roughly.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// Ticks after which `time` is surely over: one more than fits, because the running tick has begun already.
pub(crate) fn ticks_within(time: Duration) -> u64 {
    let ticks = time.as_micros() / TICK.as_micros();
    // Far from where adding it to the current epoch would wrap.
    u64::try_from(ticks).unwrap_or(u64::MAX).min(u64::MAX / 4) + 1
}

/// Moves the epoch of the engines until `ticking` is unset. A late tick is one tick, never made up for: a machine that
/// slept must not wake up to calls that are all out of time.
pub(crate) fn tick(engines: [Wasmtime; 2], ticking: Arc<AtomicBool>) -> Result<(), wasmtime::Error> {
    std::thread::Builder::new().name("epoch".to_owned()).spawn(move || {
        let mut due = Instant::now() + TICK;
        while ticking.load(Ordering::Relaxed) {
            // Until a moment, not for a duration: a sleep that is always a little late would stretch every tick.
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            for engine in &engines {
                engine.increment_epoch();
            }
            due = (due + TICK).max(Instant::now());
        }
    })?;
    Ok(())
}
