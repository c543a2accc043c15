//! A decision in the queue to the journal, and what is stored of it.

use std::time::Duration;

use bytes::Bytes;
use callgate_catalogue::catalogue::Protocol;
use callgate_dialects::{Callback, Refusal, Response};

use crate::chain::ChainRun;
use crate::records::Returned;
use crate::settings::{Keep, Users};
use crate::telemetry::Answered;

/// What is stored of decisions.
#[derive(Debug, Clone)]
pub(crate) struct Policy {
    pub(crate) keep: Keep,
    /// Whether body, answer, records and the texts of plugins are stored.
    pub(crate) payloads: bool,
    /// Members whose values are not stored.
    pub(crate) redact: Vec<String>,
}

/// Maximum size of a body and its facts that are stored with their decision, in bytes: chat messages are a hundred
/// times smaller, and one client could otherwise evict all other decisions.
pub(crate) const PAYLOAD_BYTES_MAX: usize = 256 * 1024;

/// A decision in the queue.
pub(crate) struct Decided {
    pub(crate) platform: String,
    pub(crate) protocol: &'static Protocol,
    pub(crate) callback: Callback,
    pub(crate) operation_id: String,
    pub(crate) run: ChainRun,
    pub(crate) records: Vec<Returned>,
    pub(crate) response: Response,
    pub(crate) took: Duration,
    pub(crate) generation: u64,
    /// Whether the users that it names are stored.
    pub(crate) users: Users,
    /// When it was answered.
    pub(crate) at_unix_ms: u64,
}

/// A refusal in the queue.
pub(crate) struct RefusedRequest {
    pub(crate) platform: String,
    pub(crate) kind: &'static str,
    pub(crate) refusal: Refusal,
    pub(crate) status: u16,
    pub(crate) at_unix_ms: u64,
    pub(crate) generation: u64,
    /// As far as it is there.
    pub(crate) body: Bytes,
}

/// When and by what a decision was made.
#[derive(Clone, Copy)]
pub(crate) struct Moment {
    /// The generation of settings and plugins.
    pub(crate) generation: u64,
    /// Whether the users that the callback names are stored.
    pub(crate) users: Users,
    /// When it was answered.
    pub(crate) at_unix_ms: u64,
}

impl Decided {
    /// What was answered, with the records of its plugins.
    pub(crate) fn of(answered: &Answered<'_>, records: Vec<Returned>, response: Response, moment: Moment) -> Self {
        let Moment { generation, users, at_unix_ms } = moment;
        Self {
            platform: answered.platform.to_owned(),
            protocol: answered.protocol,
            callback: answered.callback.clone(),
            operation_id: answered.operation_id.to_owned(),
            run: answered.run.clone(),
            records,
            response,
            took: answered.took,
            generation,
            users,
            at_unix_ms,
        }
    }
}
