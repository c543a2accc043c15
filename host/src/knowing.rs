//! Looks up the facts of a callback before any plugin of its chain decides, and applies the updates of the plugins once
//! the decision is final.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use callgate_dialects::Callback;
use callgate_facts::{Facts, Purpose, Wanted};
use callgate_sandbox::Cancel;
use tokio::time::Instant;

use crate::chain::{Advance, Asking, Chain, ChainRun, Knowledge, Mode, Update};
use crate::deadline::Deadline;
use crate::generation::{Generation, Held};
use crate::host::Host;
use crate::parts::Turn;
use crate::workers::NotRun;

impl Host {
    /// Asks the plugins of a chain for their needs, and looks up all facts in parallel, within the deadline. `None`:
    /// they need none.
    ///
    /// # Errors
    /// The outcome, if the plugins could not be asked.
    pub(crate) async fn find_out(
        &self,
        generation: &Arc<Generation>,
        chain: &Arc<Chain>,
        callback: &Callback,
        deadline: Deadline,
    ) -> Result<Option<Arc<Knowledge>>, Box<ChainRun>> {
        if !chain.has_needs() {
            return Ok(None);
        }
        let mut asking = Asking::default();
        let mut is_done = false;
        if chain.is_quick(callback) {
            let ask = || chain.ask_needs(&self.engine, callback, deadline, Mode::Brief, None, &mut asking);
            match catch_unwind(AssertUnwindSafe(ask)) {
                Ok(advance) => is_done = advance == Advance::Finished,
                Err(_) => return Err(Box::new(chain.failed())),
            }
        }
        if !is_done {
            let (host, held, callback) = (self.clone(), Held::new(chain, generation), callback.clone());
            let job = move |cancel: &Cancel| {
                held.chain().ask_needs(&host.engine, &callback, deadline, Mode::Full, Some(cancel), &mut asking);
                asking
            };
            asking =
                self.workers.run(chain.claim(), deadline, job).await.map_err(|why| Box::new(chain.not_run(why)))?;
        }
        let now = self.now_unix_ms();
        Ok(Some(answered(generation.facts(), asking, Purpose::Decide, deadline, now).await))
    }

    /// The same for some of the callbacks of a batch, which are taken from the front of `parts`.
    ///
    /// # Errors
    /// As [`Host::find_out`].
    pub(crate) async fn find_out_parts(
        &self,
        generation: &Arc<Generation>,
        chain: &Arc<Chain>,
        parts: &mut VecDeque<Callback>,
        deadline: Deadline,
    ) -> Result<VecDeque<Known>, Box<ChainRun>> {
        if !chain.has_needs() {
            return Ok(std::mem::take(parts).into_iter().map(|part| (part, None)).collect());
        }
        let (host, held) = (self.clone(), Held::new(chain, generation));
        let mut some: VecDeque<Callback> = parts.drain(..parts.len().min(PARTS_AT_ONCE_MAX)).collect();
        let job = move |cancel: &Cancel| {
            let (turn, mut asked) = (Turn::begin(), Vec::new());
            while let Some(part) = some.pop_front() {
                let mut asking = Asking::default();
                held.chain().ask_needs(&host.engine, &part, deadline, Mode::Full, Some(cancel), &mut asking);
                asked.push((part, asking));
                if turn.is_over(deadline, cancel) {
                    break;
                }
            }
            (asked, some)
        };
        let (asked, rest) =
            self.workers.run(chain.claim(), deadline, job).await.map_err(|why| Box::new(chain.not_run(why)))?;
        rest.into_iter().rev().for_each(|part| parts.push_front(part));
        // All requests are running before the first answer is awaited.
        let (now, facts) = (self.now_unix_ms(), generation.facts());
        let looking_up: Vec<_> = asked
            .into_iter()
            .map(|(part, asking)| {
                let fetched = facts.look_up(&asking.wanted(), Purpose::Decide, now);
                (part, asking, fetched)
            })
            .collect();
        let (left, from, mut known) = (deadline.remaining_for_guests(), Instant::now(), VecDeque::new());
        for (part, asking, fetched) in looking_up {
            let knowledge = asking.answered(facts, fetched.within(left, from).await);
            known.push_back((part, Some(Arc::new(knowledge))));
        }
        Ok(known)
    }

    /// The same for an entry of the journal, which is counted only at its first attempt. Its time begins when a worker
    /// starts. Also returns how much of it is left.
    ///
    /// # Errors
    /// Why the chain could not be asked.
    pub(crate) async fn find_out_behind(
        &self,
        generation: &Arc<Generation>,
        chain: &Arc<Chain>,
        callback: &Callback,
        purpose: Purpose,
    ) -> Result<(Option<Arc<Knowledge>>, Duration), NotRun> {
        let within = chain.work_within();
        if !chain.has_needs() {
            return Ok((None, within));
        }
        let (host, held, callback) = (self.clone(), Held::new(chain, generation), callback.clone());
        let job = move |_: &Cancel| {
            let began = Instant::now();
            let deadline = Deadline::new(began, within);
            let mut asking = Asking::default();
            held.chain().ask_needs(&host.engine, &callback, deadline, Mode::Work, None, &mut asking);
            (asking, deadline, began.elapsed())
        };
        let (asking, deadline, asked) = self.workers.run_behind(chain.claim(), job).await?;
        // What it waits for a worker is not its own time.
        let began = Instant::now();
        let knowledge = answered(generation.facts(), asking, purpose, deadline, self.now_unix_ms()).await;
        Ok((Some(knowledge), within.saturating_sub(asked + began.elapsed())))
    }

    /// Applies the updates of plugins.
    pub(crate) fn change_facts(&self, generation: &Generation, updates: &[Update]) {
        if updates.is_empty() {
            return;
        }
        let now = self.now_unix_ms();
        for Update { fact, key, change, ttl_ms } in updates {
            match fact {
                // Failures are counted by the source.
                Some(fact) => drop(generation.facts().change(Wanted { fact: *fact, key }, change, *ttl_ms, now)),
                None => self.telemetry.fact_not_configured(),
            }
        }
    }
}

/// A callback with the facts of its plugins.
pub(crate) type Known = (Callback, Option<Arc<Knowledge>>);

/// Maximum number of callbacks of a batch whose facts are looked up at the same time.
const PARTS_AT_ONCE_MAX: usize = 8;

/// Looks up the facts that plugins need.
async fn answered(
    facts: &Facts,
    asking: Asking,
    purpose: Purpose,
    deadline: Deadline,
    now_unix_ms: u64,
) -> Arc<Knowledge> {
    let answers = match facts.look_up(&asking.wanted(), purpose, now_unix_ms).at_hand() {
        Ok(answers) => answers,
        Err(fetched) => fetched.within(deadline.remaining_for_guests(), Instant::now()).await,
    };
    Arc::new(asking.answered(facts, answers))
}
