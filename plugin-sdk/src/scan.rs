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
        let name = scan.text()?.unescaped()?;
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

/// The members of an object before the one called `last`, and the text of that one, which ends before the last byte:
/// so it need not be looked at. `None` if `json` is no object or has no such member.
pub(crate) fn object_up_to<'a>(json: &'a str, last: &str, mut member: impl FnMut(&str, Raw<'a>)) -> Option<&'a str> {
    let mut scan = Scan { json, at: 0 };
    scan.expect(b'{')?;
    loop {
        scan.space();
        let name = scan.text()?.unescaped()?;
        scan.expect(b':')?;
        if name == last {
            return json.get(scan.at..)?.strip_suffix('}');
        }
        member(&name, scan.value()?);
        scan.expect(b',')?;
    }
}

/// The text that a JSON text stands for, given with its quotes; borrowed where nothing is escaped.
pub(crate) fn unescaped(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let is_escaped = quote_or_backslash(inner.as_bytes()).is_some();
    Quoted { quoted, is_escaped }.unescaped()
}

/// A JSON text with its quotes.
struct Quoted<'a> {
    quoted: &'a str,
    is_escaped: bool,
}

impl<'a> Quoted<'a> {
    fn unescaped(self) -> Option<Cow<'a, str>> {
        match self.is_escaped {
            false => self.quoted.get(1..self.quoted.len() - 1).map(Cow::Borrowed),
            true => serde_json::from_str(self.quoted).ok().map(Cow::Owned),
        }
    }
}

/// The place of the first quote or backslash.
///
/// Most texts of a callback are names and IDs, over after a few words of eight bytes. What is longer than [`SHORT`] is
/// passed by in pieces, which the compiler makes vector instructions of.
#[inline]
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    if let Some(at) = in_words(bytes.get(..SHORT).unwrap_or(bytes)) {
        return Some(at);
    }
    let long = bytes.get(SHORT..)?;
    let passed = long.as_chunks::<PIECE>().0.iter().take_while(|piece| !has_any(piece)).count();
    let from = SHORT + passed * PIECE;
    in_words(bytes.get(from..)?).map(|at| from + at)
}

/// Whether a quote or a backslash is among them.
fn has_any(piece: &[u8; PIECE]) -> bool {
    piece.iter().fold(0, |any, byte| any | u8::from(*byte == b'"') | u8::from(*byte == b'\\')) != 0
}

/// Bytes that are looked at word by word.
const SHORT: usize = 96;

/// Bytes that are looked at together after that.
const PIECE: usize = 64;

fn in_words(bytes: &[u8]) -> Option<usize> {
    /// Not one of the eight bytes is zero: then this is zero. Else its lowest bit that is set belongs to the first
    /// byte that is zero; bits above it may be wrong.
    fn zeros(word: u64) -> u64 {
        word.wrapping_sub(0x0101_0101_0101_0101) & !word & 0x8080_8080_8080_8080
    }
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = zeros(word ^ 0x2222_2222_2222_2222) | zeros(word ^ 0x5c5c_5c5c_5c5c_5c5c);
        if found != 0 {
            return Some(index * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    rest.iter().position(|byte| matches!(byte, b'"' | b'\\')).map(|at| words.len() * 8 + at)
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

    /// Steps over a text.
    fn text(&mut self) -> Option<Quoted<'a>> {
        let from = self.at;
        if self.rest().first() != Some(&b'"') {
            return None;
        }
        self.at += 1;
        let is_escaped = self.rest_of_text()?;
        Some(Quoted { quoted: self.json.get(from..self.at)?, is_escaped })
    }

    /// Steps behind the quote that ends the text in which this stands, and says whether anything is escaped there.
    fn rest_of_text(&mut self) -> Option<bool> {
        let mut is_escaped = false;
        loop {
            let found = quote_or_backslash(self.rest())?;
            if self.rest().get(found) == Some(&b'"') {
                self.at += found + 1;
                return Some(is_escaped);
            }
            // Behind a backslash comes what cannot end the text.
            self.at += found + 2;
            is_escaped = true;
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
                b'"' => drop(self.rest_of_text()?),
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

    #[test]
    fn quotes_and_backslashes_are_found_at_every_place() {
        let plain: Vec<u8> = (0..=255).filter(|byte| !b"\"\\".contains(byte)).cycle().take(3 * SHORT).collect();
        for len in (0..40).chain(SHORT - 2..SHORT + PIECE + 10).chain([3 * SHORT]) {
            assert_eq!(quote_or_backslash(&plain[..len]), None, "{len}");
            for at in 0..len {
                for (first, second) in [(b'"', b'\\'), (b'\\', b'"'), (b'"', b'"')] {
                    let mut bytes = plain[..len].to_vec();
                    // The second one must not be taken for the first, whatever lies between.
                    bytes[at..].fill(second);
                    bytes[at] = first;
                    assert_eq!(quote_or_backslash(&bytes), Some(at), "{len}");
                }
            }
        }
    }

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
