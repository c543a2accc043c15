//! Builds plugins from their crates, where the author commands are part of this program.

use std::path::{Path, PathBuf};

#[cfg(feature = "workshop")]
pub(super) use callgate_workshop::cargo::BuildError;

/// Builds a plugin from its crate.
///
/// # Errors
/// What cargo says.
#[cfg(feature = "workshop")]
pub(super) fn build(folder: &Path, tell: Option<fn(&str)>) -> Result<PathBuf, BuildError> {
    callgate_workshop::cargo::build_telling(folder, tell)
}

/// Why a crate cannot be built.
#[cfg(not(feature = "workshop"))]
#[derive(Debug, thiserror::Error)]
#[error(
    "this callgate was built without the author commands and cannot build crates: build the module elsewhere and name it under `wasm`"
)]
pub struct BuildError;

#[cfg(not(feature = "workshop"))]
pub(super) fn build(_: &Path, _: Option<fn(&str)>) -> Result<PathBuf, BuildError> {
    Err(BuildError)
}
