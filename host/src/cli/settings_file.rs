//! The argument that names the settings file.

use std::path::PathBuf;

/// Where the settings are.
#[derive(Debug, clap::Args)]
pub(super) struct SettingsFile {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    pub(super) settings: PathBuf,
}
