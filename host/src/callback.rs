//! The corridor: a callback's whole way, from a request to a response. The only function that knows all the doors.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use callgate_dialects::{Admitted, Callback, Refusal, Response};
use callgate_sandbox::Fault;
use tokio::time::timeout_at;

use crate::chain::{Chain, ChainRun};
use crate::deadline::Deadline;
use crate::host::{Host, Mounted};
use crate::intake::Request;

impl Host {
    /// Answers one callback of a platform. Whatever happens, there is an answer before the deadline.
    pub(crate) async fn answer(&self, mounted: &Mounted, request: Request<'_>) -> Response {
        let Request { admitted, body, deadline } = request;
        let callback = match open(admitted, body) {
            Ok(callback) => callback,
            Err(refusal) => {
                self.telemetry.refused(mounted.index, refusal);
                return mounted.platform.dialect.refuse(&refusal);
            }
        };
        let mut run = match callback.command().map(|command| mounted.routes.find(command)) {
            Some(Some(chain)) => self.decide(chain, &callback, deadline).await,
            Some(None) => ChainRun::default(),
            None => {
                self.telemetry.unknown_command(mounted.index, &callback);
                ChainRun::default()
            }
        };
        // Kept before anything is acknowledged. A chain that was given up has nothing to keep.
        let records = std::mem::take(&mut run.records);
        let kept = records.len();
        if kept > 0 {
            self.keep(records, deadline).await;
        }
        let response = mounted.platform.dialect.render(&callback, &run.decision);
        self.telemetry.answered(mounted.index, &callback, &run, kept, deadline.elapsed());
        response
    }

    /// Runs the chain, once a slot in the sandbox is free. Here, once per callback, is the step from asynchronous
    /// to blocking: a chain that has been quick of late runs where it is, because handing it to another thread costs
    /// more than it does; any other leaves the threads that move bytes alone.
    async fn decide(&self, chain: &Arc<Chain>, callback: &Callback, deadline: Deadline) -> ChainRun {
        let Ok(Ok(slot)) = timeout_at(deadline.moment(), Arc::clone(&self.slots).acquire_owned()).await else {
            return chain.failed(Fault::NoPermit);
        };
        if chain.is_quick(|time| self.engine.fuel_within(time)) {
            return self.run(chain, callback, deadline);
        }
        let (host, task_chain, task_callback) = (self.clone(), Arc::clone(chain), callback.clone());
        let task = tokio::task::spawn_blocking(move || {
            // Given back when the guest has ended, not when the caller stopped waiting for it.
            let _slot = slot;
            host.run(&task_chain, &task_callback, deadline)
        });
        match timeout_at(deadline.moment(), task).await {
            Ok(Ok(run)) => run,
            Ok(Err(_)) | Err(_) => chain.failed(Fault::OutOfTime { within: deadline.answer_within() }),
        }
    }

    /// Hands records to the journal. Files can hang: then the answer does not wait for them beyond the deadline, and
    /// not more than a bounded number of records waits either.
    async fn keep(&self, records: Vec<String>, deadline: Deadline) {
        let permit = Arc::clone(&self.journal.waiting).acquire_owned();
        let Ok(Ok(permit)) = timeout_at(deadline.moment(), permit).await else {
            return self.journal.lose(&records, "too many are waiting for the file");
        };
        let host = self.clone();
        let written = tokio::task::spawn_blocking(move || {
            host.journal.append(&records);
            drop(permit);
        });
        if timeout_at(deadline.moment(), written).await.is_err() {
            tracing::error!("the records file does not take records in time; the answer does not wait for it");
        }
    }

    /// What this host would answer, without keeping records or counting anything. Blocks: it runs guests.
    #[cfg(feature = "workshop")]
    pub(crate) fn rehearse(&self, mounted: &Mounted, callback: &Callback) -> (ChainRun, Response) {
        let deadline = Deadline::new(tokio::time::Instant::now(), mounted.platform.answer_within);
        let chain = callback.command().and_then(|command| mounted.routes.find(command));
        let run = chain.map_or_else(ChainRun::default, |chain| self.run(chain, callback, deadline));
        let response = mounted.platform.dialect.render(callback, &run.decision);
        (run, response)
    }

    /// Runs the chain for the callback, or for each of those that it carries.
    fn run(&self, chain: &Chain, callback: &Callback, deadline: Deadline) -> ChainRun {
        let run = || {
            let Some(parts) = callback.split() else { return chain.run(&self.engine, callback, deadline) };
            let mut runs = parts.iter().map(|part| chain.run(&self.engine, part, deadline));
            let mut run = runs.next().unwrap_or_default();
            for part in runs {
                run.steps.extend(part.steps);
                run.records.extend(part.records);
            }
            run
        };
        // The sandbox is large; should it have a mistake that panics, this callback still gets its answer.
        catch_unwind(AssertUnwindSafe(run))
            .unwrap_or_else(|_| chain.failed(Fault::Trap { what: "the host failed; please report this".to_owned() }))
    }
}

fn open(admitted: Result<Admitted<'_>, Refusal>, body: Result<bytes::Bytes, Refusal>) -> Result<Callback, Refusal> {
    admitted?.open(body?)
}
