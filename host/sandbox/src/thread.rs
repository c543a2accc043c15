//! Threads have numbers, so that each can have a slot of its own in an array.

use std::cell::Cell;
use std::sync::atomic::{AtomicUsize, Ordering};

/// This thread's number: 0 for the first thread to ask, then 1, and so on.
pub(crate) fn number() -> usize {
    thread_local! {
        static NUMBER: Cell<Option<usize>> = const { Cell::new(None) };
    }
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    NUMBER.get().unwrap_or_else(|| {
        let number = THREADS.fetch_add(1, Ordering::Relaxed);
        NUMBER.set(Some(number));
        number
    })
}

/// The size of an array of slots that threads share by number: one slot per core.
pub(crate) fn slots() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
