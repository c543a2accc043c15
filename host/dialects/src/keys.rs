//! Reads a chat server's own keys in the settings.

/// The table of one `[[platform]]` in the settings, from which a chat server reads its own keys. Mistakes are reported
/// to it, and yield no value.
pub trait Keys {
    /// Whether the table has this key, of whatever type.
    fn has(&mut self, key: &'static str) -> bool;

    /// `true` or `false`; the default where the key is absent.
    fn flag(&mut self, key: &'static str, default: bool) -> bool;

    /// A whole number between two bounds, both included.
    fn number(&mut self, key: &'static str, min: u64, max: u64) -> Option<u64>;

    /// Secrets, each `{ env = "NAME" }` or `{ file = "path" }`: at most two, the current one and, during rotation, the
    /// other.
    fn secrets(&mut self, key: &'static str) -> Vec<Secret>;

    /// The tables of a list, such as `[[platform.app]]`: calls `read` with each of them, in order.
    fn tables(&mut self, key: &'static str, read: &mut dyn FnMut(&mut dyn Keys));

    /// Reports a mistake at this key or, if it is absent, at the table.
    fn mistake(&mut self, key: &str, message: &str);
}

/// A string that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The string itself, for comparison.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret(…)")
    }
}
