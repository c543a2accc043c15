//! Long numbers: of accounts, groups, orders.

use std::ops::Range;

use super::line::Line;

/// Labels that are written directly before a contact's number: `QQ123456789`.
const LABELS: [&[u8]; 8] = [b"qq", b"vx", b"wx", b"v", b"q", b"tel", b"id", b"uid"];

/// Longest of these, in characters, and the one before it.
const LABEL_CHARS_MAX: usize = 4;

/// The numbers of at least `digits_min` digits.
pub(super) fn numbers(line: &Line<'_>, digits_min: usize, places_max: usize) -> Vec<Range<usize>> {
    let mut numbers = Vec::new();
    let mut at = 0;
    loop {
        at = line.while_is(at, |byte| !byte.is_ascii_digit());
        if at == line.len() || numbers.len() >= places_max {
            return numbers;
        }
        let end = line.while_is(at, |byte| byte.is_ascii_digit());
        if end - at >= digits_min && !is_part_of_number(line, at..end) {
            numbers.push(line.bytes(at..end));
        }
        at = end;
    }
}

/// Whether digits are a part of a fraction, a date, a time or a word.
fn is_part_of_number(line: &Line<'_>, digits: Range<usize>) -> bool {
    let is_word = |byte: u8| byte.is_ascii_alphabetic() || byte == b'_';
    let goes_on = |beside: u8, beyond: u8| {
        is_word(beside) || matches!(beside, b'.' | b',' | b':' | b'-' | b'/') && beyond.is_ascii_digit()
    };
    let before = line.plain(digits.start.saturating_sub(LABEL_CHARS_MAX)..digits.start);
    let label = before.rsplit(|byte| !byte.is_ascii_alphabetic()).next().unwrap_or_default();
    let is_labelled = LABELS.contains(&label)
        && !before
            .get(..before.len() - label.len())
            .unwrap_or_default()
            .last()
            .is_some_and(|byte| byte.is_ascii_digit() || *byte == b'_');
    let starts = !is_labelled
        && match *line.plain(digits.start.saturating_sub(2)..digits.start) {
            [beyond, beside] => goes_on(beside, beyond),
            [beside] => is_word(beside),
            _ => false,
        };
    starts || goes_on(line.byte(digits.end), line.byte(digits.end + 1))
}
