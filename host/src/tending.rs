//! Periodic maintenance of facts: reloads files, and saves counters in the journal. The two are independent, because a
//! disk may hang while a file is read.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use callgate_facts::settings::POLL_MIN;
use callgate_journal::Journal;

use crate::host::{Host, WeakHost};

/// The interval of saves. If the host is killed, counts since the last one are lost.
const SAVE_PAUSE: Duration = Duration::from_secs(1);

/// Maximum rate of saves, in bytes per second: if more changes, counters are saved less often, so that the journal can
/// write entries.
const SAVED_BYTES_PER_SECOND_MAX: usize = 8 * 1024 * 1024;

impl Host {
    /// Has files reloaded that have changed, until the host is dropped.
    pub(crate) async fn tend_files(host: WeakHost) {
        loop {
            tokio::time::sleep(POLL_MIN).await;
            let Some(host) = host.upgrade() else { return };
            // Not awaited: each file is read on its own, and one whose disk hangs takes one thread.
            for source in host.generation().facts().sources().filter(|source| source.needs_tending()) {
                let source = Arc::clone(source);
                tokio::task::spawn_blocking(move || source.tend());
            }
        }
    }

    /// Saves counters, until the host is dropped.
    pub(crate) async fn save_counters(host: WeakHost) {
        let mut pause = SAVE_PAUSE;
        loop {
            tokio::time::sleep(pause).await;
            let Some(host) = host.upgrade() else { return };
            if host.generation().facts().is_empty() {
                continue;
            }
            // A panic is a bug of the host, and has been logged.
            let saved = tokio::task::spawn_blocking(move || host.save_facts()).await.unwrap_or(0);
            pause = SAVE_PAUSE * u32::try_from(saved / SAVED_BYTES_PER_SECOND_MAX + 1).unwrap_or(u32::MAX);
        }
    }

    /// Saves the counters that have changed. Blocks. Returns how many bytes were saved.
    pub fn save_facts(&self) -> usize {
        let Some(journal) = self.keeping.journal() else { return 0 };
        let mut again = self.unsaved_facts.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut bytes, now) = (0, self.now_unix_ms());
        for (fact, source, _) in self.generation_for_long().facts().iter() {
            let parts = source.save(again.remove(&fact.name), now);
            if parts.is_empty() {
                continue;
            }
            bytes += parts.iter().map(|(_, part)| part.len()).sum::<usize>();
            if !journal.save_state(&fact.name, parts) {
                again.insert(fact.name.clone());
            }
        }
        bytes
    }

    /// Restores the saved counters.
    pub(crate) fn restore_facts(&self, journal: &Journal) {
        let generation = self.generation_for_long();
        let names: Vec<String> = generation.facts().iter().map(|(fact, ..)| fact.name.clone()).collect();
        for (fact, source, _) in generation.facts().iter() {
            match journal.state(&fact.name) {
                Ok(parts) => parts.iter().for_each(|(_, part)| source.restore(part)),
                Err(error) => {
                    let fact = fact.name.as_str();
                    tracing::warn!(fact, "the saved counts of a counter cannot be read, so it starts at 0: {error}");
                }
            }
        }
        journal.forget_state(&names);
    }
}
