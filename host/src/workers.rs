//! Threads that run guests which are not quick, so that the threads that move bytes never do.
//!
//! There are two lanes, for jobs of some milliseconds and for longer ones, each with threads and a queue of its own: a job
//! that takes a tenth of a second never waits in front of one that takes one. Inside a lane the queue is fair
//! (`workers/queue.rs`). The threads have a lower priority than those that move bytes, the long lane the lowest, so a
//! machine that is full of guests still reads, refuses and answers in time.

mod queue;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use callgate_sandbox::cpu;
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use crate::deadline::Deadline;
use queue::Queue;

pub(crate) use queue::Flow;

/// Jobs that take longer than this go into the long lane.
const SHORT_MAX: Duration = Duration::from_millis(8);

/// How much lower the priority of the lanes' threads is, as `nice` counts: with 2 a thread gets two thirds, with 6 a
/// quarter of what a thread that moves bytes gets, when all want to run.
const NICE: [i32; 2] = [2, 6];

/// Runs jobs on threads of its own. Dropping it ends the threads once they have done what they are at.
#[derive(Debug)]
pub(crate) struct Workers {
    lanes: [Arc<Lane>; 2],
}

/// Why a job gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotRun {
    /// Its flow has so much to do that there would be no time left.
    Refused,
    /// It had not ended when the deadline came.
    TooLate,
    /// It panicked, which only a mistake of the host can do.
    Panicked,
}

#[derive(Debug)]
struct Lane {
    name: &'static str,
    nice: i32,
    threads_max: usize,
    inner: Mutex<Inner>,
    changed: Condvar,
}

#[derive(Debug)]
struct Inner {
    queue: Queue<Job>,
    /// The number of the next job.
    next: u64,
    threads: usize,
    idle: usize,
    is_over: bool,
}

struct Job {
    number: u64,
    run: Box<dyn FnOnce() + Send>,
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("number", &self.number).finish_non_exhaustive()
    }
}

impl Workers {
    /// Threads for `threads_max` jobs at the same time, half of them in each lane; of one plugin at most half of a lane's.
    /// They are started when they are needed.
    pub(crate) fn new(threads_max: usize) -> Self {
        let lane = |name, nice, threads_max: usize| {
            // With one thread there is nothing to share.
            let queue = Queue::new(threads_max / 2);
            let inner = Inner { queue, next: 0, threads: 0, idle: 0, is_over: false };
            Arc::new(Lane { name, nice, threads_max, inner: Mutex::new(inner), changed: Condvar::new() })
        };
        let [short_nice, long_nice] = NICE;
        let short = lane("guest-short", short_nice, threads_max.div_ceil(2).max(1));
        // One thread alone must do for both.
        let long = if threads_max < 2 { Arc::clone(&short) } else { lane("guest-long", long_nice, threads_max / 2) };
        Self { lanes: [short, long] }
    }

    /// How many jobs wait for a thread.
    pub(crate) fn waiting(&self) -> usize {
        let [short, long] = &self.lanes;
        let others = if Arc::ptr_eq(short, long) { 0 } else { long.lock().queue.waiting() };
        short.lock().queue.waiting() + others
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
        let [short, long] = &self.lanes;
        let lane = if takes > SHORT_MAX { long } else { short };
        let (sender, receiver) = oneshot::channel();
        let run = Box::new(move || {
            if sender.is_closed() || deadline.remaining_for_guests().is_zero() {
                return;
            }
            // The sandbox is large; should it have a mistake that panics, the thread goes on with the next job.
            let result = catch_unwind(AssertUnwindSafe(job)).map_err(|_| NotRun::Panicked);
            // Whoever waited may have gone.
            let _ = sender.send(result);
        });
        let Some(number) = Lane::push(lane, flow, run, deadline) else { return Err(NotRun::Refused) };
        let _waiting = Waiting { lane, flow, number };
        match timeout_at(deadline.moment(), receiver).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) | Err(_) => Err(NotRun::TooLate),
        }
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for lane in &self.lanes {
            lane.lock().is_over = true;
            lane.changed.notify_all();
        }
    }
}

/// A job that is waited for. Dropping it takes the job out of the queue, if it has not begun.
struct Waiting<'l> {
    lane: &'l Lane,
    flow: Flow,
    number: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        // Its captures are dropped after the lock.
        let _job = self.lane.lock().queue.remove(self.flow, |job| job.number.cmp(&self.number));
    }
}

impl Lane {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Queues a job, if it is likely to be run in time, and returns its number.
    fn push(lane: &Arc<Self>, flow: Flow, run: Box<dyn FnOnce() + Send>, deadline: Deadline) -> Option<u64> {
        let mut inner = lane.lock();
        if inner.queue.wait(flow) > deadline.remaining_for_guests() {
            return None;
        }
        let number = inner.next;
        inner.next += 1;
        inner.queue.push(flow, Job { number, run });
        // A thread that was woken for another job still counts as idle.
        if inner.queue.waiting() > inner.idle && inner.threads < lane.threads_max {
            let worker = Arc::clone(lane);
            let spawned = std::thread::Builder::new().name(lane.name.to_owned()).spawn(move || worker.work());
            match spawned {
                Ok(_) => inner.threads += 1,
                Err(error) => tracing::error!("no thread can be started for plugins: {error}"),
            }
        }
        drop(inner);
        lane.changed.notify_one();
        Some(number)
    }

    /// What a thread does until the end.
    fn work(&self) {
        lower_priority(self.nice);
        let mut inner = self.lock();
        while !inner.is_over {
            let Some((flow, job)) = inner.queue.pop() else {
                inner.idle += 1;
                inner = self.changed.wait(inner).unwrap_or_else(PoisonError::into_inner);
                inner.idle -= 1;
                continue;
            };
            drop(inner);
            let (began, cpu_before) = (Instant::now(), cpu::of_this_thread());
            (job.run)();
            let cpu = cpu::of_this_thread().saturating_sub(cpu_before);
            inner = self.lock();
            inner.queue.done(flow, cpu, began.elapsed());
            // There may be a job that had to wait for this one, and it may be for another thread.
            if inner.idle > 0 && inner.queue.waiting() > 0 {
                self.changed.notify_one();
            }
        }
        inner.threads -= 1;
    }
}

/// Lets this thread be served after those that move bytes. Where that is not possible all are served alike.
fn lower_priority(nice: i32) {
    #[cfg(target_os = "linux")]
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), nice);
    #[cfg(not(target_os = "linux"))]
    let _ = nice;
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
        let workers = Workers::new(1);
        assert_eq!(workers.run(FLOW, Duration::ZERO, deadline(), || 7).await, Ok(7));
        let panics = workers.run(FLOW, Duration::ZERO, deadline(), || panic!("on purpose")).await;
        assert_eq!(panics.map(|()| 0), Err(NotRun::Panicked));
        assert_eq!(workers.run(FLOW, Duration::ZERO, deadline(), || 8).await, Ok(8));
        assert_eq!(workers.waiting(), 0);
    }

    #[tokio::test]
    async fn a_plugin_that_fills_its_part_leaves_a_thread_to_others() {
        let workers = Arc::new(Workers::new(4));
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
        assert_eq!(workers.waiting(), 1);
        drop(sender);
        assert_eq!(second.await, Ok(1));
        assert_eq!(holds.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn two_jobs_at_the_same_moment_do_not_count_on_the_same_idle_thread() {
        let workers = Workers::new(4);
        assert_eq!(workers.run(FLOW, Duration::ZERO, deadline(), || 0).await, Ok(0));
        // One thread is idle, or soon will be. The first job ends only if the second one runs beside it.
        let (sender, receiver) = channel();
        let first = workers.run(FLOW, Duration::ZERO, deadline(), move || receiver.recv().unwrap_or(0));
        let second = workers.run(OTHER, Duration::ZERO, deadline(), move || sender.send(7).is_ok());
        assert_eq!(tokio::join!(first, second), (Ok(7), Ok(true)));
    }

    #[tokio::test]
    async fn long_jobs_have_a_lane_of_their_own() {
        let workers = Arc::new(Workers::new(2));
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
        let workers = Arc::new(Workers::new(1));
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
        assert_eq!(workers.waiting(), 0, "it is out of the queue at once");
        drop(sender);
        first.await.unwrap().unwrap();
        assert_eq!(workers.run(OTHER, Duration::ZERO, deadline(), || 3).await, Ok(3));
        assert!(has_begun.try_recv().is_err());
    }

    #[tokio::test]
    async fn without_time_left_a_job_is_refused_or_given_up() {
        let workers = Workers::new(1);
        let over = Deadline::new(tokio::time::Instant::now(), Duration::ZERO);
        assert_eq!(workers.run(FLOW, Duration::ZERO, over, || 1).await, Err(NotRun::TooLate));
    }
}
