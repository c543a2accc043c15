//! The thread that decides whose job runs next.
//!
//! It alone has the queues. Jobs come to it, and the word that one has ended or is not wanted any more; it hands each
//! worker its next job. It runs at the priority of the threads that move bytes, and also delivers the results: a worker,
//! which may lose its core at any moment, never holds anything that those threads wait for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use callgate_sandbox::cpu;
use callgate_sandbox::mailbox::{Inbox, Mailbox, start};

use super::queue::{Flow, Queue};
use crate::deadline::Deadline;

/// Runs a guest, on a worker.
pub(super) type Run = Box<dyn FnOnce() -> Deliver + Send>;

/// Hands the result to the task that waits for it, on the dispatcher's thread.
pub(super) type Deliver = Box<dyn FnOnce() + Send>;

/// What has to be done.
pub(super) struct Job {
    pub(super) flow: Flow,
    /// Different for each job. It grows in each thread that sends jobs.
    pub(super) number: u64,
    pub(super) deadline: Deadline,
    pub(super) run: Run,
}

/// What the dispatcher is told.
pub(super) enum Message {
    /// There is a job for this lane. It is dropped if it would have to wait too long.
    Job(usize, Job),
    /// Nothing waits any more for the job of this lane, flow and number.
    Gone(usize, Flow, u64),
    /// A worker has ended a job.
    Done(Done),
    /// No more jobs come.
    End,
    /// Tells the sender when all that was sent before has been dealt with.
    #[cfg(test)]
    Settle(tokio::sync::oneshot::Sender<()>),
}

pub(super) struct Done {
    lane: usize,
    worker: usize,
    flow: Flow,
    cpu: Duration,
    held: Duration,
    deliver: Deliver,
}

/// Workers of one priority, and the jobs that wait for them.
pub(super) struct Lane {
    name: &'static str,
    nice: i32,
    threads_max: usize,
    queue: Queue<Job>,
    workers: Vec<Mailbox<Job>>,
    /// The numbers of the workers that have nothing to do; the last one has been busy most recently.
    idle: Vec<usize>,
}

impl Lane {
    /// A lane of at most `threads_max` threads, which are started when needed; one plugin gets at most `part` of them.
    pub(super) fn new(name: &'static str, nice: i32, threads_max: usize, part: usize) -> Self {
        Self { name, nice, threads_max, queue: Queue::new(part), workers: Vec::new(), idle: Vec::new() }
    }

    /// Hands out jobs as long as there are both jobs and workers for them.
    fn dispatch(&mut self, number: usize, own: &Mailbox<Message>) {
        while self.queue.waiting() > 0 {
            let Some(worker) = self.idle.pop().or_else(|| self.start_worker(number, own)) else { return };
            let (Some(job), Some(mailbox)) = (self.queue.pop(), self.workers.get(worker)) else {
                self.idle.push(worker);
                return;
            };
            mailbox.send(job);
        }
    }

    /// Starts one more worker, if there may be more, and returns its number.
    fn start_worker(&mut self, lane: usize, own: &Mailbox<Message>) -> Option<usize> {
        if self.workers.len() >= self.threads_max {
            return None;
        }
        let (number, nice, dispatcher) = (self.workers.len(), self.nice, own.clone());
        let work = move |inbox: Inbox<Job>| {
            lower_priority(nice);
            while let Some(job) = inbox.receive() {
                dispatcher.send(Message::Done(work(lane, number, job)));
            }
        };
        match start(self.name, work) {
            Ok(mailbox) => self.workers.push(mailbox),
            Err(error) => {
                tracing::error!("no thread can be started for plugins: {error}");
                return None;
            }
        }
        Some(number)
    }
}

/// Runs a job, on a worker.
fn work(lane: usize, worker: usize, job: Job) -> Done {
    let (began, cpu_before) = (Instant::now(), cpu::of_this_thread());
    let deliver = (job.run)();
    let cpu = cpu::of_this_thread().saturating_sub(cpu_before);
    Done { lane, worker, flow: job.flow, cpu, held: began.elapsed(), deliver }
}

/// Dispatches the jobs of these lanes until it is told to end. `waiting` is kept at the number of jobs that wait in all
/// lanes but the last, whose jobs nobody waits for.
pub(super) fn dispatch(
    inbox: &Inbox<Message>,
    own: &Mailbox<Message>,
    mut lanes: Vec<Lane>,
    waiting: &Arc<AtomicUsize>,
) {
    while let Some(message) = inbox.receive() {
        let number = match message {
            Message::Job(number, job) => {
                if let Some(lane) = lanes.get_mut(number)
                    && lane.queue.wait(job.flow) <= job.deadline.remaining_for_guests()
                {
                    lane.queue.push(job.flow, job.number, job);
                }
                number
            }
            Message::Gone(number, flow, job) => {
                // What it has captured is dropped here.
                let _job = lanes.get_mut(number).and_then(|lane| lane.queue.remove(flow, job));
                number
            }
            Message::Done(Done { lane: number, worker, flow, cpu, held, deliver }) => {
                deliver();
                if let Some(lane) = lanes.get_mut(number) {
                    lane.queue.done(flow, cpu, held);
                    lane.idle.push(worker);
                }
                number
            }
            Message::End => return,
            #[cfg(test)]
            Message::Settle(sender) => {
                let _ = sender.send(());
                continue;
            }
        };
        if let Some(lane) = lanes.get_mut(number) {
            lane.dispatch(number, own);
        }
        let awaited = lanes.split_last().map_or(&[][..], |(_, awaited)| awaited);
        waiting.store(awaited.iter().map(|lane| lane.queue.waiting()).sum(), Ordering::Relaxed);
    }
}

/// Lets this thread be served after those that move bytes. Where that is not possible all are served alike.
fn lower_priority(nice: i32) {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), nice);
    #[cfg(not(target_os = "linux"))]
    let _ = nice;
}
