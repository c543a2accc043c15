//! E-mail addresses.

use std::ops::Range;

use super::ends::is_known_end;
use super::host::{HOST_CHARS_MAX, host_start, international, is_end, is_in_host, is_wide, labels, span, trimmed};
use super::line::{Line, OTHER_LETTER, SPACED_LETTER};

/// Longest name before the `@`, in characters (RFC 5321).
const NAME_CHARS_MAX: usize = 64;

/// Most signs that are skipped on either side of the `@`: some write them so that no address is seen.
const SIGNS_MAX: usize = 3;

/// Whether one of these addresses has characters of this part, which is then no link. `Ask us @example.com` can be
/// either, and is taken for both.
pub(super) fn is_in_one_of(addresses: &[Range<usize>], line: &Line<'_>, part: &Range<usize>) -> bool {
    let next = addresses.partition_point(|address| address.end <= part.start);
    addresses.get(next).is_some_and(|address| address.start < part.end && is_whole(line, address))
}

/// Whether an address has no space before its `@`.
pub(super) fn is_whole(line: &Line<'_>, address: &Range<usize>) -> bool {
    !line.plain(address.clone()).contains(&b' ')
}

/// The addresses of a line, from left to right.
pub(super) fn addresses(line: &Line<'_>) -> Vec<Range<usize>> {
    let mut addresses = Vec::new();
    let (mut at, mut from) = (0, 0);
    loop {
        at = line.while_is(at, |byte| byte != b'@');
        if at == line.len() {
            return addresses;
        }
        match email(line, at, from) {
            Some(address) => {
                (at, from) = (address.end, address.end);
                addresses.push(address);
            }
            None => at += 1,
        }
    }
}

/// The address around its `@`, which begins at `from` or later.
fn email(line: &Line<'_>, at: usize, from: usize) -> Option<Range<usize>> {
    let (end, is_known) = host_end(line, at)?;
    name_start(line, from, at, is_known).map(|start| start..end)
}

/// Where the host after an `@` ends, and whether it has a known end.
fn host_end(line: &Line<'_>, at: usize) -> Option<(usize, bool)> {
    let first = at + 1;
    let after = line.plain(first..line.len().min(first + SIGNS_MAX));
    let first = first + after.iter().take_while(|byte| matches!(byte, b'.' | b'-')).count();
    let end_max = line.len().min(first + HOST_CHARS_MAX + 1);
    let after = line.plain(first..end_max);
    let len = after.iter().position(|byte| !is_in_host(*byte)).unwrap_or(after.len());
    let host = trimmed(after.get(..len)?);
    let last = labels(host).next_back()?;
    if last.len() < host.len() && is_end(last) && host_start(host) == Some(0) {
        return Some((first + host.len(), is_known_end(last)));
    }
    if !is_wide(line.byte(first + len)) {
        return None;
    }
    let (end, _) = span(line, first);
    let host = international(line, first..end.min(end_max), is_end)?;
    (host.start == first).then_some((host.end, true))
}

/// Where the name before an `@` begins.
fn name_start(line: &Line<'_>, from: usize, at: usize, is_known: bool) -> Option<usize> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || is_wide(byte);
    let before = line.plain(from..at);
    let signs = before.iter().rev().take(SIGNS_MAX).take_while(|byte| is_sign(**byte)).count();
    // `user @example.com` is a disguised address. Without a known end, `user @name` mentions someone.
    let is_apart = is_known && signs == 0 && before.ends_with(b" ");
    let before = before.get(..before.len() - signs - usize::from(is_apart))?;
    let last = *before.last().filter(|last| is_letter(**last) && !(is_apart && **last == OTHER_LETTER))?;
    let is_name = |byte: u8| {
        byte.is_ascii_alphanumeric()
            || byte == SPACED_LETTER
            || matches!(byte, b'.' | b'_' | b'%' | b'+' | b'-')
            || byte == OTHER_LETTER && last == OTHER_LETTER
    };
    let len = before.iter().rev().take(NAME_CHARS_MAX).take_while(|byte| is_name(**byte)).count();
    let start = before.len() - len;
    let skipped = before.get(start..)?.iter().position(|byte| is_letter(*byte))?;
    Some(from + start + skipped)
}

/// Signs that are allowed in a name or put around it.
const fn is_sign(byte: u8) -> bool {
    matches!(
        byte,
        b'.' | b'-'
            | b'_'
            | b'%'
            | b'+'
            | b'!'
            | b'#'
            | b'$'
            | b'&'
            | b'\''
            | b'*'
            | b'='
            | b'?'
            | b'^'
            | b'{'
            | b'}'
            | b'|'
            | b'~'
            | b'"'
            | b')'
            | b']'
            | b'@'
    )
}
