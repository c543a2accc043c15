//! Generations that are no longer in service: each ends when the last callback that holds it is answered.
//!
//! Freeing one takes milliseconds, for its compiled code and kept instances, so no thread that serves connections
//! may drop the last reference.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::priority;

/// Keeps what is retired until nothing else holds it, and frees it on a thread of its own.
pub(crate) struct Retired<G>(Arc<Mutex<Kept<G>>>);

struct Kept<G> {
    waiting: Vec<Arc<G>>,
    /// Whether there is a thread that frees them.
    is_swept: bool,
}

/// How often it is looked whether a generation is still held. Callbacks hold one for at most `answer_within_ms`.
const LOOK_EVERY: Duration = Duration::from_millis(20);

impl<G: Send + Sync + 'static> Retired<G> {
    /// Frees this as soon as nothing else holds it.
    pub(crate) fn add(&self, retired: Arc<G>) {
        let mut kept = lock(&self.0);
        kept.waiting.push(retired);
        if kept.is_swept {
            return;
        }
        let shared = Arc::clone(&self.0);
        let sweep = move || {
            priority::lower(priority::RELOADS);
            while sweep(&shared) {
                std::thread::sleep(LOOK_EVERY);
            }
        };
        // Without a thread, the next one that can be started frees this, too.
        kept.is_swept = std::thread::Builder::new().name("retire".to_owned()).spawn(sweep).is_ok();
    }

    /// How many are still held.
    pub(crate) fn len(&self) -> usize {
        lock(&self.0).waiting.len()
    }
}

/// Frees what nothing else holds; false if nothing is left, and the thread that asks is to end.
fn sweep<G>(kept: &Mutex<Kept<G>>) -> bool {
    let free: Vec<Arc<G>>;
    {
        let mut kept = lock(kept);
        // Nothing hands out further references to what is retired.
        let (held, unheld) = kept.waiting.drain(..).partition(|retired| Arc::strong_count(retired) > 1);
        (kept.waiting, free) = (held, unheld);
        kept.is_swept = !kept.waiting.is_empty();
        if !kept.is_swept && free.is_empty() {
            return false;
        }
        kept.is_swept = true;
    }
    // Outside of the lock, because it takes long.
    drop(free);
    true
}

fn lock<G>(kept: &Mutex<Kept<G>>) -> MutexGuard<'_, Kept<G>> {
    kept.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<G> Default for Retired<G> {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Kept { waiting: Vec::new(), is_swept: false })))
    }
}

impl<G> fmt::Debug for Retired<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retired").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Sender, channel};

    use super::*;

    /// Says on which thread it is dropped.
    struct Tells(Sender<Option<String>>);

    impl Drop for Tells {
        fn drop(&mut self) {
            let _ = self.0.send(std::thread::current().name().map(str::to_owned));
        }
    }

    #[test]
    fn what_is_retired_is_freed_on_its_own_thread_when_the_last_holder_lets_go() {
        let (sender, receiver) = channel();
        let retired = Retired::default();
        let (one, other) = (Arc::new(Tells(sender.clone())), Arc::new(Tells(sender)));
        let holder = Arc::clone(&one);
        retired.add(one);
        retired.add(other);
        assert_eq!(receiver.recv().unwrap().as_deref(), Some("retire"), "the one that nothing holds");
        assert!(receiver.try_recv().is_err() && retired.len() == 1);
        drop(holder);
        assert_eq!(receiver.recv().unwrap().as_deref(), Some("retire"));
    }
}
