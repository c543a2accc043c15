//! Finds the members of a JSON object and the elements of an array, without parsing them.
//!
//! The host has checked the whole callback before any plugin sees it, so nothing is checked again here: values are
//! skipped by their brackets and quotes, and parsed by serde_json only when they are read. That is a third of a
//! parser's work, and most of the cost of a small decision. If the text is not JSON, the pieces are nonsense and
//! parsing them fails, but nothing worse happens.

use std::borrow::Cow;

use crate::find::{Brackets, Finder, Quotes};
use crate::unescape;

/// An unparsed JSON value, as written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a> {
    json: &'a str,
    /// Whether it is a string without escapes.
    is_plain: bool,
}

impl<'a> Raw<'a> {
    /// The JSON text.
    #[must_use]
    pub const fn get(self) -> &'a str {
        self.json
    }

    /// The decoded string, borrowed if it has no escapes; `None` if this is not a string. Half a surrogate pair is
    /// U+FFFD.
    ///
    /// ```
    /// # use callgate_catalogue as plugin_sdk;
    /// let object = plugin_sdk::Object::parse("demo", r#"{"a":"\u0062\ud83d","b":7}"#)?;
    /// assert_eq!(object.raw("a").and_then(|raw| raw.unescaped()).as_deref(), Some("b\u{fffd}"));
    /// assert_eq!(object.raw("b").and_then(|raw| raw.unescaped()), None);
    /// # Ok::<(), plugin_sdk::FieldError>(())
    /// ```
    #[inline]
    #[must_use]
    pub fn unescaped(self) -> Option<Cow<'a, str>> {
        if self.is_plain { self.json.get(1..self.json.len() - 1).map(Cow::Borrowed) } else { self.read_as_text() }
    }

    #[inline(never)]
    fn read_as_text(self) -> Option<Cow<'a, str>> {
        unescape::text(self.between_quotes()?).map(Cow::Owned)
    }

    /// A string's text as written, without its quotes; `None` if this is not a string.
    pub(crate) fn between_quotes(self) -> Option<&'a str> {
        self.json.strip_prefix('"')?.strip_suffix('"')
    }
}

impl serde::Serialize for Raw<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let checked = serde_json::value::RawValue::from_string(self.json.to_owned());
        checked.map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// The members of the object `json`; `None` if it is not an object.
pub(crate) fn object<'a>(json: &'a str, mut member: impl FnMut(Cow<'a, str>, Raw<'a>)) -> Option<()> {
    let mut scan = Scan::new(json);
    scan.expect(b'{')?;
    if scan.expect(b'}').is_some() {
        return scan.end();
    }
    loop {
        scan.space();
        let name = scan.text()?.unescaped()?;
        scan.expect(b':')?;
        member(name, scan.value()?);
        if scan.expect(b',').is_none() {
            scan.expect(b'}')?;
            return scan.end();
        }
    }
}

/// The elements of the array `json`; `None` if it is not an array.
pub(crate) fn list<'a>(json: &'a str, mut element: impl FnMut(Raw<'a>)) -> Option<()> {
    let mut scan = Scan::new(json);
    scan.expect(b'[')?;
    if scan.expect(b']').is_some() {
        return scan.end();
    }
    loop {
        element(scan.value()?);
        if scan.expect(b',').is_none() {
            scan.expect(b']')?;
            return scan.end();
        }
    }
}

/// The members of an object before the one called `last`, and the text of that one. It ends before the last byte, so it
/// need not be scanned. `None` if `json` is not an object or has no such member.
pub(crate) fn object_up_to<'a>(json: &'a str, last: &str, mut member: impl FnMut(&str, Raw<'a>)) -> Option<&'a str> {
    let mut scan = Scan::new(json);
    scan.expect(b'{')?;
    loop {
        scan.space();
        let name = scan.text()?.unescaped()?;
        scan.expect(b':')?;
        if name == last {
            return scan.rest_of_object();
        }
        member(&name, scan.value()?);
        scan.expect(b',')?;
    }
}

/// A position in a JSON text.
pub(crate) struct Scan<'a> {
    json: &'a str,
    at: usize,
    quotes: Finder<Quotes>,
    brackets: Finder<Brackets>,
}

impl<'a> Scan<'a> {
    pub(crate) const fn new(json: &'a str) -> Self {
        Self { json, at: 0, quotes: Finder::new(), brackets: Finder::new() }
    }

    /// The byte here.
    fn byte(&self) -> Option<u8> {
        self.json.as_bytes().get(self.at).copied()
    }

    /// Skips exactly these `N` bytes, which are compared in one step because their number is known.
    #[inline]
    pub(crate) fn literal<const N: usize>(&mut self, literal: &str) -> Option<()> {
        let here: &[u8; N] = self.json.as_bytes().get(self.at..)?.first_chunk()?;
        if Some(here) != literal.as_bytes().first_chunk() {
            return None;
        }
        self.at += N;
        Some(())
    }

    /// The rest, without the closing bracket.
    pub(crate) fn rest_of_object(&self) -> Option<&'a str> {
        self.json.get(self.at..)?.strip_suffix('}')
    }

    fn space(&mut self) {
        while let Some(byte) = self.byte()
            && byte <= b' '
            && matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
        {
            self.at += 1;
        }
    }

    /// Skips white space and then this byte.
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.space();
        if self.byte() != Some(byte) {
            return None;
        }
        self.at += 1;
        Some(())
    }

    /// Whether only white space is left.
    fn end(&mut self) -> Option<()> {
        self.space();
        (self.at >= self.json.len()).then_some(())
    }

    /// Skips a string and returns it, with its quotes.
    #[inline(never)]
    pub(crate) fn text(&mut self) -> Option<Raw<'a>> {
        let from = self.at;
        if self.byte() != Some(b'"') {
            return None;
        }
        self.at += 1;
        let is_plain = self.rest_of_text()?;
        Some(Raw { json: self.json.get(from..self.at)?, is_plain })
    }

    /// Skips to after the closing quote of the current string, and returns whether it has no escapes.
    #[inline(always)]
    fn rest_of_text(&mut self) -> Option<bool> {
        let bytes = self.json.as_bytes();
        let mut is_plain = true;
        loop {
            let found = self.quotes.first(bytes, self.at)?;
            if bytes.get(found) == Some(&b'"') {
                self.at = found + 1;
                return Some(is_plain);
            }
            // The byte after a backslash cannot end the string.
            self.at = found + 2;
            is_plain = false;
        }
    }

    /// Skips a value and returns its text.
    pub(crate) fn value(&mut self) -> Option<Raw<'a>> {
        self.space();
        let from = self.at;
        match self.byte()? {
            b'"' => return self.text(),
            b'{' | b'[' => self.nested()?,
            _ => {
                while let Some(byte) = self.byte()
                    && !matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\t' | b'\r')
                {
                    self.at += 1;
                }
            }
        }
        let json = self.json.get(from..self.at).filter(|text| !text.is_empty())?;
        Some(Raw { json, is_plain: false })
    }

    /// The value that is all of the text, apart from white space.
    pub(crate) fn only_value(&mut self) -> Option<Raw<'a>> {
        let value = self.value()?;
        self.end().map(|()| value)
    }

    /// Skips to the next quote, whatever is before it, and returns the string that begins there.
    pub(crate) fn next_string(&mut self) -> Option<Raw<'a>> {
        let bytes = self.json.as_bytes();
        loop {
            let found = self.brackets.first(bytes, self.at)?;
            self.at = found;
            if bytes.get(found) == Some(&b'"') {
                return self.text();
            }
            self.at += 1;
        }
    }

    /// Skips an object or an array, whatever its contents.
    fn nested(&mut self) -> Option<()> {
        let bytes = self.json.as_bytes();
        let mut depth = 0_usize;
        loop {
            let found = self.brackets.first(bytes, self.at)?;
            self.at = found + 1;
            match bytes.get(found)? {
                b'"' => {
                    self.rest_of_text()?;
                }
                b'{' | b'[' => depth += 1,
                _ => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        return Some(());
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members(json: &str) -> Option<Vec<(String, String)>> {
        let mut members = Vec::new();
        object(json, |name, value| members.push((name.into_owned(), value.get().to_owned())))?;
        Some(members)
    }

    #[test]
    fn members_are_found_whatever_they_hold() {
        let json = r#" { "a" : 1 , "b":"x\"}," ,"c":{"d":[1,{"e":"]"}]},"\u0066":[ ] ,"g":-1.5e3,"h":null } "#;
        let found = members(json).unwrap();
        let expected = [
            ("a", "1"),
            ("b", r#""x\"},""#),
            ("c", r#"{"d":[1,{"e":"]"}]}"#),
            ("f", "[ ]"),
            ("g", "-1.5e3"),
            ("h", "null"),
        ];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(members("{}"), Some(vec![]));
        assert_eq!(members(" { } "), Some(vec![]));
    }

    #[test]
    fn what_is_no_object_has_no_members() {
        for json in [
            "",
            "[]",
            "1",
            "\"a\"",
            "{",
            "{\"a\"",
            "{\"a\":",
            "{\"a\":1",
            "{\"a\":1,",
            "{\"a\":1}x",
            "{a:1}",
            "{\"a\":}",
            "{\"a\":\"",
            "{\"a\":\"\\",
            "{\"a\":[}",
        ] {
            assert_eq!(members(json), None, "{json}");
        }
    }

    #[test]
    fn elements_are_found() {
        let mut elements = Vec::new();
        list(r#"[1, "a,b" ,{"c":[2,3]},[],null]"#, |element| elements.push(element.get())).unwrap();
        assert_eq!(elements, ["1", r#""a,b""#, r#"{"c":[2,3]}"#, "[]", "null"]);
        assert_eq!(list("[]", |_| panic!("it is empty")), Some(()));
        assert_eq!(list("{}", |_| ()), None);
        assert_eq!(list("[1,]", |_| ()), None);
    }
}
