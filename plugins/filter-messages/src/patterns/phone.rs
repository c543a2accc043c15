//! Phone numbers and other long numbers.

use std::ops::Range;

use super::line::Line;

/// Fewest and most digits of a phone number with its country (E.164 allows 15).
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// Digits, in groups, with what is between them.
struct Groups {
    /// Where they are in the line.
    part: Range<usize>,
    has_plus: bool,
    /// The number of digits of each group, and the sign after it.
    groups: Vec<(usize, char)>,
    digits: String,
}

pub(super) fn phones(line: &Line<'_>) -> Vec<Range<usize>> {
    let mut phones = Vec::new();
    let mut at = 0;
    while at < line.len() {
        match groups(line, at) {
            Some(found) => {
                at = found.part.end.max(at + 1);
                if is_phone(line, &found) {
                    phones.push(line.bytes(found.part));
                }
            }
            None => at += 1,
        }
    }
    phones
}

/// The groups of digits that begin at `at`.
fn groups(line: &Line<'_>, at: usize) -> Option<Groups> {
    let first = line.at(at)?;
    let has_plus = first == '+';
    let opens = first == '(';
    if !(first.is_ascii_digit() || has_plus || opens) {
        return None;
    }
    let mut from = at + usize::from(has_plus || opens);
    let mut found = Groups { part: at..at, has_plus, groups: Vec::new(), digits: String::new() };
    loop {
        let end = line.while_is(from, |c| c.is_ascii_digit());
        if end == from {
            break;
        }
        found.digits.push_str(&line.text(from..end));
        found.part.end = end;
        let (next, sign) = between(line, end);
        found.groups.push((end - from, sign));
        from = next;
    }
    if found.groups.is_empty() {
        return None;
    }
    if let Some((_, sign)) = found.groups.last_mut() {
        *sign = '\0';
    }
    Some(found)
}

/// What is between two groups: where the next one begins, and the sign.
fn between(line: &Line<'_>, end: usize) -> (usize, char) {
    let sign = match line.at(end) {
        Some(sign @ ('-' | '.' | '/' | ' ' | '_')) => sign,
        Some(')') => return (end + 1 + usize::from(matches!(line.at(end + 1), Some(' ' | '-' | '_'))), ')'),
        _ => return (end, '\0'),
    };
    let opens = usize::from(line.at(end + 1) == Some('('));
    (end + 1 + opens, sign)
}

fn is_phone(line: &Line<'_>, found: &Groups) -> bool {
    let Groups { part, has_plus, groups, digits } = found;
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric() || c == '_');
    // A part of a longer number: of a fraction, a price, a time.
    let goes_on = |beside: Option<char>, beyond: Option<char>| {
        is_word(beside) || matches!(beside, Some('.' | ',' | ':')) && beyond.is_some_and(|c| c.is_ascii_digit())
    };
    let starts = part.start.checked_sub(2).and_then(|before| line.at(before));
    if goes_on(line.before(part.start), starts) || goes_on(line.at(part.end), line.at(part.end + 1)) {
        return false;
    }
    let len = digits.len();
    let sizes: Vec<usize> = groups.iter().map(|(size, _)| *size).collect();
    let signs: Vec<char> = groups.iter().map(|(_, sign)| *sign).filter(|sign| *sign != '\0').collect();
    // Numbers with one dot are fractions, four groups with dots addresses.
    if signs == ['.'] || signs == ['.'; 3] && sizes.iter().all(|size| *size <= 3) {
        return false;
    }
    let starts_with = |start: &str| digits.starts_with(start);
    if *has_plus {
        return DIGITS.contains(&len) && !starts_with("0");
    }
    if starts_with("00") {
        return (10..=17).contains(&len);
    }
    let is_digit = |at: usize, from: u8| digits.as_bytes().get(at).is_some_and(|byte| (from..=b'9').contains(byte));
    let is_mobile_of_china = len == 11
        && starts_with("1")
        && is_digit(1, b'3')
        && matches!(*sizes, [11] | [3, 8] | [7, 4] | [3, 4, 4] | [4, 4, 3] | [3, 2, 2, 2, 2]);
    // With the number of the country before it, areas and offices begin with 2 to 9.
    let is_american = len == 10 && sizes == [3, 3, 4] && !starts_with("0") && !starts_with("1")
        || len == 11 && sizes == [1, 3, 3, 4] && starts_with("1") && is_digit(1, b'2') && is_digit(4, b'2');
    let is_national = starts_with("0")
        && (9..=12).contains(&len)
        && sizes.len() <= 5
        && !is_date(&sizes, &signs)
        && (sizes.len() > 1 || len >= 10);
    is_mobile_of_china || is_american || is_national
}

/// Day, month and year, in either order.
fn is_date(sizes: &[usize], signs: &[char]) -> bool {
    matches!(sizes, [4, 1..=2, 1..=2, ..] | [1..=2, 1..=2, 2 | 4, ..]) && signs.first() == signs.get(1)
}

pub(super) fn numbers(line: &Line<'_>, digits_min: usize) -> Vec<Range<usize>> {
    let mut numbers = Vec::new();
    let mut at = 0;
    while at < line.len() {
        if !line.at(at).is_some_and(|c| c.is_ascii_digit()) {
            at += 1;
            continue;
        }
        let end = line.while_is(at, |c| c.is_ascii_digit());
        let joins = |sign: Option<char>, beyond: Option<char>| {
            matches!(sign, Some('.' | ',' | ':' | '-' | '/')) && beyond.is_some_and(|c| c.is_ascii_digit())
        };
        let is_word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
        let before = at.checked_sub(2).and_then(|before| line.at(before));
        let is_part = joins(line.before(at), before) || joins(line.at(end), line.at(end + 1));
        if end - at >= digits_min && !is_part && !is_word(line.before(at)) && !is_word(line.at(end)) {
            numbers.push(line.bytes(at..end));
        }
        at = end;
    }
    numbers
}
