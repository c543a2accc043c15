//! Names that operators choose.

/// What [`is_name`] asks for.
pub(super) const NAME_RULE: &str = "must be 1 to 64 letters, digits, `-`, `_` or `.`";

/// Whether a text can be a name. Names are shown unescaped in logs, metrics and tables.
pub(super) fn is_name(text: &str) -> bool {
    let is_name_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=64).contains(&text.len()) && text.bytes().all(is_name_byte)
}
