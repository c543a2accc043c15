//! `callgate shadow promote`: a candidate becomes a part of the plugins, in the settings file and in the running host.

use std::path::Path;

use callgate_terminal::{self as terminal, Exit, Failure, read_text};
use clap::Args;
use serde_json::Value;

use super::super::api::Running;
use super::super::reload::RELOAD_WITHIN;
use super::super::serve;
use super::edit;
use crate::settings::{self, FILE_BYTES_MAX, Secrets, Settings};

/// Promote a candidate: edit the settings file, and reload it in the running host
///
/// Comments and order of the file are preserved. If the file cannot be written, the change is printed instead.
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate shadow promote stricter-words --settings host.toml --dry-run
Example: callgate shadow promote stricter-words --settings /etc/callgate/host.toml")]
pub(super) struct Promote {
    /// Its `name` in the settings
    name: String,

    #[command(flatten)]
    running: Running,

    /// Only print what would change in the settings file
    #[arg(long)]
    dry_run: bool,

    /// Promote even if the plugin receives commands that the candidate was not compared on
    #[arg(long)]
    all_commands: bool,

    /// Only edit the settings file; the host applies it at its next reload or start
    #[arg(long)]
    no_reload: bool,
}

impl Promote {
    /// Runs the command.
    ///
    /// # Errors
    /// If there is no such candidate, the file cannot be edited, or the host does not take the new settings.
    pub(super) fn run(self) -> Result<(), Failure> {
        let Some(path) = self.running.settings() else {
            let why = "a candidate is promoted in the settings file: name it with --settings";
            return Err(Failure::new(Exit::Usage, anyhow::anyhow!(why)));
        };
        let (old, new) = self.texts(path)?;
        let difference = edit::difference(path, &old, &new);
        if self.dry_run {
            return terminal::print(&difference);
        }
        if let Err(error) = edit::replace(path, &old, &new) {
            terminal::print(&difference)?;
            let path = path.display();
            let why = format!(
                "{path} cannot be written to ({error}). Make the change above where the file comes from, such as a \
                 ConfigMap or a repository, and then run `callgate reload`"
            );
            return Err(Failure::new(Exit::Other, anyhow::anyhow!(why)));
        }
        terminal::print(&difference)?;
        if self.no_reload {
            return terminal::print("The settings file is changed. A reload or a restart takes it up.\n");
        }
        self.reload(path, &old, &new)
    }

    /// The settings file before and after the change, both checked.
    fn texts(&self, path: &Path) -> Result<(String, String), Failure> {
        let wrong = |why: String| Failure::new(Exit::Settings, anyhow::anyhow!("{}: {why}", path.display()));
        let old = read_text(path, FILE_BYTES_MAX)
            .map_err(|error| wrong(format!("cannot be read ({error}): name the settings file with --settings")))?;
        let settings = Settings::draft_of(path, &old, Secrets::Skip).finish().map_err(|all| serve::wrong(&all))?;
        let Some(shadow) = settings.shadows.iter().find(|shadow| shadow.name == self.name) else {
            let known: Vec<_> = settings.shadows.iter().map(|shadow| shadow.name.as_str()).collect();
            return Err(wrong(match known.is_empty() {
                true => "it has no [[shadow]]".to_owned(),
                false => format!("no [[shadow]] has this name: give one of {}", known.join(", ")),
            }));
        };
        let more = shadow.not_compared(&settings.plugins, &settings.platforms);
        if !more.is_empty() && !self.all_commands {
            let shown: Vec<_> = more.iter().take(SHOWN_MAX).map(String::as_str).collect();
            let others = match more.len() - shown.len() {
                0 => String::new(),
                others => format!(" and {others} more"),
            };
            return Err(wrong(format!(
                "the plugin also gets {}{others}, which the candidate was not compared on, and would be changed there, \
                 too: widen `commands` and `platform` of the [[shadow]], or give --all-commands",
                shown.join(", ")
            )));
        }
        let new = settings::promoted(&old, &self.name).map_err(wrong)?;
        Settings::draft_of(path, &new, Secrets::Skip).finish().map_err(|all| serve::wrong(&all))?;
        Ok((old, new))
    }

    /// Reloads the new file in the running host; if that is refused, the old file is restored.
    fn reload(&self, path: &Path, old: &str, new: &str) -> Result<(), Failure> {
        let reloaded = self.running.api().and_then(|api| api.post("/api/v1/reload", &Value::Null, RELOAD_WITHIN));
        let Err(failure) = reloaded else {
            return terminal::print(&format!("{} is promoted, and in service.\n", self.name));
        };
        let what = match failure.exit {
            // Nothing says that there is something wrong with the file.
            Exit::Unreachable => "the settings file is changed; the host applies it when it starts or reloads",
            _ => match edit::replace(path, new, old) {
                Ok(()) => "the settings file is unchanged",
                Err(_) => "the settings file is changed and could not be restored: edit it by hand",
            },
        };
        Err(Failure::new(failure.exit, failure.error.context(what)))
    }
}

/// Commands that a message names.
const SHOWN_MAX: usize = 5;
