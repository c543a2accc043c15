//! What facts need from time to time: files are read again, counters are saved in the journal.

use std::sync::PoisonError;
use std::time::Duration;

use callgate_journal::Journal;

use crate::host::{Host, WeakHost};

/// How often that is done: what a counter has counted since is lost if the host is killed.
const EVERY: Duration = Duration::from_secs(1);

/// Counters that change faster than this are saved less often, in bytes per second: the journal has other things to write.
const SAVED_BYTES_PER_SECOND_MAX: usize = 8 * 1024 * 1024;

impl Host {
    /// Tends facts until the host is gone.
    pub(crate) async fn tend_facts(host: WeakHost) {
        let mut pause = EVERY;
        loop {
            tokio::time::sleep(pause).await;
            let Some(host) = host.upgrade() else { return };
            if host.generation().facts().is_empty() {
                continue;
            }
            // A panic is a mistake of the host, and has been logged.
            let saved = tokio::task::spawn_blocking(move || host.tend()).await.unwrap_or(0);
            pause = EVERY * u32::try_from(saved / SAVED_BYTES_PER_SECOND_MAX + 1).unwrap_or(u32::MAX);
        }
    }

    /// Reads files that have changed, and saves what has been counted. Blocks. Returns how many bytes were saved.
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

    /// Has counters go on where they were when they were last saved.
    pub(crate) fn restore_facts(&self, journal: &Journal) {
        let generation = self.generation_for_long();
        let names: Vec<String> = generation.facts().iter().map(|(fact, ..)| fact.name.clone()).collect();
        for (fact, source, _) in generation.facts().iter() {
            match journal.state(&fact.name) {
                Ok(parts) => parts.iter().for_each(|(_, part)| source.restore(part)),
                Err(error) => {
                    let fact = fact.name.as_str();
                    tracing::warn!(fact, "what the counter had counted cannot be read, and it begins at 0: {error}");
                }
            }
        }
        journal.forget_state(&names);
    }
}
