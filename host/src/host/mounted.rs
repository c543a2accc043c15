//! Platforms at their paths.

use crate::route::Routes;
use crate::settings::Platform;

/// A platform at its path.
#[derive(Debug)]
pub struct Mounted {
    /// Its number, in the order of the settings.
    pub(crate) index: usize,
    /// Its settings.
    pub platform: Platform,
    /// Its chains.
    pub routes: Routes,
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
