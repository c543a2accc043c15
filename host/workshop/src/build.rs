//! `callgate build`: builds modules from crates and checks them as `serve` would.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cargo;
use crate::module::check_crate;
use crate::outline::Outline;
use crate::stage::Service;
use crate::watch;
use callgate_sandbox::{Engine, Plugin, PluginLimits};
use callgate_terminal::{self as terminal, Exit, Failure};

/// Build plugins from their crates, show what their bytes are spent on, and check that a host can load them
#[derive(Debug, Args)]
#[command(after_help = "\
Example: callgate build
Example: callgate build plugins/*

Builds for wasm32-unknown-unknown in release mode, as a host does for a crate under `source`. The target is added with \
rustup if it is missing. This does not configure the plugin: use `callgate run` to try its settings.")]
pub struct Build {
    /// Folders of plugin crates
    #[arg(value_name = "DIR", default_value = ".")]
    folders: Vec<PathBuf>,

    /// Build again whenever a file of the crates changes, until Ctrl-C
    #[arg(long)]
    watch: bool,
}

impl Build {
    /// Runs the command.
    ///
    /// # Errors
    /// If a crate cannot be built, or a host could not load its module.
    pub fn run(self, service: &dyn Service) -> Result<(), Failure> {
        match self.watch {
            true => watch::run(&self.folders, None, || self.once(service)),
            false => self.once(service),
        }
    }

    fn once(&self, service: &dyn Service) -> Result<(), Failure> {
        let (engine_limits, limits) = service.limits()?;
        let engine = Engine::new(&engine_limits).map_err(|error| Failure::new(Exit::Other, error))?;
        let mut problems = Vec::new();
        for folder in &self.folders {
            let text = match report(folder, &engine, &limits) {
                Ok(text) => text,
                Err(Unusable { text, why }) => {
                    problems.push(why);
                    text
                }
            };
            terminal::print(&text)?;
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(Failure::new(Exit::Plugin, anyhow::anyhow!(problems.join("\n"))))
    }
}

/// The report on a module that no host would load, and the reason.
struct Unusable {
    text: String,
    why: String,
}

/// Builds one crate and reports the module's path, size, sections and manifest.
fn report(folder: &Path, engine: &Engine, limits: &PluginLimits) -> Result<String, Unusable> {
    let failed = |why: String| Unusable { text: String::new(), why };
    check_crate(folder).map_err(|why| failed(format!("{} {why}", folder.display())))?;
    let path = cargo::build(folder).map_err(|error| failed(error.to_string()))?;
    let module = std::fs::read(&path).map_err(|error| failed(format!("{} cannot be read: {error}", path.display())))?;
    let mut text = format!("{}\n{}", path.display(), Outline::read(&module).table(module.len()));
    match Plugin::check(engine, &module, limits) {
        Ok(manifest) => {
            let commands = match manifest.commands.len() {
                0 => "any command".to_owned(),
                _ => manifest.commands.join(", "),
            };
            text.push_str(&format!("{} {}, handles {commands}\n\n", manifest.name, manifest.version));
            Ok(text)
        }
        Err(error) => Err(Unusable { text: text + "\n", why: format!("{}: {error}", path.display()) }),
    }
}
