//! Threads that run guests which are not quick, so that the threads that move bytes never do.
//!
//! There are two lanes, for jobs of some milliseconds and for longer ones, each with threads and a queue of its own: a job
//! that takes a tenth of a second never waits in front of one that takes one. A third lane is for work that nobody waits
//! for: its threads get what the others leave. Inside a lane the queue is fair
//! (`workers/queue.rs`). The threads have a lower priority than those that move bytes, the long lane the lowest, so a
//! machine that is full of guests still reads, refuses and answers in time. No thread that moves bytes ever waits for one
//! of these, not even for a lock (`workers/dispatcher.rs`).

mod dispatcher;
mod queue;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use callgate_sandbox::mailbox::{self, Mailbox};
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use crate::deadline::Deadline;
use dispatcher::{Deliver, Job, Lane, Message, dispatch};

pub(crate) use queue::Flow;

/// Jobs that take longer than this go into the long lane.
const SHORT_MAX: Duration = Duration::from_millis(8);

/// How much lower the priority of the lanes' threads is, as `nice` counts: with 2 a thread gets two thirds, with 6 a
/// quarter, with 15 a thirtieth of what a thread that moves bytes gets, when all want to run.
const NICE: [i32; 3] = [2, 6, 15];

/// How long a job that nobody waits for may wait: for ever.
const UNAWAITED: Duration = Duration::from_secs(365 * 24 * 3600);

/// Runs jobs on threads of its own. Dropping it ends the threads once they have done what they are at.
#[derive(Debug)]
pub(crate) struct Workers {
    dispatcher: Mailbox<Message>,
    /// Lanes for jobs that somebody waits for; behind them comes the one for the others.
    lanes: usize,
    next_number: AtomicU64,
    waiting: Arc<AtomicUsize>,
}

/// Why a job gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotRun {
    /// Its flow has so much to do that there would be no time left, or it had not ended when the deadline came.
    NoTime,
    /// It panicked, which only a mistake of the host can do.
    Panicked,
}

impl Workers {
    /// Threads for `threads_max` jobs at the same time, half of them in each lane; of one plugin at most `part_percent` of a
    /// lane's. They are started when they are needed.
    ///
    /// # Errors
    /// If the thread that distributes the jobs cannot be started.
    pub(crate) fn new(threads_max: usize, part_percent: usize) -> std::io::Result<Self> {
        let lane =
            |name, nice, threads_max: usize| Lane::new(name, nice, threads_max, threads_max * part_percent / 100);
        let [short_nice, long_nice, unawaited_nice] = NICE;
        let mut lanes = vec![lane("guest-short", short_nice, threads_max.div_ceil(2).max(1))];
        // One thread alone must do for both.
        if threads_max >= 2 {
            lanes.push(lane("guest-long", long_nice, threads_max / 2));
        }
        let (count, waiting) = (lanes.len(), Arc::new(AtomicUsize::new(0)));
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        lanes.push(lane("guest-unawaited", unawaited_nice, cores));
        let its_waiting = Arc::clone(&waiting);
        let dispatcher =
            mailbox::start_with_own("guest-queue", move |inbox, own| dispatch(&inbox, &own, lanes, &its_waiting))?;
        Ok(Self { dispatcher, lanes: count, next_number: AtomicU64::new(0), waiting })
    }

    /// How many jobs wait for a thread.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Runs `job` on a worker when its flow's turn has come, and gives its result. `takes` is what such jobs take.
    ///
    /// # Errors
    /// If there is no time for it. A job is taken out of the queue when its deadline comes, or when this is dropped because
    /// the client has gone: the queue and the memory of its jobs are bounded by those that are waited for.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        flow: Flow,
        takes: Duration,
        deadline: Deadline,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, NotRun> {
        let lane = usize::from(takes > SHORT_MAX).min(self.lanes - 1);
        let (sender, receiver) = oneshot::channel();
        let run = Box::new(move || -> Deliver {
            if sender.is_closed() || deadline.remaining_for_guests().is_zero() {
                return Box::new(move || drop(sender));
            }
            // The sandbox is large; should it have a mistake that panics, the thread goes on with the next job.
            let result = catch_unwind(AssertUnwindSafe(job)).map_err(|_| NotRun::Panicked);
            Box::new(move || {
                // The task that waited may have gone.
                let _ = sender.send(result);
            })
        });
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        self.dispatcher.send(Message::Job(lane, Job { flow, number, deadline, run }));
        let mut waiting = Waiting { dispatcher: &self.dispatcher, lane, flow, number, is_over: false };
        let Ok(ended) = timeout_at(deadline.moment(), receiver).await else { return Err(NotRun::NoTime) };
        waiting.is_over = true;
        // A job that is dropped was refused.
        ended.unwrap_or(Err(NotRun::NoTime))
    }

    /// Has `job` run, when its flow's turn has come, with less priority than all that is waited for. A job is dropped
    /// without having run only when the workers end.
    ///
    /// Its queue is as long as the caller makes it: it posts no more jobs than it has a bound for.
    pub(crate) fn post(&self, flow: Flow, job: impl FnOnce() + Send + 'static) {
        let run = Box::new(move || -> Deliver {
            // Whoever needs to know of a panic has something in the job that is dropped.
            let _ = catch_unwind(AssertUnwindSafe(job));
            Box::new(|| {})
        });
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let deadline = Deadline::new(tokio::time::Instant::now(), UNAWAITED);
        self.dispatcher.send(Message::Job(self.lanes, Job { flow, number, deadline, run }));
    }

    /// Waits until all that was sent to the dispatcher has been dealt with.
    #[cfg(test)]
    async fn settle(&self) {
        let (sender, receiver) = oneshot::channel();
        self.dispatcher.send(Message::Settle(sender));
        receiver.await.unwrap();
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.dispatcher.send(Message::End);
    }
}

/// A job that is waited for. Dropping it takes the job out of the queue, if it has not begun.
struct Waiting<'w> {
    dispatcher: &'w Mailbox<Message>,
    lane: usize,
    flow: Flow,
    number: u64,
    is_over: bool,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if !self.is_over {
            self.dispatcher.send(Message::Gone(self.lane, self.flow, self.number));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const FLOW: Flow = Flow { platform: 0, plugin: 0 };
    const OTHER: Flow = Flow { platform: 0, plugin: 1 };

    fn deadline() -> Deadline {
        Deadline::new(tokio::time::Instant::now(), Duration::from_secs(60))
    }

    #[tokio::test]
    async fn a_job_has_its_result_and_a_job_that_panics_hurts_no_other() {
        let workers = Workers::new(1, 50).unwrap();
        assert_eq!(workers.run(FLOW, Duration::ZERO, deadline(), || 7).await, Ok(7));
        let panics = workers.run(FLOW, Duration::ZERO, deadline(), || panic!("on purpose")).await;
        assert_eq!(panics.map(|()| 0), Err(NotRun::Panicked));
        assert_eq!(workers.run(FLOW, Duration::ZERO, deadline(), || 8).await, Ok(8));
        assert_eq!(workers.waiting(), 0);
    }

    #[tokio::test]
    async fn a_plugin_that_fills_its_part_leaves_a_thread_to_others() {
        let workers = Arc::new(Workers::new(4, 50).unwrap());
        let (sender, hold) = channel::<()>();
        let (began, has_begun) = channel();
        let its = Arc::clone(&workers);
        let holds = tokio::spawn(async move {
            let job = move || {
                let _ = began.send(());
                let _ = hold.recv();
            };
            its.run(FLOW, Duration::ZERO, deadline(), job).await
        });
        tokio::task::spawn_blocking(move || has_begun.recv()).await.unwrap().unwrap();
        // Another job of the same plugin has to wait, although the lane has a second thread.
        let second = workers.run(FLOW, Duration::ZERO, deadline(), || 1);
        let mut second = std::pin::pin!(second);
        let third = workers.run(OTHER, Duration::ZERO, deadline(), || 2);
        tokio::select! {
            biased;
            _ = &mut second => panic!("it has passed the job before it"),
            third = third => assert_eq!(third, Ok(2)),
        }
        workers.settle().await;
        assert_eq!(workers.waiting(), 1);
        drop(sender);
        assert_eq!(second.await, Ok(1));
        assert_eq!(holds.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn two_jobs_at_the_same_moment_do_not_count_on_the_same_idle_thread() {
        let workers = Workers::new(4, 50).unwrap();
        assert_eq!(workers.run(FLOW, Duration::ZERO, deadline(), || 0).await, Ok(0));
        // One thread is idle, or soon will be. The first job ends only if the second one runs beside it.
        let (sender, receiver) = channel();
        let first = workers.run(FLOW, Duration::ZERO, deadline(), move || receiver.recv().unwrap_or(0));
        let second = workers.run(OTHER, Duration::ZERO, deadline(), move || sender.send(7).is_ok());
        assert_eq!(tokio::join!(first, second), (Ok(7), Ok(true)));
    }

    #[tokio::test]
    async fn a_share_of_everything_leaves_nothing_and_the_smallest_share_is_one_call() {
        // Two threads in the lane: with all of them, two jobs of one plugin can wait for each other.
        let workers = Workers::new(4, 100).unwrap();
        let (sender, receiver) = channel();
        let first = workers.run(FLOW, Duration::ZERO, deadline(), move || receiver.recv().unwrap_or(0));
        let second = workers.run(FLOW, Duration::ZERO, deadline(), move || sender.send(7).is_ok());
        assert_eq!(tokio::join!(first, second), (Ok(7), Ok(true)));
        let workers = Workers::new(4, 1).unwrap();
        assert_eq!(workers.run(FLOW, Duration::ZERO, deadline(), || 8).await, Ok(8));
    }

    #[tokio::test]
    async fn long_jobs_have_a_lane_of_their_own() {
        let workers = Arc::new(Workers::new(2, 50).unwrap());
        let (sender, hold) = channel::<()>();
        let its = Arc::clone(&workers);
        let long = tokio::spawn(async move {
            its.run(FLOW, SHORT_MAX * 2, deadline(), move || hold.recv().unwrap_or_default()).await
        });
        assert_eq!(workers.run(OTHER, SHORT_MAX, deadline(), || 1).await, Ok(1));
        drop(sender);
        assert_eq!(long.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_job_that_nobody_waits_for_any_more_is_not_begun() {
        let workers = Arc::new(Workers::new(1, 50).unwrap());
        let (sender, hold) = channel::<()>();
        let (begins, first_has_begun) = channel();
        let its = Arc::clone(&workers);
        let first = tokio::spawn(async move {
            let job = move || {
                let _ = begins.send(());
                hold.recv().unwrap_or_default();
            };
            its.run(FLOW, Duration::ZERO, deadline(), job).await
        });
        tokio::task::spawn_blocking(move || first_has_begun.recv()).await.unwrap().unwrap();
        let (began, has_begun) = channel();
        {
            let gone = workers.run(OTHER, Duration::ZERO, deadline(), move || began.send(()).unwrap_or_default());
            let mut gone = std::pin::pin!(gone);
            tokio::select! {
                biased;
                _ = &mut gone => panic!("the thread is taken"),
                () = std::future::ready(()) => {}
            }
        }
        workers.settle().await;
        assert_eq!(workers.waiting(), 0, "it is out of the queue at once");
        drop(sender);
        first.await.unwrap().unwrap();
        assert_eq!(workers.run(OTHER, Duration::ZERO, deadline(), || 3).await, Ok(3));
        assert!(has_begun.try_recv().is_err());
    }

    #[tokio::test]
    async fn a_job_that_nobody_waits_for_runs_beside_the_others_even_if_one_panics() {
        let workers = Workers::new(1, 50).unwrap();
        let (sender, hold) = channel::<()>();
        let (began, has_begun) = channel();
        let held = workers.run(FLOW, Duration::ZERO, deadline(), move || {
            began.send(()).unwrap();
            hold.recv().unwrap_or_default();
        });
        let (done, is_done) = channel();
        workers.post(FLOW, || panic!("on purpose"));
        workers.post(FLOW, move || {
            has_begun.recv().unwrap();
            done.send(()).unwrap();
            drop(sender);
        });
        assert_eq!(held.await, Ok(()));
        is_done.recv().unwrap();
        assert_eq!(workers.waiting(), 0);
    }

    #[tokio::test]
    async fn without_time_left_a_job_is_refused_or_given_up() {
        let workers = Workers::new(1, 50).unwrap();
        let over = Deadline::new(tokio::time::Instant::now(), Duration::ZERO);
        assert_eq!(workers.run(FLOW, Duration::ZERO, over, || 1).await, Err(NotRun::NoTime));
    }
}
