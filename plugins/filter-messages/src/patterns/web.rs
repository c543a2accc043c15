//! Links and e-mail addresses.

use std::ops::Range;

use plugin_sdk::text::letters::is_spaced;

use super::line::Line;

/// Ends of domains that make a link without `www.` before or `/` after them: those under which most sites are, without
/// those that are a file's ending or a common word.
const KNOWN_ENDS: &[&str] = &[
    "com", "net", "org", "info", "biz", "shop", "site", "online", "club", "vip", "xyz", "top", "app", "store", "live",
    "link", "click", "icu", "cc", "tv", "cn", "de", "tr", "uk", "ru", "jp", "kr", "fr", "eu", "br", "hk", "tw", "sa",
    "ae", "eg", "io", "ly",
];

/// The same in other alphabets, as [`Line`] reads them, without common words.
const INTERNATIONAL_ENDS: &[&str] = &[
    "рф",
    "рус",
    "орг",
    "ком",
    "укр",
    "бел",
    "срб",
    "бг",
    "мкд",
    "қаз",
    "ею",
    "中国",
    "公司",
    "网络",
    "网址",
    "网站",
    "中文网",
    "在线",
    "商城",
    "集团",
    "我爱你",
    "コム",
    "한국",
    "닷컴",
    "닷넷",
    "ไทย",
    "السعوديه",
    "امارات",
    "مصر",
    "شبكه",
    "موقع",
    "ελ",
    "קום",
];

/// What an address begins with, before `://`, whose host can be any.
const SCHEMES: [&str; 3] = ["https", "http", "ftp"];

/// Longest label of a domain, in characters (RFC 1035).
const LABEL_CHARS_MAX: usize = 63;

fn is_in_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '.'
}

/// Signs that end a sentence rather than an address.
fn is_ending(c: char) -> bool {
    matches!(c, '.' | ',' | ';' | ':' | '!' | '?' | ')' | ']' | '}' | '"' | '\'' | '>')
}

/// The labels of a host; `None` if it is none.
fn labels(host: &str) -> Option<Vec<&str>> {
    let labels: Vec<&str> = host.split('.').collect();
    let has_length = |label: &str| (1..=LABEL_CHARS_MAX).contains(&label.chars().count());
    let is_label = |label: &str| has_length(label) && !label.starts_with('-') && !label.ends_with('-');
    (labels.len() >= 2 && labels.iter().all(|label| is_label(label))).then_some(labels)
}

/// Whether a domain ends in letters, as every domain does.
fn has_name(labels: &[&str]) -> bool {
    labels.last().is_some_and(|end| {
        end.len() >= 2 && end.bytes().all(|byte| byte.is_ascii_lowercase()) || end.starts_with("xn--")
    })
}

fn is_address_of_numbers(labels: &[&str]) -> bool {
    labels.len() == 4 && labels.iter().all(|label| label.parse::<u8>().is_ok())
}

pub(super) fn links(line: &Line<'_>) -> Vec<Range<usize>> {
    let mut search = Links { line, letters: 0..0, span_end: 0 };
    let mut links = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let run = host_run(line, at);
        let found = if run == at { None } else { search.link(at, run) };
        // A host is looked at from its beginning only.
        at = found.as_ref().map_or(run, |link| link.end).max(at + 1);
        links.extend(found.map(|link| line.bytes(link)));
    }
    links
}

/// A search for links from left to right. It remembers what it has read before and after a host: otherwise a text in
/// which every other letter begins a host would be read once for each of them.
struct Links<'l, 't> {
    line: &'l Line<'t>,
    /// The letters before the last host that was looked at, see [`is_spaced_letter`].
    letters: Range<usize>,
    /// Where the last characters end that were examined as an international host.
    span_end: usize,
}

impl Links<'_, '_> {
    /// The link that begins with the characters of a host from `at` to `run`, or that these are a part of.
    fn link(&mut self, at: usize, run: usize) -> Option<Range<usize>> {
        let line = self.line;
        if let Some((start, from)) = scheme(line, at, run) {
            let end = host(line, from, host_run(line, from), true).map(|host| end(line, from, host));
            return end.or_else(|| address(line, from)).map(|end| start..end);
        }
        let start = self.letters_before(at);
        if is_hidden(line, start) {
            return None;
        }
        let first = host_start(line, at..run);
        if first == at {
            let host = host(line, at, run, false).map(|host| start..host);
            return host
                .or_else(|| self.international(at, run))
                .map(|host| host.start..end(line, host.start, host.end));
        }
        // In `é.example.com` the letters before the full stop are of the host.
        let host = self.international(at, run).or_else(|| host(line, first, run, false).map(|host| first..host));
        host.map(|host| host.start..end(line, host.start, host.end))
    }

    /// Where the letters begin that a host goes on from: its first ones may have accents.
    fn letters_before(&mut self, at: usize) -> usize {
        let is_other = |index: &usize| !self.line.at(*index).is_some_and(is_spaced_letter);
        let other = (self.letters.end..at).rev().find(is_other);
        self.letters = other.map_or(self.letters.start, |other| other + 1)..at;
        self.letters.start
    }

    /// A host with letters beyond ASCII, of which the characters from `at` to `run` are a part: `example.рф`,
    /// `пример.com`. Its full stops are those of ASCII: that of Chinese is mostly the end of a sentence.
    fn international(&mut self, at: usize, run: usize) -> Option<Range<usize>> {
        let line = self.line;
        let is_wide = |index: usize| line.at(index).is_some_and(|c| !c.is_ascii() && c.is_alphanumeric());
        let is_beside = is_wide(run) || at > 0 && is_wide(at - 1);
        if at < self.span_end || !is_beside || !(at..run).any(|index| line.at(index) == Some('.')) {
            return None;
        }
        let is_other = |index: &usize| !is_of_host(line, *index) && !is_wide(*index);
        let start = (self.span_end..at).rev().find(is_other).map_or(self.span_end, |other| other + 1);
        let mut end = (run..line.len()).find(is_other).unwrap_or(line.len());
        self.span_end = end;
        if is_hidden(line, start) {
            return None;
        }
        let start = host_start(line, start..end);
        if (start..end).any(|index| line.is_full_stop_of_chinese(index)) {
            return None;
        }
        while end > start && line.before(end) == Some('.') {
            end -= 1;
        }
        let host = line.text(start..end);
        let labels = labels(&host)?;
        let last = labels.last().copied().unwrap_or_default();
        let name = labels.iter().rev().nth(1).copied().unwrap_or_default();
        // `学习.net` is about a product.
        let is_known = KNOWN_ENDS.contains(&last) && (last != "net" || name.is_ascii());
        (line.at(end) != Some('@') && (is_known || INTERNATIONAL_ENDS.contains(&last))).then_some(start..end)
    }
}

/// Whether a character can be of a host. Two full stops cannot: a host ends before them, and another one can follow.
fn is_of_host(line: &Line<'_>, at: usize) -> bool {
    line.at(at).is_some_and(is_in_host) && !(line.at(at) == Some('.') && line.at(at + 1) == Some('.'))
}

/// Where the characters of a host end that begin at `from`.
fn host_run(line: &Line<'_>, from: usize) -> usize {
    (from..line.len()).find(|at| !is_of_host(line, *at)).unwrap_or(line.len())
}

/// Where a host begins among its characters: no label begins with a hyphen, and none is empty.
fn host_start(line: &Line<'_>, mut run: Range<usize>) -> usize {
    run.find(|at| !matches!(line.at(*at), Some('.' | '-'))).unwrap_or(run.end)
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
    let beyond = at.checked_sub(2).and_then(|beyond| line.at(beyond));
    match line.before(at) {
        Some('@') => true,
        Some('_') => beyond.is_some_and(|c| c.is_ascii_alphanumeric()),
        _ => false,
    }
}

/// Where the host ends that begins at `from`, if it is one; `run` is where the characters of a host end.
fn host(line: &Line<'_>, from: usize, run: usize, has_scheme: bool) -> Option<usize> {
    let mut end = run;
    while end > from && line.before(end) == Some('.') {
        end -= 1;
    }
    let host = line.text(from..end);
    let labels = labels(&host)?;
    let next = line.at(end);
    if next == Some('@') {
        return None;
    }
    let has_path = next == Some('/') && line.at(end + 1).is_some_and(|c| !c.is_whitespace()) && !is_in_path(line, from);
    let is_link = match has_scheme {
        true => has_name(&labels) || is_address_of_numbers(&labels),
        false if labels.first() == Some(&"www") => labels.len() >= 3 && has_name(&labels),
        false => {
            let known = labels.last().is_some_and(|end| KNOWN_ENDS.contains(end) || end.starts_with("xn--"));
            let is_named = labels.iter().any(|label| label.bytes().any(|byte| byte.is_ascii_lowercase()));
            has_name(&labels) && is_named && (known && !is_product(&labels) || has_path)
        }
    };
    is_link.then_some(end)
}

/// Whether one slash is before a place: of a path, in which folders have dots. Two are of a scheme.
fn is_in_path(line: &Line<'_>, at: usize) -> bool {
    let beyond = at.checked_sub(2).and_then(|beyond| line.at(beyond));
    line.before(at) == Some('/') && !matches!(beyond, Some('/' | ':'))
}

/// Where a link ends whose host ends at `host`.
fn end(line: &Line<'_>, from: usize, host: usize) -> usize {
    if !matches!(line.at(host), Some('/' | ':' | '?' | '#')) {
        return host;
    }
    let mut end = line.while_is(host, |c| c.is_ascii_graphic());
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
    let mut end = line.while_is(from, |c| c.is_ascii_graphic() || c.is_alphanumeric());
    while end > from && line.before(end).is_some_and(is_ending) {
        end -= 1;
    }
    Some(end)
}

/// Whether a character can be before the plain letters of a host: one of a script that puts spaces between words.
fn is_spaced_letter(c: char) -> bool {
    !c.is_ascii() && is_spaced(c) && c.is_alphabetic() || is_in_host(c) && c != '.'
}

/// Names that end like a domain: `ASP.NET`.
fn is_product(labels: &[&str]) -> bool {
    matches!(labels, ["asp" | "ado" | "vb" | "ml", "net"] | ["socket", "io"])
}

pub(super) fn emails(line: &Line<'_>) -> Vec<Range<usize>> {
    let is_local = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '%' | '+' | '-');
    let address = |at: usize| {
        let mut start = line.back_while(at, is_local);
        while start < at && line.at(start).is_some_and(|c| !c.is_ascii_alphanumeric()) {
            start += 1;
        }
        let mut end = line.while_is(at + 1, is_in_host);
        while end > at + 1 && line.before(end) == Some('.') {
            end -= 1;
        }
        let host = line.text(at + 1..end);
        let is_address =
            start < at && line.before(at) != Some('.') && labels(&host).is_some_and(|labels| has_name(&labels));
        is_address.then(|| line.bytes(start..end))
    };
    (0..line.len()).filter(|at| line.at(*at) == Some('@')).filter_map(address).collect()
}
