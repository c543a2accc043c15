//! `callgate journal retry` and `drop`: on all dead entries that match, after their number was shown.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::time::Duration;

use callgate_journal::{Clock, EntryFilter, EntryId, EntryState, Journal, NotKept, OpenError};
use callgate_terminal::{self as terminal, Exit, Failure};
use clap::Args;

use super::super::api::Running;
use super::filters::{Chosen, Id, Kind};
use super::place::{Found, Place, not_opened, unreadable};

/// What happens to dead entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Retry,
    Drop,
}

impl What {
    /// The last part of the path of the admin API.
    fn path(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Drop => "drop",
        }
    }

    fn will(self, count: u64) -> String {
        match self {
            Self::Retry => format!("{count} dead entries will be retried"),
            Self::Drop => format!("{count} dead entries will be deleted for good"),
        }
    }

    fn done(self, count: u64) -> String {
        match self {
            Self::Retry => format!("{count} entries wait to be retried\n"),
            Self::Drop => format!("{count} entries are deleted\n"),
        }
    }
}

/// Which dead entries, and whether to ask.
#[derive(Debug, Args)]
pub(super) struct Change {
    /// Numbers of entries, as `list` shows them; none: all that match
    #[arg(value_parser = Id::parse)]
    ids: Vec<Id>,

    #[command(flatten)]
    place: Place,

    #[command(flatten)]
    chosen: Chosen,

    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Change {
    pub(super) fn run(self, what: What) -> Result<(), Failure> {
        let filters = self.chosen.filters(Kind::Entries)?;
        let usage = |text: &str| Err(Failure::new(Exit::Usage, anyhow::anyhow!(text.to_owned())));
        if self.ids.iter().any(|id| id.kind != Kind::Entries) {
            return usage("only entries can be retried or dropped: their numbers begin with e");
        }
        if filters.state.is_some_and(|state| state != EntryState::Dead) {
            return usage("only dead entries can be retried or dropped: waiting entries are processed automatically");
        }
        if !self.ids.is_empty() && !filters.is_everything() {
            return usage("name entries, or give filters, not both");
        }
        let (found, mut reader) = self.place.open()?;
        let filter = EntryFilter { state: Some(EntryState::Dead), ..filters.entries(&self.ids) };
        let count = reader.count_entries(&filter).map_err(unreadable)?;
        for id in &self.ids {
            // An entry that is not dead is none that can be changed; a number without an entry is a mistake.
            reader.entry_summary(EntryId(id.number)).map_err(unreadable)?;
        }
        drop(reader);
        if count == 0 {
            return terminal::print("No dead entry matches.\n");
        }
        if !self.yes && !confirmed(&what.will(count))? {
            return terminal::print("Nothing was changed.\n");
        }
        let changed = match at_rest(&found, what, &filter) {
            Err(AtRest::NotOpened(OpenError::InUse { .. })) => through_host(self.place.settings, what, &filter)?,
            Err(AtRest::NotOpened(error)) => return Err(not_opened(error)),
            Err(AtRest::Failed(failure)) => return Err(failure),
            Ok(changed) => changed,
        };
        terminal::print(&what.done(changed))
    }
}

/// Sends the change to the host that uses the journal.
fn through_host(settings: Option<PathBuf>, what: What, filter: &EntryFilter) -> Result<u64, Failure> {
    let Some(settings) = settings else {
        let text = "a running host uses this journal: use --settings with its settings file instead";
        return Err(Failure::new(Exit::Usage, anyhow::anyhow!(text)));
    };
    let api = Running::of(settings).api()?;
    let path = format!("/api/v1/journal/{}", what.path());
    let answer = api.post(&path, &crate::admin::journal::filter_as_json(filter), CHANGE_WITHIN)?;
    Ok(answer.get("changed").and_then(serde_json::Value::as_u64).unwrap_or(0))
}

/// Time for a change of all dead entries there can be.
const CHANGE_WITHIN: Duration = Duration::from_secs(600);

enum AtRest {
    NotOpened(OpenError),
    Failed(Failure),
}

/// Asks for confirmation on the terminal. Without a terminal, `--yes` is required.
fn confirmed(what: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new(Exit::Usage, anyhow::anyhow!("{what}: confirm that with --yes")));
    }
    let _ = write!(std::io::stderr(), "{what}. Go on? [y/N] ");
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// Changes the files, which no host uses.
fn at_rest(found: &Found, what: What, filter: &EntryFilter) -> Result<u64, AtRest> {
    let journal = Journal::open(&found.journal_settings(), Clock::system()).map_err(AtRest::NotOpened)?;
    let failed = |error: std::io::Error| AtRest::Failed(Failure::new(Exit::Other, error));
    let runtime = tokio::runtime::Builder::new_current_thread().build().map_err(failed)?;
    let changed = runtime.block_on(async {
        let changed = match what {
            What::Retry => journal.retry(filter.clone()).await,
            What::Drop => journal.drop_dead(filter.clone()).await,
        };
        journal.close().await;
        changed
    });
    changed.map_err(|error: NotKept| AtRest::Failed(Failure::new(Exit::Journal, error)))
}
