//! Hides parts of a text, and leaves every other byte as it was.

use std::ops::Range;

use plugin_sdk::neutral::Edit;
use plugin_sdk::text::words::masked;

/// Maximum number of times that a text is searched again: hiding a word can create another one, where the mask
/// character stands for a letter.
const ROUNDS_MAX: usize = 8;

/// Bytes that are searched again in all, of which texts that are longer get less rounds.
const AGAIN_BYTES_MAX: usize = 64 * 1024;

/// Rounds that any text gets: one for what hiding brought about, and one to see that this was all.
const ROUNDS_MIN: usize = 2;

/// The edits after which `find` finds nothing in `text`; `None` if masking cannot achieve that.
/// `find` returns `None` if it did not search all of it.
pub(crate) fn edits(
    text: &str,
    mask: char,
    mut find: impl FnMut(&str) -> Option<Vec<Range<usize>>>,
) -> Option<Vec<Edit>> {
    let mut edits = hidden(text, find(text)?, mask);
    let rounds = AGAIN_BYTES_MAX.checked_div(text.len()).unwrap_or(ROUNDS_MAX).clamp(ROUNDS_MIN, ROUNDS_MAX);
    for _ in 0..rounds {
        let now = Edit::apply(text, &edits);
        let again = hidden(&now, find(&now)?, mask);
        if again.is_empty() {
            return Some(edits);
        }
        edits = composed(&edits, &now, &again);
    }
    None
}

/// Combines two lists of edits into one: `first` applies to the text, `second` to its result, `now`.
fn composed(first: &[Edit], now: &str, second: &[Edit]) -> Vec<Edit> {
    // Where the first ones are in the result.
    let mut grown = 0_isize;
    let placed: Vec<(Range<usize>, isize)> = first
        .iter()
        .map(|edit| {
            let start = edit.range.start.saturating_add_signed(grown);
            grown += edit.with.len() as isize - edit.range.len() as isize;
            (start..start + edit.with.len(), grown)
        })
        .collect();
    let parts = placed.iter().map(|(range, _)| range.clone()).chain(second.iter().map(|edit| edit.range.clone()));
    // Maps a position outside all edits, or at the edge of one, to the text before them.
    let before = |at: usize| {
        let after = placed.partition_point(|(range, _)| range.end <= at);
        let last = after.checked_sub(1).and_then(|last| placed.get(last));
        at.saturating_add_signed(-last.map_or(0, |(_, grown)| *grown))
    };
    whole(parts.collect())
        .into_iter()
        .map(|part| {
            let from = second.partition_point(|edit| edit.range.start < part.start);
            let inner = second.iter().skip(from).take_while(|edit| edit.range.end <= part.end);
            let inner: Vec<Edit> = inner
                .map(|edit| Edit {
                    range: edit.range.start - part.start..edit.range.end - part.start,
                    with: edit.with.clone(),
                })
                .collect();
            let with = Edit::apply(now.get(part.clone()).unwrap_or_default(), &inner);
            Edit { range: before(part.start)..before(part.end), with }
        })
        .collect()
}

/// One edit for each part that is covered, in order.
fn hidden(text: &str, parts: Vec<Range<usize>>, mask: char) -> Vec<Edit> {
    let edits = whole(parts).into_iter().map(|range| Edit { with: masked(text, range.clone(), mask), range });
    // Masked once, a part stays as it is.
    edits.filter(|edit| text.get(edit.range.clone()) != Some(&*edit.with)).collect()
}

/// The parts in order, those that overlap or touch as one.
fn whole(mut parts: Vec<Range<usize>>) -> Vec<Range<usize>> {
    parts.sort_by_key(|part| part.start);
    let mut whole: Vec<Range<usize>> = Vec::with_capacity(parts.len());
    for part in parts {
        match whole.last_mut() {
            Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
            _ => whole.push(part),
        }
    }
    whole
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
    fn edits_one_after_the_other_are_edits_of_the_first_text() {
        let edit = |range, with: &str| Edit { range, with: with.to_owned() };
        let text = "one two three four";
        let first = [edit(0..3, "*"), edit(8..13, "*****é")];
        let now = Edit::apply(text, &first);
        let second = [edit(2..5, "???"), edit(11..14, "!")];
        let both = composed(&first, &now, &second);
        assert_eq!(Edit::apply(text, &both), Edit::apply(&now, &second));
        assert_eq!(both.len(), 3, "{both:?}");
    }

    #[test]
    fn what_comes_about_by_hiding_is_hidden_too() {
        let find = |text: &str| {
            let wanted = if text.contains('b') { "b" } else { "a*c" };
            Some(text.find(wanted).map(|at| at..at + wanted.len()).into_iter().collect())
        };
        let edits = edits("xabcx", '*', find).unwrap();
        assert_eq!(Edit::apply("xabcx", &edits), "x***x");
        let all = |text: &str| Some(std::iter::once(0..text.len()).collect());
        assert_eq!(super::edits("a", '*', all).map(|edits| edits.len()), Some(1));
    }
}
