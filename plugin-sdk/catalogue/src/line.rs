//! Makes untrusted text safe for one line of a log.

/// Makes text from a plugin, a chat server or a caller safe for one line of a log or a terminal: at most 1000
/// characters, with a space in place of each character that would end the line, control a terminal, reverse the rest of
/// the line or be invalid in XML.
///
/// ```
/// use callgate_catalogue::line::one_line;
/// assert_eq!(one_line("a\nb\u{1b}[31mc\u{202e}d"), "a b [31mc d");
/// assert_eq!(one_line(&"é".repeat(2000)).chars().count(), 1000);
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
