//! Text that a stranger wrote, made fit for one line of a log.

/// `text` on one line, cut to 1000 characters.
///
/// What would end a line, steer a terminal, reverse the direction of a line, or is not allowed in XML becomes a space.
///
/// ```
/// use plugin_sdk::line::one_line;
/// assert_eq!(one_line("two\nlines"), "two lines");
/// ```
#[must_use]
pub fn one_line(text: &str) -> String {
    const CHARACTERS_MAX: usize = 1000;
    let is_unfit = |c: char| {
        c.is_control()
            || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
            || c as u32 & 0xfffe == 0xfffe
    };
    text.chars().take(CHARACTERS_MAX).map(|c| if is_unfit(c) { ' ' } else { c }).collect()
}
