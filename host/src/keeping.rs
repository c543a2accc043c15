//! The journal of a host, and what uses it: entries that are worked off, decisions that are kept.
//!
//! A host answers without it, too: commands that only look at settings and plugins must not open what a running host uses.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use callgate_journal::{Clock, Journal, Numbers, OpenError, Reader, WhenFull};
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep, timeout};

use crate::decisions::Decisions;
use crate::entries::Work;
use crate::host::Host;

/// The journal, once it is open.
#[derive(Default)]
pub(crate) struct Keeping {
    journal: OnceLock<Journal>,
    decisions: OnceLock<Decisions>,
    clock: OnceLock<Clock>,
}

/// Why what is kept cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum KeepingError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// The thread that writes documents.
    #[error(
        "no thread can be started for decisions: raise the maximum number of threads (`ulimit -u`, `TasksMax` of systemd)"
    )]
    Thread(#[source] std::io::Error),
}

impl Keeping {
    /// The journal; `None`: there is none, or it was not opened.
    pub(crate) fn journal(&self) -> Option<&Journal> {
        self.journal.get()
    }

    /// Where decisions are kept.
    pub(crate) fn decisions(&self) -> Option<&Decisions> {
        self.decisions.get()
    }

    /// Whether callbacks are refused because the journal is full or its disk fails; and a line about it, if there is one.
    pub(crate) fn condition(&self, when_full: WhenFull) -> (bool, String) {
        let Some(journal) = self.journal() else { return (true, String::new()) };
        let Numbers { backlog, oldest, dead, is_full, .. } = journal.numbers();
        let waits = format!("{backlog} entries wait, the oldest for {} s; {dead} are dead", oldest.as_secs());
        match (is_full, when_full) {
            (false, _) => (true, format!("journal: {waits}\n")),
            (true, WhenFull::AcknowledgeAndCount) => (
                true,
                format!("journal: full, or its disk fails: after-callbacks are acknowledged and lost; {waits}\n"),
            ),
            (true, WhenFull::Refuse) => {
                (false, format!("journal: full, or its disk fails: after-callbacks are refused; {waits}\n"))
            }
        }
    }

    /// The time that the journal sees.
    fn clock(&self) -> Clock {
        self.clock.get().cloned().unwrap_or_default()
    }

    /// What the journal counts.
    pub(crate) fn numbers(&self) -> Numbers {
        self.journal().map(Journal::numbers).unwrap_or_default()
    }
}

/// Why no journal could be opened in this folder, as far as that can be found out without leaving anything behind, and
/// while another host uses it; `None` if it could.
pub(crate) fn why_not(folder: &Path) -> Option<String> {
    match std::fs::metadata(folder) {
        Ok(found) if !found.is_dir() => Some("it is no folder".to_owned()),
        Ok(_) => match (may_write_in(folder), Reader::open(folder)) {
            (Err(error), _) => Some(format!("files cannot be written there: {error}")),
            (Ok(()), Ok(_) | Err(OpenError::Missing { .. })) => None,
            (Ok(()), Err(error)) => Some(chain(&error)),
        },
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let above = folder.ancestors().skip(1).find(|above| above.as_os_str().is_empty() || above.exists());
            let above = above.filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
            may_write_in(above).err().map(|error| format!("it cannot be created in {}: {error}", above.display()))
        }
        Err(error) => Some(error.to_string()),
    }
}

/// An error and its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}

#[cfg(unix)]
fn may_write_in(folder: &Path) -> std::io::Result<()> {
    Ok(rustix::fs::access(folder, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)?)
}

/// Elsewhere only writing would tell.
#[cfg(not(unix))]
fn may_write_in(_: &Path) -> std::io::Result<()> {
    Ok(())
}

/// How often it is looked whether the entries under way are done, when the host stops.
const LOOK_PAUSE: Duration = Duration::from_millis(10);

/// Time to write and close the journal when the host stops, beyond the time for what is under way. A disk can hang: then
/// what was acknowledged is on it already.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

impl Host {
    /// Opens the journal, if the settings have one, and locks it against other hosts. Blocks.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn open_journal(&self, clock: Clock) -> Result<(), KeepingError> {
        let generation = self.generation();
        let settings = generation.settings();
        if settings.journal.off {
            return Ok(());
        }
        let journal = Journal::open(&settings.journal.limits(), clock.clone())?;
        let _ = self.keeping.clock.set(clock);
        let decisions = Decisions::start(&settings.journal.decisions, &journal);
        let _ = self.keeping.decisions.set(decisions.map_err(KeepingError::Thread)?);
        let _ = self.keeping.journal.set(journal);
        Ok(())
    }

    /// Starts working off entries, those first that were left from before. Must be called in a runtime.
    pub async fn work_off_entries(&self) {
        let Some(journal) = self.keeping.journal() else { return };
        self.keep_records_in(journal.clone(), self.keeping.clock()).await;
        let limits = self.generation().settings().journal.work_limits();
        let work = Work::of(self, Handle::current());
        if let Err(error) = journal.start_working(Arc::new(work), limits).await {
            tracing::error!("entries of the journal are not worked off: {error}; restart the host");
        }
    }

    /// Begins to work off no more entries.
    pub fn begin_no_entries(&self) {
        if let Some(journal) = self.keeping.journal() {
            journal.stop_working();
        }
    }

    /// Closes the journal: entries that are under way have `within` to end, then they go back. What was acknowledged is on
    /// disk in any case.
    pub async fn close_journal(&self, within: Duration) {
        let Some(journal) = self.keeping.journal() else { return };
        journal.stop_working();
        let until = Instant::now() + within;
        while journal.numbers().working > 0 && Instant::now() < until {
            sleep(LOOK_PAUSE).await;
        }
        let working = journal.numbers().working;
        if working > 0 {
            tracing::warn!(
                entries = working,
                "entries are under way and go back: they are worked off after the next start"
            );
        }
        let host = self.clone();
        let settled = tokio::task::spawn_blocking(move || {
            if let Some(decisions) = host.keeping.decisions() {
                decisions.settle();
            }
        });
        let close = async {
            let _ = settled.await;
            journal.close().await;
        };
        if timeout(CLOSE_WITHIN, close).await.is_err() {
            tracing::error!(
                "the journal's disk does not answer: the journal is not closed; nothing acknowledged is lost"
            );
        }
    }

    /// Waits until all that was kept before is on disk; for tests.
    pub async fn settle_journal(&self) {
        let Some(journal) = self.keeping.journal() else { return };
        let host = self.clone();
        let _ = tokio::task::spawn_blocking(move || {
            if let Some(decisions) = host.keeping.decisions() {
                decisions.settle();
            }
        })
        .await;
        let _ = journal.flush().await;
    }

    /// Has the journal look at its clock, which was moved; for tests.
    pub fn tick_journal(&self) {
        if let Some(journal) = self.keeping.journal() {
            journal.tick();
        }
    }

    /// The numbers of the journal.
    pub fn journal_numbers(&self) -> Numbers {
        self.keeping.numbers()
    }
}
