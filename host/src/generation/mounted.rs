//! Platforms at their paths.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::route::Routes;
use crate::settings::Platform;

/// A platform at its path.
#[derive(Debug)]
pub struct Mounted {
    /// Its number, in the order of the settings.
    pub(crate) index: usize,
    /// Under which number the workers schedule it: the same for the platforms of one name in all generations.
    pub(crate) flow: usize,
    /// Its settings.
    pub platform: Platform,
    /// Its chains.
    pub routes: Routes,
}

/// A number for a platform that the last generation did not have.
pub(super) fn new_flow() -> usize {
    static FLOWS: AtomicUsize = AtomicUsize::new(0);
    FLOWS.fetch_add(1, Ordering::Relaxed)
}

/// The platform that a path belongs to, and the rest of the path. Empty segments are ignored: `//openim//x` is
/// `/openim/x`.
pub(super) fn find<'m>(platforms: &'m [Mounted], path: &str) -> Option<(&'m Mounted, String)> {
    fn pieces(path: &str) -> impl Iterator<Item = &str> {
        path.split('/').filter(|piece| !piece.is_empty())
    }
    let mut found: Option<(&Mounted, usize)> = None;
    for mounted in platforms {
        if let Some(len) = mounted.platform.path.begins(pieces(path))
            && found.is_none_or(|(_, longest)| len > longest)
        {
            found = Some((mounted, len));
        }
    }
    let (mounted, len) = found?;
    let mut subpath = String::with_capacity(path.len());
    for (number, piece) in pieces(path).skip(len).enumerate() {
        subpath.push_str(if number > 0 { "/" } else { "" });
        subpath.push_str(&percent_encoding::percent_decode_str(piece).decode_utf8_lossy());
    }
    Some((mounted, subpath))
}
