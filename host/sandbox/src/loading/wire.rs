//! The protocol on the pipes between a process and its child: a length, a head as JSON, and bytes.

use std::io::{self, Read, Write};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::limits::{LoadingLimits, PluginLimits};
use crate::load::LoadError;

/// Longest head, in bytes. The longest contains untrusted text, truncated to 1000 characters.
const HEAD_BYTES_MAX: u64 = 64 * 1024;

/// A request to prepare a module; the settings and the module follow.
#[derive(Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) key: String,
    pub(crate) loading: LoadingLimits,
    pub(crate) limits: PluginLimits,
    pub(crate) settings_bytes: u64,
    pub(crate) module_bytes: u64,
}

/// The result.
#[derive(Serialize, Deserialize)]
pub(crate) enum Reply {
    /// A compile cache entry, which follows, and how long `configure` took.
    Entry { bytes: u64, configure_ms: u64 },
    /// Why it failed.
    Failed(LoadError),
}

pub(crate) fn write(to: &mut impl Write, head: &impl Serialize, parts: &[&[u8]]) -> io::Result<()> {
    let head = serde_json::to_vec(head)?;
    to.write_all(&(head.len() as u64).to_le_bytes())?;
    to.write_all(&head)?;
    for part in parts {
        to.write_all(part)?;
    }
    to.flush()
}

pub(crate) fn read_head<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<T> {
    let mut length = [0; 8];
    from.read_exact(&mut length)?;
    let head = read_bytes(from, u64::from_le_bytes(length), HEAD_BYTES_MAX)?;
    // What ends too early is wrong, too, and not the end of the other process.
    serde_json::from_slice(&head).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}

/// Reads this many bytes, at most `bytes_max`. Memory grows with the bytes received, not with the announced length.
pub(crate) fn read_bytes(from: &mut impl Read, bytes: u64, bytes_max: u64) -> io::Result<Vec<u8>> {
    if bytes > bytes_max {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut read = Vec::new();
    from.take(bytes).read_to_end(&mut read)?;
    if read.len() as u64 != bytes {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(read)
}
