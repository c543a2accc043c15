//! Where the members of a JSON object, and the elements of a list, begin and end.
//!
//! The host has checked the whole callback before any plugin sees it, so nothing here checks it again: values are
//! stepped over by their brackets and quotes, and read by serde_json only when somebody asks for them. That is a third
//! of the work of a parser, and most of what a small decision consists of. Of a text that is not JSON, the pieces are
//! nonsense and their reading fails; nothing worse.

use std::borrow::Cow;

/// A JSON value that nobody has read yet, as it was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Raw<'a>(&'a str);

impl<'a> Raw<'a> {
    /// The JSON text.
    #[must_use]
    pub const fn get(self) -> &'a str {
        self.0
    }
}

impl serde::Serialize for Raw<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let checked = serde_json::value::RawValue::from_string(self.0.to_owned());
        checked.map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// The members of the object that `json` is; `None` if it is no object.
pub(crate) fn object<'a>(json: &'a str, mut member: impl FnMut(Cow<'a, str>, Raw<'a>)) -> Option<()> {
    let mut scan = Scan { json, at: 0 };
    scan.expect(b'{')?;
    if scan.expect(b'}').is_some() {
        return scan.end();
    }
    loop {
        scan.space();
        let name = unescaped(scan.text()?)?;
        scan.expect(b':')?;
        member(name, scan.value()?);
        if scan.expect(b',').is_none() {
            scan.expect(b'}')?;
            return scan.end();
        }
    }
}

/// The elements of the list that `json` is; `None` if it is no list.
pub(crate) fn list<'a>(json: &'a str, mut element: impl FnMut(Raw<'a>)) -> Option<()> {
    let mut scan = Scan { json, at: 0 };
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

/// The text that a JSON text stands for, given with its quotes; borrowed where nothing is escaped.
pub(crate) fn unescaped(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if find(inner.as_bytes(), |byte| byte == b'\\', |rest| memchr::memchr(b'\\', rest)).is_none() {
        return Some(Cow::Borrowed(inner));
    }
    serde_json::from_str(quoted).ok().map(Cow::Owned)
}

/// Finds a byte: most texts of a callback are names and IDs, over before a vectorised search would have begun.
#[inline]
fn find(bytes: &[u8], is_it: impl Fn(u8) -> bool, in_long: impl Fn(&[u8]) -> Option<usize>) -> Option<usize> {
    const SHORT: usize = 24;
    let (short, long) = bytes.split_at(bytes.len().min(SHORT));
    match short.iter().position(|byte| is_it(*byte)) {
        None if !long.is_empty() => in_long(long).map(|at| at + SHORT),
        found => found,
    }
}

struct Scan<'a> {
    json: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a [u8] {
        self.json.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\t' | b'\r') = self.rest().first() {
            self.at += 1;
        }
    }

    /// Steps over white space and then this byte.
    fn expect(&mut self, byte: u8) -> Option<()> {
        self.space();
        if self.rest().first() != Some(&byte) {
            return None;
        }
        self.at += 1;
        Some(())
    }

    /// Nothing but white space is left.
    fn end(&mut self) -> Option<()> {
        self.space();
        self.rest().is_empty().then_some(())
    }

    /// Steps over a text and gives it with its quotes.
    fn text(&mut self) -> Option<&'a str> {
        let from = self.at;
        if self.rest().first() != Some(&b'"') {
            return None;
        }
        self.at += 1;
        self.rest_of_text()?;
        self.json.get(from..self.at)
    }

    /// Steps behind the quote that ends the text in which this stands.
    fn rest_of_text(&mut self) -> Option<()> {
        loop {
            let is_end = |byte| matches!(byte, b'"' | b'\\');
            let found = find(self.rest(), is_end, |rest| memchr::memchr2(b'"', b'\\', rest))?;
            let is_quote = self.rest().get(found) == Some(&b'"');
            // Behind a backslash comes what cannot end the text.
            self.at += found + if is_quote { 1 } else { 2 };
            if is_quote {
                return Some(());
            }
        }
    }

    /// Steps over a value and gives its text.
    fn value(&mut self) -> Option<Raw<'a>> {
        self.space();
        let from = self.at;
        match self.rest().first()? {
            b'"' => {
                self.text()?;
            }
            b'{' | b'[' => self.nested()?,
            _ => {
                let len = self
                    .rest()
                    .iter()
                    .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\t' | b'\r'));
                self.at += len.unwrap_or(self.rest().len());
            }
        }
        self.json.get(from..self.at).filter(|text| !text.is_empty()).map(Raw)
    }

    /// Steps over an object or a list, whatever is in it.
    fn nested(&mut self) -> Option<()> {
        let mut depth = 0_usize;
        loop {
            let len = self.rest().iter().position(|byte| matches!(byte, b'"' | b'{' | b'[' | b'}' | b']'))?;
            self.at += len;
            let byte = *self.rest().first()?;
            self.at += 1;
            match byte {
                b'"' => self.rest_of_text()?,
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
