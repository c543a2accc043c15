//! Hides parts of a text, and leaves every other byte as it was.

use std::ops::Range;

use plugin_sdk::neutral::Edit;
use plugin_sdk::text::words::masked;

/// Most times that a text is looked at again: hiding a word can bring another one about where the mask's sign stands
/// for a letter.
const ROUNDS_MAX: usize = 8;

/// What to replace in `text` so that `find` finds nothing any more. `None` if that cannot be reached.
pub(crate) fn edits(text: &str, mask: char, find: impl Fn(&str) -> Vec<Range<usize>>) -> Option<Vec<Edit>> {
    let first = hidden(text, find(text), mask);
    let mut now = Edit::apply(text, &first);
    for round in 0..ROUNDS_MAX {
        let again = hidden(&now, find(&now), mask);
        if again.is_empty() {
            return Some(if round == 0 { first } else { vec![difference(text, &now)] });
        }
        now = Edit::apply(&now, &again);
    }
    None
}

/// One edit for each part that is covered, in order.
fn hidden(text: &str, mut parts: Vec<Range<usize>>, mask: char) -> Vec<Edit> {
    parts.sort_by_key(|part| part.start);
    let mut whole: Vec<Range<usize>> = Vec::with_capacity(parts.len());
    for part in parts {
        match whole.last_mut() {
            Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
            _ => whole.push(part),
        }
    }
    let edits = whole.into_iter().map(|range| Edit { with: masked(text, range.clone(), mask), range });
    // Masked once, a part stays as it is.
    edits.filter(|edit| text.get(edit.range.clone()) != Some(&*edit.with)).collect()
}

/// The part in which two texts differ.
fn difference(old: &str, new: &str) -> Edit {
    let same = |(old, new): &(char, char)| old == new;
    let start: usize = old.chars().zip(new.chars()).take_while(same).map(|(c, _)| c.len_utf8()).sum();
    let (old_rest, new_rest) = (old.get(start..).unwrap_or_default(), new.get(start..).unwrap_or_default());
    let backwards = old_rest.chars().rev().zip(new_rest.chars().rev());
    let end: usize = backwards.take_while(same).map(|(c, _)| c.len_utf8()).sum();
    Edit { range: start..old.len() - end, with: new_rest.get(..new_rest.len() - end).unwrap_or_default().to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overlapping_parts_are_one() {
        let edits = hidden("free money back", vec![5..15, 0..10], '*');
        assert_eq!(edits, [Edit { range: 0..15, with: "**** ***** ****".to_owned() }]);
    }

    #[test]
    fn a_difference_is_as_short_as_can_be() {
        assert_eq!(difference("aöbc", "aö*c"), Edit { range: 3..4, with: "*".to_owned() });
        assert_eq!(difference("aa", "a"), Edit { range: 1..2, with: String::new() });
        assert_eq!(difference("", ""), Edit { range: 0..0, with: String::new() });
    }

    #[test]
    fn what_comes_about_by_hiding_is_hidden_too() {
        let find = |text: &str| {
            let wanted = if text.contains('b') { "b" } else { "a*c" };
            text.find(wanted).map(|at| at..at + wanted.len()).into_iter().collect()
        };
        let edits = edits("xabcx", '*', find).unwrap();
        assert_eq!(Edit::apply("xabcx", &edits), "x***x");
        assert_eq!(super::edits("a", '*', |text| vec![0..text.len()]).map(|edits| edits.len()), Some(1));
    }
}
