//! Texts in which `{key}` is replaced by a key, escaped for its context.

/// The placeholder.
const KEY: &str = "{key}";

/// A text with at least one `{key}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    /// The text before, between and after the placeholders.
    parts: Vec<Box<str>>,
}

impl Template {
    /// Splits a text at each `{key}`.
    ///
    /// # Errors
    /// If it has none.
    pub(super) fn new(text: &str) -> Result<Self, String> {
        let parts: Vec<Box<str>> = text.split(KEY).map(Into::into).collect();
        match parts.len() {
            0 | 1 => Err(format!("has no `{KEY}`: write it where the key belongs")),
            _ => Ok(Self { parts }),
        }
    }

    /// Whether a text contains `{key}`.
    pub(super) fn is_in(text: &str) -> bool {
        text.contains(KEY)
    }

    /// The text with each `{key}` replaced by this.
    pub(super) fn with(&self, escaped_key: &str) -> String {
        self.parts.join(escaped_key)
    }
}

/// A key inside a JSON string.
pub(super) fn in_json(key: &str) -> String {
    let quoted = callgate_catalogue::write::quoted(key);
    quoted.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or_default().to_owned()
}

/// A key inside a URL: everything except letters, digits and `-._~` is percent-encoded.
pub(super) fn in_url(key: &str) -> String {
    const KEPT: percent_encoding::AsciiSet =
        percent_encoding::NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    percent_encoding::utf8_percent_encode(key, &KEPT).to_string()
}

/// Whether a key could escape its path segment on a server that decodes the path before it resolves `..`, or could end
/// the path early.
pub(super) fn leaves_path(key: &str) -> bool {
    key.is_empty() || key.contains('\0') || key.split(['/', '\\']).any(|segment| segment == "." || segment == "..")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_cannot_escape() {
        let template = Template::new("a/{key}?b={key}").unwrap();
        let url = |key| template.with(&in_url(key));
        for (key, expected) in [
            ("u1", "a/u1?b=u1"),
            ("a/b?c#d", "a/a%2Fb%3Fc%23d?b=a%2Fb%3Fc%23d"),
            ("\r\nHost: x", "a/%0D%0AHost%3A%20x?b=%0D%0AHost%3A%20x"),
            ("{key}", "a/%7Bkey%7D?b=%7Bkey%7D"),
            ("免费", "a/%E5%85%8D%E8%B4%B9?b=%E5%85%8D%E8%B4%B9"),
            ("%2e", "a/%252e?b=%252e"),
        ] {
            assert_eq!(url(key), expected);
        }
        let json = Template::new(r#"{"text":"{key}"}"#).unwrap();
        for key in ["\"}", "\\", "\0\r\n", "{key}", "é"] {
            let body: serde_json::Value = serde_json::from_str(&json.with(&in_json(key))).unwrap();
            assert_eq!(body["text"], key);
        }
        assert!(["", ".", "..", "a/..", "..\\a", "a\0"].into_iter().all(leaves_path));
        assert!(!["a", "...", "a.b", "@TGS#1", "a/b"].into_iter().any(leaves_path));
        assert!(Template::new("a/{Key}").is_err());
    }
}
