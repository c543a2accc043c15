//! The corridor: a callback's whole way, from a request to a response. The only function that knows all the doors.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use callgate_catalogue::catalogue::Command;
use callgate_catalogue::wire::Phase;
use callgate_dialects::{Admitted, Callback, Response};
use callgate_sandbox::Cancel;
use tokio::runtime::Handle;

use crate::afterwards::{Afterwards, Answer};
use crate::chain::{Advance, Chain, ChainRun, Mode, Progress, Seen};
use crate::deadline::Deadline;
use crate::decisions::{Decided, Moment};
use crate::entries::Arrived;
use crate::generation::{Generation, Held, Mounted};
use crate::host::Host;
use crate::intake::Request;
use crate::overload::Overload;
use crate::parts::Turn;
use crate::records::{Origin, Returned, Wait};
#[cfg(feature = "workshop")]
use crate::rehearsal::Trial;
use crate::settings::Mode as Keep;
use crate::shadow::{self, Job, Outcomes, Past, Reserved, Sources};
use crate::telemetry::{Answered, How};
use crate::workers::NotRun;

impl Host {
    /// Answers one callback of a platform. Whatever happens, there is an answer before the deadline. If the chat server
    /// has not given the callback an ID, the one that was made here comes with it.
    pub(crate) async fn answer(&self, generation: &Arc<Generation>, mounted: &Mounted, request: Request<'_>) -> Answer {
        let Request { admitted, body, deadline, traceparent, no_room } = request;
        let callback = match admitted.open(body.clone()) {
            Ok(callback) => callback,
            Err(refusal) => return Answer::only(self.refuse_admitted(generation, mounted, refusal, body)),
        };
        // What has happened was accepted when it was read: it is dealt with even if the client goes.
        let may_wait = || {
            let chain = callback.command().and_then(|command| mounted.routes.find(command));
            chain.is_some_and(|chain| callback.is_batch() || chain.has_needs() || !chain.is_quick(&callback))
                && !callback.command().is_some_and(|command| self.is_journalled(mounted, command))
        };
        if callback.phase() == Phase::Before || no_room.is_some() || !may_wait() {
            return self.answer_opened(generation, mounted, Opened { callback, deadline, traceparent, no_room }).await;
        }
        let (host, generation, number) = (self.clone(), Arc::clone(generation), mounted.index);
        let answers = async move {
            let mounted = generation.platforms().get(number)?;
            let opened = Opened { callback, deadline, traceparent, no_room: None };
            Some(host.answer_opened(&generation, mounted, opened).await)
        };
        // It ends only when the runtime does, or with a mistake of the host.
        tokio::spawn(answers).await.ok().flatten().unwrap_or_else(|| Answer::only(Response::default()))
    }

    /// Answers a callback that was read.
    async fn answer_opened(&self, generation: &Arc<Generation>, mounted: &Mounted, opened: Opened) -> Answer {
        let Opened { callback, deadline, traceparent, no_room } = opened;
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
        let chain = callback.command().map(|command| (command, chain(command)));
        let mut run = match chain {
            // A candidate may be without the only plugin.
            Some((_, Some(chain))) if chain.links().is_empty() => ChainRun::default(),
            Some((_, Some(chain))) => match no_room {
                None => self.decide(generation, chain, &callback, deadline).await,
                Some(overload) => chain.refused(overload),
            },
            Some((command, None)) => self.without_chain(generation, mounted, &callback, Some(command)),
            None => self.without_chain(generation, mounted, &callback, None),
        };
        run.overload.iter().for_each(|overload| self.telemetry.overloaded(overload, false));
        self.change_facts(generation, &std::mem::take(&mut run.updates));
        let reserved = shadow::reserve(candidates, candidate, &callback, &run);
        let digests = if reserved.is_some() { shadow::digests(&run) } else { Vec::new() };
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
            afterwards = reserved.and_then(|reserved| {
                let facts = std::mem::take(&mut run.facts);
                let needs = candidates.iter().any(|candidate| candidate.chain().has_needs());
                let sources = needs.then(|| Sources { facts: generation.facts().clone(), runtime: Handle::current() });
                let outcomes = Outcomes::of(run, &digests);
                let past = Past { callback, outcomes, operation_id: own_id.clone(), facts, sources };
                self.compare_afterwards(reserved, past)
            });
        }
        Answer { response, own_id, afterwards }
    }

    /// Counts a callback without a chain: no plugin handles its command, or the command is unknown.
    fn without_chain(
        &self,
        generation: &Generation,
        mounted: &Mounted,
        callback: &Callback,
        command: Option<&'static Command>,
    ) -> ChainRun {
        match command {
            Some(command) => self.telemetry.unhandled_command(generation.counters(), mounted.index, command.name),
            None => self.telemetry.unknown_command(generation.counters(), mounted.index, callback),
        }
        ChainRun::default()
    }

    /// Hands on the records of a callback that was answered by its plugins, without those beyond what they may give.
    async fn hand_over(&self, records: Vec<Returned>, lost: usize, arrived: &Arrived<'_>) {
        let Arrived { mounted, callback, traceparent, deadline, .. } = *arrived;
        if !records.is_empty() {
            let origin = Origin {
                platform: mounted.platform.name.as_str().into(),
                command: callback.name().into(),
                key: arrived.key(callback),
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

    /// Queues comparisons with candidates once the answer has been sent.
    fn compare_afterwards(&self, reserved: Reserved, past: Past) -> Option<Afterwards> {
        let queue = Arc::clone(self.comparing()?);
        let job = Job::new(reserved, past);
        Some(Box::new(move || queue.send(job)))
    }

    /// Whether callbacks of this command are put into the journal, and answered before any plugin is called.
    fn is_journalled(&self, mounted: &Mounted, command: &Command) -> bool {
        self.keeping.journal().is_some() && mounted.platform.mode(command) == Keep::Journal
    }

    /// Refuses a callback before its body is read, if it would have to wait for longer than there is time: for a
    /// worker, or for `room`, which is said to be full. What the chat server gets is what `on_overload` says.
    ///
    /// `None`: it is worth reading. That is so, too, where only the body names the command, or an answer has to repeat
    /// something of it; then it is refused once it is read.
    pub(crate) fn refuse_at_door(
        &self,
        generation: &Generation,
        mounted: &Mounted,
        admitted: &Admitted<'_>,
        deadline: Deadline,
        room: Option<Overload>,
    ) -> Option<Answer> {
        if room.is_none() && self.workers.waiting() == 0 {
            return None;
        }
        let callback = admitted.unread()?;
        let command = callback.command()?;
        let chain = mounted.routes.find(command)?;
        // It waits for the disk, and for no plugin.
        if self.is_journalled(mounted, command) {
            return None;
        }
        let for_worker = || match chain.has_been_quick() && command.batch.is_none() {
            true => None,
            false => self.workers.overload(&chain.claim(), deadline),
        };
        let overload = room.or_else(for_worker)?;
        let run = chain.refused(overload);
        if mounted.platform.dialect.answer_needs_body(command, &run.decision) {
            return None;
        }
        self.telemetry.overloaded(&overload, true);
        let own_id = callback.operation_id().is_empty().then(|| self.new_operation_id());
        let answered = Answered {
            platform: &mounted.platform.name,
            protocol: mounted.platform.server.protocol(),
            callback: &callback,
            operation_id: own_id.as_deref().unwrap_or(callback.operation_id()),
            run: &run,
            shadow: None,
            records: 0,
            took: deadline.elapsed(),
            how: How::Answered,
        };
        self.telemetry.answered(generation.counters(), mounted.index, &answered);
        let response = mounted.platform.dialect.render(&callback, &run.decision);
        if let Some(decisions) = self.keeping.decisions().filter(|decisions| decisions.wants(callback.phase(), &run)) {
            let (number, users) = (generation.number(), generation.settings().log.users);
            let moment = Moment { generation: number, users, at_unix_ms: self.now_unix_ms() };
            decisions.keep(Decided::of(&answered, Vec::new(), response.clone(), moment));
        }
        Some(Answer { response, own_id, afterwards: None })
    }

    /// Runs the chain. Here, once per callback, is the step from asynchronous to blocking: a chain that has been quick
    /// of late is begun where it is, because handing it to another thread costs more than it does. What turns out not
    /// to be quick, and everything that consists of several parts, is left to the workers.
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
        let knowledge = match self.find_out(generation, chain, callback, deadline).await {
            Ok(knowledge) => knowledge,
            Err(run) => return *run,
        };
        let is_light = knowledge.as_ref().is_none_or(|knowledge| knowledge.bytes() <= QUICK_FACTS_BYTES_MAX);
        let mut progress = Progress::knowing(knowledge);
        if is_light && chain.is_quick(callback) {
            let advance = || chain.advance(&self.engine, callback, deadline, Mode::Brief, &mut progress);
            match catch_unwind(AssertUnwindSafe(advance)) {
                Ok(Advance::Finished) => return progress.run,
                Ok(Advance::Stopped) => {}
                Err(_) => return chain.failed(),
            }
        }
        let seen = Arc::new(Seen::new(progress));
        let (host, held, its_callback, its_seen) =
            (self.clone(), Held::new(chain, generation), callback.clone(), Arc::clone(&seen));
        let job = move |cancel: &Cancel| {
            its_seen.cancelled_by(cancel);
            held.chain().advance_seen(&host.engine, &its_callback, deadline, &its_seen);
        };
        match self.workers.run(chain.claim(), deadline, job).await {
            Ok(()) => seen.into_run(),
            Err(NotRun::NoTime(overload)) => give_up(chain, deadline, &seen, overload).await,
            Err(why) => chain.not_run(why),
        }
    }

    /// Runs the chain for each of the callbacks that one request carries, a few at a time: between them others have
    /// their turn.
    async fn decide_parts(
        &self,
        generation: &Arc<Generation>,
        chain: &Arc<Chain>,
        parts: Vec<Callback>,
        deadline: Deadline,
    ) -> ChainRun {
        let mut whole: Option<ChainRun> = None;
        let (mut parts, mut known) = (VecDeque::from(parts), VecDeque::new());
        let mut add = |run: ChainRun| match &mut whole {
            None => whole = Some(run),
            Some(whole) => whole.add(run),
        };
        while !(parts.is_empty() && known.is_empty()) {
            if known.is_empty() {
                match self.find_out_parts(generation, chain, &mut parts, deadline).await {
                    Ok(found) => known = found,
                    Err(run) => {
                        add(*run);
                        break;
                    }
                }
            }
            let (host, held) = (self.clone(), Held::new(chain, generation));
            let mut some = std::mem::take(&mut known);
            let job = move |cancel: &Cancel| {
                let (turn, mut runs) = (Turn::begin(), Vec::new());
                while let Some((part, knowledge)) = some.pop_front() {
                    let mut progress = Progress::knowing(knowledge);
                    held.chain().advance(&host.engine, &part, deadline, Mode::Full, &mut progress);
                    runs.push(progress.run);
                    if turn.is_over(deadline, cancel) {
                        break;
                    }
                }
                (runs, some)
            };
            match self.workers.run(chain.claim(), deadline, job).await {
                Ok((runs, rest)) => {
                    runs.into_iter().for_each(&mut add);
                    known = rest;
                }
                Err(why) => {
                    add(chain.not_run(why));
                    break;
                }
            }
        }
        whole.unwrap_or_default()
    }

    /// What this host would answer, without keeping records, changing facts or counting anything. Blocks: it runs
    /// guests.
    #[cfg(feature = "workshop")]
    pub(crate) fn rehearse(&self, mounted: &Mounted, callback: &Callback, trial: Trial<'_>) -> (ChainRun, Response) {
        let deadline = Deadline::new(tokio::time::Instant::now(), mounted.platform.answer_within);
        let chain = callback.command().and_then(|command| mounted.routes.find(command));
        let mut whole = ChainRun::default();
        if let Some(chain) = chain {
            for (number, part) in callback.split().unwrap_or_else(|| vec![callback.clone()]).iter().enumerate() {
                let knowledge = trial.find_out(chain, &self.engine, part, deadline, Mode::Full);
                let mut progress = Progress::knowing(knowledge);
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

/// Takes over what a chain has decided so far, because the deadline has come.
async fn give_up(chain: &Chain, deadline: Deadline, seen: &Seen, overload: Overload) -> ChainRun {
    for _ in 0..LOOKS_AGAIN {
        if let Some(run) = chain.give_up(deadline, seen, overload) {
            return run;
        }
        tokio::time::sleep(LOOK_PAUSE).await;
    }
    chain.give_up_unseen(overload)
}

/// A callback whose body was read.
struct Opened {
    callback: Callback,
    deadline: Deadline,
    /// As in [`Request`].
    traceparent: Option<String>,
    /// Why there is no time for it, if there is none.
    no_room: Option<Overload>,
}

/// Maximum size of facts, in bytes, for calls on a thread that other callbacks wait for: a quarter of the same limit
/// for bodies.
const QUICK_FACTS_BYTES_MAX: usize = 64 * 1024;

/// Number of attempts to take a lock that a worker holds, and the pause between two: 10 ms in total, of the 50 that are
/// reserved for writing an answer.
const LOOKS_AGAIN: u32 = 10;

/// See [`LOOKS_AGAIN`].
const LOOK_PAUSE: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc::channel;

    use callgate_dialects::Decision;
    use tokio::time::Instant;

    use super::*;
    use crate::chain::Link;
    use crate::route::Routes;
    use crate::settings::Settings;

    fn chain(on_overload: &str, on_fault: &str) -> Arc<Chain> {
        let toml = format!(
            "[journal]\noff = true\n[[platform]]\nkind = \"openim\"\non_overload = \"{on_overload}\"\n\
             [[plugin]]\nname = \"p\"\nwasm = \"p.wasm\"\ncommands = [\"*\"]\non_fault = \"{on_fault}\"\n"
        );
        let settings = Settings::parse(Path::new("host.toml"), &toml).unwrap();
        let platform = &settings.platforms[0];
        let link = Link::not_loaded(0, Vec::new(), &settings.plugins[0], None, Duration::ZERO);
        let command = platform.server.commands().find("callbackBeforeAddFriendCommand").unwrap();
        Arc::clone(Routes::build(0, platform, &[Arc::new(link)]).find(command).unwrap())
    }

    #[tokio::test(start_paused = true)]
    async fn a_worker_that_never_releases_its_lock_delays_an_answer_by_10_ms_and_then_the_strictest_rule_counts() {
        let overload = Overload {
            limit: "plugin_share_percent_max",
            value: 1,
            in_flight: 1,
            waiting: 1,
            wait: Duration::from_secs(1),
            left: Duration::ZERO,
        };
        for (on_overload, on_fault, denies) in
            [("allow", "allow", false), ("allow", "deny", true), ("deny", "allow", true), ("deny", "deny", true)]
        {
            let seen = Arc::new(Seen::default());
            let ((holds, is_held), (release, released)) = (channel(), channel::<()>());
            let its = Arc::clone(&seen);
            let worker = std::thread::spawn(move || {
                let _lock = its.lock();
                holds.send(()).unwrap();
                let _ = released.recv();
            });
            is_held.recv().unwrap();
            let began = Instant::now();
            let deadline = Deadline::new(began, Duration::ZERO);
            let run = give_up(&chain(on_overload, on_fault), deadline, &seen, overload).await;
            assert_eq!(began.elapsed(), LOOK_PAUSE * LOOKS_AGAIN);
            assert_eq!(matches!(run.decision, Decision::Deny(_)), denies, "{on_overload} {on_fault}");
            assert_eq!(run.decided_by, if denies { "on_overload" } else { "" });
            assert_eq!(run.overload, Some(overload));
            drop(release);
            worker.join().unwrap();
        }
    }
}
