//! A thread for the work on instances that brief calls leave to others.
//!
//! Reading the page map, and dropping an instance, take the lock of the process's address space. A guest that touches
//! much memory keeps threads of low priority in that lock, for tens of milliseconds when the machine is busy. A thread
//! that other callbacks wait for must never wait there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::mailbox::{self, Mailbox};
use super::thread;

/// Instances that may wait there, for all plugins together: four per core. The pool of memories has slots for them.
pub(crate) fn waiting_max() -> usize {
    4 * thread::slots()
}

/// Does work in the order in which it was handed over.
#[derive(Debug)]
pub(crate) struct Aside {
    thread: Mailbox<Box<dyn FnOnce() + Send>>,
    waiting: Arc<AtomicUsize>,
    waiting_max: usize,
}

impl Aside {
    /// Starts the thread, which ends when this is dropped and all is done.
    ///
    /// # Errors
    /// If the system starts no more threads.
    pub(crate) fn start() -> std::io::Result<Self> {
        let waiting = Arc::new(AtomicUsize::new(0));
        let its_waiting = Arc::clone(&waiting);
        let thread = mailbox::start("restore", move |inbox: mailbox::Inbox<Box<dyn FnOnce() + Send>>| {
            while let Some(work) = inbox.receive() {
                work();
                its_waiting.fetch_sub(1, Ordering::Relaxed);
            }
        })?;
        Ok(Self { thread, waiting, waiting_max: waiting_max() })
    }

    /// Has the work done. If too much waits already it is dropped here instead: that is not worse than doing it here.
    pub(crate) fn work(&self, work: impl FnOnce() + Send + 'static) -> bool {
        let more = |waiting| (waiting < self.waiting_max).then_some(waiting + 1);
        let has_room = self.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
        if has_room {
            self.thread.send(Box::new(work));
        }
        has_room
    }
}
