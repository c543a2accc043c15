//! The queue of one lane: which job runs next.
//!
//! Jobs belong to *flows*: one for each plugin on each platform. The next job comes from the platform that has had the
//! least CPU time so far, and there from the flow that has had the least. So a flow that sends more than its share
//! only delays itself, and one that sends rarely is served next. A flow that returns after a pause starts level with
//! the others: it cannot save up time.
//!
//! Within a flow the queue is FIFO. If that would make jobs wait for long, the flow is *overloaded*, and becomes LIFO
//! until its queue is empty: some jobs must go unanswered, and those that have waited longest have the least time left.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::crowd::{Crowd, Look};

/// Whose job it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Flow {
    /// The platform's number, the same in all generations.
    pub(crate) platform: usize,
    /// The plugin's number, the same in all generations.
    pub(crate) plugin: usize,
}

/// A flow is overloaded if a job would wait for more than this part of the time that it has left: 445 of OpenIM's 4450
/// ms. A backlog of so little is gone within a second.
const OVERLOADED_PART: u32 = 10;

/// The jobs that wait in one lane, and the CPU time of each flow and platform.
#[derive(Debug)]
pub(super) struct Queue<J> {
    flows: BTreeMap<Flow, State<J>>,
    /// CPU time that each platform has had.
    platforms: BTreeMap<usize, Had>,
    /// Jobs of each plugin that are running, on all platforms.
    running: BTreeMap<usize, usize>,
    /// Maximum number of jobs of one plugin that run at the same time, on all platforms together.
    part: usize,
    /// Maximum number of jobs that run at the same time.
    threads: usize,
    waiting: usize,
}

#[derive(Debug)]
struct State<J> {
    /// By number: the sooner it was sent, the lower.
    jobs: BTreeMap<u64, J>,
    running: usize,
    had: Had,
    /// Average CPU time of one of its jobs: each counts for an eighth.
    cpu: Duration,
    /// Average time for which one of its jobs holds a thread, in the same way. It is longer if threads wait for a core.
    average: Duration,
    /// The plugin's own maximum of jobs that run at the same time.
    bound: usize,
    /// Whether the newest job runs next.
    is_overloaded: bool,
    /// The published expected wait, for threads that read requests.
    crowd: Arc<Crowd>,
}

/// CPU time that a flow or a platform has had.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Had {
    /// CPU time of the jobs that have ended.
    ended: Duration,
    /// Expected CPU time of the jobs that run.
    running: Duration,
}

impl Had {
    fn all(self) -> Duration {
        self.ended + self.running
    }

    /// A job has started.
    fn begin(&mut self, expected: Duration) {
        self.running += expected;
    }

    /// A job has ended; `expected` is what it was started with.
    fn end(&mut self, expected: Duration, cpu: Duration) {
        self.running = self.running.saturating_sub(expected);
        self.ended += cpu;
    }
}

impl<J> Default for State<J> {
    fn default() -> Self {
        Self {
            jobs: BTreeMap::new(),
            running: 0,
            had: Had::default(),
            cpu: Duration::ZERO,
            average: Duration::ZERO,
            bound: usize::MAX,
            is_overloaded: false,
            crowd: Arc::default(),
        }
    }
}

/// How a job joins its flow.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    /// The time that it has left.
    pub(super) left: Duration,
    /// The estimated duration of such jobs, used until a job of this flow has ended in this lane.
    pub(super) takes: Duration,
    /// The plugin's own maximum of jobs that run at the same time.
    pub(super) bound: usize,
    /// Where its flow's crowd is noted from now on.
    pub(super) crowd: Arc<Crowd>,
}

/// Maximum number of idle flows that are remembered. After a reload with new flows, the old ones are no longer used.
const FLOWS_MAX: usize = 1024;

impl<J> Queue<J> {
    /// An empty queue, for a lane with this number of threads, in which `part` jobs of one plugin may run concurrently.
    pub(super) fn new(threads: usize, part: usize) -> Self {
        Self {
            flows: BTreeMap::new(),
            platforms: BTreeMap::new(),
            running: BTreeMap::new(),
            part: part.max(1),
            threads: threads.max(1),
            waiting: 0,
        }
    }

    /// How many jobs wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How crowded a flow is, and how long one more job would wait if all goes on as it did.
    pub(super) fn look(&self, flow: Flow) -> Look {
        let Some(state) = self.flows.get(&flow) else { return Look { slots: self.part, ..Look::default() } };
        let busy = self.flows.iter().filter(|(other, state)| **other != flow && !state.is_idle()).count() + 1;
        // What other flows leave to it, in fair turns; at least one.
        let slots = self.part.min(state.bound).min((self.threads / busy).max(1));
        // The plugin's jobs on other platforms take of what it may have, too.
        let running = self.running.get(&flow.plugin).copied().unwrap_or(0);
        let rounds = state.jobs.len() / slots + usize::from(running >= slots);
        let wait = state.average * u32::try_from(rounds).unwrap_or(u32::MAX);
        Look { waiting: state.jobs.len(), running, slots, wait }
    }

    /// How long a job of this flow holds its thread, on average; zero if none has ended yet.
    pub(super) fn average(&self, flow: Flow) -> Duration {
        self.flows.get(&flow).map_or(Duration::ZERO, |state| state.average)
    }

    /// Publishes the expected wait of a flow of this lane.
    pub(super) fn note(&self, lane: usize, flow: Flow) {
        if let Some(state) = self.flows.get(&flow) {
            state.crowd.note(lane, self.look(flow));
        }
    }

    /// Adds a job to its flow, in which jobs are in the order of their numbers.
    pub(super) fn push(&mut self, flow: Flow, number: u64, job: J, terms: Terms) {
        let is_new = self.flows.get(&flow).is_none_or(State::is_idle);
        if is_new {
            self.catch_up(flow);
        }
        let is_late = self.look(flow).wait > terms.left / OVERLOADED_PART;
        if self.flows.len() >= FLOWS_MAX {
            self.flows.retain(|other, state| *other == flow || !state.is_idle());
        }
        let state = self.flows.entry(flow).or_default();
        state.bound = terms.bound.max(1);
        if state.average.is_zero() {
            (state.cpu, state.average) = (terms.takes, terms.takes);
        }
        state.crowd = terms.crowd;
        state.is_overloaded |= is_late;
        let replaced = state.jobs.insert(number, job);
        self.waiting += usize::from(replaced.is_none());
    }

    /// Takes a job out that is not wanted any more; `None` if it is not here.
    pub(super) fn remove(&mut self, flow: Flow, number: u64) -> Option<J> {
        let state = self.flows.get_mut(&flow)?;
        let job = state.jobs.remove(&number)?;
        state.is_overloaded &= !state.jobs.is_empty();
        self.waiting -= 1;
        Some(job)
    }

    /// Takes the next job out of those that `may_start`. Its flow counts as running until [`Queue::done`].
    ///
    /// The oldest jobs of its flow, as long as `is_hopeless` says of a job and what the flow's jobs take on average
    /// that it cannot end in time, are moved into `refused`.
    pub(super) fn pop(
        &mut self,
        may_start: impl Fn(&J) -> bool,
        is_hopeless: impl Fn(&J, Duration) -> bool,
        refused: &mut Vec<J>,
    ) -> Option<J> {
        loop {
            let flow = self.next(&may_start)?;
            let state = self.flows.get_mut(&flow)?;
            let average = state.average;
            while let Some(oldest) = state.jobs.first_entry().filter(|oldest| is_hopeless(oldest.get(), average)) {
                refused.push(oldest.remove());
                self.waiting -= 1;
            }
            let job = if state.is_overloaded { state.jobs.pop_last() } else { state.jobs.pop_first() };
            state.is_overloaded &= !state.jobs.is_empty();
            let Some((_, job)) = job else { continue };
            state.running += 1;
            self.waiting -= 1;
            *self.running.entry(flow.plugin).or_default() += 1;
            // What it will cost is not known yet. That it costs something must be seen by the next `pop`.
            let expected = state.cpu;
            state.had.begin(expected);
            self.platforms.entry(flow.platform).or_default().begin(expected);
            return Some(job);
        }
    }

    /// The flow whose turn it is.
    fn next(&self, may_start: impl Fn(&J) -> bool) -> Option<Flow> {
        let turn = |(flow, state): &(&Flow, &State<J>)| {
            (self.platforms.get(&flow.platform).copied().unwrap_or_default().all(), state.had.all())
        };
        let can_run = |(flow, state): &(&Flow, &State<J>)| {
            let running = self.running.get(&flow.plugin).copied().unwrap_or(0);
            running < self.part && state.next().is_some_and(&may_start)
        };
        self.flows.iter().filter(can_run).min_by_key(turn).map(|(flow, _)| *flow)
    }

    /// A job of this flow has ended, after so much CPU time, and held its thread for `held`.
    pub(super) fn done(&mut self, flow: Flow, cpu: Duration, held: Duration) {
        let Some(state) = self.flows.get_mut(&flow) else { return };
        // The average may have changed since the job started: the last job takes back the rest.
        let expected = state.had.running / u32::try_from(state.running).unwrap_or(u32::MAX).max(1);
        state.running = state.running.saturating_sub(1);
        let is_first = state.average.is_zero();
        let next = |average: Duration, new: Duration| if is_first { new } else { average - average / 8 + new / 8 };
        (state.cpu, state.average) = (next(state.cpu, cpu), next(state.average, held));
        state.had.end(expected, cpu);
        self.platforms.entry(flow.platform).or_default().end(expected, cpu);
        if let Some(running) = self.running.get_mut(&flow.plugin) {
            *running = running.saturating_sub(1);
        }
    }

    /// Lets a flow that was idle start level with the busy ones. Their expected time does not count, so its first job
    /// runs before their next one.
    fn catch_up(&mut self, flow: Flow) {
        let busy = || self.flows.iter().filter(|(_, state)| !state.is_idle());
        let beside = busy().filter(|(other, _)| other.platform == flow.platform);
        let least_flow = beside.map(|(_, state)| state.had.ended).min();
        let platforms = busy().filter_map(|(other, _)| self.platforms.get(&other.platform));
        let least_platform = platforms.map(|platform| platform.ended).min();
        let had = &mut self.flows.entry(flow).or_default().had;
        had.ended = had.ended.max(least_flow.unwrap_or_default());
        if least_flow.is_none() {
            let platform = self.platforms.entry(flow.platform).or_default();
            platform.ended = platform.ended.max(least_platform.unwrap_or_default());
        }
    }
}

impl<J> State<J> {
    fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.running == 0
    }

    /// The job that is next.
    fn next(&self) -> Option<&J> {
        let next = if self.is_overloaded { self.jobs.last_key_value() } else { self.jobs.first_key_value() };
        next.map(|(_, job)| job)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: Flow = Flow { platform: 0, plugin: 0 };
    const CALM: Flow = Flow { platform: 0, plugin: 1 };
    const ELSEWHERE: Flow = Flow { platform: 1, plugin: 2 };
    const MS: Duration = Duration::from_millis(1);
    /// Background jobs without a deadline.
    fn ample() -> Terms {
        left(Duration::from_secs(3600))
    }

    fn left(left: Duration) -> Terms {
        Terms { left, takes: Duration::ZERO, bound: usize::MAX, crowd: Arc::default() }
    }

    /// Takes the next job, whatever it is.
    fn pop<J>(queue: &mut Queue<J>) -> Option<J> {
        let mut refused = Vec::new();
        let job = queue.pop(|_| true, |_, _| false, &mut refused);
        assert!(refused.is_empty());
        job
    }

    /// How long one more job would wait.
    fn wait<J>(queue: &Queue<J>, flow: Flow) -> Duration {
        queue.look(flow).wait
    }

    #[test]
    fn a_flow_has_its_part_and_no_more() {
        let mut queue = Queue::new(4, 2);
        (0..4).for_each(|job| queue.push(HOSTILE, job, job, ample()));
        assert_eq!((pop(&mut queue), pop(&mut queue), pop(&mut queue)), (Some(0), Some(1), None));
        // The same plugin on another platform is the same plugin.
        queue.push(Flow { platform: 1, ..HOSTILE }, 9, 9, ample());
        assert_eq!(pop(&mut queue), None);
        queue.push(CALM, 5, 5, ample());
        assert_eq!(pop(&mut queue), Some(5));
        queue.done(HOSTILE, MS, MS);
        assert!(pop(&mut queue).is_some());
        assert_eq!(queue.waiting(), 2);
    }

    #[test]
    fn a_part_of_zero_is_one() {
        let mut queue = Queue::new(4, 0);
        queue.push(CALM, 1, 1, ample());
        assert_eq!(pop(&mut queue), Some(1));
    }

    /// Runs whatever is next, one job at a time, and counts what each flow gets.
    fn share(jobs: &[(Flow, Duration)], rounds: usize) -> Vec<usize> {
        let mut queue = Queue::new(4, 4);
        for (at, (flow, _)) in jobs.iter().enumerate() {
            (0..rounds).for_each(|round| queue.push(*flow, round as u64, at, ample()));
        }
        let mut served = vec![0; jobs.len()];
        for _ in 0..rounds {
            let at = pop(&mut queue).unwrap();
            served[at] += 1;
            queue.done(jobs[at].0, jobs[at].1, jobs[at].1);
        }
        served
    }

    #[test]
    fn turns_go_by_cpu_time_and_not_by_number() {
        // A job of the hostile plugin costs a hundred times as much, so it is served about a hundredth of the times.
        let served = share(&[(HOSTILE, 100 * MS), (CALM, MS)], 1000);
        assert!(served[0] <= 12 && served[1] >= 980, "{served:?}");
    }

    #[test]
    fn each_platform_has_its_share_however_many_plugins_it_has() {
        let served = share(&[(HOSTILE, MS), (CALM, MS), (ELSEWHERE, MS)], 1000);
        assert!((490..=510).contains(&served[2]), "{served:?}");
        assert!((240..=260).contains(&served[0]), "{served:?}");
    }

    #[test]
    fn nothing_is_saved_up() {
        let mut queue = Queue::new(4, 1);
        for _ in 0..100 {
            queue.push(HOSTILE, 0, HOSTILE, ample());
            pop(&mut queue).unwrap();
            queue.done(HOSTILE, MS, MS);
        }
        // Two jobs of one that comes for the first time do not both go before one of the other's.
        for (number, flow) in [(1, HOSTILE), (2, CALM), (3, CALM)] {
            queue.push(flow, number, flow, ample());
        }
        let mut order = Vec::new();
        while let Some(flow) = pop(&mut queue) {
            order.push(flow);
            queue.done(flow, MS, MS);
        }
        assert_ne!(order[2], HOSTILE, "{order:?}");
    }

    #[test]
    fn a_rare_job_is_next_however_long_other_jobs_hold_their_threads() {
        // Simulates threads that wait for a core: each job holds its thread for 20 times its CPU time.
        let mut queue = Queue::new(4, 2);
        let done = |queue: &mut Queue<Flow>, flow| queue.done(flow, MS, 20 * MS);
        (0..200).for_each(|number| queue.push(HOSTILE, number, HOSTILE, ample()));
        (0..2).for_each(|_| assert_eq!(pop(&mut queue), Some(HOSTILE)));
        for number in 0..90 {
            if number % 30 == 20 {
                // The same plugin on another platform, and another plugin on the same one.
                let other = if number < 60 { Flow { platform: 1, ..HOSTILE } } else { CALM };
                queue.push(other, 1000, other, ample());
                done(&mut queue, HOSTILE);
                assert_eq!(pop(&mut queue), Some(other), "{number}");
                done(&mut queue, other);
            } else {
                done(&mut queue, HOSTILE);
            }
            assert_eq!(pop(&mut queue), Some(HOSTILE), "{number}");
        }
        // No expected time is left over.
        (0..2).for_each(|_| done(&mut queue, HOSTILE));
        assert!(queue.platforms.values().all(|platform| platform.running.is_zero()));
    }

    #[test]
    fn a_job_that_is_removed_has_never_been_there() {
        let mut queue = Queue::new(4, 1);
        // They may come in another order than they were sent.
        [0, 3, 2, 1].into_iter().for_each(|job| queue.push(CALM, job, job, ample()));
        assert_eq!(queue.remove(CALM, 2), Some(2));
        assert_eq!(queue.remove(CALM, 2), None);
        assert_eq!(queue.remove(HOSTILE, 1), None);
        assert_eq!(queue.waiting(), 3);
        let mut order = Vec::new();
        while let Some(job) = pop(&mut queue) {
            order.push(job);
            queue.done(CALM, MS, MS);
        }
        assert_eq!(order, [0, 1, 3]);
    }

    #[test]
    fn a_flow_waits_for_itself() {
        let mut queue = Queue::new(4, 2);
        queue.push(HOSTILE, 0, 0, ample());
        pop(&mut queue).unwrap();
        queue.done(HOSTILE, 10 * MS, 10 * MS);
        assert_eq!(wait(&queue, HOSTILE), Duration::ZERO);
        (1..9).for_each(|job| queue.push(HOSTILE, job, job, ample()));
        assert_eq!(wait(&queue, HOSTILE), 40 * MS);
        pop(&mut queue).unwrap();
        pop(&mut queue).unwrap();
        assert_eq!(wait(&queue, HOSTILE), 40 * MS, "six before it in three rounds, and two that run");
        assert_eq!(wait(&queue, CALM), Duration::ZERO);
    }

    #[test]
    fn a_flow_waits_for_its_part_of_what_others_leave() {
        let mut queue = Queue::new(4, 4);
        queue.push(HOSTILE, 0, 0, ample());
        pop(&mut queue).unwrap();
        queue.done(HOSTILE, 10 * MS, 10 * MS);
        (1..9).for_each(|job| queue.push(HOSTILE, job, job, ample()));
        assert_eq!(wait(&queue, HOSTILE), 20 * MS, "eight jobs, four at a time");
        queue.push(CALM, 1, 1, ample());
        assert_eq!(wait(&queue, HOSTILE), 40 * MS, "two at a time");
        queue.push(HOSTILE, 9, 9, Terms { bound: 1, ..ample() });
        assert_eq!(wait(&queue, HOSTILE), 90 * MS, "its plugin may have one");
    }

    /// Four jobs that take 10 ms each, one at a time, with this much time left.
    fn four_of_ten_ms(time: Duration) -> Queue<u64> {
        let mut queue = Queue::new(1, 1);
        queue.push(CALM, 0, 0, ample());
        pop(&mut queue).unwrap();
        queue.done(CALM, 10 * MS, 10 * MS);
        (1..5).for_each(|job| queue.push(CALM, job, job, left(time)));
        queue
    }

    #[test]
    fn the_oldest_is_next_until_the_flow_is_overloaded_then_the_newest_until_it_is_empty() {
        // The last one waits for 30 ms, which is a tenth of what it has left.
        let mut queue = four_of_ten_ms(300 * MS);
        assert_eq!(pop(&mut queue), Some(1));
        queue.done(CALM, 10 * MS, 10 * MS);
        // It would wait for the three that are left.
        queue.push(CALM, 5, 5, left(299 * MS));
        for job in [5, 4, 3, 2] {
            assert_eq!(pop(&mut queue), Some(job));
            queue.done(CALM, 10 * MS, 10 * MS);
        }
        // Now it is not overloaded any more.
        (6..8).for_each(|job| queue.push(CALM, job, job, ample()));
        assert_eq!(pop(&mut queue), Some(6));
        assert_eq!(queue.remove(CALM, 7), Some(7));
    }

    #[test]
    fn one_overloaded_flow_says_nothing_about_another() {
        let mut queue = four_of_ten_ms(MS);
        [1, 2].into_iter().for_each(|job| queue.push(ELSEWHERE, job, 10 * job, ample()));
        assert_eq!(pop(&mut queue), Some(10), "a platform that comes for the first time");
    }

    #[test]
    fn what_cannot_end_in_time_is_refused_the_oldest_first() {
        let mut queue = four_of_ten_ms(MS);
        let mut refused = Vec::new();
        // The first two have less left than such jobs take.
        let is_hopeless = |job: &u64, average: Duration| *job <= 2 && average == 10 * MS;
        assert_eq!(queue.pop(|_| true, is_hopeless, &mut refused), Some(4));
        assert_eq!(refused, [1, 2]);
        assert_eq!(queue.waiting(), 1);
        queue.done(CALM, 10 * MS, 10 * MS);
        assert_eq!(queue.pop(|_| true, |_, _| true, &mut refused), None);
        assert_eq!((refused, queue.waiting()), (vec![1, 2, 3], 0));
    }

    #[test]
    fn a_job_that_may_not_start_lets_other_flows_pass() {
        let mut queue = Queue::new(4, 4);
        queue.push(CALM, 1, 1, ample());
        queue.push(ELSEWHERE, 2, 2, ample());
        let mut refused = Vec::new();
        assert_eq!(queue.pop(|job| *job != 1, |_, _| false, &mut refused), Some(2));
        assert_eq!(queue.pop(|job| *job != 1, |_, _| false, &mut refused), None);
        assert_eq!(pop(&mut queue), Some(1));
    }

    #[test]
    fn flows_that_are_not_used_any_more_are_forgotten() {
        let mut queue = Queue::new(1, 1);
        queue.push(ELSEWHERE, 0, 0, ample());
        for plugin in 0..2 * FLOWS_MAX {
            let flow = Flow { platform: 0, plugin };
            queue.push(flow, 1, 1, ample());
            assert_eq!(queue.remove(flow, 1), Some(1));
        }
        assert!(queue.flows.len() <= FLOWS_MAX);
        assert_eq!(pop(&mut queue), Some(0));
    }

    #[test]
    fn what_is_known_of_a_job_counts_until_one_has_ended() {
        let mut queue = Queue::new(1, 1);
        queue.push(CALM, 0, 0, Terms { takes: 20 * MS, ..ample() });
        assert_eq!(wait(&queue, CALM), 20 * MS);
        pop(&mut queue).unwrap();
        assert_eq!(wait(&queue, CALM), 20 * MS);
        queue.done(CALM, 12 * MS, 12 * MS);
        queue.push(CALM, 1, 1, Terms { takes: 40 * MS, ..ample() });
        assert_eq!(wait(&queue, CALM), 19 * MS);
    }
}
