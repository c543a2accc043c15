// Read by the build script too.

/// Whether a character shows as nothing: zero-width spaces and joiners, soft hyphens, direction marks, variation
/// selectors.
///
/// ```
/// assert!(plugin_sdk::text::is_invisible('\u{200b}'));
/// assert!(!plugin_sdk::text::is_invisible('a'));
/// ```
#[must_use]
pub const fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// Whether a character shows as a space: the white space of Unicode, and braille's blank.
///
/// ```
/// assert!(plugin_sdk::text::is_space('\u{3000}')); // ideographic space
/// ```
#[must_use]
pub fn is_space(c: char) -> bool {
    c.is_whitespace() || c == '\u{2800}'
}
