//! The argument that names the settings file, and the one that comes before a setting.

use std::path::PathBuf;

use crate::settings::{Address, Settings, listen_at};

/// Where the settings are.
#[derive(Debug, clap::Args)]
pub(super) struct SettingsFile {
    /// The settings file
    #[arg(long, value_name = "FILE")]
    pub(super) settings: PathBuf,
}

/// The address for callbacks, if it is not to be that of the settings.
#[derive(Debug, clap::Args)]
pub(super) struct Listen {
    /// Address and port for callbacks, instead of `listen` under [server]: `127.0.0.1:8080`, `localhost:8080`, or
    /// `:8080` for all addresses; or `unix:/run/callgate/callgate.sock`
    #[arg(long, env = "CALLGATE_LISTEN", value_name = "ADDRESS", value_parser = listen_at)]
    listen: Option<Address>,
}

impl Listen {
    /// Changes the settings accordingly.
    pub(super) fn apply(&self, settings: &mut Settings) {
        if let Some(address) = self.listen.clone() {
            settings.listen_on(address);
        }
    }
}
