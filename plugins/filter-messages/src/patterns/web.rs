//! Links.

use std::ops::Range;

use super::email::{is_in_one_of, is_whole};
use super::ends::{is_known_before_path, is_known_end, is_word_of_code};
use super::host::{
    HOST_CHARS_MAX, LETTER, STOP, WIDE, class, host_start, international, is_end, is_in_host, is_sentence, is_wide,
    labels, span, trimmed,
};
use super::line::{Line, SPACED_LETTER};

/// What an address begins with, before `://`, whose host can be any.
const SCHEMES: [&str; 3] = ["https", "http", "ftp"];

/// Most signs between a scheme and its host, which browsers skip.
const SCHEME_SIGNS_MAX: usize = 8;

/// Signs that end a sentence rather than an address.
fn is_ending(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']' | '}' | '"' | '\'' | '>')
}

fn is_address_of_numbers(host: &[u8]) -> bool {
    let is_byte = |label: &[u8]| std::str::from_utf8(label).is_ok_and(|label| label.parse::<u8>().is_ok());
    labels(host).count() == 4 && labels(host).all(is_byte)
}

/// Names that end like a domain: `ASP.NET`.
fn is_product(host: &[u8]) -> bool {
    matches!(host, b"asp.net" | b"ado.net" | b"vb.net" | b"ml.net" | b"socket.io")
}

/// The links of a line that has these e-mail addresses.
pub(super) fn links(line: &Line<'_>, addresses: &[Range<usize>], places_max: usize) -> Vec<Range<usize>> {
    let mut links = Vec::new();
    let mut next_addresses = addresses.iter().peekable();
    let mut at = 0;
    loop {
        at = line.while_is(at, |byte| class(byte) == 0);
        if at == line.len() || links.len() >= places_max {
            return links;
        }
        while next_addresses.next_if(|address| address.end <= at).is_some() {}
        if let Some(address) = next_addresses.next_if(|address| address.start <= at && is_whole(line, address)) {
            at = address.end;
            continue;
        }
        let (end, classes) = span(line, at);
        at = if classes & STOP != 0 && classes & (LETTER | WIDE) != 0 || line.starts_with(end, "://") {
            let is_international = classes & WIDE != 0;
            Span { line, addresses, rest: at..end, letters: at, is_international }.links(&mut links)
        } else {
            end
        }
        .max(at + 1);
    }
}

/// The characters that can be of one host, read from left to right and each a bounded number of times: otherwise a text
/// in which every other letter begins a host would be read once for each of them.
struct Span<'l, 't> {
    line: &'l Line<'t>,
    addresses: &'l [Range<usize>],
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
            let host = host(line, from..host_run(line, from)).filter(|host| host.start == from);
            let end = host.map(|host| end(line, from, host.end));
            return end.or_else(|| address(line, from)).map(|end| start..end);
        }
        if !line.plain(at..run).contains(&b'.') {
            return None;
        }
        let plain = host_alone(line, at..run, self.letters);
        let host = match plain {
            Some(host) if host.start == at => Some(self.letters..host.end),
            // In `é.example.com` the letters before the full stop are of the host.
            plain => self.international().or(plain),
        };
        let host = host.filter(|host| !is_in_one_of(self.addresses, line, host))?;
        Some(host.start..end(line, host.start, host.end))
    }

    /// A host with letters beyond ASCII, which is all that is left: `example.рф`, `пример.com`.
    fn international(&mut self) -> Option<Range<usize>> {
        if !std::mem::take(&mut self.is_international) || is_after_underscore(self.line, self.rest.start) {
            return None;
        }
        international(self.line, self.rest.clone(), is_known_end)
    }
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
    let from = run + "://".len();
    let signs = line.plain(from..line.len().min(from + SCHEME_SIGNS_MAX));
    let is_sign = |byte: &&u8| matches!(byte, b'/' | b'@' | b'.');
    Some((start, from + signs.iter().take_while(is_sign).count()))
}

/// Whether what is before a host makes it a part of a name in a program: `my_tool.app`.
fn is_after_underscore(line: &Line<'_>, at: usize) -> bool {
    matches!(*line.plain(at.saturating_sub(2)..at), [beyond, b'_'] if beyond.is_ascii_alphanumeric())
}

/// The host after a scheme.
fn host(line: &Line<'_>, part: Range<usize>) -> Option<Range<usize>> {
    let host = trimmed(line.plain(part.clone()));
    let is_host = is_end(labels(host).next_back()?) || is_address_of_numbers(host);
    if is_host { host_start(host).map(|start| part.start + start..part.start + host.len()) } else { None }
}

/// The host without a scheme that these characters are, or end with; its letters begin at `letters`.
fn host_alone(line: &Line<'_>, part: Range<usize>, letters: usize) -> Option<Range<usize>> {
    let host = trimmed(line.plain(part.clone()));
    let end = part.start + host.len();
    let mut ends = labels(host).rev();
    let last = ends.next()?;
    // What is no link is mostly known by its end, which costs least.
    if !is_end(last) {
        return None;
    }
    let next = line.byte(end);
    let is_link = if host.starts_with(b"www.") && labels(host).count() >= 3 {
        true
    } else if next == b'/' && line.at(end + 1).is_some_and(|c| !c.is_whitespace()) {
        let is_in_path = is_in_path(line, part.start) || is_after_underscore(line, letters);
        !is_in_path || is_known_before_path(last) && !is_product(host)
    } else {
        is_known_end(last)
            && !is_product(host)
            && !is_after_underscore(line, letters)
            && (next != b'(' || is_wide(line.byte(end + 1)) || !is_word_of_code(last))
            && !is_sentence(line, end, last, ends.next().unwrap_or_default())
    };
    if is_link { host_start(host).map(|start| part.start + start..end) } else { None }
}

/// Whether one slash is before a place: of a path, in which folders have dots. Two are of a scheme.
fn is_in_path(line: &Line<'_>, at: usize) -> bool {
    let before = line.plain(at.saturating_sub(2)..at);
    before.ends_with(b"/") && !matches!(before, b"//" | b":/")
}

/// Where a link ends whose host ends at `host`. Letters beyond ASCII are of its path if they follow without a space.
fn end(line: &Line<'_>, from: usize, host: usize) -> usize {
    match line.byte(host) {
        b'/' => {}
        b':' | b'?' | b'#' if !is_wide(line.byte(host + 1)) => {}
        _ => return host,
    }
    path_end(line, from, host)
}

/// Where a path ends that begins at `path`: before white space, a sign of Chinese or signs of a sentence.
fn path_end(line: &Line<'_>, from: usize, path: usize) -> usize {
    let mut end = path;
    while (line.byte(end).is_ascii_graphic() || is_wide(line.byte(end))) && !line.is_sign_of_chinese(end) {
        end += 1;
    }
    while end > from && line.before(end).is_some_and(is_ending) {
        end -= 1;
    }
    end
}

/// Where an address ends that begins after a scheme, whatever its host is.
fn address(line: &Line<'_>, from: usize) -> Option<usize> {
    let is_emoji = line.is_emoji(from);
    let is_first = |first: char| first.is_alphanumeric() || matches!(first, '[' | '_' | '%' | '-');
    if !is_emoji && !line.at(from).is_some_and(is_first) {
        return None;
    }
    if is_emoji {
        let host = (from..from + HOST_CHARS_MAX).take_while(|at| class(line.byte(*at)) != 0 || line.is_emoji(*at));
        let stop = host.into_iter().find(|at| line.byte(*at) == b'.')?;
        return class(line.byte(stop + 1)).ne(&0).then(|| end(line, from, span(line, stop + 1).0));
    }
    Some(path_end(line, from, from))
}
