//! Links and e-mail addresses.

use std::ops::Range;

use super::line::{Line, OTHER_LETTER, SPACED_LETTER};

/// Whether a domain with this end is a link without `www.` before or `/` after it: an end under which most sites are,
/// other than those that are a file's ending or a common word.
fn is_known_end(label: &[u8]) -> bool {
    matches!(
        label,
        b"com"
            | b"net"
            | b"org"
            | b"info"
            | b"biz"
            | b"shop"
            | b"site"
            | b"online"
            | b"club"
            | b"vip"
            | b"xyz"
            | b"top"
            | b"app"
            | b"store"
            | b"live"
            | b"link"
            | b"click"
            | b"icu"
            | b"cc"
            | b"tv"
            | b"cn"
            | b"de"
            | b"tr"
            | b"uk"
            | b"ru"
            | b"jp"
            | b"kr"
            | b"fr"
            | b"eu"
            | b"br"
            | b"hk"
            | b"tw"
            | b"sa"
            | b"ae"
            | b"eg"
            | b"io"
            | b"ly"
    ) || label.starts_with(b"xn--")
}

/// The same for ends in other alphabets, as [`Line`] reads them, without common words.
const fn is_international_end(label: &[char]) -> bool {
    matches!(
        label,
        ['р', 'ф']
            | ['б', 'г']
            | ['е', 'ю']
            | ['中', '国']
            | ['公', '司']
            | ['网', '络']
            | ['网', '址']
            | ['网', '站']
            | ['在', '线']
            | ['商', '城']
            | ['集', '团']
            | ['コ', 'ム']
            | ['한', '국']
            | ['닷', '컴']
            | ['닷', '넷']
            | ['ε', 'λ']
            | ['р', 'у', 'с']
            | ['о', 'р', 'г']
            | ['к', 'о', 'м']
            | ['у', 'к', 'р']
            | ['б', 'е', 'л']
            | ['с', 'р', 'б']
            | ['м', 'к', 'д']
            | ['қ', 'а', 'з']
            | ['中', '文', '网']
            | ['我', '爱', '你']
            | ['ไ', 'ท', 'ย']
            | ['م', 'ص', 'ر']
            | ['ק', 'ו', 'ם']
            | ['ش', 'ب', 'ك', 'ه']
            | ['م', 'و', 'ق', 'ع']
            | ['ا', 'م', 'ا', 'ر', 'ا', 'ت']
            | ['ا', 'ل', 'س', 'ع', 'و', 'د', 'ي', 'ه']
    )
}

/// Longest of these, in characters.
const INTERNATIONAL_END_CHARS_MAX: usize = 8;

/// What an address begins with, before `://`, whose host can be any.
const SCHEMES: [&str; 3] = ["https", "http", "ftp"];

/// Longest domain, in characters (RFC 1035).
const HOST_CHARS_MAX: usize = 253;

/// Longest label of a domain, in characters (RFC 1035).
const LABEL_CHARS_MAX: usize = 63;

/// Characters of hosts other than full stops, in [`CLASSES`].
const PLAIN: u8 = 1;
/// Full stops.
const STOP: u8 = 2;
/// Letters beyond ASCII.
const WIDE: u8 = 4;

/// What each character of [`Line::plain`] can be in a host; 0 if it is in none.
#[expect(clippy::indexing_slicing, reason = "a constant: a wrong index would not compile")]
const CLASSES: [u8; 256] = {
    let mut classes = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'.' => STOP,
            b'-' | b'0'..=b'9' | b'a'..=b'z' => PLAIN,
            SPACED_LETTER | OTHER_LETTER => WIDE,
            _ => 0,
        };
        byte += 1;
    }
    classes
};

fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or(0)
}

fn is_in_host(byte: u8) -> bool {
    class(byte) & (PLAIN | STOP) != 0
}

fn is_wide(byte: u8) -> bool {
    class(byte) == WIDE
}

/// Signs that end a sentence rather than an address.
fn is_ending(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']' | '}' | '"' | '\'' | '>')
}

fn labels(host: &[u8]) -> impl DoubleEndedIterator<Item = &[u8]> {
    host.split(|byte| *byte == b'.')
}

/// Where the longest host begins that these characters end with: two labels or more. No label is empty or begins or
/// ends with a hyphen.
fn host_start(chars: &[u8]) -> Option<usize> {
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
fn is_end(label: &[u8]) -> bool {
    label.len() >= 2 && label.iter().all(u8::is_ascii_lowercase) || label.starts_with(b"xn--")
}

fn is_address_of_numbers(host: &[u8]) -> bool {
    let is_byte = |label: &[u8]| std::str::from_utf8(label).is_ok_and(|label| label.parse::<u8>().is_ok());
    labels(host).count() == 4 && labels(host).all(is_byte)
}

/// Names that end like a domain: `ASP.NET`.
fn is_product(host: &[u8]) -> bool {
    matches!(host, b"asp.net" | b"ado.net" | b"vb.net" | b"ml.net" | b"socket.io")
}

pub(super) fn links(line: &Line<'_>, places_max: usize) -> Vec<Range<usize>> {
    let mut links = Vec::new();
    let mut at = 0;
    loop {
        at = line.while_is(at, |byte| class(byte) == 0);
        if at == line.len() || links.len() >= places_max {
            return links;
        }
        let (end, classes) = span(line, at);
        at = if classes & STOP != 0 || line.starts_with(end, "://") {
            Span { line, rest: at..end, letters: at, is_international: classes & WIDE != 0 }.links(&mut links)
        } else {
            end
        }
        .max(at + 1);
    }
}

/// Where the characters end that begin at `from` and can be of a host with letters of any alphabet, and the classes of
/// these. Two full stops are no part of a host: one ends before them, and another one can follow.
fn span(line: &Line<'_>, from: usize) -> (usize, u8) {
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

/// The characters that can be of one host, read from left to right and each a bounded number of times: otherwise a text
/// in which every other letter begins a host would be read once for each of them.
struct Span<'l, 't> {
    line: &'l Line<'t>,
    /// What is after the last link.
    rest: Range<usize>,
    /// Where the letters begin that a host goes on from: its first ones may have accents.
    letters: usize,
    /// Whether the rest can be a host with letters beyond ASCII. It is tried once.
    is_international: bool,
}

impl Span<'_, '_> {
    /// Adds its links, and says where it or the last of them ends.
    fn links(mut self, links: &mut Vec<Range<usize>>) -> usize {
        let line = self.line;
        let mut at = self.rest.start;
        while at < self.rest.end {
            let byte = line.byte(at);
            if is_wide(byte) {
                at += 1;
                // Words of other scripts have no spaces between them.
                self.letters = if byte == SPACED_LETTER { self.letters } else { at };
                continue;
            }
            let run = at + line.plain(at..self.rest.end).iter().take_while(|byte| is_in_host(**byte)).count();
            if let Some(link) = self.link(at, run) {
                at = link.end;
                (self.rest.start, self.letters) = (at, at);
                links.push(line.bytes(link));
            } else {
                let stop = line.plain(at..run).iter().rposition(|byte| *byte == b'.');
                self.letters = stop.map_or(self.letters, |stop| at + stop + 1);
                at = run;
            }
        }
        at
    }

    /// The link that begins with the characters of a host from `at` to `run`, or that these are a part of.
    fn link(&mut self, at: usize, run: usize) -> Option<Range<usize>> {
        let line = self.line;
        if let Some((start, from)) = scheme(line, at, run) {
            let host = host(line, from, host_run(line, from), true).filter(|host| host.start == from);
            let end = host.map(|host| end(line, from, host.end));
            return end.or_else(|| address(line, from)).map(|end| start..end);
        }
        if !line.plain(at..run).contains(&b'.') || is_hidden(line, self.letters) {
            return None;
        }
        let plain = host(line, at, run, false);
        let host = match plain {
            Some(host) if host.start == at => Some(self.letters..host.end),
            // In `é.example.com` the letters before the full stop are of the host.
            plain => self.international().or(plain),
        };
        host.map(|host| host.start..end(line, host.start, host.end))
    }

    /// A host with letters beyond ASCII, which is all that is left: `example.рф`, `пример.com`. Its full stops are
    /// those of ASCII: that of Chinese is mostly the end of a sentence.
    fn international(&mut self) -> Option<Range<usize>> {
        let line = self.line;
        if !std::mem::take(&mut self.is_international) || is_hidden(line, self.rest.start) {
            return None;
        }
        let host = line.plain(self.rest.clone());
        let host = host.strip_suffix(b".").unwrap_or(host);
        let end = self.rest.start + host.len();
        let mut ends = labels(host).rev();
        let (last, name) = (ends.next()?, ends.next()?);
        if line.byte(end) == b'@' {
            return None;
        }
        // `学习.net` is about a product.
        let is_known = is_known_end(last) && (last != b"net" || name.is_ascii())
            || !last.is_ascii() && is_known_wide_end(line, end - last.len()..end);
        let start = if is_known { self.rest.start + host_start(host)? } else { return None };
        (!(start..end).any(|index| line.is_full_stop_of_chinese(index))).then_some(start..end)
    }
}

/// Whether a label with letters beyond ASCII is one under which sites are.
fn is_known_wide_end(line: &Line<'_>, label: Range<usize>) -> bool {
    let mut letters = ['\0'; INTERNATIONAL_END_CHARS_MAX];
    letters.iter_mut().zip(label.clone()).for_each(|(letter, at)| *letter = line.at(at).unwrap_or_default());
    letters.get(..label.len()).is_some_and(is_international_end)
}

/// Where the characters of a host end that begin at `from`.
fn host_run(line: &Line<'_>, from: usize) -> usize {
    let (end, classes) = span(line, from);
    if classes & WIDE == 0 { end } else { line.while_is(from, is_in_host).min(end) }
}

/// Where a scheme begins that these characters end with, and where it ends: `xhttp://` is one for many clients.
fn scheme(line: &Line<'_>, at: usize, run: usize) -> Option<(usize, usize)> {
    if !line.starts_with(run, "://") {
        return None;
    }
    let starts = SCHEMES.iter().filter_map(|scheme| Some((run.checked_sub(scheme.len())?, scheme)));
    let (start, _) = starts.into_iter().find(|(start, scheme)| *start >= at && line.starts_with(*start, scheme))?;
    Some((start, run + "://".len()))
}

/// Whether what is before a host makes it a part of something else: of an e-mail address, or of a name in a program.
fn is_hidden(line: &Line<'_>, at: usize) -> bool {
    match *line.plain(at.saturating_sub(2)..at) {
        [.., b'@'] => true,
        [beyond, b'_'] => beyond.is_ascii_alphanumeric(),
        _ => false,
    }
}

/// The host that is written from `from` on, or as the end of what is; `run` is where the characters of a host end.
fn host(line: &Line<'_>, from: usize, run: usize, has_scheme: bool) -> Option<Range<usize>> {
    let host = line.plain(from..run);
    let host = host.strip_suffix(b".").unwrap_or(host);
    let end = from + host.len();
    let next = line.byte(end);
    let last = labels(host).next_back()?;
    // What is no link is mostly known by its end, which costs least.
    let is_link = match has_scheme {
        true => is_end(last) || is_address_of_numbers(host),
        false if !is_end(last) => false,
        false if host.starts_with(b"www.") => labels(host).count() >= 3,
        false => {
            is_known_end(last) && !is_product(host)
                || next == b'/' && line.at(end + 1).is_some_and(|c| !c.is_whitespace()) && !is_in_path(line, from)
        }
    };
    if !is_link || next == b'@' {
        return None;
    }
    host_start(host).map(|start| from + start..end)
}

/// Whether one slash is before a place: of a path, in which folders have dots. Two are of a scheme.
fn is_in_path(line: &Line<'_>, at: usize) -> bool {
    let before = line.plain(at.saturating_sub(2)..at);
    before.ends_with(b"/") && !matches!(before, b"//" | b":/")
}

/// Where a link ends whose host ends at `host`.
fn end(line: &Line<'_>, from: usize, host: usize) -> usize {
    if !matches!(line.at(host), Some('/' | ':' | '?' | '#')) {
        return host;
    }
    let mut end = line.while_is(host, |byte| byte.is_ascii_graphic());
    while end > from && line.before(end).is_some_and(is_ending) {
        end -= 1;
    }
    end
}

/// Where an address ends that begins after a scheme, whatever its host is.
fn address(line: &Line<'_>, from: usize) -> Option<usize> {
    if !line.at(from).is_some_and(|first| first.is_alphanumeric() || matches!(first, '[' | '_' | '%' | '-')) {
        return None;
    }
    let mut end = line.while_is(from, |byte| byte.is_ascii_graphic() || is_wide(byte));
    while end > from && line.before(end).is_some_and(is_ending) {
        end -= 1;
    }
    Some(end)
}

pub(super) fn emails(line: &Line<'_>, places_max: usize) -> Vec<Range<usize>> {
    let signs = line.plain(0..line.len()).iter().enumerate().filter(|(_, byte)| **byte == b'@');
    signs.filter_map(|(at, _)| email(line, at)).map(|address| line.bytes(address)).take(places_max).collect()
}

/// The address around its `@`.
fn email(line: &Line<'_>, at: usize) -> Option<Range<usize>> {
    let after = line.plain(at + 1..line.len());
    let host = after.get(..after.iter().position(|byte| !is_in_host(*byte)).unwrap_or(after.len()))?;
    let host = host.get(..host.iter().rposition(|byte| *byte != b'.')? + 1)?;
    if !host.contains(&b'.') || !labels(host).next_back().is_some_and(is_end) || host_start(host) != Some(0) {
        return None;
    }
    let is_local = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-');
    let before = line.plain(0..at);
    let start = before.iter().rposition(|byte| !is_local(byte)).map_or(0, |other| other + 1);
    let start = start + before.get(start..)?.iter().position(u8::is_ascii_alphanumeric)?;
    (!before.ends_with(b".")).then_some(start..at + 1 + host.len())
}
