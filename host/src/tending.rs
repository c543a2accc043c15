//! Periodic maintenance of facts: reloads files, and saves counters in the journal.

use std::sync::PoisonError;
use std::time::Duration;

use callgate_journal::Journal;

use crate::host::{Host, WeakHost};

/// The interval. If the host is killed, counts since the last save are lost.
const EVERY: Duration = Duration::from_secs(1);

/// Maximum rate of saves, in bytes per second: if more changes, counters are saved less often, so that the journal can
/// write entries.
const SAVED_BYTES_PER_SECOND_MAX: usize = 8 * 1024 * 1024;

impl Host {
    /// Runs the maintenance until the host is dropped.
    pub(crate) async fn tend_facts(host: WeakHost) {
        let mut pause = EVERY;
        loop {
            tokio::time::sleep(pause).await;
            let Some(host) = host.upgrade() else { return };
            if host.generation().facts().is_empty() {
                continue;
            }
            // A panic is a bug of the host, and has been logged.
            let saved = tokio::task::spawn_blocking(move || host.tend()).await.unwrap_or(0);
            pause = EVERY * u32::try_from(saved / SAVED_BYTES_PER_SECOND_MAX + 1).unwrap_or(u32::MAX);
        }
    }

    /// Reloads files that have changed, and saves counters. Blocks. Returns how many bytes were saved.
    pub fn tend(&self) -> usize {
        let generation = self.generation_for_long();
        generation.facts().tend();
        self.keeping.journal().map_or(0, |journal| self.save_facts(journal))
    }

    fn save_facts(&self, journal: &Journal) -> usize {
        let mut again = self.unsaved_facts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bytes = 0;
        for (fact, source, _) in self.generation_for_long().facts().iter() {
            let parts = source.save(again.remove(&fact.name));
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
