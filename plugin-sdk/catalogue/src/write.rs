//! Writes JSON directly into a string.
//!
//! serde_json checks every byte of a string for escapes, even in member names, and a reply consists of little else.

use crate::plain;

/// Appends a string.
pub fn text(json: &mut String, text: &str) {
    if plain::len(text.as_bytes()) < text.len() {
        json.push_str(&serde_json::to_string(text).unwrap_or_default());
        return;
    }
    json.reserve(text.len() + 2);
    json.push('"');
    json.push_str(text);
    json.push('"');
}

/// A string as JSON.
#[must_use]
pub fn quoted(of: &str) -> String {
    let mut json = String::with_capacity(of.len() + 2);
    text(&mut json, of);
    json
}

/// Appends a number.
pub fn number(json: &mut String, number: i32) {
    use std::fmt::Write as _;
    // Writing a number to memory does not fail.
    let _ = write!(json, "{number}");
}

/// Appends an array whose elements are appended by `element`.
pub fn list<T>(json: &mut String, elements: impl IntoIterator<Item = T>, mut element: impl FnMut(&mut String, T)) {
    json.push('[');
    for (index, one) in elements.into_iter().enumerate() {
        if index > 0 {
            json.push(',');
        }
        element(json, one);
    }
    json.push(']');
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
