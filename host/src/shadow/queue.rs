//! The thread that runs candidates, and its queue.
//!
//! It uses only spare capacity: it has the lowest priority, and checks before each callback whether a core is idle. It
//! is not woken for each callback, because that would cost the answering thread more than everything else here. While
//! there is work it polls its queue every few milliseconds; after a pause it is woken once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::Thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::priority;

/// How often the thread polls its queue while there is work.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// Number of polls of an empty queue, two seconds in all, after which it sleeps until it is woken.
const LOOKS_MAX: u32 = 1000;

/// It runs only while nothing else wants the CPU.
const LOWEST: i32 = 19;

/// Maximum pause between two checks for an idle core.
const BUSY_PAUSE_MAX: Duration = Duration::from_millis(16);

/// Sends jobs to the thread, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Queue<J> {
    messages: Sender<Message<J>>,
    thread: Thread,
    is_asleep: Arc<AtomicBool>,
}

#[derive(Debug)]
enum Message<J> {
    Job(J),
    /// Notifies the sender when everything that was sent before is done.
    Settle(oneshot::Sender<()>),
}

impl<J: Send + 'static> Queue<J> {
    /// Starts the thread, which does each job with `run`. `has_spare` says whether there are cores that nothing else
    /// needs now.
    ///
    /// # Errors
    /// If the system starts no more threads.
    pub(crate) fn start(
        has_spare: impl Fn() -> bool + Send + 'static,
        run: impl Fn(J) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (messages, received) = channel();
        let is_asleep = Arc::new(AtomicBool::new(false));
        let its_own = Arc::clone(&is_asleep);
        let thread = std::thread::Builder::new().name("shadow".to_owned()).spawn(move || {
            priority::lower(LOWEST);
            let inbox = Inbox { received, is_asleep: its_own };
            while let Some(message) = inbox.receive() {
                match message {
                    Message::Job(job) => {
                        wait_for(&has_spare);
                        // The sandbox is large; should it have a mistake that panics, the thread goes on.
                        if catch_unwind(AssertUnwindSafe(|| run(job))).is_err() {
                            tracing::error!("a comparison with a candidate failed; please report this");
                        }
                    }
                    Message::Settle(sender) => drop(sender.send(())),
                }
            }
        })?;
        Ok(Self { messages, thread: thread.thread().clone(), is_asleep })
    }

    /// Has a job done when there is time. Takes no lock, and never waits.
    pub(crate) fn send(&self, job: J) {
        self.post(Message::Job(job));
    }

    /// Completes when all that was sent before is done.
    pub(crate) async fn settle(&self) {
        let (sender, receiver) = oneshot::channel();
        self.post(Message::Settle(sender));
        let _ = receiver.await;
    }

    fn post(&self, message: Message<J>) {
        if self.messages.send(message).is_err() {
            return;
        }
        // Either this sees that the thread sleeps, or the thread sees the message before it does.
        fence(Ordering::SeqCst);
        if self.is_asleep.load(Ordering::Relaxed) {
            self.thread.unpark();
        }
    }
}

impl<J> Drop for Queue<J> {
    fn drop(&mut self) {
        // The thread polls for a while, and notices that all senders are gone.
        self.is_asleep.store(false, Ordering::Relaxed);
        self.thread.unpark();
    }
}

/// What the thread receives.
struct Inbox<J> {
    received: Receiver<Message<J>>,
    is_asleep: Arc<AtomicBool>,
}

impl<J> Inbox<J> {
    /// Waits for the next message; `None` once nothing sends any more.
    fn receive(&self) -> Option<Message<J>> {
        let mut looks = 0;
        loop {
            match self.received.try_recv() {
                Ok(message) => return Some(message),
                Err(TryRecvError::Disconnected) => return None,
                Err(TryRecvError::Empty) if looks < LOOKS_MAX => {
                    looks += 1;
                    std::thread::sleep(LOOK_EVERY);
                }
                Err(TryRecvError::Empty) => {
                    self.is_asleep.store(true, Ordering::Relaxed);
                    fence(Ordering::SeqCst);
                    match self.received.try_recv() {
                        Err(TryRecvError::Empty) => std::thread::park(),
                        found => {
                            self.is_asleep.store(false, Ordering::Relaxed);
                            return found.ok();
                        }
                    }
                    self.is_asleep.store(false, Ordering::Relaxed);
                    looks = 0;
                }
            }
        }
    }
}

/// Waits until there are cores to spare.
fn wait_for(has_spare: &impl Fn() -> bool) {
    let mut pause = Duration::from_micros(500);
    while !has_spare() {
        std::thread::sleep(pause);
        pause = (pause * 2).min(BUSY_PAUSE_MAX);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[tokio::test]
    async fn jobs_are_done_in_order_and_one_that_panics_hurts_no_other() {
        let done = Arc::new(std::sync::Mutex::new(Vec::new()));
        let its_done = Arc::clone(&done);
        let run = move |number| {
            assert!(number != 50, "on purpose");
            its_done.lock().unwrap().push(number);
        };
        let queue = Queue::start(|| true, run).unwrap();
        (0..100).for_each(|number| queue.send(number));
        queue.settle().await;
        assert_eq!(*done.lock().unwrap(), (0..100).filter(|number| *number != 50).collect::<Vec<_>>());
    }

    #[tokio::test]
    async fn nothing_is_done_while_there_is_nothing_to_spare() {
        let (has_spare, looks) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (its_spare, its_looks) = (Arc::clone(&has_spare), Arc::clone(&looks));
        let spare = move || {
            its_looks.fetch_add(1, Ordering::Relaxed);
            its_spare.load(Ordering::Relaxed)
        };
        let done = Arc::new(AtomicBool::new(false));
        let its_done = Arc::clone(&done);
        let queue = Queue::start(spare, move |()| its_done.store(true, Ordering::Relaxed)).unwrap();
        queue.send(());
        while looks.load(Ordering::Relaxed) < 5 {
            std::thread::yield_now();
        }
        assert!(!done.load(Ordering::Relaxed));
        has_spare.store(true, Ordering::Relaxed);
        queue.settle().await;
        assert!(done.load(Ordering::Relaxed));
    }
}
