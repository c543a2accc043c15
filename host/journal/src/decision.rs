//! Decisions: what was answered to a callback and why.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

/// The number of a decision: unique within a journal, never reused, ascending in the order of writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DecisionId(pub i64);

impl fmt::Display for DecisionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A decision to store: the columns that filters use, and a document with everything.
#[derive(Debug, Clone, Default)]
pub struct NewDecision {
    /// When it was answered, in milliseconds since 1970.
    pub at_unix_ms: i64,
    /// The platform's name.
    pub platform: Arc<str>,
    /// The command's name; empty if it could not be read.
    pub command: Arc<str>,
    /// The catalogue's key of the callback, such as its conversation.
    pub key: String,
    /// The user who acts; empty if the command has none.
    pub actor: String,
    /// The user or group that is acted on; empty if the command has none.
    pub target: String,
    /// What was answered, such as `allow`, `deny`, `change`.
    pub verdict: Arc<str>,
    /// The code of a denial or refusal; 0 without one.
    pub code: i64,
    /// The plugin whose verdict decided; empty if it was none.
    pub decided_by: Arc<str>,
    /// The name of the refusal; empty if the request was not refused.
    pub refusal: Arc<str>,
    /// The name of the fault; empty without one.
    pub fault: Arc<str>,
    /// The plugins that were asked, in order.
    pub plugins: Vec<Arc<str>>,
    /// The ID that the chat server or the host gave the callback.
    pub operation_id: String,
    /// The generation of the settings that decided.
    pub generation: u64,
    /// Everything else, as JSON. The journal does not read it.
    pub document: String,
    /// The callback's body, if payloads are stored.
    pub body: Option<Bytes>,
}

impl NewDecision {
    /// What the decision counts for where bytes are limited.
    pub(crate) fn bytes(&self) -> usize {
        let body = self.body.as_ref().map_or(0, Bytes::len);
        body + self.document.len() + self.key.len() + self.actor.len() + self.target.len() + DECISION_OVERHEAD_BYTES
    }
}

/// Approximate size of a decision's row without its texts.
const DECISION_OVERHEAD_BYTES: usize = 160;

/// A stored decision.
#[derive(Debug, Clone)]
pub struct Decision {
    /// Its number.
    pub id: DecisionId,
    /// As it was given. In lists, [`document`](NewDecision::document) is empty and [`body`](NewDecision::body) is
    /// `None`.
    pub decision: NewDecision,
    /// Bytes that it takes, roughly.
    pub bytes: u64,
}
