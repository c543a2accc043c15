//! The thread that decides whose job runs next.
//!
//! It alone has the queues. Jobs come to it, and the word that one has ended or is not wanted any more; it hands each
//! worker its next job. It runs at the priority of the threads that move bytes, and also delivers the results: a
//! worker, which may lose its core at any moment, never holds anything that those threads wait for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use callgate_sandbox::cpu;
use callgate_sandbox::mailbox::{Inbox, Mailbox, start};

use super::crowd::{Crowd, LANES};
use super::queue::{Flow, Queue, Terms};
use crate::deadline::Deadline;
use crate::priority;

/// Runs a guest, on a worker.
pub(super) type Run = Box<dyn FnOnce() -> Deliver + Send>;

/// Hands the result to the task that waits for it, on the dispatcher's thread.
pub(super) type Deliver = Box<dyn FnOnce() + Send>;

/// What has to be done.
pub(super) struct Job {
    pub(super) flow: Flow,
    /// Different for each job. It grows in each thread that sends jobs.
    pub(super) number: u64,
    /// The deadline of its result; `None`: background work without one.
    pub(super) deadline: Option<Deadline>,
    /// What such jobs take, in CPU time.
    pub(super) takes: Duration,
    /// Those of the plugins that it calls that have a maximum number of concurrent calls.
    pub(super) bounds: Arc<[Bound]>,
    /// Where the dispatcher notes how crowded its flow is.
    pub(super) crowd: Arc<Crowd>,
    pub(super) run: Run,
}

/// How many calls a plugin may have on workers at the same time, on all platforms and in all lanes together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bound {
    /// The plugin's number, in the order of the settings.
    pub(crate) plugin: usize,
    /// At least 1.
    pub(crate) calls_at_once_max: usize,
}

impl Job {
    /// How it joins its flow.
    fn terms(&self) -> Terms {
        let own = self.bounds.iter().find(|bound| bound.plugin == self.flow.plugin);
        Terms {
            left: self.deadline.map_or(Duration::MAX, Deadline::remaining_for_guests),
            takes: self.takes,
            bound: own.map_or(usize::MAX, |bound| bound.calls_at_once_max),
            crowd: Arc::clone(&self.crowd),
        }
    }

    /// Whether the time left is shorter than such jobs take.
    fn is_hopeless(&self, takes: Duration) -> bool {
        self.deadline.is_some_and(|deadline| deadline.last_start(takes) <= tokio::time::Instant::now())
    }
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
    bounds: Arc<[Bound]>,
    cpu: Duration,
    held: Duration,
    deliver: Deliver,
}

/// Workers of one priority, and the jobs that wait for them.
pub(super) struct Lane {
    name: &'static str,
    nice: i32,
    threads_max: usize,
    /// Maximum number of jobs that wait.
    waiting_max: usize,
    queue: Queue<Job>,
    workers: Vec<Mailbox<Job>>,
    /// The numbers of the workers that have nothing to do; the last one has been busy most recently.
    idle: Vec<usize>,
}

impl Lane {
    /// A lane of at most `threads_max` threads, which are started when needed; one plugin gets at most `part` of them.
    pub(super) fn new(name: &'static str, nice: i32, threads_max: usize, part: usize) -> Self {
        Self {
            name,
            nice,
            threads_max,
            waiting_max: usize::MAX,
            queue: Queue::new(threads_max, part),
            workers: Vec::new(),
            idle: Vec::new(),
        }
    }

    /// The same, with at most `waiting_max` jobs waiting: jobs without a deadline have no other limit.
    pub(super) fn bounded(self, waiting_max: usize) -> Self {
        Self { waiting_max, ..self }
    }

    /// Takes a job in, if it can end in time. If not it is dropped: the task that waits for it learns it from that.
    fn take(&mut self, job: Job) {
        let terms = job.terms();
        if self.queue.waiting() < self.waiting_max && self.queue.look(job.flow).wait <= terms.left {
            self.queue.push(job.flow, job.number, job, terms);
        }
    }

    /// Hands out jobs as long as there are both jobs and workers for them.
    fn dispatch(&mut self, number: usize, own: &Mailbox<Message>, bounded: &mut Bounded) {
        while self.queue.waiting() > 0 {
            let Some(worker) = self.idle.pop().or_else(|| self.start_worker(number, own)) else { return };
            let mut refused = Vec::new();
            let job = self.queue.pop(|job| bounded.may_start(&job.bounds), Job::is_hopeless, &mut refused);
            refused.iter().for_each(|job| self.queue.note(number, job.flow));
            let (Some(job), Some(mailbox)) = (job, self.workers.get(worker)) else {
                self.idle.push(worker);
                return;
            };
            bounded.begin(&job.bounds);
            self.queue.note(number, job.flow);
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
            priority::lower(nice);
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

/// The calls of bounded plugins that are running.
#[derive(Debug, Default)]
struct Bounded(BTreeMap<usize, usize>);

impl Bounded {
    fn may_start(&self, bounds: &[Bound]) -> bool {
        bounds.iter().all(|bound| self.0.get(&bound.plugin).is_none_or(|calls| *calls < bound.calls_at_once_max))
    }

    fn begin(&mut self, bounds: &[Bound]) {
        bounds.iter().for_each(|bound| *self.0.entry(bound.plugin).or_default() += 1);
    }

    fn end(&mut self, bounds: &[Bound]) {
        for bound in bounds {
            if let Some(calls) = self.0.get_mut(&bound.plugin) {
                *calls = calls.saturating_sub(1);
            }
        }
    }
}

/// Runs a job, on a worker.
fn work(lane: usize, worker: usize, job: Job) -> Done {
    let (began, cpu_before) = (Instant::now(), cpu::of_this_thread());
    let Job { flow, bounds, run, .. } = job;
    let deliver = run();
    let cpu = cpu::of_this_thread().saturating_sub(cpu_before);
    Done { lane, worker, flow, bounds, cpu, held: began.elapsed(), deliver }
}

/// Dispatches the jobs of these lanes until it is stopped. `waiting` is kept at the number of jobs with a deadline
/// that wait.
pub(super) fn dispatch(
    inbox: &Inbox<Message>,
    own: &Mailbox<Message>,
    mut lanes: Vec<Lane>,
    waiting: &Arc<AtomicUsize>,
) {
    let mut bounded = Bounded::default();
    while let Some(message) = inbox.receive() {
        match message {
            Message::Job(number, mut job) => {
                let flow = job.flow;
                // A plugin whose calls have become longer comes from another lane.
                job.takes =
                    lanes.iter().take(LANES).map(|lane| lane.queue.average(flow)).fold(job.takes, Duration::max);
                if let Some(lane) = lanes.get_mut(number) {
                    lane.take(job);
                    lane.queue.note(number, flow);
                }
            }
            Message::Gone(number, flow, job) => {
                // What it has captured is dropped here.
                if let Some(lane) = lanes.get_mut(number) {
                    drop(lane.queue.remove(flow, job));
                    lane.queue.note(number, flow);
                }
            }
            Message::Done(Done { lane: number, worker, flow, bounds, cpu, held, deliver }) => {
                deliver();
                bounded.end(&bounds);
                if let Some(lane) = lanes.get_mut(number) {
                    lane.queue.done(flow, cpu, held);
                    lane.idle.push(worker);
                    lane.queue.note(number, flow);
                }
            }
            Message::End => return,
            #[cfg(test)]
            Message::Settle(sender) => {
                let _ = sender.send(());
                continue;
            }
        }
        // What has ended in one lane may let a job of the same plugin begin in another.
        for (number, lane) in lanes.iter_mut().enumerate() {
            lane.dispatch(number, own, &mut bounded);
        }
        waiting.store(lanes.iter().take(LANES).map(|lane| lane.queue.waiting()).sum(), Ordering::Relaxed);
    }
}
