//! Where the journal is: the folder in the settings, or the one given with `--folder`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use callgate_journal::{JournalSettings, OpenError, ReadError, Reader};
use callgate_terminal::{Exit, Failure};
use clap::Args;

use super::super::serve;
use crate::settings::{Draft, Secrets, Settings};

/// The journal that a command is about.
#[derive(Debug, Args)]
pub(super) struct Place {
    /// The settings file of the host whose journal it is
    #[arg(long, value_name = "FILE", required_unless_present = "folder")]
    pub(super) settings: Option<PathBuf>,

    /// The journal's folder, if there is no settings file, for example for a copy
    #[arg(long, value_name = "FOLDER", conflicts_with = "settings")]
    folder: Option<PathBuf>,
}

/// What the settings say about it.
pub(super) struct Found {
    pub(super) folder: PathBuf,
    /// The settings, if they were given.
    pub(super) settings: Option<Settings>,
}

impl Found {
    /// The settings with which the files are changed. If those of the host are not known, nothing is deleted because of
    /// its age or size.
    pub(super) fn journal_settings(&self) -> JournalSettings {
        match &self.settings {
            Some(settings) => settings.journal.limits(),
            None => JournalSettings {
                bytes_max: u64::MAX,
                dead_entries_max: usize::MAX,
                dead_entries_age: Duration::MAX,
                done_entries_age: Duration::MAX,
                records_age: Duration::MAX,
                undelivered_records_age: Duration::MAX,
                decisions_age: Duration::MAX,
                decisions_bytes_max: u64::MAX,
                ..JournalSettings::new(&self.folder)
            },
        }
    }
}

impl Place {
    /// Finds the folder. Secrets are not needed for that.
    ///
    /// # Errors
    /// If the settings cannot be read, or turn the journal off.
    pub(super) fn find(&self) -> Result<Found, Failure> {
        if let Some(folder) = &self.folder {
            return Ok(Found { folder: folder.clone(), settings: None });
        }
        let file = self.settings.as_deref().unwrap_or(Path::new(""));
        let Draft { settings, problems, .. } = Settings::draft(file, Secrets::Skip);
        let Some(settings) = settings else { return Err(serve::wrong(&problems)) };
        if settings.journal.off {
            let text = "these settings have no journal (`off = true` under [journal]): name the folder of an earlier journal with --folder";
            return Err(Failure::new(Exit::Settings, anyhow::anyhow!(text)));
        }
        Ok(Found { folder: settings.journal.folder.clone(), settings: Some(settings) })
    }

    /// Opens the journal for reading, whether a host uses it or not.
    ///
    /// # Errors
    /// If there is none, or it cannot be read.
    pub(super) fn open(&self) -> Result<(Found, Reader), Failure> {
        let found = self.find()?;
        let reader = Reader::open(&found.folder).map_err(not_opened)?;
        Ok((found, reader))
    }
}

/// Why a journal cannot be opened, as a failure of a command.
pub(super) fn not_opened(error: OpenError) -> Failure {
    Failure::new(Exit::Journal, error)
}

/// Why something in it cannot be read.
pub(super) fn unreadable(error: ReadError) -> Failure {
    Failure::new(Exit::Journal, error)
}
