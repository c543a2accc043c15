//! JSON, written straight into a text.
//!
//! serde_json looks at each byte of a text for what has to be escaped, and at each name of a member, too. A reply
//! consists of little else.

/// Appends a text.
pub(crate) fn text(json: &mut String, text: &str) {
    if has_to_be_escaped(text.as_bytes()) {
        json.push_str(&serde_json::to_string(text).unwrap_or_default());
        return;
    }
    json.reserve(text.len() + 2);
    json.push('"');
    json.push_str(text);
    json.push('"');
}

/// Appends a number.
pub(crate) fn number(json: &mut String, number: i32) {
    use std::fmt::Write as _;
    // Writing a number into memory does not fail.
    let _ = write!(json, "{number}");
}

/// Appends a list whose elements are appended by `element`.
pub(crate) fn list<T>(
    json: &mut String,
    elements: impl IntoIterator<Item = T>,
    mut element: impl FnMut(&mut String, T),
) {
    json.push('[');
    for (index, one) in elements.into_iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        element(json, one);
    }
    json.push(']');
}

/// Whether a quote, a backslash or a control character is among them.
fn has_to_be_escaped(bytes: &[u8]) -> bool {
    let is_any = |word: &[u8; 8]| is_any_to_be_escaped(u64::from_le_bytes(*word));
    match bytes.last_chunk() {
        // The last eight bytes may be looked at twice.
        Some(last) => bytes.as_chunks().0.iter().any(is_any) || is_any(last),
        None => bytes.iter().any(|byte| *byte < b' ' || matches!(byte, b'"' | b'\\')),
    }
}

/// The same for eight bytes at once. A byte that is too small borrows from the one above it, which may then be taken
/// for one, too: that does not matter where only somebody asks whether there is any.
const fn is_any_to_be_escaped(word: u64) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const fn below(word: u64, byte: u8) -> u64 {
        word.wrapping_sub(ONES * byte as u64) & !word
    }
    let quote = word ^ (ONES * b'"' as u64);
    let backslash = word ^ (ONES * b'\\' as u64);
    (below(word, b' ') | below(quote, 1) | below(backslash, 1)) & (ONES * 0x80) != 0
}

#[cfg(test)]
mod tests {
    #[test]
    fn texts_are_written_as_serde_writes_them() {
        for len in (0..20).chain([40]) {
            for byte in 0..=127_u8 {
                for at in 0..=len {
                    let mut plain = "a".repeat(len / 2) + &"é".repeat(len / 4) + if len % 2 == 1 { "!" } else { "" };
                    plain.insert(plain.floor_char_boundary(at), char::from(byte));
                    let mut json = String::new();
                    super::text(&mut json, &plain);
                    assert_eq!(json, serde_json::to_string(&plain).unwrap());
                }
            }
        }
    }
}
