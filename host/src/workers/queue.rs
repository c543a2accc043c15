//! The queue of one lane: whose turn it is.
//!
//! Jobs belong to *flows*: one for each plugin on each platform. The next job comes from the platform that has had the
//! least CPU time so far, and there from the flow that has had the least. So a flow that asks for more than its share
//! waits for itself, and one that asks seldom is served next. A flow that comes back after a pause begins where the others
//! are: nothing is saved up.

use std::collections::BTreeMap;
use std::time::Duration;

/// Whose job it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Flow {
    /// The platform's number, the same in all generations.
    pub(crate) platform: usize,
    /// The plugin's number, the same in all generations.
    pub(crate) plugin: usize,
}

/// The jobs that wait in one lane, and who has had how much.
#[derive(Debug)]
pub(super) struct Queue<J> {
    flows: BTreeMap<Flow, State<J>>,
    /// CPU time that each platform has had.
    platforms: BTreeMap<usize, Duration>,
    /// Maximum number of jobs of one plugin that run at the same time, on all platforms together.
    part: usize,
    waiting: usize,
}

#[derive(Debug)]
struct State<J> {
    /// By number: the sooner it was sent, the lower.
    jobs: BTreeMap<u64, J>,
    running: usize,
    /// CPU time that it has had.
    had: Duration,
    /// Average time for which one of its jobs holds a thread: each counts for an eighth.
    average: Duration,
}

impl<J> Default for State<J> {
    fn default() -> Self {
        Self { jobs: BTreeMap::new(), running: 0, had: Duration::ZERO, average: Duration::ZERO }
    }
}

impl<J> Queue<J> {
    /// An empty queue, for a lane in which `part` jobs of one plugin may run at the same time.
    pub(super) fn new(part: usize) -> Self {
        Self { flows: BTreeMap::new(), platforms: BTreeMap::new(), part: part.max(1), waiting: 0 }
    }

    /// How many jobs wait.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How long a job of this flow would wait for the flow's own jobs, if all goes on as it did.
    pub(super) fn wait(&self, flow: Flow) -> Duration {
        let Some(state) = self.flows.get(&flow) else { return Duration::ZERO };
        let rounds = state.jobs.len() / self.part + usize::from(state.running >= self.part);
        state.average * u32::try_from(rounds).unwrap_or(u32::MAX)
    }

    /// Adds a job to its flow, in which jobs are in the order of their numbers.
    pub(super) fn push(&mut self, flow: Flow, number: u64, job: J) {
        let is_new = self.flows.get(&flow).is_none_or(State::is_idle);
        if is_new {
            self.catch_up(flow);
        }
        let replaced = self.flows.entry(flow).or_default().jobs.insert(number, job);
        self.waiting += usize::from(replaced.is_none());
    }

    /// Takes a job out that is not wanted any more; `None` if it is not here.
    pub(super) fn remove(&mut self, flow: Flow, number: u64) -> Option<J> {
        let job = self.flows.get_mut(&flow)?.jobs.remove(&number)?;
        self.waiting -= 1;
        Some(job)
    }

    /// Takes the next job out. Its flow counts as running until [`Queue::done`].
    pub(super) fn pop(&mut self) -> Option<J> {
        let next = |(flow, _): &(&Flow, &State<J>)| {
            let platform = self.platforms.get(&flow.platform).copied().unwrap_or_default();
            (platform, self.flows.get(flow).map_or(Duration::ZERO, |state| state.had))
        };
        let can_run =
            |(flow, state): &(&Flow, &State<J>)| !state.jobs.is_empty() && self.running(flow.plugin) < self.part;
        let flow = *self.flows.iter().filter(can_run).min_by_key(next)?.0;
        let state = self.flows.get_mut(&flow)?;
        let (_, job) = state.jobs.pop_first()?;
        state.running += 1;
        self.waiting -= 1;
        // What it will cost is not known yet. That it costs something must be seen by the next `pop`.
        let expected = state.average;
        self.charge(flow, expected);
        Some(job)
    }

    /// A job of this flow has ended, after so much CPU time, and held its thread for `held`.
    pub(super) fn done(&mut self, flow: Flow, cpu: Duration, held: Duration) {
        let Some(state) = self.flows.get_mut(&flow) else { return };
        let expected = state.average;
        state.running = state.running.saturating_sub(1);
        state.average = match state.average {
            Duration::ZERO => held,
            average => average - average / 8 + held / 8,
        };
        state.had = state.had.saturating_sub(expected);
        if let Some(platform) = self.platforms.get_mut(&flow.platform) {
            *platform = platform.saturating_sub(expected);
        }
        self.charge(flow, cpu);
    }

    /// How many jobs of this plugin are running, on all platforms.
    fn running(&self, plugin: usize) -> usize {
        self.flows.iter().filter(|(flow, _)| flow.plugin == plugin).map(|(_, state)| state.running).sum()
    }

    fn charge(&mut self, flow: Flow, cpu: Duration) {
        if let Some(state) = self.flows.get_mut(&flow) {
            state.had += cpu;
        }
        *self.platforms.entry(flow.platform).or_default() += cpu;
    }

    /// Lets a flow that has been idle begin where those are that were not.
    fn catch_up(&mut self, flow: Flow) {
        let busy = || self.flows.iter().filter(|(_, state)| !state.is_idle());
        let least_flow = busy().filter(|(other, _)| other.platform == flow.platform).map(|(_, state)| state.had).min();
        let is_platform_idle = least_flow.is_none();
        let least_platform = busy().filter_map(|(other, _)| self.platforms.get(&other.platform)).min().copied();
        let state = self.flows.entry(flow).or_default();
        state.had = state.had.max(least_flow.unwrap_or_default());
        if is_platform_idle {
            let platform = self.platforms.entry(flow.platform).or_default();
            *platform = (*platform).max(least_platform.unwrap_or_default());
        }
    }
}

impl<J> State<J> {
    fn is_idle(&self) -> bool {
        self.jobs.is_empty() && self.running == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: Flow = Flow { platform: 0, plugin: 0 };
    const CALM: Flow = Flow { platform: 0, plugin: 1 };
    const ELSEWHERE: Flow = Flow { platform: 1, plugin: 2 };
    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn a_flow_has_its_part_and_no_more() {
        let mut queue = Queue::new(2);
        (0..4).for_each(|job| queue.push(HOSTILE, job, job));
        assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some(0), Some(1), None));
        // The same plugin on another platform is the same plugin.
        queue.push(Flow { platform: 1, ..HOSTILE }, 9, 9);
        assert_eq!(queue.pop(), None);
        queue.push(CALM, 5, 5);
        assert_eq!(queue.pop(), Some(5));
        queue.done(HOSTILE, MS, MS);
        assert!(queue.pop().is_some());
        assert_eq!(queue.waiting(), 2);
    }

    #[test]
    fn a_part_of_zero_is_one() {
        let mut queue = Queue::new(0);
        queue.push(CALM, 1, 1);
        assert_eq!(queue.pop(), Some(1));
    }

    /// Runs whatever is next, one job at a time, and counts what each flow gets.
    fn share(jobs: &[(Flow, Duration)], rounds: usize) -> Vec<usize> {
        let mut queue = Queue::new(4);
        for (at, (flow, _)) in jobs.iter().enumerate() {
            (0..rounds).for_each(|round| queue.push(*flow, round as u64, at));
        }
        let mut served = vec![0; jobs.len()];
        for _ in 0..rounds {
            let at = queue.pop().unwrap();
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
        let mut queue = Queue::new(1);
        for _ in 0..100 {
            queue.push(HOSTILE, 0, HOSTILE);
            queue.pop().unwrap();
            queue.done(HOSTILE, MS, MS);
        }
        // Two jobs of one that comes for the first time do not both go before one of the other's.
        for (number, flow) in [(1, HOSTILE), (2, CALM), (3, CALM)] {
            queue.push(flow, number, flow);
        }
        let mut order = Vec::new();
        while let Some(flow) = queue.pop() {
            order.push(flow);
            queue.done(flow, MS, MS);
        }
        assert_ne!(order[2], HOSTILE, "{order:?}");
    }

    #[test]
    fn a_job_that_is_removed_has_never_been_there() {
        let mut queue = Queue::new(1);
        // They may come in another order than they were sent.
        [0, 3, 2, 1].into_iter().for_each(|job| queue.push(CALM, job, job));
        assert_eq!(queue.remove(CALM, 2), Some(2));
        assert_eq!(queue.remove(CALM, 2), None);
        assert_eq!(queue.remove(HOSTILE, 1), None);
        assert_eq!(queue.waiting(), 3);
        let mut order = Vec::new();
        while let Some(job) = queue.pop() {
            order.push(job);
            queue.done(CALM, MS, MS);
        }
        assert_eq!(order, [0, 1, 3]);
    }

    #[test]
    fn a_flow_waits_for_itself() {
        let mut queue = Queue::new(2);
        queue.push(HOSTILE, 0, 0);
        queue.pop().unwrap();
        queue.done(HOSTILE, 10 * MS, 10 * MS);
        assert_eq!(queue.wait(HOSTILE), Duration::ZERO);
        (1..9).for_each(|job| queue.push(HOSTILE, job, job));
        assert_eq!(queue.wait(HOSTILE), 40 * MS);
        queue.pop().unwrap();
        queue.pop().unwrap();
        assert_eq!(queue.wait(HOSTILE), 40 * MS, "six before it in three rounds, and two that run");
        assert_eq!(queue.wait(CALM), Duration::ZERO);
    }
}
