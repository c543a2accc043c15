//! Filters for what is stored. Members that are `None` or empty match everything.

use crate::entry::{EntryId, EntryState};

/// Which entries.
#[derive(Debug, Clone, Default)]
pub struct EntryFilter {
    /// Only these.
    pub ids: Vec<EntryId>,
    /// Only in this state.
    pub state: Option<EntryState>,
    /// Only of this platform.
    pub platform: Option<String>,
    /// Only of this command.
    pub command: Option<String>,
    /// Only with this key.
    pub key: Option<String>,
    /// Only those with a failed attempt of this plugin.
    pub plugin: Option<String>,
    /// Only those received at this time or later, in milliseconds since 1970.
    pub since_unix_ms: Option<i64>,
    /// Only those received before this time, in milliseconds since 1970.
    pub until_unix_ms: Option<i64>,
}

/// Which records.
#[derive(Debug, Clone, Default)]
pub struct RecordFilter {
    /// Only of this topic.
    pub topic: Option<String>,
    /// Only of this platform.
    pub platform: Option<String>,
    /// Only of this command.
    pub command: Option<String>,
    /// Only with this key.
    pub key: Option<String>,
    /// Only of this plugin.
    pub plugin: Option<String>,
    /// Only those returned at this time or later, in milliseconds since 1970.
    pub since_unix_ms: Option<i64>,
    /// Only those returned before this time, in milliseconds since 1970.
    pub until_unix_ms: Option<i64>,
}

/// Which decisions.
#[derive(Debug, Clone, Default)]
pub struct DecisionFilter {
    /// Only of this platform.
    pub platform: Option<String>,
    /// Only of this command.
    pub command: Option<String>,
    /// Only with this key.
    pub key: Option<String>,
    /// Only by this user.
    pub actor: Option<String>,
    /// Only about this user or group.
    pub target: Option<String>,
    /// Only by or about this user.
    pub user: Option<String>,
    /// Only with this verdict.
    pub verdict: Option<String>,
    /// Only with this code.
    pub code: Option<i64>,
    /// Only those that this plugin decided.
    pub decided_by: Option<String>,
    /// Only with this refusal.
    pub refusal: Option<String>,
    /// Only with this fault.
    pub fault: Option<String>,
    /// Only those for which this plugin was asked.
    pub plugin: Option<String>,
    /// Only with this ID of a callback.
    pub operation_id: Option<String>,
    /// Only those that have a body.
    pub with_body: bool,
    /// Only those answered at this time or later, in milliseconds since 1970.
    pub since_unix_ms: Option<i64>,
    /// Only those answered before this time, in milliseconds since 1970.
    pub until_unix_ms: Option<i64>,
}

/// Which part of a long list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Begins after the item with this number; `None`: at the beginning of the order.
    pub after: Option<i64>,
    /// At most this many items. 0 gives none; more than 10 000 counts as 10 000.
    pub limit: u32,
    /// From the newest to the oldest.
    pub newest_first: bool,
}

impl Default for Page {
    /// The newest 100.
    fn default() -> Self {
        Self { after: None, limit: 100, newest_first: true }
    }
}
