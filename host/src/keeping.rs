//! The journal of a host, and what uses it: processing entries, storing decisions.
//!
//! A host answers without it, too: commands that only look at settings and plugins must not open what a running host
//! uses.

use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use callgate_journal::sink::file::why_not_a_folder;
use callgate_journal::{Clock, Journal, Numbers, OpenError, Reader, WhenFull, check_folder};

use crate::decisions::Decisions;
use crate::settings::Journal as Settings;

/// The journal, once it is open.
#[derive(Default)]
pub(crate) struct Keeping {
    journal: OnceLock<Journal>,
    decisions: OnceLock<Decisions>,
    clock: OnceLock<Clock>,
}

/// An entry that waits for longer is worth a line: with the usual pauses it has failed six times, or the workers do not
/// keep up.
const WAITS_LONG: Duration = Duration::from_secs(60);

/// Why the journal cannot be opened.
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
    /// Opens the journal, if there is one, and locks it against other hosts. Blocks.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub(crate) fn open(&self, settings: &Settings, clock: Clock) -> Result<(), KeepingError> {
        if settings.off {
            return Ok(());
        }
        let journal = Journal::open(&settings.limits(), clock.clone())?;
        let decisions = Decisions::start(&settings.decisions, &journal).map_err(KeepingError::Thread)?;
        let _ = self.clock.set(clock);
        let _ = self.decisions.set(decisions);
        let _ = self.journal.set(journal);
        Ok(())
    }

    /// The journal; `None`: there is none, or it was not opened.
    pub(crate) fn journal(&self) -> Option<&Journal> {
        self.journal.get()
    }

    /// Stores decisions.
    pub(crate) fn decisions(&self) -> Option<&Decisions> {
        self.decisions.get()
    }

    /// Whether callbacks are refused because the journal is full or its disk fails; and a line about it, if there is
    /// one.
    pub(crate) fn condition(&self, when_full: WhenFull) -> (bool, String) {
        let Some(journal) = self.journal() else { return (true, String::new()) };
        let Numbers { backlog, oldest, dead, is_full, .. } = journal.numbers();
        let waits = format!("{backlog} entries wait, the oldest for {} s; {dead} are dead", oldest.as_secs());
        match (is_full, when_full) {
            (false, _) if dead == 0 && oldest < WAITS_LONG => (true, String::new()),
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
    pub(crate) fn clock(&self) -> Clock {
        self.clock.get().cloned().unwrap_or_default()
    }

    /// Decisions that did not reach the journal.
    pub(crate) fn decisions_dropped(&self) -> u64 {
        self.decisions().map_or(0, Decisions::dropped)
    }

    /// What the journal counts.
    pub(crate) fn numbers(&self) -> Numbers {
        self.journal().map(Journal::numbers).unwrap_or_default()
    }
}

/// What can be found out about a journal without leaving anything behind, and while another host uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Examined {
    /// It can be opened, or created.
    Fine,
    /// Its file is damaged, in this way: it is set aside when a host opens it.
    Damaged(String),
    /// For this reason, it cannot be opened.
    Unusable(String),
}

/// Examines the journal in this folder. Not while this process has it open (see [`Reader::open`]).
pub(crate) fn examine(folder: &Path) -> Examined {
    if let Some(why) = why_not_a_folder(folder) {
        return Examined::Unusable(why);
    }
    if !folder.exists() {
        return Examined::Fine;
    }
    let error = Reader::open(folder).err().filter(|error| !matches!(error, OpenError::Missing { .. }));
    let damage = error.as_ref().and_then(|error| error.damage().map(str::to_owned));
    if let (Some(error), None) = (&error, &damage) {
        return Examined::Unusable(chain(error));
    }
    match check_folder(folder) {
        Err(error) => Examined::Unusable(chain(&error)),
        Ok(()) => damage.map_or(Examined::Fine, Examined::Damaged),
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
