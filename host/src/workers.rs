//! Threads that run guests which are not quick, so that the threads that move bytes never do.
//!
//! There are two lanes for callbacks, for jobs of some milliseconds and for longer ones, each with threads and a queue
//! of its own: a job that takes a tenth of a second never waits in front of one that takes one. Inside a lane the queue
//! is fair (`workers/queue.rs`). One more lane is for background jobs, which no chat server waits for. The threads have
//! a lower priority than those that move bytes, those of the last lane the lowest, so a machine that is full of guests
//! still reads, refuses and answers in time. No thread that moves bytes ever waits for one of these, not even for a
//! lock (`workers/dispatcher.rs`); how long a job would wait it reads from a few atomics (`workers/crowd.rs`).

mod crowd;
mod dispatcher;
mod queue;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use callgate_sandbox::Cancel;
use callgate_sandbox::mailbox::{self, Mailbox};
use tokio::sync::oneshot;
use tokio::time::timeout_at;

use crate::deadline::Deadline;
use crate::overload::Overload;
use crowd::LANES;
use dispatcher::{Deliver, Job, Lane, Message, dispatch};

pub(crate) use crowd::Crowd;
pub(crate) use dispatcher::Bound;
pub(crate) use queue::Flow;

/// Jobs that take longer than this go into the long lane.
const SHORT_MAX: Duration = Duration::from_millis(8);

/// How much lower the priority of the lanes' threads is, as `nice` counts: with 2 a thread gets two thirds, with 6 a
/// quarter of what a thread that moves bytes gets, when all want to run; with 10 a tenth.
const NICE: [i32; 3] = [2, 6, 10];

/// Runs jobs on threads of its own. Dropping it ends the threads once they have done what they are at.
#[derive(Debug)]
pub(crate) struct Workers {
    dispatcher: Mailbox<Message>,
    has_long_lane: bool,
    next_number: AtomicU64,
    waiting: Arc<AtomicUsize>,
    running: Arc<AtomicUsize>,
    cancelled: [AtomicU64; 2],
}

/// What a job needs besides its code.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    /// Whose job it is.
    pub(crate) flow: Flow,
    /// What such jobs take, in CPU time.
    pub(crate) takes: Duration,
    /// Those of the plugins that it calls that have a maximum number of concurrent calls.
    pub(crate) bounds: Arc<[Bound]>,
    /// Where it can be seen how crowded the flow is. All jobs of a flow should bring the same.
    pub(crate) crowd: Arc<Crowd>,
}

/// Maximum number of background jobs that wait for a thread; each holds a callback with its body.
const BEHIND_WAITING_MAX: usize = 256;

/// Why a job gave no result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotRun {
    /// Its flow has so much to do that there would be no time left, or it had not ended when the deadline came.
    NoTime(Overload),
    /// Too many background jobs wait already.
    Full,
    /// It panicked, which only a mistake of the host can do.
    Panicked,
}

impl Workers {
    /// Threads for `threads_max` jobs at the same time, half of them in each lane for callbacks, and for `behind` more
    /// that no callback waits for; of one plugin at most `part_percent` of a lane's. They are started when they are
    /// needed.
    ///
    /// # Errors
    /// If the thread that distributes the jobs cannot be started.
    pub(crate) fn new(threads_max: usize, behind: usize, part_percent: usize) -> std::io::Result<Self> {
        let lane =
            |name, nice, threads_max: usize| Lane::new(name, nice, threads_max, threads_max * part_percent / 100);
        let [short, long, last] = NICE;
        let lanes = vec![
            lane("guest-short", short, threads_max.div_ceil(2).max(1)),
            lane("guest-long", long, threads_max / 2),
            lane("guest-behind", last, behind.max(1)).bounded(BEHIND_WAITING_MAX),
        ];
        let waiting = Arc::new(AtomicUsize::new(0));
        let its_waiting = Arc::clone(&waiting);
        let dispatcher =
            mailbox::start_with_own("guest-queue", move |inbox, own| dispatch(&inbox, &own, lanes, &its_waiting))?;
        Ok(Self {
            dispatcher,
            // One thread alone must do for both.
            has_long_lane: threads_max >= 2,
            next_number: AtomicU64::new(0),
            waiting,
            running: Arc::default(),
            cancelled: Default::default(),
        })
    }

    /// How many jobs of callbacks wait for a thread.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }

    /// How many jobs of callbacks run on a thread.
    pub(crate) fn running(&self) -> usize {
        self.running.load(Ordering::Acquire)
    }

    /// Number of jobs that were cancelled before their deadline: those that had not started, and those that were
    /// running. (Some of the latter may have ended at that moment.)
    pub(crate) fn cancelled(&self) -> [u64; 2] {
        self.cancelled.each_ref().map(|count| count.load(Ordering::Relaxed))
    }

    /// Whether such a job would wait past its deadline, and for which limit.
    pub(crate) fn overload(&self, claim: &Claim, deadline: Deadline) -> Option<Overload> {
        let lane = self.lane(claim.takes);
        let is_hopeless = claim.crowd.wait(lane) > deadline.remaining_for_guests();
        is_hopeless.then(|| claim.crowd.overload(lane, deadline))
    }

    /// Runs `job` on a worker when its flow's turn has come, and gives its result.
    ///
    /// If this future is dropped because the client has gone, a waiting job is removed from the queue, and a running
    /// job is cancelled. The same happens at the deadline, or when too little time is left to start it. So the queue
    /// holds only jobs whose result is still needed, which bounds its length and memory.
    ///
    /// # Errors
    /// If there is no time for it.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        claim: Claim,
        deadline: Deadline,
        job: impl FnOnce(&Cancel) -> T + Send + 'static,
    ) -> Result<T, NotRun> {
        let lane = self.lane(claim.takes);
        let (crowd, last_start) = (Arc::clone(&claim.crowd), deadline.last_start(claim.takes));
        let (mut receiver, mut waiting) = self.send(lane, claim, Some(deadline), job);
        // If no thread takes it in time, it is refused at that moment instead of at the deadline: many callbacks may be
        // waiting, and writing each answer takes time.
        let mut ended = timeout_at(last_start, &mut receiver).await;
        if ended.is_err() && waiting.has_begun.load(Ordering::Relaxed) {
            ended = timeout_at(deadline.moment(), receiver).await;
        }
        waiting.until = if ended.is_ok() { Until::Ended } else { Until::Deadline };
        // A job that is dropped was refused.
        ended.ok().and_then(Result::ok).unwrap_or_else(|| Err(NotRun::NoTime(crowd.overload(lane, deadline))))
    }

    /// Runs `job`, which no chat server waits for, on a worker behind all callbacks, and returns its result. It always
    /// ends, because its thread gets at least a tenth of a core. It is not stopped.
    ///
    /// # Errors
    /// [`NotRun::Full`] if too many wait.
    pub(crate) async fn run_behind<T: Send + 'static>(
        &self,
        claim: Claim,
        job: impl FnOnce(&Cancel) -> T + Send + 'static,
    ) -> Result<T, NotRun> {
        let (receiver, mut waiting) = self.send(LANES, claim, None, job);
        let ended = receiver.await;
        waiting.until = Until::Ended;
        ended.unwrap_or(Err(NotRun::Full))
    }

    fn lane(&self, takes: Duration) -> usize {
        usize::from(self.has_long_lane && takes > SHORT_MAX)
    }

    /// Sends a job to the dispatcher.
    fn send<T: Send + 'static>(
        &self,
        lane: usize,
        claim: Claim,
        deadline: Option<Deadline>,
        job: impl FnOnce(&Cancel) -> T + Send + 'static,
    ) -> (oneshot::Receiver<Result<T, NotRun>>, Waiting<'_>) {
        let Claim { flow, takes, bounds, crowd } = claim;
        let (sender, receiver) = oneshot::channel();
        let cancel = Cancel::default();
        let has_begun = Arc::new(AtomicBool::new(false));
        let number = self.next_number.fetch_add(1, Ordering::Relaxed);
        let waiting = Waiting {
            workers: self,
            lane,
            flow,
            number,
            cancel: cancel.clone(),
            has_begun: Arc::clone(&has_begun),
            until: Until::Gone,
        };
        let running = deadline.map(|_| Arc::clone(&self.running));
        let run = Box::new(move || -> Deliver {
            if sender.is_closed() || deadline.is_some_and(|deadline| deadline.remaining_for_guests().is_zero()) {
                return Box::new(move || drop(sender));
            }
            has_begun.store(true, Ordering::Relaxed);
            // This order, so that a thread that sees it running also sees that it has started.
            running.iter().for_each(|count| _ = count.fetch_add(1, Ordering::Release));
            // The sandbox is large; should it have a mistake that panics, the thread goes on with the next job.
            let result = catch_unwind(AssertUnwindSafe(|| job(&cancel))).map_err(|_| NotRun::Panicked);
            running.iter().for_each(|count| _ = count.fetch_sub(1, Ordering::Release));
            Box::new(move || {
                // The task that waited may have gone.
                let _ = sender.send(result);
            })
        });
        self.dispatcher.send(Message::Job(lane, Job { flow, number, deadline, takes, bounds, crowd, run }));
        (receiver, waiting)
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

/// A job that is waited for. Dropping it takes the job out of the queue, or has it end soon if it is running.
struct Waiting<'w> {
    workers: &'w Workers,
    lane: usize,
    flow: Flow,
    number: u64,
    cancel: Cancel,
    has_begun: Arc<AtomicBool>,
    until: Until,
}

/// For how long a job was waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    /// Until it ended, or was refused.
    Ended,
    /// Until its deadline.
    Deadline,
    /// Until the client had gone.
    Gone,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if self.until == Until::Ended {
            return;
        }
        self.cancel.cancel();
        self.workers.dispatcher.send(Message::Gone(self.lane, self.flow, self.number));
        if self.until == Until::Gone
            && let Some(count) = self.workers.cancelled.get(usize::from(self.has_begun.load(Ordering::Relaxed)))
        {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    const FLOW: Flow = Flow { platform: 0, plugin: 0 };
    const OTHER: Flow = Flow { platform: 0, plugin: 1 };
    const THIRD: Flow = Flow { platform: 1, plugin: 2 };

    /// What jobs of a flow bring that take this long.
    fn claim(flow: Flow, takes: Duration) -> Claim {
        Claim { flow, takes, bounds: Arc::new([]), crowd: Arc::default() }
    }

    fn deadline() -> Deadline {
        Deadline::new(tokio::time::Instant::now(), Duration::from_secs(60))
    }

    #[tokio::test]
    async fn a_job_has_its_result_and_a_job_that_panics_hurts_no_other() {
        let workers = Workers::new(1, 1, 50).unwrap();
        assert_eq!(workers.run(claim(FLOW, Duration::ZERO), deadline(), |_| 7).await, Ok(7));
        let panics = workers.run(claim(FLOW, Duration::ZERO), deadline(), |_| panic!("on purpose")).await;
        assert_eq!(panics.map(|()| 0), Err(NotRun::Panicked));
        assert_eq!(workers.run(claim(FLOW, Duration::ZERO), deadline(), |_| 8).await, Ok(8));
        assert_eq!(workers.waiting(), 0);
    }

    #[tokio::test]
    async fn a_plugin_that_fills_its_part_leaves_a_thread_to_others() {
        let workers = Arc::new(Workers::new(4, 1, 50).unwrap());
        let (sender, hold) = channel::<()>();
        let (began, has_begun) = channel();
        let its = Arc::clone(&workers);
        let holds = tokio::spawn(async move {
            let job = move |_: &Cancel| {
                let _ = began.send(());
                let _ = hold.recv();
            };
            its.run(claim(FLOW, Duration::ZERO), deadline(), job).await
        });
        tokio::task::spawn_blocking(move || has_begun.recv()).await.unwrap().unwrap();
        // Another job of the same plugin has to wait, although the lane has a second thread.
        let second = workers.run(claim(FLOW, Duration::ZERO), deadline(), |_| 1);
        let mut second = std::pin::pin!(second);
        let third = workers.run(claim(OTHER, Duration::ZERO), deadline(), |_| 2);
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
        let workers = Workers::new(4, 1, 50).unwrap();
        assert_eq!(workers.run(claim(FLOW, Duration::ZERO), deadline(), |_| 0).await, Ok(0));
        // One thread is idle, or soon will be. The first job ends only if the second one runs beside it.
        let (sender, receiver) = channel();
        let first = workers.run(claim(FLOW, Duration::ZERO), deadline(), move |_| receiver.recv().unwrap_or(0));
        let second = workers.run(claim(OTHER, Duration::ZERO), deadline(), move |_| sender.send(7).is_ok());
        assert_eq!(tokio::join!(first, second), (Ok(7), Ok(true)));
    }

    #[tokio::test]
    async fn a_share_of_everything_leaves_nothing_and_the_smallest_share_is_one_call() {
        // Two threads in the lane: with all of them, two jobs of one plugin can wait for each other.
        let workers = Workers::new(4, 1, 100).unwrap();
        let (sender, receiver) = channel();
        let first = workers.run(claim(FLOW, Duration::ZERO), deadline(), move |_| receiver.recv().unwrap_or(0));
        let second = workers.run(claim(FLOW, Duration::ZERO), deadline(), move |_| sender.send(7).is_ok());
        assert_eq!(tokio::join!(first, second), (Ok(7), Ok(true)));
        let workers = Workers::new(4, 1, 1).unwrap();
        assert_eq!(workers.run(claim(FLOW, Duration::ZERO), deadline(), |_| 8).await, Ok(8));
    }

    #[tokio::test]
    async fn long_jobs_have_a_lane_of_their_own() {
        let workers = Arc::new(Workers::new(2, 1, 50).unwrap());
        let (sender, hold) = channel::<()>();
        let its = Arc::clone(&workers);
        let long = tokio::spawn(async move {
            its.run(claim(FLOW, SHORT_MAX * 2), deadline(), move |_| hold.recv().unwrap_or_default()).await
        });
        assert_eq!(workers.run(claim(OTHER, SHORT_MAX), deadline(), |_| 1).await, Ok(1));
        drop(sender);
        assert_eq!(long.await.unwrap(), Ok(()));
    }

    #[tokio::test]
    async fn a_job_that_nobody_waits_for_any_more_is_not_begun() {
        let workers = Arc::new(Workers::new(1, 1, 50).unwrap());
        let (sender, hold) = channel::<()>();
        let (begins, first_has_begun) = channel();
        let its = Arc::clone(&workers);
        let first = tokio::spawn(async move {
            let job = move |_: &Cancel| {
                let _ = begins.send(());
                hold.recv().unwrap_or_default();
            };
            its.run(claim(FLOW, Duration::ZERO), deadline(), job).await
        });
        tokio::task::spawn_blocking(move || first_has_begun.recv()).await.unwrap().unwrap();
        let (began, has_begun) = channel();
        {
            let gone =
                workers.run(claim(OTHER, Duration::ZERO), deadline(), move |_| began.send(()).unwrap_or_default());
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
        assert_eq!(workers.run(claim(OTHER, Duration::ZERO), deadline(), |_| 3).await, Ok(3));
        assert!(has_begun.try_recv().is_err());
    }

    #[tokio::test]
    async fn without_time_left_a_job_is_refused_or_given_up() {
        let workers = Workers::new(1, 1, 50).unwrap();
        let over = Deadline::new(tokio::time::Instant::now(), Duration::ZERO);
        let refused = workers.run(claim(FLOW, Duration::ZERO), over, |_| 1).await;
        assert!(matches!(refused, Err(NotRun::NoTime(_))), "{refused:?}");
    }

    /// Starts a job that takes a thread until the sender is dropped or sends.
    async fn occupy(
        workers: &Arc<Workers>,
        claim: Claim,
    ) -> (std::sync::mpsc::Sender<()>, tokio::task::JoinHandle<Result<bool, NotRun>>) {
        let (release, hold) = channel::<()>();
        let (begins, has_begun) = channel();
        let its = Arc::clone(workers);
        let task = tokio::spawn(async move {
            let job = move |cancel: &Cancel| {
                let _ = begins.send(());
                // It ends when it is released, or not wanted any more.
                while let Err(std::sync::mpsc::TryRecvError::Empty) = hold.try_recv() {
                    if cancel.is_cancelled() {
                        return true;
                    }
                    std::thread::yield_now();
                }
                false
            };
            its.run(claim, deadline(), job).await
        });
        tokio::task::spawn_blocking(move || has_begun.recv()).await.unwrap().unwrap();
        (release, task)
    }

    #[tokio::test]
    async fn a_client_that_goes_ends_its_job_whether_it_waits_or_runs() {
        let workers = Arc::new(Workers::new(1, 1, 50).unwrap());
        let (_release, running) = occupy(&workers, claim(FLOW, Duration::ZERO)).await;
        let its = Arc::clone(&workers);
        let waiting = tokio::spawn(async move { its.run(claim(OTHER, Duration::ZERO), deadline(), |_| ()).await });
        loop {
            workers.settle().await;
            if workers.waiting() > 0 {
                break;
            }
            tokio::task::yield_now().await;
        }
        waiting.abort();
        assert!(waiting.await.unwrap_err().is_cancelled());
        workers.settle().await;
        assert_eq!((workers.waiting(), workers.cancelled()), (0, [1, 0]));
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
        // The only thread is free again.
        assert_eq!(workers.run(claim(FLOW, Duration::ZERO), deadline(), |_| 1).await, Ok(1));
        assert_eq!(workers.cancelled(), [1, 1]);
    }

    #[tokio::test]
    async fn a_bounded_plugin_has_no_more_calls_in_both_lanes_together() {
        let workers = Arc::new(Workers::new(8, 1, 100).unwrap());
        let bounded = |takes| {
            let bound = Bound { plugin: FLOW.plugin, calls_at_once_max: 1 };
            Claim { bounds: Arc::new([bound]), crowd: Arc::new(Crowd::new(Some(1))), ..claim(FLOW, takes) }
        };
        let (release, first) = occupy(&workers, bounded(Duration::ZERO)).await;
        let in_other_lane = workers.run(bounded(SHORT_MAX * 2), deadline(), |_| 2);
        let mut in_other_lane = std::pin::pin!(in_other_lane);
        // A plugin that calls it, too, waits as well; others do not.
        let calls_it = Claim { flow: OTHER, ..bounded(Duration::ZERO) };
        let calls_it = workers.run(calls_it, deadline(), |_| 3);
        let mut calls_it = std::pin::pin!(calls_it);
        tokio::select! {
            biased;
            _ = &mut in_other_lane => panic!("it exceeds the bound"),
            _ = &mut calls_it => panic!("it exceeds the bound"),
            other = workers.run(claim(THIRD, Duration::ZERO), deadline(), |_| 4) => assert_eq!(other, Ok(4)),
        }
        drop(release);
        assert_eq!(first.await.unwrap(), Ok(false));
        assert_eq!(tokio::join!(in_other_lane, calls_it), (Ok(2), Ok(3)));
    }

    #[tokio::test]
    async fn how_long_a_job_would_wait_is_known_before_it_is_sent() {
        let workers = Arc::new(Workers::new(1, 1, 50).unwrap());
        let claim = claim(FLOW, Duration::ZERO);
        let short = Deadline::new(tokio::time::Instant::now(), Duration::ZERO);
        // What such a job takes is known from the first one. Another one would wait for the second.
        let (release, first) = occupy(&workers, claim.clone()).await;
        assert_eq!(workers.overload(&claim, deadline()), None);
        drop(release);
        first.await.unwrap().unwrap();
        let (release, second) = occupy(&workers, claim.clone()).await;
        workers.settle().await;
        let overload = workers.overload(&claim, short).unwrap();
        assert_eq!((overload.limit, overload.value), ("plugin_share_percent_max", 1));
        assert_eq!((overload.in_flight, overload.waiting, overload.left), (1, 0, Duration::ZERO));
        assert!(overload.to_string().starts_with(
            "overloaded: `plugin_share_percent_max` allows 1 at a time, 1 are in flight and 0 wait; one more would wait"
        ));
        let other = Claim { flow: OTHER, crowd: Arc::default(), ..claim.clone() };
        assert_eq!(workers.overload(&other, short), None, "others do not wait for it");
        drop(release);
        second.await.unwrap().unwrap();
        workers.settle().await;
        assert_eq!(workers.overload(&claim, short), None);
    }

    #[tokio::test]
    async fn background_jobs_have_their_own_thread_and_a_bounded_queue() {
        let workers = Arc::new(Workers::new(1, 1, 50).unwrap());
        let (release, first) = occupy(&workers, claim(FLOW, Duration::ZERO)).await;
        let mut waits = Box::pin(workers.run(claim(FLOW, Duration::ZERO), deadline(), |_| 2));
        assert!(is_pending(waits.as_mut()).await);
        // A callback waits for a thread, and this job starts anyway.
        let (end, hold) = channel::<()>();
        let (begins, has_begun) = channel();
        let job = move |_: &Cancel| {
            let _ = begins.send(());
            let _ = hold.recv();
            4
        };
        let mut behind = Box::pin(workers.run_behind(claim(FLOW, Duration::ZERO), job));
        assert!(is_pending(behind.as_mut()).await);
        tokio::task::spawn_blocking(move || has_begun.recv()).await.unwrap().unwrap();
        assert_eq!(workers.waiting(), 1, "only callbacks count");
        let send = |_| Box::pin(workers.run_behind(claim(OTHER, Duration::ZERO), |_| 3));
        let mut jobs: Vec<_> = (0..=BEHIND_WAITING_MAX).map(send).collect();
        for job in &mut jobs {
            assert!(is_pending(job.as_mut()).await);
        }
        workers.settle().await;
        drop(end);
        assert_eq!(behind.await, Ok(4));
        let last = jobs.pop().unwrap();
        for job in jobs {
            assert_eq!(job.await, Ok(3));
        }
        assert_eq!(last.await, Err(NotRun::Full), "one more than may wait");
        drop(release);
        first.await.unwrap().unwrap();
        assert_eq!(waits.await, Ok(2));
    }

    /// Sends the job of a future, and says whether that still waits.
    async fn is_pending<F: Future>(mut future: std::pin::Pin<&mut F>) -> bool {
        std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_pending())).await
    }
}
