//! JSON as the scanner of Go's `encoding/json` sees it: what it rejects, and how it reads strings that are not valid
//! Unicode.

/// Deepest nesting that the scanner accepts.
const DEPTH_MAX: usize = 10_000;

/// What Go writes for invalid Unicode.
const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// One unparsed JSON value in a text that the scanner has accepted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Json<'j>(&'j [u8]);

/// Why the scanner rejects a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    #[error("it ends before the value does")]
    Ends,
    #[error("an unexpected character at byte {at}")]
    Unexpected { at: usize },
    #[error("its values nest deeper than {DEPTH_MAX} levels")]
    TooDeep,
}

impl<'j> Json<'j> {
    /// Checks the whole text, as `json.Unmarshal` does before it stores anything.
    pub(super) fn scan(text: &'j [u8]) -> Result<Self, Refused> {
        let mut cursor = Cursor { text, at: 0 };
        let mut open: Vec<u8> = Vec::new();
        cursor.space();
        let start = cursor.at;
        loop {
            // At the start of a value.
            let closing = match cursor.next()? {
                b'{' => Some(b'}'),
                b'[' => Some(b']'),
                first => {
                    cursor.literal(first)?;
                    None
                }
            };
            if let Some(bracket) = closing {
                open.push(bracket);
                if open.len() > DEPTH_MAX {
                    return Err(Refused::TooDeep);
                }
                cursor.space();
                if cursor.peek() != Some(bracket) {
                    cursor.name_in(bracket)?;
                    continue;
                }
            }
            // After a value, or before the closing bracket of an empty one.
            loop {
                let end = cursor.at;
                cursor.space();
                let Some(bracket) = open.last().copied() else {
                    let value = text.get(start..end).unwrap_or_default();
                    return if cursor.at == text.len() { Ok(Self(value)) } else { Err(cursor.unexpected()) };
                };
                match cursor.next()? {
                    b',' => {
                        cursor.space();
                        cursor.name_in(bracket)?;
                        break;
                    }
                    byte if byte == bracket => _ = open.pop(),
                    _ => return Err(Refused::Unexpected { at: cursor.at - 1 }),
                }
            }
        }
    }

    pub(super) fn is_null(self) -> bool {
        self.0 == b"null"
    }

    pub(super) fn is_object(self) -> bool {
        self.0.first() == Some(&b'{')
    }

    pub(super) fn bool(self) -> Option<bool> {
        match self.0 {
            b"true" => Some(true),
            b"false" => Some(false),
            _ => None,
        }
    }

    /// A number as it is written.
    pub(super) fn number(self) -> Option<&'j str> {
        let is_number = matches!(self.0.first(), Some(b'-' | b'0'..=b'9'));
        is_number.then(|| std::str::from_utf8(self.0).unwrap_or_default())
    }

    /// A string with its escapes decoded.
    pub(super) fn text(self) -> Option<String> {
        let inner = self.0.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        Some(unquoted(inner))
    }

    /// The members of an object, in order, including duplicates.
    pub(super) fn members(self) -> Option<Vec<(String, Json<'j>)>> {
        self.parts(b'{').map(|parts| parts.into_iter().map(|(name, value)| (name.unwrap_or_default(), value)).collect())
    }

    /// The elements of a list.
    pub(super) fn elements(self) -> Option<Vec<Json<'j>>> {
        self.parts(b'[').map(|parts| parts.into_iter().map(|(_, value)| value).collect())
    }

    fn parts(self, bracket: u8) -> Option<Vec<(Option<String>, Json<'j>)>> {
        let inner = self.0.split_first().filter(|(first, _)| **first == bracket)?.1;
        let mut cursor = Cursor { text: inner, at: 0 };
        let mut parts = Vec::new();
        loop {
            cursor.space();
            match cursor.peek()? {
                b'}' | b']' => return Some(parts),
                b',' => {
                    cursor.at += 1;
                    cursor.space();
                }
                _ => {}
            }
            let name = if bracket == b'{' {
                let name = cursor.value().text();
                cursor.space();
                cursor.at += 1;
                cursor.space();
                name
            } else {
                None
            };
            parts.push((name, cursor.value()));
        }
    }
}

/// The contents of a string literal: half a surrogate pair, and each byte that is not UTF-8, become U+FFFD.
fn unquoted(inner: &[u8]) -> String {
    let mut text = String::with_capacity(inner.len());
    let mut rest = inner;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let (plain, escape) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        push_utf8(&mut text, plain);
        let (character, length) = escaped(escape);
        text.push(character);
        rest = escape.get(length..).unwrap_or_default();
    }
    push_utf8(&mut text, rest);
    text
}

fn push_utf8(text: &mut String, bytes: &[u8]) {
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| REPLACEMENT));
    }
}

/// The character of an escape, and the length of the escape.
fn escaped(escape: &[u8]) -> (char, usize) {
    let character = match escape.get(1) {
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(b'n') => '\n',
        Some(b'r') => '\r',
        Some(b't') => '\t',
        Some(b'u') => {
            let first = unit(escape).unwrap_or_default();
            let second = escape.get(6..).and_then(unit);
            return match (char::from_u32(u32::from(first)), second) {
                (Some(character), _) => (character, 6),
                (None, Some(second)) => match char::decode_utf16([first, second]).next() {
                    Some(Ok(character)) => (character, 12),
                    _ => (REPLACEMENT, 6),
                },
                (None, None) => (REPLACEMENT, 6),
            };
        }
        Some(byte) => char::from(*byte),
        None => REPLACEMENT,
    };
    (character, 2)
}

/// The code unit of an escape `\u1234`.
fn unit(escape: &[u8]) -> Option<u16> {
    let digits = escape.strip_prefix(b"\\u")?.first_chunk::<4>()?;
    u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

struct Cursor<'j> {
    text: &'j [u8],
    at: usize,
}

impl<'j> Cursor<'j> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn next(&mut self) -> Result<u8, Refused> {
        let byte = self.peek().ok_or(Refused::Ends)?;
        self.at += 1;
        Ok(byte)
    }

    fn unexpected(&self) -> Refused {
        Refused::Unexpected { at: self.at }
    }

    fn expect(&mut self, wanted: impl Fn(u8) -> bool) -> Result<(), Refused> {
        if wanted(self.peek().ok_or(Refused::Ends)?) {
            self.at += 1;
            return Ok(());
        }
        Err(self.unexpected())
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    /// Skips a name and its colon, if the innermost bracket is an object's.
    fn name_in(&mut self, bracket: u8) -> Result<(), Refused> {
        if bracket == b'}' {
            self.expect(|byte| byte == b'"')?;
            self.string()?;
            self.space();
            self.expect(|byte| byte == b':')?;
            self.space();
        }
        Ok(())
    }

    /// Skips a literal whose first byte was `first`.
    fn literal(&mut self, first: u8) -> Result<(), Refused> {
        match first {
            b'"' => self.string(),
            b't' => self.word(b"rue"),
            b'f' => self.word(b"alse"),
            b'n' => self.word(b"ull"),
            b'-' => {
                let first = self.next()?;
                self.number(first)
            }
            digit => self.number(digit),
        }
    }

    fn word(&mut self, rest: &[u8]) -> Result<(), Refused> {
        rest.iter().try_for_each(|wanted| self.expect(|byte| byte == *wanted))
    }

    fn number(&mut self, first: u8) -> Result<(), Refused> {
        match first {
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return Err(Refused::Unexpected { at: self.at - 1 }),
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.expect(|byte| byte.is_ascii_digit())?;
            self.digits();
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.expect(|byte| byte.is_ascii_digit())?;
            self.digits();
        }
        Ok(())
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
    }

    /// Skips a string, after its opening quote. Only control characters and escapes are checked.
    fn string(&mut self) -> Result<(), Refused> {
        loop {
            match self.next()? {
                b'"' => return Ok(()),
                b'\\' => match self.next()? {
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    b'u' => (0..4).try_for_each(|_| self.expect(|byte| byte.is_ascii_hexdigit()))?,
                    _ => return Err(Refused::Unexpected { at: self.at - 1 }),
                },
                0..b' ' => return Err(Refused::Unexpected { at: self.at - 1 }),
                _ => {}
            }
        }
    }

    /// Skips a value in a text that the scanner has accepted.
    fn value(&mut self) -> Json<'j> {
        let start = self.at;
        let mut depth = 0_usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    self.at += 1;
                    _ = self.string();
                    if depth == 0 {
                        break;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' | b',' | b' ' | b'\t' | b'\r' | b'\n' if depth == 0 => break,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        break;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        Json(self.text.get(start..self.at).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nesting_is_bounded_at_ten_thousand_levels() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            assert!(Json::scan(nested(DEPTH_MAX).as_bytes()).is_ok());
            assert_eq!(Json::scan(nested(DEPTH_MAX + 1).as_bytes()).err(), Some(Refused::TooDeep));
        }
    }

    #[test]
    fn what_is_no_unicode_is_replaced() {
        for (json, text) in [
            (&br#""\ud83d\ude00""#[..], "\u{1f600}"),
            (br#""\ud83d""#, "\u{fffd}"),
            (br#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (br#""\ud83d\u0041""#, "\u{fffd}A"),
            (br#""\ud83d\n""#, "\u{fffd}\n"),
            (b"\"a\xf0\x9f\x98b\"", "a\u{fffd}\u{fffd}\u{fffd}b"),
            (b"\"\xed\xa0\x80\"", "\u{fffd}\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(Json::scan(json).unwrap().text().as_deref(), Some(text));
        }
    }
}
