//! `callgate connect`: what to configure at a chat server.

use callgate_terminal::{self as terminal, Failure};
use clap::Args;

use super::settings_file::SettingsFile;
use super::{plan, serve};
use crate::settings::{Secrets, Settings};

/// Print what to configure at a chat server, so that exactly the callbacks that have plugins arrive
///
/// For OpenIM this is its file webhooks.yml, for Tencent Cloud Chat the entries of the console and the REST calls. The
/// URL is printed in full, even if its path is a secret.
#[derive(Debug, Args)]
#[command(after_help = "Example: callgate connect --settings /etc/callgate/host.toml --platform openim > webhooks.yml")]
pub(super) struct Connect {
    #[command(flatten)]
    file: SettingsFile,

    /// The platform, by its name in the settings [default: the only one]
    #[arg(long, value_name = "NAME")]
    platform: Option<String>,

    /// Scheme, host and port with which the chat server reaches this host, for example those of a proxy [default: from
    /// `[server] listen`]
    #[arg(long, value_name = "URL", value_parser = plan::base)]
    url: Option<String>,

    /// Do not read the secrets that the settings name; the URL has a placeholder where its path is one
    #[arg(long)]
    no_secrets: bool,
}

impl Connect {
    /// Runs the command.
    ///
    /// # Errors
    /// If settings or plugins are wrong, or the platform is not among them.
    pub(super) fn run(self) -> Result<(), Failure> {
        let secrets = if self.no_secrets { Secrets::Skip } else { Secrets::Read };
        // Whether this user may write records, which `serve` tries, does not matter here.
        let settings =
            Settings::draft(&self.file.settings, secrets).finish().map_err(|problems| serve::wrong(&problems))?;
        let host = serve::start(settings)?;
        let generation = host.generation();
        let settings = generation.settings();
        let platform = plan::platform(settings, self.platform.as_deref())?;
        let plan = plan::of(settings, platform, plan::commands(&host, platform), self.url.as_deref());
        terminal::print(&platform.dialect.connect(&plan))
    }
}
