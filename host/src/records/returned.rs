//! Records as chains return them, and what they come from.

use std::sync::Arc;

use callgate_journal::NewRecord;

/// A record as a chain returns it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Returned {
    /// Its topic; `None`: the plugin's name.
    pub topic: Option<String>,
    /// The record, JSON on one line.
    pub data: String,
    /// The plugin that returned it.
    pub plugin: Arc<Author>,
}

impl Returned {
    /// Its topic: that which the plugin has given it, else the plugin's name.
    #[must_use]
    pub fn topic(&self) -> &str {
        self.topic.as_deref().unwrap_or(&self.plugin.name)
    }

    /// The record as the journal keeps it.
    pub(crate) fn into_new(self, origin: &Origin) -> NewRecord {
        NewRecord {
            topic: self.topic().to_owned(),
            key: origin.key.clone(),
            platform: Arc::clone(&origin.platform),
            command: Arc::clone(&origin.command),
            plugin: Arc::clone(&self.plugin.name),
            sha256: Arc::clone(&self.plugin.sha256),
            at_unix_ms: i64::try_from(origin.arrived_unix_ms).unwrap_or(i64::MAX),
            traceparent: origin.traceparent.clone(),
            data: self.data,
        }
    }
}

/// The plugin that a record comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    /// Its name in the settings.
    pub name: Arc<str>,
    /// The SHA-256 of its module, in hex.
    pub sha256: Arc<str>,
    /// Whether the answer waits until its records are on disk.
    pub is_durable: bool,
}

/// What the records of one callback have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origin {
    /// The platform's name in the settings.
    pub(crate) platform: Arc<str>,
    /// The command's name.
    pub(crate) command: Arc<str>,
    /// What the callback is about: records with the same key are delivered in order. Empty: no order is promised.
    pub(crate) key: String,
    /// The header `traceparent` of the request, if it was valid.
    pub(crate) traceparent: Option<String>,
    /// When the callback arrived, in milliseconds since 1970-01-01 UTC.
    pub(crate) arrived_unix_ms: u64,
}

/// The value of a header `traceparent`, if it is valid as W3C's Trace Context, level 1, has it: version, trace ID,
/// parent ID and flags in lower-case hex, no ID of zeros only.
#[must_use]
pub(crate) fn valid_traceparent(value: &str) -> Option<&str> {
    let value = value.trim();
    let mut parts = value.split('-');
    let mut part = |length: usize| {
        let is_hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        parts.next().filter(|part| part.len() == length && part.bytes().all(is_hex))
    };
    let (version, trace, parent, _flags) = (part(2)?, part(32)?, part(16)?, part(2)?);
    let is_zero = |id: &str| id.bytes().all(|byte| byte == b'0');
    // A later version may have more parts; this one has not.
    let is_whole = version != "00" || parts.next().is_none();
    let is_short = value.len() <= 128;
    (is_whole && is_short && version != "ff" && !is_zero(trace) && !is_zero(parent)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_traceparent_is_taken_as_the_specification_has_it_or_not_at_all() {
        let valid = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        for (value, is_valid) in [
            (valid.to_owned(), true),
            (format!(" {valid} "), true),
            (valid.replacen("00", "01", 1), true),
            (format!("{}-later", valid.replacen("00", "01", 1)), true),
            (format!("{valid}-later"), false),
            (valid.replacen("00", "ff", 1), false),
            (valid.to_uppercase(), false),
            (valid.replace("00f067aa0ba902b7", "0000000000000000"), false),
            (valid.replace("4bf92f3577b34da6a3ce929d0e0e4736", "00000000000000000000000000000000"), false),
            (valid.replace("-01", "-1"), false),
            (valid.replace('-', ""), false),
            (String::new(), false),
            (format!("01{}-{}", &valid[2..], "x".repeat(200)), false),
        ] {
            assert_eq!(valid_traceparent(&value).is_some(), is_valid, "{value}");
        }
    }
}
