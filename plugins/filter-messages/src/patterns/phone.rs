//! Phone numbers.
//!
//! Digits are read in groups with signs between them. Mobile numbers of China are known by their form wherever they are
//! among other groups. Any other number has to be all of the groups, but for short ones or another number beside it.

use std::ops::Range;

use super::line::{Line, SIGN};

/// Fewest and most digits of a phone number with its country (E.164 allows 15).
const DIGITS: std::ops::RangeInclusive<usize> = 8..=15;

/// Most digits of a number as it is dialled from abroad: `00` and [`DIGITS`].
const DIALLED_MAX: usize = 17;

/// Most groups of digits that are read at once; more are the beginning of another number.
const GROUPS_MAX: usize = 16;

/// Most groups of a number that is not dialled from abroad.
const LOCAL_GROUPS_MAX: usize = 5;

/// Most groups before or after a number that are taken for something else: `2 13812345678`, `24/7`.
const BESIDE_MAX: usize = 2;

/// Most characters between two groups.
const SEPARATORS_MAX: usize = 3;

/// Most letters beside a number that are read to learn whether it is a part of a word.
const LETTERS_READ_MAX: usize = 16;

/// Digits without anything between them.
struct Group {
    part: Range<usize>,
    /// What is between this group and the next one.
    sign: u8,
}

impl Group {
    /// Whether this can be something else than the number beside it.
    fn is_short(&self) -> bool {
        self.part.len() <= 2
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
            Groups { line, start: at, groups: &groups }.phones(&mut phones);
        }
        at = end.max(at + 1);
    }
}

const fn is_start(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'(')
}

/// Whether a second digit can follow: most digits stand alone.
fn goes_on(line: &Line<'_>, at: usize) -> bool {
    let next = line.byte(at + 1);
    next.is_ascii_digit() || next == b'(' || separator(line, at + 1) != 0
}

/// Reads the groups of digits that begin at `at`, and says where they end.
fn read_groups(line: &Line<'_>, at: usize, groups: &mut Vec<Group>) -> usize {
    groups.clear();
    let (mut from, mut to) = (at + usize::from(!line.byte(at).is_ascii_digit()), at);
    loop {
        let mut end = from;
        while line.byte(end).is_ascii_digit() {
            end += 1;
        }
        if end == from {
            return to;
        }
        let (next, sign) = between(line, end);
        groups.push(Group { part: from..end, sign });
        to = end;
        if groups.len() == GROUPS_MAX || sign == 0 {
            return to;
        }
        from = next;
    }
}

/// What is between two groups: where the next one begins, and the sign; 0 if none follows.
fn between(line: &Line<'_>, end: usize) -> (usize, u8) {
    let (mut at, mut sign) = (end, separator(line, end));
    // One sign is the most usual, and costs least.
    if sign == 0 && line.byte(end) != b'(' {
        return (end, 0);
    }
    if sign != 0 && line.byte(end + 1).is_ascii_digit() {
        return (end + 1, sign);
    }
    sign = 0;
    while at < end + SEPARATORS_MAX {
        sign = match (sign, separator(line, at)) {
            (_, 0) => break,
            (0, other) => other,
            // A full stop with a space ends a sentence or the number of an item.
            (b' ', b'.') | (b'.', b' ') => return (end, 0),
            (b' ', other) | (other, b' ') | (other @ b')', b'-') => other,
            (b'-', b'-') => b'-',
            _ => return (end, 0),
        };
        at += 1;
    }
    if line.byte(at) == b'(' {
        (at, sign) = (at + 1, if sign == 0 { b'(' } else { sign });
    }
    (at, if line.byte(at).is_ascii_digit() { sign } else { 0 })
}

/// What a character is between two groups of digits: a space for any white space, a hyphen for any dash; 0 if nothing.
fn separator(line: &Line<'_>, at: usize) -> u8 {
    match line.byte(at) {
        sign @ (b' ' | b'-' | b'.' | b'/' | b'_' | b')') => sign,
        b'\n' | b'\r' | b'\t' => b' ',
        SIGN if line.at(at).is_some_and(|sign| matches!(sign, '‐'..='―' | '−' | '·' | '•' | '‧')) => b'-',
        _ => 0,
    }
}

/// Groups of digits that are read at once, and where what is before the first of them begins: `+` or `(`.
struct Groups<'l, 't> {
    line: &'l Line<'t>,
    start: usize,
    groups: &'l [Group],
}

impl Groups<'_, '_> {
    fn phones(&self, phones: &mut Vec<Range<usize>>) {
        let (mut last_end, mut first) = (0, 0);
        while first < self.groups.len() {
            let is_mobile = |end: &usize| self.is_mobile_apart(last_end, first, *end);
            let end = self.mobile(first).filter(is_mobile).or_else(|| self.other(last_end, first));
            if let Some(end) = end {
                phones.push(self.line.bytes(self.part(first, end)));
                (last_end, first) = (end, end);
            } else {
                first += 1;
            }
        }
    }

    fn part(&self, first: usize, end: usize) -> Range<usize> {
        let start = self.groups.get(first).map_or(self.start, |group| group.part.start);
        let end = end.checked_sub(1).and_then(|last| self.groups.get(last)).map_or(start, |group| group.part.end);
        if first == 0 { self.start..end } else { start..end }
    }

    fn digits(&self, index: usize) -> &[u8] {
        self.groups.get(index).map(|group| self.line.plain(group.part.clone())).unwrap_or_default()
    }

    /// Number of digits of a group; 0 beyond the last one.
    fn size(&self, index: usize) -> usize {
        self.groups.get(index).map_or(0, |group| group.part.len())
    }

    /// What is before a group, if another group is.
    fn sign_before(&self, index: usize) -> u8 {
        index.checked_sub(1).and_then(|before| self.groups.get(before)).map_or(0, |group| group.sign)
    }

    /// The group after a mobile number of China that begins with this group.
    fn mobile(&self, first: usize) -> Option<usize> {
        let (size, digits) = (self.size(first), self.digits(first));
        if size == 2 && digits == b"86" {
            return self.mobile_without_country(first + 1);
        }
        let is_whole = size == 13 && digits.strip_prefix(b"86").is_some_and(|rest| is_mobile(rest) && !is_round(rest));
        if is_whole { Some(first + 1) } else { self.mobile_without_country(first) }
    }

    fn mobile_without_country(&self, first: usize) -> Option<usize> {
        let groups = match self.size(first) {
            11 if !is_round(self.digits(first)) => 1,
            7 if self.size(first + 1) == 4 => 2,
            3 if self.size(first + 1) == 8 => 2,
            3 if self.size(first + 1) == 4 && self.size(first + 2) == 4 => 3,
            _ => return None,
        };
        // Two groups with a full stop are a fraction.
        let is_number = is_mobile(self.digits(first)) && !(groups == 2 && self.sign_before(first + 1) == b'.');
        is_number.then_some(first + groups)
    }

    /// Whether what is beside a mobile number of China is no part of it.
    fn is_mobile_apart(&self, last_end: usize, first: usize, end: usize) -> bool {
        let is_alone = end == first + 1;
        let starts = match self.sign_before(first) {
            0 | b' ' | b')' | b'/' => true,
            // The number of an item: `1.13812345678`.
            b'.' if is_alone && first == 1 => matches!(self.digits(0), [b'1'..=b'9']),
            _ => first == last_end,
        };
        let ends = match self.sign_before(end) {
            _ if end == self.groups.len() => true,
            b' ' | b')' | b'(' | b'/' => true,
            b'_' => false,
            _ => is_alone || self.mobile(end).is_some(),
        };
        starts && ends && !is_part_of_word(self.line, &self.part(first, end)) && !self.is_fraction(first)
    }

    /// Whether digits are those after a comma: `0,13812345678`.
    fn is_fraction(&self, first: usize) -> bool {
        let start = self.part(first, first).start;
        match *self.line.plain(start.saturating_sub(3)..start) {
            [.., beyond, b'.'] => beyond.is_ascii_digit() && first == 0,
            [b'0', b','] => true,
            [beyond, b'0', b','] => !beyond.is_ascii_digit(),
            _ => false,
        }
    }

    /// The group after the longest number of any country that begins with this group; the last one ends at `last_end`.
    fn other(&self, last_end: usize, first: usize) -> Option<usize> {
        let (size, digit) = (self.size(first), *self.digits(first).first()?);
        let has_plus = first == 0 && self.line.byte(self.start) == b'+';
        let can_be = has_plus
            || match (digit, size) {
                (b'0', 1) => self.size(first + 1) > 1,
                (b'0', _) | (b'8', 11) => true,
                (b'1' | b'8', 1) => self.size(first + 1) == 3,
                (b'1', 4) => self.size(first + 1) == 4,
                (_, 3) => matches!(self.size(first + 1), 2 | 3),
                _ => false,
            };
        if !can_be {
            return None;
        }
        let before = self.groups.get(last_end..first)?;
        let is_beside = |group: &Group| group.is_short() && matches!(group.sign, b' ' | b')');
        if before.len() > BESIDE_MAX || !before.iter().all(is_beside) {
            return None;
        }
        let mut number = Number::default();
        let mut longest = None;
        for (index, group) in self.groups.iter().enumerate().skip(first) {
            if !number.push(self.line.plain(group.part.clone()), self.sign_before(index)) {
                break;
            }
            let is_dialled = has_plus || number.digits().starts_with(b"00");
            if !is_dialled && number.groups > LOCAL_GROUPS_MAX {
                break;
            }
            let end = index + 1;
            if number.len >= *DIGITS.start() && number.is_phone(has_plus) && self.can_end(end) {
                longest = Some(end);
            }
        }
        let is_apart = |end: &usize| {
            let part = self.part(first, *end);
            let is_in_word =
                if has_plus { is_part_of_word(self.line, &part) } else { is_beside_word(self.line, &part) };
            !is_in_word && !is_part_of_number(self.line, &part)
        };
        longest.filter(is_apart).or_else(|| {
            // `24h` is not of the number.
            let end = longest?.checked_sub(1).filter(|end| *end > first)?;
            (number.is_phone_until(end - first, has_plus) && self.can_end(end) && is_apart(&end)).then_some(end)
        })
    }

    /// Whether a number can end before this group: the others are few and short, or another number or a date.
    fn can_end(&self, end: usize) -> bool {
        let rest = self.groups.get(end..).unwrap_or_default();
        if rest.is_empty() {
            return true;
        }
        let sizes = [self.size(end), self.size(end + 1), self.size(end + 2)];
        let sign = self.sign_before(end);
        matches!(sign, b' ' | b'/' | b')')
            && (sign != b'/' && rest.len() <= BESIDE_MAX && rest.iter().all(Group::is_short)
                || self.digits(end).starts_with(b"0") && sizes[0] > 1
                || matches!(sizes, [3, 3, 4] | [4, 1..=2, 1..=2] | [1..=2, 1..=2, 4])
                || self.mobile(end).is_some())
    }
}

/// Whether digits begin like a mobile number of China.
const fn is_mobile(digits: &[u8]) -> bool {
    matches!(digits, [b'1', b'3' | b'5'..=b'9', ..] | [b'1', b'4', b'5'..=b'9', ..])
}

/// Whether this is an amount rather than a number: `13000000000`.
fn is_round(digits: &[u8]) -> bool {
    digits.ends_with(b"0000")
}

/// Whether a number is in a word: letters on both sides of it, digits beyond the letters, or letters of hexadecimal.
fn is_part_of_word(line: &Line<'_>, part: &Range<usize>) -> bool {
    let (before, after) = (line.byte(part.start.wrapping_sub(1)), line.byte(part.end));
    if !is_word(before) && !is_word(after) {
        return false;
    }
    let has_letters_on_both_sides = before.is_ascii_alphabetic() && after.is_ascii_alphabetic();
    if has_letters_on_both_sides || before.is_ascii_digit() || after.is_ascii_digit() {
        return true;
    }
    let start = part.start.saturating_sub(LETTERS_READ_MAX);
    let is_letter = |byte: &&u8| byte.is_ascii_alphabetic();
    let before = line.plain(start..part.start).iter().rev().take_while(is_letter).count();
    let after = line.plain(part.end..line.len()).iter().take(LETTERS_READ_MAX).take_while(is_letter).count();
    let letters = line.plain(part.start - before..part.start).iter().chain(line.plain(part.end..part.end + after));
    let beyond = [line.byte((part.start - before).wrapping_sub(1)), line.byte(part.end + after)];
    if before + after == 0 {
        // A line below is a sign of a name only between letters or digits.
        let further = [line.byte(part.start.wrapping_sub(2)), line.byte(part.end + 1)];
        return beyond.iter().zip(further).any(|(sign, further)| *sign == b'_' && further.is_ascii_alphanumeric());
    }
    let is_hex = letters.into_iter().all(|byte| matches!(byte, b'a'..=b'f'));
    is_hex || beyond.into_iter().any(is_word)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Whether a letter or a digit is directly beside.
fn is_beside_word(line: &Line<'_>, part: &Range<usize>) -> bool {
    is_word(line.byte(part.start.wrapping_sub(1))) || is_word(line.byte(part.end))
}

/// Whether digits are a part of a longer number: of a fraction, a price, a time.
fn is_part_of_number(line: &Line<'_>, part: &Range<usize>) -> bool {
    let goes_on = |beside: u8, beyond: u8| matches!(beside, b'.' | b',' | b':') && beyond.is_ascii_digit();
    goes_on(line.byte(part.start.wrapping_sub(1)), line.byte(part.start.wrapping_sub(2)))
        || goes_on(line.byte(part.end), line.byte(part.end + 1))
}

/// Groups that are tried as one number.
#[derive(Default)]
struct Number {
    digits: [u8; DIALLED_MAX],
    len: usize,
    sizes: [usize; GROUPS_MAX],
    /// What is before each group.
    signs: [u8; GROUPS_MAX],
    groups: usize,
}

impl Number {
    /// Adds a group, unless these are too many digits for a number.
    fn push(&mut self, digits: &[u8], sign: u8) -> bool {
        let Some(room) = self.digits.get_mut(self.len..self.len + digits.len()) else { return false };
        room.copy_from_slice(digits);
        self.len += digits.len();
        if let (Some(size), Some(before)) = (self.sizes.get_mut(self.groups), self.signs.get_mut(self.groups)) {
            (*size, *before) = (digits.len(), sign);
        }
        self.groups += 1;
        true
    }

    fn digits(&self) -> &[u8] {
        self.digits.get(..self.len).unwrap_or_default()
    }

    fn is_phone(&self, has_plus: bool) -> bool {
        self.is_phone_until(self.groups, has_plus)
    }

    /// Whether the first groups are a phone number.
    fn is_phone_until(&self, groups: usize, has_plus: bool) -> bool {
        let sizes = self.sizes.get(..groups).unwrap_or_default();
        let digits = self.digits.get(..sizes.iter().sum()).unwrap_or_default();
        let signs = self.signs.get(1..groups).unwrap_or_default();
        // Numbers with one dot are fractions, four groups with dots addresses.
        let is_other = signs == b"." || signs == b"..." && sizes.iter().all(|size| *size <= 3);
        !is_other && if has_plus { is_of_a_country(digits) } else { is_local(digits, sizes, signs) }
    }
}

/// Whether these digits are a number after `+`.
fn is_of_a_country(digits: &[u8]) -> bool {
    DIGITS.contains(&digits.len()) && !digits.starts_with(b"0")
}

/// Whether these digits are a number as it is dialled, in groups of these sizes with these signs between them.
fn is_local(digits: &[u8], sizes: &[usize], signs: &[u8]) -> bool {
    let len = digits.len();
    let is_digit = |at: usize, from: u8| digits.get(at).is_some_and(|byte| (from..=b'9').contains(byte));
    match digits.first() {
        Some(b'0') if digits.starts_with(b"00") => {
            (10..=DIALLED_MAX).contains(&len) && is_digit(2, b'1') && !is_row(digits, sizes)
        }
        Some(b'0') => {
            (9..=12).contains(&len)
                && sizes.len() <= LOCAL_GROUPS_MAX
                && (sizes.len() > 1 || len >= 10)
                && !is_date(digits, sizes, signs)
                && !is_row(digits, sizes)
                && !is_book(sizes, signs)
        }
        // With the number of the country before it, areas and offices begin with 2 to 9.
        Some(b'1') => match sizes {
            [1, 3, 3, 4] => is_digit(1, b'2') && is_digit(4, b'2'),
            [4, 4, 3] | [3, 2, 2, 2, 2] => is_mobile(digits),
            _ => false,
        },
        // Of Russia and Kazakhstan.
        Some(b'8') if len == 11 => match sizes {
            [11] => is_digit(1, b'9') && !is_round(digits),
            [1, 3, 3, 2, 2] | [1, 3, 3, 4] | [1, 3, 7] => is_digit(1, b'3'),
            _ => false,
        },
        _ => sizes == [3, 3, 4],
    }
}

/// Whether day, month and year are among these groups, in either order. Five groups of two digits with the same sign
/// between them are a number of France.
fn is_date(digits: &[u8], sizes: &[usize], signs: &[u8]) -> bool {
    let mut from = 0;
    for (index, size) in sizes.iter().enumerate() {
        let is_year =
            *size == 4 && digits.get(from..).is_some_and(|rest| matches!(rest, [b'1', b'9', ..] | [b'2', b'0', ..]));
        let before = sizes.get(index.saturating_sub(2)..index).unwrap_or_default();
        let after = sizes.get(index + 1..index + 3).unwrap_or_default();
        if is_year && (matches!(before, [1..=2, 1..=2]) || matches!(after, [1..=2, 1..=2])) {
            return true;
        }
        from += size;
    }
    let is_short = |size: &usize| *size <= 2;
    sizes.len() >= 3
        && sizes.iter().all(is_short)
        && (sizes.len() == 3 || signs.windows(2).any(|pair| pair.first() != pair.last()))
}

/// Highest number that is drawn in a lottery.
const DRAWN_MAX: i64 = 50;

/// Whether groups are opening hours, a row or the numbers of a lottery: three of four digits, groups of which each is
/// as much more than the one before, or low numbers in order.
fn is_row(digits: &[u8], sizes: &[usize]) -> bool {
    let Some(size) = sizes.first().filter(|size| sizes.len() >= 3 && sizes.iter().all(|other| other == *size)) else {
        return false;
    };
    let number = |group: &[u8]| group.iter().fold(0_i64, |number, digit| number * 10 + i64::from(digit - b'0'));
    let (mut last_step, mut last, mut is_even, mut is_drawn) = (None, None, true, *size == 2);
    for group in digits.chunks(*size).map(number) {
        let step = last.map(|last| group - last);
        is_even &= last_step.is_none() || last_step == step;
        is_drawn &= step.is_none_or(|step| step > 0) && group <= DRAWN_MAX;
        (last_step, last) = (step, Some(group));
    }
    is_even || is_drawn || sizes == [4, 4, 4]
}

/// Whether groups are those of an ISBN of ten digits: `0-306-40615-2`.
fn is_book(sizes: &[usize], signs: &[u8]) -> bool {
    matches!(sizes, [1, _, _, 1]) && signs == b"---"
}
