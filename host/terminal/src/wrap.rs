//! Breaks long lines.

/// Breaks a text at its spaces into lines of at most `columns` characters, and begins each line but the first with
/// `indent`, which is not counted. A longer word has a line of its own.
///
/// ```
/// use callgate_terminal::wrapped;
/// assert_eq!(wrapped("one two three", 7, "> "), "one two\n> three");
/// assert_eq!(wrapped("unbreakable one", 4, ""), "unbreakable\none");
/// ```
#[must_use]
pub fn wrapped(text: &str, columns: usize, indent: &str) -> String {
    let (mut wrapped, mut used) = (String::new(), 0);
    for word in text.split(' ') {
        let width = word.chars().count();
        if used > 0 && used + 1 + width > columns {
            wrapped.push('\n');
            wrapped.push_str(indent);
            used = 0;
        } else if used > 0 {
            wrapped.push(' ');
            used += 1;
        }
        wrapped.push_str(word);
        used += width;
    }
    wrapped
}
