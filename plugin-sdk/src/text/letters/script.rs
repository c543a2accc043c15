// Read by the build script too.

/// The letters that a digit or a sign stands for in a disguised word (`fr3e`, `$pam`, `п0рн0`), in the classes of
/// [`Letter::class`](super::Letter::class); of the Latin alphabet first, then of the Cyrillic one.
///
/// ```
/// use plugin_sdk::text::letters::leet;
/// assert_eq!(leet('3'), ['e', 'з']);
/// assert_eq!(leet('$'), ['s']);
/// assert!(leet('x').is_empty());
/// ```
#[must_use]
pub const fn leet(c: char) -> &'static [char] {
    match c {
        '0' => &['o'],
        '1' | '!' | '|' | '¡' | '£' => &['i'],
        '2' => &['z'],
        '3' => &['e', 'з'],
        '4' => &['a', 'ч'],
        '5' | '$' | '§' => &['s'],
        '6' => &['g', 'b', 'б'],
        '7' | '+' => &['t'],
        '8' => &['b'],
        '9' => &['g'],
        '@' => &['a'],
        '€' => &['e'],
        '(' | '¢' => &['c'],
        '¥' => &['y'],
        _ => &[],
    }
}

/// Whether words in this letter's script have spaces between them, so that a word inside of a longer one is another
/// word: Latin, Greek, Cyrillic, Armenian, Georgian, Hebrew, Arabic.
#[must_use]
pub const fn is_spaced(letter: char) -> bool {
    matches!(letter, '\0'..='\u{8ff}' | '\u{10a0}'..='\u{10ff}' | '\u{1d00}'..='\u{1fff}' | '\u{fb1d}'..='\u{fefc}')
}

/// Whether a character is a symbol that shows letters: a flag's, one in a circle or a square, `™`, `№`, `º`, `㎡`.
/// Beside a word it is no letter of it, although a word can be written with such characters.
#[must_use]
pub const fn is_symbol(c: char) -> bool {
    matches!(c, 'ª' | 'º' | '\u{2070}'..='\u{209f}' | '\u{2100}'..='\u{214f}' | '\u{2460}'..='\u{24ff}'
        | '\u{3200}'..='\u{33ff}' | '\u{1f100}'..='\u{1f1ff}')
}

/// Whether a letter is Arabic.
#[must_use]
pub const fn is_arabic(letter: char) -> bool {
    matches!(letter, '\u{600}'..='\u{6ff}' | '\u{750}'..='\u{77f}' | '\u{8a0}'..='\u{8ff}')
}
