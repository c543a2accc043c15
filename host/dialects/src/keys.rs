//! What a chat server's own keys in the settings are read from.

/// The table of one `[[platform]]` in the settings, as far as a chat server reads keys of its own there. Mistakes are
/// reported to it, and nothing is returned for them.
pub trait Keys {
    /// Whether the table has this key, of whatever type.
    fn has(&mut self, key: &'static str) -> bool;

    /// `true` or `false`; the default where the key is absent.
    fn flag(&mut self, key: &'static str, default: bool) -> bool;

    /// A whole number between two bounds, both included.
    fn number(&mut self, key: &'static str, min: u64, max: u64) -> Option<u64>;

    /// Secrets, each `{ env = "NAME" }` or `{ file = "path" }`: at most two, today's and, while it is being changed, the
    /// other.
    fn secrets(&mut self, key: &'static str) -> Vec<Secret>;

    /// The tables of a list, such as `[[platform.app]]`: `read` is called with each of them, in order.
    fn tables(&mut self, key: &'static str, read: &mut dyn FnMut(&mut dyn Keys));

    /// Reports a mistake with this key; where it is absent, with the table.
    fn mistake(&mut self, key: &str, message: &str);
}

/// A text that is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, for comparing.
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
