//! The corridor: a callback's whole way, from a request to a response. The only function that knows all the doors.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use callgate_catalogue::wire::Phase;
use callgate_dialects::{Callback, Response};
use callgate_sandbox::{Cancel, Fault, cpu};

use crate::afterwards::Afterwards;
use crate::chain::{Advance, Chain, ChainRun, Mode, Progress, Seen};
use crate::deadline::Deadline;
use crate::decisions::{Decided, Moment};
use crate::entries::Arrived;
use crate::generation::{Generation, Mounted};
use crate::host::Host;
use crate::intake::Request;
use crate::records::{Origin, Returned, Wait};
use crate::shadow::{self, Candidate, Past};
use crate::telemetry::{Answered, How};
use crate::workers::{Claim, Flow, NotRun};

impl Host {
    /// Answers one callback of a platform. Whatever happens, there is an answer before the deadline. If the chat server
    /// has not given the callback an ID, the one that was made here comes with it.
    pub(crate) async fn answer(&self, generation: &Arc<Generation>, mounted: &Mounted, request: Request<'_>) -> Answer {
        let Request { admitted, body, deadline, traceparent } = request;
        let callback = match admitted.open(body.clone()) {
            Ok(callback) => callback,
            Err(refusal) => return Answer::only(self.refuse_admitted(generation, mounted, refusal, body)),
        };
        let own_id = callback.operation_id().is_empty().then(|| self.new_operation_id());
        let arrived = Arrived {
            mounted,
            callback: &callback,
            own_id: own_id.as_deref(),
            traceparent: traceparent.as_deref(),
            users: generation.settings().log.users,
            deadline,
        };
        if let Some(response) = self.answer_from_journal(generation, &arrived).await {
            return Answer { own_id, ..Answer::only(response) };
        }
        let candidates = mounted.routes.candidates(callback.command());
        let candidate = shadow::answering(candidates, &callback);
        let chain = |command| candidate.map(|it| it.chain()).or_else(|| mounted.routes.find(command));
        let mut run = match callback.command().map(|command| (command, chain(command))) {
            // A candidate may be without the only plugin.
            Some((_, Some(chain))) if chain.links().is_empty() => ChainRun::default(),
            Some((_, Some(chain))) => self.decide(generation, chain, &callback, deadline).await,
            Some((command, None)) => {
                self.telemetry.unhandled_command(generation.counters(), mounted.index, command.name);
                ChainRun::default()
            }
            None => {
                self.telemetry.unknown_command(generation.counters(), mounted.index, &callback);
                ChainRun::default()
            }
        };
        let digests = if candidates.is_empty() { Vec::new() } else { shadow::digests(&run) };
        // Kept before anything is acknowledged. A chain that was given up has nothing to keep.
        let records = std::mem::take(&mut run.records);
        let kept = records.len();
        let decisions = self.keeping.decisions().filter(|decisions| decisions.wants(callback.phase(), &run));
        let wanted = if decisions.is_some() { records.clone() } else { Vec::new() };
        self.hand_over(records, run.records_lost, &arrived).await;
        let response = mounted.platform.dialect.render(&callback, &run.decision);
        let answered = Answered {
            platform: &mounted.platform.name,
            protocol: mounted.platform.server.protocol(),
            callback: &callback,
            operation_id: own_id.as_deref().unwrap_or(callback.operation_id()),
            run: &run,
            shadow: candidate.map(|candidate| candidate.name()),
            records: kept,
            took: deadline.elapsed(),
            how: How::Answered,
        };
        self.telemetry.answered(generation.counters(), mounted.index, &answered);
        if let Some(decisions) = decisions {
            let (generation, users) = (generation.number(), arrived.users);
            let moment = Moment { generation, users, at_unix_ms: self.now_unix_ms() };
            decisions.keep(Decided::of(&answered, wanted, response.clone(), moment));
        }
        let mut afterwards = None;
        if !candidates.is_empty() {
            shadow::answered(candidates, candidate, &run, || self.now_unix_ms());
            if candidate.is_none() {
                let past = Past { callback, run, digests, operation_id: own_id.clone() };
                afterwards = self.compare_afterwards(candidates, past);
            }
        }
        Answer { response, own_id, afterwards }
    }

    /// Hands on the records of a callback that was answered by its plugins, without those beyond what they may give.
    async fn hand_over(&self, records: Vec<Returned>, lost: usize, arrived: &Arrived<'_>) {
        let Arrived { mounted, callback, traceparent, deadline, .. } = *arrived;
        if !records.is_empty() {
            let origin = Origin {
                platform: mounted.platform.name.as_str().into(),
                command: callback.name().into(),
                key: callback.order_key(mounted.platform.server.protocol()),
                traceparent: traceparent.map(str::to_owned),
                arrived_unix_ms: callback.arrived_unix_ms(),
            };
            // An after-callback is acknowledged by its answer.
            let wait = if callback.phase() == Phase::After { Wait::OnDisk } else { Wait::No };
            self.records.keep(records, origin, deadline, wait, self.now_unix_ms()).await;
        }
        if lost > 0 {
            self.records.left_out(lost);
        }
    }

    /// Has candidates compared once the answer is on its way.
    fn compare_afterwards(&self, candidates: &[Arc<Candidate>], past: Past) -> Option<Afterwards> {
        let queue = Arc::clone(self.comparing()?);
        let job = shadow::afterwards(candidates, past)?;
        Some(Box::new(move || queue.send(job)))
    }

    /// Runs the chain. Here, once per callback, is the step from asynchronous to blocking: a chain that has been quick of
    /// late is begun where it is, because handing it to another thread costs more than it does. What turns out not to be
    /// quick, and everything that consists of several parts, is left to the workers.
    async fn decide(
        &self,
        generation: &Arc<Generation>,
        chain: &Arc<Chain>,
        callback: &Callback,
        deadline: Deadline,
    ) -> ChainRun {
        if let Some(parts) = callback.split() {
            return self.decide_parts(generation, chain, parts, deadline).await;
        }
        let mut progress = Progress::default();
        if chain.is_quick(callback) {
            let advance = || chain.advance(&self.engine, callback, deadline, Mode::Brief, &mut progress);
            match catch_unwind(AssertUnwindSafe(advance)) {
                Ok(Advance::Finished) => return progress.run,
                Ok(Advance::Stopped) => {}
                Err(_) => return chain.failed(HOST_FAILED),
            }
        }
        let seen = Arc::new(Seen::new(progress));
        let (host, held, its_callback, its_seen) =
            (self.clone(), Held::new(chain, generation), callback.clone(), Arc::clone(&seen));
        let job = move |_: &Cancel| held.chain().advance_seen(&host.engine, &its_callback, deadline, &its_seen);
        match self.work(chain, deadline, job).await {
            Ok(()) => seen.into_run(),
            Err(NotRun::Panicked) => chain.failed(HOST_FAILED),
            Err(NotRun::NoTime(_) | NotRun::Full) => chain.give_up(deadline, &seen),
        }
    }

    /// Runs the chain for each of the callbacks that one request carries, a few at a time: between them others have their
    /// turn.
    async fn decide_parts(
        &self,
        generation: &Arc<Generation>,
        chain: &Arc<Chain>,
        parts: Vec<Callback>,
        deadline: Deadline,
    ) -> ChainRun {
        let mut whole: Option<ChainRun> = None;
        let mut parts = VecDeque::from(parts);
        while !parts.is_empty() {
            let (host, held) = (self.clone(), Held::new(chain, generation));
            let mut some = std::mem::take(&mut parts);
            let job = move |_: &Cancel| {
                let (began, mut runs) = (cpu::of_this_thread(), Vec::new());
                while let Some(part) = some.pop_front() {
                    let mut progress = Progress::default();
                    held.chain().advance(&host.engine, &part, deadline, Mode::Full, &mut progress);
                    runs.push(progress.run);
                    // Without time left, each of the others would only say so.
                    let is_over = deadline.remaining_for_guests().is_zero();
                    if is_over || cpu::of_this_thread().saturating_sub(began) >= PARTS_CPU_MAX {
                        break;
                    }
                }
                (runs, some)
            };
            let (runs, rest) = match self.work(chain, deadline, job).await {
                Ok(done) => done,
                Err(NotRun::Panicked) => (vec![chain.failed(HOST_FAILED)], VecDeque::new()),
                Err(NotRun::NoTime(_) | NotRun::Full) => {
                    (vec![ChainRun { fault: Some(Fault::NoTime), ..ChainRun::default() }], VecDeque::new())
                }
            };
            parts = rest;
            for run in runs {
                match &mut whole {
                    None => whole = Some(run),
                    Some(whole) => whole.add(run),
                }
            }
        }
        whole.unwrap_or_default()
    }

    /// Has a job of this chain done by a worker.
    async fn work<T: Send + 'static>(
        &self,
        chain: &Chain,
        deadline: Deadline,
        job: impl FnOnce(&Cancel) -> T + Send + 'static,
    ) -> Result<T, NotRun> {
        let claim = self.claim(chain);
        self.workers.run(claim, deadline, job).await
    }

    /// What a job of this chain needs.
    pub(crate) fn claim(&self, chain: &Chain) -> Claim {
        // A chain without plugins is never asked for.
        let (plugin, takes) = chain.cost().map_or((0, Duration::ZERO), |(link, takes)| (link.flow(), takes));
        let flow = Flow { platform: chain.platform_flow(), plugin };
        Claim { flow, takes, bounds: Arc::new([]), crowd: Arc::default() }
    }

    /// What this host would answer, without keeping records or counting anything. Blocks: it runs guests.
    #[cfg(feature = "workshop")]
    pub(crate) fn rehearse(&self, mounted: &Mounted, callback: &Callback) -> (ChainRun, Response) {
        let deadline = Deadline::new(tokio::time::Instant::now(), mounted.platform.answer_within);
        let chain = callback.command().and_then(|command| mounted.routes.find(command));
        let mut whole = ChainRun::default();
        if let Some(chain) = chain {
            for (number, part) in callback.split().unwrap_or_else(|| vec![callback.clone()]).iter().enumerate() {
                let mut progress = Progress::default();
                chain.advance(&self.engine, part, deadline, Mode::Full, &mut progress);
                match number {
                    0 => whole = progress.run,
                    _ => whole.add(progress.run),
                }
            }
        }
        let response = mounted.platform.dialect.render(callback, &whole.decision);
        (whole, response)
    }
}

/// An answer, and what comes with it.
pub(crate) struct Answer {
    pub(crate) response: Response,
    /// The ID of the callback, if the chat server has given it none.
    pub(crate) own_id: Option<String>,
    /// What is to be done once the connection has taken the answer.
    pub(crate) afterwards: Option<Afterwards>,
}

impl Answer {
    /// Without anything that comes after it.
    pub(crate) fn only(response: Response) -> Self {
        Self { response, own_id: None, afterwards: None }
    }
}

/// The chain that a worker runs, and its generation. The chain is let go first, so that what it holds ends where
/// generations end.
struct Held {
    chain: Arc<Chain>,
    _generation: Arc<Generation>,
}

impl Held {
    fn new(chain: &Arc<Chain>, generation: &Arc<Generation>) -> Self {
        Self { chain: Arc::clone(chain), _generation: Arc::clone(generation) }
    }

    fn chain(&self) -> &Chain {
        &self.chain
    }
}

/// Maximum CPU time of the parts of one request that are worked off before others have their turn; one part more at
/// most.
const PARTS_CPU_MAX: Duration = Duration::from_millis(5);

const HOST_FAILED: &str = "the host failed; please report this";
