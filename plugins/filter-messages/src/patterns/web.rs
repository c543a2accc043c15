//! Links and e-mail addresses.

use std::ops::Range;

use super::line::Line;

/// Ends of domains that make a link without `www.` before or `/` after them: those under which most sites are, without
/// those that are a file's ending or a common word.
const KNOWN_ENDS: &[&str] = &[
    "com", "net", "org", "info", "biz", "shop", "site", "online", "club", "vip", "xyz", "top", "app", "store", "live",
    "link", "click", "icu", "cc", "tv", "cn", "de", "tr", "uk", "ru", "jp", "kr", "fr", "eu", "br", "hk", "tw", "sa",
    "ae", "eg", "io", "ly",
];

/// Longest label of a domain, in characters (RFC 1035).
const LABEL_MAX: usize = 63;

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
    let is_label =
        |label: &str| !label.is_empty() && label.len() <= LABEL_MAX && !label.starts_with('-') && !label.ends_with('-');
    (labels.len() >= 2 && labels.iter().all(|label| is_label(label))).then_some(labels)
}

/// Whether a domain ends in letters, as every domain does.
fn has_name(labels: &[&str]) -> bool {
    labels.last().is_some_and(|end| end.len() >= 2 && end.bytes().all(|byte| byte.is_ascii_lowercase()))
}

fn is_address_of_numbers(labels: &[&str]) -> bool {
    labels.len() == 4 && labels.iter().all(|label| label.parse::<u8>().is_ok())
}

pub(super) fn links(line: &Line) -> Vec<Range<usize>> {
    let mut links = Vec::new();
    let mut at = 0;
    while at < line.len() {
        let end = link(line, at);
        if let Some(end) = end {
            links.push(line.bytes(at..end));
        }
        // A host is looked at from its beginning only.
        at = end.unwrap_or_else(|| {
            if line.at(at).is_some_and(is_in_host) { line.while_is(at, is_in_host) } else { at + 1 }
        });
    }
    links
}

/// Where a link ends that begins at `at`.
fn link(line: &Line, at: usize) -> Option<usize> {
    let scheme = ["https://", "http://", "ftp://"].into_iter().find(|scheme| line.starts_with(at, scheme));
    let from = at + scheme.map_or(0, str::len);
    if scheme.is_none() && line.before(at).is_some_and(|c| matches!(c, '@' | '/' | '_' | '+' | '%')) {
        return None;
    }
    let mut end = line.while_is(from, is_in_host);
    while end > from && line.before(end) == Some('.') {
        end -= 1;
    }
    let host = line.text(from..end);
    let labels = labels(&host)?;
    let next = line.at(end);
    if next == Some('@') {
        return None;
    }
    let has_path = next == Some('/') && line.at(end + 1).is_some_and(|c| !c.is_whitespace());
    let is_link = match scheme {
        Some(_) => has_name(&labels) || is_address_of_numbers(&labels),
        None if labels.first() == Some(&"www") => labels.len() >= 3 && has_name(&labels),
        None => {
            let known = labels.last().is_some_and(|end| KNOWN_ENDS.contains(end));
            let is_named = labels.iter().any(|label| label.bytes().any(|byte| byte.is_ascii_lowercase()));
            has_name(&labels) && is_named && (known && !is_product(&labels) || has_path)
        }
    };
    if !is_link {
        return None;
    }
    if !matches!(line.at(end), Some('/' | ':' | '?' | '#')) {
        return Some(end);
    }
    let mut end = line.while_is(end, |c| c.is_ascii_graphic());
    while end > from && line.before(end).is_some_and(is_ending) {
        end -= 1;
    }
    Some(end)
}

/// Names that end like a domain: `ASP.NET`.
fn is_product(labels: &[&str]) -> bool {
    matches!(labels, ["asp" | "ado" | "vb" | "ml", "net"] | ["socket", "io"])
}

pub(super) fn emails(line: &Line) -> Vec<Range<usize>> {
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
