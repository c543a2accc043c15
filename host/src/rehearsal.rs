//! Facts for simulated decisions: those of candidates, of replays, and of author commands. Facts that are already known
//! are reused.

use std::sync::Arc;

use callgate_catalogue::wire::Why;
use callgate_dialects::Callback;
use callgate_facts::{Answer, Facts, Purpose, Wanted};
use callgate_sandbox::Engine;
use tokio::runtime::Handle;
use tokio::time::Instant;

use crate::chain::{Asking, Chain, Found, Knowledge, Mode};
use crate::deadline::Deadline;

/// The facts for a simulated decision.
#[derive(Clone, Copy)]
pub(crate) struct Trial<'t> {
    /// The facts of the settings.
    pub(crate) facts: &'t Facts,
    /// Facts that are already known.
    pub(crate) known: &'t [Found],
    /// Looks up all other facts, without counting; `None`: all others are unknown.
    pub(crate) live: Option<Live<'t>>,
}

/// What a lookup requires.
#[derive(Clone, Copy)]
pub(crate) struct Live<'t> {
    /// The runtime for requests over the network.
    pub(crate) runtime: &'t Handle,
    pub(crate) now_unix_ms: u64,
}

impl Trial<'_> {
    /// Looks up the facts that the plugins of a chain need. Blocks: it runs guests, and waits for answers.
    pub(crate) fn find_out(
        &self,
        chain: &Chain,
        engine: &Engine,
        callback: &Callback,
        deadline: Deadline,
        mode: Mode,
    ) -> Option<Arc<Knowledge>> {
        if !chain.has_needs() {
            return None;
        }
        let mut asking = Asking::default();
        chain.ask_needs(engine, callback, deadline, mode, None, &mut asking);
        Some(self.answer(asking, deadline))
    }
}

impl Trial<'_> {
    fn answer(&self, asking: Asking, deadline: Deadline) -> Arc<Knowledge> {
        let facts = self.facts;
        let known = |wanted: &Wanted<'_>| {
            let is_it = |found: &&Found| found.fact == facts.name(wanted.fact) && found.key == wanted.key;
            self.known.iter().find(is_it).map(|found| found.answer.clone())
        };
        let wanted = asking.wanted();
        let mut answers: Vec<Option<Answer>> = wanted.iter().map(known).collect();
        let is_missing = |(_, answer): &(&Wanted<'_>, &Option<Answer>)| answer.is_none();
        let missing: Vec<Wanted<'_>> =
            wanted.iter().zip(&answers).filter(is_missing).map(|(wanted, _)| *wanted).collect();
        let mut found = self.live.map(|live| live.look_up(facts, &missing, deadline)).unwrap_or_default().into_iter();
        for answer in answers.iter_mut().filter(|answer| answer.is_none()) {
            *answer = found.next();
        }
        let answers = answers.into_iter().map(|it| it.unwrap_or_else(|| Answer::without(Why::NotConfigured)));
        let answers = answers.collect();
        drop((wanted, missing));
        Arc::new(asking.answered(facts, answers))
    }
}

impl Live<'_> {
    fn look_up(self, facts: &Facts, wanted: &[Wanted<'_>], deadline: Deadline) -> Vec<Answer> {
        let _entered = self.runtime.enter();
        match facts.look_up(wanted, Purpose::Try, self.now_unix_ms).at_hand() {
            Ok(answers) => answers,
            Err(fetched) => self.runtime.block_on(fetched.within(deadline.remaining_for_guests(), Instant::now())),
        }
    }
}
