//! Cuts replacements into JSON text, and leaves every other byte as it was written.

use std::ops::Range;

use super::text::Edit;
use crate::unescape;
use crate::write;

/// A JSON string with parts of its text replaced; `written` is without its quotes, and so is the result.
pub(super) fn string(written: &str, edits: &[Edit]) -> String {
    let mut new = String::with_capacity(written.len());
    let mut at = At { written, raw: 0, text: 0 };
    for edit in edits {
        let from = at.raw;
        at.go_to(edit.range.start);
        new.push_str(written.get(from..at.raw).unwrap_or_default());
        at.go_to(edit.range.end);
        let quoted = write::quoted(&edit.with);
        new.push_str(quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or_default());
    }
    new.push_str(written.get(at.raw..).unwrap_or_default());
    new
}

/// The same position in a string as written, and in the text that it stands for.
struct At<'w> {
    written: &'w str,
    raw: usize,
    text: usize,
}

impl At<'_> {
    fn go_to(&mut self, text: usize) {
        while self.text < text {
            let rest = self.written.get(self.raw..).unwrap_or_default();
            let (c, len) = match rest.chars().next() {
                Some('\\') => unescape::escape(rest).unwrap_or(('\\', 1)),
                Some(c) => (c, c.len_utf8()),
                None => return,
            };
            self.raw += len;
            self.text += c.len_utf8();
        }
    }
}

/// JSON text with pieces of it replaced, which are in order.
pub(super) fn pieces(json: &str, pieces: &[(Range<usize>, String)]) -> String {
    let mut new = String::with_capacity(json.len());
    let mut from = 0;
    for (range, with) in pieces {
        new.push_str(json.get(from..range.start).unwrap_or_default());
        new.push_str(with);
        from = range.end;
    }
    new.push_str(json.get(from..).unwrap_or_default());
    new
}

/// Where `part` is in `whole`, of which it is a slice.
pub(super) fn range(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
    start..start + part.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(range: Range<usize>, with: &str) -> Edit {
        Edit { range, with: with.to_owned() }
    }

    #[test]
    fn what_is_not_replaced_stays_as_it_was_written() {
        let written = r#"\u0066ree\ud83d caf\u00e9 \"x\" 中\ud83d\ude00\/"#;
        let text = unescape::text(written).unwrap();
        assert_eq!(string(written, &[edit(0..4, "****")]), r#"****\ud83d caf\u00e9 \"x\" 中\ud83d\ude00\/"#);
        let x = text.find('x').unwrap();
        assert_eq!(string(written, &[edit(x..x + 1, "\"")]), r#"\u0066ree\ud83d caf\u00e9 \"\"\" 中\ud83d\ude00\/"#);
        let middle = text.find('中').unwrap();
        let edits = [edit(0..1, ""), edit(middle..middle + 7, "")];
        assert_eq!(string(written, &edits), r#"ree\ud83d caf\u00e9 \"x\" \/"#);
        assert_eq!(string(written, &[edit(text.len()..text.len(), "!")]), format!("{written}!"));
    }

    #[test]
    fn pieces_are_cut_in() {
        let json = r#"{ "a" : 1, "b":[2]}"#;
        assert_eq!(pieces(json, &[(8..9, "3".to_owned()), (15..18, "[]".to_owned())]), r#"{ "a" : 3, "b":[]}"#);
        assert_eq!(range(json, &json[8..9]), 8..9);
    }
}
