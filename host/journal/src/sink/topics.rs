//! Which records a sink gets.

use callgate_catalogue::wildcard;

/// Patterns of topics, in which `*` matches any text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics(Vec<String>);

impl Topics {
    /// These patterns.
    pub fn new(patterns: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(patterns.into_iter().map(Into::into).collect())
    }

    /// All records.
    #[must_use]
    pub fn all() -> Self {
        Self::new(["*"])
    }

    /// Whether one of them matches `topic`.
    #[must_use]
    pub fn take(&self, topic: &str) -> bool {
        self.0.iter().any(|pattern| wildcard::matches(pattern, topic))
    }
}
