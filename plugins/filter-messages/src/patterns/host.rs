//! Hosts: of links and of e-mail addresses.

use std::ops::Range;

use super::ends::{INTERNATIONAL_END_CHARS_MAX, begins_international_end, is_international_end, is_word};
use super::line::{Line, OTHER_LETTER, SPACED_LETTER};

/// Longest domain, in characters (RFC 1035).
pub(super) const HOST_CHARS_MAX: usize = 253;

/// Longest label of a domain, in characters (RFC 1035).
const LABEL_CHARS_MAX: usize = 63;

/// Characters of hosts other than full stops, in [`CLASSES`].
const PLAIN: u8 = 1;
/// Full stops.
pub(super) const STOP: u8 = 2;
/// Letters beyond ASCII.
pub(super) const WIDE: u8 = 4;
/// Letters of ASCII, which are [`PLAIN`] too.
pub(super) const LETTER: u8 = 8;

/// What each character of [`Line::plain`] can be in a host; 0 if it is in none.
#[expect(clippy::indexing_slicing, reason = "a constant: a wrong index would not compile")]
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'.' => STOP,
            b'-' | b'0'..=b'9' => PLAIN,
            b'a'..=b'z' => PLAIN | LETTER,
            SPACED_LETTER | OTHER_LETTER => WIDE,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

pub(super) fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

pub(super) fn is_in_host(byte: u8) -> bool {
    class(byte) & (PLAIN | STOP) != 0
}

pub(super) fn is_wide(byte: u8) -> bool {
    class(byte) == WIDE
}

pub(super) fn labels(host: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    host.split(|byte| *byte == b'.')
}

/// Where the longest host begins that these characters end with: two labels or more. No label is empty or begins or
/// ends with a hyphen.
pub(super) fn host_start(chars: &[u8]) -> Option<usize> {
    let mut start = chars.len() + 1;
    let mut count = 0;
    for label in labels(chars).rev() {
        let hyphens = label.iter().take_while(|byte| **byte == b'-').count();
        let len = label.len() - hyphens;
        let is_label = (1..=LABEL_CHARS_MAX).contains(&len) && !label.ends_with(b"-");
        if !is_label || chars.len() + 1 - start + len > HOST_CHARS_MAX {
            break;
        }
        count += 1;
        start -= 1 + len;
        if hyphens > 0 {
            break;
        }
    }
    (count >= 2).then_some(start)
}

/// Whether a domain can end in this label: in letters.
pub(super) fn is_end(label: &[u8]) -> bool {
    label.len() >= 2 && label.iter().all(u8::is_ascii_lowercase) || label.starts_with(b"xn--")
}

/// A host without the full stops and hyphens that end a sentence.
pub(super) fn trimmed(host: &[u8]) -> &[u8] {
    let len = host.iter().rposition(|byte| !matches!(byte, b'.' | b'-')).map_or(0, |last| last + 1);
    host.get(..len).unwrap_or_default()
}

/// Where the characters end that begin at `from` and can be of a host with letters of any alphabet, and the classes of
/// these. Two full stops are no part of a host: one ends before them, and another one can follow.
pub(super) fn span(line: &Line<'_>, from: usize) -> (usize, u8) {
    let mut classes = 0;
    let mut at = from;
    loop {
        let class = class(line.byte(at));
        if class == 0 || class == STOP && line.byte(at + 1) == b'.' {
            return (at, classes);
        }
        classes |= class;
        at += 1;
    }
}

/// A host with letters beyond ASCII that these characters end with, or that they go on from in another sentence:
/// `пример.рф.Это`. Its full stops are those of ASCII: that of Chinese is mostly the end of a sentence.
pub(super) fn international(
    line: &Line<'_>,
    part: Range<usize>,
    is_plain_end: impl Fn(&[u8]) -> bool,
) -> Option<Range<usize>> {
    let mut host = trimmed(line.plain(part.clone()));
    // The last label, and the one before it.
    for _ in 0..2 {
        let end = part.start + host.len();
        let mut ends = labels(host).rev();
        let (last, name) = (ends.next()?, ends.next()?);
        // `学习.net` is about a product.
        let is_known = is_plain_end(last) && (last != b"net" || name.is_ascii())
            || !last.is_ascii() && is_known_wide_end(line, end - last.len()..end);
        if is_known && !is_sentence(line, end, last, name) {
            let mut stops = host.iter().enumerate().rev().filter(|(_, byte)| **byte == b'.');
            let stop = stops.find(|(stop, _)| line.is_full_stop_of_chinese(part.start + stop));
            let first = stop.map_or(part.start, |(stop, _)| part.start + stop + 1);
            return host_start(line.plain(first..end)).map(|start| first + start..end);
        }
        if name.len() < 2 {
            return None;
        }
        host = trimmed(host.get(..host.len() - last.len())?);
    }
    None
}

/// Whether a label with letters beyond ASCII is one under which sites are.
fn is_known_wide_end(line: &Line<'_>, label: Range<usize>) -> bool {
    let is_wide = line.plain(label.clone()).iter().all(|byte| is_wide(*byte));
    if !is_wide || !(2..=INTERNATIONAL_END_CHARS_MAX).contains(&label.len()) {
        return false;
    }
    // Most labels are ruled out by their first letter; reading the others costs more.
    if !line.at(label.start).is_some_and(begins_international_end) {
        return false;
    }
    let mut letters = ['\0'; INTERNATIONAL_END_CHARS_MAX];
    letters.iter_mut().zip(label.clone()).for_each(|(letter, at)| *letter = line.at(at).unwrap_or_default());
    letters.get(..label.len()).is_some_and(is_international_end)
}

/// Whether the end of a host is the first word of a sentence, which is written like a name: `ok.Fr`, `foto.Top!`.
pub(super) fn is_sentence(line: &Line<'_>, end: usize, last: &[u8], name: &[u8]) -> bool {
    /// Shortest name before `.De` that is one of a site rather than a word before a sentence.
    const NAME_CHARS_MIN: usize = 3;
    let start = end - last.len();
    let is_name = |at: usize| name.len() >= NAME_CHARS_MIN && line.is_capital(at);
    (is_word(last) || !last.is_ascii())
        && line.is_capital(start)
        && !line.is_capital(start + 1)
        && !start.checked_sub(name.len() + 1).is_some_and(is_name)
}
