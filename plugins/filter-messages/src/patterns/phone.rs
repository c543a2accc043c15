//! Phone numbers.

use std::ops::Range;

use super::line::Line;

/// Fewest and most digits of a phone number with its country (E.164 allows 15).
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// Most digits of a number as it is dialled from abroad: `00` and [`DIGITS`].
const DIALLED_MAX: usize = 17;

/// Most groups of digits that are read as one number; more are the beginning of another one.
const GROUPS_MAX: usize = 16;

/// Most groups of a number that is not dialled from abroad.
const LOCAL_GROUPS_MAX: usize = 5;

/// Fewest digits of a number that is one of several groups by itself.
const DIGITS_ALONE_MIN: usize = 10;

/// Most groups before or after a number that are taken for something else.
const BESIDE_MAX: usize = 2;

/// Digits without anything between them.
struct Group {
    part: Range<usize>,
    /// What is between this group and the next one.
    sign: u8,
}

impl Group {
    /// Whether this can be something else than the number beside it: `2 13812345678`, `13812345678 24h`.
    fn is_beside(&self, sign: u8) -> bool {
        self.part.len() <= 2 && sign == b' '
    }
}

pub(super) fn phones(line: &Line<'_>, places_max: usize) -> Vec<Range<usize>> {
    let mut phones = Vec::new();
    let mut groups = Vec::with_capacity(GROUPS_MAX);
    let mut at = 0;
    loop {
        at = line.while_is(at, |byte| !is_start(byte));
        if at == line.len() || phones.len() >= places_max {
            return phones;
        }
        if !goes_on(line, at) {
            at += 1;
            continue;
        }
        let end = read_groups(line, at, &mut groups);
        let digits: usize = groups.iter().map(|group| group.part.len()).sum();
        if digits >= *DIGITS.start() {
            phones.extend(phones_of(line, at, &groups).into_iter().map(|phone| line.bytes(phone)));
        }
        at = end.max(at + 1);
    }
}

const fn is_start(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'(')
}

/// Whether a second digit can follow: most digits stand alone.
fn goes_on(line: &Line<'_>, at: usize) -> bool {
    let is_between = |byte: u8| matches!(byte, b'-' | b'.' | b'/' | b' ' | b'_' | b')' | b'(');
    let (next, then) = (line.byte(at + 1), line.byte(at + 2));
    next.is_ascii_digit() || is_between(next) && (then.is_ascii_digit() || is_between(then))
}

/// Reads the groups of digits that begin at `at`, and says where they end.
fn read_groups(line: &Line<'_>, at: usize, groups: &mut Vec<Group>) -> usize {
    groups.clear();
    let (mut from, mut to) = (at + usize::from(!line.byte(at).is_ascii_digit()), at);
    loop {
        let end = line.while_is(from, |byte| byte.is_ascii_digit());
        if end == from {
            return to;
        }
        let (next, sign) = between(line, end);
        groups.push(Group { part: from..end, sign });
        to = end;
        if groups.len() == GROUPS_MAX {
            return to;
        }
        from = next;
    }
}

/// What is between two groups: where the next one begins, and the sign.
fn between(line: &Line<'_>, end: usize) -> (usize, u8) {
    let sign = match line.byte(end) {
        sign @ (b'-' | b'.' | b'/' | b' ' | b'_') => sign,
        b')' => return (end + 1 + usize::from(matches!(line.byte(end + 1), b' ' | b'-' | b'_')), b')'),
        _ => return (end, 0),
    };
    let opens = usize::from(line.byte(end + 1) == b'(');
    (end + 1 + opens, sign)
}

/// The phone numbers among groups that begin at `start`: all of them, all but short ones beside, or single ones.
fn phones_of(line: &Line<'_>, start: usize, groups: &[Group]) -> Vec<Range<usize>> {
    let ends = |from: usize, to: usize| {
        let (first, last) = (groups.get(from)?, groups.get(to.checked_sub(1)?)?);
        Some(if from == 0 { start } else { first.part.start }..last.part.end)
    };
    let phone = |from: usize, to: usize| {
        let part = ends(from, to)?;
        is_phone(line, &part, groups.get(from..to)?).then_some(part)
    };
    let spaced = |from: usize| from == 0 || groups.get(from - 1).is_some_and(|before| before.sign == b' ');
    let before = groups.iter().take(BESIDE_MAX).take_while(|group| group.is_beside(group.sign)).count();
    let after = (1..groups.len()).rev().take(BESIDE_MAX);
    let after =
        after.take_while(|index| groups.get(*index).is_some_and(|group| group.part.len() <= 2) && spaced(*index));
    let after = after.count();
    for dropped in 0..=before + after {
        for first in dropped.saturating_sub(after)..=dropped.min(before) {
            if let Some(phone) = phone(first, groups.len().saturating_sub(dropped - first)) {
                return vec![phone];
            }
        }
    }
    let is_long = |index: &usize| groups.get(*index).is_some_and(|group| group.part.len() >= DIGITS_ALONE_MIN);
    let is_alone = |index: &usize| is_long(index) && spaced(*index) && (index + 1 == groups.len() || spaced(index + 1));
    (0..groups.len()).filter(is_alone).filter_map(|index| phone(index, index + 1)).collect()
}

fn is_phone(line: &Line<'_>, part: &Range<usize>, groups: &[Group]) -> bool {
    let has_plus = line.byte(part.start) == b'+';
    let is_dialled_abroad = has_plus || groups.first().is_some_and(|first| line.byte(first.part.start) == b'0');
    if groups.len() > LOCAL_GROUPS_MAX && !is_dialled_abroad {
        return false;
    }
    let len = groups.iter().map(|group| group.part.len()).sum();
    if !(*DIGITS.start()..=DIALLED_MAX).contains(&len) {
        return false;
    }
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    // A part of a longer number: of a fraction, a price, a time.
    let goes_on =
        |beside: u8, beyond: u8| is_word(beside) || matches!(beside, b'.' | b',' | b':') && beyond.is_ascii_digit();
    let starts = match *line.plain(part.start.saturating_sub(2)..part.start) {
        [beyond, beside] => goes_on(beside, beyond),
        [beside] => is_word(beside),
        _ => false,
    };
    if starts || goes_on(line.byte(part.end), line.byte(part.end + 1)) {
        return false;
    }
    let (mut digits, mut sizes, mut signs) = ([0; DIALLED_MAX], [0; GROUPS_MAX], [0; GROUPS_MAX]);
    let all = groups.iter().flat_map(|group| line.plain(group.part.clone()));
    digits.iter_mut().zip(all).for_each(|(room, digit)| *room = *digit);
    sizes.iter_mut().zip(groups).for_each(|(room, group)| *room = group.part.len());
    signs.iter_mut().zip(groups).for_each(|(room, group)| *room = group.sign);
    let (Some(digits), Some(sizes), Some(signs)) =
        (digits.get(..len), sizes.get(..groups.len()), signs.get(..groups.len().saturating_sub(1)))
    else {
        return false;
    };
    // Numbers with one dot are fractions, four groups with dots addresses.
    let is_other = signs == b"." || signs == b"..." && sizes.iter().all(|size| *size <= 3);
    !is_other && if has_plus { is_of_a_country(digits) } else { is_local(digits, sizes, signs) }
}

/// Whether these digits are a number after `+`.
fn is_of_a_country(digits: &[u8]) -> bool {
    DIGITS.contains(&digits.len()) && !digits.starts_with(b"0")
}

/// Whether these digits are a number as it is dialled, in groups of these sizes with these signs between them.
fn is_local(digits: &[u8], sizes: &[usize], signs: &[u8]) -> bool {
    let len = digits.len();
    let starts_with = |start: &[u8]| digits.starts_with(start);
    if starts_with(b"00") {
        return (10..=DIALLED_MAX).contains(&len) && !starts_with(b"000");
    }
    let is_digit = |at: usize, from: u8| digits.get(at).is_some_and(|byte| (from..=b'9').contains(byte));
    let is_mobile_of_china = len == 11
        && starts_with(b"1")
        && is_digit(1, b'3')
        && matches!(*sizes, [11] | [3, 8] | [7, 4] | [3, 4, 4] | [4, 4, 3] | [3, 2, 2, 2, 2]);
    // With the number of the country before it, areas and offices begin with 2 to 9.
    let is_american = len == 10 && sizes == [3, 3, 4] && !starts_with(b"0") && !starts_with(b"1")
        || len == 11 && sizes == [1, 3, 3, 4] && starts_with(b"1") && is_digit(1, b'2') && is_digit(4, b'2');
    let is_national = starts_with(b"0")
        && (9..=12).contains(&len)
        && sizes.len() <= LOCAL_GROUPS_MAX
        && !is_date(sizes, signs)
        && (sizes.len() > 1 || len >= 10);
    is_mobile_of_china || is_american || is_national
}

/// Day, month and year, in either order.
fn is_date(sizes: &[usize], signs: &[u8]) -> bool {
    matches!(sizes, [4, 1..=2, 1..=2, ..] | [1..=2, 1..=2, 2 | 4, ..]) && signs.first() == signs.get(1)
}
