//! What is wrong with plugins.

use std::path::PathBuf;

use callgate_sandbox::LoadError;

use super::build::BuildError;
use super::signature::SignatureError;
use crate::settings::{Problem, Source, Step};

/// Why one plugin, or one fact, cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{} {name}: {why}", if *table == "fact" { "fact" } else { "plugin" })]
pub struct PluginError {
    /// Its table in the settings: `plugin`, `shadow` for a candidate's plugin, or `fact`.
    pub table: &'static str,
    /// The number of that table in the settings, counted from 1.
    pub number: usize,
    /// Its name in the settings.
    pub name: String,
    /// What is wrong with it.
    pub why: PluginProblem,
}

/// What is wrong with a plugin.
#[derive(Debug, thiserror::Error)]
pub enum PluginProblem {
    /// Its file cannot be read.
    #[error("{} cannot be read ({error}): build the plugin, or correct `wasm`", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        error: std::io::Error,
    },
    /// Its crate cannot be built.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// Its module cannot be used.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// It is not signed as the settings demand.
    #[error(transparent)]
    Signature(#[from] SignatureError),
    /// Its patterns name commands that it does not handle.
    #[error("it does not handle `{command}`, only {handles}: correct `commands`")]
    Command {
        /// The command.
        command: String,
        /// What it handles.
        handles: String,
    },
    /// Its key `facts` does not match its code.
    #[error("{what}")]
    Facts {
        /// What is wrong.
        what: String,
    },
    /// The source of a fact cannot be used.
    #[error(transparent)]
    Source(#[from] callgate_facts::SourceError),
}

impl PluginError {
    /// The mistake in the settings that this is, where they have it.
    #[must_use]
    pub fn problem(&self, source: &Source) -> Problem {
        use Step::{Key, Number};
        let plugin = [Key(self.table), Number(self.number)];
        let at = |keys: &[&'static str]| -> Vec<Step<'_>> {
            plugin.into_iter().chain(keys.iter().map(|key| Key(key))).collect()
        };
        let module = if source.has(&at(&["source"])) { "source" } else { "wasm" };
        let place = match &self.why {
            PluginProblem::Load(LoadError::Checksum { .. }) => at(&["sha256"]),
            PluginProblem::Load(LoadError::Settings { reason }) => {
                // What its author's words quote is a key of the settings, or the value of one.
                for table in ["settings", "settings_files"] {
                    let table = at(&[table]);
                    if let Some(member) =
                        quoted(reason).find_map(|word| source.member(&table, word.split('[').next().unwrap_or(word)))
                    {
                        return source.problem(&[&table[..], &[Key(&member)]].concat(), &self.to_string());
                    }
                }
                at(&["settings"])
            }
            PluginProblem::Command { .. } => at(&["commands"]),
            PluginProblem::Facts { .. } => at(&["facts"]),
            PluginProblem::Source(_) => {
                let keys = ["path", "ca_file", "url", "urls"];
                keys.iter().map(|key| at(&[key])).find(|place| source.has(place)).unwrap_or_else(|| at(&["source"]))
            }
            PluginProblem::Signature(_) if source.has(&at(&["signature"])) => at(&["signature"]),
            PluginProblem::Signature(_)
            | PluginProblem::Unreadable { .. }
            | PluginProblem::Build(_)
            | PluginProblem::Load(_) => at(&[module]),
        };
        source.problem(&place, &self.to_string())
    }
}

/// The words in quotes of a sentence, in its order.
fn quoted(words: &str) -> impl Iterator<Item = &str> {
    words.split(['`', '"']).skip(1).step_by(2).filter(|word| !word.is_empty())
}

pub(crate) fn lines(errors: &[PluginError]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}
