//! From the argument PLUGIN to a module: a file, or the crate that it is built from.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use anyhow::Context;
use callgate_terminal::{Exit, Failure};

use crate::cargo;
use crate::outline::Outline;

/// Checks that a folder contains a crate.
///
/// # Errors
/// Says what the path is instead, and what to name.
pub(crate) fn check_crate(folder: &Path) -> Result<(), String> {
    if let Err(error) = std::fs::metadata(folder) {
        return Err(format!("cannot be read ({error}): name the folder of a plugin's crate"));
    }
    match std::fs::read_to_string(folder.join("Cargo.toml")) {
        Err(_) => Err("has no Cargo.toml: name the folder of a plugin's crate".to_owned()),
        // Cargo explains mistakes in a manifest better.
        Ok(text) if toml::from_str::<toml::Table>(&text).is_ok_and(|manifest| !manifest.contains_key("package")) => {
            Err("is a workspace: name the folder of one plugin's crate".to_owned())
        }
        Ok(_) => Ok(()),
    }
}

/// The plugin's name, from the file or folder.
pub(crate) fn name(plugin: &Path) -> String {
    let full = plugin.canonicalize().unwrap_or_else(|_| plugin.to_owned());
    full.file_stem().map_or_else(|| "plugin".to_owned(), |stem| stem.to_string_lossy().into_owned())
}

/// The names of the facts that a module needs or changes; empty if it cannot be read: loading it reports why.
pub(crate) fn facts(module: &Path) -> Vec<String> {
    let manifest = std::fs::read(module).ok().and_then(|bytes| Outline::read(&bytes).manifest);
    manifest.map(|manifest| [manifest.facts, manifest.updates].concat()).unwrap_or_default()
}

/// A plugin's module, as a file. If it was assembled from text, it is removed when this is dropped.
pub(crate) enum Module {
    /// The user's file, or cargo's.
    File(PathBuf),
    /// A temporary file in its own folder.
    Assembled(tempfile::TempDir),
}

/// The name of the temporary module.
const ASSEMBLED: &str = "plugin.wasm";

impl Module {
    /// Where the file is.
    pub(crate) fn path(&self) -> Cow<'_, Path> {
        match self {
            Self::File(path) => path.into(),
            Self::Assembled(folder) => folder.path().join(ASSEMBLED).into(),
        }
    }
}

/// The module of a plugin: the file itself, assembled if it is a `.wat`, or the module built from the folder of its
/// crate, as the service builds it.
///
/// # Errors
/// If it is neither a file nor a crate, or cannot be built.
pub(crate) fn built(plugin: &Path) -> Result<Module, Failure> {
    let failed = |error: anyhow::Error| Failure::new(Exit::Plugin, error);
    if plugin.is_file() {
        return match plugin.extension().is_some_and(|extension| extension == "wat") {
            true => assembled(plugin).map_err(failed),
            false => Ok(Module::File(plugin.to_owned())),
        };
    }
    check_crate(plugin)
        .map_err(|why| failed(anyhow::anyhow!("{} {why}, or a `.wasm` or `.wat` file", plugin.display())))?;
    cargo::build(plugin).map(Module::File).map_err(|error| failed(error.into()))
}

fn assembled(text: &Path) -> Result<Module, anyhow::Error> {
    let module = wat::parse_file(text)?;
    let folder = tempfile::tempdir().context("there is no temporary folder to assemble the module in")?;
    let path = folder.path().join(ASSEMBLED);
    std::fs::write(&path, module).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(Module::Assembled(folder))
}
