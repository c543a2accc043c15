//! A record without a journal: its ID comes from the host.

use std::sync::Arc;

use callgate_journal::envelope::Event;

use super::returned::{Origin, Returned};

/// A record with an ID.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) id: String,
    pub(super) returned: Returned,
    pub(super) origin: Arc<Origin>,
}

impl Named {
    /// The record as sinks write it.
    pub(super) fn event(&self) -> Event<'_> {
        let (returned, origin) = (&self.returned, &self.origin);
        Event {
            id: &self.id,
            sequence: None,
            topic: returned.topic(),
            key: &origin.key,
            platform: &origin.platform,
            command: &origin.command,
            plugin: &returned.plugin.name,
            plugin_sha256: &returned.plugin.sha256,
            traceparent: origin.traceparent.as_deref(),
            at_unix_ms: i64::try_from(origin.arrived_unix_ms).unwrap_or(i64::MAX),
            data: &returned.data,
        }
    }
}
