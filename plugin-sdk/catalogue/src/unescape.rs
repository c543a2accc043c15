//! Decodes strings as clients do.
//!
//! A client in Go, JavaScript or Java shows half a surrogate pair (`"\ud83d"`) as a replacement character, and shows
//! the text around it. serde_json refuses such a string, because Rust's text cannot hold it. So here it is U+FFFD too.

use crate::find::{Backslashes, Finder};

/// What an escape stands for, and its length in bytes; `text` begins with the backslash. `None` for what is no escape.
pub(crate) fn escape(text: &str) -> Option<(char, usize)> {
    let bytes = text.as_bytes();
    let short = |c| Some((c, 2));
    match bytes.get(1)? {
        b'"' => short('"'),
        b'\\' => short('\\'),
        b'/' => short('/'),
        b'b' => short('\u{8}'),
        b'f' => short('\u{c}'),
        b'n' => short('\n'),
        b'r' => short('\r'),
        b't' => short('\t'),
        b'u' => match (unit(bytes, 0)?, unit(bytes, 6)) {
            (high @ 0xd800..=0xdbff, Some(low @ 0xdc00..=0xdfff)) => {
                let c = 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00);
                Some((char::from_u32(c)?, 12))
            }
            (unit, _) => Some((char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER), 6)),
        },
        _ => None,
    }
}

/// The UTF-16 unit of the escape `\uXXXX` at this position.
fn unit(bytes: &[u8], at: usize) -> Option<u32> {
    let escape = bytes.get(at..at + 6)?;
    let digits = escape.strip_prefix(b"\\u")?;
    digits.iter().try_fold(0, |unit, digit| Some(unit << 4 | char::from(*digit).to_digit(16)?))
}

/// The text of a string without its quotes; `None` if it has an escape that JSON does not know.
pub(crate) fn text(inner: &str) -> Option<String> {
    let mut text = String::with_capacity(inner.len());
    let mut backslashes = Finder::<Backslashes>::new();
    let mut from = 0;
    while let Some(at) = next(inner.as_bytes(), from).or_else(|| backslashes.first(inner.as_bytes(), from)) {
        if at > from {
            text.push_str(inner.get(from..at)?);
        }
        let (c, len) = escape(inner.get(at..)?)?;
        text.push(c);
        from = at + len;
    }
    text.push_str(inner.get(from..)?);
    Some(text)
}

/// The next backslash, if it is near: where there are many, looking block by block costs more.
fn next(bytes: &[u8], from: usize) -> Option<usize> {
    const NEAR_BYTES: usize = 4;
    let near = bytes.get(from..)?.iter().take(NEAR_BYTES);
    near.clone().position(|byte| *byte == b'\\').map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_serde_reads_is_read_alike() {
        for json in [r#"a\"b\\c\/\b\f\n\r\t"#, r"\u0041\u00e9\u4e2d\ud83d\ude00x", "", "é中😀", r"\u0000"] {
            let expected: String = serde_json::from_str(&format!("\"{json}\"")).unwrap();
            assert_eq!(text(json).as_deref(), Some(&*expected), "{json}");
        }
    }

    #[test]
    fn half_a_pair_is_one_replacement_character() {
        for (json, expected) in [
            (r"\ud83d free", "\u{fffd} free"),
            (r"\ude00", "\u{fffd}"),
            (r"\ud83d\u0041", "\u{fffd}A"),
            (r"\ud83d\ud83d\ude00", "\u{fffd}😀"),
            (r"\ud83d\n", "\u{fffd}\n"),
            (r"\uD83Dx\uDE00", "\u{fffd}x\u{fffd}"),
        ] {
            assert_eq!(text(json).as_deref(), Some(expected), "{json}");
        }
    }

    #[test]
    fn what_is_no_escape_is_no_text() {
        for json in [r"\x", r"\u12", r"\u12g4", r"\u+123", "\\", r"\ud83d\u12"] {
            assert_eq!(text(json), None, "{json}");
        }
    }
}
