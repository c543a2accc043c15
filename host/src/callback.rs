//! The corridor: a callback's whole way, from a request to a response. The only function that knows all the doors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tokio::time::Instant;

use crate::chain::{Chain, Outcome};
use crate::deadline::Deadline;
use crate::dialect::{Callback, Request, Response};
use crate::host::{Host, Mounted};
use crate::plugin::Fault;

impl Host {
    /// Answers one callback of a platform. Whatever happens, there is an answer before the deadline.
    pub async fn answer(&self, mounted: &Mounted, request: Request) -> Response {
        let arrived = request.arrived;
        let deadline = Deadline::new(arrived, mounted.platform.answer_within);

        let callback = match mounted.dialect.open(request) {
            Ok(callback) => callback,
            Err(refusal) => {
                self.telemetry.refused(mounted, refusal);
                return mounted.dialect.refuse(&refusal);
            }
        };
        let mut outcome = match callback.command().map(|command| mounted.routes.find(command)) {
            Some(Some(chain)) => self.decide(chain, &callback, deadline).await,
            Some(None) => Outcome::default(),
            None => {
                self.telemetry.unknown_command(mounted, &callback);
                Outcome::default()
            }
        };
        // Kept before anything is acknowledged. A chain that was given up has nothing to keep.
        let records = std::mem::take(&mut outcome.records);
        let kept = records.len();
        if kept > 0 {
            self.keep(records, deadline).await;
        }
        let response = mounted.dialect.render(&callback, outcome.verdict());
        self.telemetry.answered(mounted, &callback, &outcome, kept, arrived.elapsed());
        response
    }

    /// Runs the chain, once a place in the sandbox is free. Here, once per callback, is the step from asynchronous
    /// to blocking: a chain that has been quick of late runs where it is, because handing it to another thread costs
    /// more than it does; any other leaves the threads that move bytes alone.
    async fn decide(&self, chain: &Arc<Chain>, callback: &Callback, deadline: Deadline) -> Outcome {
        let Some(permit) = self.permits.take(deadline.moment()).await else {
            return failed(chain, Fault::NoPermit);
        };
        if chain.is_quick(|time| self.engine.fuel_within(time)) {
            return self.run(chain, callback, deadline);
        }
        let (host, task_chain, task_callback) = (self.clone(), Arc::clone(chain), callback.clone());
        let task = tokio::task::spawn_blocking(move || {
            // Given back when the guest has ended, not when somebody stopped waiting for it.
            let _permit = permit;
            host.run(&task_chain, &task_callback, deadline)
        });
        match tokio::time::timeout_at(deadline.moment(), task).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) | Err(_) => failed(chain, Fault::OutOfTime { within: deadline.answer_within() }),
        }
    }

    /// Hands records to the journal. Files can hang: then the answer does not wait for them beyond the deadline, and
    /// not more than a bounded number of records waits either.
    async fn keep(&self, records: Vec<String>, deadline: Deadline) {
        let Some(place) = self.journal.places.take(deadline.moment()).await else {
            return self.journal.lose(&records, "too many are waiting for the file");
        };
        let host = self.clone();
        let written = tokio::task::spawn_blocking(move || {
            host.journal.append(&records);
            drop(place);
        });
        if tokio::time::timeout_at(deadline.moment(), written).await.is_err() {
            tracing::error!("the records file does not take records in time; the answer does not wait for it");
        }
    }

    /// What this host would answer, without keeping records or counting anything. Blocks: it runs guests.
    pub fn rehearse(&self, mounted: &Mounted, callback: &Callback) -> (Outcome, Response) {
        let deadline = Deadline::new(Instant::now(), mounted.platform.answer_within);
        let chain = callback.command().and_then(|command| mounted.routes.find(command));
        let outcome = chain.map_or_else(Outcome::default, |chain| self.run(chain, callback, deadline));
        let response = mounted.dialect.render(callback, outcome.verdict());
        (outcome, response)
    }

    /// Runs the chain for the callback, or for each of those that it carries.
    fn run(&self, chain: &Chain, callback: &Callback, deadline: Deadline) -> Outcome {
        let run = || {
            let Some(parts) = callback.split() else { return chain.run(&self.engine, callback, deadline) };
            let mut outcomes = parts.iter().map(|part| chain.run(&self.engine, part, deadline));
            let mut outcome = outcomes.next().unwrap_or_default();
            for part in outcomes {
                outcome.steps.extend(part.steps);
                outcome.records.extend(part.records);
            }
            outcome
        };
        // The sandbox is large; should it have a mistake that panics, this callback still gets its answer.
        catch_unwind(AssertUnwindSafe(run))
            .unwrap_or_else(|_| failed(chain, Fault::Trap { what: "the host failed; please report this".to_owned() }))
    }
}

fn failed(chain: &Chain, fault: Fault) -> Outcome {
    Outcome { verdict: Some(chain.verdict_of(&fault)), fault: Some(fault), ..Outcome::default() }
}
