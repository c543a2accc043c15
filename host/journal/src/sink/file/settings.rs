//! The settings of the sink `file`.

use std::path::PathBuf;

use super::rotate::Rotation;
use crate::sink::format::Format;

/// The keys of `kind = "file"`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileSettings {
    /// The file.
    pub path: PathBuf,
    /// How a record is written.
    pub format: Format,
    /// Whether what was written is forced to disk before it counts as delivered.
    pub fsync: bool,
    /// When the file is rotated.
    pub rotation: Rotation,
}
