//! Checks whether a text is JSON; all later code relies on this.
//!
//! This is the only place where a whole body is read. A general parser does three times the work: it decodes as it
//! goes, processes only eight bytes at a time in long strings, and does not check how deeply values nest. The check
//! accepts exactly what serde_json accepts; a test compares the two.

use callgate_catalogue::plain;

/// Deepest nesting of objects and arrays. Chat servers send four levels. Serde_json, which most plugins use, rejects
/// the 128th, so plugins can read everything that passes.
pub const DEPTH_MAX: usize = 127;

// The open brackets are kept as the bits of a number.
const _: () = assert!(DEPTH_MAX <= u128::BITS as usize);

/// Why a text was rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Problem {
    /// It is not JSON.
    NotJson,
    /// Its values nest deeper than [`DEPTH_MAX`].
    TooDeep,
}

/// Checks that `json` is a single JSON value, with nothing but white space around it.
///
/// # Errors
/// The problem that comes first in the text.
///
/// ```
/// use callgate_dialects::json::{Problem, check};
/// assert_eq!(check(br#"{"userID":"u1","level":[1,2.5e3,null]}"#), Ok(()));
/// assert_eq!(check(br#"{"userID":}"#), Err(Problem::NotJson));
/// assert_eq!(check(&[b'['; 1000]), Err(Problem::TooDeep));
/// ```
pub fn check(json: &[u8]) -> Result<(), Problem> {
    let mut check = Check { json, at: 0, depth: 0, objects: 0 };
    check.space();
    loop {
        // At the start of a value.
        let is_open = match check.next().ok_or(Problem::NotJson)? {
            b'{' => {
                check.open(true)?;
                !check.closes(b'}')
            }
            b'[' => {
                check.open(false)?;
                !check.closes(b']')
            }
            scalar => {
                check.scalar(scalar).ok_or(Problem::NotJson)?;
                false
            }
        };
        if is_open {
            check.name_in_object().ok_or(Problem::NotJson)?;
        } else if check.ends().ok_or(Problem::NotJson)? {
            return Ok(());
        }
    }
}

/// The line of the first comment in a text that is no JSON because of it, counted from 1; `None` if there is none.
///
/// Samples of documentation have comments, and people paste them. Chat servers send none.
///
/// ```
/// use callgate_dialects::json::comment_line;
/// assert_eq!(comment_line(b"{\n  \"a\": 1, // the first\n}"), Some(2));
/// assert_eq!(comment_line(br#"{"url":"http://x"}"#), None);
/// ```
#[must_use]
pub fn comment_line(json: &[u8]) -> Option<usize> {
    let (mut line, mut is_in_text, mut at) = (1, false, 0);
    while let Some(byte) = json.get(at) {
        match byte {
            b'\n' => line += 1,
            // What is escaped ends no text.
            b'\\' if is_in_text => at += 1,
            b'"' => is_in_text = !is_in_text,
            b'#' if !is_in_text => return Some(line),
            b'/' if !is_in_text && matches!(json.get(at + 1), Some(b'/' | b'*')) => return Some(line),
            _ => {}
        }
        at += 1;
    }
    None
}

struct Check<'j> {
    json: &'j [u8],
    at: usize,
    depth: usize,
    /// Bit 0: whether the innermost open bracket is an object's; bit 1: the one around it; and so on.
    objects: u128,
}

impl Check<'_> {
    fn byte(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.byte()?;
        self.at += 1;
        Some(byte)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.next()? == byte).then_some(())
    }

    fn space(&mut self) {
        while let Some(byte) = self.byte()
            && byte <= b' '
            && matches!(byte, b' ' | b'\n' | b'\t' | b'\r')
        {
            self.at += 1;
        }
    }

    /// Enters an object or an array.
    fn open(&mut self, is_object: bool) -> Result<(), Problem> {
        if self.depth == DEPTH_MAX {
            return Err(Problem::TooDeep);
        }
        self.depth += 1;
        self.objects = self.objects << 1 | u128::from(is_object);
        self.space();
        Ok(())
    }

    /// Skips the closing bracket of the innermost object or array, if it is next.
    fn closes(&mut self, bracket: u8) -> bool {
        let closes = self.byte() == Some(bracket);
        if closes {
            self.close();
        }
        closes
    }

    fn close(&mut self) {
        self.at += 1;
        self.depth -= 1;
        self.objects >>= 1;
    }

    fn is_in_object(&self) -> bool {
        self.objects & 1 == 1
    }

    /// In an object, skips a member's name, up to its value.
    fn name_in_object(&mut self) -> Option<()> {
        if self.is_in_object() {
            self.expect(b'"')?;
            self.text()?;
            self.space();
            self.expect(b':')?;
            self.space();
        }
        Some(())
    }

    /// After a value: skips the brackets that close here, up to the next value. Returns whether there is none.
    fn ends(&mut self) -> Option<bool> {
        loop {
            self.space();
            if self.depth == 0 {
                return (self.at == self.json.len()).then_some(true);
            }
            match (self.byte()?, self.is_in_object()) {
                (b',', _) => {
                    self.at += 1;
                    self.space();
                    self.name_in_object()?;
                    return Some(false);
                }
                (b'}', true) | (b']', false) => self.close(),
                _ => return None,
            }
        }
    }

    /// Skips a string, number or keyword whose first byte was `first`.
    fn scalar(&mut self, first: u8) -> Option<()> {
        match first {
            b'"' => self.text(),
            b'-' => {
                let first = self.next()?;
                self.number(first)
            }
            b'0'..=b'9' => self.number(first),
            b't' => self.word(b"rue"),
            b'f' => self.word(b"alse"),
            b'n' => self.word(b"ull"),
            _ => None,
        }
    }

    fn word<const N: usize>(&mut self, rest: &[u8; N]) -> Option<()> {
        let is_it = self.json.get(self.at..)?.first_chunk() == Some(rest);
        self.at += N;
        is_it.then_some(())
    }

    fn number(&mut self, first: u8) -> Option<()> {
        match first {
            b'0' => {}
            b'1'..=b'9' => self.digits(),
            _ => return None,
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.at_least_one_digit()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.byte() {
                self.at += 1;
            }
            self.at_least_one_digit()?;
        }
        Some(())
    }

    fn at_least_one_digit(&mut self) -> Option<()> {
        self.next()?.is_ascii_digit().then_some(())?;
        self.digits();
        Some(())
    }

    fn digits(&mut self) {
        while let Some(b'0'..=b'9') = self.byte() {
            self.at += 1;
        }
    }

    /// Skips a string, after its opening quote.
    fn text(&mut self) -> Option<()> {
        loop {
            self.at += plain::len(self.json.get(self.at..)?);
            match self.next()? {
                b'"' => return Some(()),
                b'\\' => self.escape()?,
                // A control character.
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.next()? {
            b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(()),
            b'u' => {
                let digits = self.json.get(self.at..)?.first_chunk::<4>()?;
                self.at += digits.len();
                digits.iter().all(u8::is_ascii_hexdigit).then_some(())
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn is_json(text: &str) -> bool {
        serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
    }

    fn is_same(text: &str) {
        assert_eq!(check(text.as_bytes()) == Ok(()), is_json(text), "{text:?}");
    }

    #[test]
    fn what_is_json_and_what_is_not() {
        for text in [
            "",
            " ",
            "{}",
            "[]",
            " { } ",
            "[ ]",
            "null",
            "nul",
            "nulll",
            "true",
            "false",
            "fals",
            "tru e",
            "1",
            "-1",
            "-",
            "--1",
            "--",
            "-a",
            "-\"\"",
            "\"\\/\"",
            "\u{c}1",
            "01",
            "-0",
            "-01",
            "0.",
            ".5",
            "0.5",
            "1.5e3",
            "1e",
            "1e+",
            "1E-5",
            "1e5.5",
            "+1",
            "1 2",
            "\"\"",
            "\"",
            "\"a",
            "\"\\\"",
            "\"\\\"\"",
            "\"\\u12\"",
            "\"\\u12g4\"",
            "\"\\uD800\"",
            "\"\\x\"",
            "\"\n\"",
            "\"\u{1f}\"",
            "\"\u{7f}\u{80}é\"",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{,}",
            "{\"a\":1 \"b\":2}",
            "{a:1}",
            "{1:1}",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[1}",
            "{\"a\":1]",
            "[[]",
            "[]]",
            "{}}",
            "[[],{}]",
            "{\"a\":{\"b\":[]}}",
            "\u{feff}{}",
            "{}x",
            "\u{a0}{}",
            "{\"a\":1,\"a\":2}",
            "[\"a\",\"b\"]",
            "[{},[],\"\",0,null]",
        ] {
            is_same(text);
        }
    }

    #[test]
    fn comments_are_found_outside_of_texts_only() {
        for (text, line) in [
            ("{\n\n\"a\": 1 /* one */ }", Some(3)),
            ("# a\n{}", Some(1)),
            ("{\"a\":\"\\\"//\",\"b\":\"#/*\"}", None),
            ("{\"a\":\"\\\\\"} // b", Some(1)),
            ("1/2", None),
            ("", None),
        ] {
            assert_eq!(comment_line(text.as_bytes()), line, "{text}");
        }
    }

    #[test]
    fn nesting_is_bounded() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            assert_eq!(check(nested(DEPTH_MAX).as_bytes()), Ok(()));
            assert_eq!(check(nested(DEPTH_MAX + 1).as_bytes()), Err(Problem::TooDeep));
            assert!(serde_json::from_str::<serde_json::Value>(&nested(DEPTH_MAX)).is_ok());
            assert!(serde_json::from_str::<serde_json::Value>(&nested(DEPTH_MAX + 1)).is_err());
            assert_eq!(check(open.repeat(1_000_000).as_bytes()), Err(Problem::TooDeep));
        }
        // Brackets side by side do not count, nor do those in strings.
        assert_eq!(check(format!("[{}1]", "[],".repeat(1000)).as_bytes()), Ok(()));
        assert_eq!(check(format!("\"{}\"", "[".repeat(1000)).as_bytes()), Ok(()));
    }

    #[test]
    fn the_end_of_a_text_is_found_at_every_place() {
        for len in (0..20).chain([63, 64, 65, 127, 128, 129, 191, 192, 193, 320, 321, 500]) {
            let plain: String = ('a'..='z').cycle().take(len).collect();
            is_same(&format!("\"{plain}\""));
            for at in 0..len {
                for odd in ["\"", "\\", "\\\\", "\\n", "\n", "\u{0}", "\u{1f}", " ", "!", "é", "\u{a0}"] {
                    is_same(&format!("\"{}{odd}{}\"", &plain[..at], &plain[at..]));
                }
            }
        }
    }

    /// Fragments of JSON, and some that are not JSON.
    fn pieces() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            4 => prop::sample::select(vec!["{", "}", "[", "]", ",", ":", "\"", "\\"]).prop_map(str::to_owned),
            4 => prop::sample::select(vec!["\"a\"", "\"a\":", "1", "null", "[]", "{}", "{\"a\":", "\\u00e9", "-", "e1", ".5"])
                .prop_map(str::to_owned),
            1 => prop::sample::select(vec![" ", "\n", "\t", "\r", "\u{b}", "\0"]).prop_map(str::to_owned),
            1 => any::<String>(),
        ];
        prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
    }

    /// A value, written with white space between its parts.
    fn value() -> impl Strategy<Value = String> {
        let scalar = prop_oneof![
            any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
            any::<f64>().prop_map(|number| serde_json::to_string(&number).unwrap()),
            any::<i64>().prop_map(|number| number.to_string()),
            Just("null".to_owned()),
        ];
        scalar.prop_recursive(6, 60, 6, |inner| {
            let member = (any::<String>(), inner.clone())
                .prop_map(|(name, value)| format!("{} :\t{value}", serde_json::to_string(&name).unwrap()));
            prop_oneof![
                prop::collection::vec(inner, 0..6).prop_map(|values| format!("[ {}]", values.join(" ,\n"))),
                prop::collection::vec(member, 0..6).prop_map(|members| format!("{{{} }}", members.join(", "))),
            ]
        })
    }

    proptest! {
        #[test]
        fn serde_says_the_same_of_anything(text in pieces()) {
            is_same(&text);
        }

        #[test]
        fn serde_says_the_same_of_values_and_of_broken_ones(text in value(), at in any::<prop::sample::Index>(), with in pieces()) {
            prop_assert_eq!(check(text.as_bytes()), Ok(()));
            let at = text.floor_char_boundary(at.index(text.len()));
            let behind = text.ceil_char_boundary(at + 1);
            is_same(&text[..at]);
            is_same(&format!("{}{}", &text[..at], &text[behind..]));
            is_same(&format!("{}{with}{}", &text[..at], &text[behind..]));
        }
    }
}
