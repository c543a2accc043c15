//! Messages to one thread, sent without taking a lock.
//!
//! A lock would let a thread of high priority wait for one of low priority: that one may lose its core while it holds
//! the lock, and on a busy machine it does not get another for tens of milliseconds. So the receiver never waits inside
//! the channel, where it would be registered under a lock: it parks its thread when there is nothing, and each sender
//! unparks it.

use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::Thread;

/// Sends to a thread. It can be cloned.
pub struct Mailbox<M> {
    /// `None` only while this is dropped.
    messages: Option<Sender<M>>,
    thread: Thread,
}

/// What a thread receives.
#[derive(Debug)]
pub struct Inbox<M>(Receiver<M>);

/// Starts a thread that is given its inbox. It should end when there are no more messages.
///
/// # Errors
/// If the system starts no more threads.
///
/// ```
/// # use callgate_sandbox::mailbox::start;
/// let (sender, sum) = std::sync::mpsc::channel();
/// let mailbox = start("adder", move |inbox| {
///     let all: u32 = std::iter::from_fn(|| inbox.receive()).sum();
///     sender.send(all).unwrap();
/// })?;
/// mailbox.clone().send(1);
/// mailbox.send(2);
/// drop(mailbox);
/// assert_eq!(sum.recv().unwrap(), 3);
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn start<M: Send + 'static>(
    name: &str,
    run: impl FnOnce(Inbox<M>) + Send + 'static,
) -> std::io::Result<Mailbox<M>> {
    start_with_own(name, |inbox, own| {
        drop(own);
        run(inbox);
    })
}

/// As [`start`], for a thread that also sends to itself, or has others send to it. As long as it has this mailbox,
/// [`Inbox::receive`] waits.
///
/// # Errors
/// If the system starts no more threads.
pub fn start_with_own<M: Send + 'static>(
    name: &str,
    run: impl FnOnce(Inbox<M>, Mailbox<M>) + Send + 'static,
) -> std::io::Result<Mailbox<M>> {
    let (messages, received) = channel();
    let own = messages.clone();
    let thread = std::thread::Builder::new()
        .name(name.to_owned())
        .spawn(move || run(Inbox(received), Mailbox { messages: Some(own), thread: std::thread::current() }))?;
    Ok(Mailbox { messages: Some(messages), thread: thread.thread().clone() })
}

impl<M> Mailbox<M> {
    /// Sends a message. It is dropped here if the thread has ended.
    pub fn send(&self, message: M) {
        if let Some(messages) = &self.messages
            && messages.send(message).is_ok()
        {
            self.thread.unpark();
        }
    }
}

impl<M> Drop for Mailbox<M> {
    fn drop(&mut self) {
        drop(self.messages.take());
        // It may have been the last one.
        self.thread.unpark();
    }
}

// Derived, these would ask the same of messages.
impl<M> Clone for Mailbox<M> {
    fn clone(&self) -> Self {
        Self { messages: self.messages.clone(), thread: self.thread.clone() }
    }
}

impl<M> std::fmt::Debug for Mailbox<M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mailbox").field("thread", &self.thread).finish_non_exhaustive()
    }
}

impl<M> Inbox<M> {
    /// Waits for the next message; `None` once all mailboxes are gone.
    pub fn receive(&self) -> Option<M> {
        loop {
            match self.0.try_recv() {
                Ok(message) => return Some(message),
                Err(TryRecvError::Disconnected) => return None,
                // A message that came after the look has left a token, with which this returns at once.
                Err(TryRecvError::Empty) => std::thread::park(),
            }
        }
    }
}
