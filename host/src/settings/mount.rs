//! The path of a platform. It may be all that keeps strangers out, so it is never shown as a whole.

use std::fmt;

use subtle::{Choice, ConstantTimeEq as _};

/// The path that a chat server calls.
///
/// Shown with its first segment only, `/openim/…`: what follows is a secret for chat servers that have no other
/// authentication. Not even that if it comes from the environment or from a file and has just one segment.
#[derive(Clone, PartialEq, Eq)]
pub struct MountPath {
    segments: Vec<String>,
    is_from_elsewhere: bool,
}

impl MountPath {
    /// A path; empty segments are left out. `is_from_elsewhere`: it is not part of the settings file.
    pub(super) fn new(path: &str, is_from_elsewhere: bool) -> Self {
        let segments = path.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect();
        Self { segments, is_from_elsewhere }
    }

    /// The whole path: begins with `/` and does not end with one; empty for the root. Never for a log or an answer.
    #[must_use]
    pub fn reveal(&self) -> String {
        self.segments.iter().flat_map(|segment| ["/", segment]).collect()
    }

    /// Whether anything of it is left out where it is shown: then not everybody knows it.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.segments.len() > 1 || self.is_from_elsewhere
    }

    /// Whether its only segment is left out, too.
    #[must_use]
    pub fn hides_first(&self) -> bool {
        self.segments.len() == 1 && self.is_from_elsewhere
    }

    /// How many segments a path begins with that are this one's; `None` if it does not begin with all of them. How long
    /// that takes depends on the lengths of segments, and not on where they differ.
    pub(crate) fn begins<'p>(&self, mut path: impl Iterator<Item = &'p str>) -> Option<usize> {
        let mut all = Choice::from(1);
        for segment in &self.segments {
            all &= segment.as_bytes().ct_eq(path.next().unwrap_or_default().as_bytes());
        }
        bool::from(all).then_some(self.segments.len())
    }
}

impl fmt::Display for MountPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.segments.as_slice() {
            [only] if !self.is_from_elsewhere => write!(f, "/{only}"),
            [] if !self.is_from_elsewhere => Ok(()),
            [] | [_] => f.write_str("/…"),
            [first, ..] => write!(f, "/{first}/…"),
        }
    }
}

impl fmt::Debug for MountPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MountPath({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_shows_no_more_than_its_first_segment() {
        for (path, is_from_elsewhere, shown, is_secret) in [
            ("/", false, "", false),
            ("/openim", false, "/openim", false),
            ("/openim/s3cret", false, "/openim/…", true),
            ("/openim/s3cret/more", true, "/openim/…", true),
            ("/s3cret", true, "/…", true),
        ] {
            let path = MountPath::new(path, is_from_elsewhere);
            assert_eq!((path.to_string().as_str(), path.is_secret()), (shown, is_secret));
            assert!(!format!("{path:?}").contains("s3cret"));
        }
        assert_eq!(MountPath::new("//openim//s3cret/", false).reveal(), "/openim/s3cret");
    }

    #[test]
    fn a_path_begins_with_it_or_not() {
        let begins = |path: &str| MountPath::new("/a/b", false).begins(path.split('/').skip(1));
        assert_eq!(begins("/a/b"), Some(2));
        assert_eq!(begins("/a/b/c"), Some(2));
        for other in ["/a", "/a/bc", "/a/c", "/c/b", "", "/a//b"] {
            assert_eq!(begins(other), None, "{other}");
        }
        assert_eq!(MountPath::new("/", false).begins("/x".split('/').skip(1)), Some(0));
    }
}
